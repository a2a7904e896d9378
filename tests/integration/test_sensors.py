"""What starts runs: a new upload, the end of a night's link, the end of an upload's load. The warehouse is a real one."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection

from pipelines.cli import make_ready
from pipelines.contracts import Contract, by_key, load_contracts
from pipelines.definitions import build_definitions
from pipelines.ingest import ingest
from pipelines.jobs import WALKED, WAREHOUSE, chain
from pipelines.load import warehouse
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.uploads import DATASET_TAG, upload_sensor
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.contracts import column, document, make, upload
from tests.support.sftp_server import SftpServer

FIRST = b"id,nama\n1,Pasar Pagi\n"
SECOND = b"id,nama\n1,Pasar Pagi\n2,Pasar Segiri\n"
RUN = "7" * 32
CONTRACTS = load_contracts(PROJECT_ROOT / "contracts")
LINKS = list(pairwise(chain(CONTRACTS)))
EVENTS = {dg.DagsterRunStatus.SUCCESS: "PIPELINE_SUCCESS", dg.DagsterRunStatus.FAILURE: "PIPELINE_FAILURE"}


class Zone:
    """An upload zone with one dataset, a warehouse, and the sensor that looks at both."""

    def __init__(self, url: str, folder: Path, **custom: Any) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.settings = Settings(home=folder, project=folder, warehouse_url=self.url)
        columns = [column("id", "integer", primaryKey=True), column("nama")]
        doc = document(
            "dagang/pasar",
            columns,
            upload("dagang/pasar", "csv"),
            extract={"format": "csv", "pattern": "*.csv"},
            **custom,
        )
        self.contract: Contract = make(folder / "contracts", doc)
        self.sensor = upload_sensor([self.contract], self.settings)
        self.connection: Connection[Any] = warehouse.connect(self.url)
        self.cursor: str | None = None

    def put(self, content: bytes, name: str = "pasar.csv", *, seconds_ago: float = 60) -> None:
        path = self.settings.upload_zone / self.contract.key / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        at = time.time() - seconds_ago
        os.utime(path, (at, at))

    def look(self) -> list[dg.RunRequest]:
        """A tick of the sensor; its cursor is kept for the next one."""
        context = dg.build_sensor_context(
            cursor=self.cursor, resources={"warehouse": Warehouse(url=self.url)}
        )
        result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        return list(result.run_requests or [])

    def load(self) -> None:
        done = ingest(self.connection, self.contract, self.settings, self.url, run_id="uji")
        assert done.batch is not None and done.batch.state == "loaded"


@pytest.fixture
def zone(pg_url: str, tmp_path: Path) -> Iterator[Zone]:
    made = Zone(pg_url, tmp_path)
    warehouse.prepare(made.connection, [made.contract])
    yield made
    made.connection.close()


def test_an_empty_zone_starts_nothing(zone: Zone) -> None:
    assert zone.look() == []
    assert zone.cursor == "{}"


def test_a_new_file_starts_one_load_of_its_dataset(zone: Zone) -> None:
    zone.put(FIRST)
    (request,) = zone.look()
    assert request.run_key == f"dagang/pasar:{hashlib.sha256(FIRST).hexdigest()}"
    assert request.asset_selection == [dg.AssetKey(["raw", "dagang", "pasar"])]
    assert request.tags[DATASET_TAG] == "dagang/pasar"
    assert zone.look() == []


def test_a_file_still_being_written_waits_until_it_is_quiet(zone: Zone) -> None:
    zone.put(FIRST, seconds_ago=0)
    assert zone.look() == []
    zone.put(SECOND, seconds_ago=10)
    (request,) = zone.look()
    assert request.run_key is not None
    assert request.run_key.endswith(hashlib.sha256(SECOND).hexdigest())


def key(content: bytes) -> str:
    return f"dagang/pasar:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def appending(pg_url: str, tmp_path: Path) -> Iterator[Zone]:
    made = Zone(pg_url, tmp_path, write_disposition="append")
    warehouse.prepare(made.connection, [made.contract])
    yield made
    made.connection.close()


def ledger(zone: Zone, name: str, content: bytes) -> None:
    """The ledger's entry of a file that was loaded."""
    zone.connection.execute(
        "insert into ops.load_batch (dataset, source_name, source_fingerprint, state) values (%s, %s, %s, 'loaded')",
        [zone.contract.key, name, f"{hashlib.sha256(content).hexdigest()}:kontrak"],
    )


def test_of_files_that_replace_each_other_only_the_newest_is_loaded(zone: Zone) -> None:
    zone.put(FIRST, "2024.csv", seconds_ago=90)
    zone.put(SECOND, "2025.csv", seconds_ago=60)
    assert [r.run_key for r in zone.look()] == [key(SECOND)]


