"""Keeps a history (SCD2): one row of raw for each version of a key. Pure SQL, run by dispositions.py.

A version is valid from its cursor value, which is the source's own clock. Without a cursor, or with an impossible
cursor value, it is valid from the time of the load. If one read gives several versions of a key, all are kept, in the
order of the cursor. Versions of a key never overlap:

- If a changed row comes with the same cursor value, or from a database with an earlier one, it corrects the current
  version in place.
- If a key was gone and comes back, its new version begins after the end of the last one.
- If an API or a file brings an older version late, it is ignored.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.raw_table import ORIGIN
from pipelines.load.plan import LoadPlan, identifiers
from pipelines.load.watermark import cursor_column, is_possible

_ORIGIN = tuple(n for n, _ in ORIGIN)


# Columns that these statements add begin with an underscore: no column of a contract does.


def correct_versions(plan: LoadPlan) -> sql.Composed:
    """Corrects current versions in place.

    That is done if the changed row has the same cursor value (from a database: the same or an earlier one), or if the
    current version's cursor value is impossible.
    """
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
    """Ends the current versions that have a staged successor. Run it after `correct_versions`."""
    # A version that was corrected in place keeps its begin, but its cursor value may be later than that.
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

    `_ended` is the time when the key's last version ended. Versions that begin then or later are added as they are. If
    a key has none of these, its latest version is added, and begins now.
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
    """The staged rows with their `_begin`. If rows have the same key and begin, only the last by cursor is kept."""
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
    """The time from which a row is valid."""
    if plan.contract.cursor is None:
        return sql.SQL("transaction_timestamp()")
    return sql.SQL("case when {} then {}::timestamptz else transaction_timestamp() end").format(
        _has_possible_time(plan, alias), sql.Identifier(alias, plan.contract.cursor)
    )


def _has_possible_time(plan: LoadPlan, alias: str) -> sql.Composable:
    column = cursor_column(plan)
    return is_possible(column, sql.Identifier(alias, column.name))


def _changed(plan: LoadPlan) -> sql.Composable:
    """Whether `t` is the current version of the key of `s`, and its content differs."""
    return sql.SQL("t.is_current and {} and ({}) is distinct from ({})").format(
        plan.same_key("s", "t"), plan.names("t"), plan.names("s")
    )
