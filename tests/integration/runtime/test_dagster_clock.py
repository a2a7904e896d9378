"""Dagster's database keeps UTC on a server in WITA: new rows, rows of an earlier version, refused settings."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from psycopg import sql
from sqlalchemy import DateTime

from pipelines.errors import GudangError
from pipelines.runtime.dagster_clock import SESSION_ZONE_COLUMNS, UTC_COLUMNS, keep_in_utc, utc_url
from pipelines.settings import PROJECT_ROOT
from tests.support.servers import fresh_name

WRITE = """
import sys, time
import dagster as dg
from dagster._core.scheduler.instigation import TickData, TickStatus
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.test_utils import instance_for_test
from dagster._daemon.types import DaemonHeartbeat

@dg.op
def kerja(): ...

@dg.asset
def tabel(): ...

storage = {"postgres": {"postgres_url": sys.argv[1]}}
with instance_for_test(overrides={"storage": storage}) as instance:
    dg.materialize([tabel], instance=instance)
    instance.create_tick(TickData("asal", "tik", InstigatorType.SENSOR, TickStatus.STARTED, time.time(), selector_id="s"))
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SENSOR", "d"))
    instance.event_log_storage.set_concurrency_slots("sumber", 1)
    instance.event_log_storage.claim_concurrency_slot("sumber", "r", "s")
"""
READ = """
import sys, time
from dagster._core.test_utils import instance_for_test

storage = {"postgres": {"postgres_url": sys.argv[1]}}
with instance_for_test(overrides={"storage": storage}) as instance:
    record = instance.get_run_records()[0]
    print(record.create_timestamp.timestamp())
    print(record.update_timestamp.timestamp())
    print(instance.event_log_storage.get_concurrency_info("sumber").pending_steps[0].enqueued_timestamp.timestamp())
    print(instance.get_run_stats(record.dagster_run.run_id).start_time)
"""


def dagster(code: str, url: str) -> list[float]:
    """Runs `code` in a process of its own, so that all sessions are new, and gives the numbers that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, url.replace("postgresql://", "postgresql+psycopg2://")],
        capture_output=True, text=True, check=False, cwd=PROJECT_ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [float(line) for line in done.stdout.split()]


def test_old_rows_are_shifted_to_utc_once_and_new_rows_are_in_utc(pg_url: str) -> None:
    before = time.time()
    dagster(WRITE, pg_url)
    wrong = dagster(READ, pg_url)
    assert [round((t - before) / 3600) for t in wrong] == [8, 8, 8, 0]
    assert keep_in_utc(pg_url)
    assert not keep_in_utc(pg_url)
    assert [round((t - before) / 3600) for t in dagster(READ, pg_url)] == [0] * 4
    with psycopg.connect(pg_url) as connection:
        naive = connection.execute(
            "select max(timestamp) from daemon_heartbeats union all select max(timestamp) from job_ticks"
            " union all select last_materialization_timestamp from asset_keys union all select min(timestamp) from event_logs"
        ).fetchall()
    now = datetime.now(UTC).replace(tzinfo=None)
    assert len(naive) == 4 and all(abs(now - at) < timedelta(hours=1) for (at,) in naive)
    assert [round((t - before) / 3600) for t in dagster(WRITE + READ, pg_url)] == [0] * 4


def test_every_time_column_without_a_zone_in_dagsters_tables_is_listed() -> None:
    found = {
        (table.name, column.name)
        for metadata in (SqlEventLogStorageMetadata, RunStorageSqlMetadata, ScheduleStorageSqlMetadata)
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, DateTime)
    }
    known = [(t, c) for columns in (SESSION_ZONE_COLUMNS, UTC_COLUMNS) for t in columns for c in columns[t]]
    assert sorted(known) == sorted(found)


def test_an_error_while_rows_are_shifted_rolls_everything_back(pg_url: str) -> None:
    with psycopg.connect(pg_url) as connection:
        connection.execute("create table runs (create_timestamp timestamp, update_timestamp timestamp)")
        connection.execute("insert into runs values ('2026-11-26 10:00', '2026-11-26 10:05')")
        connection.execute(
            "create function gagal() returns trigger language plpgsql as $$ begin raise 'mati'; end $$;"
            "create trigger gagal after update on runs execute function gagal()"
        )
    with pytest.raises(psycopg.errors.RaiseException):
        keep_in_utc(pg_url)
    with psycopg.connect(pg_url) as connection:
        connection.execute("drop trigger gagal on runs")
    assert keep_in_utc(pg_url)
    with psycopg.connect(pg_url) as connection:
        rows = connection.execute(
            "select create_timestamp::text, update_timestamp::text from runs"
        ).fetchall()
    assert rows == [("2026-11-26 02:00:00", "2026-11-26 02:05:00")]


