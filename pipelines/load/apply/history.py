"""scd2: a row of raw for every version of a key, with the time that it was valid. Pure SQL, run by dispositions.py.

A version is valid from its cursor value, which is the source's own clock. Without a cursor, or with a cursor value that
is no possible time, it is valid from the time of the load. One reading may hold several versions of a key: all are
kept, in the cursor's order. Versions of a key never overlap:

- A change whose clock stands still or goes back corrects the current version in place.
- A key that comes back begins after the end of its last version.
- An older version that an API or a file brings late changes nothing.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.raw_table import ORIGIN
from pipelines.load.plan import LoadPlan, identifiers
from pipelines.load.watermark import cursor_column, possible

_ORIGIN = tuple(n for n, _ in ORIGIN)


# Columns that these statements add begin with an underscore: no column of a contract does.


def correct_versions(plan: LoadPlan) -> sql.Composed:
    """Corrects current versions in place: where the change does not move their clock on, or the clock is impossible."""
    columns = [n for n in (*plan.content, *_ORIGIN) if n not in plan.contract.primary_key]
    operator = sql.SQL("<=" if plan.contract.server.kind == "database" else "=")
    in_place = sql.SQL("v._begin {} t.valid_from").format(operator)
    if plan.contract.cursor is not None:
        in_place = sql.SQL("({} or not {})").format(in_place, _has_possible_time(plan, "t"))
    return sql.SQL(
        "update {raw} t set {assignments} from"
        " (select distinct on ({key}) v.* from {versions} v join {raw} t on t.is_current and {same} and {in_place}"
        " order by {key}, v._begin desc) s where {changed}"
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
    """Ends the current versions that a later one follows. Run it after `correct_versions`."""
    # A version that was corrected in place keeps its begin, and its own clock may be later.
    after_own_clock = (
        sql.SQL("and s._begin > {}").format(_begin(plan, "t")) if plan.contract.cursor else sql.SQL("")
    )
    return sql.SQL(
        "update {raw} t set valid_to = n._begin, is_current = false from"
        " (select {key}, min(s._begin) as _begin from {versions} s join {raw} t on {changed}"
        " and s._begin > t.valid_from {after_own_clock} group by {key}) n where t.is_current and {same}"
    ).format(
        raw=plan.raw,
        key=identifiers(plan.contract.primary_key, "s"),
        versions=_versions(plan),
        changed=_changed(plan),
        after_own_clock=after_own_clock,
        same=plan.same_key("n", "t"),
    )


def open_versions(plan: LoadPlan) -> sql.Composed:
    """Adds the versions of every staged key that has no current one. Run it after `close_versions`.

    _ended: when the key's last version ended. Versions that begin then or later are added as they are. Where a key has
    none of these, its latest version is added, and begins now.
    """
    return sql.SQL(
        "insert into {raw} ({columns}, valid_from, valid_to, is_current)"
        " with without_current as (select s.*, last._ended, s._begin >= coalesce(last._ended, '-infinity') as _follows"
        " from {versions} s"
        " left join lateral (select max(t.valid_to) as _ended from {raw} t where {same}) last on true"
        " where not exists (select from {raw} t where t.is_current and {same})),"
        " ranked as (select *, bool_or(_follows) over (partition by {key}) as _any_follows,"
        " row_number() over (partition by {key} order by _begin desc) as _place from without_current),"
        " opened as (select *,"
        " case when _follows then _begin else greatest(transaction_timestamp(), _ended) end as valid_from,"
        " lead(_begin) over (partition by {key} order by _begin) as valid_to from ranked"
        " where _follows or (not _any_follows and _place = 1))"
        " select {columns}, valid_from, valid_to, valid_to is null from opened"
    ).format(
        raw=plan.raw,
        columns=identifiers((*plan.content, *_ORIGIN)),
        key=identifiers(plan.contract.primary_key),
        versions=_versions(plan),
        same=plan.same_key("s", "t"),
    )


def _versions(plan: LoadPlan) -> sql.Composable:
    """The staged rows with their `_begin`. Of rows with the same key and begin only the last by cursor is one."""
    if plan.contract.cursor is None:
        return sql.SQL("(select *, {} as _begin from {} v)").format(_begin(plan, "v"), plan.stage)
    return sql.SQL(
        "(select distinct on ({key}, _begin) * from (select *, {begin} as _begin from {stage} v) v"
        " order by {key}, _begin, {cursor} desc)"
    ).format(
        key=identifiers(plan.contract.primary_key),
        begin=_begin(plan, "v"),
        stage=plan.stage,
        cursor=sql.Identifier(plan.contract.cursor),
    )


def _begin(plan: LoadPlan, alias: str) -> sql.Composable:
    """From when on a row is valid."""
    if plan.contract.cursor is None:
        return sql.SQL("transaction_timestamp()")
    return sql.SQL("case when {} then {}::timestamptz else transaction_timestamp() end").format(
        _has_possible_time(plan, alias), sql.Identifier(alias, plan.contract.cursor)
    )


def _has_possible_time(plan: LoadPlan, alias: str) -> sql.Composable:
    column = cursor_column(plan)
    return possible(column, sql.Identifier(alias, column.name))


def _changed(plan: LoadPlan) -> sql.Composable:
    """Whether `t` is the current version of the key of `s`, and has another content."""
    return sql.SQL("t.is_current and {} and ({}) is distinct from ({})").format(
        plan.same_key("s", "t"), plan.names("t"), plan.names("s")
    )