def test_every_file_of_an_appending_dataset_starts_a_run_oldest_first(appending: Zone) -> None:
    appending.put(SECOND, "2025.csv", seconds_ago=60)
    appending.put(FIRST, "2024.csv", seconds_ago=90)
    requests = appending.look()
    assert [r.run_key for r in requests] == [key(FIRST), key(SECOND)]
    assert [r.tags["gudang/berkas"] for r in requests] == ["2024.csv", "2025.csv"]
    assert appending.look() == []


def test_an_older_file_that_comes_later_is_not_missed_and_one_being_written_waits(appending: Zone) -> None:
    third = SECOND + b"3,Pasar Ijabah\n"
    appending.put(SECOND, "2025.csv", seconds_ago=60)
    assert len(appending.look()) == 1
    ledger(appending, "2025.csv", SECOND)
    appending.put(FIRST, "2023.csv", seconds_ago=9_000)
    appending.put(third, "2026.csv", seconds_ago=0)
    assert [r.run_key for r in appending.look()] == [key(FIRST)]
    appending.put(third, "2026.csv", seconds_ago=10)
    assert key(third) in [r.run_key for r in appending.look()]


def test_what_the_ledger_knows_of_each_appended_file_starts_nothing_but_its_correction_does(
    appending: Zone,
) -> None:
    appending.put(FIRST, "2024.csv", seconds_ago=90)
    appending.put(SECOND, "2025.csv", seconds_ago=60)
    ledger(appending, "2024.csv", FIRST)
    ledger(appending, "2025.csv", SECOND)
    assert appending.look() == []
    corrected = FIRST + b"9,Pasar Baqa\n"
    appending.put(corrected, "2024.csv", seconds_ago=30)
    assert [r.run_key for r in appending.look()] == [key(corrected)]


def test_a_cursor_does_not_grow_with_the_files(appending: Zone) -> None:
    appending.put(FIRST, "0.csv")
    appending.look()
    before = len(appending.cursor or "")
    for number in range(1, 40):
        appending.put(FIRST + f"{number},x\n".encode(), f"{number}.csv")
    assert len(appending.look()) == 40
    assert len(appending.cursor or "") == before


