"""What a failure of a load is called: whatever went wrong, in words for a person and without a cell's value.

Not here: errors that say by themselves what is wrong (errors.py), what the ledger keeps of them (loader.py).
"""

from __future__ import annotations

import traceback
from pathlib import Path

import psycopg
from psycopg import errors

from pipelines.errors import GudangError, LoadError
from pipelines.load import locks

_HOUSE = Path(__file__).parents[1]


def told(dataset: str, error: Exception) -> GudangError:
    """`error` as one of the family: a dataset's failure must not be that of the datasets beside it."""
    if isinstance(error, GudangError):
        return error
    if isinstance(error, psycopg.Error):
        return LoadError(dataset, words(error), hint="run it again; if it stays, see the server's log")
    return LoadError(dataset, words(error), hint="a fault of ours; report it with this line")


def words(error: BaseException) -> str:
    """What went wrong. Only our own errors are quoted: another's text may hold a cell's value."""
    if isinstance(error, GudangError):
        return error.message
    if isinstance(error, psycopg.Error):
        return _database_words(error)
    if isinstance(error, Exception):
        return f"an unexpected {type(error).__name__}{_place(error)}"
    return type(error).__name__


def _database_words(error: psycopg.Error) -> str:
    """PostgreSQL's primary message without DETAIL and CONTEXT, which may hold cell values."""
    if isinstance(error, errors.LockNotAvailable):
        return (
            f"another session held rows or a table of this load for longer than {locks.PATIENCE_S:g} s (see"
            " pg_stat_activity); the published rows are as they were"
        )
    message = error.diag.message_primary
    if message is None and isinstance(error, psycopg.OperationalError):
        return "the connection to the warehouse was lost"
    message = message or type(error).__name__
    return f"the warehouse refused the load: {message.split(': ' + chr(34))[0]}"


def _place(error: Exception) -> str:
    """Where in our own code it happened."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(_HOUSE):
            return f" in {path.relative_to(_HOUSE)}, line {frame.lineno}"
    return ""
