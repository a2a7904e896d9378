"""Formats and types: the cells that they accept, and spellings that only PostgreSQL would accept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from pipelines.contracts.repairs import FORMATS
from pipelines.load.stage.cell_types import TYPES
from pipelines.load.stage.rules import rules
from tests.support.contracts import column, document, make, upload
from tests.support.parsers import IN_SETS, Warehouse

# -- checks --------------------------------------------------------------------------------------------------

SHAPES: dict[str, tuple[list[str], list[str]]] = {
    "nik": (
        ["9901010101900001", "6472014107900001", "6472013112990123"],
        ["1111111111111111", "6472014001900001", "6472013201900001", "6472010113900001", "6472010101900000",
         "6400010101900001", "647201010190000", "64720101019000011", "64 72010101900001"],
    ),
    "nip": (
        ["198501012010011001", "199203122022211012", "196802292001122003"],
        ["198502302010011001", "198504312010011001", "198501012010131001", "198501012010013001", "198501012010011000"],
    ),
    "npwp": (
        ["09.254.294.3-407.000", "092542943407000", "0092542943407000"],
        ["000000000000000", "09.254.294.3.407.000", "12345"],
    ),
    "npsn": (["30401540", "P9908123"], ["3040154", "00401540", "304015400"]),
    "nib": (["8120001234567"], ["812000123456", "0000000000000"]),
    "kode_kemendagri": (
        ["64", "64.02", "6402", "64.02.13.2001", "6472011001"],
        ["64.1", "6403010", "64.02.13.9001", "64.0213", "KT"],
    ),
    "kode_bps": (["64", "6403", "6403010", "6403010001"], ["64.03", "640301", "0403"]),
    "email": (["diskominfo@kaltimprov.go.id"], ["a@b", "a b@c.id", "a@b..id", "@c.id", "a@-.id", "a@b.id "]),
    "telepon": (["0811-5678-901", "+62 541 123456", "(0541) 123456"], ["123", "8115678901", "00811234567", "+1 555 123 4567"]),
    "kode_pos": (["75123"], ["0751234", "7512", "05123"]),
    "plat_nomor": (["KT 1234 AB", "KT1A", "B 1"], ["kt 1 a", "KT 01 A", "KTX 1 A", "KT 12345"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_accepts_valid_values_and_refuses_others(ops: Warehouse, name: str) -> None:
    good, bad = SHAPES[name]
    assert ops.ask(f"cek_{name}", good) == [True] * len(good)
    assert dict(zip(bad, ops.ask(f"cek_{name}", bad), strict=True)) == dict.fromkeys(bad, False)


# -- types ---------------------------------------------------------------------------------------------------

ODD = """NaN nan Infinity -inf INF 0x1F -0X1f 0b1 0o17 1_000 1e5 1E+5 .5 5. +7 007 today now infinity epoch allballs
0001-01-01_BC 10000-01-01 __24-12-31 1Jan-02-99 Jan1-02-99 J2451187 2024-366 20241231 2024-12-31_24:00:00 y2024m1-1-1
2024-12-31_10:00:60 2024-12-31T10:00:00Z 2024-12-31_10:00:00+07 2024-12-31_10:00:00_BC t f T F yes on TRUE false 1 0"""


@IN_SETS
@given(st.lists(st.text("0123456789-:+. eExXnNT_tf", max_size=19)))
def test_the_quick_check_of_a_type_accepts_nothing_that_its_pattern_refuses(
    ops: Warehouse, texts: list[str]
) -> None:
    odd = [word.replace("_", " ") for word in ODD.split()] + ["1_000", "2_0", *texts]
    for base, kind in TYPES.items():
        if kind.spelling is None:
            continue
        cell = sql.Identifier("t")
        query = sql.SQL(
            "select t from unnest(%s::text[]) t where case when pg_input_is_valid(t, {}) then {} else false end and t !~ {}"
        ).format(
            sql.Literal(base),
            sql.SQL(kind.spelling.canonical.replace("%", "%%")).format(text=cell),
            sql.Literal(kind.spelling.pattern),
        )  # type: ignore[arg-type]
        assert ops.connection.execute(query, [odd]).fetchall() == [], base


def test_spellings_that_only_postgresql_accepts_are_refused_in_files(ops: Warehouse, tmp_path: Path) -> None:
    refused = {
        "integer": ["0x1F", "1_000", "1.0"],
        "numeric(8,2)": ["NaN", "Infinity", "0x1F", "1,5"],
        "double precision": ["nan", "-INF", "0x1p3"],
        "boolean": ["T", "t", "yes", "Ya"],
        "date": ["today", "31/12/2024", "2024-12-31T23:00:00Z", "0001-01-01 BC", "20241231"],
        "timestamp": ["2024-12-31T23:00:00Z", "2024-12-31 23:00+07", "now"],
    }
    taken = {
        "integer": ["5", "-7", " 007 ", "+1"],
        "numeric(8,2)": ["1.5", "1e3", "-.5", "5."],
        "double precision": ["0.1", "1e-7"],
        "boolean": ["true", "False", "1"],
        "date": ["2024-12-31", "2024-1-5", "2024-12-31T00:00:00"],
        "timestamp": ["2024-12-31 23:00:00", "2024-12-31T23:00", "2024-12-31"],
        "timestamptz": ["2024-12-31T23:00:00Z", "2024-12-31 23:00+07"],
    }
    for kind in taken:
        doc = document(
            "dinas/uji",
            [column("a", kind)],
            upload("dinas/uji", "csv"),
            extract={"format": "csv", "pattern": "*.csv"},
        )
        kept = sql.SQL(" and ").join(rule.predicate for rule in rules(make(tmp_path, doc)))
        for texts, verdict in ((taken[kind], True), (refused.get(kind, []), False)):
            query = sql.SQL("select a, {} from (select unnest({}::text[]) as a) b").format(
                kept, sql.Literal(texts)
            )
            assert dict(ops.connection.execute(query).fetchall()) == dict.fromkeys(texts, verdict), kind
