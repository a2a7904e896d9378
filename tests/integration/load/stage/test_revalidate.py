"""Rows that a rule refused are read again when the rule has changed, once for each change."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.quality.gate import GateResult, quarantine_share
from tests.support.contracts import api, column, upload
from tests.support.loads import Loads, Row

REGION = {
    "relationships": [
        {
            "to": "ref_nama.kunci",
            "customProperties": [{"property": "normalise", "value": "kunci_nama"}],
        }
    ]
}


@pytest.fixture(autouse=True)
def regions(loads: Loads) -> None:
    loads.run("create table core.ref_nama (kunci text); insert into core.ref_nama values ('Berau')")


def register(loads: Loads, name: str) -> None:
    """Adds a name to the reference list, as the walidata does."""
    loads.run(f"insert into core.ref_nama values ('{name}')")  # noqa: S608


def in_quarantine(loads: Loads) -> list[Any]:
    return loads.run("select state, count(*) from quarantine.row group by 1 order by 1")


@pytest.mark.parametrize("disposition", ["replace", "append"])
def test_an_upload_is_read_again_when_the_reference_list_has_changed(loads: Loads, disposition: str) -> None:
    contract = loads.contract(
        column("wilayah", **REGION),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        write_disposition=disposition,
    )

    def load(*rows: str, file: str) -> Any:
        return loads.load(contract, lambda *_: [[r] for r in rows], file=file)

    assert load("Berau", "Mahulu", "Entah", file="jan.csv").quarantined == 2
    assert load("Berau", "Mahulu", "Entah", file="jan.csv").read == 0
    register(loads, "Mahulu")
    again = load("Berau", "Mahulu", "Entah", file="jan.csv")
    assert (again.read, again.loaded, again.unchanged, again.quarantined) == (3, 1, 1, 1)
    assert in_quarantine(loads) == [("open", 1), ("resolved", 1)]
    assert load("Berau", "Mahulu", "Entah", file="jan.csv").read == 0, "once for each change"
    register(loads, "Paser")  # any change of the list causes another reading
    assert load("Berau", "Mahulu", "Entah", file="jan.csv").read == 3
    assert load("Berau", "Mahulu", "Entah", file="jan.csv").read == 0


class Table:
    def __init__(self, *rows: Row) -> None:
        self.rows, self.requested = [list(r) for r in rows], list[str | None]()

    def read(self, _: Contract, since: str | None) -> list[Row]:
        self.requested.append(since)
        return [r for r in self.rows if since is None or str(r[2]).replace(" ", "T") >= since]


def merged(loads: Loads, *values: str, **custom: Any) -> Contract:
    return loads.contract(
        column("kunci", primaryKey=True),
        column("kelas", enum=[{"value": v} for v in values]),
        column("diubah", "timestamp", required=True),
        write_disposition="merge",
        cursor="diubah",
        **custom,
    )


def test_a_merge_reads_from_the_first_refused_row_after_a_changed_contract(loads: Loads) -> None:
    table = Table(
        ["a", "X", "2024-05-01 00:00:00"],
        ["b", "Y", "2024-05-02 00:00:00"],
        ["c", "Z", "2024-05-03 00:00:00"],
        ["d", "X", "2024-05-04 00:00:00"],
    )
    assert loads.load(merged(loads, "X"), table.read).quarantined == 2
    loads.load(merged(loads, "X"), table.read)
    loads.contracts.clear()
    wider = merged(loads, "X", "Y")
    batch = loads.load(wider, table.read)
    assert (batch.loaded, batch.quarantined) == (1, 1)
    loads.load(wider, table.read)
    mark = "2024-05-04T00:00:00"
    assert table.requested == [None, mark, "2024-05-02T00:00:00", mark]
    assert loads.raw(wider, "kunci") == [("a",), ("b",), ("d",)]
    assert in_quarantine(loads) == [("open", 1), ("resolved", 2)], (
        "b is resolved; c has one open entry, with its present reason"
    )


def test_a_refused_row_that_is_gone_is_searched_for_once(loads: Loads) -> None:
    table = Table(["a", "X", "2024-05-01 00:00:00"], ["d", "X", "2024-05-04 00:00:00"])
    table.rows.append(["b", "Y", "2024-05-02 00:00:00"])
    loads.load(merged(loads, "X"), table.read)
    del table.rows[-1]
    for values in (("X", "Y"), ("X", "Y"), ("X", "Y", "Z"), ("X", "Y", "Z")):
        loads.contracts.clear()
        loads.load(merged(loads, *values), table.read)
    earlier, mark = "2024-05-02T00:00:00", "2024-05-04T00:00:00"
    assert table.requested == [None, earlier, mark, earlier, mark]


def test_a_refused_row_with_an_invalid_cursor_makes_everything_be_read(loads: Loads) -> None:
    table = Table(["a", "X", "2024-05-01 00:00:00"], ["b", "Y", "kemarin"])
    loads.load(merged(loads, "X"), table.read)
    loads.contracts.clear()
    for _ in range(2):
        loads.load(merged(loads, "X", "Y"), table.read)
    assert table.requested == [None, None, "2024-05-01T00:00:00"]


def test_an_api_is_requested_from_a_day_before_the_refused_row(loads: Loads) -> None:
    """The API may leave out rows that have exactly the requested value."""
    source = {"server": api("UJI_URL"), "extract": {"path": "/x"}}
    table = Table(["b", "Y", "2024-05-02 00:00:00"], ["d", "X", "2024-05-04 00:00:00"])
    loads.load(merged(loads, "X", **source), table.read)
    loads.contracts.clear()
    loads.load(merged(loads, "X", "Y", **source), table.read)
    assert table.requested == [None, "2024-05-01T00:00:00"]


def test_after_a_rejected_load_refused_rows_are_still_read_again(loads: Loads) -> None:
    def gate(staged: Any) -> GateResult:
        return GateResult((quarantine_share(staged),))

    table = Table(["b", "Y", "2024-05-02 00:00:00"], ["d", "X", "2024-05-04 00:00:00"])
    loads.load(merged(loads, "X"), table.read)
    loads.contracts.clear()
    assert loads.load(merged(loads, "Z"), table.read, gate=gate).state == "rejected"
    loads.contracts.clear()
    assert loads.load(merged(loads, "X", "Y"), table.read).loaded == 1
