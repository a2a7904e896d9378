"""Spreadsheets (XLSX, ODS, XLS) as tables, by python-calamine in a process of its own.

What belongs here: which sheets, a table of each. Not here: the cells' text (reader.py), which column is which
(extract/upload/table.py), what calamine does not tell (facts.py), what becomes of that (rows.py).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from fnmatch import fnmatchcase
from typing import BinaryIO

from pipelines.errors import SourceError
from pipelines.extract.source_names import listed, may_be_shown
from pipelines.extract.upload.archive import DAMAGED, check_declared, check_package, open_zip
from pipelines.extract.upload.kinds import is_web_page
from pipelines.extract.upload.table import Reading, Span, Table, header
from pipelines.extract.upload.workbook.facts import DamagedError, Facts, Range, SheetFacts
from pipelines.extract.upload.workbook.guard import (
    WorkbookProcess,
    is_encrypted_ods,
    is_encrypted_package,
    locked,
)
from pipelines.extract.upload.workbook.ods import OdsFacts
from pipelines.extract.upload.workbook.rows import SheetRows, percent_is_read
from pipelines.extract.upload.workbook.xls import XlsFacts
from pipelines.extract.upload.workbook.xlsx import XlsxFacts

MAX_XLS = 512 << 20
_SAVE_ANEW = "open it in Excel or LibreOffice, save it and upload it again"
_RENAME = "rename the sheet, or correct it in the contract"


def workbook_tables(reading: Reading, file: BinaryIO, warnings: list[str]) -> Iterator[Table]:
    """The table of the contract's sheet, or of each sheet where it asks for all that match.

    warnings: takes what is to be said of all of them, once the last one is read.
    Raises SourceError: no workbook, a password, no such sheet, a bomb; from the rows: a formula never computed.
    """
    last = reading.extract.header_row - 1 + reading.extract.header_rows
    hidden = 0
    with WorkbookProcess(reading, file) as process, _package(reading, file) or nullcontext() as archive:
        facts_of = _facts(file, archive)
        for number, name in enumerate(_chosen(reading, _sheets(reading, file, process))):
            process.ask(name, last)
            # Both while the process parses, in memory that is limited: it ends where one of them raises.
            if archive and not number:
                _check_parts(reading, archive)
            facts = _sheet_facts(facts_of, name, reading)
            head = None if facts is None else process.answer()
            if facts is None or head is None:
                raise reading.fault(f"sheet {_label(reading, name, number)} is damaged", _SAVE_ANEW)
            left, merged = head
            facts.merged += [(tuple(first), tuple(end)) for first, end in merged]
            place = f"lembar {_label(reading, name, number)} " if reading.extract.sheets else ""
            rows = SheetRows(reading, process, facts, left, place)
            yield _table(reading, name, rows)
            hidden += rows.hidden
    if hidden:
        warnings.append(_of_hidden_rows(reading, hidden))


def _of_hidden_rows(reading: Reading, count: int) -> str:
    if reading.extract.hidden == "skip":
        return f"{reading.name}: {count} baris tersembunyi atau tersaring tidak dimuat (extract.hidden: skip)"
    return (
        f"{reading.name}: {count} baris tersembunyi atau tersaring ikut dimuat;"
        " bila bukan bagian data, nyatakan extract.hidden: skip di kontrak"
    )


def _facts(file: BinaryIO, archive: zipfile.ZipFile | None) -> Facts:
    if is_web_page(file):
        return PageFacts()
    if archive is None:
        return XlsFacts(file)
    return OdsFacts(archive) if "content.xml" in archive.namelist() else XlsxFacts(archive)


class PageFacts:
    """A web page says nothing beside its cells."""

    def sheet(self, name: str, *, percent: bool) -> SheetFacts:  # noqa: ARG002  # as all Facts
        return SheetFacts()


def _sheet_facts(facts: Facts, name: str, reading: Reading) -> SheetFacts | None:
    """What the sheet says beside its values; None where that is damaged."""
    try:
        return facts.sheet(name, percent=percent_is_read(reading.contract))
    except DamagedError:
        return None


def _package(reading: Reading, file: BinaryIO) -> zipfile.ZipFile | None:
    """The ZIP around an XLSX or ODS, if it does not say that it is too large; None for an XLS, held in memory."""
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        if file.seek(0, io.SEEK_END) > MAX_XLS:
            hint = "save it as .xlsx, or upload it in parts"
            raise reading.fault(f"the file is larger than {MAX_XLS >> 20} MB", hint)
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
            raise reading.fault("the workbook has no sheet, or the web page no table", hint)
        return (seen or names)[:1]
    found = [n for n in names if n == pattern] or [n for n in seen if fnmatchcase(n, pattern)]
    has = f"it has {listed([repr(n) for n in names]) or 'none'}"
    if not may_be_shown(reading.contract):
        has = f"it has {len(names)}"
    if not found:
        raise reading.fault(f"the workbook has no sheet {pattern!r}; {has}", _RENAME)
    if len(found) > 1 and not extract.sheets:
        hint = "name one of them in the contract, or declare sheets to read all"
        raise reading.fault(f"{len(found)} sheets match {pattern!r}; {has}", hint)
    return found


def _label(reading: Reading, name: str, number: int) -> str:
    """What a sheet is called where it is told of."""
    return name if may_be_shown(reading.contract) else str(number + 1)


def _table(reading: Reading, name: str, rows: SheetRows) -> Table:
    extract = reading.extract
    first = extract.header_row
    head = rows.head()
    spans = _header_spans(rows.facts.merged, rows.left, first - 1, extract.header_rows)
    names = reading.numbered(header(head[first - 1 :], spans))
    if not names:
        of_sheet = f" of {rows.place.strip()}" if rows.place else ""
        hint = "fill in the form's own header row, or correct header_row in the contract"
        raise reading.fault(f"there is no header in row {first}{of_sheet}", hint)
    return Table(
        names,
        f"{rows.place}baris {first}",
        rows.parts(names),
        name,
        warnings=[*rows.of_merged_cells(names)],
        all_rows=lambda: rows.all_rows(names),
    )


def _header_spans(merged: Iterable[Range], left: int, top: int, count: int) -> list[Span]:
    """Merged cells within the header, counted from its first row and the sheet's first used column."""
    return [
        ((row - top, column - left), (min(last_row, top + count - 1) - top, last_column - left))
        for (row, column), (last_row, last_column) in merged
        if top <= row < top + count and column >= left
    ]
