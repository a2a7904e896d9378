"""Spreadsheets (XLSX, ODS, XLS) as tables, by python-calamine.

What belongs here: opening a workbook, which sheets, a cell's value as faithful text. Not here: which column is which
(table.py), what calamine does not tell (workbook_xml.py).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date, time, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import islice
from typing import BinaryIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from pipelines.errors import SourceError
from pipelines.extract.archive import DAMAGED, check_package, open_zip
from pipelines.extract.table import Reading, Span, Table, header, listed
from pipelines.extract.workbook_guard import check_cost, is_encrypted_ods, is_encrypted_package, locked
from pipelines.extract.workbook_xml import DamagedError, Faults, faulty_cells

_EXACT_INTEGERS = 2**53
_SAVE_ANEW = "open it in Excel or LibreOffice, save it and upload it again"
_RENAME = "rename the sheet, or correct it in the contract"


def workbook_tables(reading: Reading, file: BinaryIO) -> Iterator[Table]:
    """The table of the contract's sheet, or of each sheet where it asks for all that match.

    Raises SourceError: no workbook, a password, no such sheet, a bomb; from the rows: a formula never computed.
    """
    with _package(reading, file) or nullcontext() as archive:
        workbook = _open(reading, file)
        for name in _chosen(reading, workbook):
            try:
                sheet = workbook.get_sheet_by_name(name)
                faults = faulty_cells(archive, name) if archive else {}
                table = _table(reading, sheet, faults)
            except (CalamineError, DamagedError):
                table = None
            if table is None:
                raise reading.fault(f"sheet {name!r} is damaged", _SAVE_ANEW)
            yield table


def _package(reading: Reading, file: BinaryIO) -> zipfile.ZipFile | None:
    """The ZIP around an XLSX or ODS, looked through before anything holds it in memory; None for an XLS."""
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        return None
    try:
        archive = open_zip(file)
        check_package(reading, archive)
        if "xl/workbook.bin" in archive.namelist():
            hint = "save it as .xlsx and upload it again"
            raise reading.fault("this is a binary workbook (.xlsb)", hint)
        if is_encrypted_ods(archive):
            raise locked(reading)
        return archive
    except SourceError:
        raise
    except DAMAGED:
        pass
    raise _no_workbook(reading)


def _no_workbook(reading: Reading) -> SourceError:
    hint = "save it as .xlsx and upload the whole file again; a CSV renamed to .xlsx is no workbook"
    return reading.fault("this is no workbook that can be read, or only a part of one", hint)


def _open(reading: Reading, file: BinaryIO) -> CalamineWorkbook:
    check_cost(reading, file)
    file.seek(0)
    try:
        return CalamineWorkbook.from_filelike(file)
    except PasswordError:
        is_locked = True
    except (CalamineError, OSError, ValueError):
        is_locked = is_encrypted_package(file)
    raise locked(reading) if is_locked else _no_workbook(reading)


def _chosen(reading: Reading, workbook: CalamineWorkbook) -> list[str]:
    """Names of the sheets to read: a pattern, and no name at all, mean sheets that an OPD can see."""
    extract = reading.extract
    known = [s for s in workbook.sheets_metadata if s.typ is SheetTypeEnum.WorkSheet]
    seen = [s.name for s in known if s.visible is SheetVisibleEnum.Visible]
    names = [s.name for s in known]
    pattern = extract.sheets or extract.sheet
    if pattern is None:
        if not names:
            hint = "save it with the data in a sheet and upload it again"
            raise reading.fault("the workbook has no sheet", hint)
        return (seen or names)[:1]
    found = [n for n in names if n == pattern] or [n for n in seen if fnmatchcase(n, pattern)]
    has = f"it has {listed([repr(n) for n in names]) or 'none'}"
    if not found:
        raise reading.fault(f"the workbook has no sheet {pattern!r}; {has}", _RENAME)
    if len(found) > 1 and not extract.sheets:
        hint = "name one of them in the contract, or declare sheets to read all"
        raise reading.fault(f"{len(found)} sheets match {pattern!r}; {has}", hint)
    return found


def _table(reading: Reading, sheet: CalamineSheet, faults: Faults) -> Table:
    extract = reading.extract
    place = f"lembar {sheet.name} " if extract.sheets else ""
    first = extract.header_row
    rows = islice(_rows(reading, sheet, faults, place), first - 1, None)
    head = [cells for _, cells in islice(rows, extract.header_rows)]
    names = header(head, _spans(sheet, first, extract.header_rows))
    if not names:
        message = f"there is no header in row {first}" + (
            f" of sheet {sheet.name!r}" if extract.sheets else ""
        )
        raise reading.fault(
            message, "fill in the form's own header row, or correct header_row in the contract"
        )
    return Table(names, f"{place}baris {first}", rows, sheet.name)


def _spans(sheet: CalamineSheet, first: int, count: int) -> list[Span]:
    """Merged cells within the header, counted from its first row and the sheet's first used column."""
    top, left = first - 1, sheet.start[1] if sheet.start else 0
    spans: list[Span] = []
    for (row, column), (last_row, last_column) in sheet.merged_cell_ranges or ():
        if top <= row < top + count and column >= left:
            spans.append(
                ((row - top, column - left), (min(last_row, top + count - 1) - top, last_column - left))
            )
    return spans


def _rows(
    reading: Reading, sheet: CalamineSheet, faults: Faults, place: str
) -> Iterator[tuple[str, list[str]]]:
    """Position and cells of every row of a sheet; an empty cell is ""."""
    left = sheet.start[1] if sheet.start else 0
    by_row: dict[int, list[tuple[int, str | None]]] = {}
    for (row, column), text in faults.items():
        by_row.setdefault(row, []).append((column - left, text))
    for number, values in enumerate(sheet.iter_rows(), 1):
        found = [value if isinstance(value, str) else cell_text(value) for value in values]
        for column, text in by_row.get(number, ()):
            if text is None:
                message = f"{place}baris {number}, column {column + left + 1} holds a formula without a computed value"
                raise reading.fault(message, _SAVE_ANEW)
            if 0 <= column < len(found):
                found[column] = text
        yield f"{place}baris {number}", found


def cell_text(value: float | bool | str | date | time | timedelta) -> str:
    """A cell as text: integral numbers without ".0", ISO dates and times, true/false, a duration in hours."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not value.is_integer():
            return repr(value)
        if abs(value) < _EXACT_INTEGERS:
            return str(int(value))
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, timedelta):
        return _duration(value)
    return value.isoformat()


def _duration(value: timedelta) -> str:
    sign = "-" if value < timedelta(0) else ""
    seconds, micros = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{micros:06d}" if micros else text
