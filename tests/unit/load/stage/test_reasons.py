"""The queries behind the reasons of a rejected load."""

# ruff: noqa: S608  # parts of expected statements

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipelines.load.stage.reasons import count_broken, try_repair
from pipelines.load.stage.statement import all_rules, cleaned_rows
from tests.support.contracts import column
from tests.support.statements import clauses, contract_of, plan_of, written


def test_refused_rows_are_counted_by_the_rules_that_they_break(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, column("a", required=True), column("b", required=True)))
    assert clauses(count_broken(plan, all_rules(plan))) == clauses(f"""
        select count(*) filter (where not "b"."a" is not null), count(*) filter (where not "b"."b" is not null)
        from {written(cleaned_rows(plan))} join "pg_temp"."rejected_rows" r on r.rid = l.ctid
    """)


def test_repair_is_tried_on_a_sample_of_rows_that_break_a_rule(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, column("n", "integer")))
    broken = all_rules(plan)[0]
    repaired = replace(broken.column, parse=("angka_id",))
    statement = clauses(try_repair(plan, broken, repaired))
    assert statement[0].startswith(
        'select count(*) filter (where ("b"."n" is null or case when pg_input_is_valid'
    )
    assert statement[1:] == clauses(f"""
        from (
            select l.* from {written(cleaned_rows(plan))} join "pg_temp"."rejected_rows" r on r.rid = l.ctid
            where not {written(broken.predicate)} limit 1000
        ) l
        cross join lateral (select "ops"."angka_id"("l"."n") as "n" offset '0') b
    """)
