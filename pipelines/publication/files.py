"""Writes an open mart as a CSV file, and writes and replaces any other file.

What belongs here: the SELECT that makes cells safe and sorts rows, writing files. Not here: what is open (mart.py),
whether it may leave (clearance.py, guard.py), how it is described (catalog.py), how files are shown (edition.py).

The CSV: UTF-8, comma, header, LF, no value as an empty cell (an empty text is ""), booleans true/false,
timestamps ISO 8601 in WITA (RFC 4180). Numbers are left as they are. A spreadsheet must find no formula in a text
(CWE-1236), neither at its start nor after a character at which it splits cells. An Indonesian spreadsheet splits at `;`
instead of the comma, and then ignores the quotes of a cell. If = + - @ or one of their full-width forms is at such a
place, also after blanks and quotes, we put an apostrophe before it. A text that begins with a tab, CR or LF gets one,
too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection, errors, sql
from psycopg.pq import TransactionStatus

from pipelines.disk import sync_folder
from pipelines.errors import PublicationError
from pipelines.publication.guard import is_text
from pipelines.publication.mart import OpenMart
from pipelines.warehouse import locks

_FORMULA = "=+@＝＋－＠-"  # noqa: RUF001 (the full-width forms are meant)
_BETWEEN = "[[:space:]\u00a0\ufeff\"']*"
SPLIT_FORMULA = f"([;|\t\r\n\v\f]{_BETWEEN})([{_FORMULA}])"
FORMULA_START = f"^([\t\r\n]|{_BETWEEN}[{_FORMULA}])"
_READ_SIZE = 1 << 20
CSV, XLSX = "csv", "xlsx"
"""The kinds of files: their folder in an edition, and the end of their name."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file in the edition; `changed` says whether this run wrote it."""

    path: Path
    sha256: str
    bytes: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Written:
    """What was written into a file; `rows` is 0 for a file without rows."""

    sha256: str
    bytes: int
    rows: int = 0


class NotBuiltError(PublicationError):
    """The table of a mart does not exist."""


def require_no_transaction(connection: Connection[Any]) -> None:
    """Raises PublicationError if `connection` is in a transaction or not in autocommit."""
    if not connection.autocommit or connection.info.transaction_status is not TransactionStatus.IDLE:
        raise PublicationError(
            "gudang data",
            "koneksinya sedang dipakai transaksi lain",
            hint="pakai koneksi autocommit tersendiri",
        )


@contextmanager
def snapshot(connection: Connection[Any]) -> Generator[None]:
    """Opens a read-only transaction, so that the rows that are checked are those that are written.

    Raises PublicationError if the connection is in a transaction already.
    """
    require_no_transaction(connection)
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local datestyle to 'ISO, YMD'")
        connection.execute("set local timezone to 'Asia/Makassar'")
        connection.execute("set local extra_float_digits to 1")
        yield


@contextmanager
def turn(connection: Connection[Any], subject: str) -> Generator[None]:
    """Holds the lock to publish `subject` on this warehouse. Waits for it, and logs that it waits. Raises LoadError."""
    with locks.queued(connection, f"publikasi/{subject}", "publikasi", "publikasi lain"):
        yield


def column_types(connection: Connection[Any], mart: OpenMart) -> tuple[str, ...]:
    """The PostgreSQL types of the mart's columns. The mart can't be exchanged until the snapshot ends.

    Raises NotBuiltError for a table that does not exist, PublicationError for such a column.
    """
    relation = sql.Identifier(mart.schema, mart.name)
    try:
        connection.execute(sql.SQL("lock table {} in access share mode").format(relation))
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        raise NotBuiltError(mart.name, f"{mart.relation} belum ada", hint="bangun modelnya dahulu") from None
    rows = connection.execute(
        "select a.attname, regexp_replace(format_type(a.atttypid, a.atttypmod), '\\(.*?\\)', '')"
        " from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped",
        [mart.schema, mart.name],
    ).fetchall()
    found: dict[str, str] = dict(rows)
    missing = [c.name for c in mart.columns if c.name not in found]
    if missing:
        raise PublicationError(
            mart.name,
            f"{mart.relation} tidak memuat kolom {', '.join(missing)}",
            hint="perbaiki berkas properti modelnya",
        )
    return tuple(found[c.name] for c in mart.columns)


