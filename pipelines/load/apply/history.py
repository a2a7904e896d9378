"""scd2: a row of raw for every version of a key, with the time that it was valid. Pure SQL, run by apply.py.

A version is valid from its cursor value (the source's own clock); without a cursor, or with a value that cannot be,
from the time of the load. One reading may hold several versions of a key: all are kept, in the cursor's order.
Versions of a key never overlap: a change whose clock stands still or goes back mends the current version where it
is, and a key that comes back begins after its last version's end. An API or a file may bring an older version late:
that one changes nothing.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.raw_table import ORIGIN
from pipelines.load.plan import LoadPlan, identifiers
from pipelines.load.watermark import cursor_column, possible

_ORIGIN = tuple(n for n, _ in ORIGIN)


def _possible(plan: LoadPlan, alias: str) -> sql.Composable:
    column = cursor_column(plan)
    return possible(column, sql.Identifier(alias, column.name))


def _begin(plan: LoadPlan, alias: str) -> sql.Composable:
    if plan.contract.cursor is None:
        return sql.SQL("transaction_timestamp()")
    return sql.SQL("case when {} then {}::timestamptz else transaction_timestamp() end").format(
        _possible(plan, alias), sql.Identifier(alias, plan.contract.cursor)
    )


def _versions(plan: LoadPlan) -> sql.Composable:
    """The staged rows with their `begin`, one a key and begin: the last."""
    key = identifiers(plan.contract.primary_key)
    if plan.contract.cursor is None:
        return sql.SQL("(select *, {} as begin from {} v)").format(_begin(plan, "v"), plan.stage)
    return sql.SQL(
        "(select distinct on ({key}, begin) * from (select *, {begin} as begin from {stage} v) v"
        " order by {key}, begin, {cursor} desc)"
    ).format(key=key, begin=_begin(plan, "v"), stage=plan.stage, cursor=sql.Identifier(plan.contract.cursor))


def _changed(plan: LoadPlan) -> sql.Composable:
    return sql.SQL("t.is_current and {} and ({}) is distinct from ({})").format(
        plan.same_key("s", "t"), plan.names("t"), plan.names("s")
    )


def correct_versions(plan: LoadPlan) -> sql.Composed:
    """Current versions whose change does not move their clock on, or that have a time that cannot be."""
    columns = [n for n in (*plan.content, *_ORIGIN) if n not in plan.contract.primary_key]
    operator = sql.SQL("<=" if plan.contract.server.kind == "database" else "=")
    in_place = sql.SQL("v.begin {} t.valid_from").format(operator)
    if plan.contract.cursor is not None:
        in_place = sql.SQL("({} or not {})").format(in_place, _possible(plan, "t"))
    return sql.SQL(
        "update {raw} t set {assignments} from"
        " (select distinct on ({key}) v.* from {versions} v join {raw} t on t.is_current and {same} and {in_place}"
        " order by {key}, v.begin desc) s where {changed}"
    ).format(
        raw=plan.raw,
        assignments=sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(n)) for n in columns),
        key=identifiers(plan.contract.primary_key, "v"),
        versions=_versions(plan),
        same=plan.same_key("v", "t"),
        in_place=in_place,
        changed=_changed(plan),
    )


def close_versions(plan: LoadPlan) -> sql.Composed:
    """Current versions that a later one follows; run it after `correct_versions`."""
    # The clock of what the current version holds: it may be later than its begin, where it was mended in place.
    own = sql.SQL("and s.begin > {}").format(_begin(plan, "t")) if plan.contract.cursor else sql.SQL("")
    return sql.SQL(
        "update {raw} t set valid_to = n.begin, is_current = false from"
        " (select {key}, min(s.begin) as begin from {versions} s join {raw} t on {changed}"
        " and s.begin > t.valid_from {own} group by {key}) n where t.is_current and {same}"
    ).format(
        raw=plan.raw,
        key=identifiers(plan.contract.primary_key, "s"),
        versions=_versions(plan),
        changed=_changed(plan),
        own=own,
        same=plan.same_key("n", "t"),
    )


def open_versions(plan: LoadPlan) -> sql.Composed:
    """Versions for every staged key that has no current one; run it after `close_versions`.

    Those that begin after the key's last end; where none does, the latest begins now.
    """
    names = (*plan.content, *_ORIGIN)
    key = identifiers(plan.contract.primary_key)
    return sql.SQL(
        "insert into {raw} ({names}, valid_from, valid_to, is_current) select {names},"
        " case when follows then begin else greatest(transaction_timestamp(), ended) end,"
        " lead(begin) over later, lead(begin) over later is null"
        " from (select *, bool_or(follows) over (partition by {key}) as any_follows,"
        "  row_number() over (partition by {key} order by begin desc) as place from"
        "  (select s.*, h.ended, s.begin >= coalesce(h.ended, '-infinity') as follows from {versions} s"
        "   left join lateral (select max(t.valid_to) as ended from {raw} t where {same}) h on true"
        "   where not exists (select from {raw} t where t.is_current and {same})) v) v"
        " where follows or (not any_follows and place = 1) window later as (partition by {key} order by begin)"
    ).format(
        raw=plan.raw,
        names=identifiers(names),
        key=key,
        versions=_versions(plan),
        same=plan.same_key("s", "t"),
    )
