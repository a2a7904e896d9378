"""A table or view of the warehouse as a value, and its entry in the catalogue.

What belongs here: its name, columns and comments, dropping it. Not here: exchanging it (swap.py), objects that depend
on it (attached.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString, cast

from psycopg import Connection, sql

from pipelines.identifiers import CANDIDATE_SUFFIX


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view. As text it is quoted SQL, as dbt renders `ref()`."""

    schema: str
    identifier: str

    @property
    def name(self) -> str:
        """Its name without the schema, as dbt calls it."""
        return self.identifier

    @property
    def table(self) -> str:
        """The same as `name`; dbt's templates call it `table`."""
        return self.identifier

    @property
    def dotted(self) -> str:
        """`schema.identifier`, unquoted, for people."""
        return f"{self.schema}.{self.identifier}"

    @property
    def candidate(self) -> Relation:
        """The relation in which the next content is made, before it replaces this one."""
        return Relation(self.schema, self.identifier + CANDIDATE_SUFFIX)

    def __str__(self) -> str:
        return ".".join('"' + part.replace('"', '""') + '"' for part in (self.schema, self.identifier))


_RELATION = """
select c.oid, c.relkind::text, c.relrowsecurity, pg_get_userbyid(c.relowner), c.reloptions
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = %s and c.relname = %s
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
    """A relation as the catalogue describes it. `kind` is PostgreSQL's relkind."""

    oid: int
    kind: str
    row_security: bool
    owner: str
    options: tuple[str, ...]

    @property
    def keyword(self) -> sql.SQL:
        """The keyword of its kind in ALTER and DROP."""
        return sql.SQL(_KINDS.get(self.kind, "table"))


def identifier(relation: Relation) -> sql.Identifier:
    """The quoted name of the relation with its schema, for a statement."""
    return sql.Identifier(relation.schema, relation.identifier)


def trusted_sql(query: str) -> sql.SQL:
    """SQL text of the project's own templates or of the catalogue, as code. Never call it with a user's value."""
    return sql.SQL(cast(LiteralString, query))


def existing(conn: Connection[Any], relation: Relation) -> Existing | None:
    """The relation in the catalogue, or None."""
    row = conn.execute(_RELATION, (relation.schema, relation.identifier)).fetchone()
    return None if row is None else Existing(row[0], row[1], row[2], row[3], tuple(row[4] or ()))


def columns_of(conn: Connection[Any], relation: Relation) -> tuple[tuple[str, str], ...]:
    """(name, type) of every column, in order."""
    found = existing(conn, relation)
    return () if found is None else tuple((r[0], r[1]) for r in conn.execute(_COLUMNS, (found.oid,)))


def drop(conn: Connection[Any], relation: Relation) -> None:
    """Drops the relation if it exists, whatever its kind."""
    found = existing(conn, relation)
    if found is not None:
        conn.execute(sql.SQL("drop {} {}").format(found.keyword, identifier(relation)))


def set_comments(
    conn: Connection[Any], relation: Relation, keyword: LiteralString, comments: Mapping[str | None, str]
) -> None:
    """Sets comments. comments: by the name of a column; the relation's own is under None."""
    statements = comment_statements(relation, keyword, comments)
    if statements:
        conn.execute(sql.SQL("; ").join(statements))


def comment_statements(
    relation: Relation, keyword: LiteralString, comments: Mapping[str | None, str]
) -> list[sql.Composed]:
    """The statements that set the comments, one each."""
    return [
        sql.SQL("comment on {} {} is {}").format(sql.SQL(keyword), identifier(relation), sql.Literal(text))
        if column is None
        else sql.SQL("comment on column {}.{} is {}").format(
            identifier(relation), sql.Identifier(column), sql.Literal(text)
        )
        for column, text in comments.items()
    ]
