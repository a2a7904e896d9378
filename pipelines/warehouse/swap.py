"""Replaces a relation by a new one, in the caller's transaction.

What belongs here: keeping owner, grants (also of columns), storage options, comments, the views that depend on the
relation, and their objects (attached.py). An exchange that would lose one of these fails, so that nothing that protects
data is lost silently. Settings that only tune a column (statistics target, storage) are not kept. Raw tables
(load/apply/) and models (models/build/) are exchanged here. Not here: building and testing the new relation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import Connection, errors, sql

from pipelines.errors import LoadError
from pipelines.warehouse import locks
from pipelines.warehouse.attached import (
    Attached,
    copy_to,
    objects_copied_before_exchange,
    objects_made_after_exchange,
    recreate_triggers_and_rules,
    refuse_hindrances,
    take_over_names,
)
from pipelines.warehouse.relation import (
    Existing,
    Relation,
    columns_of,
    existing,
    identifier,
    set_comments,
    trusted_sql,
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


class Grant(NamedTuple):
    """A right on a relation, or on one of its columns. to_all: everybody has it (public)."""

    to_all: bool
    role: str
    privilege: str
    grantable: bool
    column: str | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """The owner, options, grants and comments that the new relation gets from the old one."""

    owner: str
    options: tuple[str, ...]
    grants: tuple[Grant, ...]
    comments: Mapping[str | None, str]


@dataclass(frozen=True, slots=True)
class _View:
    """A view that depends on the exchanged relation, with all that is needed to make it again."""

    oid: int
    relation: Relation
    definition: str
    options: tuple[str, ...]
    kept: _Kept


def _require_existing(conn: Connection[Any], relation: Relation) -> Existing:
    """The relation in the catalogue. Raises LoadError if it is gone."""
    found = existing(conn, relation)
    if found is None:
        raise LoadError(relation.dotted, "hilang di tengah penukaran", hint="bangun lagi", code="GDK-M009")
    return found


def exchange_table(
    conn: Connection[Any],
    relation: Relation,
    candidate: Relation,
    rewritten: Mapping[str, str] | None = None,
    ours: re.Pattern[str] | None = None,
    droppable_schemas: Collection[str] = (),
    patience: locks.LockPatience = locks.PATIENCE,
) -> None:
    """Replaces the table `relation` by the table `candidate`, which gets its name. Call it inside a transaction.

    rewritten: the query of a view, by its `schema.name`, for a view whose present query no longer fits.
    ours: names of indexes and keys that our own code has already made on `candidate`; the others are made here.
    droppable_schemas: schemas whose views are dropped if they no longer fit.
    patience: how long to wait for readers.

    Raises LoadError if the patience is over, or if an object would be lost.
    """
    made = _copy_dependent_objects(conn, relation, candidate, ours)
    rename = sql.SQL("alter table {} rename to {}").format(
        identifier(candidate), sql.Identifier(relation.identifier)
    )
    _exchange(conn, relation, rename, rewritten or {}, droppable_schemas, patience)
    take_over_names(conn, relation, made)


def _copy_dependent_objects(
    conn: Connection[Any], relation: Relation, candidate: Relation, ours: re.Pattern[str] | None
) -> list[Attached]:
    """Makes constraints, indexes and defaults of the old table on the new one, before the old one is locked."""
    old = existing(conn, relation)
    if old is None:
        return []
    with _no_search_path(conn):
        return copy_to(conn, relation, candidate, objects_copied_before_exchange(conn, old.oid), ours)


@contextmanager
def _no_search_path(conn: Connection[Any]) -> Generator[None]:
    """Empties the search path, so that the catalogue's definitions name every schema and can be run anywhere."""
    conn.execute("set local search_path = ''")
    yield
    conn.execute("set local search_path to default")


def exchange_view(
    conn: Connection[Any], relation: Relation, query: str, rewritten: Mapping[str, str] | None = None
) -> None:
    """Gives the view `relation` another query; if its columns differ, the view is replaced.

    Call it inside a transaction.
    """
    try:
        with conn.transaction():
            conn.execute(
                sql.SQL("create or replace view {} as {}").format(identifier(relation), trusted_sql(query))
            )
    except (errors.InvalidTableDefinition, errors.WrongObjectType):
        create = sql.SQL("create view {} as {}").format(identifier(relation), trusted_sql(query))
        _exchange(conn, relation, create, rewritten or {})


def _exchange(
    conn: Connection[Any],
    relation: Relation,
    create: sql.Composed,
    rewritten: Mapping[str, str],
    droppable_schemas: Collection[str] = (),
    patience: locks.LockPatience = locks.PATIENCE,
) -> None:
    """Runs `create` in the place of `relation`, with its locks. Raises LoadError if they can't be had in time."""

    def act() -> None:
        old = existing(conn, relation)
        if old is None:
            conn.execute(create)
        else:
            _replace(conn, relation, create, rewritten, old, droppable_schemas)

    try:
        locks.retry_until_locked(conn, act, patience)
    except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
        raise LoadError(
            relation.dotted,
            f"pembaca memegang tabel ini lebih dari {patience.total:g} detik; yang sudah terbit tidak berubah",
            hint="cari kueri yang lama itu di pg_stat_activity, lalu jalankan lagi",
            code="GDK-M003",
        ) from error


