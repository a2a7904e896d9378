"""The query that finds the rows which break a rule, and which of their values may be shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.windows import Window
from pipelines.quality.evidence import Table, duplicates, finder, raw_rows, table_of
from tests.support.contracts import column
from tests.support.statements import ID, contract_of

TABLE = Table(
    ("id", "nama", "jk", "icd", "tahun"), ("id",), frozenset({"id", "jk", "icd", "tahun"}), "_source_position"
)
RAW = '"raw"."uji"'


def test_query_of_single_rows_gives_key_named_columns_and_origin_and_keeps_its_condition() -> None:
    found = finder("select id from gudang_baris where jk = 'L' and icd ~ '^(O|Z3[2-6])';", TABLE)
    assert found.on(RAW) == (
        f'select {RAW}."id", {RAW}."jk", {RAW}."icd", {RAW}."_source_position"\n'
        f"from {RAW} where jk = 'L' and icd ~ '^(O|Z3[2-6])'"
    )
    assert all(may_show for _, may_show in found.columns)


def test_query_with_a_join_takes_the_columns_of_the_checked_relation() -> None:
    query = "select b.id from gudang_baris b join core.ref_opd r on r.kode = b.icd where r.nama <> b.nama"
    found = finder(query, TABLE)
    assert found.on(RAW).startswith('select "b"."id", "b"."nama", "b"."icd", "b"."_source_position"\nfrom')
    assert dict(found.columns)["nama"] is False


def test_rows_that_share_a_key_are_found_by_their_key() -> None:
    found = finder(duplicates(["id", "tahun"]), TABLE)
    assert [name for name, _ in found.columns] == ["id", "tahun", "_source_position"]
    assert 'where ("id", "tahun") in (select "id", "tahun" from "raw"."uji" group by' in found.on(RAW)


def test_query_can_read_the_rows_of_another_query() -> None:
    found = finder("with t as (select jk from gudang_baris) select jk from t group by jk", TABLE)
    assert found.on("select * from raw.uji where is_current") == (
        "with gudang_baris as (\nselect * from raw.uji where is_current\n)\n"
        "select * from (\nwith t as (select jk from gudang_baris) select jk from t group by jk\n) as ditemukan"
    )


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("select tahun from gudang_baris group by tahun having count(*) > 1", {"tahun": True}),
        ("select tahun, sum(x.n) n from (select tahun, 1 as n from gudang_baris) x group by 1",
         {"tahun": True, "n": True}),
        ("select k.kode from core.ref_w k left join gudang_baris b on true where b.id is null", {"kode": True}),
        ("select nama as jk from gudang_baris group by 1", {"jk": False}),
        ("select jk from (select nama as jk from gudang_baris) x group by 1", {"jk": False}),
        ("with t as (select max(nama) as icd from gudang_baris) select icd from t", {"icd": False}),
        ("select x.jk from (select nama from gudang_baris) x (jk) group by 1", {"jk": False}),
        ("select to_jsonb(s) as s from (select * from gudang_baris) s", {"s": False}),
        ("select (select max(nama) from gudang_baris) as jk from core.ref_w", {"jk": False}),
        ("select jk from staging.orang group by jk", {"jk": False}),
        ("select count(*) as n, nama from gudang_baris group by nama", {"n": True, "nama": False}),
        ("select 1 from gudang_baris having count(*) > 9", {}),
        ("select * from (select * from gudang_baris) s where true", {}),
        ("select nama from gudang_baris group by nama union all select jk from gudang_baris", {}),
        ("ini bukan ( SQL", {}),
    ],
)  # fmt: skip
def test_column_of_another_query_is_shown_only_if_all_that_it_is_made_of_may_be(
    query: str, shown: dict[str, bool]
) -> None:
    assert dict(finder(query, TABLE).columns) == shown


def test_key_is_shown_whatever_its_class_unless_it_is_personal(tmp_path: Path) -> None:
    closed = column("id", "integer", primaryKey=True, classification="terbatas")
    assert table_of(contract_of(tmp_path, closed)).shown == {"id"}
    person = column("nik", primaryKey=True, classification="pribadi", pseudonymise="uji")
    assert table_of(contract_of(tmp_path, person)).shown == set()


def test_open_columns_are_shown_but_no_free_text_beside_a_personal_one(tmp_path: Path) -> None:
    person: dict[str, Any] = {"classification": "pribadi", "pseudonymise": "uji"}
    contract = contract_of(
        tmp_path, ID, column("nik", **person), column("catatan"), column("umur", "integer"),
        column("gaji", "integer", classification="terbatas"),
    )  # fmt: skip
    table = table_of(contract)
    assert table.keys == ("id",) and table.origin == "_source_position"
    assert table.shown == {"id", "umur"}


@pytest.mark.parametrize(
    ("custom", "rows"),
    [
        ({}, '"raw"."uji__data"'),
        (
            {"write_disposition": "merge", "merge_strategy": "scd2"},
            'select * from "raw"."uji__data" where is_current',
        ),
    ],
)
def test_shown_query_reads_the_rows_in_force(tmp_path: Path, custom: dict[str, Any], rows: str) -> None:
    assert raw_rows(contract_of(tmp_path, ID, **custom)) == rows


def test_shown_query_of_a_window_reads_its_days(tmp_path: Path) -> None:
    partition = {"column": "hari", "every": "daily", "start": "2026-01-01"}
    contract = contract_of(tmp_path, ID, column("hari", "date"), partition=partition)
    assert raw_rows(contract, Window(date(2026, 3, 1), date(2026, 3, 2))) == (
        'select * from "raw"."uji__data" where "hari" >= \'2026-03-01\'::date'
        " and \"hari\" < ('2026-03-02'::date::date + 1)"
    )
