"""The roles of the warehouse: who loads, who reads marts, who reads original values of persons, who serves the OPD.

What belongs here: making the roles, and the rights of READ and LOKET. Not here: schema `pribadi`
(load/originals.py), rights that a model declares (models/build/grants.py).

They are groups without log-in. A person or a program gets a log-in of its own and joins one. PostgreSQL's rights of
owners cannot be granted, and an exchange of tables needs them: so LOAD owns the database (docs/configuration.md).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import Connection, errors, sql

LOAD = "gudang_muat"
"""Owns the database, runs loads and builds. It is no superuser and makes no roles."""
READ = "gudang_baca"
"""Reads the marts, and nothing else."""
PERSONAL = "gudang_pribadi"
"""Reads and deletes original values of personal columns, and nothing else."""
LOKET = "gudang_loket"
"""Serves the upload page (pipelines/loket/): it reads what became of uploads, and notes senders and confirmations."""
MARTS = ("mart_satu_data", "mart_spbe")
"""The schemas that READ may use."""


@dataclass(frozen=True, slots=True)
class Right:
    """A right on a relation. columns: () for all of them."""

    right: Literal["select", "insert"]
    schema: str
    relation: str
    columns: tuple[str, ...] = ()


_CONFIRMED_CELL = ("dataset", "column_name", "rule", "cell_hash")
LOKET_RIGHTS = (
    Right("select", "ops", "load_batch"),
    Right("select", "ops", "upload_seen"),
    Right("select", "ops", "dataset_state"),
    Right("select", "ops", "upload_by"),
    Right("select", "ops", "load_approval"),
    Right("select", "ops", "load_decision"),
    Right("insert", "ops", "load_decision", ("batch_id", "decision", "reason", "decided_by")),
    Right("insert", "ops", "upload_by", ("dataset", "name", "sha256", "uploader")),
    # Not the rows themselves.
    Right(
        "select",
        "quarantine",
        "row",
        ("entry_id", "dataset", "last_batch_id", "source_position", "reasons", "state"),
    ),
    Right("select", "quarantine", "confirmed"),
    Right("insert", "quarantine", "confirmation", (*_CONFIRMED_CELL, "confirmed_by", "via", "reason")),
    Right("insert", "quarantine", "withdrawal", ("confirmation_id", "withdrawn_by", "via", "reason")),
    Right("select", "ops", "upload_preview"),
    Right("insert", "ops", "upload_preview", ("dataset", "name", "place", "asked_by")),
)
"""What LOKET may."""

log = logging.getLogger("gudang")


def ensure_roles(connection: Connection[Any]) -> None:
    """Makes missing roles, lets READ read all marts, those of the future too, and gives LOKET its rights.

    It changes only what is missing.

    If the user may not make roles, a warning says what an administrator has to run, and nothing changes for them.
    """
    rows = connection.execute(
        "select name from unnest(%s::text[]) as name where to_regrole(name) is null",
        [[LOAD, READ, PERSONAL, LOKET]],
    ).fetchall()
    for (name,) in rows:
        try:
            # Another database of the same server may just be prepared, too.
            with suppress(errors.DuplicateObject, errors.UniqueViolation), connection.transaction():
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(name)))
        except errors.InsufficientPrivilege:
            log.warning(
                "role %s tidak ada, dan pengguna %s tidak boleh membuatnya; sebagai administrator: create role %s"
                " nologin",
                name,
                connection.info.user,
                name,
            )
    if connection.execute("select to_regrole(%s) is not null", [READ]).fetchone() == (True,):
        _let_read(connection)
    if connection.execute("select to_regrole(%s) is not null", [LOKET]).fetchone() == (True,):
        _let_serve(connection)


def _let_read(connection: Connection[Any]) -> None:
    for schema in MARTS:
        if _reads_all(connection, schema):
            continue
        try:
            with connection.transaction():
                for statement in reading(schema):
                    connection.execute(statement)
        except errors.InsufficientPrivilege:
            log.warning(
                "role %s belum dapat membaca schema %s: pengguna %s bukan pemilik schema itu",
                READ,
                schema,
                connection.info.user,
            )


def _reads_all(connection: Connection[Any], schema: str) -> bool:
    """Whether READ may use the schema, read each of its relations, and those that this user will make in it."""
    row = connection.execute(
        "select has_schema_privilege(%(role)s, %(schema)s, 'usage')"
        " and not exists (select from pg_class where relnamespace = %(schema)s::regnamespace and relkind in ('r', 'v')"
        " and not has_table_privilege(%(role)s, oid, 'select'))"
        " and exists (select from pg_default_acl, aclexplode(defaclacl) as acl"
        " where defaclnamespace = %(schema)s::regnamespace and defaclrole = to_regrole(current_user::text)"
        " and defaclobjtype = 'r' and acl.grantee = to_regrole(%(role)s) and acl.privilege_type = 'SELECT')",
        {"role": READ, "schema": schema},
    ).fetchone()
    return row == (True,)


def reading(schema: str) -> list[sql.Composed]:
    """The statements that let READ read a schema, now and later."""
    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(READ)}
    return [
        sql.SQL(text).format(**names)
        for text in (
            "grant usage on schema {schema} to {role}",
            "grant select on all tables in schema {schema} to {role}",
            "alter default privileges in schema {schema} grant select on tables to {role}",
        )
    ]


def _let_serve(connection: Connection[Any]) -> None:
    """Gives LOKET the rights of LOKET_RIGHTS that it lacks."""
    missing = [right for right in LOKET_RIGHTS if not _has(connection, right)]
    if not missing:
        return
    try:
        with connection.transaction():
            for statement in serving(missing):
                connection.execute(statement)
    except errors.InsufficientPrivilege:
        log.warning(
            "role %s belum dapat membaca catatan pemuatan: pengguna %s bukan pemilik tabelnya",
            LOKET,
            connection.info.user,
        )


def _has(connection: Connection[Any], right: Right) -> bool:
    """Whether LOKET may use the relation's schema, and has the right on the relation, or on all these columns."""
    row = connection.execute(
        "select has_schema_privilege(%(role)s, %(schema)s, 'usage') and case when cardinality(%(columns)s::text[]) = 0"
        " then has_table_privilege(%(role)s, %(relation)s, %(right)s) else (select bool_and("
        "has_column_privilege(%(role)s, %(relation)s, name, %(right)s)) from unnest(%(columns)s::text[]) as name) end",
        {
            "role": LOKET,
            "schema": right.schema,
            "relation": f"{right.schema}.{right.relation}",
            "right": right.right,
            "columns": [*right.columns],
        },
    ).fetchone()
    return row == (True,)


def serving(rights: Iterable[Right] = LOKET_RIGHTS) -> list[sql.Composed]:
    """The statements that give LOKET these rights."""
    role = sql.Identifier(LOKET)
    statements: list[sql.Composed] = []
    for right in rights:
        columns = sql.SQL(", ").join(map(sql.Identifier, right.columns))
        statements += [
            sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(right.schema), role),
            sql.SQL("grant {}{} on {} to {}").format(
                sql.SQL(right.right),
                sql.SQL(" ({})").format(columns) if right.columns else sql.SQL(""),
                sql.Identifier(right.schema, right.relation),
                role,
            ),
        ]
    return statements
