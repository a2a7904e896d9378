"""Keeps Dagster's database in UTC, whatever the server's time zone is.

What belongs here: the zone of its sessions, rows that an earlier version wrote in another zone, the right to create
tables. Not here: the warehouse, which stays in WITA (load/prepare.py).

Dagster writes naive timestamps, part of them through the session's time zone, and reads all of them as UTC. With
sessions in WITA its runs would seem eight hours in the future, and its waits would take eight hours longer (ADR 027).
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
from pipelines.warehouse import locks

SUBJECT = "basis data Dagster"
UTC_NAMES = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal"})
SESSION_ZONE_COLUMNS: Mapping[str, tuple[str, ...]] = {
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
"""Columns that Dagster fills by `now()`, or by a time with a zone, which PostgreSQL converts to the session's zone."""

UTC_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "event_logs": ("timestamp",),
    "asset_event_tags": ("event_timestamp",),
    "asset_check_executions": ("evaluation_event_timestamp",),
    "secondary_indexes": ("migration_completed",),
}
"""Columns that Dagster fills by naive times in UTC. The server's time zone does not change them."""

_NAME = "gudang clock"
OTHER_SESSIONS_SECONDS = 10.0
"""How long we wait for sessions of an earlier version to end, if rows must be shifted."""


def utc_url(url: str) -> str:
    """The SQLAlchemy URL of Dagster's database with the option that sets its sessions to UTC."""
    parsed = make_url(url)
    given = parsed.query.get("options", "")
    options = given if isinstance(given, str) else " ".join(given)
    if "timezone" in options.lower():
        return url
    query = {**parsed.query, "options": f"{options} -c timezone=UTC".strip()}
    return parsed.set(query=query).render_as_string(hide_password=False)


def keep_in_utc(url: str, *, patience: float = OTHER_SESSIONS_SECONDS) -> bool:
    """Sets this database to UTC. True if rows of an earlier version had to be shifted.

    The shift and the database's setting, by which a later start knows that it was done, are one transaction. We wait
    `patience` seconds for sessions that write in the old zone. Raises GudangError if they do not end, if the database
    can't be reached, or if we may not set it.
    """
    with _connect(url) as connection, connection.transaction():
        locks.lock_until_commit(connection, "zona waktu")
        zone = _zone(connection)
        shifted = zone not in UTC_NAMES and not _is_set_to_utc(connection)
        if shifted:
            _refuse_zone_set_by_client(connection, zone)
            _wait_for_others(connection, zone, patience)
            _shift(connection, zone)
            _set_database_to_utc(connection, zone)
    with _connect(utc_url(url)) as connection:
        zone = _zone(connection)
        _require_right_to_create(connection)
    if zone not in UTC_NAMES:
        raise _not_in_utc(zone)
    return shifted


def _not_in_utc(zone: str) -> GudangError:
    return GudangError(
        SUBJECT,
        f"sesinya memakai zona waktu {zone}, padahal Dagster membaca semua waktu sebagai UTC",
        hint="hapus PGTZ dan PGOPTIONS dari lingkungan, dan timezone dari options di URL; di belakang pooler, jalankan"
        " sebagai pemiliknya: alter database ... set timezone to 'UTC'",
    )


def _refuse_zone_set_by_client(connection: Connection[Any], zone: str) -> None:
    """Raises GudangError if the client sets the zone, because then we cannot know the zone of the existing rows."""
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
            f"koneksi ke {make_url(url).render_as_string(hide_password=True)} gagal: {lines[0]}",
            hint="apakah servernya berjalan? Alamatnya di GUDANG_DAGSTER_URL",
        ) from None


def _zone(connection: Connection[Any]) -> str:
    row = connection.execute("select current_setting('TimeZone')").fetchone()
    assert row is not None
    return str(row[0])


def _require_right_to_create(connection: Connection[Any]) -> None:
    """Raises GudangError if the user may not create Dagster's tables.

    Dagster itself would end in pages of traceback.
    """
    row = connection.execute(
        "select to_regclass('runs') is not null or coalesce(has_schema_privilege(current_schema(), 'create'), false)"
    ).fetchone()
    if row is None or not row[0]:
        raise GudangError(
            SUBJECT,
            f"pengguna {connection.info.user} tidak berhak membuat tabel di {connection.info.dbname}",
            hint=f"sebagai superuser: alter database {connection.info.dbname} owner to {connection.info.user}",
        )


def _is_set_to_utc(connection: Connection[Any]) -> bool:
    """Whether the database itself, and not only the session, is set to UTC."""
    row = connection.execute(
        "select exists (select from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase,"
        " unnest(s.setconfig) as setting where d.datname = current_database() and s.setrole = 0"
        " and setting ilike 'timezone=%%' and split_part(setting, '=', 2) = any(%s))",
        [sorted(UTC_NAMES)],
    ).fetchone()
    assert row is not None
    return bool(row[0])


def _wait_for_others(connection: Connection[Any], zone: str, patience: float) -> None:
    """Waits until no other session is open, because it would write in the old zone. Raises GudangError."""
    until = time.monotonic() + patience
    while True:
        connection.execute(
            "select pg_stat_clear_snapshot()"
        )  # else a transaction sees the first answer for ever
        row = connection.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and usename = current_user and application_name <> %s",
            [_NAME],  # another process that waits to do the same
        ).fetchone()
        assert row is not None
        if not row[0]:
            return
        if time.monotonic() > until:
            raise GudangError(
                SUBJECT,
                f"zona waktunya {zone} dan harus diubah sekali ke UTC, tetapi {row[0]} sesi versi sebelumnya masih"
                " terbuka",
                hint="hentikan `gudang ui`, webserver, daemon, dan malam yang berjalan, lalu mulai lagi",
            )
        time.sleep(0.2)


def _shift(connection: Connection[Any], zone: str) -> None:
    """Converts the times in SESSION_ZONE_COLUMNS from `zone` to UTC."""
    for table, columns in SESSION_ZONE_COLUMNS.items():
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


def _set_database_to_utc(connection: Connection[Any], zone: str) -> None:
    """Sets the database's time zone to UTC. Raises GudangError if the user may not."""
    name = connection.info.dbname
    try:
        connection.execute(sql.SQL("alter database {} set timezone to 'UTC'").format(sql.Identifier(name)))
    except errors.InsufficientPrivilege as error:
        raise GudangError(
            SUBJECT,
            f"zona waktunya {zone}, Dagster membaca semua waktu sebagai UTC, dan pengguna {connection.info.user}"
            " tidak berhak mengubahnya",
            hint=f"sekali, sebagai superuser: alter database {name} owner to {connection.info.user}; lalu mulai lagi",
        ) from error
