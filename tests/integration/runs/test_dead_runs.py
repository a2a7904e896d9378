"""Runs whose worker is gone are closed and their slots freed. Runs whose worker lives are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg
import psycopg
import pytest
from dagster import DagsterRunStatus as Status
from dagster._core.launcher import WorkerStatus
from dagster._core.test_utils import create_run_for_test

from pipelines.errors import GudangError
from pipelines.runs import dead
from pipelines.runs.dead import LEASE_FIRST_TAG, Closed, subject
from pipelines.runs.slots import limit_pool_waits, make_pools
from pipelines.runtime import lease
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import PROJECT_ROOT
from tests.support.dagster_records import ORIGIN
from tests.support.servers import postmaster_pid, short_folder
from tests.support.slow_run import POOL, instance_at

LATER = timedelta(minutes=10)
BEAT = 0.2
close_dead_runs = partial(dead.close_dead_runs, wait=3 * BEAT)


@contextmanager
def worker(dagster_url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that works on a run, and the run's id."""
    command = [sys.executable, "-m", "tests.support.slow_run", dagster_url]
    root = PROJECT_ROOT
    process = subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def holders(instance: dg.DagsterInstance) -> list[str]:
    return [slot.run_id for slot in instance.event_log_storage.get_concurrency_info(POOL).claimed_slots]


def later() -> datetime:
    return datetime.now(UTC) + LATER


@pytest.fixture
def waiting(dagster_url: str, instance: dg.DagsterInstance) -> Iterator[str]:
    """The id of a run of this process that holds its lease."""
    run = create_run_for_test(instance, "ingest", status=Status.STARTED)
    with lease.hold(dagster_url, subject(run.run_id), beat=BEAT):
        yield run.run_id


def test_a_slot_of_a_live_run_is_waited_for_and_one_of_a_killed_run_is_freed(
    dagster_url: str, instance: dg.DagsterInstance, waiting: str
) -> None:
    messages: list[str] = []
    closed: list[Closed] = []
    with worker(dagster_url) as (process, run_id):
        run = instance.get_run_by_id(run_id)
        assert run is not None and run.status is Status.STARTED
        assert close_dead_runs(instance, later()) == ()
        assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
        with (
            limit_pool_waits(instance, messages.append, closed.extend, limit=2),
            pytest.raises(GudangError) as caught,
        ):
            claim_slot(instance, waiting)
        assert f"tidak bebas setelah 2 detik: dipakai run {run_id[:8]} (slow, sejak" in str(caught.value)
        assert messages[0].startswith(f"Menunggu {POOL}: dipakai run {run_id[:8]} (slow, sejak")
        os.kill(process.pid, signal.SIGKILL)
        at_once = partial(close_dead_runs, grace=0.0)
        with limit_pool_waits(instance, messages.append, closed.extend, look_every=0.5, close=at_once):
            claim_slot(instance, waiting)
    assert closed == [Closed(run_id, "slow", "STARTED")]
    after = instance.get_run_by_id(run_id)
    assert after is not None and after.status is Status.FAILURE
    assert holders(instance) == [waiting]


def claim_slot(instance: dg.DagsterInstance, run_id: str) -> None:
    """Claims the slot as Dagster's loop does."""
    deadline = time.monotonic() + 60
    while not instance.event_log_storage.claim_concurrency_slot(POOL, run_id, "s").is_claimed:
        assert time.monotonic() < deadline


