"""A driver's error as the house's own: what may be told of it, and whether it may pass by itself.

What belongs here: SQLSTATEs and error numbers. Not here: trying again (load/).
Sources: PostgreSQL manual, appendix A "PostgreSQL Error Codes"; MariaDB "Error Codes"; MySQL 8.4 "Error Message
Reference" (servers from 1000, clients from 2000 on).
"""

from __future__ import annotations

import re

import psycopg
import pymysql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pipelines.contracts import Contract
from pipelines.errors import SourceError

# 08 connection, 40 serialisation, deadlock and recovery conflict, 53 resources, 58 the server's system.
_PASSING_CLASSES = frozenset({"08", "40", "53", "58"})
# lock, time-outs of idle and long transactions, server stopping or starting; ODBC's connection time-out.
_PASSING_STATES = frozenset({"55P03", "25P03", "25P04", "57P01", "57P02", "57P03", "57P05", "HYT01"})
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
_STATE = re.compile(r"[0-9A-Z]{5}")
_SHOWN = 300


class RefusedError(Exception):
    """A source's refusal, by SQLSTATE, where no exception of a driver tells of it."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class SilentError(Exception):
    """A source gave no byte for longer than its own statement time-out lets it work."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it has been silent for {seconds:g} s")


FAULTS = (SQLAlchemyError, psycopg.Error, pymysql.MySQLError, RefusedError, SilentError, OSError, EOFError)
"""What a source and its driver may raise; all else is a fault of ours."""


def source_error(contract: Contract, error: Exception, password: str | None = None) -> SourceError:
    """What went wrong, without a cell's value or a secret; raise it `from None`."""
    origin = getattr(error, "orig", None) or error
    state, number = _state(origin), _number(origin)
    words = _words(origin, state, number)
    if password:
        words = words.replace(password, "***")
    server = contract.server
    hint = f"check {server.location} and that the server answers"
    if state in _TIMEOUT_STATES or number in _TIMEOUT_NUMBERS:
        hint = f"it may run for {server.statement_timeout} s: raise statement_timeout of the server in the contract"
        if server.rows_per_second:
            most = server.statement_timeout * server.rows_per_second
            hint += f"; at {server.rows_per_second} rows a second these are {most} rows"
    return SourceError(
        contract.key,
        f"database {server.name}: {words}",
        hint=hint,
        transient=_passes(error, origin, state, number, words),
    )


def _state(error: object) -> str | None:
    state = getattr(error, "sqlstate", None)
    if state is None and isinstance(error, Exception) and error.args:  # as ODBC drivers give it
        state = error.args[0]
    return state if isinstance(state, str) and _STATE.fullmatch(state) else None


def _number(error: object) -> int | None:
    number = error.args[0] if isinstance(error, Exception) and error.args else None
    return number if isinstance(number, int) and isinstance(error, pymysql.MySQLError) else None


def _words(error: object, state: str | None, number: int | None) -> str:
    if state in _BAD_TEXT:
        return f"a text at the source is no valid text of its encoding (error {state})"
    if state and state.startswith(("22", "23")):
        return f"a value at the source does not fit what is asked of it (error {number or state})"
    told = error.args[-1] if isinstance(error, Exception) and error.args else error
    lines = str(told).strip().splitlines() or [type(error).__name__]
    return lines[0].removeprefix("connection failed: ")[:_SHOWN]


def _passes(error: Exception, origin: object, state: str | None, number: int | None, words: str) -> bool:
    if _NO_SUCH_HOST.search(words):
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
        return "FATAL" not in words or bool(_PASSING_FATAL.search(words))
    return False
