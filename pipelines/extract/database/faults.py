"""A driver's error as the house's own: in our words, by its kind, and whether it may pass by itself.

What belongs here: SQLSTATEs, error numbers, and forms of a driver's text that say which kind it is. A source's own
words may quote a value, so none is passed on. Not here: trying again (load/), what an SQLSTATE means
(redaction/sqlstates.py). Sources: PostgreSQL manual, appendix A "PostgreSQL Error Codes"; MariaDB "Error Codes";
MySQL 8.4 "Error Message Reference" (servers from 1000, clients from 2000 on).
"""

from __future__ import annotations

import os
import re
import sqlite3

import psycopg
import pymysql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.errors import SourceError
from pipelines.redaction import sqlstates

# 08 connection, 40 serialisation, deadlock and recovery conflict, 53 resources, 58 the server's system.
_PASSING_CLASSES = frozenset({"08", "40", "53", "58"})
# lock, time-outs of idle and long transactions, server stopping or starting; ODBC's connection time-out.
_PASSING_STATES = frozenset({"55P03", "25P03", "25P04", "57P01", "57P02", "57P03", "57P05", "HYT01"})
# Connection, log-in, database, resources, server: nothing to do with a statement.
_CONNECTION_CLASSES = frozenset({"08", "28", "3D", "53", "57", "58"})
_LOG_IN = frozenset({1040, 1044, 1045, 1049, 1130, 1698})
_FIRST_OF_CLIENT = 2000
_BAD_TEXT = frozenset({"22021", "22P05"})
# too many connections, out of memory or disk, shutting down, net errors, killed, lock wait, deadlock, lost.
_PASSING_NUMBERS = frozenset(
    {1021, 1037, 1038, 1040, 1041, 1053, 1077, 1079, 1080, 1135, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1205}
    | {1213, 1226, 1927, 2002, 2003, 2006, 2013, 2055, 3169, 4031}
)  # fmt: skip
STATEMENT_ENDED = "57014"
# A statement that ran too long, or that somebody at the OPD ended: asked again it would only burden the server again.
_TIMEOUT_STATES, _TIMEOUT_NUMBERS = frozenset({STATEMENT_ENDED, "HYT00"}), frozenset({1317, 1969, 3024})
# libpq gives no SQLSTATE for a refusal while connecting: only these of a server's own FATALs pass.
_PASSING_FATAL = re.compile(
    r"starting up|shutting down|too many (clients|connections)|connection slots|recovery mode|"
    r"due to administrator command",
    re.IGNORECASE,
)
_NO_SUCH_HOST = re.compile(r"Name or service not known|nodename nor servname|No address associated")
# What libpq and the drivers write while connecting, and what is said of it. The server's part of it may be anything.
_CONNECTING: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (
            r"Name or service not known|nodename nor servname|No address associated",
            "no name server knows its host",
        ),
        (r"Temporary failure in name resolution", "Temporary failure in name resolution"),
        (r"Connection refused", "nothing listens at its address (Connection refused)"),
        (r"No route to host|Network is unreachable", "no way leads to its host"),
        (r"(authentication|password).{0,40}failed", "Access denied: the user or its password was refused"),
        (r"no pg_hba\.conf entry", "Access denied: its pg_hba.conf lets nobody in from this machine"),
        (r'FATAL: +role ".*" does not exist', "Access denied: there is no such user"),
        (r'FATAL: +database ".*" does not exist', "there is no such database"),
        (r"too many (clients|connections)|connection slots", "too many connections"),
        (r"starting up|shutting down|recovery mode", "the server is starting up or shutting down"),
        (r"due to administrator command", "the administrator ended the session"),
        (r"timeout expired|timed out", "it did not answer in time (timed out)"),
        (r"certificate|SSL|TLS", "TLS could not be agreed on"),
        (
            r"closed the connection|connection to server was lost|EOF detected|reset by peer",
            "the connection broke off",
        ),
    )
)
# MariaDB "Error Codes"; what SQLSTATE says less of.
_NUMBERS = {
    1040: "too many connections",
    1044: "Access denied: the user may not use this database",
    1045: "Access denied: the user or its password was refused",
    1049: "Unknown database",
    1054: "no such column",
    1064: "syntax error",
    1130: "Access denied: nobody may come from this machine",
    1142: "Access denied: a right on the table is missing",
    1143: "Access denied: a right on a column is missing",
    1146: "no such table",
    1205: "another session held the lock for too long",
    1213: "two sessions waited for each other (deadlock)",
    1226: "a limit of the user was exceeded",
    1317: "the statement was ended",
    1644: "an error that its own trigger or function raised",
    1698: "Access denied: the user was refused",
    1927: "the session was ended from outside",
    1969: "the statement ran too long",
    2003: "nothing listens at its address",
    2006: "the connection broke off",
    2013: "the connection broke off",
    3024: "the statement ran too long",
}
# SQLite says one of these, and a name of the statement behind some.
_SQLITE = re.compile(
    r"no such (?:table|column|function)|near .{1,40}: syntax error|syntax error|database (?:table )?is locked"
    r"|unable to open database file|file is not a database|database disk image is malformed|disk I/O error"
    r"|attempt to write a readonly database"
)


