"""Spreadsheets (XLSX, ODS, XLS) as tables, by python-calamine in a process of its own.

What belongs here: which sheets, a table of each. Not here: the cells' text (workbook_reader.py), which column is which
(table.py), what calamine does not tell (workbook_xml.py).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from fnmatch import fnmatchcase
from typing import BinaryIO

from pipelines.errors import SourceError
from pipelines.extract.archive import DAMAGED, check_declared, check_package, open_zip
from pipelines.extract.names import are_told, listed
from pipelines.extract.table import Columns, Reading, Span, Table, header
from pipelines.extract.workbook_guard import WorkbookProcess, is_encrypted_ods, is_encrypted_package, locked
from pipelines.extract.workbook_xml import DamagedError, Faults, faulty_cells

_SAVE_ANEW = "open it in Excel or LibreOffice, save it and upload it again"
_RENAME = "rename the sheet, or correct it in the contract"
_Row = tuple[str, Sequence[str]]
"""Where a row stands ("baris 12") and its cells; an empty one is ""."""


def workbook_tables(reading: Reading, file: BinaryIO) -> Iterator[Table]:
    """The table of the contract's sheet, or of each sheet where it asks for all that match.

    Raises SourceError: no workbook, a password, no such sheet, a bomb; from the rows: a formula never computed.
    """
    with WorkbookProcess(reading, file) as process, _package(reading, file) or nullcontext() as archive:
        for number, name in enumerate(_chosen(reading, _sheets(reading, file, process))):
            process.ask(name, reading.extract.header_row - 1, reading.extract.header_rows)
            # Both while the process parses, in memory that is limited: it ends where one of them raises.
            if archive and not number:
                _check_parts(reading, archive)
            faults = _faults(archive, name) if archive else {}
            head = None if faults is None else process.answer()
            if faults is None or head is None:
                raise reading.fault(f"sheet {_label(reading, name, number)} is damaged", _SAVE_ANEW)
            left, spans = head
            place = f"lembar {_label(reading, name, number)} " if reading.extract.sheets else ""
            yield _table(reading, name, place, spans, _parts(reading, process, left, faults, place))


def _package(reading: Reading, file: BinaryIO) -> zipfile.ZipFile | None:
    """The ZIP around an XLSX or ODS, if it does not say that it is too large; None for an XLS."""
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        return None
    try:
        archive = open_zip(file)
        check_declared(reading, archive)
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


def _check_parts(reading: Reading, archive: zipfile.ZipFile) -> None:
    try:
        return check_package(reading, archive)
    except SourceError:
        raise
    except DAMAGED:
        pass
    raise _no_workbook(reading)


def _faults(archive: zipfile.ZipFile, name: str) -> Faults | None:
    """The sheet's error cells; None where its XML is damaged."""
    try:
        return faulty_cells(archive, name)
    except DamagedError:
        return None


def _no_workbook(reading: Reading) -> SourceError:
    hint = "save it as .xlsx and upload the whole file again; a CSV renamed to .xlsx is no workbook"
    return reading.fault("this is no workbook that can be read, or only a part of one", hint)


def _sheets(reading: Reading, file: BinaryIO, process: WorkbookProcess) -> list[tuple[str, bool]]:
    """Each worksheet's name, and whether an OPD can see it."""
    process.ask()
    sheets = process.answer()
    if sheets == "locked" or (sheets is None and is_encrypted_package(file)):
        raise locked(reading)
    if sheets is None:
        raise _no_workbook(reading)
    return [(name, seen) for name, is_worksheet, seen in sheets if is_worksheet]


def _chosen(reading: Reading, known: list[tuple[str, bool]]) -> list[str]:
    """Names of the sheets to read: a pattern, and no name at all, mean sheets that an OPD can see."""
    extract = reading.extract
    seen = [name for name, is_seen in known if is_seen]
    names = [name for name, _ in known]
    pattern = extract.sheets or extract.sheet
    if pattern is None:
        if not names:
            hint = "save it with the data in a sheet and upload it again"
            raise reading.fault("the workbook has no sheet", hint)
        return (seen or names)[:1]
    found = [n for n in names if n == pattern] or [n for n in seen if fnmatchcase(n, pattern)]
    has = f"it has {listed([repr(n) for n in names]) or 'none'}"
    if not are_told(reading.contract):
        has = f"it has {len(names)}"
    if not found:
        raise reading.fault(f"the workbook has no sheet {pattern!r}; {has}", _RENAME)
    if len(found) > 1 and not extract.sheets:
        hint = "name one of them in the contract, or declare sheets to read all"
        raise reading.fault(f"{len(found)} sheets match {pattern!r}; {has}", hint)
    return found


def _label(reading: Reading, name: str, number: int) -> str:
    """What a sheet is called where it is told of."""
    return name if are_told(reading.contract) else str(number + 1)


def _table(
    reading: Reading, name: str, place: str, spans: list[Span], parts: Iterator[Iterable[_Row]]
) -> Table:
    extract = reading.extract
    first = extract.header_row
    head = [cells for _, cells in next(parts, ())][first - 1 :]
    names = header(head, spans)
    if not names:
        of_sheet = f" of {place.strip()}" if place else ""
        hint = "fill in the form's own header row, or correct header_row in the contract"
        raise reading.fault(f"there is no header in row {first}{of_sheet}", hint)
    return Table(names, f"{place}baris {first}", parts, name)


def _parts(
    reading: Reading, process: WorkbookProcess, left: int, faults: Faults, place: str
) -> Iterator[Iterable[_Row]]:
    """Every row of a sheet: down to the header's last, then some at a time."""
    by_row: dict[int, list[tuple[int, str | None]]] = {}
    for (row, column), text in faults.items():
        by_row.setdefault(row, []).append((column - left, text))
    place += "baris "
    first = 1
    while block := process.answer():
        cells = [column.split(",") if isinstance(column, str) else column for column in block]
        numbers = range(first, first + len(cells[0]))
        part = Columns(cells, [f"{place}{number}" for number in numbers])
        yield part if by_row.keys().isdisjoint(numbers) else _with_faults(reading, part, first, left, by_row)
        first = numbers.stop


def _with_faults(
    reading: Reading, part: Columns, first: int, left: int, by_row: Mapping[int, list[tuple[int, str | None]]]
) -> Iterator[_Row]:
    for number, (position, row) in enumerate(part, first):
        found = list(row)
        for column, text in by_row.get(number, ()):
            if text is None:
                message = f"{position}, column {column + left + 1} holds a formula without a computed value"
                raise reading.fault(message, _SAVE_ANEW)
            if 0 <= column < len(found):
                found[column] = text
        yield position, found