def csv_query(mart: OpenMart, kinds: Iterable[str]) -> sql.Composed:
    """The COPY statement of a mart's CSV: rows in one order, no cell a formula."""
    pairs = [(sql.Identifier(c.name), kind) for c, kind in zip(mart.columns, kinds, strict=True)]
    return sql.SQL(
        "copy (select {cells} from {mart} as m order by {order}) to stdout"
        " with (format csv, header, encoding 'UTF8')"
    ).format(
        cells=sql.SQL(", ").join(sql.SQL("{} as {}").format(_cell(name, kind), name) for name, kind in pairs),
        mart=sql.Identifier(mart.schema, mart.name),
        order=ordered(mart, [kind for _, kind in pairs]),
    )


def ordered(mart: OpenMart, kinds: Iterable[str]) -> sql.Composed:
    """The ORDER BY list of a mart's rows (as m): all of its columns."""
    return sql.SQL(", ").join(
        _order(sql.Identifier(c.name), kind) for c, kind in zip(mart.columns, kinds, strict=True)
    )


def _cell(name: sql.Identifier, kind: str) -> sql.Composable:
    cell = sql.SQL("m.{}").format(name)
    if kind == "boolean":
        return sql.SQL("{}::text").format(cell)
    if kind.startswith("timestamp"):
        at = sql.SQL("regexp_replace(to_char({}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '\\.0+$', '')").format(cell)
        return sql.SQL("{} || '+08:00'").format(at) if kind.endswith("with time zone") else at
    if not is_text(kind):
        return cell
    text = sql.SQL("regexp_replace({}::text, {}, {}, 'g')").format(
        cell, sql.Literal(SPLIT_FORMULA), sql.Literal("\\1'\\2")
    )
    return sql.SQL("case when {c}::text ~ {start} then {mark} || {t} else {t} end").format(
        c=cell, start=sql.Literal(FORMULA_START), t=text, mark=sql.Literal("'")
    )


def _order(name: sql.Identifier, kind: str) -> sql.Composed:
    # The byte order of "C" is the same on every server; locales are not.
    column = sql.SQL("m.{}").format(name)
    return sql.SQL('{}::text collate "C"').format(column) if is_text(kind) else column + sql.SQL("")


def write_csv(connection: Connection[Any], mart: OpenMart, kinds: Iterable[str], path: Path) -> Written:
    """Writes the mart's CSV to `path`. Call it inside `snapshot`."""

    def copy(write: Callable[[bytes], None]) -> int:
        with connection.cursor() as cursor:
            with cursor.copy(csv_query(mart, kinds)) as stream:
                for block in stream:
                    write(bytes(block))
            return cursor.rowcount

    return write_synced(path, copy)


def replace_text(path: Path, text: str) -> WrittenFile:
    """Writes `text` into a temporary file and renames it to `path`. A file with the same bytes is not replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.sementara")
    try:
        new = write_text(aside, text)
        changed = not (path.is_file() and path.stat().st_size == new.bytes and sha256_of(path) == new.sha256)
        if changed:
            aside.replace(path)
            sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)
    return WrittenFile(path, new.sha256, new.bytes, changed)


def write_text(path: Path, text: str) -> Written:
    """Writes `text` as UTF-8 to `path`."""

    def produce(write: Callable[[bytes], None]) -> None:
        write(text.encode())

    return write_synced(path, produce)


def write_synced(path: Path, produce: Callable[[Callable[[bytes], None]], int | None]) -> Written:
    """Writes a file by `produce` and syncs it to disk. `produce` gives the number of rows, or None."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:

        def write(block: bytes) -> None:
            nonlocal size
            digest.update(block)
            size += len(block)
            file.write(block)

        rows = produce(write)
        file.flush()
        os.fsync(file.fileno())
    return Written(digest.hexdigest(), size, rows or 0)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_SIZE):
            digest.update(block)
    return digest.hexdigest()
