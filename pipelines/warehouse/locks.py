"""Locks of the warehouse that somebody else may hold, and how long we wait for them.

What belongs here: patience, for an exchange, for the warehouse's own tables, for rows; and the queue of those who may
do a thing only one at a time (a dataset's load, a model's build, a publication). Not here: what is done once a lock is
there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.errors import LoadError

PATIENCE_S = 60.0
"""How long we wait for whoever holds a table or its rows, before we give up."""

ATTEMPT_S = 2.0
"""How long one try to come between readers waits; meanwhile it holds up later ones, between tries it lets them pass."""

PAUSE_S = 1.0

QUEUE_S = 1800.0
"""How long one waits in a queue, before one gives up."""

QUEUE_LOGGED_S = 30.0
"""How often somebody who waits in a queue says so."""

log = logging.getLogger("gudang")


@contextmanager
def queued(
    connection: Connection[Any],
    key: str,
    subject: str,
    before: str,
    *,
    limit: float = QUEUE_S,
    every: float = QUEUE_LOGGED_S,
) -> Iterator[None]:
    """Holds the lock `key` of the whole warehouse: whoever else wants it queues. It dies with the session.

    subject: the dataset, model or publication. before: what is waited for, in Indonesian ("pemuatan lain dari dataset
    ini"). `connection` is in autocommit. While it waits the log says for what, every `every` seconds. Raises LoadError
    after `limit` seconds.
    """
    if not try_queue(connection, key):
        _wait(connection, key, subject, before, limit, every)
    try:
        yield
    finally:
        if not connection.closed:
            with suppress(errors.OperationalError):  # a session that broke has let go of its locks
                leave_queue(connection, key)


def try_queue(connection: Connection[Any], key: str) -> bool:
    """Takes the lock of `queued` where nobody has it; whether it did."""
    row = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", [key]).fetchone()
    return bool(row and row[0])


def leave_queue(connection: Connection[Any], key: str) -> None:
    connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def _wait(
    connection: Connection[Any], key: str, subject: str, before: str, limit: float, every: float
) -> None:
    started = time.monotonic()
    while (waited := time.monotonic() - started) < limit:
        log.info("%s: menunggu %s selesai (sudah %.0f dari %.0f detik)", subject, before, waited, limit)
        with suppress(errors.LockNotAvailable), connection.transaction():
            limit_waiting(connection, min(every, limit - waited))
            connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [key])
            return
    raise LoadError(
        subject,
        f"{before} masih berjalan sesudah {limit:.0f} detik",
        hint="tunggu sampai selesai, atau hentikan run yang menjalankannya",
    )


def limit_waiting(connection: Connection[Any], seconds: float | None = None) -> None:
    """No statement of the running transaction waits longer for a lock: PATIENCE_S, or `seconds`."""
    # 0 would be no limit at all.
    milliseconds = max(1, round((PATIENCE_S if seconds is None else seconds) * 1000))
    connection.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(milliseconds)))


def come_between(connection: Connection[Any], act: Callable[[], None]) -> None:
    """`act` in a transaction (or savepoint) of its own, tried again and again until its locks are there.

    Raises LockNotAvailable or DeadlockDetected when PATIENCE_S is over; nothing of it is done then.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            with connection.transaction():
                limit_waiting(connection, ATTEMPT_S)
                act()
                limit_waiting(connection)
            return
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if time.monotonic() > until:
                raise
        time.sleep(PAUSE_S)
