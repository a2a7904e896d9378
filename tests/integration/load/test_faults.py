"""Loads that are killed, interrupted, out of disk space, or run at the same time.

After each of them no row is lost or doubled, the ledger is right, and no table is left behind.

Not here: servers that stop and cut connections (test_faults_of_connections.py), too many or too large rows
(test_faults_of_rows.py).
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from pipelines.load import loader, prepare
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.connection import connect
from tests.support.doomed import RECONCILING, STAGES
from tests.support.faulted import FILL, NAMES, NEW, OLD, dataset, left_behind, opener, wait_for_nobody
from tests.support.loads import Loads, Row, only, passes
from tests.support.servers import short_folder


@pytest.mark.parametrize("disposition", ["replace", "merge"])
@pytest.mark.parametrize("where", STAGES)
def test_a_load_killed_at_any_stage_leaves_the_old_rows_or_the_new(
    loads: Loads, where: str, disposition: str
) -> None:
    more = {"write_disposition": "merge", "cursor": "diubah"} if disposition == "merge" else {}
    contract = dataset(loads, **more)
    loads.load(contract, lambda *_: OLD)
    old = loads.raw(contract, "kunci", "nilai")
    rows = [*NEW, *FILL]
    command = [
        sys.executable, "-m", "tests.support.doomed", loads.url, str(contract.path), where, json.dumps(rows)
    ]  # fmt: skip
    killed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    wait_for_nobody(loads)
    assert (loads.raw(contract, "kunci", "nilai") == old) == (where != "afterwards")

    again = loads.load(contract, lambda *_: rows)
    kept = {"a": 2, "d": 1} | {r[0]: 1 for r in FILL} | ({"b": 1} if disposition == "merge" else {})
    assert dict(loads.raw(contract, "kunci", "nilai")) == kept
    assert again.state == ("unchanged" if where == "afterwards" else "loaded")
    states = [row[0] for row in loads.run("select state from ops.load_batch order by batch_id")]
    assert states == ["loaded", "loaded" if where == "afterwards" else "died", again.state]
    open_keys = loads.run(
        "select row_key, count(*) from quarantine.row where state = 'open' group by 1 order by 1"
    )
    assert open_keys == [("c", 1), ("e", 1)]
    assert left_behind(loads) == []
    if disposition == "merge":
        assert loads.run("select value from ops.watermark") == [("2024-05-02T00:00:00",)]


def reconciled(loads: Loads) -> Contract:
    """A dataset with two rows in raw. The next load finds one of them deleted, and a new one."""
    contract = dataset(loads, write_disposition="merge", cursor="diubah", reconcile="PT0S")
    loads.load(contract, lambda of, _: only(of, NAMES, OLD[:2]))
    return contract


ROWS: list[Row] = [OLD[0], ["d", "1", "2024-05-02"]]


def assert_next_load_loses_nothing(loads: Loads, contract: Contract) -> None:
    again = loads.load(contract, lambda of, _: only(of, NAMES, ROWS))
    assert (again.loaded, again.deleted, again.error) == (0, 1, None)
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", True), ("b", False), ("d", True)]
    assert left_behind(loads) == []


@pytest.mark.parametrize("where", RECONCILING)
def test_a_load_killed_while_it_reconciles_counts_as_loaded(loads: Loads, where: str) -> None:
    contract = reconciled(loads)
    command = [
        sys.executable, "-m", "tests.support.doomed", loads.url, str(contract.path), where, json.dumps(ROWS)
    ]  # fmt: skip
    killed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    wait_for_nobody(loads)
    entry = "select state, rows_read, rows_loaded, rows_deleted from ops.load_batch where batch_id = 2"
    assert loads.run(entry) == [("loaded", 2, 1, 0)]
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", True), ("b", True), ("d", True)]
    assert_next_load_loses_nothing(loads, contract)
    assert loads.run(entry) == [("loaded", 2, 1, 0)]


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("fault", [KeyboardInterrupt, psycopg.OperationalError, ValueError])
def test_after_an_interrupted_reconciliation_the_ledger_says_loaded(
    loads: Loads, fault: type[BaseException]
) -> None:
    contract = reconciled(loads)

    def rows(of: Contract, _: str | None) -> Any:
        yield from only(of, NAMES, ROWS)
        if of.columns != contract.columns:
            raise fault("6472010101900001")

    if fault is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            loads.load(contract, rows)
    else:
        assert loads.load(contract, rows).loaded == 1
    ((state, loaded, error),) = loads.run(
        "select state, rows_loaded, error from ops.load_batch where batch_id = 2"
    )
    assert (state, loaded) == ("loaded", 1)
    assert error.startswith("rekonsiliasi: ") and "6472" not in error
    assert_next_load_loses_nothing(loads, contract)


def test_an_unexpected_exception_becomes_a_load_error_without_values(loads: Loads) -> None:
    contract = dataset(loads)

    def rows(*_: Any) -> Any:
        yield OLD[0]
        raise ValueError("no time: '6472010101900001'")

    with pytest.raises(LoadError, match=r"uji/data: ValueError yang tidak terduga di \w+/\w+\.py, baris \d+"):
        loads.load(contract, rows)
    ((state, error),) = loads.run("select state, error from ops.load_batch")
    assert state == "failed" and "ValueError yang tidak terduga" in error and "6472" not in error


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's default handling of SIGINT. A shell that starts the tests in the background makes it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_a_load_ended_by_ctrl_c_is_failed_in_the_ledger(loads: Loads) -> None:
    contract = dataset(loads)
    loads.load(contract, lambda *_: OLD)

    def interrupted(*_: Any) -> Any:
        yield NEW[0]
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        loads.load(contract, interrupted)
    assert loads.run("select state, error from ops.load_batch order by batch_id desc limit 1") == [
        ("failed", "KeyboardInterrupt [GDK-M001]")
    ]
    assert len(loads.raw(contract)) == 2 and left_behind(loads) == []


def test_a_full_disk_fails_the_load_and_raw_stays(loads: Loads) -> None:
    contract = dataset(loads)
    loads.load(contract, lambda *_: OLD)
    with small_disk() as folder:
        loads.run(f"create tablespace kecil location '{folder}'")
        try:
            loads.run("set default_tablespace = kecil")
            with pytest.raises(LoadError, match="disk server penuh"):
                loads.load(
                    contract, lambda *_: [*NEW, *([f"k{n}", "1", "2024-05-02"] for n in range(600_000))]
                )
            assert left_behind(loads) == []
            loads.run("set default_tablespace = ''")
            assert len(loads.raw(contract)) == 2
            assert loads.run("select state from ops.load_batch order by batch_id") == [
                ("loaded",),
                ("failed",),
            ]
            assert loads.load(contract, lambda *_: NEW).loaded == 2
        finally:
            loads.run("set default_tablespace = ''")
            loads.run("drop tablespace kecil")


@contextmanager
def small_disk() -> Iterator[Path]:
    """A disk of 8 MB that the server's user may write to."""
    with short_folder() as folder:
        disk = folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0777", "tmpfs", str(disk)],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            reason = "a small disk needs the right to mount (root)"
            pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
        try:
            room = disk / "ruang"
            room.mkdir()
            owner = server_user()
            if owner:
                os.chown(room, *owner)
            yield room
        finally:
            subprocess.run(["umount", str(disk)], check=True)


