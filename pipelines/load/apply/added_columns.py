"""A contract whose columns are no longer those of raw: columns that were added, raw gets too, and keeps its rows. A raw
without a row becomes what the contract says: nothing was ever loaded by the old one.

What belongs here: comparing the two, and SQL that adds columns and fills them. Not here: the loads of such a dataset
(apply.py), changes at the source (drift.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.raw_table import HISTORY, ORIGIN, raw_columns, raw_key
from pipelines.load.plan import RAW_SHAPE, LoadPlan, create_raw, current_index, expected_shape, identifiers
from pipelines.warehouse.relation import Relation, existing
from pipelines.warehouse.swap import exchange_table

MODEL_SCHEMAS = frozenset({"staging", "core", "mart_satu_data", "mart_spbe"})
"""Schemas of SQL models: a view there that no longer fits a table without rows is built again by the next night."""
_OURS = re.compile(r".*_(pkey|current)")
"""What every raw table has by itself."""


@dataclass(frozen=True, slots=True)
class Difference:
    """added: columns that raw lacks. changed: whether it differs otherwise. common: those that both have alike."""

    added: tuple[str, ...] = ()
    changed: bool = False
    common: tuple[str, ...] = ()

    @property
    def only_adds(self) -> bool:
        """Whether raw becomes what the contract says by added columns alone."""
        return bool(self.added) and not self.changed


def compare(connection: Connection[Any], plan: LoadPlan) -> Difference:
    """Whatever the order of the columns: one that was added stands last."""
    there = dict(connection.execute(RAW_SHAPE, [plan.raw.as_string(connection)]).fetchall())
    wanted = dict(expected_shape(plan.contract))
    added = tuple(n for n in wanted if n not in there)
    own = {*plan.contract.primary_key, *(n for n, _ in (*HISTORY, *ORIGIN))}
    changed = bool(own.intersection(added)) or any(wanted.get(n) != kind for n, kind in there.items())
    changed = changed or _key(connection, plan) != set(raw_key(plan.contract))
    return Difference(added, changed, tuple(n for n in plan.content if there.get(n) == wanted[n]))


def _key(connection: Connection[Any], plan: LoadPlan) -> set[str]:
    found = connection.execute(
        "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
        " where i.indrelid = to_regclass(%s) and i.indisprimary",
        [plan.raw.as_string(connection)],
    )
    return {row[0] for row in found.fetchall()}


def renew(connection: Connection[Any], plan: LoadPlan) -> None:
    """A raw without a row that is not as the contract says is made anew; grants and views on it stay.

    So a first load that was refused does not hold up the contract that was corrected after it.
    """
    if existing(connection, Relation("raw", plan.contract.table)) is None:
        return
    difference = compare(connection, plan)
    filled = sql.SQL("select exists (select from {})").format(plan.raw)
    if not (difference.changed or difference.added) or connection.execute(filled).fetchone() != (False,):
        return
    with connection.transaction():
        for statement in create_raw(plan.contract, plan.renewed_name):
            connection.execute(statement)
        made = Relation("raw", plan.renewed_name)
        raw = Relation("raw", plan.contract.table)
        exchange_table(connection, raw, made, ours=_OURS, may_go=MODEL_SCHEMAS)
        if plan.contract.keeps_history:
            connection.execute(
                sql.SQL("alter index {} rename to {}").format(
                    sql.Identifier("raw", current_index(plan.renewed_name)),
                    sql.Identifier(current_index(plan.contract.table)),
                )
            )


def add(plan: LoadPlan, added: Sequence[str]) -> sql.Composed:
    kinds = dict(raw_columns(plan.contract))
    parts = [sql.SQL("add column {} {}").format(sql.Identifier(n), sql.SQL(kinds[n])) for n in added]  # type: ignore[arg-type]
    return sql.SQL("alter table {} {}").format(plan.raw, sql.SQL(", ").join(parts))


def fill(plan: LoadPlan, added: Sequence[str]) -> sql.Composed | None:
    """Rows that are otherwise as staged get the values of the added columns: that is no change of the row itself.

    None where no column of the source was added.
    """
    fresh = [n for n in added if n in plan.content]
    if not fresh:
        return None
    before = [n for n in plan.content if n not in added]
    assignments = sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(n)) for n in fresh)
    differs = sql.SQL("({}) is distinct from ({})").format(identifiers(fresh, "t"), identifiers(fresh, "s"))
    if plan.contract.primary_key:
        # Without a clock an old version may read like the current one, and what it had is not known.
        only = " and t.is_current" if plan.contract.keeps_history and not plan.contract.cursor else ""
        return sql.SQL(
            "update {raw} t set {assignments} from {stage} s where {same} and ({old}) is not distinct from ({now})"
            " and {differs}{only}"
        ).format(
            raw=plan.raw,
            assignments=assignments,
            stage=plan.stage,
            same=plan.same_key("s", "t"),
            old=identifiers(before, "t"),
            now=identifiers(before, "s"),
            differs=differs,
            only=sql.SQL(only),
        )
    # Rows that are alike are told apart by their number: as many of them are filled as the source has.
    numbered = (
        "(select *, row({})::text as alike, row_number() over (partition by {} order by {}) as n from {})"
    )
    return sql.SQL(
        "update {raw} t set {assignments} from {there} r join {staged} s on r.alike = s.alike and r.n = s.n"
        " where t.ctid = r.rid and {differs}"
    ).format(
        raw=plan.raw,
        assignments=assignments,
        there=sql.SQL(
            "(select ctid as rid, row({0})::text as alike, row_number() over (partition by {0} order by ctid) as n"
            " from {1})"
        ).format(identifiers(before), plan.raw),
        staged=sql.SQL(numbered).format(
            identifiers(before), identifiers(before), identifiers(fresh), plan.stage
        ),
        differs=differs,
    )


def count_gone(plan: LoadPlan, common: Sequence[str]) -> sql.Composed:
    """Rows of raw that the stage lacks, as far as the columns that both have can tell."""
    if plan.contract.primary_key and set(plan.contract.primary_key) <= set(common):
        return sql.SQL("select count(*) from {} r where not exists (select from {} s where {})").format(
            plan.raw, plan.stage, plan.same_key("s", "r")
        )
    if not common:
        return sql.SQL("select count(*) from {}").format(plan.raw)
    return sql.SQL("select count(*) from (select {0} from {1} except all select {0} from {2}) gone").format(
        identifiers(common), plan.raw, plan.stage
    )
