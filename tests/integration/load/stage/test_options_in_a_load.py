"""logicalTypeOptions in loads: cells that keep them are loaded, others are refused with a message for the OPD."""

from __future__ import annotations

from typing import Any

from tests.support.contracts import column
from tests.support.loads import Loads

ID = column("id", "bigint", primaryKey=True)


def refused(loads: Loads, prop: dict[str, Any], *cells: str | None) -> dict[str, list[str]]:
    """The messages of each refused cell, by cell."""
    contract = loads.contract(ID, prop, max_quarantine_share=1)
    rows = [[str(n), cell] for n, cell in enumerate(cells)]
    batch = loads.load(contract, lambda _, __: rows)
    assert batch.state in ("loaded", "unchanged")
    found = loads.run("select row, reasons from quarantine.row where state = 'open' order by row_key")
    assert len(found) == batch.quarantined
    return {row[prop["name"]]: [r["pesan"] for r in reasons] for row, reasons in found}


def test_a_number_that_is_not_a_multiple_is_refused(loads: Loads) -> None:
    for kind, of, good, bad in (
        ("integer", 500, ["0", "-500", "1000", None], ["250", "-1"]),
        ("numeric(10,2)", 0.25, ["0.5", "-1.75", "1e3", None], ["0.3", "1.26"]),
        ("double precision", 0.5, ["1.5", "1e300"], ["1.25"]),
    ):
        prop = column("harga", kind, logicalTypeOptions={"multipleOf": of})
        assert refused(loads, prop, *good, *bad) == {cell: [f"harga: bukan kelipatan {of}"] for cell in bad}
        loads.run("drop table raw.uji__data; truncate ops.load_batch cascade; truncate quarantine.row")
    prop = column("harga", "double precision", logicalTypeOptions={"multipleOf": 0.5})
    both = ["harga: bukan angka", "harga: bukan kelipatan 0.5"]
    assert refused(loads, prop, "NaN", "Infinity") == {"NaN": both, "Infinity": both}


def test_a_cell_that_is_not_a_number_has_one_message(loads: Loads) -> None:
    prop = column("harga", "integer", logicalTypeOptions={"multipleOf": 5, "minimum": 0})
    assert refused(loads, prop, "lima", "-10", "-3") == {
        "lima": ["harga: bukan bilangan bulat"],
        "-10": ["harga: di luar rentang, paling kecil 0"],
        "-3": ["harga: di luar rentang, paling kecil 0", "harga: bukan kelipatan 5"],
    }


def test_a_bound_finer_or_larger_than_the_columns_type_is_not_rounded(loads: Loads) -> None:
    prop = column("a", "numeric(4,1)", logicalTypeOptions={"minimum": 0.04, "maximum": 5_000_000})
    assert refused(loads, prop, "0", "0.1", "999.9") == {"0": ["a: di luar rentang, paling kecil 0.04"]}


def test_a_pattern_matches_anywhere_unless_it_is_anchored(loads: Loads) -> None:
    within = column("a", logicalTypeOptions={"pattern": "[0-9]{3}"})
    assert list(refused(loads, within, "x123y", "12", "123")) == ["12"]
    loads.run("drop table raw.uji__data; truncate ops.load_batch cascade; truncate quarantine.row")
    anchored = column("a", logicalTypeOptions={"pattern": "^[0-9]{3}$"})
    assert list(refused(loads, anchored, "x123y", "123\n", "123", None)) == ["x123y", "123\n"]
