"""Opens an uploaded file, unpacks it, and reads it as a stream of COPY text by the module of its kind.

What belongs here: the order of these steps. Not here: listing uploads (inbox.py), archives (archive.py), the kinds of
files (csv/text.py, workbook/tables.py, json_file.py, parquet_file.py), types and repairs (load/stage/rules.py).

A file is hashed and read through one open descriptor: if a correction replaces it meanwhile, the two are not mixed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from enum import IntEnum, auto
from itertools import chain
from operator import itemgetter
from typing import BinaryIO

from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import POSITION
from pipelines.contracts.upload import FileExtract
from pipelines.errors import ContractError
from pipelines.extract.read_ahead import read_ahead
from pipelines.extract.source_names import shown_name
from pipelines.extract.stream import SourceStream, UnfitError, encode_rows
from pipelines.extract.upload.archive import gunzip, unpack_member
from pipelines.extract.upload.csv import plain
from pipelines.extract.upload.csv.dialect import dialect_of
from pipelines.extract.upload.csv.text import csv_table
from pipelines.extract.upload.files import OpenUpload, UploadedFile
from pipelines.extract.upload.fit import Fit
from pipelines.extract.upload.kinds import GZIP, check_kind
from pipelines.extract.upload.limits import LIMITS, Limits
from pipelines.extract.upload.reading import HEADER, Reading
from pipelines.extract.upload.table import Table

_GZIPPED = ("csv", "json", "ndjson")
RECORDS = ("json", "ndjson")
"""Formats of records, which have no header."""


class Way(IntEnum):
    """How a file is read, the fastest way first. A file that cannot be read in one way is read again in a later one."""

    TYPED = auto()
    """PostgreSQL's own reader gets the bytes of a large CSV file. It reads columns whose cells allow it directly into
    their types."""
    PLAIN = auto()
    """The same, but all columns are read as text."""
    CAREFUL = auto()
    """Python reads cell by cell and says exactly what is wrong."""


def open_file(
    contract: Contract,
    upload: UploadedFile,
    way: Way = Way.TYPED,
    limits: Limits = LIMITS,
    *,
    as_text: frozenset[str] = frozenset(),
) -> SourceStream:
    """Opens an uploaded file as a stream of its rows. A row's position is its place in the file.

    way: the first one that is tried; other kinds of files than CSV are always read in the way CAREFUL.
    as_text: the columns that the way TYPED reads as text, too.
    Raises ShapeError if the header is not the promised one, SourceError if the file cannot be read. For the file as a
    whole and its first header they are raised at once, for a row by `blocks`.
    """
    extract = contract.extract
    if not isinstance(extract, FileExtract):
        raise ContractError(
            contract.key,
            "dataset ini bukan unggahan",
            hint="lihat docs/contracts/uploads.md",
            code="GDK-K022",
        )
    if upload.marked:
        extract = extract.of_marked(upload.marked)
    reading = Reading(contract, extract, upload.name, limits)
    with ExitStack() as opened:
        content = opened.enter_context(upload.open(contract.key))
        file = unpacked(reading, content.file, opened)
        check_kind(reading, file)
        stream = SourceStream(reading.stream_columns(), iter(()), upload.name, content.sha256)
        blocks = _csv_as_it_is(reading, file, stream, way, as_text) if way < Way.CAREFUL else None
        if blocks is None:
            blocks = _copy_text(reading, file, stream)
        else:
            seen: list[UnfitError] = []
            blocks = _noting(blocks, seen)

            def read_again() -> SourceStream:
                if seen and not seen[0].columns:  # the way PLAIN would stop at the same place
                    return open_file(contract, upload, Way.CAREFUL, limits)
                # Once more only: a file with bad cells in many columns would be read again for each of them.
                if seen and not as_text:
                    return open_file(contract, upload, way, limits, as_text=seen[0].columns)
                return open_file(contract, upload, Way.PLAIN if stream.exact else Way.CAREFUL, limits)

            stream.fallback = read_again
        stream.blocks = _checked_at_the_end(reading, content, blocks, stream, opened.pop_all())
        next(stream.blocks)  # a generator that has not begun would not close its file
    return stream


def _noting(blocks: Iterator[bytes], seen: list[UnfitError]) -> Iterator[bytes]:
    """Passes the blocks on. If the reader ends with UnfitError, adds it to `seen`."""
    try:
        yield from blocks
    except UnfitError as error:
        seen.append(error)
        raise


def _csv_as_it_is(
    reading: Reading, file: BinaryIO, stream: SourceStream, way: Way, as_text: frozenset[str]
) -> Iterator[bytes] | None:
    """Returns the blocks of a CSV file that PostgreSQL can read itself; None for any other file."""
    if reading.extract.format != "csv" or file.seek(0, io.SEEK_END) < plain.MIN_FILE_SIZE:
        return None
    dialect, stream.found = dialect_of(reading, file)
    fit = Fit(reading, csv_table(reading, file, dialect))
    csv = plain.direct_csv_format(fit, dialect)
    if csv is None:
        return None
    stream.shape.update(dict.fromkeys(fit.names, ""))
    by_place = sorted(zip(fit.picks, reading.contract.stored, strict=True), key=itemgetter(0))
    columns = [column for _, column in by_place]
    types = plain.typed_columns(file, dialect.delimiter, columns) if way is Way.TYPED else {}
    types = {place: kind for place, kind in types.items() if columns[place].name not in as_text}
    stream.columns = (POSITION, *(c.name for c in columns))
    stream.exact = frozenset(columns[place].name for place in types)
    stream.csv = csv
    names = [column.name for column in columns]
    return read_ahead(plain.plain_rows(file, dialect.delimiter, names, stream, types=types))


def unpacked(reading: Reading, file: BinaryIO, opened: ExitStack) -> BinaryIO:
    """Unpacks the ZIP's member or the .gz; returns the file itself if it is neither."""
    extract = reading.extract
    if extract.member is not None:
        file = opened.enter_context(unpack_member(reading, file, extract.member))
    file.seek(0)
    if extract.format in _GZIPPED and file.read(2) == GZIP:
        file = opened.enter_context(gunzip(reading, file))
    return file


