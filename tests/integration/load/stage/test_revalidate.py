"""Rows that a rule refused which has been mended since come back by themselves: once for each change."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.contracts.model import Contract
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
    """What the walidata does with a name that nobody knew."""
    loads.run(f"insert into core.ref_nama values ('{name}')")  # noqa: S608


def in_quarantine(loads: Loads) -> list[Any]:
    return loads.run("select state, count(*) from quarantine.row group by 1 order by 1")


@pytest.mark.parametrize("disposition", ["replace", "append"])
def test_an_upload_is_read_again_when_the_list_has_the_name(loads: Loads, disposition: str) -> None:
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
    assert (again.read, again.loaded, again.unchanged, again.quarantined) == (3, 1, 2 - 1, 1)
    assert in_quarantine(loads) == [("open", 1), ("resolved", 1)]
    assert load("Berau", "Mahulu", "Entah", file="jan.csv").read == 0, "once for each change"
    register(loads, "Paser")  # another name: nobody can know that it helps nobody
    assert load("Berau", "Mahulu", "Entah", file="jan.csv").read == 3
    assert load("Berau", "Mahulu", "Entah", file="jan.csv").read == 0


class Table:
    def __init__(self, *rows: Row) -> None:
        self.rows, self.asked = [list(r) for r in rows], list[str | None]()

    def read(self, _: Contract, since: str | None) -> list[Row]:
        self.asked.append(since)
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


def test_a_merge_reads_again_from_the_first_refused_row_when_the_contract_allows_it(loads: Loads) -> None:
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
    assert table.asked == [None, mark, "2024-05-02T00:00:00", mark]
    assert loads.raw(wider, "kunci") == [("a",), ("b",), ("d",)]
    assert in_quarantine(loads) == [("open", 1), ("resolved", 2)], (
        "b is mended; c stands once, with its reason of now"
    )


def test_a_refused_row_that_is_gone_is_looked_for_once(loads: Loads) -> None:
    table = Table(["a", "X", "2024-05-01 00:00:00"], ["d", "X", "2024-05-04 00:00:00"])
    table.rows.append(["b", "Y", "2024-05-02 00:00:00"])
    loads.load(merged(loads, "X"), table.read)
    del table.rows[-1]
    for values in (("X", "Y"), ("X", "Y"), ("X", "Y", "Z"), ("X", "Y", "Z")):
        loads.contracts.clear()
        loads.load(merged(loads, *values), table.read)
    earlier, mark = "2024-05-02T00:00:00", "2024-05-04T00:00:00"
    assert table.asked == [None, earlier, mark, earlier, mark]


def test_a_refused_row_whose_cursor_cannot_be_asked_for_wants_all(loads: Loads) -> None:
    table = Table(["a", "X", "2024-05-01 00:00:00"], ["b", "Y", "kemarin"])
    loads.load(merged(loads, "X"), table.read)
    loads.contracts.clear()
    for _ in range(2):
        loads.load(merged(loads, "X", "Y"), table.read)
    assert table.asked == [None, None, "2024-05-01T00:00:00"]


def test_an_api_is_asked_from_a_little_before_the_refused_row(loads: Loads) -> None:
    """It may leave out what stands at the very value that it is asked from."""
    source = {"server": api("UJI_URL"), "extract": {"path": "/x"}}
    table = Table(["b", "Y", "2024-05-02 00:00:00"], ["d", "X", "2024-05-04 00:00:00"])
    loads.load(merged(loads, "X", **source), table.read)
    loads.contracts.clear()
    loads.load(merged(loads, "X", "Y", **source), table.read)
    assert table.asked == [None, "2024-05-01T00:00:00"]


def test_a_load_that_the_gate_refuses_leaves_its_rows_to_be_asked_for(loads: Loads) -> None:
    from pipelines.quality.gate import GateResult, quarantine_share

    def refuse(staged: Any) -> GateResult:
        return GateResult((quarantine_share(staged),))

    table = Table(["b", "Y", "2024-05-02 00:00:00"], ["d", "X", "2024-05-04 00:00:00"])
    loads.load(merged(loads, "X"), table.read)
    loads.contracts.clear()
    assert loads.load(merged(loads, "Z"), table.read, gate=refuse).state == "rejected"
    loads.contracts.clear()
    assert loads.load(merged(loads, "X", "Y"), table.read).loaded == 1
