"""An uploaded file as a stream of COPY text: opened, unpacked, and read by the module of its kind.

What belongs here: the order of these steps. Not here: finding uploads (files.py), archives (archive.py), the kinds
(extract/upload/csv/text.py, extract/upload/workbook/tables.py, json_file.py, parquet_file.py), types and repairs
(SQL). A file is hashed and read through one open descriptor, so that a correction that replaces it meanwhile mixes
nothing.
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
from pipelines.contracts.upload import WORKBOOKS, FileExtract
from pipelines.errors import ContractError
from pipelines.extract.read_ahead import read_ahead
from pipelines.extract.source_names import may_be_shown
from pipelines.extract.stream import SourceStream, encode_rows
from pipelines.extract.upload.archive import gunzip, unpack_member
from pipelines.extract.upload.csv import plain
from pipelines.extract.upload.csv.dialect import dialect_of
from pipelines.extract.upload.csv.text import csv_table
from pipelines.extract.upload.files import OpenUpload, UploadedFile
from pipelines.extract.upload.kinds import GZIP, check_kind
from pipelines.extract.upload.table import Fit, Reading, Table

_GZIPPED = ("csv", "json", "ndjson")


class Way(IntEnum):
    """How a file is read; what does not fit one way goes the next."""

    TYPED = auto()
    """A large and plain CSV file to PostgreSQL's own reader, columns that are spelled as it would read them typed."""
    PLAIN = auto()
    """The same, all as text."""
    CAREFUL = auto()
    """Cell by cell, with exact words about what is wrong."""


def open_file(contract: Contract, upload: UploadedFile, way: Way = Way.TYPED) -> SourceStream:
    """The rows of an uploaded file, with their place in it as position. Most files know the careful way only.

    Raises ShapeError where the header is not the promised one, SourceError where the file cannot be read: at
    once for the file as a whole and its first header, from `blocks` for a row.
    """
    extract = contract.extract
    if not isinstance(extract, FileExtract):
        raise ContractError(contract.key, "this dataset is no upload", hint="see docs/contracts/uploads.md")
    reading = Reading(contract, extract, upload.name)
    with ExitStack() as opened:
        content = opened.enter_context(upload.open(contract.key))
        file = _unpacked(reading, content.file, opened)
        check_kind(reading, file)
        stream = SourceStream(reading.columns(), iter(()), upload.name, content.sha256)
        blocks = _plain(reading, file, stream, way) if way < Way.CAREFUL else None
        if blocks is None:
            blocks = _copy_text(reading, file, stream)
        else:
            slower = Way.PLAIN if stream.exact else Way.CAREFUL
            stream.fallback = lambda: open_file(contract, upload, slower)
        stream.blocks = _blocks(reading, content, blocks, stream, opened.pop_all())
        next(stream.blocks)  # a generator that has not begun would not close its file
    return stream


def _plain(reading: Reading, file: BinaryIO, stream: SourceStream, way: Way) -> Iterator[bytes] | None:
    """The blocks of a CSV file that PostgreSQL may read by itself; None for any other."""
    if reading.extract.format != "csv" or file.seek(0, io.SEEK_END) < plain.WORTH:
        return None
    dialect, stream.found = dialect_of(reading, file)
    fit = Fit(reading, csv_table(reading, file, dialect))
    csv = plain.fits(fit, dialect)
    if csv is None:
        return None
    stream.shape.update(dict.fromkeys(fit.table.names, ""))
    by_place = sorted(zip(fit.picks, reading.contract.stored, strict=True), key=itemgetter(0))
    columns = [column for _, column in by_place]
    types = plain.typed_columns(file, dialect.delimiter, columns) if way is Way.TYPED else {}
    stream.columns = (POSITION, *(c.name for c in columns))
    stream.exact = frozenset(columns[place].name for place in types)
    stream.csv = csv
    return read_ahead(plain.plain_rows(file, dialect.delimiter, len(columns), stream, types=types))


def _unpacked(reading: Reading, file: BinaryIO, opened: ExitStack) -> BinaryIO:
    """What a ZIP's member or a .gz holds; else the file itself."""
    extract = reading.extract
    if extract.member is not None:
        file = opened.enter_context(unpack_member(reading, file, extract.member))
    file.seek(0)
    if extract.format in _GZIPPED and file.read(2) == GZIP:
        file = opened.enter_context(gunzip(reading, file))
    return file


def _copy_text(reading: Reading, file: BinaryIO, stream: SourceStream) -> Iterator[bytes]:
    """The rows as COPY text; the first header is looked at before this returns."""
    match reading.extract.format:
        case "csv":
            dialect, stream.found = dialect_of(reading, file)
            tables = iter((csv_table(reading, file, dialect),))
        case "parquet":
            from pipelines.extract.upload.parquet_file import parquet_table

            tables = iter((parquet_table(reading, file),))
        case kind if kind in WORKBOOKS:
            from pipelines.extract.upload.workbook.tables import workbook_tables

            tables = workbook_tables(reading, file, stream.warnings)
        case _:
            from pipelines.extract.upload.json_file import json_rows

            return encode_rows(json_rows(reading, file, stream), stream)
    first = next(tables)
    return _fitted(
        reading, chain([(first, Fit(reading, first))], ((t, Fit(reading, t)) for t in tables)), stream
    )


def _fitted(reading: Reading, tables: Iterator[tuple[Table, Fit]], stream: SourceStream) -> Iterator[bytes]:
    for table, fit in tables:
        stream.shape.update(dict.fromkeys(table.names, ""))
        stream.warnings.extend(w for w in fit.warnings if w not in stream.warnings)
        before = stream.rows
        yield from fit.blocks(stream)
        if stream.rows == before and reading.extract.sheets:
            sheet = f"sheet {table.sheet}" if may_be_shown(reading.contract) else table.place
            stream.warnings.append(f"{reading.name}: {sheet} has a header but no row")


def _blocks(
    reading: Reading,
    content: OpenUpload,
    blocks: Iterator[bytes],
    stream: SourceStream,
    opened: ExitStack,
) -> Iterator[bytes]:
    with opened:
        yield b""
        yield from blocks
        content.check_unchanged(reading.contract.key)
    if not stream.rows:
        raise reading.fault("there is a header but no row", "upload the file with its rows")
