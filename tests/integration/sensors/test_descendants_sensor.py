"""Loads outside of a night start one run of the models that read them. Ledger and Dagster's instance are real."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection

from pipelines.definitions import build_definitions
from pipelines.jobs import (
    AFTER,
    NIGHT,
    PUBLICATION,
    RANGE_END,
    RANGE_START,
    REQUESTED,
    UPLOAD,
    WALKED,
    WAREHOUSE,
)
from pipelines.load import prepare
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import PROJECT_ROOT, Settings
from pipelines.warehouse.connection import connect
from tests.support.repository import own_contracts, own_project

SCHOOLS = {
    "staging/stg_disdikbud__sma",
    "core/antrean_nama_wilayah",
    "core/dim_sekolah",
    "mart_satu_data/satuan_pendidikan",
}
PEOPLE = {
    "staging/stg_samarinda__penduduk",
    "core/antrean_nama_wilayah",
    "core/fct_penduduk_kelurahan",
    "core/agg_penduduk_kelurahan",
    "mart_satu_data/penduduk_kelurahan",
    "mart_satu_data/penduduk_jumlah",
}


PROJECT = own_project()
NOTHING = "Tidak ada yang baru dimuat di luar rangkaian malam."


class Uploads:
    """A ledger and an instance with runs, and the sensor that reads both."""

    def __init__(self, url: str, definitions: dg.Definitions) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.connection: Connection[Any] = connect(self.url)
        self.instance = dg.DagsterInstance.ephemeral()
        self.sensor = definitions.resolve_sensor_def("turunan_pemuatan")
        self.cursor: str | None = None
        self.skip_reason = ""
        self.tags: dict[str, str] = {}

    def run(self, job: str, *, ended: bool = True, ago: float = 60, **tags: str) -> str:
        """The id of a run, which has ended so many seconds ago as Dagster records it, or goes on."""
        run = self.instance.add_run(
            dg.DagsterRun(job_name=job, status=dg.DagsterRunStatus.STARTED, tags=tags)
        )
        if ended:
            self.end(run.run_id, ago=ago)
        return run.run_id

    def end(
        self, run_id: str, how: dg.DagsterEventType = dg.DagsterEventType.RUN_SUCCESS, *, ago: float = 60
    ) -> None:
        event = dg.DagsterEvent(event_type_value=how.value, job_name="")
        self.instance.report_dagster_event(event, run_id=run_id, timestamp=time.time() - ago)

    def loaded(
        self,
        dataset: str,
        run_id: str,
        *,
        ago: int = 60,
        state: str = "loaded",
        days: tuple[str, str] | tuple[None, None] = (None, None),
        full_refresh: bool = False,
    ) -> None:
        """The ledger's entry of a load that was applied so many seconds ago. days: its window."""
        self.connection.execute(
            "insert into ops.load_batch (dataset, run_id, state, window_start, window_end, full_refresh, finished_at)"
            " values (%s, %s, %s, %s, %s, %s, clock_timestamp() - %s * interval '1 s')",
            [dataset, run_id, state, *days, full_refresh, ago],
        )

    def tick(self) -> set[str]:
        """The models of the run that the sensor requests; empty where it requests none."""
        resources = {"warehouse": Warehouse(url=self.url)}
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor, resources=resources)
        result = self.sensor(context)
        if isinstance(result, dg.SkipReason):
            self.skip_reason = result.skip_message or ""
            return set()
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.skip_reason = result.skip_reason.skip_message or "" if result.skip_reason else ""
        requests = result.run_requests or []
        assert len(requests) <= 1
        self.tags = dict(requests[0].tags) if requests else {}
        return {key.to_user_string() for request in requests for key in request.asset_selection or ()}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home = tmp_path_factory.mktemp("home")
    return build_definitions(Settings(home=home, project=PROJECT_ROOT, warehouse_url=None))


@pytest.fixture
def uploads(module_warehouse_url: str, definitions: dg.Definitions) -> Iterator[Uploads]:
    made = Uploads(module_warehouse_url, definitions)
    prepare.prepare(made.connection, [])
    made.connection.execute("truncate ops.load_batch, ops.model_run cascade")
    for node in PROJECT.nodes.values():  # as after the first night
        made.connection.execute(f"create table if not exists {node.relation} ()".encode())
    yield made
    made.connection.close()
    made.instance.dispose()


