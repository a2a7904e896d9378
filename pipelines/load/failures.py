"""Describes the error that made a load fail, in Indonesian and without the value of any cell.

Not here: our own errors (errors.py), writing them into the ledger (loader.py), the meaning of an SQLSTATE
(redaction/sqlstates.py).
"""

from __future__ import annotations

import traceback
from collections.abc import Collection
from pathlib import Path

import psycopg
from psycopg import errors

from pipelines.errors import GudangError, LoadError, SourceError
from pipelines.redaction import sqlstates
from pipelines.warehouse.locks import PATIENCE, LockPatience

_PACKAGE = Path(__file__).parents[1]
KEYS_OF_OTHERS = "GDK-M007"
"""Other files or windows have keys of the rows that were to be loaded. A load of those may free them."""
OF_THE_ROWS = frozenset({"GDK-M005", "GDK-M006", KEYS_OF_OTHERS})
"""Errors of a load that say something about the rows of its source, and that another try would meet again.

Their hints are for operators. The OPD reads what the catalogue of findings tells it to do.
"""


def describe_failure(
    dataset: str, error: Exception, ours: Collection[str] = (), *, locks: LockPatience = PATIENCE
) -> GudangError:
    """Gives `error` as a GudangError, so that only the load of this dataset fails and the other loads go on.

    Raise it `from None`, because the text of a chained error would appear in every log. ours, locks: see `message_of`.
    """
    if isinstance(error, GudangError):
        return error
    hint = "jalankan lagi; jika tetap, laporkan baris ini"
    if not isinstance(error, psycopg.Error):
        hint = "kesalahan program; laporkan dengan baris ini"
    return LoadError(dataset, message_of(error, ours, locks=locks), hint=hint, code=code_of(error))


def code_of(error: BaseException) -> str | None:
    """The error's entry in the catalogue of findings."""
    if isinstance(error, GudangError):
        return error.code
    if isinstance(error, errors.LockNotAvailable):
        return "GDK-M003"
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return "GDK-M002"
    return "GDK-M001"


def fault_of_source(error: BaseException) -> dict[str, str] | None:
    """Code, message and hint of a fault that the OPD can fix; None for a fault of ours, and one that may pass.

    The hint is empty if the catalogue of findings has what the OPD should do.
    """
    if isinstance(error, GudangError) and error.code in OF_THE_ROWS:
        return {"code": error.code, "message": error.message, "hint": ""}
    if not isinstance(error, SourceError) or error.transient:
        return None
    return {"code": error.code or "GDK-S001", "message": error.message, "hint": error.hint or ""}


def is_of_the_source(error: BaseException) -> bool:
    """Whether the same file would fail again until something changes: the file, another one, or the contract."""
    return fault_of_source(error) is not None


def message_of(error: BaseException, ours: Collection[str] = (), *, locks: LockPatience = PATIENCE) -> str:
    """A text about the error. Only our own errors are quoted, because the text of another may hold a cell's value.

    ours: names of columns and tables that may be mentioned. locks: how long the load waited for a lock.
    """
    if isinstance(error, GudangError):
        return error.message
    origin = getattr(error, "orig", None)
    if isinstance(origin, psycopg.Error):
        error = origin
    if isinstance(error, psycopg.Error):
        return _database_message(error, ours, locks)
    if isinstance(error, Exception):
        return f"{type(error).__name__} yang tidak terduga{_place(error)}"
    return type(error).__name__


def _database_message(error: psycopg.Error, ours: Collection[str], locks: LockPatience) -> str:
    if isinstance(error, errors.LockNotAvailable):
        return (
            f"sesi lain lebih dari {locks.total:g} detik memegang baris atau tabel yang diubah pemuatan ini (lihat"
            " pg_stat_activity); yang sudah terbit tidak berubah"
        )
    if error.sqlstate is None:
        if isinstance(error, psycopg.OperationalError):
            return "koneksi ke gudang data terputus"
        return f"driver gudang data menolak pemuatan: {type(error).__name__}"
    return f"gudang data menolak pemuatan: {sqlstates.described(error, ours)}"


def _place(error: Exception) -> str:
    """The file and line of our own code where it happened, or an empty text."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(_PACKAGE):
            return f" di {path.relative_to(_PACKAGE)}, baris {frame.lineno}"
    return ""
