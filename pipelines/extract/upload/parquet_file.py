"""Reads Parquet files as tables with pyarrow, a slice of a row group at a time.

What belongs here: Arrow's values as exact text. Not here: which column is which (fit.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from pipelines.errors import SourceError
from pipelines.extract.number_forms import as_code, number_writer
from pipelines.extract.source_names import fold
from pipelines.extract.upload.reading import Reading
from pipelines.extract.upload.table import Table

_ROWS = 10_000
_BUFFER = 1 << 20
_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def parquet_table(reading: Reading, file: BinaryIO) -> Table:
    """Returns the table of a Parquet file; positions are "baris <n>", counted from 1. Raises SourceError."""
    file.seek(0)
    try:
        source = pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
        names = tuple(fold(name) for name in source.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError):
        source, names = None, ()
    if source is None:
        raise _damaged(reading)
    names = reading.number_repeated(names)
    writers = {place: number_writer(column) for place, column in reading.columns_by_place(names).items()}
    return Table(names, "skema", iter((_rows(reading, source, writers),)), empty_is_null=False)


def _rows(
    reading: Reading, source: pq.ParquetFile, writers: Mapping[int, Callable[[str], str] | None]
) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    """Gives position and cells of each row. Raises SourceError if the file is damaged.

    writers: by a column's place, the function that writes its numbers in the column's form (number_forms.py), or None.
    """
    number, damaged = 0, False
    batches = source.iter_batches(batch_size=_ROWS)
    while True:
        try:
            batch = next(batches, None)
            found = batch.columns if batch else ()
            columns = [_cells(column, writers.get(place)) for place, column in enumerate(found)]
        except (pa.ArrowException, OSError, ValueError):
            batch, columns, damaged = None, [], True
        if batch is None:
            break
        for cells in zip(*columns, strict=True):
            number += 1
            yield f"baris {number}", cells
    if damaged:
        raise _damaged(reading)


def _cells(column: Any, write: Callable[[str], str] | None) -> list[str | None]:
    """Returns the texts of a column; `write` writes its numbers in the column's form.

    A decimal is exact, so `as_code` is not used for it: no digit was lost.
    """
    texts = _texts(column)
    decimal_in_form = types.is_decimal(column.type) and write is not as_code
    if write is None or not (types.is_floating(column.type) or decimal_in_form):
        return texts
    return [None if text is None else write(text) for text in texts]


def _texts(column: Any) -> list[str | None]:
    r"""Returns each value of an Arrow array as text: exact numbers, ISO 8601 dates, JSON for nested values."""
    kind = column.type
    if types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_null(kind)
    ):
        return column.to_pylist()
    convert = _converter(kind)
    if convert is None:
        return pc.cast(column, pa.string()).to_pylist()
    return [None if value is None else convert(value) for value in column.to_pylist()]


def _converter(kind: Any) -> Callable[[Any], str] | None:
    """Returns the function that turns a value of this type into text; None if Arrow's own cast does it exactly."""
    if types.is_decimal(kind):
        return _decimal
    if types.is_nested(kind):
        return _json
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return _bytes
    if types.is_duration(kind):
        return str
    return None


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _json(value: Any) -> str:
    return _ENCODER.encode(value).decode()


def _bytes(value: bytes) -> str:
    r"""Returns bytes as text if they are UTF-8, because older programs write text as bytes; else \x and hex digits."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"\\x{value.hex()}"


def _damaged(reading: Reading) -> SourceError:
    return reading.source_error(
        "ini bukan berkas Parquet yang dapat dibaca, atau hanya sebagian",
        "unggah lagi berkas yang utuh",
        code="GDK-F005",
    )
