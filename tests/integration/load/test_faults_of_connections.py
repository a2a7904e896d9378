"""Servers that stop and connections that are cut in a load: no row is lost or doubled, and the ledger is right."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import LoadError, SourceError
from pipelines.extract.stream import SourceStream
from pipelines.ingest import ingest
from pipelines.ingest import loads as ingest_module
from pipelines.load import loader
from pipelines.load.waits import Waits
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column
from tests.support.faulted import FILL, NEW, OLD, dataset, left_behind, opener, wait_for_nobody
from tests.support.loads import AT_ONCE, Loads, passes
from tests.support.servers import postmaster_pid, short_folder
from tests.support.tcp_proxy import TcpProxy


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
    """Kills the postmaster with SIGKILL: its sessions end, and the next start recovers."""
    os.kill(postmaster_pid(server), signal.SIGKILL)
    until = time.monotonic() + 120
    while server.is_running():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_load_is_repeated_after_a_kill_of_its_warehouse_or_its_source(
    tmp_path: Path, monkeypatch: Any
) -> None:
    with own_server() as server:
        loads = Loads(server.urls.libpq(), tmp_path)
        contract = dataset(loads)
        loads.load(contract, lambda *_: OLD)

        def broken(*_: Any) -> Any:
            yield from NEW
            kill(server)
            yield from FILL * 20

        with pytest.raises(
            LoadError,
            match=r"uji/data: .*(koneksi diakhiri administrator|koneksi ke gudang data terputus)",
        ):
            loads.load(contract, broken)
        server.ensure()
        loads.connection.close()
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
            target = Loads(second.urls.libpq(), tmp_path)
            tries = kill_source_at_first_reading(monkeypatch, server)
            settings = Settings(home=tmp_path, project=tmp_path, warehouse_url=target.url)
            done = ingest(
                target.connection, wide, settings, target.url, run_id="uji", waits=Waits(retries=(0.1, 0.1))
            )
            assert tries == [1, 2]
            assert done.batch is not None and (done.batch.read, done.batch.loaded) == (40_000, 40_000)
            assert any("dibaca lagi sesudah" in warning for warning in done.batch.warnings)
            assert target.run("select state, rows_loaded from ops.load_batch") == [("loaded", 40_000)]
            target.connection.close()
        again.connection.close()


def kill_source_at_first_reading(monkeypatch: Any, source: EmbeddedServer) -> list[int]:
    """Kills the source's server after the first block of the first reading; gives the numbers of the readings."""
    tries: list[int] = []
    opened = ingest_module.open_source

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

    monkeypatch.setattr(ingest_module, "open_source", opener)
    return tries


def test_a_source_with_a_transient_error_is_read_again_from_its_beginning(loads: Loads) -> None:
    contract = dataset(loads)
    tries: list[int] = []

    def flaky(*_: Any) -> Any:
        tries.append(1)
        yield from OLD
        if len(tries) < 3:
            raise SourceError("uji/data", "the connection went dead", transient=True)

    batch = loads.load(contract, flaky)
    assert (len(tries), batch.read, batch.loaded, batch.quarantined) == (3, 3, 2, 1)
    tries.clear()

    def dead(*_: Any) -> Any:
        tries.append(1)
        yield from NEW
        raise SourceError("uji/data", "the connection went dead", transient=True)

    with pytest.raises(SourceError, match="the connection went dead"):
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


@pytest.mark.parametrize("moment", ["landing", "commit"])
def test_a_cut_connection_to_the_warehouse_leaves_the_old_or_the_new_rows(
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
                proxy.cut_after(0)  # the next message of the server is that it has committed

        monkeypatch.setattr(loader.ledger, "close_batch", then_cut)
        with (
            connect(through) as connection,
            pytest.raises(LoadError, match="koneksi ke gudang data terputus"),
        ):
            loader.load(connection, contract, opener(rows), passes, run_id="uji", waits=AT_ONCE)
    monkeypatch.undo()
    wait_for_nobody(loads)
    current = dict(loads.raw(contract, "kunci", "nilai"))
    assert current == ({"a": 2, "d": 1} if moment == "commit" else {"a": 1, "b": 1})
    assert loads.load(contract, lambda *_: NEW).state == ("unchanged" if moment == "commit" else "loaded")
    states = [row[0] for row in loads.run("select state from ops.load_batch order by batch_id")][1]
    assert states == ("loaded" if moment == "commit" else "died") and left_behind(loads) == []


def test_after_a_cut_connection_to_the_source_it_is_read_again(
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
        once_more = Waits(retries=(0.0,), sleep=lambda _: proxy.heal())
        proxy.cut_after(3_000_000)
        done = ingest(loads.connection, contract, settings, loads.url, run_id="uji", waits=once_more)
        assert done.batch is not None and (done.batch.read, done.batch.loaded) == (20_000, 20_000)
        assert any("dibaca lagi sesudah" in w for w in done.batch.warnings)
        proxy.cut_after(3_000_000)
        with pytest.raises(SourceError) as caught:
            ingest(loads.connection, contract, settings, loads.url, run_id="uji", waits=Waits(retries=(0.0,)))
        assert caught.value.transient
    assert loads.run("select count(*), max(_batch_id) from raw.uji__data") == [(20_000, 1)]
    assert loads.run("select state from ops.load_batch order by batch_id") == [("loaded",), ("failed",)]
    assert left_behind(loads) == []
