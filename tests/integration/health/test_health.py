"""`gudang health`: each bad state is made for real, changes the exit code, and says what was seen."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from dagster import DagsterRunStatus as Status
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.test_utils import create_run_for_test
from psycopg import sql

from pipelines.cli.server.definitions import watched
from pipelines.datasets import digests
from pipelines.health.check import worst
from pipelines.health.checks import look
from pipelines.health.limits import CRITICAL, OK, WARNING, Limit
from pipelines.health.of_dagster import DAEMONS
from pipelines.health.place import Place
from pipelines.runtime import lease
from pipelines.settings import PROJECT_ROOT
from tests.support.alerting import House
from tests.support.contracts import column, database, document, write
from tests.support.dagster_records import ORIGIN, tick
from tests.support.health import beat, note_backup, seen
from tests.support.servers import free_port, fresh_name
from tests.support.slow_run import POOL

NOWHERE = f"postgresql://gudang:r4hasia@127.0.0.1:{free_port()}/gudang"


def test_all_is_well(place: Place) -> None:
    checks = look(place)
    assert worst(checks) == OK, [c for c in checks if c.state != OK]
    # disk_2 is that of the tests' server, which lies in memory where there is room.
    assert [c.name for c in checks if c.name != "disk_2"] == [
        "gudang_data", "disk", "cadangan", "definisi", "ukuran_gudang", "dataset", "kabar", "persetujuan", "umpan_balik", "unggahan",
        "basis_data_dagster", "daemon", "sensor", "malam", "antrean", "jatah_sumber", "sewa_run",
    ]  # fmt: skip


def test_servers_that_are_down(place: Place) -> None:
    checks = {c.name: c for c in look(replace(place, warehouse_url=NOWHERE, dagster_url=NOWHERE))}
    for name in ("gudang_data", "basis_data_dagster"):
        assert checks[name].state == CRITICAL
        assert checks[name].seen.startswith("koneksi gagal: ") and "r4hasia" not in checks[name].seen
    assert set(checks) == {"gudang_data", "basis_data_dagster", "disk", "cadangan", "definisi"}


def test_a_daemon_that_is_silent_or_never_ran(place: Place, house: House) -> None:
    beat(house.instance, ago=300, kinds=("SENSOR",))
    assert seen(place, "daemon").state == WARNING
    beat(house.instance, ago=7200, kinds=("SENSOR",))
    found = seen(place, "daemon")
    assert (found.state, found.seen) == (CRITICAL, "tanda hidup terakhir 2 jam lalu (SENSOR)")
    house.instance.run_storage.wipe_daemon_heartbeats()
    assert seen(place, "daemon").seen == f"belum pernah berjalan: {', '.join(DAEMONS)}"


def test_a_code_location_that_does_not_answer_while_the_daemon_lives(place: Place, house: House) -> None:
    house.instance.schedule_storage.wipe()
    assert seen(place, "sensor").seen == "tidak ada yang menyala"
    tick(house.instance, status=TickStatus.FAILURE)
    assert seen(place, "sensor").seen == "belum pernah berhasil"
    tick(house.instance, ago=1200)
    found = seen(place, "sensor")
    assert (found.state, found.seen) == (CRITICAL, "yang terakhir berhasil 20 menit lalu")
    tick(house.instance, ago=360)
    assert seen(place, "sensor").state == WARNING
    house.instance.run_storage.wipe_daemon_heartbeats()
    assert "sensor" not in {check.name for check in look(place)}


def test_a_night_that_failed_is_long_ago_or_never_was(place: Place, house: House) -> None:
    limits = replace(place.limits, backup_hours=Limit(1e9, 1e9))
    for hours, state in ((1, OK), (27, WARNING), (51, CRITICAL)):
        later = replace(
            place, limits=limits, now=lambda hours=hours: datetime.now(UTC) + timedelta(hours=hours)
        )
        assert seen(later, "malam").state == state
    run_id = house.night("2026-11-27", ends="PIPELINE_FAILURE")
    found = seen(place, "malam")
    assert found.state == WARNING and f"publikasinya gagal (run {run_id[:8]})" in found.seen
    for run in house.instance.get_runs():
        house.instance.delete_run(run.run_id)
    assert seen(place, "malam").state == WARNING
    later = replace(place, limits=limits, now=lambda: datetime.now(UTC) + timedelta(days=3))
    found = seen(later, "malam")
    assert (found.state, found.seen) == (
        CRITICAL,
        "belum ada malam yang selesai sejak gudang data disiapkan 3 hari lalu",
    )


def test_an_old_night_whose_last_run_a_person_executes_again_is_no_new_night(
    place: Place, house: House
) -> None:
    """Dagster gives the new run the tags of the old one, so it belongs to the old night."""
    old = house.instance.get_runs()[0]
    dagster_sql(house, "update runs set end_time = end_time - 3 * 86400")
    house.night("2026-11-26", parent=old.run_id)
    found = seen(place, "malam")
    assert (found.state, found.value) == (CRITICAL, pytest.approx(3 * 86400, abs=60))


def test_the_outcome_of_a_night_is_that_of_its_newest_execution(place: Place, house: House) -> None:
    failed = house.night("2026-11-27", ends="PIPELINE_FAILURE")
    assert seen(place, "malam").state == WARNING
    again = house.night("2026-11-27", parent=failed)
    found = seen(place, "malam")
    assert found.state == OK and f"publikasinya berhasil (run {again[:8]})" in found.seen


def dagster_sql(house: House, statement: str) -> None:
    with psycopg.connect(house.dagster_url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_the_newest_load_is_the_one_that_ended_last(place: Place, house: House) -> None:
    """An approval ends an older load after newer ones."""
    house.contract("uji/data")
    older = house.load("uji/data", "waiting")
    house.load("uji/data", "failed")
    assert seen(place, "dataset").state == WARNING
    house.run(
        "update ops.load_batch set state = 'loaded', finished_at = clock_timestamp() where batch_id = %s",
        older,
    )
    assert seen(place, "dataset").state == OK


def test_a_run_that_waits_in_the_queue(place: Place, house: House) -> None:
    create_run_for_test(house.instance, "ingest", status=Status.QUEUED, remote_job_origin=ORIGIN)
    assert seen(place, "antrean").seen.startswith("1 run antre, yang tertua ")
    for state in (WARNING, CRITICAL):
        dagster_sql(
            house,
            "update runs set create_timestamp = create_timestamp - interval '4 hours' where status = 'QUEUED'",
        )
        assert seen(place, "antrean").state == state


def test_a_slot_that_is_held_long(place: Place, house: House) -> None:
    run = create_run_for_test(house.instance, "ingest", status=Status.STARTED)
    assert house.instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "langkah").is_claimed
    assert seen(place, "jatah_sumber").state == OK
    dagster_sql(house, "update pending_steps set assigned_timestamp = now() - interval '4 hours'")
    found = seen(place, "jatah_sumber")
    assert (found.state, found.seen) == (WARNING, f"{POOL} dipakai run {run.run_id[:8]} sejak 4 jam")


def test_a_run_whose_worker_is_gone(place: Place, house: House) -> None:
    run = create_run_for_test(house.instance, "ingest", status=Status.STARTED)
    dagster_sql(house, "update runs set start_time = extract(epoch from now()) - 60 where status = 'STARTED'")
    with lease.hold(house.dagster_url, lease.run_subject(run.run_id)):
        assert seen(place, "sewa_run").seen == "1 run bekerja"
    found = seen(place, "sewa_run")
    assert (found.state, found.seen) == (CRITICAL, f"run tanpa proses: {run.run_id[:8]} (ingest)")


def test_a_disk_that_is_nearly_full_and_a_warehouse_that_grew(place: Place) -> None:
    full = replace(place, limits=replace(place.limits, disk_percent=Limit(100.5, 100.5, falling=True)))
    assert seen(full, "disk").state == CRITICAL
    large = replace(place, limits=replace(place.limits, warehouse_gb=Limit(0.0001, 1e9)))
    assert seen(large, "ukuran_gudang").state == WARNING


@pytest.mark.parametrize(
    ("spoil", "state", "words"),
    [
        (lambda note: note.unlink(), WARNING, "belum ada cadangan"),
        (lambda note: note.write_text("{"), WARNING, "tidak terbaca"),
        (
            lambda note: note_backup(note.parent.parent, datetime.now(UTC) - timedelta(hours=30)),
            WARNING,
            "30 jam lalu",
        ),
        (
            lambda note: note_backup(note.parent.parent, datetime.now(UTC) - timedelta(days=5)),
            CRITICAL,
            "5 hari lalu, 2,5 GB",
        ),
    ],
)
def test_a_backup_that_is_missing_or_old(
    place: Place, spoil: Callable[[Path], object], state: int, words: str
) -> None:
    spoil(place.settings.home / "cadangan" / "terakhir.json")
    found = seen(place, "cadangan")
    assert found.state == state and words in found.seen


def test_an_installation_that_never_had_a_backup_becomes_critical(place: Place) -> None:
    (place.settings.home / "cadangan" / "terakhir.json").unlink()
    limits = replace(place.limits, night_hours=Limit(1e9, 1e9))
    found = seen(replace(place, limits=limits, now=lambda: datetime.now(UTC) + timedelta(days=4)), "cadangan")
    assert (found.state, found.seen) == (
        CRITICAL,
        "belum ada cadangan sejak gudang data disiapkan 4 hari lalu",
    )


def test_a_query_that_takes_too_long_is_a_warning(place: Place, house: House) -> None:
    with house.connection.transaction():
        house.run("lock table ops.alert_delivery in access exclusive mode")
        found = seen(replace(place, statement_seconds=0.2), "kabar")
    assert (found.state, found.seen) == (WARNING, "terlalu lama: tidak terjawab dalam batas waktu")


def test_a_dataset_that_failed(place: Place, house: House) -> None:
    house.load(house.contract("dinkes/kunjungan").key, "failed", "x")
    house.load("dinkes/kunjungan", "running")
    house.load(house.contract("dinkes/lain").key, "failed", "x")
    house.load("dinkes/lain")
    found = seen(place, "dataset")
    assert (found.state, found.seen) == (WARNING, "1 dataset gagal: dinkes/kunjungan")


def test_a_dataset_that_is_not_loaded_because_its_contract_has_a_fault(place: Place, house: House) -> None:
    """After a restart of the code server nothing but the files says so: the dataset has no load that failed."""
    contracts, source = place.settings.contracts_dir, database("UJI_URL")
    for key in ("dinkes/kunjungan", "dinkes/lain"):
        write(contracts, document(key, [column("isi")], source, extract={"table": "data"}))
    faulty = contracts / "dinkes" / "kunjungan.odcs.yaml"
    assert seen(place, "dataset").state == OK
    text = faulty.read_text("utf-8")
    faulty.write_text(text.replace("logicalType:", "logicalTipe:"), "utf-8")
    with watched(place.settings, house.folder / "kode.sock", digests(place.settings), print):
        found = seen(place, "dataset")
        assert (found.state, found.value) == (WARNING, 1)
        assert found.seen == "1 dataset salah kontrak atau suite-nya: dinkes/kunjungan"
        house.load(house.contract("dinkes/kunjungan").key, "failed", "x")
        house.load(house.contract("dinkes/lain").key, "failed", "x")
        found = seen(place, "dataset")
        assert found.seen == (
            "1 dataset gagal: dinkes/lain; 1 dataset salah kontrak atau suite-nya: dinkes/kunjungan"
        )


def test_contracts_that_may_not_be_read_are_a_warning_that_says_so(
    place: Place, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, and the tests may run as root: so the test gives the answer of the system itself."""
    closed, iterdir = place.settings.contracts_dir, Path.iterdir

    def iterdir_as_a_user(path: Path) -> Iterator[Path]:
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", iterdir_as_a_user)
    found = seen(place, "dataset")
    assert found.state == WARNING
    assert found.seen == "kontrak dan suite tidak dapat dibaca: tidak ada hak akses"
    house.load(house.contract("dinkes/lain").key, "failed", "x")
    assert seen(place, "dataset").seen.startswith("1 dataset gagal: dinkes/lain; kontrak dan suite ")


