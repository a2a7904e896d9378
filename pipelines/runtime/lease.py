"""Leases, which show whether a process that works on something is still alive, without hosts, pids or clocks.

What belongs here: taking, keeping and finding leases. Not here: closing runs whose lease is gone (runs/dead.py).

A lease is an advisory lock in Dagster's database. A separate session holds it as long as its process lives. PostgreSQL
releases it when the process is gone, however it ended and in whatever container it ran: at once if the kernel closes
the connection, within a minute if the machine is gone, too. After a restart of the server all leases are lost, and each
process takes its own again.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection, sql

from pipelines.errors import GudangError
from pipelines.redaction.database_urls import libpq_url
from pipelines.warehouse import locks

BEAT_SECONDS = 3.0
"""How often a holder checks that its session still holds the lease."""

ANSWER_SECONDS = 4
"""After this time without acknowledgement of sent data a session counts as lost. A unix socket has no such limit."""

GONE_SECONDS = 3 * BEAT_SECONDS + ANSWER_SECONDS
"""If nobody holds a lease now and again after this time, its process is gone: a live process renews a lost session
faster than that."""

LINGER_SECONDS = 30.0
"""How long the lease is held after the executor has ended, because a run's last event is written after that."""

EXCLUSIVE_SECONDS = 60.0
"""How long `exclusive` waits for another process."""

SUBJECT = "basis data Dagster"
_NAME = "gudang sewa: "


@dataclass(frozen=True, slots=True)
class Holder:
    """A session that holds a lease, the subject of the lease, and the begin of the session."""

    subject: str
    since: datetime


def run_subject(run_id: str) -> str:
    """The subject of the lease of a Dagster run."""
    return f"run {run_id}"


@contextmanager
def hold(url: str, subject: str, *, linger: bool = False, beat: float = BEAT_SECONDS) -> Iterator[None]:
    """Holds the lease of `subject` for as long as the context lasts, and LINGER_SECONDS longer with `linger`.

    beat: seconds between two checks of the session. Raises GudangError when Dagster's database can't be reached.
    """
    lease = _Lease(url, subject, beat)
    try:
        yield
    finally:
        lease.end(LINGER_SECONDS if linger else 0.0)


@contextmanager
def exclusive(url: str, subject: str) -> Iterator[None]:
    """Holds an exclusive lock on `subject`. Waits up to EXCLUSIVE_SECONDS for it, then raises LoadError."""
    with (
        _connect(url, "gudang") as connection,
        locks.queued(connection, subject, SUBJECT, "proses lain", limit=EXCLUSIVE_SECONDS),
    ):
        yield


def held_now(url: str, subjects: Collection[str]) -> frozenset[str]:
    """Those of `subjects` whose lease somebody holds now. Raises GudangError when the database can't be reached."""
    with _connect(url, "gudang") as connection:
        return held_in(connection, subjects)


def held_in(connection: Connection[Any], subjects: Collection[str]) -> frozenset[str]:
    """The same, asked in a session of Dagster's database."""
    rows = connection.execute(
        "select (classid::bigint << 32) | objid::bigint from pg_locks where locktype = 'advisory' and granted"
        " and objsubid = 1 and database = (select oid from pg_database where datname = current_database())"
    ).fetchall()
    keys = {row[0] for row in rows}
    return frozenset(subject for subject in subjects if _key(subject) in keys)


def wait_and_find_gone(url: str, subjects: Collection[str], *, wait: float = GONE_SECONDS) -> frozenset[str]:
    """Those of `subjects` whose lease nobody holds, neither now nor `wait` seconds later.

    Sleeps `wait` seconds if a lease is missing now.
    """
    if not subjects:
        return frozenset()
    missing = frozenset(subjects) - held_now(url, subjects)
    if missing:
        time.sleep(wait)
        missing -= held_now(url, missing)
    return missing


def holders(url: str) -> tuple[Holder, ...]:
    """The sessions that hold a lease now, the oldest first."""
    with _connect(url, "gudang") as connection:
        rows = connection.execute(
            "select application_name, backend_start from pg_stat_activity where datname = current_database()"
            " and starts_with(application_name, %s) order by backend_start",
            [_NAME],
        ).fetchall()
    return tuple(Holder(name.removeprefix(_NAME), since) for name, since in rows)


class _Lease:
    """A held lease, and the thread that keeps it."""

    def __init__(self, url: str, subject: str, beat: float) -> None:
        self._url, self._subject, self._seconds = url, subject, beat
        self._ending = threading.Event()
        self._session: Connection[Any] | None = self._take()
        self._linger = 0.0
        # A daemon thread does not keep its process from ending.
        self._keeper = threading.Thread(target=self._keep, name=f"lease of {subject}", daemon=True)
        self._keeper.start()

    def end(self, linger: float) -> None:
        self._linger = linger
        self._ending.set()
        if not linger:
            self._keeper.join()

    def _take(self) -> Connection[Any]:
        session = _connect(self._url, (_NAME + self._subject)[:63])
        # A machine that goes down sends nothing, so the server asks by TCP keepalives. Ignored on a unix socket.
        for setting, seconds in (("idle", 20), ("interval", 10), ("count", 3)):
            session.execute(
                sql.SQL("set {} = {}").format(
                    sql.Identifier(f"tcp_keepalives_{setting}"), sql.Literal(seconds)
                )
            )
        # An earlier session of ours may still hold the lease. Then the next beat tries again.
        session.execute("select pg_try_advisory_lock(%s)", [_key(self._subject)])
        return session

    def _keep(self) -> None:
        while not self._ending.wait(self._seconds):
            self._beat()
        threading.Event().wait(self._linger)
        if self._session is not None:
            with suppress(psycopg.Error):
                self._session.execute("select pg_advisory_unlock_all()")
            self._session.close()

    def _beat(self) -> None:
        """Takes the lease again if the session lost it, in a new session if necessary."""
        for _ in range(2):
            try:
                if self._session is None:
                    self._session = self._take()
                self._session.execute(
                    "select pg_try_advisory_lock(%(key)s) where not exists (select from pg_locks where pid ="
                    " pg_backend_pid() and locktype = 'advisory')",
                    {"key": _key(self._subject)},
                )
                return
            except (psycopg.Error, GudangError):
                # The session is lost. We open a new one at once, or at the next beat.
                if self._session is not None:
                    with suppress(psycopg.Error):
                        self._session.close()
                self._session = None


def _key(subject: str) -> int:
    return int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], signed=True)


def _connect(url: str, name: str) -> Connection[Any]:
    try:
        return psycopg.connect(
            libpq_url(url),
            autocommit=True,
            connect_timeout=10,
            application_name=name,
            tcp_user_timeout=ANSWER_SECONDS * 1000,
        )
    except psycopg.Error as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise GudangError(SUBJECT, f"koneksi gagal: {lines[0]}", hint="apakah servernya berjalan?") from None
