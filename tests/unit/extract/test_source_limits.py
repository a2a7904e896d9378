"""The limits that every source may set: load hours and rows per second. The clock is the test's own, so no test waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from pipelines.contracts.model import Server
from pipelines.errors import SourceError
from pipelines.extract.database import open_database
from pipelines.extract.database.dialect import DialectSession
from pipelines.extract.source import keep_to_pace, open_source
from pipelines.extract.source_limits import check_hours, paced
from pipelines.extract.stream import SourceStream, Wanted
from tests.support.databases import contract
from tests.support.extracts import api_contract, upload_contract
from tests.support.http_server import Server as HttpServer
from tests.support.http_server import reply
from tests.support.uploads import uploaded
from tests.support.watch import Watch


@pytest.mark.parametrize(
    ("hours", "now", "is_open"),
    [
        ((time(8), time(16)), "08:00", True),
        ((time(8), time(16)), "15:59", True),
        ((time(8), time(16)), "16:00", False),
        ((time(8), time(16)), "07:59", False),
        ((time(20), time(5)), "23:00", True),
        ((time(20), time(5)), "00:00", True),
        ((time(20), time(5)), "04:59", True),
        ((time(20), time(5)), "05:00", False),
        ((time(20), time(5)), "12:00", False),
        ((time(0), time(0)), "12:00", True),
        (None, "12:00", True),
    ],
)
def test_source_may_be_read_only_in_its_hours_which_may_include_midnight(
    hours: tuple[time, time] | None, now: str, is_open: bool
) -> None:
    made = contract("id", table="t", load_hours=hours)
    if is_open:
        check_hours(made, Watch(now).clock())
        return
    with pytest.raises(SourceError) as caught:
        check_hours(made, Watch(now).clock())
    assert not caught.value.transient


def test_refusal_outside_the_hours_names_the_hours_the_time_and_the_setting(tmp_path: Path) -> None:
    made = contract("id", table="t", load_hours=(time(20), time(5)))
    with pytest.raises(SourceError) as caught:
        open_source(made, wanted=Wanted(), env={}, clock=Watch("10:15").clock())
    assert "uji/data: uji hanya boleh dibaca pukul 20:00 sampai 05:00 WITA, sekarang pukul 10:15" in str(
        caught.value
    )
    assert "load_hours" in str(caught.value)


def test_blocks_are_delayed_to_the_rate_limit() -> None:
    watch = Watch()
    given: list[float] = []
    blocks = iter([b"a\nb\n", b"c\\nd\n" * 10, b"e\n"])
    for _ in paced(blocks, SourceStream(("a",), blocks, "t"), 2, watch.clock()):
        given.append(watch.seconds)
    assert given == [0, 1, 6] and watch.seconds == 6.5


def test_source_slower_than_the_rate_limit_is_not_delayed() -> None:
    watch = Watch()

    def slow() -> Iterator[bytes]:
        for _ in range(3):
            watch.seconds += 10
            yield b"a\n"

    list(paced(slow(), SourceStream(("a",), iter(()), "t"), 1, watch.clock()))
    assert watch.seconds == 30


def test_rate_limit_applies_to_every_kind_of_source(tmp_path: Path, server: HttpServer) -> None:
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("create table t (id int)")
        connection.executemany("insert into t values (?)", [(i,) for i in range(30)])
    connection.close()
    folder = tmp_path / "samarinda" / "penduduk"
    folder.mkdir(parents=True)
    (folder / "data.csv").write_text("id\n" + "1\n" * 30)
    server.in_turn(reply({"data": [{"id": i} for i in range(30)]}))
    env = {"UJI_URL": f"sqlite:///{tmp_path}/s.db", "GUDANG_SUMBER_UJI_URL": server.url}
    for made in (contract("id", table="t"), upload_contract("id"), api_contract("id")):
        watch = Watch()
        slow: Server = replace(made.server, rows_per_second=10)
        stream = open_source(
            replace(made, server=slow),
            wanted=Wanted(),
            upload=uploaded(folder / "data.csv"),
            env=env,
            clock=watch.clock(),
        )
        assert stream is not None
        assert sum(block.count(b"\n") for block in stream.blocks) == stream.rows == 30
        assert watch.seconds == 3


def test_stream_that_ignores_the_rate_limit_is_not_delayed(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("create table t (id int)")
        connection.executemany("insert into t values (?)", [(i,) for i in range(30)])
    connection.close()
    watch = Watch()
    made = contract("id", table="t", rows_per_second=10)
    stream = open_database(
        made,
        Wanted(),
        {"UJI_URL": f"sqlite:///{tmp_path}/s.db"},
        connect=LockingSession,
    )
    assert stream.ignore_rate_limit
    assert stream.warnings == [
        "tabel t memakai MyISAM, yang terkunci selama dibaca: dibaca secepatnya, tanpa rows_per_second"
    ]
    keep_to_pace(stream, made, watch.clock())
    assert len(list(stream.blocks)) and watch.seconds == 0


def test_what_a_stream_falls_back_to_is_read_at_the_same_pace(tmp_path: Path) -> None:
    made, watch = contract("id", table="t", rows_per_second=10), Watch()
    fast, slow = (SourceStream(("id",), iter([b"1\n" * 10] * 3), "t") for _ in range(2))
    fast.fallback = lambda: slow
    keep_to_pace(fast, made, watch.clock())
    assert fast.fallback is not None and len(list(fast.fallback().blocks)) == 3
    assert watch.seconds >= 2


class LockingSession(DialectSession):
    """The session of a table that is locked while it is read."""

    def lock_reason(self) -> str | None:
        return "tabel t memakai MyISAM"


def test_closing_an_unread_stream_ends_the_reading(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("create table t (id int)")
        connection.execute("insert into t values (1)")
    connection.close()
    made = contract("id", table="t", rows_per_second=1)
    stream = open_source(made, wanted=Wanted(), env={"UJI_URL": f"sqlite:///{tmp_path}/s.db"})
    assert stream is not None
    stream.close()
    assert list(stream.blocks) == []
