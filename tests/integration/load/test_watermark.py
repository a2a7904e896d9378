"""Cursor values that cannot be: they load, they are told of, and no later row hides behind them."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.load import prepare
from tests.support.contracts import api, column
from tests.support.loads import Loads, Row

FAR = "9999-12-31 00:00:00"


def dataset(loads: Loads, kind: str = "timestamp", **custom: Any) -> Contract:
    custom.setdefault("write_disposition", "merge")
    return loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "integer"),
        column("diubah", kind, required=True),
        cursor="diubah",
        **custom,
    )


class Table:
    """A table that is asked as a database is: everything from a cursor value on."""

    def __init__(self, *rows: Row) -> None:
        self.rows = {row[0]: list(row) for row in rows}
        self.asked: list[str | None] = []

    def read(self, _: Contract, since: str | None) -> list[Row]:
        self.asked.append(since)
        earliest = (since or "").replace("T", " ")
        return [r for r in self.rows.values() if r[2] is not None and (r[2] > "a" or r[2] >= earliest)]

    def put(self, *row: str) -> None:
        self.rows[row[0]] = list(row)


@pytest.mark.parametrize("strategy", ["upsert", "scd2"])
def test_a_time_that_cannot_be_hides_no_later_row(loads: Loads, strategy: str) -> None:
    contract = dataset(loads, merge_strategy=strategy)
    table = Table(["a", "1", "2024-05-01 00:00:00"], ["b", "1", FAR])
    batch = loads.load(contract, table.read)
    assert batch.loaded == 2 and any("1 baris mempunyai diubah yang mustahil" in w for w in batch.warnings)
    assert loads.run("select value from ops.watermark") == [("2024-05-01T00:00:00",)]

    table.put("c", "1", "2024-05-02 00:00:00")
    again = loads.load(contract, table.read)
    assert (again.loaded, again.unchanged) == (1, 2) and again.warnings, "told each time while it stands"

    table.put("b", "2", "2024-05-03 00:00:00")  # the OPD mends it
    assert loads.load(contract, table.read).loaded == 1
    table.put("b", "3", "2024-05-04 00:00:00")
    last = loads.load(contract, table.read)
    assert last.loaded == 1 and not last.warnings
    alive = " where is_current" if strategy == "scd2" else ""
    assert loads.run(f"select kunci, nilai from raw.uji__data{alive} order by 1") == [  # noqa: S608
        ("a", 1),
        ("b", 3),
        ("c", 1),
    ]
    if strategy == "scd2":
        assert loads.run("select max(valid_from) < now() + interval '1 minute' from raw.uji__data") == [
            (True,)
        ]


def test_a_row_that_an_api_gave_with_such_a_time_can_be_mended(loads: Loads) -> None:
    for strategy in ("upsert", "scd2"):
        contract = dataset(loads, server=api("UJI_URL"), extract={"path": "/x"}, merge_strategy=strategy)
        loads.forget(contract)
        loads.load(contract, lambda *_: [["a", "1", FAR]])
        assert loads.load(contract, lambda *_: [["a", "2", "2024-05-01 00:00:00"]]).loaded == 1
        assert loads.raw(contract, "kunci", "nilai") == [("a", 2)]


@pytest.mark.parametrize(
    "mark", ["9999-12-31T00:00:00", "infinity", "-infinity", "0044-03-15T00:00:00 BC", "x"]
)
def test_a_mark_that_cannot_be_is_none_and_all_is_read_again(loads: Loads, mark: str) -> None:
    """As a warehouse has it whose mark followed such a row before."""
    contract = dataset(loads, lag="P1D")
    table = Table(["a", "1", "2024-05-01 00:00:00"])
    loads.load(contract, table.read)
    loads.run(f"update ops.watermark set value = '{mark}'")  # noqa: S608
    table.put("b", "1", "2024-05-02 00:00:00")
    loads.load(contract, table.read)
    assert table.asked == [None, None] and len(loads.raw(contract)) == 2
    assert loads.run("select value from ops.watermark") == [("2024-05-02T00:00:00",)]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("date", "2024-05-01", "9999-12-31"),
        ("timestamptz", "2024-05-01T00:00:00+08:00", "9999-12-31 00:00:00Z"),
        ("text", "2024-05-01 10:00", "9999-12-31 10:00"),
    ],
)
def test_every_kind_of_cursor_has_a_bound(loads: Loads, kind: str, good: str, bad: str) -> None:
    contract = dataset(loads, kind)
    batch = loads.load(contract, lambda *_: [["a", "1", good], ["b", "1", bad]])
    assert batch.loaded == 2 and batch.warnings
    assert loads.run("select value from ops.watermark") == [(good,)]


def test_a_clock_a_little_ahead_of_ours_is_followed(loads: Loads) -> None:
    contract = dataset(loads)
    ((ahead,),) = loads.run("select to_char(now() + interval '20 hours', 'YYYY-MM-DD HH24:MI:SS')")
    assert not loads.load(contract, lambda *_: [["a", "1", ahead]]).warnings
    assert loads.run("select value from ops.watermark") == [(ahead.replace(" ", "T"),)]


def test_an_append_without_a_key_does_not_double_such_a_row(loads: Loads) -> None:
    contract = loads.contract(
        column("nilai", "integer"),
        column("diubah", "timestamp", required=True),
        write_disposition="append",
        cursor="diubah",
    )
    rows: list[Row] = [["1", "2024-05-01"], ["2", FAR], ["2", FAR]]
    loads.load(contract, lambda *_: rows)
    assert loads.load(contract, lambda *_: rows).loaded == 0
    assert len(loads.raw(contract)) == 3


def test_a_mark_of_another_column_is_none_and_all_is_read_again(loads: Loads) -> None:
    """A contract that takes the time of the change for its cursor, where it had taken the time of the record."""
    columns = [
        column("kunci", primaryKey=True),
        column("dicatat", "timestamp", required=True),
        column("diubah", "timestamp", required=True),
    ]
    asked: list[str | None] = []

    def read(_: Contract, since: str | None) -> list[Row]:
        asked.append(since)
        return [["a", "2024-06-01", "2024-05-01"]]

    for cursor in ("dicatat", "dicatat", "diubah", "diubah"):
        loads.load(loads.contract(*columns, write_disposition="merge", cursor=cursor), read)
    assert asked == [None, "2024-06-01T00:00:00", None, "2024-05-01T00:00:00"]
    loads.run("update ops.watermark set column_name = null")  # as an earlier version kept it
    loads.load(loads.contract(*columns, write_disposition="merge", cursor="diubah"), read)
    assert asked[-1] == "2024-05-01T00:00:00"


def test_a_ledger_of_an_earlier_version_gets_what_it_lacks_and_keeps_its_mark(loads: Loads) -> None:
    contract = dataset(loads)
    table = Table(["a", "1", "2024-05-01 00:00:00"])
    loads.load(contract, table.read)
    loads.before_migrations()
    loads.run(
        "alter table ops.watermark drop column source_text, drop column column_name;"
        " alter table ops.load_batch drop column rows_damaged, drop column rows_unreachable"
    )
    prepare.prepare(loads.connection, [contract])
    table.put("b", "1", "2024-05-02 00:00:00")
    assert loads.load(contract, table.read).loaded == 1
    assert table.asked == [None, "2024-05-01T00:00:00"]
    assert loads.run("select rows_damaged, rows_unreachable from ops.load_batch order by batch_id") == [
        (0, None),
        (0, None),
    ]
