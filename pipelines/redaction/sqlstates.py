"""What a database's refusal means, in words of ours, by its SQLSTATE.

A server's own text may quote a value: of a cell, of a trigger's or function's own making. So it is never passed on:
what is said is this module's words, and where to look the text up. Not here: whether it may pass by itself
(extract/database/faults.py), what becomes of a load (load/failures.py).

Sources: PostgreSQL manual, appendix A "PostgreSQL Error Codes"; MariaDB "Error Codes" (the states 42S..).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg
from psycopg import errors

from pipelines.clock import TIMEZONE

_STATE = re.compile(r"[0-9A-Z]{5}")
_STATES = {
    "0A000": "something that the server can't do",
    "21000": "a query that may give one row gave more",
    "22001": "a text is too long for its column",
    "22003": "a number is out of range of its type",
    "22007": "a text is no date or time",
    "22008": "a date or time is out of range",
    "22012": "division by zero",
    "22021": "a text is no valid text of its encoding",
    "22P02": "a text can't be read as its type",
    "22P04": "a row of COPY has another form than was agreed",
    "22P05": "a text has no place in the encoding",
    "23502": "a value is missing where one must be",
    "23503": "a value is missing in the table that is referred to",
    "23505": "a value that must be unique stands twice",
    "23514": "a value breaks a check",
    "25006": "the session can only read",
    "25P02": "the transaction had failed already",
    "28000": "Access denied: the user was refused",
    "28P01": "Access denied: the user or its password was refused",
    "3D000": "there is no such database",
    "3F000": "there is no such schema",
    "40001": "another transaction came between",
    "40P01": "two sessions waited for each other (deadlock)",
    "42000": "syntax error, or a right is missing",
    "42501": "permission denied: a right is missing",
    "42601": "syntax error",
    "42703": "no such column",
    "42704": "no such object",
    "42804": "the types do not fit",
    "42883": "no such function or operator for these types",
    "42P01": "no such table",
    "42P07": "the relation is there already",
    "42S02": "no such table",
    "42S22": "no such column",
    "45000": "an error that its own trigger or function raised",
    "53100": "No space left on device",
    "53200": "out of memory",
    "53300": "too many connections",
    "54000": "a limit of the server was exceeded",
    "55000": "the object is not in the state that this needs",
    "55006": "the object is in use",
    "55P03": "another session held the lock for too long",
    "57014": "the statement was ended: it ran too long, or somebody ended it",
    "57P01": "terminating connection: the administrator ended it",
    "57P02": "terminating connection: the server crashed",
    "57P03": "the server is starting up or shutting down",
    "58030": "its disk could not be read or written",
    "HYT00": "the statement ran too long",
    "HYT01": "it did not answer in time",
    "P0001": "an error that its own trigger or function raised",
    "XX000": "an error within the server",
    "XX001": "its data are damaged",
}
_CLASSES = {
    "08": "the connection broke off",
    "21": "a query gave another number of rows or columns than it may",
    "22": "a value does not fit what is asked of it",
    "23": "a value breaks a rule of its table",
    "25": "the transaction does not allow it",
    "28": "Access denied: the user was refused",
    "40": "the transaction was taken back",
    "42": "a name or type in the statement is wrong, or a right is missing",
    "53": "its resources are exhausted",
    "54": "a limit of the server was exceeded",
    "55": "an object is not in the state that this needs",
    "57": "somebody or something ended it",
    "58": "an error of its system",
    "XX": "an error within the server",
}
_NAMED = re.compile(
    r'(?:role|relation|column|table|schema|type|index) "([^"]+)" (?:does not exist|already exists)'
)
"""A form of PostgreSQL's own that quotes one name."""
OF_ITS_OWN = "an error of its own making"


def is_state(text: object) -> bool:
    """Whether this has the form of an SQLSTATE."""
    return isinstance(text, str) and _STATE.fullmatch(text) is not None


def meaning(state: str | None) -> str:
    """What went wrong, without a word of the server's."""
    if not state:
        return OF_ITS_OWN
    return _STATES.get(state) or (_CLASSES.get(state[:2], OF_ITS_OWN) if _is_standard(state) else OF_ITS_OWN)


def reference(state: str | None, number: int | None = None) -> str:
    """By what the server's own text can be found in its log. A state that somebody made up is not repeated."""
    now = f"{datetime.now(ZoneInfo(TIMEZONE)):%Y-%m-%d %H:%M:%S} WITA"
    named = [f"error {number}"] if number is not None else []
    named += [f"SQLSTATE {state}"] if state and _is_standard(state) else []
    return ", ".join([*named, now])


def described(error: psycopg.Error, ours: Collection[str] = ()) -> str:
    """A refusal of our warehouse. What a statement of ours says wrongly is quoted: the server shows where it stands.

    ours: names of columns, tables and constraints that may be named.
    """
    placed = error.diag.statement_position is not None
    if is_about_statement(error.sqlstate, placed=placed):
        return error.diag.message_primary or meaning(error.sqlstate)
    diag = error.diag
    said = _NAMED.fullmatch(diag.message_primary or "")
    if said and said[1] in ours:
        return said[0]
    named = [n for n in (diag.table_name, diag.column_name, diag.constraint_name) if n and n in ours]
    place = f" in {', '.join(named)}" if named else ""
    return f"{meaning(error.sqlstate)}{place} ({_name(error.sqlstate)})"


def is_about_statement(state: str | None, *, placed: bool) -> bool:
    """Whether the server's text quotes only the statement: it found it wrong before it looked at a row.

    placed: whether it says where in the statement. An error that a trigger or function raises has no such place,
    whatever SQLSTATE it calls itself.
    """
    return placed and (state or "").startswith(("0A", "42")) and state != "42501"


def _is_standard(state: str) -> bool:
    if state in _STATES:
        return True
    try:
        errors.lookup(state)
    except KeyError:
        return False
    return True


def _name(state: str | None) -> str:
    return f"SQLSTATE {state}" if state and _is_standard(state) else "an SQLSTATE of its own"
