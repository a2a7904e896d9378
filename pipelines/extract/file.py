"""An uploaded file as a stream of COPY text: opened, unpacked, and read by the module of its kind.

What belongs here: the order of these steps. Not here: finding uploads (uploads.py), archives (archive.py), the kinds
(text_file.py, workbook.py, json_file.py, parquet_file.py), types and repairs (SQL). A file is hashed and read through
one open descriptor, so that a correction that replaces it meanwhile mixes nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import BinaryIO

from pipelines.contract_upload import WORKBOOKS
from pipelines.contracts import Contract, FileExtract
from pipelines.errors import ContractError
from pipelines.extract import plain_csv
from pipelines.extract.archive import gunzip, unpack_member
from pipelines.extract.kinds import GZIP, check_kind
from pipelines.extract.sniff import dialect_of
from pipelines.extract.stream import POSITION, SourceStream, encode_rows
from pipelines.extract.table import Fit, Reading, Table
from pipelines.extract.text_file import csv_table
from pipelines.extract.uploads import OpenUpload, UploadedFile

_GZIPPED = ("csv", "json", "ndjson")


def open_file(contract: Contract, upload: UploadedFile, *, careful: bool = False) -> SourceStream:
    """The rows of an uploaded file, with their place in it as position.

    careful: not by the fast way that large and plain CSV files have.

    Raises ShapeError where the header is not the promised one, SourceError where the file cannot be read: at
    once for the file as a whole and its first header, from `blocks` for a row.
    """
    extract = contract.extract
    if not isinstance(extract, FileExtract):
        raise ContractError(contract.key, "this dataset is no upload", hint="see docs/contracts.md")
    reading = Reading(contract, extract, upload.name)
    with ExitStack() as opened:
        content = opened.enter_context(upload.open(contract.key))
        file = _unpacked(reading, content.file, opened)
        check_kind(reading, file)
        stream = SourceStream(reading.columns(), iter(()), upload.name, content.sha256)
        blocks = None if careful else _plain(reading, file, stream)
        if blocks is None:
            blocks = encode_rows(_rows(reading, file, stream), stream)
        else:
            stream.fallback = lambda: open_file(contract, upload, careful=True)
        stream.blocks = _blocks(reading, content, blocks, stream, opened.pop_all())
    return stream


def _plain(reading: Reading, file: BinaryIO, stream: SourceStream) -> Iterator[bytes] | None:
    """The blocks of a CSV file that PostgreSQL may read by itself; None for any other."""
    if reading.extract.format != "csv" or file.seek(0, io.SEEK_END) < plain_csv.WORTH:
        return None
    dialect, words = dialect_of(reading, file)
    fit = Fit(reading, csv_table(reading, file, dialect))
    csv = plain_csv.fits(fit, dialect)
    if csv is None:
        return None
    stream.warnings.extend([words] if words else [])
    stream.shape.update(dict.fromkeys(fit.table.names, ""))
    place = dict(zip(fit.picks, (c.name for c in reading.contract.stored), strict=True))
    stream.columns = (POSITION, *(place[i] for i in range(len(place))))
    stream.csv = csv
    return plain_csv.plain_rows(file, dialect.delimiter, len(place), stream)


def _unpacked(reading: Reading, file: BinaryIO, opened: ExitStack) -> BinaryIO:
    """What a ZIP's member or a .gz holds; else the file itself."""
    extract = reading.extract
    if extract.member is not None:
        file = opened.enter_context(unpack_member(reading, file, extract.member))
    file.seek(0)
    if extract.format in _GZIPPED and file.read(2) == GZIP:
        file = opened.enter_context(gunzip(reading, file))
    return file


def _rows(reading: Reading, file: BinaryIO, stream: SourceStream) -> Iterator[list[str | None]]:
    """The rows; the first header is looked at before this returns."""
    match reading.extract.format:
        case "csv":
            dialect, words = dialect_of(reading, file)
            stream.warnings.extend([words] if words else [])
            tables = iter((csv_table(reading, file, dialect),))
        case "parquet":
            from pipelines.extract.parquet_file import parquet_table

            tables = iter((parquet_table(reading, file),))
        case kind if kind in WORKBOOKS:
            from pipelines.extract.workbook import workbook_tables

            tables = workbook_tables(reading, file)
        case _:
            from pipelines.extract.json_file import json_rows

            return json_rows(reading, file, stream)
    first = next(tables)
    return _fitted(
        reading, chain([(first, Fit(reading, first))], ((t, Fit(reading, t)) for t in tables)), stream
    )


def _fitted(
    reading: Reading, tables: Iterator[tuple[Table, Fit]], stream: SourceStream
) -> Iterator[list[str | None]]:
    for table, fit in tables:
        stream.shape.update(dict.fromkeys(table.names, ""))
        stream.warnings.extend(w for w in fit.warnings if w not in stream.warnings)
        empty = True
        for row in fit.rows(stream):
            empty = False
            yield row
        if empty and reading.extract.sheets:
            stream.warnings.append(f"{reading.name}: sheet {table.sheet} has a header but no row")


def _blocks(
    reading: Reading,
    content: OpenUpload,
    blocks: Iterator[bytes],
    stream: SourceStream,
    opened: ExitStack,
) -> Iterator[bytes]:
    with opened:
        yield from blocks
        content.check_unchanged(reading.contract.key)
    if not stream.rows:
        raise reading.fault("there is a header but no row", "upload the file with its rows")
