"""Writes an open mart as an XLSX file, for readers whose spreadsheet is set to Indonesian.

What belongs here: cells, formats and a workbook with the same bytes for the same rows. Not here: the CSV (files.py).

A CSV has no types: such a spreadsheet reads 12500.00 as text and 64.10 as the number 6410. In the XLSX file numbers
are numbers in Indonesian form, codes are text, and no text is a formula. Rows are read and written in blocks, so memory
holds one block.

XlsxWriter takes 4 microseconds of processor for a cell, where openpyxl takes 12.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from psycopg import Connection, sql

from pipelines.disk import sync_file
from pipelines.publication import samples
from pipelines.publication.files import Written, ordered, sha256_of
from pipelines.publication.guard import is_text
from pipelines.publication.mart import OpenMart

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LAYOUT = 3
"""The version of the layout. Increase it if the same rows give another workbook: then all are written again."""
MOST_ROWS, MOST_CHARACTERS, MOST_DIGITS = 1_048_576, 32_767, 15
"""Limits of a sheet, a cell, and a number (Excel specifications and limits). A longer exact number is written as text,
and a floating-point number with 16 digits."""
PERIODS = frozenset({"tahun", "semester", "triwulan", "bulan", "desil"})
"""Columns of numbers that are names, which have no thousands separator."""
_ID = "[$-421]"
"""Indonesian (LCID 0x0421), whatever the machine is set to."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_FIRST_DAY = date(1900, 3, 1)
"""The first day that all spreadsheets count alike (ECMA-376, 18.17.4.1)."""
_MOMENTS = {date: f"{_ID}dd/mm/yyyy", datetime: f"{_ID}dd/mm/yyyy hh:mm:ss", time: "hh:mm:ss"}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not have (section 2.2)."""
_BLOCK = 5_000


class DoesNotFitError(Exception):
    """A sheet cannot hold this mart as it is. Its text names no value."""


def write_xlsx(connection: Connection[Any], mart: OpenMart, kinds: Sequence[str], path: Path) -> Written:
    """Writes the mart's workbook to `path`. Call it inside `snapshot`. Raises DoesNotFitError and OSError."""
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    with TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        book = Workbook(made, {"constant_memory": True, "tmpdir": folder, "use_zip64": True})
        book.set_properties({"author": "Gudang Data Kaltim", "title": mart.title, "created": _EPOCH})
        try:
            with closing(_rows(connection, mart, kinds)) as read:
                rows = _write_data(book, mart, kinds, read)
            _write_about(book, mart)
            book.close()
        except FileCreateError as error:
            raise error.args[0] from None  # the OSError of the disk
        except DoesNotFitError:
            with suppress(FileCreateError):
                book.close()  # so that XlsxWriter closes its own files
            raise
        sync_file(made)
        made.replace(path)
    return Written(sha256_of(path), path.stat().st_size, rows)


def _rows(connection: Connection[Any], mart: OpenMart, kinds: Sequence[str]) -> Generator[tuple[Any, ...]]:
    cells = [
        sql.SQL("m.{}::text" if is_text(kind) else "m.{}").format(sql.Identifier(column.name))
        for column, kind in zip(mart.columns, kinds, strict=True)
    ]
    query = sql.SQL("select {} from {} as m order by {}").format(
        sql.SQL(", ").join(cells), sql.Identifier(mart.schema, mart.name), ordered(mart, kinds)
    )
    with connection.cursor(name="lembar") as cursor:
        cursor.itersize = _BLOCK
        cursor.execute(query)
        yield from cursor


