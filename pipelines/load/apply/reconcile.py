"""Marks rows that the source has deleted; raw keeps them. Pure SQL, run by deletions.py and load/loader.py.

`present` is a relation with the keys that the source has now: the stage of a read of everything, or of a reading of
only the keys. The stage of a load lacks the rows that were refused, although the source has them; their keys are in
quarantine. A reading of keys has them all.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.load.plan import LoadPlan
from pipelines.load.stage.keys import row_key


def mark_gone(plan: LoadPlan, present: sql.Composable, *, includes_refused: bool = False) -> sql.Composed:
    """Marks the rows whose key is not in `present`: sets deleted_at, or ends the current version of a history.

    includes_refused: `present` has the keys of refused rows, too.
    """
    if plan.contract.keeps_history:
        change = sql.SQL(
            "valid_to = greatest(transaction_timestamp(), t.valid_from + interval '1 microsecond'), is_current = false"
        )
        alive = sql.SQL("t.is_current")
    else:
        change, alive = sql.SQL("deleted_at = transaction_timestamp()"), sql.SQL("t.deleted_at is null")
    return sql.SQL(
        "update {raw} t set {change} where {alive} and not exists (select from {present} k where {same})"
        " and {not_refused}"
    ).format(
        raw=plan.raw,
        change=change,
        alive=alive,
        present=present,
        same=plan.same_key("k", "t"),
        not_refused=sql.SQL("true") if includes_refused else _not_in_quarantine(plan, "t"),
    )


def count_overlooked(plan: LoadPlan, present: sql.Composable) -> sql.Composed:
    """Finds the rows that incremental loads missed.

    Gives their number, their lowest cursor value, and the number of source rows without a cursor value. A row was
    missed if raw lacks it, or has it with another cursor value. An incremental load never finds a change of a row
    without a cursor value.
    """
    contract = plan.contract
    assert contract.cursor is not None
    alive = sql.SQL("t.is_current" if contract.keeps_history else "t.deleted_at is null")
    cursor = sql.Identifier("k", contract.cursor)
    return sql.SQL(
        "select count(*) filter (where {changed}), to_jsonb(min({cursor}) filter (where {changed}))#>>'{{}}',"
        " count(*) filter (where {cursor} is null) from {present} k"
    ).format(
        changed=sql.SQL(
            "{cursor} is not null and not exists (select from {raw} t where {same} and {alive} and t.{name} = {cursor})"
            " and {not_refused}"
        ).format(
            cursor=cursor,
            raw=plan.raw,
            same=plan.same_key("k", "t"),
            alive=alive,
            name=sql.Identifier(contract.cursor),
            not_refused=_not_in_quarantine(plan, "k"),
        ),
        cursor=cursor,
        present=present,
    )


def is_due(plan: LoadPlan) -> sql.Composed:
    """Whether the contract's interval has passed since the source's keys were last read."""
    return sql.SQL(
        "select coalesce((select max(reconciled_at) + {}::interval <= clock_timestamp()"
        " from ops.reconciliation where dataset = {}), true)"
    ).format(sql.Literal(plan.contract.reconcile), sql.Literal(plan.contract.key))


def record(plan: LoadPlan, *, keys: int, gone: int, overlooked: int) -> sql.Composed:
    """Adds a row to ops.reconciliation: the numbers of keys at the source, of deleted rows, and of missed rows."""
    return sql.SQL(
        "insert into ops.reconciliation (dataset, batch_id, rows_at_source, rows_deleted, rows_overlooked)"
        " values ({}, {}, {}, {}, {})"
    ).format(
        sql.Literal(plan.contract.key),
        sql.Literal(plan.batch_id),
        sql.Literal(keys),
        sql.Literal(gone),
        sql.Literal(overlooked),
    )


def _not_in_quarantine(plan: LoadPlan, alias: str) -> sql.Composable:
    """Whether no open entry of the quarantine has the row's key."""
    return sql.SQL(
        "not exists (select from quarantine.row q where q.dataset = {} and q.state = 'open' and q.row_key = {})"
    ).format(sql.Literal(plan.contract.key), row_key(plan, alias))
