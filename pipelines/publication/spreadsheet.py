"""Writes an open mart as an XLSX file, for readers whose spreadsheet is set to Indonesian.

What belongs here: cells, formats and a workbook with the same bytes for the same rows. Not here: the CSV (files.py).

A CSV has no types: such a spreadsheet reads 12500.00 as text and 64.10 as the number 6410. In the XLSX file numbers
are numbers in Indonesian form, codes are text, and no text is a formula. Rows are read and written in blocks, so memory
holds one block.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from psycopg import Connection, sql

from pipelines.publication import samples
from pipelines.publication.files import Written, ordered, sha256_of
from pipelines.publication.guard import is_text
from pipelines.publication.mart import OpenMart

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LAYOUT = 2
"""The version of the layout. Increase it if the same rows give another workbook: then all are written again."""
MOST_ROWS, MOST_CHARACTERS, MOST_DIGITS = 1_048_576, 32_767, 15
"""Limits of a sheet, a cell, and a number (Excel specifications and limits). A longer number is written as text."""
PERIODS = frozenset({"tahun", "semester", "triwulan", "bulan", "desil"})
"""Columns of numbers that are names, which have no thousands separator."""
_ID = "[$-421]"
"""Indonesian (LCID 0x0421), whatever the machine is set to."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_FIRST_DAY = date(1900, 3, 1)
"""The first day that all spreadsheets count alike (ECMA-376, 18.17.4.1)."""
_MOMENTS = {date: f"{_ID}dd/mm/yyyy", datetime: f"{_ID}dd/mm/yyyy hh:mm:ss", time: "hh:mm:ss"}
_DATA = "xl/worksheets/sheet1.xml"
"""The place of the first sheet in a workbook by openpyxl."""
_BLOCK = 5_000


class DoesNotFitError(Exception):
    """A sheet cannot hold this mart as it is. Its text names no value."""


def write_xlsx(connection: Connection[Any], mart: OpenMart, kinds: Sequence[str], path: Path) -> Written:
    """Writes the mart's workbook to `path`. Call it inside `snapshot`. Raises DoesNotFitError."""
    from openpyxl import Workbook
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook(write_only=True)
    book.properties.creator = "Gudang Data Kaltim"
    book.properties.title = mart.title
    book.properties.created = book.properties.modified = _EPOCH
    with TemporaryFile() as data:
        try:
            with closing(_rows(connection, mart, kinds)) as read:
                rows = _data(book, mart, kinds, read, data)
            _about(book, mart)
        except DoesNotFitError:
            for sheet in book.worksheets:
                sheet.close()
            raise
        data.seek(0)
        with _SteadyZip(path, data) as archive:
            ExcelWriter(book, archive).write_data()
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


def _data(
    book: Any, mart: OpenMart, kinds: Sequence[str], rows: Iterator[tuple[Any, ...]], file: IO[bytes]
) -> int:
    """Adds the sheet of the rows, and writes the XML of the rows to `file`; gives their number.

    openpyxl writes the sheet with its heading alone. It takes 13 microseconds for a cell, which is most of a
    publication's time.
    """
    sheet = _Sheet(book, "Data", [min(max(len(column.name) + 2, 12), 40) for column in mart.columns])
    sheet.append([sheet.heading(column.name) for column in mart.columns])
    writers = [
        sheet.cells(place, column.name, kind)
        for place, (column, kind) in enumerate(zip(mart.columns, kinds, strict=True), start=1)
    ]
    number = 1
    for row in rows:
        number += 1
        if number > MOST_ROWS:
            raise DoesNotFitError(f"barisnya lebih dari {MOST_ROWS - 1}")
        cells = [write(number, value) for write, value in zip(writers, row, strict=True) if value is not None]
        file.write(f'<row r="{number}">{"".join(cells)}</row>'.encode())
    return number - 1


def _about(book: Any, mart: OpenMart) -> None:
    """Writes the sheet that explains the numbers."""
    sheet = _Sheet(book, "Keterangan", [28, 100])
    lines = {
        "Judul": mart.title,
        "Perhatian": samples.NOTE if mart.sample else "",
        "Uraian": mart.description,
        "Satuan": mart.unit,
        "Frekuensi": mart.frequency,
        "Produsen data": mart.producer,
        "Lisensi": mart.licence,
    }
    for name, text in lines.items():
        if text:
            sheet.append([sheet.heading(name), sheet.text(text)])
    sheet.append([])
    sheet.append([sheet.heading("Kolom"), sheet.heading("Arti")])
    for column in mart.columns:
        sheet.append([sheet.text(column.name), sheet.text(column.description)])


