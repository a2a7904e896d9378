"""Rows that are gone at the source: marked, never erased. Pure SQL, run by apply.py.

`present` is a relation with the keys that the source has now: the rows of a complete load, or of a reading of just the
keys. In a load's rows one that was refused is missing, though the source has it: its key waits in quarantine. A reading
of keys has them all.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.load.plan import LoadPlan
from pipelines.load.stage.quarantine import row_key


def mark_gone(plan: LoadPlan, present: sql.Composable, *, has_refused: bool = False) -> sql.Composed:
    """deleted_at of an upserted row, or the end of a version. has_refused: `present` has keys of refused rows too."""
    if plan.contract.keeps_history:
        change = sql.SQL(
            "valid_to = greatest(transaction_timestamp(), t.valid_from + interval '1 microsecond'), is_current = false"
        )
        alive = sql.SQL("t.is_current")
    else:
        change, alive = sql.SQL("deleted_at = transaction_timestamp()"), sql.SQL("t.deleted_at is null")
    return sql.SQL(
        "update {raw} t set {change} where {alive} and not exists (select from {present} k where {same})"
        " and {waiting}"
    ).format(
        raw=plan.raw,
        change=change,
        alive=alive,
        present=present,
        same=plan.same_key("k", "t"),
        waiting=sql.SQL("true") if has_refused else _not_in_quarantine(plan, "t"),
    )


def overlooked(plan: LoadPlan, present: sql.Composable) -> sql.Composed:
    """How many rows of the source raw lacks or has with another cursor value, and the least of their values; and how
    many of the source's rows have no cursor value, so that no load can find what changed in them.
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
            " and {waiting}"
        ).format(
            cursor=cursor,
            raw=plan.raw,
            same=plan.same_key("k", "t"),
            alive=alive,
            name=sql.Identifier(contract.cursor),
            waiting=_not_in_quarantine(plan, "k"),
        ),
        cursor=cursor,
        present=present,
    )


def is_due(plan: LoadPlan) -> sql.Composed:
    """Whether the contract's cadence has passed since the source's keys were last read."""
    return sql.SQL(
        "select coalesce((select max(reconciled_at) + {}::interval <= clock_timestamp()"
        " from ops.reconciliation where dataset = {}), true)"
    ).format(sql.Literal(plan.contract.reconcile), sql.Literal(plan.contract.key))


def record(plan: LoadPlan, *, keys: int, gone: int, overlooked: int) -> sql.Composed:
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
    return sql.SQL(
        "not exists (select from quarantine.row q where q.dataset = {} and q.state = 'open' and q.row_key = {})"
    ).format(sql.Literal(plan.contract.key), row_key(plan, alias))
