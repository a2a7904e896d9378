"""One open mart as one CSV file, and the way in which any file is replaced.

What belongs here: the SELECT that makes cells safe and rows ordered, and atomic files. Not here: what is open
(mart.py), whether it may leave (guard.py), how it is described (catalog.py).

The CSV: UTF-8, comma, header, LF, no value as an empty cell (an empty text is ""), booleans true/false,
timestamps ISO 8601 in WITA. A text cell that a spreadsheet would take for a formula (it starts with = + - @,
their full-width forms, a tab, CR or LF) gets a leading apostrophe; numbers are left as they are (CWE-1236).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from psycopg import Connection, errors, sql
from psycopg.pq import TransactionStatus

from pipelines.errors import PublicationError
from pipelines.publish.guard import is_text
from pipelines.publish.mart import OpenMart

FORMULA_START = "^[=+@\t\r\n＝＋－＠-]"  # noqa: RUF001 (the full-width forms are meant)
_READ_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file as it lies there now; `changed` says whether this run put it there."""

    path: Path
    sha256: str
    bytes: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Aside:
    """A file that is written whole, and not yet under its own name."""

    path: Path
    aside: Path
    sha256: str
    bytes: int
    rows: int

    def discard(self) -> None:
        self.aside.unlink(missing_ok=True)


@contextmanager
def snapshot(connection: Connection[Any]) -> Generator[None]:
    """One read-only view of the warehouse: what is checked is what is written. Raises PublicationError."""
    if not connection.autocommit or connection.info.transaction_status is not TransactionStatus.IDLE:
        raise PublicationError(
            "warehouse",
            "the connection is not free for a snapshot",
            hint="use an autocommit connection of its own",
        )
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local datestyle to 'ISO, YMD'")
        connection.execute("set local timezone to 'Asia/Makassar'")
        connection.execute("set local extra_float_digits to 1")
        yield


@contextmanager
def turn(connection: Connection[Any], subject: str) -> Generator[None]:
    """One publication of `subject` at a time on this warehouse: later ones wait."""
    key = f"publikasi/{subject}"
    connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [key])
    try:
        yield
    finally:
        with suppress(errors.OperationalError):  # a session that broke has let go of its locks
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def column_types(connection: Connection[Any], mart: OpenMart) -> tuple[str, ...]:
    """The PostgreSQL types of the mart's columns. The mart can't be swapped until the snapshot ends.

    Raises PublicationError for what is not there.
    """
    relation = sql.Identifier(mart.schema, mart.name)
    try:
        connection.execute(sql.SQL("lock table {} in access share mode").format(relation))
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        raise PublicationError(
            mart.name, f"{mart.relation} does not exist", hint="build the models first"
        ) from None
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
            f"{mart.relation} has no column {', '.join(missing)}",
            hint="correct the model's properties file",
        )
    return tuple(found[c.name] for c in mart.columns)


def csv_query(mart: OpenMart, kinds: Iterable[str]) -> sql.Composed:
    """COPY that writes `mart` in one order, cell by cell safe."""
    pairs = [(sql.Identifier(c.name), kind) for c, kind in zip(mart.columns, kinds, strict=True)]
    return sql.SQL(
        "copy (select {cells} from {mart} as m order by {order}) to stdout"
        " with (format csv, header, encoding 'UTF8')"
    ).format(
        cells=sql.SQL(", ").join(sql.SQL("{} as {}").format(_cell(name, kind), name) for name, kind in pairs),
        mart=sql.Identifier(mart.schema, mart.name),
        order=sql.SQL(", ").join(_order(name, kind) for name, kind in pairs),
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
    return sql.SQL("case when {c}::text ~ {start} then '''' || {c}::text else {c}::text end").format(
        c=cell, start=sql.Literal(FORMULA_START)
    )


def _order(name: sql.Identifier, kind: str) -> sql.Composed:
    # The byte order of "C" is the same on every server; locales are not.
    column = sql.SQL("m.{}").format(name)
    return sql.SQL('{}::text collate "C"').format(column) if is_text(kind) else column + sql.SQL("")


def write_csv(connection: Connection[Any], mart: OpenMart, kinds: Iterable[str], path: Path) -> Aside:
    """The mart's CSV beside `path`. Call inside `snapshot`."""

    def copy(write: Callable[[bytes], None]) -> int:
        with connection.cursor() as cursor:
            with cursor.copy(csv_query(mart, kinds)) as stream:
                for block in stream:
                    write(bytes(block))
            return cursor.rowcount

    return write_aside(path, copy)


def replace_text(path: Path, text: str) -> WrittenFile:
    """`text` at `path`: written aside, then renamed; left alone where the bytes are the same."""

    def produce(write: Callable[[bytes], None]) -> None:
        write(text.encode())

    return put_in_place(write_aside(path, produce))


def write_aside(path: Path, produce: Callable[[Callable[[bytes], None]], int | None]) -> Aside:
    """What `produce` writes, on the disk beside `path`; it may tell how many rows that is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.sementara")
    digest, size = hashlib.sha256(), 0
    try:
        with aside.open("wb") as file:

            def write(block: bytes) -> None:
                nonlocal size
                digest.update(block)
                size += len(block)
                file.write(block)

            rows = produce(write)
            _to_disk(file)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return Aside(path, aside, digest.hexdigest(), size, rows or 0)


def put_in_place(file: Aside) -> WrittenFile:
    """Renames the file to its own name; what lies there stays where the bytes are the same."""
    path = file.path
    changed = not (path.is_file() and path.stat().st_size == file.bytes and sha256_of(path) == file.sha256)
    if changed:
        file.aside.replace(path)
        _directory_to_disk(path.parent)
    file.discard()
    return WrittenFile(path, file.sha256, file.bytes, changed)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_SIZE):
            digest.update(block)
    return digest.hexdigest()


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _directory_to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
