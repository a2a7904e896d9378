"""The clock of Dagster's database: UTC, whatever the server's is.

What belongs here: the zone of its sessions, rows that an earlier version wrote by another clock, the right to make
tables. Not here: the warehouse, which stays in WITA (load/prepare.py).

Dagster writes naive timestamps, part of them through the session's time zone, and reads all of them as UTC. By a
clock in WITA its runs are eight hours in the future, and what it waits for takes eight hours longer (ADR 027).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import Connection, errors, sql
from sqlalchemy.engine import make_url

from pipelines.errors import GudangError
from pipelines.redaction.database_urls import libpq_url

SUBJECT = "Dagster's database"
UTC_NAMES = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal"})
BY_THE_SERVERS_CLOCK: Mapping[str, tuple[str, ...]] = {
    "asset_check_executions": ("create_timestamp",),
    "asset_daemon_asset_evaluations": ("create_timestamp",),
    "asset_keys": ("wipe_timestamp", "last_materialization_timestamp", "create_timestamp"),
    "bulk_actions": ("timestamp",),
    "concurrency_limits": ("update_timestamp", "create_timestamp"),
    "concurrency_slots": ("create_timestamp",),
    "daemon_heartbeats": ("timestamp",),
    "dynamic_partitions": ("create_timestamp",),
    "instigators": ("create_timestamp", "update_timestamp"),
    "job_ticks": ("timestamp", "create_timestamp", "update_timestamp"),
    "jobs": ("create_timestamp", "update_timestamp"),
    "pending_steps": ("assigned_timestamp", "create_timestamp"),
    "runs": ("create_timestamp", "update_timestamp"),
    "secondary_indexes": ("create_timestamp",),
}
"""Columns that Dagster fills by `now()`, or by a time with a zone, which PostgreSQL turns into the session's."""

BY_DAGSTER: Mapping[str, tuple[str, ...]] = {
    "event_logs": ("timestamp",),
    "asset_event_tags": ("event_timestamp",),
    "asset_check_executions": ("evaluation_event_timestamp",),
    "secondary_indexes": ("migration_completed",),
}
"""Columns that Dagster fills by naive times of its own: no clock of the server is in them."""

_LOCK = 7_640_020
_NAME = "gudang clock"
OTHERS_SECONDS = 10.0
"""How long sessions of before have to end, when rows must be shifted."""


def utc_url(url: str) -> str:
    """The SQLAlchemy URL of Dagster's database, with the zone of its sessions among the options."""
    parsed = make_url(url)
    given = parsed.query.get("options", "")
    options = given if isinstance(given, str) else " ".join(given)
    if "timezone" in options.lower():
        return url
    query = {**parsed.query, "options": f"{options} -c timezone=UTC".strip()}
    return parsed.set(query=query).render_as_string(hide_password=False)


def keep_in_utc(url: str) -> bool:
    """Whether rows of an earlier version had to be shifted; afterwards every session of this database is in UTC.

    Shifting and the database's own setting, which says that it is done, are one transaction. Raises GudangError when
    the database can't be reached, is not ours to set, or when sessions that write by the old clock are open.
    """
    with _connect(url) as connection, connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        zone = _zone(connection)
        shifted = zone not in UTC_NAMES and not _is_set(connection)
        if shifted:
            _refuse_the_clients(connection, zone)
            _let_others_go(connection, zone)
            _shift(connection, zone)
            _set(connection, zone)
    with _connect(utc_url(url)) as connection:
        zone = _zone(connection)
        _check_rights(connection)
    if zone not in UTC_NAMES:
        raise _not_in_utc(zone)
    return shifted


def _not_in_utc(zone: str) -> GudangError:
    return GudangError(
        SUBJECT,
        f"its sessions keep the time of {zone}, and Dagster reads every time as UTC",
        hint="take PGTZ and PGOPTIONS out of the environment, and timezone out of the URL's options; behind a"
        " pooler, as its owner: alter database ... set timezone to 'UTC'",
    )