def _copy_text(reading: Reading, file: BinaryIO, stream: SourceStream) -> Iterator[bytes]:
    """Returns the rows as blocks of COPY text. The first header is checked before this returns."""
    if reading.extract.format in RECORDS:
        from pipelines.extract.upload.json_file import json_rows

        return encode_rows(json_rows(reading, file, stream), stream)
    tables = tables_of(reading, file, stream)
    first = Fit(reading, next(tables))
    return _blocks_of_all(reading, chain((first,), (Fit(reading, table) for table in tables)), stream)


def tables_of(reading: Reading, file: BinaryIO, stream: SourceStream) -> Iterator[Table]:
    """Returns the tables of an unpacked file that is not one of RECORDS. Notes in `stream` what was found out."""
    match reading.extract.format:
        case "csv":
            dialect, stream.found = dialect_of(reading, file)
            return iter((csv_table(reading, file, dialect),))
        case "parquet":
            from pipelines.extract.upload.parquet_file import parquet_table

            return iter((parquet_table(reading, file),))
        case _:
            from pipelines.extract.upload.workbook.tables import workbook_tables

            return workbook_tables(reading, file, stream.warnings)


def _blocks_of_all(reading: Reading, fits: Iterator[Fit], stream: SourceStream) -> Iterator[bytes]:
    """Gives the rows of all tables. Adds a warning for a sheet without a row, if the contract reads several sheets."""
    for fit in fits:
        stream.shape.update(dict.fromkeys(fit.names, ""))
        stream.warnings.extend(w for w in fit.warnings if w not in stream.warnings)
        before = stream.rows
        yield from fit.blocks(stream)
        if stream.rows == before and reading.extract.sheets:
            stream.warnings.append(_no_row(reading, fit.table))


def _no_row(reading: Reading, table: Table) -> str:
    sheet = shown_name(reading.contract, table.sheet or "")
    place = f"lembar {sheet}" if sheet else table.place
    return f"{reading.name}: {place} memiliki {HEADER} tetapi tanpa baris data"


def _checked_at_the_end(
    reading: Reading,
    content: OpenUpload,
    blocks: Iterator[bytes],
    stream: SourceStream,
    opened: ExitStack,
) -> Iterator[bytes]:
    """Gives the blocks, then closes the file.

    Raises SourceError if somebody wrote into the file meanwhile, or if it has no row.
    """
    with opened:
        yield b""  # taken by open_file
        yield from blocks
        content.check_unchanged(reading.contract.key)
    if not stream.rows:
        raise reading.source_error(
            f"ada {HEADER} tetapi tidak ada baris data",
            "unggah berkas beserta baris datanya",
            code="GDK-F010",
        )
