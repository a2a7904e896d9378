"""Puts a new relation in the place of an old one, in the caller's transaction.

What belongs here: what must survive the exchange: owner, grants (also of columns), comments, indexes, and the
views that others built on it. Used for raw tables (loader.py) and for models (models/runner.py). Not here: building and
testing the new relation.

A dependent that is no view (a materialized view, a foreign key) makes PostgreSQL refuse the exchange, and a
table with row security is refused here: nothing that protects data is lost silently.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString, cast

from psycopg import Connection, errors, sql

from pipelines.errors import LoadError

LOCK_PATIENCE_S = 60.0
"""How long an exchange tries to come between readers, before it gives up."""

LOCK_ATTEMPT = "2s"
"""How long one try waits; meanwhile it holds up later readers, between tries it lets them pass."""

LOCK_PAUSE_S = 1.0

CANDIDATE_SUFFIX = "__baru"
"""What a relation is called while it is built and tested, before readers can see it."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view. As text it is quoted SQL, as dbt renders `ref()`."""

    schema: str
    identifier: str

    @property
    def name(self) -> str:
        return self.identifier

    @property
    def table(self) -> str:
        return self.identifier

    @property
    def dotted(self) -> str:
        """`schema.identifier`, unquoted, for people."""
        return f"{self.schema}.{self.identifier}"

    @property
    def candidate(self) -> Relation:
        return Relation(self.schema, self.identifier + CANDIDATE_SUFFIX)

    def __str__(self) -> str:
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.schema, self.identifier))


_RELATION = """
select c.oid, c.relkind::text, c.relrowsecurity, pg_get_userbyid(c.relowner), c.reloptions
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %s and c.relname = %s
"""

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

_INDEXES = """
select
    ic.relname,
    format('CREATE %%s %%I ON %%I.%%I ', case when i.indisunique then 'UNIQUE INDEX' else 'INDEX' end,
        ic.relname, n.nspname, c.relname),
    pg_get_indexdef(i.indexrelid)
from pg_catalog.pg_index as i
join pg_catalog.pg_class as ic on ic.oid = i.indexrelid
join pg_catalog.pg_class as c on c.oid = i.indrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where
    i.indrelid = %s and i.indisvalid
    and not exists (select from pg_catalog.pg_constraint as k where k.conindid = i.indexrelid)
order by ic.relname
"""

_COLUMNS = """
select at.attname, format_type(at.atttypid, at.atttypmod)
from pg_catalog.pg_attribute as at
where at.attrelid = %s and at.attnum > 0 and not at.attisdropped
order by at.attnum
"""

