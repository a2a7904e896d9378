"""No model compares a region's code of one system with that of another, or a code without its dots.

6402 is Kutai Barat for BPS, and 64.02 is Kutai Kartanegara for Kemendagri. The compiled SQL of every model is examined
by sqlglot.
"""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from tests.support.repository import own_project

KEMENDAGRI = {
    "kode_kemendagri", "kode_kabupaten_kota", "kode_kecamatan", "kode_desa_kelurahan", "kode_provinsi", "kode_induk",
    "kode_hari_ini", "mekar_dari",
}  # fmt: skip
BPS = {"kode_bps"}
CUTTING = (exp.Replace, exp.RegexpReplace, exp.Translate, exp.Left, exp.Right, exp.Substring)


def faults(query: str) -> list[str]:
    """The comparisons in `query` that can match codes of two different regions."""
    found: list[str] = []
    for comparison in sqlglot.parse_one(query, dialect="postgres").find_all(exp.EQ, exp.In, exp.NullSafeEQ):
        text = comparison.sql(dialect="postgres")
        if "kemendagri:" in text or "bps:" in text:
            continue  # a key that the macro kunci_wilayah makes, with the name of its system
        names = {column.name for column in comparison.find_all(exp.Column)}
        literals = [str(x.this) for x in comparison.find_all(exp.Literal) if x.is_string]
        if names & KEMENDAGRI and names & BPS:
            found.append(f"two systems: {text}")
        elif names & KEMENDAGRI and any(x.isdigit() and len(x) > 2 for x in literals):
            found.append(f"a code without dots: {text}")
        elif len(names) > 1 and names & (KEMENDAGRI | BPS) and comparison.find(*CUTTING):
            found.append(f"a code that was cut: {text}")
    return found


@pytest.mark.parametrize(
    "bad",
    [
        "select 1 from ispu join wilayah on ispu.kode_bps = wilayah.kode_kemendagri",
        "select 1 from ispu join wilayah on ispu.kode_bps = replace(wilayah.kode_kemendagri, '.', '')",
        "select 1 from a join wilayah on a.kode = replace(wilayah.kode_kemendagri, '.', '')",
        "select 1 from wilayah where kode_kabupaten_kota = '6402'",
        "select 1 from wilayah where kode_kabupaten_kota in ('6402', '6403')",
    ],
)
def test_comparison_of_codes_without_their_system_is_found(bad: str) -> None:
    assert len(faults(bad)) == 1


def test_no_model_compares_codes_without_their_system() -> None:
    project = own_project()
    found = {node.name: faults(node.sql) for node in project.nodes.values() if node.sql}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