def test_many_uploads_start_one_run_of_only_their_descendants(uploads: Uploads) -> None:
    for dataset in ("disdikbud/sma", "samarinda/penduduk", "disdikbud/sma"):
        uploads.loaded(dataset, uploads.run(UPLOAD))
    assert uploads.tick() == SCHOOLS | PEOPLE
    assert uploads.tick() == set()
    assert uploads.skip_reason == NOTHING
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD))
    assert uploads.tick() == SCHOOLS
    assert uploads.sensor.job_name == WAREHOUSE
    assert uploads.sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_the_run_waits_for_running_and_very_recent_uploads(uploads: Uploads) -> None:
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD), ago=3)
    assert uploads.tick() == set() and "Menunggu 5 detik" in uploads.skip_reason
    running = uploads.run(UPLOAD, ended=False)
    assert (
        uploads.tick() == set() and f"Menunggu 1 pemuatan selesai, run {running[:8]}" in uploads.skip_reason
    )
    uploads.loaded("samarinda/penduduk", running, ago=700)
    uploads.cursor = None  # its time is after the end of this load, which is really ten minutes later
    assert uploads.tick() == SCHOOLS | PEOPLE  # the longest wait is over


def test_a_load_that_ends_after_later_ones_still_starts_its_models(uploads: Uploads) -> None:
    long = uploads.run(UPLOAD, ended=False)
    uploads.loaded("disdikbud/sma", long, ago=0, state="running")
    uploads.loaded("samarinda/penduduk", uploads.run(UPLOAD), ago=700)  # its longest wait is over
    assert uploads.tick() == PEOPLE
    assert uploads.tick() == set() and uploads.skip_reason == NOTHING
    uploads.connection.execute(
        "update ops.load_batch set state = 'loaded', finished_at = clock_timestamp() - interval '700 s'"
        " where state = 'running'"
    )
    assert uploads.tick() == SCHOOLS
    assert uploads.tick() == set()
    uploads.loaded("samarinda/penduduk", uploads.run(UPLOAD), ago=700)
    assert uploads.tick() == PEOPLE


def test_the_run_waits_for_a_running_build_of_models(uploads: Uploads) -> None:
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD))
    uploads.run(WAREHOUSE, ended=False)
    assert uploads.tick() == set() and "Menunggu 1 pembangunan model selesai" in uploads.skip_reason


def test_loads_that_changed_no_row_build_nothing(uploads: Uploads) -> None:
    uploads.loaded("samarinda/penduduk", uploads.run(UPLOAD), state="unchanged")
    uploads.loaded("dinkes/kunjungan", uploads.run("__ASSET_JOB"), state="rejected")
    assert uploads.tick() == set() and uploads.skip_reason == NOTHING


def test_a_nights_loads_are_left_to_its_chain(uploads: Uploads) -> None:
    ingest = uploads.run("ingest", ended=False, **{NIGHT: "2026-11-23"})
    uploads.loaded("disdikbud/sma", ingest, ago=700)
    assert uploads.tick() == set() and uploads.skip_reason == "1 pemuatan menunggu rangkaian malamnya."
    uploads.end(ingest)
    assert uploads.tick() == set() and uploads.skip_reason == "1 pemuatan menunggu rangkaian malamnya."
    uploads.run(WAREHOUSE, **{NIGHT: "2026-11-23"})
    assert uploads.tick() == set() and uploads.skip_reason == NOTHING
    assert '"pemuatan": [[' in (uploads.cursor or ""), "what the night has built is not asked about again"


def test_a_night_has_built_only_what_its_links_built(uploads: Uploads) -> None:
    """A failed `warehouse` builds nothing. A `publication` counts only if it followed an ingest of the same night."""
    night = {NIGHT: "2026-11-23"}
    ingest = uploads.run("ingest", ended=False, **night)
    uploads.loaded("disdikbud/sma", ingest)
    uploads.end(ingest, ago=700)
    failed = uploads.run(WAREHOUSE, ended=False, **night, **{AFTER: ingest})
    uploads.end(failed, dg.DagsterEventType.RUN_FAILURE, ago=700)
    uploads.run(PUBLICATION, ago=650, **night, **{AFTER: failed})
    assert uploads.tick() == SCHOOLS
    uploads.loaded("samarinda/penduduk", ingest)
    uploads.run(PUBLICATION, ago=650, **night, **{AFTER: ingest})
    assert uploads.tick() == set() and uploads.skip_reason == NOTHING


def test_a_load_that_is_approved_after_its_night_starts_its_models(uploads: Uploads) -> None:
    ingest = uploads.run("ingest", **{NIGHT: "2026-11-23"})
    uploads.loaded("disdikbud/sma", ingest, state="waiting")
    uploads.run(WAREHOUSE, **{NIGHT: "2026-11-23"})
    assert uploads.tick() == set()
    uploads.connection.execute(
        "insert into ops.load_decision (batch_id, decision, decided_by, done_at)"
        " select batch_id, 'approved', 'wati', clock_timestamp() from ops.load_batch"
    )
    uploads.connection.execute("update ops.load_batch set state = 'loaded'")
    assert uploads.tick() == SCHOOLS
    assert uploads.tick() == set()