def test_open_sessions_of_an_earlier_version_are_counted_and_nothing_is_shifted(pg_url: str) -> None:
    with (
        psycopg.connect(pg_url),
        pytest.raises(GudangError, match=r"1 sesi versi sebelumnya.*hentikan `gudang ui`"),
    ):
        keep_in_utc(pg_url, patience=0.3)
    assert keep_in_utc(pg_url)


def test_of_several_processes_at_once_only_one_shifts(pg_url: str) -> None:
    with psycopg.connect(pg_url) as connection:
        connection.execute("create table runs (create_timestamp timestamp, update_timestamp timestamp)")
        connection.execute("insert into runs values ('2026-11-26 10:00', '2026-11-26 10:05')")
    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(keep_in_utc, [pg_url] * 4)) == [False, False, False, True]
    with psycopg.connect(pg_url) as connection:
        assert connection.execute("select create_timestamp::text from runs").fetchall() == [
            ("2026-11-26 02:00:00",)
        ]


@pytest.fixture
def guest(pg_url: str) -> Iterator[str]:
    """The URL of a user who may create tables in the database and does not own it."""
    name = fresh_name()
    with psycopg.connect(pg_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create role {0} login; grant all on schema public to {0}").format(sql.Identifier(name))
        )
        yield pg_url.replace("//postgres@", f"//{name}@")
        admin.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(name)))


def test_a_database_of_another_owner_is_refused_with_the_remedy(guest: str) -> None:
    with pytest.raises(
        GudangError, match=r"zona waktunya Asia/Makassar.*alter database uji_\w+ owner to uji_"
    ):
        keep_in_utc(guest)


def test_a_user_who_may_not_create_tables_is_refused_with_the_remedy(guest: str) -> None:
    name = guest.split("//")[1].split("@")[0]
    with psycopg.connect(guest.replace(f"//{name}@", "//postgres@"), autocommit=True) as admin:
        admin.execute(sql.SQL("revoke all on schema public from {}").format(sql.Identifier(name)))
    with pytest.raises(
        GudangError, match=rf"pengguna {name} tidak berhak membuat tabel di uji_.*owner to {name}"
    ):
        keep_in_utc(f"{guest}&options=-c%20timezone%3DUTC")


def test_a_time_zone_in_the_url_is_refused(pg_url: str) -> None:
    with pytest.raises(GudangError, match="memakai zona waktu Asia/Jakarta"):
        keep_in_utc(f"{pg_url}&options=-c%20timezone%3DAsia/Jakarta")


def test_a_time_zone_in_pgtz_is_refused_before_a_row_is_shifted(
    pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(pg_url) as connection:
        connection.execute("create table runs (create_timestamp timestamp, update_timestamp timestamp)")
        connection.execute("insert into runs values ('2026-11-26 10:00', '2026-11-26 10:05')")
    monkeypatch.setenv("PGTZ", "America/New_York")
    with pytest.raises(GudangError, match=r"memakai zona waktu America/New_York.*PGTZ"):
        keep_in_utc(pg_url)
    monkeypatch.delenv("PGTZ")
    assert keep_in_utc(pg_url)
    with psycopg.connect(pg_url) as connection:
        rows = connection.execute("select create_timestamp::text from runs").fetchall()
    assert rows == [("2026-11-26 02:00:00",)]


def test_the_shift_waits_for_other_sessions_to_end(pg_url: str) -> None:
    with ThreadPoolExecutor(1) as threads, psycopg.connect(pg_url) as other:
        shifted = threads.submit(keep_in_utc, pg_url)
        deadline = time.monotonic() + 10
        while (
            time.monotonic() < deadline
            and not other.execute("select from pg_locks where locktype = 'advisory' and granted").fetchall()
        ):
            time.sleep(0.05)
        time.sleep(0.3)  # time to see the session of `other`
        other.close()
        assert shifted.result()


def test_the_options_of_the_url_are_kept() -> None:
    url = "postgresql+psycopg2://u:p%40@h:5432/dagster?options=-c%20statement_timeout%3D5&sslmode=require"
    changed = utc_url(url)
    assert "statement_timeout%3D5+-c+timezone%3DUTC" in changed
    assert "sslmode=require" in changed and "u:p%40@h:5432/dagster" in changed
    assert utc_url(changed) == changed
