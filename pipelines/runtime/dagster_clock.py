"""The time zone of Dagster's database: UTC, whatever the server's is.

What belongs here: the zone of its sessions, rows that an earlier version wrote in another zone, the right to make
tables. Not here: the warehouse, which stays in WITA (load/prepare.py).

Dagster writes naive timestamps, part of them through the session's time zone, and reads all of them as UTC. With
sessions in WITA its runs seem eight hours in the future, and what it waits for takes eight hours longer (ADR 027).
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

SUBJECT = "basis data Dagster"
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
"""How long sessions of an earlier version have to end, when rows must be shifted."""


def utc_url(url: str) -> str:
    """The SQLAlchemy URL of Dagster's database, with the zone of its sessions among the options."""
    parsed = make_url(url)
    given = parsed.query.get("options", "")
    options = given if isinstance(given, str) else " ".join(given)
    if "timezone" in options.lower():
        return url
    query = {**parsed.query, "options": f"{options} -c timezone=UTC".strip()}
    return parsed.set(query=query).render_as_string(hide_password=False)


def keep_in_utc(url: str, *, patience: float = OTHERS_SECONDS) -> bool:
    """Sets this database to UTC; True where rows of an earlier version had to be shifted for it.

    Shifting and the database's own setting, which says that it is done, are one transaction. Sessions that write in the
    old zone have `patience` seconds to end. Raises GudangError when they do not, when the database can't be reached,
    and when it is not ours to set.
    """
    with _connect(url) as connection, connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        zone = _zone(connection)
        shifted = zone not in UTC_NAMES and not _is_set(connection)
        if shifted:
            _refuse_the_clients(connection, zone)
            _wait_for_others(connection, zone, patience)
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
        f"sesinya memakai zona waktu {zone}, padahal Dagster membaca semua waktu sebagai UTC",
        hint="hapus PGTZ dan PGOPTIONS dari lingkungan, dan timezone dari options di URL; di belakang pooler, jalankan"
        " sebagai pemiliknya: alter database ... set timezone to 'UTC'",
    )


def _refuse_the_clients(connection: Connection[Any], zone: str) -> None:
    """Raises GudangError where this client sets the zone: that says nothing of the zone of the rows that are there."""
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


def _check_rights(connection: Connection[Any]) -> None:
    """Dagster makes its tables at its first start: without the right to, it would end in pages of traceback."""
    row = connection.execute(
        "select to_regclass('runs') is not null or coalesce(has_schema_privilege(current_schema(), 'create'), false)"
    ).fetchone()
    if row is None or not row[0]:
        raise GudangError(
            SUBJECT,
            f"pengguna {connection.info.user} tidak berhak membuat tabel di {connection.info.dbname}",
            hint=f"sebagai superuser: alter database {connection.info.dbname} owner to {connection.info.user}",
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


def _wait_for_others(connection: Connection[Any], zone: str, patience: float) -> None:
    """Waits until no other session is open: one that is would go on writing in the old zone. Raises GudangError."""
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
            f"zona waktunya {zone}, Dagster membaca semua waktu sebagai UTC, dan pengguna {connection.info.user}"
            " tidak berhak mengubahnya",
            hint=f"sekali, sebagai superuser: alter database {name} owner to {connection.info.user}; lalu mulai lagi",
        ) from error