def test_a_load_that_a_reconciliation_writes_again_starts_its_models(uploads: Uploads) -> None:
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD), state="unchanged")
    uploads.loaded("samarinda/penduduk", uploads.run(UPLOAD))
    assert uploads.tick() == PEOPLE
    for _ in range(2):
        uploads.connection.execute(
            "update ops.load_batch set state = 'loaded', finished_at = clock_timestamp() - interval '30 s'"
            " where dataset = 'disdikbud/sma'"
        )
        assert uploads.tick() == SCHOOLS
        assert uploads.tick() == set()


def test_a_cursor_of_before_a_restore_or_an_update_hides_no_load(uploads: Uploads) -> None:
    uploads.cursor = "999999:1000001"
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD))
    assert uploads.tick() == SCHOOLS
    uploads.connection.execute("truncate ops.load_batch restart identity cascade")
    uploads.loaded("samarinda/penduduk", uploads.run(UPLOAD), ago=30)
    assert uploads.tick() == PEOPLE


def test_what_waits_for_its_night_does_not_hold_up_others_and_is_not_lost(uploads: Uploads) -> None:
    ingest = uploads.run("ingest", ended=False, **{NIGHT: "2026-11-23"})
    uploads.loaded("disdikbud/sma", ingest)
    uploads.loaded("samarinda/penduduk", uploads.run(UPLOAD))
    assert uploads.tick() == PEOPLE
    assert uploads.tick() == set()
    uploads.end(ingest, dg.DagsterEventType.RUN_CANCELED)
    assert uploads.tick() == SCHOOLS, "nobody follows a night that was cancelled"


def test_a_chain_that_broke_and_a_run_that_was_deleted_are_followed(uploads: Uploads) -> None:
    uploads.loaded("disdikbud/sma", uploads.run("ingest", ago=700, **{NIGHT: "2026-11-23", WALKED: "walked"}))
    uploads.loaded("samarinda/penduduk", "run yang sudah dihapus")
    assert uploads.tick() == SCHOOLS | PEOPLE


def test_a_link_of_the_first_try_does_not_count_for_a_night_that_was_executed_again(uploads: Uploads) -> None:
    uploads.run(WAREHOUSE, **{NIGHT: "2026-11-23"})
    again = uploads.run("ingest", ago=-1, **{NIGHT: "2026-11-23"})
    uploads.loaded("disdikbud/sma", again)
    assert uploads.tick() == set() and uploads.skip_reason == "1 pemuatan menunggu rangkaian malamnya."


def test_a_backfill_rebuilds_its_days_once_all_its_runs_have_ended(uploads: Uploads) -> None:
    backfill = {"dagster/backfill": "abc"}
    uploads.loaded(
        "dinkes/kunjungan", uploads.run("__ASSET_JOB", **backfill), days=("2026-09-01", "2026-09-07")
    )
    other = uploads.run("__ASSET_JOB", ended=False, **backfill)
    assert uploads.tick() == set() and f"run {other[:8]}" in uploads.skip_reason
    uploads.loaded("bpkad/realisasi_apbd", other, days=("2026-08-01", "2026-08-31"))
    uploads.end(other)
    assert {"core/fct_kunjungan_puskesmas", "mart_satu_data/layanan_kesehatan_bulanan"} <= uploads.tick()
    assert (uploads.tags[RANGE_START], uploads.tags[RANGE_END]) == ("2026-08-01", "2026-09-07")


def test_a_full_refresh_rebuilds_all_days_of_its_dataset(uploads: Uploads) -> None:
    reload = uploads.run("ingest", **{REQUESTED: "reload", WALKED: "walked"})
    uploads.loaded("dinkes/kunjungan", reload, full_refresh=True)
    assert "core/fct_kunjungan_puskesmas" in uploads.tick()
    start = next(c.partition.start for c in own_contracts() if c.key == "dinkes/kunjungan" and c.partition)
    assert uploads.tags[RANGE_START] == start.isoformat() < uploads.tags[RANGE_END]


def test_missing_relations_that_the_models_read_are_built_too(uploads: Uploads) -> None:
    uploads.connection.execute("drop table staging.stg_disdikbud__sekolah, core.dim_wilayah, core.dim_opd")
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD))
    read = {"staging/stg_disdikbud__sekolah", "core/dim_wilayah"}
    assert uploads.tick() == SCHOOLS | read


def test_a_warehouse_without_a_ledger_starts_nothing(pg_url: str, definitions: dg.Definitions) -> None:
    fresh = Uploads(pg_url, definitions)
    assert fresh.tick() == set() and fresh.skip_reason == NOTHING
    fresh.connection.close()
    fresh.instance.dispose()
