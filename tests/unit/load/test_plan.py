"""The plan of a load: which rows it reads and replaces, and the raw table that it needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.load.plan import create_raw, expected_shape, oldest_kept
from tests.support.contracts import column
from tests.support.statements import (
    CHANGED,
    ID,
    NAME,
    clauses,
    contract_of,
    plan_of,
    upload_contract_of,
    written,
)

SCD2 = {"write_disposition": "merge", "merge_strategy": "scd2"}


def test_raw_has_the_columns_of_the_contract_and_of_loads_and_the_key(tmp_path: Path) -> None:
    (table,) = create_raw(contract_of(tmp_path, ID, NAME))
    assert clauses(table) == clauses("""
        create table if not exists "raw"."uji__data" (
            "id" integer, "nama" text,
            "_batch_id" bigint, "_loaded_at" timestamptz, "_source_position" text, primary key ("id")
        )
    """)


def test_raw_with_history_allows_one_current_version_per_key(tmp_path: Path) -> None:
    table, index = create_raw(contract_of(tmp_path, ID, **SCD2), "uji__data__7_baru")
    assert '"valid_from" timestamptz, "valid_to" timestamptz, "is_current" boolean' in written(table)
    assert 'primary key ("id", "valid_from")' in written(table)
    assert written(index) == (
        "do 'begin if to_regclass(''raw.uji__data__7_baru_current'') is null and exists (select from pg_attribute"
        " where attrelid = ''\"raw\".\"uji__data__7_baru\"''::regclass and attname = ''is_current'') then"
        ' create unique index "uji__data__7_baru_current" on "raw"."uji__data__7_baru" ("id") where is_current;'
        " end if; end'"
    )


def test_expected_shape_has_the_type_names_of_postgresql(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, column("a", "numeric(8, 2)"), column("b", "double precision"), CHANGED)
    assert expected_shape(contract)[:3] == [
        ("a", "numeric(8,2)"), ("b", "doubleprecision"), ("diubah", "timestampwithouttimezone"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("custom", "run", "everything"),
    [
        ({}, {}, True),
        ({"write_disposition": "merge", "cursor": "diubah"}, {"since": "2026-11-01"}, False),
        ({"write_disposition": "merge", "cursor": "diubah"}, {"since": None, "full_refresh": True}, True),
    ],
)
def test_load_reads_everything_unless_it_begins_at_a_cursor(
    tmp_path: Path, custom: dict[str, Any], run: dict[str, Any], everything: bool
) -> None:
    assert plan_of(contract_of(tmp_path, ID, CHANGED, **custom), **run).reads_everything is everything


def test_one_of_several_files_is_everything_only_for_history_without_cursor(tmp_path: Path) -> None:
    def reads_everything(name: str, **custom: Any) -> bool:
        return plan_of(upload_contract_of(tmp_path / name, ID, CHANGED, **custom)).reads_everything

    assert not reads_everything("merged", write_disposition="merge")
    assert reads_everything("history", **SCD2)
    assert not reads_everything("clocked", cursor="diubah", **SCD2)
    appended = plan_of(
        upload_contract_of(tmp_path / "appended", ID, write_disposition="append"), file="januari.csv"
    )
    assert not appended.reads_everything


def test_names_of_the_tables_of_a_load_contain_the_batch(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID))
    assert [written(table) for table in (plan.landing, plan.stage, plan.duplicates, plan.raw)] == [
        '"landing"."uji__data__7_landing"',
        '"landing"."uji__data__7_stage"',
        '"pg_temp"."uji__data__7_duplicates"',
        '"raw"."uji__data"',
    ]


def test_an_upload_replaces_the_periods_of_its_rows(tmp_path: Path) -> None:
    year = column("tahun", "integer", required=True)
    contract = upload_contract_of(
        tmp_path, ID, year, partition={"column": "tahun", "every": "yearly", "start": "2020-01-01"}
    )
    plan = plan_of(contract, file="a.csv", periods={date(2023, 1, 1): 2, date(2022, 1, 1): 0})
    assert not plan.reads_everything
    assert written(plan.scope("r")) == (
        'date_trunc(\'year\', (case when "r"."tahun" between 1900 and 2200 then'
        ' make_date("r"."tahun"::integer, 1, 1) end)::timestamp)::date = any(\'{2022-01-01,2023-01-01}\'::date[]::date[])'
    )
    assert written(plan_of(contract, file="a.csv", periods={}, full_refresh=True).scope("r")) == "true"


@pytest.mark.parametrize(
    ("custom", "oldest"),
    [
        ({"write_disposition": "merge", "cursor": "diubah"}, date(2025, 11, 27)),
        ({"write_disposition": "merge", "cursor": "diubah", "reconcile": "P7D"}, None),
        ({"cursor": "diubah", **SCD2}, None),
        ({}, None),
    ],
)
def test_retention_leaves_out_old_rows_where_a_row_has_a_period(
    tmp_path: Path, custom: dict[str, Any], oldest: date | None
) -> None:
    contract = replace(contract_of(tmp_path, ID, CHANGED, **custom), sla={"retention": ("1", "y")})
    assert oldest_kept(contract, date(2026, 11, 27)) == oldest
    assert oldest_kept(replace(contract, sla={}), date(2026, 11, 27)) is None