def _write_data(book: Any, mart: OpenMart, kinds: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
    """Adds the sheet of the rows, and gives their number."""
    sheet = _Sheet(book, "Data", [min(max(len(column.name) + 2, 12), 40) for column in mart.columns])
    sheet.headings([column.name for column in mart.columns])
    writers = [sheet.writer(column.name, kind) for column, kind in zip(mart.columns, kinds, strict=True)]
    number = 0
    for number, row in enumerate(rows, start=1):
        if number >= MOST_ROWS:
            raise DoesNotFitError(f"barisnya lebih dari {MOST_ROWS - 1}")
        for place, (write, value) in enumerate(zip(writers, row, strict=True)):
            if value is not None:
                write(number, place, value)
    return number


def _write_about(book: Any, mart: OpenMart) -> None:
    """Adds the sheet that explains the numbers."""
    sheet = _Sheet(book, "Keterangan", [28, 100])
    lines = {
        "Judul": mart.title,
        "Perhatian": samples.NOTE if mart.sample else "",
        "Uraian": mart.description,
        "Satuan": mart.unit,
        "Frekuensi": mart.frequency,
        "Produsen data": "; ".join(mart.producers),
        "Lisensi": f"{mart.licence.title} ({mart.licence.path})" if mart.licence else "",
    }
    row = 0
    for name, text in lines.items():
        if text:
            sheet.heading(row, 0, name)
            sheet.text(row, 1, text)
            row += 1
    sheet.headings(["Kolom", "Arti"], row + 1)
    for place, column in enumerate(mart.columns, start=row + 2):
        sheet.text(place, 0, column.name)
        sheet.text(place, 1, column.description)


class _Sheet:
    """A sheet that is written row by row; its first row stays in view. widths: those of the columns, in characters.

    Rows and columns are counted from 0. A text is no formula, whatever it begins with.
    """

    def __init__(self, book: Any, title: str, widths: Sequence[int]) -> None:
        self._sheet = book.add_worksheet(title)
        self._sheet.freeze_panes(1, 0)
        for place, width in enumerate(widths):
            self._sheet.set_column(place, place, width)
        self._bold = book.add_format({"num_format": "@", "bold": True})
        self._format = cache(lambda form: book.add_format({"num_format": form}))
        self._text = self._format("@")

    def headings(self, texts: Sequence[str], row: int = 0) -> None:
        """Writes a row of headings."""
        for place, text in enumerate(texts):
            self.heading(row, place, text)

    def heading(self, row: int, place: int, text: str) -> None:
        """Writes a text in bold letters."""
        self._write_text(row, place, text, self._bold)

    def text(self, row: int, place: int, text: str) -> None:
        """Writes a text. Raises DoesNotFitError if it is too long."""
        self._write_text(row, place, text, self._text)

    def writer(self, name: str, kind: str) -> Callable[[int, int, Any], None]:
        """Gives the function that writes a value into a cell of a column. kind: its type in PostgreSQL."""
        return self.text if is_text(kind) else lambda row, place, value: self._write(row, place, name, value)

    def _write(self, row: int, place: int, name: str, value: Any) -> None:
        if isinstance(value, bool):
            self._sheet.write_boolean(row, place, value)
        elif isinstance(value, int | float | Decimal):
            form = _number_format(name, value)
            if form:
                self._sheet.write_number(row, place, float(value), self._format(form))
            else:
                self.text(row, place, str(value))
        else:
            moment = value.replace(tzinfo=None) if isinstance(value, datetime) else value
            if isinstance(moment, date) and date(moment.year, moment.month, moment.day) < _FIRST_DAY:
                self.text(row, place, str(moment))
            else:
                self._sheet.write_datetime(row, place, moment, self._format(_MOMENTS[type(moment)]))

    def _write_text(self, row: int, place: int, text: str, form: Any) -> None:
        if self._sheet.write_string(row, place, _NO_XML.sub("\ufffd", text), form):
            raise DoesNotFitError(f"ada teks yang lebih dari {MOST_CHARACTERS} huruf")


def _number_format(name: str, value: int | float | Decimal) -> str:
    """The format of a number in the column `name`; "" if a cell can't hold the number."""
    if isinstance(value, float):
        return "General" if math.isfinite(value) else ""
    _, digits, exponent = Decimal(value).as_tuple()
    if not isinstance(exponent, int) or len(digits) > MOST_DIGITS:
        return ""
    if name in PERIODS:
        return "0"
    decimals = f".{'0' * -exponent}" if exponent < 0 else ""
    return f"{_ID}#,##0{decimals}"


def recipe(mart: OpenMart, kinds: Sequence[str]) -> str:
    """A hash of everything except the rows that changes a workbook's bytes."""
    parts = (
        str(LAYOUT),
        str(mart.sample),
        repr(mart.columns),
        *kinds,
        mart.title,
        mart.description,
        mart.unit,
        mart.frequency,
        repr(mart.producers),
        repr(mart.licence),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
