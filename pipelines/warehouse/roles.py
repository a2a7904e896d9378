"""The roles of the warehouse: who loads, who reads marts, who reads original values of persons.

What belongs here: making the roles, and the rights of READ. Not here: schema `pribadi` (load/pseudonyms.py), rights
that a model declares (models/build/grants.py).

They are groups without log-in. A person or a program gets a log-in of its own and joins one. PostgreSQL's rights of
owners cannot be granted, and an exchange of tables needs them: so LOAD owns the database (docs/configuration.md).
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from psycopg import Connection, errors, sql

LOAD = "gudang_muat"
"""Owns the database, runs loads and builds. It is no superuser and makes no roles."""
READ = "gudang_baca"
"""Reads the marts, and nothing else."""
PERSONAL = "gudang_pribadi"
"""Reads and deletes original values of personal columns, and nothing else."""
MARTS = ("mart_satu_data", "mart_spbe")
"""The schemas that READ may use."""

log = logging.getLogger("gudang")


def ensure_roles(connection: Connection[Any]) -> None:
    """Makes missing roles, and lets READ read all marts, those of the future too. It changes only what is missing.

    If the user may not make roles, a warning says what an administrator has to run, and nothing changes for them.
    """
    rows = connection.execute(
        "select name from unnest(%s::text[]) as name where to_regrole(name) is null", [[LOAD, READ, PERSONAL]]
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
