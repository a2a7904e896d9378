"""The query that finds the rows which break a rule, and which of their values may be shown."""

# ruff: noqa: S608  # the statements are the test's own
from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.windows import Window
from pipelines.quality.evidence import Table, duplicates, finder, raw_rows, table_of
from pipelines.warehouse.relation import Relation
from tests.support.contracts import column
from tests.support.statements import ID, contract_of

TABLE = Table(
    ("id", "nama", "jk", "icd", "tahun"), ("id",), frozenset({"id", "jk", "icd", "tahun"}), "_source_position"
)
RAW = Relation("raw", "uji")


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


@pytest.mark.parametrize("alias", ["b (nama, id)", "as b (id, jk, nama)"])
def test_columns_that_are_renamed_beside_the_table_are_not_taken_for_its_own(alias: str) -> None:
    assert dict(finder(f"select nama, id from gudang_baris {alias}", TABLE).columns) == {
        "nama": False,
        "id": False,
    }


def test_alias_and_columns_in_capitals_are_those_in_small_letters() -> None:
    found = finder("select B.ID from gudang_baris B where B.JK = 'L'", TABLE)
    assert found.on(RAW).startswith('select "b"."id", "b"."jk", "b"."_source_position"\nfrom')


@pytest.mark.parametrize("comment", ["-- Aturan ini\n", "/* Aturan */ "])
@pytest.mark.parametrize("rows", ["select * from raw.uji", "with t as (select 1 as jk) select * from t"])
def test_query_and_rows_may_begin_with_a_comment(comment: str, rows: str) -> None:
    """A model's own SQL may begin with a comment, and must not be taken for the name of a table."""
    single = finder("select id from gudang_baris where jk = 'L'", TABLE)
    assert single.on(comment + rows).startswith(f"with gudang_baris as (\n{comment}{rows}\n)\nselect ")
    several = finder(f"{comment}with t as (select jk from gudang_baris) select jk from t group by jk", TABLE)
    assert several.on(comment + rows).startswith(
        f"with gudang_baris as (\n{comment}{rows}\n)\nselect * from (\n{comment}with t as"
    )


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
        # A closed value under the name of an open column.
        ("with x as (select jk from gudang_baris union all select nama from gudang_baris) select jk from x",
         {"jk": False}),
        ("select jk from (select jk from gudang_baris union select nama from gudang_baris) s group by jk",
         {"jk": False}),
        ("select jk from (select nama as JK from gudang_baris) t", {"jk": False}),
        ('select "JK" from (select nama as "JK", jk from gudang_baris) t', {"JK": False}),
        ("select jk from gudang_baris g cross join lateral unnest(array[nama]) as jk group by jk", {"jk": False}),
        ("select jk from gudang_baris g, unnest(array[nama]) as jk group by jk", {"jk": False}),
        ("select jk from core.ref_w g, lateral regexp_split_to_table(g.nama, ' ') as jk", {"jk": False}),
        ("select e.jk from core.ref_w r, lateral (select nama from gudang_baris) e (jk)", {"jk": False}),
        ("select jk from core.ref_w r join gudang_baris b using (jk)", {"jk": False}),
        ("select jk from core.ref_w r natural join gudang_baris b", {"jk": False}),
        ("with recursive x as (select nama as jk from gudang_baris) select jk from x", {"jk": False}),
        ("with x (jk) as (select nama from gudang_baris) select jk from x", {"jk": False}),
        ("select jk from (values ('a')) v (jk)", {"jk": False}),
        ("select jk, (select nama from gudang_baris) as n from core.ref_w", {"jk": True, "n": False}),
        ("select b.lama from (select * from gudang_baris) b", {"lama": False}),
        # A whole row, and values in which a closed one takes part.
        ("select t::text as t from gudang_baris t group by t", {"t": False}),
        ("select to_jsonb(t) as t, to_jsonb(t.*) as u from gudang_baris t group by t", {"t": False, "u": False}),
        ("select t.* from gudang_baris t group by t", {}),
        ("select count(t.*) as n, jk from gudang_baris t group by jk", {"n": False, "jk": True}),
        ("select (t).nama as jk from gudang_baris t group by 1", {"jk": False}),
        ("select t.to_jsonb as jk from gudang_baris t group by 1", {"jk": False}),
        ("select string_agg(nama, ',') as jk, max(tahun) as tahun from gudang_baris", {"jk": False, "tahun": True}),
        ("select coalesce(jk, nama) as jk from gudang_baris group by 1", {"jk": False}),
        ("select case when tahun > 1 then nama else jk end as jk from gudang_baris group by 1", {"jk": False}),
        ("select query_to_xml(jk, true, true, '') as jk from gudang_baris group by 1", {"jk": False}),
        ("select jk from public.gudang_baris group by jk", {"jk": False}),
        # What is followed is still shown.
        ("select x.JK, case when n > 1 then jk end as y from (select b.jk, count(*) as n from gudang_baris b"
         " group by 1) x where n > 1", {"JK": True, "y": True}),
        ("select date_trunc('month', tahun) as bulan from gudang_baris group by 1", {"bulan": True}),
        ("with x as (select s.* from gudang_baris s) select jk from x", {"jk": False}),
        ("select jk from (select *, count(*) over (partition by icd) as n from gudang_baris) s where n > 1",
         {"jk": True}),
        ("select b.jk from (select distinct p.jk, p.nama from gudang_baris p) b join core.ref_w r on r.kode = b.jk"
         " where r.nama <> b.nama", {"jk": True}),
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
    assert str(raw_rows(contract_of(tmp_path, ID, **custom))) == rows


def test_shown_query_of_a_window_reads_its_days(tmp_path: Path) -> None:
    partition = {"column": "hari", "every": "daily", "start": "2026-01-01"}
    contract = contract_of(tmp_path, ID, column("hari", "date"), partition=partition)
    assert raw_rows(contract, Window(date(2026, 3, 1), date(2026, 3, 2))) == (
        'select * from "raw"."uji__data" where "hari" >= \'2026-03-01\'::date'
        " and \"hari\" < ('2026-03-02'::date::date + 1)"
    )
