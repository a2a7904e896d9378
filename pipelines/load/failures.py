"""What a failure of a load is called: whatever went wrong, in words for a person and without a cell's value.

Not here: errors that say by themselves what is wrong (errors.py), what the ledger keeps of them (loader.py), what an
SQLSTATE means (redaction/sqlstates.py).
"""

from __future__ import annotations

import traceback
from collections.abc import Collection
from pathlib import Path

import psycopg
from psycopg import errors

from pipelines.errors import GudangError, LoadError
from pipelines.redaction import sqlstates
from pipelines.warehouse import locks

_HOUSE = Path(__file__).parents[1]


def describe_failure(dataset: str, error: Exception, ours: Collection[str] = ()) -> GudangError:
    """`error` as one of the family: a dataset's failure must not be that of the datasets beside it.

    Raise it `from None`: a chained error would carry its own text into every log. ours: as of `message_of`.
    """
    if isinstance(error, GudangError):
        return error
    hint = "run it again; if it stays, report this line"
    if not isinstance(error, psycopg.Error):
        hint = "a fault of ours; report it with this line"
    return LoadError(dataset, message_of(error, ours), hint=hint)


def message_of(error: BaseException, ours: Collection[str] = ()) -> str:
    """What went wrong. Only our own errors are quoted: another's text may hold a cell's value.

    ours: names of columns and tables that may be named.
    """
    if isinstance(error, GudangError):
        return error.message
    origin = getattr(error, "orig", None)
    if isinstance(origin, psycopg.Error):
        error = origin
    if isinstance(error, psycopg.Error):
        return _database_words(error, ours)
    if isinstance(error, Exception):
        return f"an unexpected {type(error).__name__}{_place(error)}"
    return type(error).__name__


def _database_words(error: psycopg.Error, ours: Collection[str]) -> str:
    if isinstance(error, errors.LockNotAvailable):
        return (
            f"another session held rows or a table of this load for longer than {locks.PATIENCE_S:g} s (see"
            " pg_stat_activity); the published rows are as they were"
        )
    if error.sqlstate is None:
        if isinstance(error, psycopg.OperationalError):
            return "the connection to the warehouse was lost"
        return f"the driver of the warehouse refused the load: {type(error).__name__}"
    return f"the warehouse refused the load: {sqlstates.described(error, ours)}"


def _place(error: Exception) -> str:
    """Where in our own code it happened."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(_HOUSE):
            return f" in {path.relative_to(_HOUSE)}, line {frame.lineno}"
    return ""
