"""Impossible cursor values: their rows are loaded with a warning, and no later row is missed because of them."""

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
    """A table that gives, as a database does, everything from a cursor value on."""

    def __init__(self, *rows: Row) -> None:
        self.rows = {row[0]: list(row) for row in rows}
        self.requested: list[str | None] = []

    def read(self, _: Contract, since: str | None) -> list[Row]:
        self.requested.append(since)
        earliest = (since or "").replace("T", " ")
        return [r for r in self.rows.values() if r[2] is not None and (r[2] > "a" or r[2] >= earliest)]

    def put(self, *row: str) -> None:
        self.rows[row[0]] = list(row)


@pytest.mark.parametrize("strategy", ["upsert", "scd2"])
def test_an_impossible_time_hides_no_later_row(loads: Loads, strategy: str) -> None:
    contract = dataset(loads, merge_strategy=strategy)
    table = Table(["a", "1", "2024-05-01 00:00:00"], ["b", "1", FAR])
    batch = loads.load(contract, table.read)
    assert batch.loaded == 2 and any("1 baris mempunyai diubah yang mustahil" in w for w in batch.warnings)
    assert loads.run("select value from ops.watermark") == [("2024-05-01T00:00:00",)]

    table.put("c", "1", "2024-05-02 00:00:00")
    again = loads.load(contract, table.read)
    assert (again.loaded, again.unchanged) == (1, 2) and again.warnings, "the warning is repeated"

    table.put("b", "2", "2024-05-03 00:00:00")  # the OPD corrects it
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


def test_a_row_of_an_api_with_an_impossible_time_can_be_corrected(loads: Loads) -> None:
    for strategy in ("upsert", "scd2"):
        contract = dataset(loads, server=api("UJI_URL"), extract={"path": "/x"}, merge_strategy=strategy)
        loads.forget(contract)
        loads.load(contract, lambda *_: [["a", "1", FAR]])
        assert loads.load(contract, lambda *_: [["a", "2", "2024-05-01 00:00:00"]]).loaded == 1
        assert loads.raw(contract, "kunci", "nilai") == [("a", 2)]


@pytest.mark.parametrize(
    "mark", ["9999-12-31T00:00:00", "infinity", "-infinity", "0044-03-15T00:00:00 BC", "x"]
)
def test_an_impossible_watermark_is_ignored_and_everything_read(loads: Loads, mark: str) -> None:
    """A warehouse of an earlier version may have such a watermark."""
    contract = dataset(loads, lag="P1D")
    table = Table(["a", "1", "2024-05-01 00:00:00"])
    loads.load(contract, table.read)
    loads.run(f"update ops.watermark set value = '{mark}'")  # noqa: S608
    table.put("b", "1", "2024-05-02 00:00:00")
    loads.load(contract, table.read)
    assert table.requested == [None, None] and len(loads.raw(contract)) == 2
    assert loads.run("select value from ops.watermark") == [("2024-05-02T00:00:00",)]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("date", "2024-05-01", "9999-12-31"),
        ("timestamptz", "2024-05-01T00:00:00+08:00", "9999-12-31 00:00:00Z"),
        ("text", "2024-05-01 10:00", "9999-12-31 10:00"),
    ],
)
def test_an_impossible_value_is_recognised_in_every_kind_of_cursor(
    loads: Loads, kind: str, good: str, bad: str
) -> None:
    contract = dataset(loads, kind)
    batch = loads.load(contract, lambda *_: [["a", "1", good], ["b", "1", bad]])
    assert batch.loaded == 2 and batch.warnings
    assert loads.run("select value from ops.watermark") == [(good,)]


def test_a_time_less_than_a_day_ahead_is_accepted(loads: Loads) -> None:
    contract = dataset(loads)
    ((ahead,),) = loads.run("select to_char(now() + interval '20 hours', 'YYYY-MM-DD HH24:MI:SS')")
    assert not loads.load(contract, lambda *_: [["a", "1", ahead]]).warnings
    assert loads.run("select value from ops.watermark") == [(ahead.replace(" ", "T"),)]


def test_an_append_does_not_double_a_row_with_an_impossible_time(loads: Loads) -> None:
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


def test_a_watermark_of_another_column_is_ignored_and_everything_read(loads: Loads) -> None:
    """The contract changes its cursor from the time of the record to the time of the change."""
    columns = [
        column("kunci", primaryKey=True),
        column("dicatat", "timestamp", required=True),
        column("diubah", "timestamp", required=True),
    ]
    requested: list[str | None] = []

    def read(_: Contract, since: str | None) -> list[Row]:
        requested.append(since)
        return [["a", "2024-06-01", "2024-05-01"]]

    for cursor in ("dicatat", "dicatat", "diubah", "diubah"):
        loads.load(loads.contract(*columns, write_disposition="merge", cursor=cursor), read)
    assert requested == [None, "2024-06-01T00:00:00", None, "2024-05-01T00:00:00"]
    loads.run("update ops.watermark set column_name = null")  # as in an earlier version
    loads.load(loads.contract(*columns, write_disposition="merge", cursor="diubah"), read)
    assert requested[-1] == "2024-05-01T00:00:00"


def test_a_ledger_of_an_earlier_version_is_upgraded_and_keeps_its_watermark(loads: Loads) -> None:
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
    assert table.requested == [None, "2024-05-01T00:00:00"]
    assert loads.run("select rows_damaged, rows_unreachable from ops.load_batch order by batch_id") == [
        (0, None),
        (0, None),
    ]
