"""Puts a new relation in the place of an old one, in the caller's transaction.

What belongs here: what must survive the exchange: owner, grants (also of columns), storage options, comments, the views
that others built on it, and what hangs on all of these (attached.py), or the exchange is refused: nothing that protects
data is lost silently. Used for raw tables (load/loader.py) and for models (models/build/). Not here: building
and testing the new relation. What only tunes a column (its statistics target, its storage) is not kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.errors import LoadError
from pipelines.warehouse import locks
from pipelines.warehouse.attached import (
    Attached,
    copy_to,
    give_back,
    on_the_name,
    on_the_rows,
    refuse_hindrances,
    settle,
)
from pipelines.warehouse.relation import (
    Existing,
    Relation,
    columns_of,
    compiled,
    describe,
    existing,
    identifier,
)

_GRANTS = """
select acl.grantee = 0, pg_get_userbyid(acl.grantee), acl.privilege_type, acl.is_grantable, acl.column_name
from (
    select null::name as column_name, c.relowner, a.*
    from pg_catalog.pg_class as c, aclexplode(c.relacl) as a
    where c.oid = %(oid)s
    union all
    select at.attname, c.relowner, a.*
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as at on at.attrelid = c.oid and not at.attisdropped
    cross join aclexplode(at.attacl) as a
    where c.oid = %(oid)s
) as acl
where acl.grantee <> acl.relowner
"""

_COMMENTS = """
select at.attname, d.description
from pg_catalog.pg_description as d
left join pg_catalog.pg_attribute as at
    on at.attrelid = d.objoid and at.attnum = d.objsubid and d.objsubid > 0
where d.classoid = 'pg_catalog.pg_class'::regclass and d.objoid = %s
"""

_DEPENDENT_VIEWS = """
with recursive dependents as (
    select rule.ev_class as oid, 1 as depth
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_rewrite as rule on rule.oid = d.objid
    where
        d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
        and d.refobjid = %(oid)s and rule.ev_class <> d.refobjid
    union
    select rule.ev_class, above.depth + 1
    from dependents as above
    join pg_catalog.pg_depend as d on d.refobjid = above.oid
    join pg_catalog.pg_rewrite as rule on rule.oid = d.objid
    where
        d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
        and rule.ev_class <> d.refobjid
)
select n.nspname, c.relname, pg_get_viewdef(c.oid)
from (select oid, max(depth) as depth from dependents group by oid) as dependents
join pg_catalog.pg_class as c on c.oid = dependents.oid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind = 'v'
order by dependents.depth, n.nspname, c.relname
"""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What an exchange gives back to the new relation."""

    owner: str
    options: tuple[str, ...]
    grants: tuple[tuple[bool, str, str, bool, str | None], ...]
    comments: Mapping[str | None, str]


@dataclass(frozen=True, slots=True)
class _View:
    oid: int
    relation: Relation
    definition: str
    options: tuple[str, ...]
    kept: _Kept


def _present(conn: Connection[Any], relation: Relation) -> Existing:
    found = existing(conn, relation)
    if found is None:
        raise LoadError(relation.dotted, "vanished in the middle of an exchange", hint="build it again")
    return found


def exchange_table(
    conn: Connection[Any],
    relation: Relation,
    candidate: Relation,
    rewritten: Mapping[str, str] | None = None,
    ours: re.Pattern[str] | None = None,
    may_go: Collection[str] = (),
) -> None:
    """`candidate` (a table) takes the name and the place of `relation`; call it inside a transaction.

    rewritten: for views by `schema.name`, the query to use when the view's present one no longer fits.
    ours: names of indexes and keys that whoever built `candidate` has seen to; the others are made there, too.
    may_go: schemas whose views are left out where they no longer fit.
    """
    made = _copied(conn, relation, candidate, ours)
    rename = sql.SQL("alter table {} rename to {}").format(
        identifier(candidate), sql.Identifier(relation.identifier)
    )
    _exchange(conn, relation, rename, rewritten or {}, may_go)
    settle(conn, relation, made)


def _copied(
    conn: Connection[Any], relation: Relation, candidate: Relation, ours: re.Pattern[str] | None
) -> list[Attached]:
    """What hangs on the old table, made on the new one before the old one is locked."""
    old = existing(conn, relation)
    if old is None:
        return []
    with _no_search_path(conn):
        return copy_to(conn, relation, candidate, on_the_rows(conn, old.oid), ours)


@contextmanager
def _no_search_path(conn: Connection[Any]) -> Generator[None]:
    """The catalogue names every schema: a definition means the same when it comes back."""
    conn.execute("set local search_path = ''")
    yield
    conn.execute("set local search_path to default")


def exchange_view(
    conn: Connection[Any], relation: Relation, query: str, rewritten: Mapping[str, str] | None = None
) -> None:
    """The view `relation` gets `query`, in place where its columns allow. Call it inside a transaction."""
    try:
        with conn.transaction():
            conn.execute(
                sql.SQL("create or replace view {} as {}").format(identifier(relation), compiled(query))
            )
    except (errors.InvalidTableDefinition, errors.WrongObjectType):
        create = sql.SQL("create view {} as {}").format(identifier(relation), compiled(query))
        _exchange(conn, relation, create, rewritten or {})