_KINDS: Mapping[str, LiteralString] = {
    "r": "table",
    "p": "table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}


@dataclass(frozen=True, slots=True)
class Existing:
    """A relation as it stands in the catalogue. `kind` is PostgreSQL's relkind."""

    oid: int
    kind: str
    row_security: bool
    owner: str
    options: tuple[str, ...]

    @property
    def keyword(self) -> sql.SQL:
        return sql.SQL(_KINDS.get(self.kind, "table"))


@dataclass(frozen=True, slots=True)
class _Kept:
    """What an exchange gives back to the new relation."""

    owner: str
    strict: bool
    grants: tuple[tuple[bool, str, str, bool, str | None], ...]
    comments: Mapping[str | None, str]


@dataclass(frozen=True, slots=True)
class _View:
    relation: Relation
    definition: str
    options: tuple[str, ...]
    kept: _Kept


def identifier(relation: Relation) -> sql.Identifier:
    return sql.Identifier(relation.schema, relation.identifier)


def compiled(query: str) -> sql.SQL:
    """SQL text of the project's own templates or of the catalogue: trusted as code, never a user's value."""
    return sql.SQL(cast(LiteralString, query))


def existing(conn: Connection[Any], relation: Relation) -> Existing | None:
    """The relation in the catalogue, or None."""
    row = conn.execute(_RELATION, (relation.schema, relation.identifier)).fetchone()
    return None if row is None else Existing(row[0], row[1], row[2], row[3], tuple(row[4] or ()))


def _present(conn: Connection[Any], relation: Relation) -> Existing:
    found = existing(conn, relation)
    if found is None:
        raise LoadError(relation.dotted, "vanished in the middle of an exchange", hint="build it again")
    return found


def columns_of(conn: Connection[Any], relation: Relation) -> tuple[tuple[str, str], ...]:
    """(name, type) of every column, in order."""
    found = existing(conn, relation)
    return () if found is None else tuple((r[0], r[1]) for r in conn.execute(_COLUMNS, (found.oid,)))


def drop(conn: Connection[Any], relation: Relation) -> None:
    """Drops the relation if it is there, whatever its kind."""
    found = existing(conn, relation)
    if found is not None:
        conn.execute(sql.SQL("drop {} {}").format(found.keyword, identifier(relation)))


def describe(
    conn: Connection[Any], relation: Relation, keyword: LiteralString, comments: Mapping[str | None, str]
) -> None:
    """Sets the comments: of the relation itself under None, of its columns under their names."""
    statements: list[sql.Composable] = [
        sql.SQL("comment on {} {} is {}").format(sql.SQL(keyword), identifier(relation), sql.Literal(text))
        if column is None
        else sql.SQL("comment on column {}.{} is {}").format(
            identifier(relation), sql.Identifier(column), sql.Literal(text)
        )
        for column, text in comments.items()
    ]
    if statements:
        conn.execute(sql.SQL("; ").join(statements))


def publish_table(
    conn: Connection[Any],
    relation: Relation,
    candidate: Relation,
    rewritten: Mapping[str, str] | None = None,
    ours: re.Pattern[str] | None = None,
) -> None:
    """`candidate` (a table) takes the name and the place of `relation`; call it inside a transaction.

    rewritten: for views by `schema.name`, the query to use when the view's present one no longer fits.
    ours: names of indexes that whoever built `candidate` has seen to; the others are made there, too.
    """
    indexes = _copy_indexes(conn, relation, candidate, ours)
    rename = sql.SQL("alter table {} rename to {}").format(
        identifier(candidate), sql.Identifier(relation.identifier)
    )
    _exchange(conn, relation, rename, rewritten or {})
    for made, name in indexes:
        conn.execute(
            sql.SQL("alter index {} rename to {}").format(
                sql.Identifier(relation.schema, made), sql.Identifier(name)
            )
        )


def name_for_now(name: str) -> str:
    """What an index is called while the one whose place it takes has its name."""
    return name[: 63 - len(CANDIDATE_SUFFIX)] + CANDIDATE_SUFFIX


def _copy_indexes(
    conn: Connection[Any], relation: Relation, candidate: Relation, ours: re.Pattern[str] | None
) -> list[tuple[str, str]]:
    """Indexes that others made on `relation`, also on `candidate`: (name for now, name). One whose column is gone
    goes with it."""
    old = existing(conn, relation)
    made: list[tuple[str, str]] = []
    for name, head, definition in conn.execute(_INDEXES, (old.oid,)).fetchall() if old else ():
        if (ours and ours.fullmatch(name)) or not definition.startswith(head):
            continue  # the second: of a partitioned table: an exchange does not make these
        for_now = name_for_now(name)
        unique = sql.SQL("unique " if head.startswith("CREATE UNIQUE") else "")
        statement = sql.SQL("create {}index {} on {} ").format(
            unique, sql.Identifier(for_now), identifier(candidate)
        )
        try:
            with conn.transaction():
                conn.execute(statement + compiled(definition.removeprefix(head)))
        except (errors.UndefinedColumn, errors.UndefinedFunction):
            continue
        made.append((for_now, name))
    return made


def publish_view(
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
    conn: Connection[Any], relation: Relation, create: sql.Composed, rewritten: Mapping[str, str]
) -> None:
    until = time.monotonic() + LOCK_PATIENCE_S
    while True:
        old = existing(conn, relation)
        if old is None:
            conn.execute(create)
            return
        try:
            with conn.transaction():
                conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(LOCK_ATTEMPT)))
                _replace(conn, relation, create, rewritten, old)
                conn.execute("set local lock_timeout to default")
            return
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if time.monotonic() > until:
                break
        time.sleep(LOCK_PAUSE_S)
    raise LoadError(
        relation.dotted,
        f"readers held the table for longer than {LOCK_PATIENCE_S:g} s; the published rows are as they were",
        hint="see pg_stat_activity for the long query, then run it again",
    )


