"""The statements that add the new columns of a contract to raw and fill them."""

from __future__ import annotations

from pathlib import Path

from pipelines.load.apply.added_columns import add, count_gone, fill
from tests.support.contracts import column
from tests.support.statements import CHANGED, ID, NAME, clauses, contract_of, plan_of

CODE = column("kode")


def test_columns_are_added_with_their_types(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME, CHANGED))
    assert clauses(add(plan, ["nama", "diubah"])) == clauses(
        'alter table "raw"."uji__data" add column "nama" text, add column "diubah" timestamp'
    )


def test_added_column_is_filled_in_rows_that_are_otherwise_equal(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CODE, NAME))
    assert clauses(fill(plan, ["nama"])) == clauses("""
        update "raw"."uji__data" t set "nama" = s."nama"
        from "landing"."uji__data__7_stage" s
        where "s"."id" = "t"."id" and ("t"."id", "t"."kode") is not distinct from ("s"."id", "s"."kode")
            and ("t"."nama") is distinct from ("s"."nama")
    """)


def test_only_current_versions_are_filled_unless_there_is_a_cursor(tmp_path: Path) -> None:
    history = {"write_disposition": "merge", "merge_strategy": "scd2"}
    plan = plan_of(contract_of(tmp_path, ID, NAME, **history))
    filled = clauses(fill(plan, ["nama"]))
    assert filled[-1].endswith('("s"."nama") and t.is_current')
    (tmp_path / "clocked").mkdir()
    plan = plan_of(contract_of(tmp_path / "clocked", ID, NAME, CHANGED, cursor="diubah", **history))
    assert "is_current" not in " ".join(clauses(fill(plan, ["nama"])))


def test_equal_rows_without_a_key_are_filled_by_their_number(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, CODE, NAME))
    assert clauses(fill(plan, ["nama"])) == clauses("""
        update "raw"."uji__data" t set "nama" = s."nama"
        from (
            select ctid as rid, row("kode")::text as alike, row_number() over (partition by "kode" order by ctid) as n
            from "raw"."uji__data"
        ) r
        join (
            select *, row("kode")::text as alike, row_number() over (partition by "kode" order by "nama") as n
            from "landing"."uji__data__7_stage"
        ) s on r.alike = s.alike and r.n = s.n
        where t.ctid = r.rid and ("t"."nama") is distinct from ("s"."nama")
    """)


def test_column_of_the_warehouse_is_not_filled(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, write_disposition="merge", reconcile="PT20H"))
    assert fill(plan, ["deleted_at"]) is None


def test_deleted_rows_are_counted_by_key_or_else_by_common_columns(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CODE))
    assert clauses(count_gone(plan, ["id", "kode"])) == clauses("""
        select count(*) from "raw"."uji__data" r
        where not exists (select from "landing"."uji__data__7_stage" s where "s"."id" = "r"."id")
    """)
    assert clauses(count_gone(plan, ["kode"])) == clauses("""
        select count(*) from (
            select "kode" from "raw"."uji__data" except all select "kode" from "landing"."uji__data__7_stage"
        ) gone
    """)
    assert clauses(count_gone(plan, [])) == clauses('select count(*) from "raw"."uji__data"')