def test_a_file_on_another_machine_waits_until_it_looks_the_same_twice(
    zone: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "sftp"
    folder = root / "zona" / zone.contract.key
    folder.mkdir(parents=True)
    server = SftpServer(root)
    try:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        (folder / "pasar.csv").write_bytes(FIRST)
        os.utime(folder / "pasar.csv", (1, 1))  # a clock of its own
        assert zone.look() == []
        (folder / "pasar.csv").write_bytes(SECOND)
        os.utime(folder / "pasar.csv", (2, 2))
        assert zone.look() == []
        (request,) = zone.look()
        assert request.run_key == key(SECOND)
        assert zone.look() == []
        server.pause()
        assert zone.look() == []
        server.resume()
        zone.load()
        assert zone.look() == []
    finally:
        server.stop()


def test_a_correction_under_the_same_name_starts_another_load(zone: Zone) -> None:
    zone.put(FIRST)
    first = zone.look()
    zone.put(SECOND, seconds_ago=30)
    second = zone.look()
    assert [len(first), len(second)] == [1, 1]
    assert first[0].run_key != second[0].run_key


def test_the_same_bytes_again_are_the_same_run(zone: Zone) -> None:
    zone.put(FIRST)
    (first,) = zone.look()
    zone.put(FIRST, "pasar_lagi.csv", seconds_ago=30)
    (again,) = zone.look()
    assert again.run_key == first.run_key  # Dagster starts one run per key


def test_what_the_ledger_knows_as_loaded_starts_nothing(zone: Zone) -> None:
    zone.put(FIRST)
    zone.load()
    assert zone.look() == []
    zone.put(SECOND, seconds_ago=30)
    assert len(zone.look()) == 1


def test_a_warehouse_that_was_never_used_is_no_error(pg_url: str, tmp_path: Path) -> None:
    fresh = Zone(pg_url, tmp_path)
    fresh.put(FIRST)
    assert len(fresh.look()) == 1
    fresh.connection.close()


def test_a_link_that_leads_out_of_the_zone_is_passed_over(zone: Zone, tmp_path: Path) -> None:
    outside = tmp_path / "rahasia.csv"
    outside.write_bytes(FIRST)
    folder = zone.settings.upload_zone / zone.contract.key
    folder.mkdir(parents=True)
    (folder / "pasar.csv").symlink_to(outside)
    assert zone.look() == []


def test_before_the_first_night_the_ui_makes_ready_what_an_upload_needs(pg_url: str, tmp_path: Path) -> None:
    fresh = Zone(pg_url, tmp_path)
    settings = Settings(home=tmp_path, project=PROJECT_ROOT, warehouse_url=fresh.url)
    make_ready(settings)
    make_ready(settings)
    contract = by_key(load_contracts(settings.contracts_dir))["dkp/pembenihan_ikan"]
    folder = settings.upload_zone / contract.key
    folder.mkdir(parents=True)
    (folder / "benih.csv").write_text(
        "id,TAHUN,PROVINSI,JENIS_PEMBENIHAN,KAB_KOTA,KELOMPOK_IKAN,VOLUME\n"
        ",2024,KALIMANTAN TIMUR,Pembenihan Air Laut,BERAU,Udang Windu,3400000\n"
    )
    done = ingest(fresh.connection, contract, settings, fresh.url, run_id="uji")
    assert done.batch is not None and (done.batch.read, done.batch.quarantined) == (1, 0)
    fresh.connection.close()


# -- the code location's own sensors -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home = tmp_path_factory.mktemp("home")
    return build_definitions(Settings(home=home, project=PROJECT_ROOT, warehouse_url=None))


def ended(
    definitions: dg.Definitions, sensor: str, job: str, status: dg.DagsterRunStatus, **tags: str
) -> dg.RunRequest | dg.SkipReason:
    """What `sensor` says to a run of `job` that ended with `status`."""
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.DagsterRun(job_name=job, run_id=RUN, tags=tags, status=status)
        context = dg.build_run_status_sensor_context(
            sensor_name=sensor,
            dagster_event=dg.DagsterEvent(event_type_value=EVENTS[status], job_name=job),
            dagster_instance=instance,
            dagster_run=run,
        )
        result = definitions.resolve_sensor_def(sensor)(context)
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


@pytest.mark.parametrize("status", list(EVENTS))
@pytest.mark.parametrize(("before", "after"), LINKS)
def test_a_link_that_has_ended_starts_the_next_however_it_ended(
    definitions: dg.Definitions, before: str, after: str, status: dg.DagsterRunStatus
) -> None:
    name = f"{after}_after_{before}_{status.value.lower()}"
    request = ended(definitions, name, before, status)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == f"{after}:{RUN}"
    sensor = definitions.resolve_sensor_def(name)
    assert sensor.job_name == after
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


@pytest.mark.parametrize("status", list(EVENTS))
def test_a_night_that_walks_its_chain_itself_is_left_to_it(
    definitions: dg.Definitions, status: dg.DagsterRunStatus
) -> None:
    for before, after in LINKS:
        name = f"{after}_after_{before}_{status.value.lower()}"
        skipped = ended(definitions, name, before, status, **{WALKED: "walked"})
        assert isinstance(skipped, dg.SkipReason)


@pytest.mark.parametrize(
    ("dataset", "models"),
    [
        (
            "samarinda/penduduk",
            {
                "staging/stg_samarinda__penduduk",
                "core/antrean_nama_wilayah",
                "core/fct_penduduk_kelurahan",
                "core/agg_penduduk_kelurahan",
                "mart_satu_data/penduduk_kelurahan",
                "mart_satu_data/penduduk_jumlah",
            },
        ),
        (
            "disdikbud/sma",
            {
                "staging/stg_disdikbud__sma",
                "core/antrean_nama_wilayah",
                "core/dim_sekolah",
                "mart_satu_data/satuan_pendidikan",
            },
        ),
    ],
)
def test_after_an_upload_only_what_is_made_of_it_is_built(
    definitions: dg.Definitions, dataset: str, models: set[str]
) -> None:
    request = ended(
        definitions,
        "warehouse_after_upload",
        "upload",
        dg.DagsterRunStatus.SUCCESS,
        **{DATASET_TAG: dataset},
    )
    assert isinstance(request, dg.RunRequest)
    assert {key.to_user_string() for key in request.asset_selection or ()} == models
    assert definitions.resolve_sensor_def("warehouse_after_upload").job_name == WAREHOUSE


def test_a_run_of_no_known_upload_builds_nothing(definitions: dg.Definitions) -> None:
    result = ended(definitions, "warehouse_after_upload", "upload", dg.DagsterRunStatus.SUCCESS)
    assert isinstance(result, dg.SkipReason)


def test_dagster_takes_the_upload_sensors_requests(zone: Zone) -> None:
    """The real sensor through Dagster's own evaluation, which checks each request against job and assets."""
    url = Warehouse(url=zone.url)
    own = build_definitions(
        Settings(home=zone.settings.home, project=PROJECT_ROOT, warehouse_url=zone.url), warehouse=url
    )
    path = zone.settings.upload_zone / "disdikbud/sma/sma.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(FIRST)
    os.utime(path, (1, 1))
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, definitions=own, resources={"warehouse": url})
        tick = own.resolve_sensor_def("unggahan_baru").evaluate_tick(context)
    (request,) = tick.run_requests or []
    assert request.asset_selection == [dg.AssetKey(["raw", "disdikbud", "sma"])]
    assert tick.cursor is not None