def _exchange(
    conn: Connection[Any],
    relation: Relation,
    create: sql.Composed,
    rewritten: Mapping[str, str],
    may_go: Collection[str] = (),
) -> None:
    def act() -> None:
        old = existing(conn, relation)
        if old is None:
            conn.execute(create)
        else:
            _replace(conn, relation, create, rewritten, old, may_go)

    try:
        locks.come_between(conn, act)
    except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
        raise LoadError(
            relation.dotted,
            f"readers held the table for longer than {locks.PATIENCE_S:g} s; the published rows are as they were",
            hint="see pg_stat_activity for the long query, then run it again",
        ) from error


def _replace(
    conn: Connection[Any],
    relation: Relation,
    create: sql.Composed,
    rewritten: Mapping[str, str],
    old: Existing,
    may_go: Collection[str],
) -> None:
    if old.row_security:
        raise LoadError(
            relation.dotted, "has row security, which an exchange would lose", hint="put it on a view above"
        )
    kept = _keep(conn, old)
    with _no_search_path(conn):
        views = _dependent_views(conn, old)
        oids = [old.oid, *(view.oid for view in views)]
        refuse_hindrances(conn, relation, oids)
        things = on_the_name(conn, oids)
        for view in reversed(views):
            conn.execute(sql.SQL("drop view {}").format(identifier(view.relation)))
        conn.execute(sql.SQL("drop {} {}").format(old.keyword, identifier(relation)))
    conn.execute(create)
    _give_back(conn, relation, kept)
    with _no_search_path(conn):
        of_table = [
            t for t in things if t.relation == old.oid and t.kind in ("trigger", "rule", "statistics")
        ]
        give_back(conn, relation, of_table, relation)
        for view in views:
            if not _recreate(conn, view, relation, rewritten.get(view.relation.dotted), may_go):
                continue
            give_back(conn, view.relation, [t for t in things if t.relation == view.oid], relation)


def _keep(conn: Connection[Any], old: Existing) -> _Kept:
    grants = conn.execute(_GRANTS, {"oid": old.oid}).fetchall()
    comments = conn.execute(_COMMENTS, (old.oid,)).fetchall()
    return _Kept(old.owner, old.options, tuple(grants), dict(comments))


def _dependent_views(conn: Connection[Any], old: Existing) -> list[_View]:
    views: list[_View] = []
    for schema, name, definition in conn.execute(_DEPENDENT_VIEWS, {"oid": old.oid}).fetchall():
        relation = Relation(schema, name)
        found = _present(conn, relation)
        views.append(
            _View(found.oid, relation, definition.rstrip().rstrip(";"), found.options, _keep(conn, found))
        )
    return views


def _recreate(
    conn: Connection[Any], view: _View, below: Relation, rewritten: str | None, may_go: Collection[str]
) -> bool:
    """Whether the view is there again; one of `may_go` that no longer fits, or is above such a one, is not."""
    options = sql.SQL(", ").join(compiled(option) for option in view.options)
    head = sql.SQL("create view {} {} as ").format(
        identifier(view.relation), sql.SQL("with ({})").format(options) if view.options else sql.SQL("")
    )
    try:
        with conn.transaction():
            conn.execute(head + compiled(view.definition))
    except (
        errors.UndefinedColumn, errors.UndefinedFunction, errors.UndefinedTable, errors.DatatypeMismatch
    ) as error:  # fmt: skip
        if rewritten is None and view.relation.schema in may_go:
            return False
        if rewritten is None:
            raise LoadError(
                below.dotted,
                f"its new shape breaks the view {view.relation.dotted}: {error.diag.message_primary}",
                hint="keep the column, or change that view first",
            ) from error
        conn.execute(head + compiled(rewritten))
    _give_back(conn, view.relation, view.kept)
    return True


def _give_back(conn: Connection[Any], relation: Relation, kept: _Kept) -> None:
    new = _present(conn, relation)
    if new.owner != kept.owner:
        conn.execute(
            sql.SQL("alter {} {} owner to {}").format(
                new.keyword, identifier(relation), sql.Identifier(kept.owner)
            )
        )
    if kept.options and new.kind == "r":
        options = sql.SQL(", ").join(compiled(option) for option in kept.options)
        conn.execute(sql.SQL("alter table {} set ({})").format(identifier(relation), options))
    names = {name for name, _ in columns_of(conn, relation)}
    # What default privileges opened to others when it was made is theirs no longer: rights stay what they were.
    for grant in conn.execute(_GRANTS, {"oid": new.oid}).fetchall():
        conn.execute(_grant_statement(relation, grant, revoke=True))
    for grant in kept.grants:
        if grant[4] is None or grant[4] in names:
            conn.execute(_grant_statement(relation, grant, revoke=False))
    already = dict(conn.execute(_COMMENTS, (new.oid,)).fetchall())
    comments = {
        column: text
        for column, text in kept.comments.items()
        if column not in already and (column is None or column in names)
    }
    describe(conn, relation, "view" if new.kind == "v" else "table", comments)


def _grant_statement(relation: Relation, grant: Iterable[Any], *, revoke: bool) -> sql.Composed:
    public, role, privilege, grantable, column = grant
    return sql.SQL("{verb} {privilege} {columns} on {relation} {to} {role} {option}").format(
        verb=sql.SQL("revoke" if revoke else "grant"),
        privilege=compiled(privilege),
        columns=sql.SQL("") if column is None else sql.SQL("({})").format(sql.Identifier(column)),
        relation=identifier(relation),
        to=sql.SQL("from" if revoke else "to"),
        role=sql.SQL("public") if public else sql.Identifier(role),
        option=sql.SQL("with grant option" if grantable and not revoke else ""),
    )
