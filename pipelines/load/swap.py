"""Putting a new table in the place of an old one, in the caller's transaction.

Grants and comments of the old table and the views that depend on it survive: views are dropped and made again from
their own definitions, with their grants and comments, because a view is bound to the table and not to its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.errors import LoadError

_DEPENDENTS = """
with recursive dependent(oid, depth) as (
    select distinct w.ev_class, 1 from pg_depend d join pg_rewrite w on w.oid = d.objid
    where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
      and d.refobjid = %(table)s::regclass and w.ev_class <> d.refobjid
  union
    select w.ev_class, p.depth + 1 from dependent p
    join pg_depend d on d.refobjid = p.oid and d.classid = 'pg_rewrite'::regclass
      and d.refclassid = 'pg_class'::regclass
    join pg_rewrite w on w.oid = d.objid and w.ev_class <> p.oid
)
select n.nspname, c.relname, c.relkind, pg_get_viewdef(c.oid), c.oid from dependent p
join pg_class c on c.oid = p.oid join pg_namespace n on n.oid = c.relnamespace
group by n.nspname, c.relname, c.relkind, c.oid order by max(p.depth), c.oid
"""

_GRANTS = """
select a.privilege_type, coalesce(r.rolname, 'public'), a.is_grantable from pg_class c,
  aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
where c.oid = %s and a.grantee <> c.relowner
"""

_COMMENTS = """
select d.objsubid, a.attname, d.description from pg_description d
left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid
where d.objoid = %s and d.classoid = 'pg_class'::regclass
"""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a relation carries beside its rows: grants, comments, and a view's definition."""

    name: sql.Identifier
    kind: str
    definition: str
    grants: tuple[tuple[str, str, bool], ...]
    comments: tuple[tuple[int, str | None, str], ...]


def swap_table(connection: Connection[Any], new: tuple[str, str], old: tuple[str, str]) -> None:
    """Renames table `new` (schema, name) to `old`, which is dropped where it exists. Call inside a transaction.

    Waits for readers no longer than the session's lock_timeout. Raises LoadError when they hold on for longer.
    """
    target = sql.Identifier(*old)
    try:
        _swap(connection, new, old, target)
    except errors.LockNotAvailable:
        raise LoadError(
            ".".join(old),
            "a reader held the table for longer than the lock time-out; the published rows are as they were",
            hint="see pg_stat_activity for the long query, then run the load again",
        ) from None


def _swap(connection: Connection[Any], new: tuple[str, str], old: tuple[str, str], target: sql.Identifier) -> None:
    row = connection.execute("select to_regclass(%s)::oid", [target.as_string(connection)]).fetchone()
    assert row is not None
    views: list[_Kept] = []
    own: _Kept | None = None
    if row[0] is not None:
        connection.execute(sql.SQL("lock table {} in access exclusive mode").format(target))
        own = _kept(connection, row[0], target, "r", "")
        dependents = connection.execute(_DEPENDENTS, {"table": target.as_string(connection)}).fetchall()
        views = [_kept(connection, oid, sql.Identifier(s, n), k, d) for s, n, k, d, oid in dependents]
        for view in reversed(views):
            connection.execute(sql.SQL("drop {} {}").format(_word(view.kind), view.name))
        connection.execute(sql.SQL("drop table {}").format(target))
    if new[1] != old[1]:
        connection.execute(
            sql.SQL("alter table {} rename to {}").format(sql.Identifier(*new), sql.Identifier(old[1]))
        )
    if new[0] != old[0]:
        moved = sql.Identifier(new[0], old[1])
        connection.execute(sql.SQL("alter table {} set schema {}").format(moved, sql.Identifier(old[0])))
    if own:
        _restore(connection, own, table=True)
    for view in views:
        connection.execute(
            sql.SQL("create {} {} as {}").format(_word(view.kind), view.name, sql.SQL(view.definition))  # type: ignore[arg-type]
        )
        _restore(connection, view)


def _word(kind: str) -> sql.SQL:
    return sql.SQL("materialized view" if kind == "m" else "view")


def _kept(connection: Connection[Any], oid: int, name: sql.Identifier, kind: str, definition: str) -> _Kept:
    return _Kept(
        name=name,
        kind=kind,
        definition=definition.rstrip("; \n"),
        grants=tuple(connection.execute(_GRANTS, [oid]).fetchall()),
        comments=tuple(connection.execute(_COMMENTS, [oid]).fetchall()),
    )


def _restore(connection: Connection[Any], kept: _Kept, *, table: bool = False) -> None:
    for privilege, role, grantable in kept.grants:
        connection.execute(
            sql.SQL("grant {} on {} to {}{}").format(
                sql.SQL(privilege),  # type: ignore[arg-type]
                kept.name,
                sql.SQL("public") if role == "public" else sql.Identifier(role),
                sql.SQL(" with grant option" if grantable else ""),
            )
        )
    if table:
        return  # a new table brings its own comments
    for number, column, text in kept.comments:
        if number == 0:
            connection.execute(
                sql.SQL("comment on {} {} is {}").format(_word(kept.kind), kept.name, sql.Literal(text))
            )
        elif column is not None:
            connection.execute(
                sql.SQL("comment on column {}.{} is {}").format(kept.name, sql.Identifier(column), sql.Literal(text))
            )
