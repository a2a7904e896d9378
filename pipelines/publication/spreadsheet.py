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
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from psycopg import Connection, sql

from pipelines.publication import samples
from pipelines.publication.files import Written, ordered, sha256_of
from pipelines.publication.guard import is_text
from pipelines.publication.mart import OpenMart

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LAYOUT = 1
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
    try:
        with closing(_rows(connection, mart, kinds)) as read:
            rows = _data(book, mart, kinds, read)
        _about(book, mart)
    except DoesNotFitError:
        for sheet in book.worksheets:
            sheet.close()
        raise
    with _SteadyZip(path, "w", ZIP_DEFLATED) as archive:
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


def _data(book: Any, mart: OpenMart, kinds: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> int:
    sheet = _Sheet(book, "Data", [min(max(len(column.name) + 2, 12), 40) for column in mart.columns])
    sheet.append([sheet.heading(column.name) for column in mart.columns])
    described = [(column.name, kind) for column, kind in zip(mart.columns, kinds, strict=True)]
    count = 0
    for row in rows:
        count += 1
        if count >= MOST_ROWS:
            raise DoesNotFitError(f"barisnya lebih dari {MOST_ROWS - 1}")
        sheet.append(
            [sheet.cell(name, kind, value) for (name, kind), value in zip(described, row, strict=True)]
        )
    return count


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

        self._new, self._illegal, self._bold = WriteOnlyCell, ILLEGAL_CHARACTERS_RE, Font(bold=True)
        self._sheet = book.create_sheet(title)
        self._sheet.freeze_panes = "A2"
        for place, width in enumerate(widths, start=1):
            self._sheet.column_dimensions[get_column_letter(place)].width = width
        self.append = self._sheet.append

    def cell(self, name: str, kind: str, value: Any) -> Any:
        if value is None:
            return None
        if is_text(kind):
            return self.text(value)
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float | Decimal):
            return self._number(name, value)
        return self._moment(value)

    def text(self, value: str) -> Any:
        """A text: what begins with = is no formula, what looks like a number or an error is none."""
        if len(value) > MOST_CHARACTERS:
            raise DoesNotFitError(f"ada teks yang lebih dari {MOST_CHARACTERS} huruf")
        cell = self._formatted(self._illegal.sub("\ufffd", value), "@")
        cell.data_type = "s"
        return cell

    def heading(self, text: str) -> Any:
        cell = self.text(text)
        cell.font = self._bold
        return cell

    def _number(self, name: str, value: int | float | Decimal) -> Any:
        if isinstance(value, float):
            return self._formatted(value, "General") if math.isfinite(value) else self.text(str(value))
        _, digits, exponent = Decimal(value).as_tuple()
        if not isinstance(exponent, int) or len(digits) > MOST_DIGITS:
            return self.text(str(value))
        if name in PERIODS:
            return self._formatted(value, "0")
        decimals = f".{'0' * -exponent}" if exponent < 0 else ""
        return self._formatted(value, f"{_ID}#,##0{decimals}")

    def _moment(self, value: date | datetime | time) -> Any:
        if isinstance(value, datetime):
            local = value.replace(tzinfo=None)
            early = local.date() < _FIRST_DAY
            return (
                self.text(local.isoformat(" "))
                if early
                else self._formatted(local, f"{_ID}dd/mm/yyyy hh:mm:ss")
            )
        if isinstance(value, date):
            return self.text(str(value)) if value < _FIRST_DAY else self._formatted(value, f"{_ID}dd/mm/yyyy")
        return self._formatted(value, "hh:mm:ss")

    def _formatted(self, value: Any, number_format: str) -> Any:
        cell = self._new(self._sheet, value)
        cell.number_format = number_format
        return cell


class _SteadyZip(ZipFile):
    """A ZIP file in which no entry has a time: the same content gives the same bytes."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        super().writestr(_entry(str(zinfo_or_arcname)), data)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        with Path(filename).open("rb") as source, self.open(_entry(str(arcname)), "w") as target:
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
