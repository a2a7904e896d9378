"""Why a load was rejected, for the OPD: which rules its rows broke most, and which repair of the contract would help.

Not here: the rows with all their reasons (quarantine.py), whether a load is rejected (quality/gate.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts import repairs
from pipelines.contracts.columns import Column
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import cleaned
from pipelines.load.stage.rules import Rule, rules
from pipelines.load.stage.statement import REJECTED, all_rules, cleaned_rows, count_duplicates

SHOWN = 3
_SAMPLE = 1_000
"""Refused rows that a repair is tried on."""
_AT_ONCE = 400
_LAST_STAGE = 2


def most_common(connection: Connection[Any], plan: LoadPlan, *, deduplicated: bool) -> str:
    """The first three reasons with column and count, most rows first, each with the repair that most rows need."""
    asked = all_rules(plan)
    counted = [
        (rows, place, rule) for place, (rule, rows) in enumerate(_counts(connection, plan, asked)) if rows
    ]
    counted.sort(key=lambda found: (-found[0], found[1]))
    said = [(rows, _said(connection, plan, rule, rows)) for rows, _, rule in counted[:SHOWN]]
    if deduplicated:
        row = connection.execute(count_duplicates(plan)).fetchone()
        twice = int(row[0]) if row else 0
        key = ", ".join(plan.contract.identity)
        said.append((twice, f"{key}: kunci sudah dipakai baris lain, {twice} baris"))
        said.sort(key=lambda found: -found[0])
    return "; ".join(words for _, words in said[:SHOWN])


def _counts(
    connection: Connection[Any], plan: LoadPlan, asked: tuple[Rule, ...]
) -> Iterator[tuple[Rule, int]]:
    for start in range(0, len(asked), _AT_ONCE):
        part = asked[start : start + _AT_ONCE]
        broken = [sql.SQL("count(*) filter (where not {})").format(rule.predicate) for rule in part]
        query = sql.SQL("select {} from {} join {} r on r.rid = l.ctid").format(
            sql.SQL(", ").join(broken), cleaned_rows(plan), REJECTED
        )
        yield from zip(part, connection.execute(query).fetchone() or (), strict=True)


def _said(connection: Connection[Any], plan: LoadPlan, rule: Rule, rows: int) -> str:
    remedy = _remedy(connection, plan, rule)
    return f"{rule.message}, {rows} baris" + (f" (parse: {remedy}?)" if remedy else "")


def _remedy(connection: Connection[Any], plan: LoadPlan, rule: Rule) -> str | None:
    """What `parse` would have to say so that most of the rows that break this rule keep all rules of the column."""
    best, most = None, 0
    if rule.column.name in plan.exact:
        return None  # its source's type is the contract's: there is no text to repair
    for column in _repaired_otherwise(rule):
        mended, tried = _tried(connection, plan, rule, column)
        if mended > most and mended * 2 >= tried:
            best, most = column, mended
    if best is None:
        return None
    return best.parse[0] if len(best.parse) == 1 else f"[{', '.join(best.parse)}]"


def _repaired_otherwise(rule: Rule) -> Iterator[Column]:
    """The column with each repair more that its contract may declare. What was read well is not read in another way."""
    column = rule.column
    if rule.name in ("wajib", "jendela") or column.pseudonymise:
        return
    for name, parser in repairs.PARSERS.items():
        if name in column.parse or (rule.name == "ketelitian" and parser.stage != _LAST_STAGE):
            continue
        behind = [other for other in column.parse if repairs.PARSERS[other].stage > parser.stage]
        before = [other for other in column.parse if other not in behind]
        changed = replace(column, parse=(*before, name, *behind))
        if not any(repairs.faults(changed)):
            yield changed


def _tried(connection: Connection[Any], plan: LoadPlan, rule: Rule, column: Column) -> tuple[int, int]:
    """Two counts of rows that break `rule`: those that the repairs of `column` would make good, and all."""
    contract = replace(
        plan.contract, columns=tuple(column if c.name == column.name else c for c in plan.contract.columns)
    )
    kept = [r.predicate for r in rules(contract, plan.exact) if r.column.name == column.name]
    query = sql.SQL(
        "select count(*) filter (where {kept}), count(*) from"
        " (select l.* from {rows} join {rejected} r on r.rid = l.ctid where not {rule} limit {most}) l"
        " cross join lateral (select {cell} as {name} offset 0) b"
    ).format(
        kept=sql.SQL(" and ").join(kept),
        rows=cleaned_rows(plan),
        rejected=REJECTED,
        rule=rule.predicate,
        most=sql.Literal(_SAMPLE),
        cell=cleaned(column),
        name=sql.Identifier(column.name),
    )
    row = connection.execute(query).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
