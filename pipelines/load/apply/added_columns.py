"""Schema evolution: adds new columns of the contract to raw, and fills them in the rows that stay.

A raw table without rows is made anew instead, whatever changed.

What belongs here: comparing contract and raw, and SQL that adds columns and fills them. Not here: which differences a
load accepts (steps.py), changes at the source (load/drift.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.raw_table import HISTORY, ORIGIN, raw_columns, raw_key
from pipelines.load.plan import RAW_SHAPE, LoadPlan, create_raw, current_index, expected_shape, identifiers
from pipelines.load.stage.cells import sql_type
from pipelines.warehouse.relation import Relation, existing
from pipelines.warehouse.swap import exchange_table

MODEL_SCHEMAS = frozenset({"staging", "core", "mart_satu_data", "mart_spbe"})
"""Schemas of SQL models. A view there that does not fit the new table is dropped: the next night builds it again."""
_OWN_INDEXES = re.compile(r".*_(pkey|current)")
"""Matches the names of indexes that `create_raw` makes."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How the columns of raw differ from the contract's.

    added: columns that raw lacks. changed: whether raw differs otherwise. common: columns that are the same in both.
    """

    added: tuple[str, ...] = ()
    changed: bool = False
    common: tuple[str, ...] = ()

    @property
    def same_shape(self) -> bool:
        """Whether raw has the contract's columns already."""
        return not (self.added or self.changed)

    @property
    def only_adds(self) -> bool:
        """Whether raw has the contract's columns once the new ones are added."""
        return bool(self.added) and not self.changed


SAME_SHAPE = Difference()


def compare(connection: Connection[Any], plan: LoadPlan) -> Difference:
    """The difference between raw and the contract. The order of columns does not count: new columns are last in raw."""
    there = dict(connection.execute(RAW_SHAPE, [plan.raw.as_string(connection)]).fetchall())
    wanted = dict(expected_shape(plan.contract))
    added = tuple(n for n in wanted if n not in there)
    own = {*plan.contract.primary_key, *(n for n, _ in (*HISTORY, *ORIGIN))}
    changed = bool(own.intersection(added)) or any(wanted.get(n) != kind for n, kind in there.items())
    changed = changed or _raw_key(connection, plan) != set(raw_key(plan.contract))
    return Difference(added, changed, tuple(n for n in plan.content if there.get(n) == wanted[n]))


def _raw_key(connection: Connection[Any], plan: LoadPlan) -> set[str]:
    found = connection.execute(
        "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
        " where i.indrelid = to_regclass(%s) and i.indisprimary",
        [plan.raw.as_string(connection)],
    )
    return {row[0] for row in found.fetchall()}


def remake_if_empty(connection: Connection[Any], plan: LoadPlan) -> None:
    """Makes the raw table anew if it has no row and other columns than the contract. Grants and views stay.

    This allows a contract to be corrected after its first load was refused.
    """
    if existing(connection, Relation("raw", plan.contract.table)) is None:
        return
    difference = compare(connection, plan)
    filled = sql.SQL("select exists (select from {})").format(plan.raw)
    if difference.same_shape or connection.execute(filled).fetchone() != (False,):
        return
    with connection.transaction():
        for statement in create_raw(plan.contract, plan.renewed_name):
            connection.execute(statement)
        made = Relation("raw", plan.renewed_name)
        raw = Relation("raw", plan.contract.table)
        exchange_table(
            connection,
            raw,
            made,
            ours=_OWN_INDEXES,
            droppable_schemas=MODEL_SCHEMAS,
            patience=plan.waits.locks,
        )
        if plan.contract.keeps_history:
            connection.execute(
                sql.SQL("alter index {} rename to {}").format(
                    sql.Identifier("raw", current_index(plan.renewed_name)),
                    sql.Identifier(current_index(plan.contract.table)),
                )
            )


def add(plan: LoadPlan, added: Sequence[str]) -> sql.Composed:
    """The statement that adds the columns to raw."""
    kinds = dict(raw_columns(plan.contract))
    parts = [sql.SQL("add column {} {}").format(sql.Identifier(n), sql_type(kinds[n])) for n in added]
    return sql.SQL("alter table {} {}").format(plan.raw, sql.SQL(", ").join(parts))


def fill(plan: LoadPlan, added: Sequence[str]) -> sql.Composed | None:
    """Fills the added columns in rows of raw that otherwise equal a staged row.

    Gives None if no column of the source was added.
    """
    fresh = [n for n in added if n in plan.content]
    if not fresh:
        return None
    known = [n for n in plan.content if n not in added]
    by_key = bool(plan.contract.primary_key)
    return _fill_by_key(plan, fresh, known) if by_key else _fill_by_content(plan, fresh, known)


def _fill_by_key(plan: LoadPlan, fresh: Sequence[str], known: Sequence[str]) -> sql.Composed:
    """Fills a row of raw (t) from the staged row (s) with its key, if their known columns are the same."""
    # Without a cursor an old version may have the content of the current one, and its value then is not known.
    current_only = plan.contract.keeps_history and not plan.contract.cursor
    return sql.SQL(
        "update {raw} t set {assignments} from {stage} s"
        " where {same_key} and ({t_known}) is not distinct from ({s_known}) and {differs}{current}"
    ).format(
        raw=plan.raw,
        assignments=_assignments(fresh),
        stage=plan.stage,
        same_key=plan.same_key("s", "t"),
        t_known=identifiers(known, "t"),
        s_known=identifiers(known, "s"),
        differs=_differs(fresh),
        current=sql.SQL(" and t.is_current" if current_only else ""),
    )


def _fill_by_content(plan: LoadPlan, fresh: Sequence[str], known: Sequence[str]) -> sql.Composed:
    """Fills rows without a key: the n-th row of raw with some content from the n-th staged row with that content.

    If raw has more of them than the source, the remaining ones are not filled.
    """
    known_columns = identifiers(known)
    numbered = sql.SQL("row({0})::text as alike, row_number() over (partition by {0} order by {1}) as n")
    return sql.SQL(
        "update {raw} t set {assignments} from (select ctid as rid, {numbered_rows} from {raw}) r"
        " join (select *, {numbered_staged} from {stage}) s on r.alike = s.alike and r.n = s.n"
        " where t.ctid = r.rid and {differs}"
    ).format(
        raw=plan.raw,
        assignments=_assignments(fresh),
        numbered_rows=numbered.format(known_columns, sql.SQL("ctid")),
        numbered_staged=numbered.format(known_columns, identifiers(fresh)),
        stage=plan.stage,
        differs=_differs(fresh),
    )


def _assignments(names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(n)) for n in names)


def _differs(names: Sequence[str]) -> sql.Composable:
    """Whether raw (t) has other values than the stage (s)."""
    return sql.SQL("({}) is distinct from ({})").format(identifiers(names, "t"), identifiers(names, "s"))


def count_gone(plan: LoadPlan, common: Sequence[str]) -> sql.Composed:
    """Counts the rows of raw that the stage lacks: by key, else by the columns that both have."""
    if plan.contract.primary_key and set(plan.contract.primary_key) <= set(common):
        return sql.SQL("select count(*) from {} r where not exists (select from {} s where {})").format(
            plan.raw, plan.stage, plan.same_key("s", "r")
        )
    if not common:
        return sql.SQL("select count(*) from {}").format(plan.raw)
    return sql.SQL("select count(*) from (select {0} from {1} except all select {0} from {2}) gone").format(
        identifiers(common), plan.raw, plan.stage
    )
