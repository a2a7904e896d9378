"""Each tick of the upload sensor starts at most one load of a dataset, and says what it took and left, and why.

The warehouse, Dagster's instance and the runs are real.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any, ClassVar

import dagster as dg
import pytest
from psycopg import Connection

from pipelines.definitions import build_definitions
from pipelines.ingest import ingest
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.readiness import make_ready
from pipelines.sensors.uploads import DATASET_TAG, FILE_TAG
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.contracts import load_contracts
from tests.support.loads import before_migrations
from tests.support.sftp_server import SftpServer
from tests.support.upload_zone import KEY, ROWS, A, B, C, Zone


class Slow(Warehouse):
    """A warehouse that connects only when the test lets it."""

    waiting: ClassVar = threading.Event()
    may_go_on: ClassVar = threading.Event()

    @contextmanager
    def connect(self) -> Iterator[Connection[Any]]:
        self.waiting.set()
        assert self.may_go_on.wait(30)
        with super().connect() as connection:
            yield connection


def test_an_empty_zone_starts_nothing_and_says_so(zone: Zone) -> None:
    assert zone.tick_twice() == []
    assert zone.cursor == "{}"
    assert zone.skip_message == "0 berkas dilihat, 0 pemuatan dimulai."


def test_a_new_file_starts_one_load_of_its_dataset(zone: Zone) -> None:
    zone.put(A)
    (request,) = zone.tick_twice()
    assert request.asset_selection == [dg.AssetKey(["raw", "dagang", "pasar"])]
    assert (request.tags[DATASET_TAG], request.tags[FILE_TAG]) == (KEY, "pasar.csv")
    assert zone.run(request) and zone.rows() == ROWS[A]
    assert zone.tick_twice() == []
    assert zone.skip_message == "1 berkas dilihat, 0 pemuatan dimulai."


def test_a_tick_drops_what_a_killed_load_of_any_dataset_left(zone: Zone) -> None:
    zone.tick()
    run = zone.connection.execute
    run(
        "insert into ops.load_batch (batch_id, dataset, run_id) overriding system value values (77, 'dinas/hilang', 'mati')"
    )
    run("create unlogged table landing.dinas__hilang__77_landing (nik text)")
    zone.tick()
    left = run("select relname from pg_class where relnamespace = 'landing'::regnamespace").fetchall()
    assert (left, run("select state from ops.load_batch").fetchall()) == ([], [("died",)])


def test_a_file_still_being_written_waits_until_it_is_quiet(zone: Zone) -> None:
    zone.put(A)
    assert zone.tick() == []
    assert "dagang/pasar: menunggu selesai ditulis: pasar.csv" in zone.skip_message
    zone.put(B)
    assert zone.tick() == []
    (request,) = zone.tick()
    assert zone.run(request) and zone.rows() == ROWS[B]


def test_a_tick_stops_reading_at_its_time_limit_and_the_next_goes_on(zone: Zone) -> None:
    zone.wait(read_wait=0)
    for name, content in (("1.csv", A), ("2.csv", C), ("3.csv", B)):
        zone.put(content, name, own_time=1_700_000_000 + int(name[0]))
    assert zone.tick() == []  # any of them may still be being written
    assert (
        zone.tick() == []
        and "dagang/pasar: dibaca pada kesempatan berikutnya: 2.csv, 3.csv" in zone.skip_message
    )
    assert zone.tick() == [] and "berikutnya: 3.csv" in zone.skip_message
    (request,) = zone.tick()
    assert zone.run(request) and zone.rows() == ROWS[B]


def test_datasets_share_the_reading_time_of_a_tick(zone: Zone) -> None:
    zone.wait(read_wait=0)
    for name, content in (("1.csv", A), ("2.csv", C), ("3.csv", B)):
        zone.put(content, name, own_time=1_700_000_000 + int(name[0]))
    (zone.add_dataset("dagang/toko") / "toko.csv").write_bytes(B)
    assert zone.tick() == []  # any of them may still be being written
    unread: list[list[str]] = []
    requested: list[set[str]] = []
    for _ in range(4):
        requested.append({request.tags[DATASET_TAG] for request in zone.tick()})
        deferred = [line.split(": ") for line in zone.log if "kesempatan berikutnya" in line]
        unread.append([f"{dataset} {files}" for dataset, _, files in deferred])
    assert unread[0] == ["dagang/pasar 2.csv, 3.csv", "dagang/toko toko.csv"]
    assert unread[1] == ["dagang/pasar 2.csv, 3.csv"] and unread[2] == ["dagang/pasar 3.csv"]
    assert requested[:2] == [set(), {"dagang/toko"}] and KEY in requested[3]


def test_a_tick_over_thousands_of_known_files_is_short(appending: Zone) -> None:
    """Comparing every file with every other took 8 s for so many files, more than 30 s for 5,000."""
    appending.folder.mkdir(parents=True)
    for number in range(3000):
        (appending.folder / f"{number}.csv").write_bytes(A)
    appending.tick()
    appending.tick()
    begun = process_time()
    assert appending.tick()[0].tags[FILE_TAG].endswith(" dan 2995 lagi")
    assert process_time() - begun < 4


def test_a_tick_is_skipped_while_the_one_before_still_reads(zone: Zone) -> None:
    zone.put(A)
    zone.tick_twice()
    context = dg.build_sensor_context(
        instance=zone.instance, cursor=zone.cursor, resources={"warehouse": Slow(url=zone.url)}
    )
    Slow.may_go_on.clear()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(zone.sensor, context)
        assert Slow.waiting.wait(10)
        second = dg.build_sensor_context(
            instance=zone.instance, cursor=zone.cursor, resources={"warehouse": Warehouse(url=zone.url)}
        )
        passed = zone.sensor(second)
        Slow.may_go_on.set()
        assert isinstance(first.result(), dg.SensorResult)
    assert isinstance(passed, dg.SkipReason)
    assert passed.skip_message == "Pemeriksaan sebelumnya masih membaca berkas; pemeriksaan ini dilewati."
    assert len(zone.tick()) == 1


def test_a_tick_logs_only_what_the_one_before_did_not_log(zone: Zone) -> None:
    zone.put(A, "pasar.xlsx")
    zone.tick()
    assert len(zone.log) == 1 and "nama tidak cocok" in zone.log[0]
    zone.tick()
    assert zone.log == [] and "nama tidak cocok" in zone.skip_message
    (zone.folder / "pasar.xlsx").unlink()
    zone.put(A)
    zone.tick_twice()
    assert [line for line in zone.log if line.endswith("memuat pasar.csv")]


def test_no_second_run_starts_while_the_dataset_is_being_loaded(zone: Zone) -> None:
    zone.put(A)
    (request,) = zone.tick_twice()
    run = zone.started(request)
    zone.put(B)
    assert zone.tick_twice() == []
    assert f"dagang/pasar: sedang dimuat oleh run {run.run_id[:8]}" in zone.skip_message
    zone.instance.report_run_canceled(run)
    assert zone.load_all() == 1 and zone.rows() == ROWS[B]


def test_a_warehouse_of_an_earlier_version_is_upgraded(zone: Zone) -> None:
    zone.put(A)
    before_migrations(zone.connection)
    assert zone.load_all() == 1 and zone.rows() == ROWS[A]


def test_a_warehouse_of_a_later_version_is_skipped_with_the_reason(zone: Zone) -> None:
    zone.put(A)
    zone.connection.execute(
        "insert into ops.migration (name, number, sha256, version) values ('999_nanti.sql', 999, 'x', '9.9')"
    )
    context = dg.build_sensor_context(
        instance=zone.instance, cursor=zone.cursor, resources={"warehouse": Warehouse(url=zone.url)}
    )
    passed = zone.sensor(context)
    zone.connection.execute("delete from ops.migration where number = 999")
    assert isinstance(passed, dg.SkipReason)
    assert "lebih baru daripada program ini: 999_nanti.sql" in str(passed.skip_message)


def test_a_warehouse_that_was_never_used_is_prepared(pg_url: str, tmp_path: Path) -> None:
    fresh = Zone(pg_url, tmp_path)
    fresh.put(A)
    assert fresh.load_all() == 1 and fresh.rows() == ROWS[A]
    fresh.close()


def test_many_files_left_for_one_reason_are_one_line_and_a_short_table(zone: Zone) -> None:
    for number in range(40):
        zone.put(A, f"{number:02}.xlsx", own_time=1_700_000_000 + number)
    zone.tick()
    (line,) = zone.skip_message.splitlines()[1:]
    assert line.startswith(f"{KEY}/00.xlsx, {KEY}/01.xlsx") and "dan 35 lagi: nama tidak cocok" in line
    (table,) = zone.events[0].metadata.values()
    assert isinstance(table, dg.TableMetadataValue)
    assert len(table.records) == 21 and table.records[-1].data["berkas"] == "dan 20 lagi"


def test_files_left_are_listed_at_each_tick_and_on_the_asset(zone: Zone) -> None:
    zone.put(A, "pasar.xlsx")
    zone.put(A, "pasar.csv.part")
    (zone.folder.parent / "pasaar").mkdir()
    (zone.folder.parent / "pasaar" / "x.csv").write_bytes(A)
    (zone.folder / "lingkar.csv").symlink_to(zone.folder / "lingkar.csv")
    assert zone.tick_twice() == [] == zone.tick_twice()
    lines = zone.skip_message.splitlines()
    assert lines[0] == "4 berkas dilihat, 0 pemuatan dimulai."
    assert f'{KEY}/pasar.xlsx: nama tidak cocok dengan pola "*.csv" dari kontrak {KEY}' in lines[3]
    assert lines[1].startswith(f"{KEY}/lingkar.csv: tautan")
    assert lines[2].startswith(f"{KEY}/pasar.csv.part: nama sementara")
    assert lines[4].startswith("dagang/pasaar/x.csv: tidak ada kontrak dagang/pasaar")
    (event,) = zone.events
    assert event.asset_key == dg.AssetKey(["raw", "dagang", "pasar"])
    (table,) = event.metadata.values()
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data["berkas"] for record in table.records] == [line.split(": ")[0] for line in lines[1:4]]
    for path in [p for p in zone.folder.iterdir() if p.name != "lingkar.csv"]:
        path.unlink()
    zone.put(A)
    assert zone.load_all() == 1 and zone.rows() == ROWS[A]
    assert len(zone.events) == 2


def test_a_remote_file_is_loaded_once_it_is_the_same_at_two_ticks(
    zone: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "sftp"
    folder = root / "zona" / KEY
    folder.mkdir(parents=True)
    (root / "zona" / "tiada" / "apa").mkdir(parents=True)
    (root / "zona" / "tiada" / "apa" / "x.csv").write_bytes(A)
    server = SftpServer(root)
    try:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        (folder / "pasar.csv").write_bytes(A)
        os.utime(folder / "pasar.csv", (1, 1))  # the server's clock differs
        assert zone.tick() == []
        assert "tiada/apa/x.csv: tidak ada kontrak tiada/apa" in zone.skip_message
        (folder / "pasar.csv").write_bytes(B)
        os.utime(folder / "pasar.csv", (2, 2))
        assert zone.tick() == []
        (request,) = zone.tick()
        assert zone.run(request) and zone.rows() == ROWS[B]
        server.pause()
        assert zone.tick() == []
        assert "isi zona unggah tidak dapat dibaca" in zone.skip_message
        server.resume()
        assert zone.tick() == []
    finally:
        server.stop()


def test_before_the_first_night_make_ready_prepares_what_an_upload_needs(zone: Zone, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project=PROJECT_ROOT, warehouse_url=zone.url)
    make_ready(settings)
    make_ready(settings)
    contract = {c.key: c for c in load_contracts(settings.contracts_dir)}["dkp/pembenihan_ikan"]
    folder = tmp_path / "unggahan" / contract.key
    folder.mkdir(parents=True)
    (folder / "benih.csv").write_text(
        "id,TAHUN,PROVINSI,JENIS_PEMBENIHAN,KAB_KOTA,KELOMPOK_IKAN,VOLUME\n"
        ",2024,KALIMANTAN TIMUR,Pembenihan Air Laut,BERAU,Udang Windu,3400000\n"
    )
    done = ingest(zone.connection, contract, settings, zone.url, run_id="uji")
    assert done.batch is not None and (done.batch.read, done.batch.quarantined) == (1, 0)


def test_dagster_accepts_the_sensors_requests_and_events(zone: Zone, tmp_path: Path) -> None:
    """The real sensor through Dagster's own evaluation, which checks each request against job and assets."""
    url = Warehouse(url=zone.url)
    own = build_definitions(
        Settings(home=tmp_path, project=PROJECT_ROOT, warehouse_url=zone.url), warehouse=url
    )
    folder = tmp_path / "unggahan" / "disdikbud" / "sma"
    folder.mkdir(parents=True)
    (folder / "sma.csv").write_bytes(A)
    (folder / "sma.docx").write_bytes(A)
    sensor = own.resolve_sensor_def("unggahan_baru")
    cursor = None
    requests: list[dg.RunRequest] = []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            context = dg.build_sensor_context(
                instance=instance, definitions=own, resources={"warehouse": url}, cursor=cursor
            )
            tick = sensor.evaluate_tick(context)
            cursor = tick.cursor
            requests += tick.run_requests or []
    # On a busy machine both ticks find the file settled. Dagster starts one run for one key.
    (request,) = {r.run_key: r for r in requests}.values()
    assert request.asset_selection == [dg.AssetKey(["raw", "disdikbud", "sma"])]