def server_user() -> tuple[int, int] | None:
    """User and group of the embedded server when root starts it."""
    try:
        user = pwd.getpwnam("embedded_postgres")
    except KeyError:
        return None
    return user.pw_uid, user.pw_gid


def test_two_loads_of_one_dataset_wait_for_each_other(loads: Loads) -> None:
    contract = dataset(loads)
    inside, go_on = threading.Event(), threading.Event()

    def slow(*_: Any) -> Any:
        inside.set()
        assert go_on.wait(120)
        return OLD

    first = threading.Thread(target=loads.load, args=(contract, slow))
    first.start()
    assert inside.wait(120)
    with connect(loads.url) as other:
        second = threading.Thread(
            target=loader.load,
            args=(other, contract, opener(lambda: NEW), passes),
            kwargs={"run_id": "kedua"},
        )
        second.start()
        with psycopg.connect(loads.url.replace("+psycopg", ""), autocommit=True) as watcher:
            until = time.monotonic() + 120
            while not watcher.execute(
                "select 1 from pg_locks where locktype = 'advisory' and not granted"
            ).fetchone():
                assert time.monotonic() < until, "the second load does not wait"
                time.sleep(0.02)
        go_on.set()
        first.join()
        second.join()
    assert loads.run(
        "select state, started_at >= lag(finished_at) over (order by batch_id) from ops.load_batch order by batch_id"
    ) == [("loaded", None), ("loaded", True)]
    assert dict(loads.raw(contract, "kunci", "nilai")) == {"a": 2, "d": 1}


def test_tables_left_by_a_dead_run_are_dropped_at_the_next_start(loads: Loads) -> None:
    contract, other = dataset(loads), dataset(loads, key="uji/lain")
    loads.run("insert into ops.load_batch (dataset) values ('uji/data')")
    ((dead,),) = loads.run("select batch_id from ops.load_batch")
    loads.run(f"create unlogged table landing.uji__data__{dead}_landing (kunci text)")
    loads.load(other, lambda *_: OLD)
    assert len(left_behind(loads)) == 1
    prepare.prepare(loads.connection, [contract, other])
    assert left_behind(loads) == []
    assert loads.run("select state from ops.load_batch where dataset = 'uji/data'") == [("died",)]


def test_a_load_drops_no_table_of_a_dataset_whose_long_name_begins_alike(loads: Loads) -> None:
    name = "rekapitulasi_kunjungan_layanan_kesehatan"
    first = dataset(loads, key=f"dinas_kesehatan_provinsi/{name[:25]}_a")
    second = dataset(loads, key=f"dinas_kesehatan_provinsi/{name[:25]}_b")
    assert first.table[:40] == second.table[:40]

    def gate(staged: Any) -> Any:
        """Loads the second dataset while landing and stage of the first exist."""
        with connect(loads.url) as other:
            loader.load(other, second, opener(lambda: OLD), passes, run_id="uji")
        return passes(staged)

    assert loads.load(first, lambda *_: NEW, gate=gate).loaded == 2
    assert len(loads.raw(second)) == 2 and left_behind(loads) == []