def _refuse_the_clients(connection: Connection[Any], zone: str) -> None:
    """A zone of this process says nothing of the clock by which earlier rows were written: nothing may be shifted."""
    row = connection.execute("select source = 'client' from pg_settings where name = 'TimeZone'").fetchone()
    if row is None or row[0]:
        raise _not_in_utc(zone)


def _connect(url: str) -> Connection[Any]:
    try:
        return psycopg.connect(libpq_url(url), autocommit=True, connect_timeout=10, application_name=_NAME)
    except psycopg.Error as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise GudangError(
            SUBJECT,
            f"cannot connect to {make_url(url).render_as_string(hide_password=True)}: {lines[0]}",
            hint="is it running? GUDANG_DAGSTER_URL says where it is",
        ) from None


def _zone(connection: Connection[Any]) -> str:
    row = connection.execute("select current_setting('TimeZone')").fetchone()
    assert row is not None
    return str(row[0])


def _check_rights(connection: Connection[Any]) -> None:
    """Dagster makes its tables when it first comes: without the right to, it would end in pages of traceback."""
    row = connection.execute(
        "select to_regclass('runs') is not null or coalesce(has_schema_privilege(current_schema(), 'create'), false)"
    ).fetchone()
    if row is None or not row[0]:
        raise GudangError(
            SUBJECT,
            f"the user {connection.info.user} may not make tables in {connection.info.dbname}",
            hint=f"as a superuser: alter database {connection.info.dbname} owner to {connection.info.user}",
        )


def _is_set(connection: Connection[Any]) -> bool:
    row = connection.execute(
        "select exists (select from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase,"
        " unnest(s.setconfig) as setting where d.datname = current_database() and s.setrole = 0"
        " and setting ilike 'timezone=%%' and split_part(setting, '=', 2) = any(%s))",
        [sorted(UTC_NAMES)],
    ).fetchone()
    assert row is not None
    return bool(row[0])


def _let_others_go(connection: Connection[Any], zone: str) -> None:
    """Sessions of Dagster that were there before would write on by the old clock."""
    until = time.monotonic() + OTHERS_SECONDS
    while True:
        connection.execute(
            "select pg_stat_clear_snapshot()"
        )  # else a transaction sees the first answer for ever
        row = connection.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and usename = current_user and application_name <> %s",
            [_NAME],  # who waits to do the same
        ).fetchone()
        assert row is not None
        if not row[0]:
            return
        if time.monotonic() > until:
            raise GudangError(
                SUBJECT,
                f"it keeps the time of {zone} and has to be changed to UTC once, but {row[0]} sessions of an earlier"
                " version are open",
                hint="stop `gudang ui`, webserver, daemon and nights, then start again",
            )
        time.sleep(0.2)


def _shift(connection: Connection[Any], zone: str) -> None:
    for table, columns in BY_THE_SERVERS_CLOCK.items():
        there = {
            name
            for (name,) in connection.execute(
                "select attname from pg_attribute where attrelid = to_regclass(%s) and not attisdropped"
                " and atttypid = 'timestamp'::regtype",
                [table],
            )
        }
        turned = [
            sql.SQL("{0} = {0} at time zone {1} at time zone 'UTC'").format(
                sql.Identifier(name), sql.Literal(zone)
            )
            for name in columns
            if name in there
        ]
        if turned:
            connection.execute(
                sql.SQL("update {} set {}").format(sql.Identifier(table), sql.SQL(", ").join(turned))
            )


def _set(connection: Connection[Any], zone: str) -> None:
    name = connection.info.dbname
    try:
        connection.execute(sql.SQL("alter database {} set timezone to 'UTC'").format(sql.Identifier(name)))
    except errors.InsufficientPrivilege as error:
        raise GudangError(
            SUBJECT,
            f"it keeps the time of {zone}, Dagster reads every time as UTC, and the user {connection.info.user} may"
            " not change that",
            hint=f"once, as a superuser: alter database {name} owner to {connection.info.user}; then start again",
        ) from error
