"""The statements that mark rows which the source has deleted."""

# ruff: noqa: S608  # parts of expected statements

from __future__ import annotations

from pathlib import Path

from pipelines.load.apply.reconcile import count_overlooked, is_due, mark_gone, record
from pipelines.load.apply.shrinking import count_alive, count_before
from tests.support.statements import CHANGED, ID, NAME, clauses, contract_of, plan_of, written

MERGED = {"write_disposition": "merge", "cursor": "diubah", "reconcile": "PT20H"}

NOT_IN_QUARANTINE = """
    not exists (
        select from quarantine.row q
        where q.dataset = 'uji/data' and q.state = 'open'
            and q.row_key = ops.kunci_ringkas(concat_ws('|', "{0}"."id"::text::text))
    )
"""


def test_deleted_row_is_marked_unless_its_key_is_in_quarantine(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED))
    assert clauses(mark_gone(plan, plan.stage)) == clauses(f"""
        update "raw"."uji__data" t set deleted_at = transaction_timestamp()
        where t.deleted_at is null
            and not exists (select from "landing"."uji__data__7_stage" k where "k"."id" = "t"."id")
            and {NOT_IN_QUARANTINE.format("t")}
    """)


def test_current_version_of_a_deleted_row_ends(tmp_path: Path) -> None:
    history = {"write_disposition": "merge", "merge_strategy": "scd2"}
    plan = plan_of(contract_of(tmp_path, ID, NAME, **history))
    assert clauses(mark_gone(plan, plan.stage, includes_refused=True)) == clauses("""
        update "raw"."uji__data" t
        set valid_to = greatest(transaction_timestamp(), t.valid_from + interval '1 microsecond'), is_current = false
        where t.is_current
            and not exists (select from "landing"."uji__data__7_stage" k where "k"."id" = "t"."id") and true
    """)
    assert written(count_alive(plan)) == 'select count(*) from "raw"."uji__data" r where r.is_current'


def test_overlooked_rows_are_counted_with_their_lowest_cursor(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED))
    missed = f"""
        "k"."diubah" is not null and not exists (
            select from "raw"."uji__data" t
            where "k"."id" = "t"."id" and t.deleted_at is null and t."diubah" = "k"."diubah"
        ) and {NOT_IN_QUARANTINE.format("k").strip()}
    """.strip()
    assert clauses(count_overlooked(plan, plan.stage)) == clauses(f"""
        select
            count(*) filter (where {missed}),
            to_jsonb(min("k"."diubah") filter (where {missed}))#>>'{{}}',
            count(*) filter (where "k"."diubah" is null)
        from "landing"."uji__data__7_stage" k
    """)


def test_reconciliation_is_due_after_the_contracts_interval_and_recorded(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED))
    assert clauses(is_due(plan)) == clauses("""
        select coalesce((
            select max(reconciled_at) + 'PT20H'::interval <= clock_timestamp()
            from ops.reconciliation where dataset = 'uji/data'
        ), true)
    """)
    assert written(record(plan, keys=3, gone=2, overlooked=1)).endswith("values ('uji/data', 7, 3, 2, 1)")


def test_rows_before_and_alive_are_counted(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED))
    assert written(count_before(plan)) == 'select count(*) from "raw"."uji__data" r where true'
    assert written(count_alive(plan)) == 'select count(*) from "raw"."uji__data" r where r.deleted_at is null'