def test_an_alert_that_did_not_arrive(place: Place, house: House) -> None:
    house.tell_to(webhook_url=f"http://127.0.0.1:{free_port()}", when="always")
    house.announce()
    found = seen(place, "kabar")
    assert (found.state, found.seen) == (OK, "webhook: 1 belum terkirim (koneksi gagal)")
    for hours, state in ((1, WARNING), (13, CRITICAL)):
        house.run("update ops.alert_message set created_at = now() - make_interval(hours => %s)", hours)
        assert seen(place, "kabar").state == state


def test_a_recipient_who_is_refused_for_good_is_a_warning_and_no_more(place: Place, house: House) -> None:
    house.run(
        "with m as (insert into ops.alert_message (key, kind, document, created_at) values ('k', 'digest',"
        " '{\"audience\": \"dinkes\"}', now() - interval '9 days') returning message_id)"
        " insert into ops.alert_delivery (message_id, channel, recipient, next_try_at, error)"
        " select message_id, 'surel', 'a@b.example', 'infinity', 'server menolak penerima ini (550)' from m"
    )
    found = seen(place, "kabar")
    assert (found.state, found.seen) == (WARNING, "surel ke dinkes: server menolak penerima ini (550)")


def test_a_user_without_rights_is_told_which_checks_could_not_be_made(place: Place, house: House) -> None:
    role = fresh_name()
    house.connection.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
    try:
        url = place.warehouse_url.replace("postgres@", f"{role}@")
        assert url != place.warehouse_url
        checks = {c.name: c for c in look(replace(place, warehouse_url=url))}
    finally:
        house.connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
    assert worst([*checks.values()]) == WARNING
    assert checks["kabar"].seen == "tidak dapat dibaca: tidak ada hak"
    assert checks["ukuran_gudang"].state == OK
    assert checks["disk_postgresql"].todo == f"superuser: grant pg_read_all_settings to {role}"


def test_the_command_is_critical_and_quiet_where_nothing_runs(tmp_path: Path) -> None:
    """Nothing is started, nothing is written, and there is no stack trace."""
    home = tmp_path / "home"
    env = {**os.environ, "GUDANG_HOME": str(home), "GUDANG_PROJECT": str(PROJECT_ROOT)}
    command = [sys.executable, "-m", "pipelines.cli.main", "health", "--json"]
    done = subprocess.run(command, env=env, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    assert json.loads(done.stdout)["state"] == "kritis"
    assert not home.exists()
    env["GUDANG_HEALTH_DISK_PERCENT"] = "banyak"
    done = subprocess.run(command, env=env, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 3, "it could not look, which is no warning"
    assert done.stderr.startswith("gudang: GUDANG_HEALTH_DISK_PERCENT: nilainya bukan dua angka")