def _replace(
    conn: Connection[Any],
    relation: Relation,
    create: sql.Composed,
    rewritten: Mapping[str, str],
    old: Existing,
) -> None:
    if old.row_security:
        raise LoadError(
            relation.dotted, "has row security, which an exchange would lose", hint="put it on a view above"
        )
    kept = _keep(conn, old)
    # Without a search path the catalogue names every schema: a definition means the same when it comes back.
    conn.execute("set local search_path = ''")
    views = _dependent_views(conn, old)
    for view in reversed(views):
        conn.execute(sql.SQL("drop view {}").format(identifier(view.relation)))
    conn.execute(sql.SQL("drop {} {}").format(old.keyword, identifier(relation)))
    conn.execute("set local search_path to default")
    conn.execute(create)
    _give_back(conn, relation, kept)
    conn.execute("set local search_path = ''")
    for view in views:
        _recreate(conn, view, relation, rewritten.get(view.relation.dotted))
    conn.execute("set local search_path to default")


def _keep(conn: Connection[Any], old: Existing) -> _Kept:
    granted = conn.execute(
        "select relacl is not null from pg_catalog.pg_class where oid = %s", (old.oid,)
    ).fetchone()
    grants = conn.execute(_GRANTS, {"oid": old.oid}).fetchall()
    comments = conn.execute(_COMMENTS, (old.oid,)).fetchall()
    return _Kept(old.owner, bool(granted and granted[0]), tuple(grants), dict(comments))


def _dependent_views(conn: Connection[Any], old: Existing) -> list[_View]:
    views: list[_View] = []
    for schema, name, definition in conn.execute(_DEPENDENT_VIEWS, {"oid": old.oid}).fetchall():
        relation = Relation(schema, name)
        found = _present(conn, relation)
        views.append(_View(relation, definition.rstrip().rstrip(";"), found.options, _keep(conn, found)))
    return views


def _recreate(conn: Connection[Any], view: _View, below: Relation, rewritten: str | None) -> None:
    options = sql.SQL(", ").join(compiled(option) for option in view.options)
    head = sql.SQL("create view {} {} as ").format(
        identifier(view.relation), sql.SQL("with ({})").format(options) if view.options else sql.SQL("")
    )
    try:
        with conn.transaction():
            conn.execute(head + compiled(view.definition))
    except (errors.UndefinedColumn, errors.UndefinedFunction, errors.DatatypeMismatch) as error:
        if rewritten is None:
            raise LoadError(
                below.dotted,
                f"its new shape breaks the view {view.relation.dotted}: {error.diag.message_primary}",
                hint="keep the column, or change that view first",
            ) from error
        conn.execute(head + compiled(rewritten))
    _give_back(conn, view.relation, view.kept)


def _give_back(conn: Connection[Any], relation: Relation, kept: _Kept) -> None:
    new = _present(conn, relation)
    if new.owner != kept.owner:
        conn.execute(
            sql.SQL("alter {} {} owner to {}").format(
                new.keyword, identifier(relation), sql.Identifier(kept.owner)
            )
        )
    names = {name for name, _ in columns_of(conn, relation)}
    if kept.strict:
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
