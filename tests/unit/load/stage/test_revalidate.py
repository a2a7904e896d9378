"""The statements about quarantined rows that were refused by earlier rules."""

# ruff: noqa: S608  # parts of expected statements

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.load.stage.revalidate import earliest_refused, mark_as_read_again, resolve_superseded
from tests.support.contracts import column
from tests.support.statements import CHANGED, ID, clauses, contract_of, plan_of, written

MERGED = {"write_disposition": "merge"}

REFUSED = """
    from quarantine.row q join ops.load_batch b on b.batch_id = q.last_batch_id
    where q.dataset = 'uji/data' and q.state = 'open' and b.rules is distinct from 'rules of today'
"""


def test_reading_begins_at_the_earliest_row_that_earlier_rules_refused(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, CHANGED, cursor="diubah", **MERGED)
    plan = plan_of(contract, since="2026-11-01")
    assert clauses(earliest_refused(plan, "rules of today")) == clauses(f"""
        with refused as (select q.row ->> 'diubah' as "diubah" {REFUSED}),
            cleaned as (select "l"."diubah" as value from refused l),
            judged as (
                select value,
                    case when pg_input_is_valid(value, 'timestamp')
                        then value::timestamp between '0002-01-01'::timestamp
                            and (transaction_timestamp() + '1 day'::interval)::timestamp
                        else false end as usable
                from cleaned
            )
        select
            to_jsonb(least('2026-11-01'::timestamp, min(value::timestamp) filter (where usable)))#>>'{{}}',
            count(*) filter (where not usable)
        from judged
    """)


def test_text_cursors_are_compared_by_code_point_as_in_the_source(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, column("urut", required=True), cursor="urut", **MERGED)
    statement = written(earliest_refused(plan_of(contract, since="a"), "rules of today"))
    assert 'least(\'a\'::text collate "C", min(value::text collate "C") filter (where usable))' in statement


def test_api_is_read_from_one_day_earlier(tmp_path: Path) -> None:
    server: dict[str, Any] = {"server": "uji", "type": "api", "location": "${UJI_URL}"}
    extract = {"path": "/v1", "records": "/data"}
    contract = contract_of(tmp_path, ID, CHANGED, cursor="diubah", server=server, extract=extract, **MERGED)
    statement = written(earliest_refused(plan_of(contract, since="2026-11-01"), "rules of today"))
    assert "min((value::timestamp - interval '1 day')::timestamp) filter (where usable)" in statement


def test_old_entry_is_resolved_if_the_row_was_refused_again(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID))
    assert clauses(resolve_superseded(plan, "rules of today")) == clauses(f"""
        update quarantine.row o set state = 'resolved', updated_at = clock_timestamp()
        where entry_id in (
            select q.entry_id {REFUSED} and q.last_batch_id < 7 and exists (
                select from quarantine.row n
                where n.dataset = q.dataset and n.state = 'open' and n.last_batch_id = 7 and n.row = q.row
                    and n.row_key is not distinct from q.row_key
            )
        )
    """)


def test_entries_that_were_read_again_are_assigned_to_this_load(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID))
    statement = f"update quarantine.row set last_batch_id = 7 where entry_id in (select q.entry_id {REFUSED} and true)"
    assert clauses(mark_as_read_again(plan, "rules of today", None)) == clauses(statement)
    of_a_file = statement.replace("true", "b.source_name = 'januari.csv'")
    assert clauses(mark_as_read_again(plan, "rules of today", "januari.csv")) == clauses(of_a_file)
