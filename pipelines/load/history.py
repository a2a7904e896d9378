"""scd2: a row of raw for every version of a key, with the time that it was valid. Pure SQL, run by publishing.py.

A version is valid from its cursor value (the source's own clock), or without a cursor from the time of the load.
Versions of a key never overlap: a change whose clock stands still or goes back mends the current version where it
is, and a key that comes back begins after its last version's end. An API or a file may bring an older version late:
that one changes nothing.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.load.plan import ORIGIN, LoadPlan, identifiers

_ORIGIN = tuple(n for n, _ in ORIGIN)


def _begin(plan: LoadPlan, alias: str) -> sql.Composable:
    if plan.contract.cursor is None:
        return sql.SQL("transaction_timestamp()")
    return sql.SQL("{}::timestamptz").format(sql.Identifier(alias, plan.contract.cursor))


def _changed(plan: LoadPlan) -> sql.Composable:
    return sql.SQL("t.is_current and {} and ({}) is distinct from ({})").format(
        plan.same_key("s", "t"), plan.names("t"), plan.names("s")
    )


def correct_versions(plan: LoadPlan) -> sql.Composed:
    """Current versions whose change does not move their clock on."""
    columns = [n for n in (*plan.content, *_ORIGIN) if n not in plan.contract.primary_key]
    assignments = sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(n)) for n in columns)
    operator = sql.SQL("<=" if plan.contract.server.kind == "database" else "=")
    return sql.SQL("update {} t set {} from {} s where {} and {} {} t.valid_from").format(
        plan.raw, assignments, plan.stage, _changed(plan), _begin(plan, "s"), operator
    )


def close_versions(plan: LoadPlan) -> sql.Composed:
    """Current versions that a later one follows; run it after `correct_versions`."""
    return sql.SQL(
        "update {raw} t set valid_to = {begin}, is_current = false from {stage} s"
        " where {changed} and {begin} > t.valid_from"
    ).format(raw=plan.raw, begin=_begin(plan, "s"), stage=plan.stage, changed=_changed(plan))


def open_versions(plan: LoadPlan) -> sql.Composed:
    """A version for every staged key that has no current one; run it after `close_versions`."""
    names = (*plan.content, *_ORIGIN)
    return sql.SQL(
        "insert into {raw} ({names}, valid_from, is_current) select {values},"
        " case when {begin} >= coalesce(h.ended, '-infinity') then {begin}"
        " else greatest(transaction_timestamp(), h.ended) end, true"
        " from {stage} s left join lateral (select max(t.valid_to) as ended from {raw} t where {same}) h on true"
        " where not exists (select from {raw} t where t.is_current and {same})"
    ).format(
        raw=plan.raw,
        names=identifiers(names),
        values=identifiers(names, "s"),
        begin=_begin(plan, "s"),
        stage=plan.stage,
        same=plan.same_key("s", "t"),
    )
