"""Writes a line for the OPD about a rejected load: the rules that most rows broke, and repairs that would help.

Not here: the rows with all their reasons (quarantine.py), whether a load is rejected (quality/gate.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts import repairs
from pipelines.contracts.columns import Column
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import cleaned_cell
from pipelines.load.stage.rules import Rule, rules
from pipelines.load.stage.statement import ONCE, REJECTED, all_rules, cleaned_rows, count_duplicates

SHOWN = 3
"""How many reasons are named."""
_SAMPLE = 1_000
"""On how many refused rows a repair is tried."""
_RULES_PER_QUERY = 400
_LAST_STAGE = 2
"""The stage of repairs that work on a value after it was read (contracts/repairs.py)."""


def most_common(connection: Connection[Any], plan: LoadPlan, *, deduplicated: bool) -> str:
    """The SHOWN most frequent reasons with column and count, each with the repair that would help most of its rows.

    deduplicated: plan.duplicates lists rows whose key another row has; that is a reason, too.
    """
    broken = [(rule, rows) for rule, rows in _counts(connection, plan) if rows]
    broken.sort(key=lambda found: -found[1])
    reasons = [(rows, _describe(connection, plan, rule, rows)) for rule, rows in broken[:SHOWN]]
    if deduplicated:
        (rows,) = connection.execute(count_duplicates(plan)).fetchone() or (0,)
        key = ", ".join(plan.contract.identity)
        reasons.append((rows, f"{key}: kunci sudah dipakai baris lain, {rows} baris"))
        reasons.sort(key=lambda found: -found[0])
    return "; ".join(text for _, text in reasons[:SHOWN])


def _counts(connection: Connection[Any], plan: LoadPlan) -> Iterator[tuple[Rule, int]]:
    """Each rule with the number of refused rows that break it."""
    checked = all_rules(plan)
    for start in range(0, len(checked), _RULES_PER_QUERY):
        part = checked[start : start + _RULES_PER_QUERY]
        yield from zip(part, connection.execute(count_broken(plan, part)).fetchone() or (), strict=True)


def count_broken(plan: LoadPlan, checked: Sequence[Rule]) -> sql.Composed:
    """Counts for each rule the refused rows that break it, in one row."""
    broken = [sql.SQL("count(*) filter (where not {})").format(rule.predicate) for rule in checked]
    return sql.SQL("select {} from {} join {} r on r.rid = l.ctid").format(
        sql.SQL(", ").join(broken), cleaned_rows(plan), REJECTED
    )


def _describe(connection: Connection[Any], plan: LoadPlan, rule: Rule, rows: int) -> str:
    repair = _helpful_repair(connection, plan, rule)
    return f"{rule.message}, {rows} baris" + (f" (parse: {repair}?)" if repair else "")


def _helpful_repair(connection: Connection[Any], plan: LoadPlan, rule: Rule) -> str | None:
    """The `parse` that would repair most of the rows that break this rule; None if none repairs at least half."""
    if rule.column.name in plan.exact:
        return None  # its source's type is the contract's: there is no text to repair
    best, most = None, 0
    for column in _columns_with_another_repair(rule, is_number=rule.column.name in plan.numbers):
        repaired, tried = connection.execute(try_repair(plan, rule, column)).fetchone() or (0, 0)
        if repaired > most and repaired * 2 >= tried:
            best, most = column, repaired
    if best is None:
        return None
    return best.parse[0] if len(best.parse) == 1 else f"[{', '.join(best.parse)}]"


def _columns_with_another_repair(rule: Rule, *, is_number: bool) -> Iterator[Column]:
    """The rule's column with one more repair, for each repair that the contract may declare there.

    A cell that was read well, and only lost precision, is not read in another way. is_number: the source keeps the
    column as numbers, so that no number has to be read from a text.
    """
    column = rule.column
    if rule.name in ("wajib", "jendela") or column.pseudonymise:
        return
    for name, parser in repairs.PARSERS.items():
        if name in column.parse or (rule.name == "ketelitian" and parser.stage != _LAST_STAGE):
            continue
        if is_number and name in repairs.NUMBER_READERS:
            continue
        after = [other for other in column.parse if repairs.PARSERS[other].stage > parser.stage]
        before = [other for other in column.parse if other not in after]
        changed = replace(column, parse=(*before, name, *after))
        if not any(repairs.faults(changed)):
            yield changed


def try_repair(plan: LoadPlan, rule: Rule, column: Column) -> sql.Composed:
    """Counts the refused rows that break `rule`: those that would be valid after the repairs of `column`, and all.

    At most _SAMPLE rows are tried.
    """
    contract = replace(
        plan.contract, columns=tuple(column if c.name == column.name else c for c in plan.contract.columns)
    )
    own_rules = [r.predicate for r in rules(contract, plan.exact) if r.column.name == column.name]
    return sql.SQL(
        "select count(*) filter (where {kept}), count(*) from"
        " (select l.* from {rows} join {rejected} r on r.rid = l.ctid where not {rule} limit {most}) l"
        " cross join lateral (select {cell} as {name}{once}) b"
    ).format(
        kept=sql.SQL(" and ").join(own_rules),
        rows=cleaned_rows(plan),
        rejected=REJECTED,
        rule=rule.predicate,
        once=ONCE,
        most=sql.Literal(_SAMPLE),
        cell=cleaned_cell(column, is_number=column.name in plan.numbers),
        name=sql.Identifier(column.name),
    )