class _Sheet:
    """A sheet that is written row by row; its first row stays in view. widths: those of the columns, in characters."""

    def __init__(self, book: Any, title: str, widths: Sequence[int]) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
        from openpyxl.styles import Font
        from openpyxl.utils import get_column_letter
        from openpyxl.utils.datetime import to_excel

        self._new, self._illegal, self._bold = WriteOnlyCell, ILLEGAL_CHARACTERS_RE, Font(bold=True)
        self._letters, self._days = get_column_letter, to_excel
        self._styles: dict[str, str] = {}
        self._sheet = book.create_sheet(title)
        self._sheet.freeze_panes = "A2"
        for place, width in enumerate(widths, start=1):
            self._sheet.column_dimensions[get_column_letter(place)].width = width
        self.append = self._sheet.append

    def text(self, value: str) -> Any:
        """A text: what begins with = is no formula, what looks like a number or an error is none."""
        cell = self._new(self._sheet, self._fitting(value))
        cell.number_format = "@"
        cell.data_type = "s"
        return cell

    def heading(self, text: str) -> Any:
        cell = self.text(text)
        cell.font = self._bold
        return cell

    def cells(self, place: int, name: str, kind: str) -> Callable[[int, Any], str]:
        """Gives a function that makes the XML of a column's cell (ECMA-376, 18.3.1.4) from its row and value.

        place: the column's number, from 1. name, kind: the column's name and its type in PostgreSQL.
        """
        column = self._letters(place)

        def text(row: int, value: str) -> str:
            fitting = escape(self._fitting(value))
            attributes = f'r="{column}{row}"{self._style("@")} t="inlineStr"'
            if not fitting:
                return f"<c {attributes} />"
            space = ' xml:space="preserve"' if fitting != fitting.strip() else ""
            return f"<c {attributes}><is><t{space}>{fitting}</t></is></c>"

        def number(row: int, value: float | Decimal, number_format: str) -> str:
            return f'<c r="{column}{row}"{self._style(number_format)} t="n"><v>{float(value):.16g}</v></c>'

        def cell(row: int, value: Any) -> str:
            if isinstance(value, bool):
                return f'<c r="{column}{row}" t="b"><v>{value:d}</v></c>'
            if isinstance(value, int | float | Decimal):
                number_format = _number_format(name, value)
                return number(row, value, number_format) if number_format else text(row, str(value))
            if isinstance(value, datetime):
                value = value.replace(tzinfo=None)
            if isinstance(value, date) and date(value.year, value.month, value.day) < _FIRST_DAY:
                return text(row, str(value))
            return number(row, self._days(value), _MOMENTS[type(value)])

        return text if is_text(kind) else cell

    def _fitting(self, value: str) -> str:
        """The text without characters that XML does not have. Raises DoesNotFitError if it is too long."""
        if len(value) > MOST_CHARACTERS:
            raise DoesNotFitError(f"ada teks yang lebih dari {MOST_CHARACTERS} huruf")
        return self._illegal.sub("\ufffd", value)

    def _style(self, number_format: str) -> str:
        """The attribute of a cell with this format, which the workbook then has; "" for the format of all cells."""
        if number_format not in self._styles:
            cell = self._new(self._sheet)
            cell.number_format = number_format
            self._styles[number_format] = f' s="{cell.style_id}"' if cell.has_style else ""
        return self._styles[number_format]


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


class _SteadyZip(ZipFile):
    """A workbook in which no entry has a time, so that the same content gives the same bytes.

    rows: the XML of the rows that follow the heading of the first sheet.
    """

    def __init__(self, path: Path, rows: IO[bytes]) -> None:
        super().__init__(path, "w", ZIP_DEFLATED)
        self._rows = rows

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        super().writestr(_entry(str(zinfo_or_arcname)), data)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        with Path(filename).open("rb") as source, self.open(_entry(str(arcname)), "w") as target:
            if arcname == _DATA:
                head, end, tail = source.read().partition(b"</sheetData>")
                target.write(head)
                shutil.copyfileobj(self._rows, target)
                target.write(end + tail)
            else:
                shutil.copyfileobj(source, target)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


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
    )
    return hashlib.sha256("\n".join((*parts, mart.producer, mart.licence)).encode()).hexdigest()[:16]
