"""Waits for locks of PostgreSQL that another session may hold.

What belongs here: waiting for the locks of tables and rows (`LockPatience`), and advisory locks by name, which keep two
sessions from doing the same thing at once (a dataset's load, a model's build, a publication, the preparation of the
warehouse). Not here: the work that is done while a lock is held.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.errors import LoadError

QUEUE_S = 1800.0
"""How long `queued` waits for a lock before it gives up."""

QUEUE_LOGGED_S = 30.0
"""How often `queued` logs that it still waits."""

log = logging.getLogger("gudang")


@dataclass(frozen=True, slots=True)
class LockPatience:
    """How long we wait for another session that has locked a table or its rows, in seconds.

    total: after this time we give up.
    attempt: lock_timeout of one attempt to lock a table that readers hold. New readers have to wait while we wait, so
    we give way between attempts.
    pause: how long we give way.
    """

    total: float = 60.0
    attempt: float = 2.0
    pause: float = 1.0


PATIENCE = LockPatience()


@contextmanager
def queued(
    connection: Connection[Any],
    key: str,
    subject: str,
    waits_for: str,
    *,
    limit: float = QUEUE_S,
    every: float = QUEUE_LOGGED_S,
) -> Iterator[None]:
    """Holds the session's advisory lock `key`, and waits if another session holds it. It ends with the session.

    connection: in autocommit.
    subject: the dataset, model or publication, for log and error.
    waits_for: what the other session does, in Indonesian ("pemuatan lain dari dataset ini").

    While it waits, it logs every `every` seconds what it waits for. Raises LoadError after `limit` seconds.
    """
    if not try_queue(connection, key):
        _wait(connection, key, subject, waits_for, limit, every)
    try:
        yield
    finally:
        if not connection.closed:
            with suppress(errors.OperationalError):  # a broken session holds no locks any more
                leave_queue(connection, key)


def try_queue(connection: Connection[Any], key: str) -> bool:
    """Takes the lock of `queued` if no other session holds it. True if it took the lock."""
    row = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", [key]).fetchone()
    return bool(row and row[0])


def leave_queue(connection: Connection[Any], key: str) -> None:
    """Releases the lock of `queued`."""
    connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def lock_until_commit(connection: Connection[Any], key: str) -> None:
    """Waits for the lock `key` and holds it until the running transaction ends."""
    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def _wait(
    connection: Connection[Any], key: str, subject: str, waits_for: str, limit: float, every: float
) -> None:
    started = time.monotonic()
    while (waited := time.monotonic() - started) < limit:
        log.info("%s: menunggu %s selesai (sudah %.0f dari %.0f detik)", subject, waits_for, waited, limit)
        with suppress(errors.LockNotAvailable), connection.transaction():
            limit_waiting(connection, min(every, limit - waited))
            connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [key])
            return
    raise LoadError(
        subject,
        f"{waits_for} masih berjalan sesudah {limit:.0f} detik",
        hint="tunggu sampai selesai, atau hentikan run yang menjalankannya",
        code="GDK-M003",
    )


def limit_waiting(connection: Connection[Any], seconds: float = PATIENCE.total) -> None:
    """Sets how long each statement of the running transaction may wait for a lock."""
    # 0 would be no limit at all.
    milliseconds = max(1, round(seconds * 1000))
    connection.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(milliseconds)))


def retry_until_locked(
    connection: Connection[Any], act: Callable[[], None], patience: LockPatience = PATIENCE
) -> None:
    """Runs `act` in a transaction (or savepoint), and repeats it until it gets its locks.

    Raises LockNotAvailable or DeadlockDetected when the patience is over. `act` is then rolled back. A pg_dump holds
    every table until its end, which may be an hour: while one runs, we wait up to QUEUE_S seconds.
    """
    started = time.monotonic()
    until = started + patience.total
    while True:
        try:
            with connection.transaction():
                limit_waiting(connection, patience.attempt)
                act()
                limit_waiting(connection, patience.total)
            return
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            now = time.monotonic()
            if now > until:
                if now > started + QUEUE_S or not _dump_runs(connection):
                    raise
                log.info("menunggu pencadangan (pg_dump) selesai, sudah %.0f detik", now - started)
                until = now + patience.total
        time.sleep(patience.pause)


def _dump_runs(connection: Connection[Any]) -> bool:
    """Whether a pg_dump reads this database."""
    row = connection.execute(
        "select exists (select from pg_stat_activity where application_name = 'pg_dump'"
        " and datname = current_database())"
    ).fetchone()
    return bool(row and row[0])
