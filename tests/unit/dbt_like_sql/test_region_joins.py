"""No model compares region codes of two systems, or a code that was cut or stripped of its dots: 6402 would match.

Static: the compiled SQL of every model, by sqlglot.
"""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from tests.support.repository import own_project
from pipelines.models.project.project import load_project
from pipelines.settings import PROJECT_ROOT

KEMENDAGRI = {
    "kode_kemendagri", "kode_kabupaten_kota", "kode_kecamatan", "kode_desa_kelurahan", "kode_provinsi", "kode_induk",
    "kode_hari_ini", "mekar_dari",
}  # fmt: skip
BPS = {"kode_bps"}
MENDED = (exp.Replace, exp.RegexpReplace, exp.Translate, exp.Left, exp.Right, exp.Substring)


def faults(query: str) -> list[str]:
    """Comparisons in `query` in which a region's code has lost its system."""
    found: list[str] = []
    for comparison in sqlglot.parse_one(query, dialect="postgres").find_all(exp.EQ, exp.In, exp.NullSafeEQ):
        text = comparison.sql(dialect="postgres")
        if "kemendagri:" in text or "bps:" in text:
            continue  # a key by the macro kunci_wilayah
        names = {column.name for column in comparison.find_all(exp.Column)}
        literals = [str(x.this) for x in comparison.find_all(exp.Literal) if x.is_string]
        if names & KEMENDAGRI and names & BPS:
            found.append(f"two systems: {text}")
        elif names & KEMENDAGRI and any(x.isdigit() and len(x) > 2 for x in literals):
            found.append(f"a code without dots: {text}")
        elif len(names) > 1 and names & (KEMENDAGRI | BPS) and comparison.find(*MENDED):
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
def test_a_bare_join_is_caught(bad: str) -> None:
    assert len(faults(bad)) == 1


def test_no_model_joins_on_a_bare_code() -> None:
    project = own_project()
    found = {node.name: faults(node.sql) for node in project.nodes.values() if node.sql}
    assert {name: said for name, said in found.items() if said} == {}
