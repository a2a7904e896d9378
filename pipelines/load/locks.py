"""Locks of the warehouse that somebody else may hold, and how long a load waits for them.

What belongs here: patience, for an exchange, for the warehouse's own tables, for rows. Not here: the advisory locks by
which loads queue (ledger.py), what is done once a lock is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from psycopg import Connection, errors, sql

PATIENCE_S = 60.0
"""How long we wait for whoever holds a table or its rows, before we give up."""

ATTEMPT_S = 2.0
"""How long one try to come between readers waits; meanwhile it holds up later ones, between tries it lets them pass."""

PAUSE_S = 1.0


def limit_waiting(connection: Connection[Any], seconds: float | None = None) -> None:
    """No statement of the running transaction waits longer for a lock: PATIENCE_S, or `seconds`."""
    milliseconds = round((PATIENCE_S if seconds is None else seconds) * 1000)
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