def _replace(
    conn: Connection[Any],
    relation: Relation,
    create: sql.Composed,
    rewritten: Mapping[str, str],
    old: Existing,
    droppable_schemas: Collection[str],
) -> None:
    """Drops the old relation with its views, runs `create`, and makes all that depends on it again."""
    if old.row_security:
        raise LoadError(
            relation.dotted,
            "memakai row security, yang akan hilang bila ditukar",
            hint="pasang pada view di atasnya",
            code="GDK-M009",
        )
    kept = _read_kept(conn, old)
    with _no_search_path(conn):
        views = _dependent_views(conn, old)
        oids = [old.oid, *(view.oid for view in views)]
        refuse_hindrances(conn, relation, oids)
        things = objects_made_after_exchange(conn, oids)
        for view in reversed(views):
            conn.execute(sql.SQL("drop view {}").format(identifier(view.relation)))
        conn.execute(sql.SQL("drop {} {}").format(old.keyword, identifier(relation)))
    conn.execute(create)
    _restore_rights_and_comments(conn, relation, kept)
    with _no_search_path(conn):
        of_table = [
            t for t in things if t.relation == old.oid and t.kind in ("trigger", "rule", "statistics")
        ]
        recreate_triggers_and_rules(conn, relation, of_table, relation)
        for view in views:
            if not _recreate(conn, view, relation, rewritten.get(view.relation.dotted), droppable_schemas):
                continue
            recreate_triggers_and_rules(
                conn, view.relation, [t for t in things if t.relation == view.oid], relation
            )


def _read_kept(conn: Connection[Any], old: Existing) -> _Kept:
    """Reads owner, options, grants and comments of the relation."""
    comments = conn.execute(_COMMENTS, (old.oid,)).fetchall()
    return _Kept(old.owner, old.options, tuple(_grants(conn, old.oid)), dict(comments))


def _grants(conn: Connection[Any], oid: int) -> list[Grant]:
    return [Grant(*row) for row in conn.execute(_GRANTS, {"oid": oid}).fetchall()]


def _dependent_views(conn: Connection[Any], old: Existing) -> list[_View]:
    """The views that depend on the relation, also through other views, in the order in which they can be made."""
    views: list[_View] = []
    for schema, name, definition in conn.execute(_DEPENDENT_VIEWS, {"oid": old.oid}).fetchall():
        relation = Relation(schema, name)
        found = _require_existing(conn, relation)
        views.append(
            _View(
                found.oid, relation, definition.rstrip().rstrip(";"), found.options, _read_kept(conn, found)
            )
        )
    return views


def _recreate(
    conn: Connection[Any],
    view: _View,
    exchanged: Relation,
    rewritten: str | None,
    droppable_schemas: Collection[str],
) -> bool:
    """Makes the view again. False if it no longer fits, and is in one of `droppable_schemas`.

    A view does not fit, either, if it reads a view that was left out. Raises LoadError for a view of another schema.
    """
    options = sql.SQL(", ").join(trusted_sql(option) for option in view.options)
    head = sql.SQL("create view {} {} as ").format(
        identifier(view.relation), sql.SQL("with ({})").format(options) if view.options else sql.SQL("")
    )
    try:
        with conn.transaction():
            conn.execute(head + trusted_sql(view.definition))
    except (
        errors.UndefinedColumn, errors.UndefinedFunction, errors.UndefinedTable, errors.DatatypeMismatch
    ) as error:  # fmt: skip
        if rewritten is None and view.relation.schema in droppable_schemas:
            return False
        if rewritten is None:
            raise LoadError(
                exchanged.dotted,
                f"bentuk barunya merusak view {view.relation.dotted}: kata PostgreSQL:"
                f' "{error.diag.message_primary}"',
                hint="pertahankan kolom itu, atau ubah dulu view itu",
                code="GDK-M009",
            ) from error
        conn.execute(head + trusted_sql(rewritten))
    _restore_rights_and_comments(conn, view.relation, view.kept)
    return True


def _restore_rights_and_comments(conn: Connection[Any], relation: Relation, kept: _Kept) -> None:
    """Sets owner, options, grants and comments of the new relation as those of the old one.

    A comment that the new relation has already stays.
    """
    new = _require_existing(conn, relation)
    if new.owner != kept.owner:
        conn.execute(
            sql.SQL("alter {} {} owner to {}").format(
                new.keyword, identifier(relation), sql.Identifier(kept.owner)
            )
        )
    if kept.options and new.kind == "r":
        options = sql.SQL(", ").join(trusted_sql(option) for option in kept.options)
        conn.execute(sql.SQL("alter table {} set ({})").format(identifier(relation), options))
    names = {name for name, _ in columns_of(conn, relation)}
    # Default privileges may have given rights on the new relation that the old one did not have.
    for grant in _grants(conn, new.oid):
        conn.execute(grant_statement(relation, grant, revoke=True))
    for grant in kept.grants:
        if grant.column is None or grant.column in names:
            conn.execute(grant_statement(relation, grant))
    already = dict(conn.execute(_COMMENTS, (new.oid,)).fetchall())
    comments = {
        column: text
        for column, text in kept.comments.items()
        if column not in already and (column is None or column in names)
    }
    set_comments(conn, relation, "view" if new.kind == "v" else "table", comments)


def grant_statement(relation: Relation, grant: Grant, *, revoke: bool = False) -> sql.Composed:
    """The statement that grants the right, or revokes it."""
    return sql.SQL("{verb} {privilege} {columns} on {relation} {to} {role} {option}").format(
        verb=sql.SQL("revoke" if revoke else "grant"),
        privilege=trusted_sql(grant.privilege),
        columns=sql.SQL("") if grant.column is None else sql.SQL("({})").format(sql.Identifier(grant.column)),
        relation=identifier(relation),
        to=sql.SQL("from" if revoke else "to"),
        role=sql.SQL("public") if grant.to_all else sql.Identifier(grant.role),
        option=sql.SQL("with grant option" if grant.grantable and not revoke else ""),
    )