def test_tags_of_host_and_pid_from_an_earlier_version_are_ignored(
    instance: dg.DagsterInstance,
) -> None:
    tags = {"gudang/chain": "walked", "gudang/host": "wadah-yang-lama", "gudang/pid": "1"}
    run = create_run_for_test(instance, "ingest", status=Status.STARTED, tags=tags)
    assert instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "s").is_claimed
    assert close_dead_runs(instance) == ()
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND
    assert close_dead_runs(instance, grace=0.0) == (Closed(run.run_id, "ingest", "STARTED"),)
    assert holders(instance) == []


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (Status.NOT_STARTED, Status.FAILURE),
        (Status.STARTING, Status.FAILURE),
        (Status.STARTED, Status.FAILURE),
        (Status.CANCELING, Status.CANCELED),
        (Status.QUEUED, Status.QUEUED),
        (Status.SUCCESS, Status.SUCCESS),
    ],
)
def test_a_run_without_a_worker_ends_according_to_its_state(
    state: Status, end: Status, instance: dg.DagsterInstance
) -> None:
    run = create_run_for_test(instance, "ingest", status=state, remote_job_origin=ORIGIN)
    assert close_dead_runs(instance) == ()
    close_dead_runs(instance, later())
    after = instance.get_run_by_id(run.run_id)
    assert after is not None and after.status is end


def test_a_dead_nightly_run_is_closed_at_once_but_not_a_run_with_copied_tags(
    instance: dg.DagsterInstance, dagster_url: str
) -> None:
    made = [
        create_run_for_test(instance, "ingest", run_id=run_id_of(n), tags={LEASE_FIRST_TAG: run_id_of(1)})
        for n in (1, 2)
    ]
    with lease.hold(dagster_url, subject(made[0].run_id)):
        assert close_dead_runs(instance) == ()
    assert close_dead_runs(instance) == (Closed(made[0].run_id, "ingest", "NOT_STARTED"),)


def run_id_of(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012d}"


def test_slots_of_a_deleted_run_are_freed(instance: dg.DagsterInstance) -> None:
    assert instance.event_log_storage.claim_concurrency_slot(POOL, run_id_of(3), "s").is_claimed
    close_dead_runs(instance)
    assert holders(instance) == []


def test_the_same_pools_can_be_made_by_several_threads_at_once(dagster_url: str) -> None:
    with ThreadPoolExecutor(4) as threads, instance_at(dagster_url) as made:
        list(threads.map(lambda _: make_pools(made, [f"sumber_{n}" for n in range(8)]), range(4)))
        infos = made.event_log_storage.get_concurrency_infos([f"sumber_{n}" for n in range(8)])
    assert [info.slot_count for info in infos.values()] == [1] * 8


def test_a_worker_whose_session_was_cut_takes_its_lease_again(
    dagster_url: str, instance: dg.DagsterInstance, waiting: str
) -> None:
    with psycopg.connect(dagster_url, autocommit=True) as admin:
        cut = admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'gudang sewa: run %'"
        ).fetchall()
    assert cut == [(True,)]
    assert close_dead_runs(instance, later()) == ()
    assert lease.held_now(dagster_url, [subject(waiting)]) == {subject(waiting)}


def test_leases_are_taken_again_after_the_server_was_killed() -> None:
    with short_folder() as folder:
        server = EmbeddedServer(folder / "home")
        url = server.ensure().libpq("dagster")
        with lease.hold(url, "run a", beat=BEAT), lease.hold(url, "perintah nightly", beat=BEAT):
            assert lease.held_now(url, ["run a", "run b"]) == {"run a"}
            assert [holder.subject for holder in lease.holders(url)] == ["run a", "perintah nightly"]
            os.kill(postmaster_pid(server), signal.SIGKILL)
            server.ensure()
            deadline = time.monotonic() + 20
            while lease.held_now(url, ["run a"]) != {"run a"}:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert lease.held_now(url, ["run a"]) == frozenset()
        server.stop()


def test_a_lease_without_its_database_is_an_error() -> None:
    with (
        pytest.raises(GudangError, match="basis data Dagster: koneksi gagal"),
        lease.hold("postgresql://h@127.0.0.1:1/d", "run a"),
    ):
        pass


def test_the_lock_of_another_database_is_no_lease(dagster_url: str, pg_url: str) -> None:
    with lease.hold(pg_url, "run a"):
        assert lease.held_now(pg_url, ["run a"]) == {"run a"}
        assert lease.held_now(dagster_url, ["run a"]) == frozenset()
    with psycopg.connect(pg_url) as connection:
        connection.execute("select pg_advisory_lock(1)")
        assert lease.held_now(pg_url, ["run a"]) == frozenset()