class RefusedError(Exception):
    """A source's refusal, by SQLSTATE, where no exception of a driver tells of it.

    ours: whether the message may be passed on; a server's own may not.
    """

    def __init__(self, message: str, sqlstate: str | None = None, *, ours: bool = False) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.ours = ours


class SilentError(Exception):
    """A source gave no byte for longer than its own statement time-out lets it work."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it has been silent for {seconds:g} s")


FAULTS = (SQLAlchemyError, psycopg.Error, pymysql.MySQLError, RefusedError, SilentError, OSError, EOFError)
"""What a source and its driver may raise; all else is a fault of ours."""


def source_error(contract: Contract, error: Exception) -> SourceError:
    """What went wrong, in words of ours: a server's own may hold a cell's value or a secret. Raise it `from None`."""
    origin = getattr(error, "orig", None) or error
    state, number = _state(origin), _number(origin)
    words = _words(origin, state, number)
    server = contract.server
    hint = f"check {server.location} and that the server answers"
    if number is not None or state:
        log = f"its log has its own words ({sqlstates.reference(state, number)})"
        hint = f"{hint}; {log}" if _of_the_connection(state, number) else f"ask the OPD: {log}"
    if state in _TIMEOUT_STATES or number in _TIMEOUT_NUMBERS:
        hint = f"it may run for {server.statement_timeout} s: raise statement_timeout of the server in the contract"
        if server.rows_per_second:
            most = server.statement_timeout * server.rows_per_second
            hint += f"; at {server.rows_per_second} rows a second these are {most} rows"
    return SourceError(
        contract.key,
        f"database {server.name}: {words}{_where(contract, state, number)}",
        hint=hint,
        transient=_passes(error, origin, state, number, words),
    )


def _state(error: object) -> str | None:
    state = getattr(error, "sqlstate", None)
    if state is None and isinstance(error, Exception) and error.args:  # as ODBC drivers give it
        state = error.args[0]
    return state if isinstance(state, str) and sqlstates.is_state(state) else None


def _number(error: object) -> int | None:
    number = error.args[0] if isinstance(error, Exception) and error.args else None
    return number if isinstance(number, int) and isinstance(error, pymysql.MySQLError) else None


def _where(contract: Contract, state: str | None, number: int | None) -> str:
    """Which statement of ours it was, where it was one."""
    extract = contract.extract
    if not isinstance(extract, DatabaseExtract) or _of_the_connection(state, number):
        return ""
    return (
        f", in the SELECT of table {extract.table}" if extract.table else ", in the contract's extract.query"
    )


def _of_the_connection(state: str | None, number: int | None) -> bool:
    if number is not None and (number >= _FIRST_OF_CLIENT or number in _LOG_IN):
        return True
    return state[:2] in _CONNECTION_CLASSES if state else number is None


def _words(error: object, state: str | None, number: int | None) -> str:
    if isinstance(error, SilentError) or (isinstance(error, RefusedError) and error.ours):
        return str(error)
    if state in _BAD_TEXT:
        return f"a text at the source is no valid text of its encoding (error {state})"
    if state and state.startswith(("22", "23")):
        shown = number or (state if sqlstates.meaning(state) != sqlstates.OF_ITS_OWN else "of its own")
        return f"a value at the source does not fit what is asked of it (error {shown})"
    said = _raw(error)
    if number is not None:
        known = _NUMBERS.get(number) or next((w for p, w in _CONNECTING if p.search(said)), None)
        return f"{known or sqlstates.meaning(state)} (error {number})"
    if state:
        return f"{sqlstates.meaning(state)}"
    if isinstance(error, sqlite3.Error):
        found = _SQLITE.search(said)
        return found[0] if found else getattr(error, "sqlite_errorname", type(error).__name__)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return next((words for pattern, words in _CONNECTING if pattern.search(said)), type(error).__name__)


def _raw(error: object) -> str:
    """The driver's own text, to find out what it is about; it is not passed on."""
    return str(error.args[-1] if isinstance(error, Exception) and error.args else error)


def _passes(error: Exception, origin: object, state: str | None, number: int | None, words: str) -> bool:
    said = _raw(origin)
    if _NO_SUCH_HOST.search(said):
        return False
    if number is not None:
        return number in _PASSING_NUMBERS
    if state:
        return state[:2] in _PASSING_CLASSES or state in _PASSING_STATES
    if isinstance(origin, OSError | EOFError | SilentError):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or "is locked" in words
    if isinstance(origin, psycopg.OperationalError):
        return "FATAL" not in said or bool(_PASSING_FATAL.search(said))
    return False
