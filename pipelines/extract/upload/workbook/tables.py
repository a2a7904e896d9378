"""Reads workbooks (XLSX, ODS, XLS) as tables, with python-calamine in a separate process.

What belongs here: which sheets are read, a table for each. Not here: the cells' text (program.py), which column is
which (extract/upload/fit.py), what calamine does not give (facts.py), how that changes the rows (rows.py).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from fnmatch import fnmatchcase
from typing import BinaryIO

from pipelines.contracts.upload import SUMMARY_SHEET
from pipelines.errors import SourceError
from pipelines.extract.source_names import listed, may_show_unknown_names, shown_name, suggestible
from pipelines.extract.upload.archive import DAMAGED, check_declared_sizes, check_real_sizes, open_zip
from pipelines.extract.upload.kinds import is_web_page
from pipelines.extract.upload.reading import HEADER, Reading
from pipelines.extract.upload.table import Span, Table, header_grid, names_of
from pipelines.extract.upload.workbook.facts import DamagedError, Facts, Range, SheetFacts
from pipelines.extract.upload.workbook.ods import OdsFacts
from pipelines.extract.upload.workbook.process import (
    WorkbookProcess,
    is_encrypted_ods,
    is_encrypted_package,
    locked_error,
)
from pipelines.extract.upload.workbook.rows import SAVE_AGAIN, SheetRows, any_reads_percent
from pipelines.extract.upload.workbook.xls import XlsFacts
from pipelines.extract.upload.workbook.xlsx import XlsxFacts
from pipelines.suggest import did_you_mean

MAX_XLS = 512 << 20
"""The size of the largest XLS in bytes; an XLS is held in memory."""


def workbook_tables(reading: Reading, file: BinaryIO, warnings: list[str]) -> Iterator[Table]:
    """Gives the table of the contract's sheet, or of every sheet that matches the contract's `sheets`.

    warnings: the list to which a warning about all sheets is added, when the last one has been read.
    Raises SourceError if the file is no workbook, is damaged, has a password, has no such sheet, or is a ZIP bomb. The
    rows of a table raise SourceError for a formula that was never computed.
    """
    last = reading.extract.header_row - 1 + reading.extract.header_rows
    hidden = 0
    with WorkbookProcess(reading, file) as process, _package(reading, file) or nullcontext() as archive:
        workbook_facts = _facts(file, archive)
        for number, name in enumerate(_chosen(reading, _sheets(reading, file, process))):
            process.ask(name, last)
            # These run while the process parses. If one of them raises, the process is ended.
            if archive and not number:
                _check_real_sizes(reading, archive)
            facts = _sheet_facts(workbook_facts, name, reading)
            start = None if facts is None else process.answer()
            label = _label(reading, name, number)
            if facts is None or start is None:
                raise reading.source_error(f"lembar {label} rusak", SAVE_AGAIN, code="GDK-F005")
            left, merged = start
            facts.merged += [(tuple(first), tuple(end)) for first, end in merged]
            place = f"lembar {label} " if reading.extract.sheets else ""
            rows = SheetRows(reading, process, facts, left, place)
            yield _table(reading, name, rows)
            hidden += rows.hidden
    if hidden:
        warnings.append(_hidden_rows_warning(reading, hidden))


def _hidden_rows_warning(reading: Reading, count: int) -> str:
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
    """Stands in for the facts of a web page, which has none."""

    def sheet(self, name: str, *, percent: bool) -> SheetFacts:  # noqa: ARG002  # as in Facts
        """Returns no facts."""
        return SheetFacts()


def _sheet_facts(facts: Facts, name: str, reading: Reading) -> SheetFacts | None:
    """Returns the facts about a sheet; None if they cannot be read."""
    try:
        return facts.sheet(name, percent=any_reads_percent(reading.contract))
    except DamagedError:
        return None


def _package(reading: Reading, file: BinaryIO) -> zipfile.ZipFile | None:
    """Opens an XLSX or ODS as a ZIP; returns None for an XLS. Raises SourceError if it cannot or must not be read."""
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        if file.seek(0, io.SEEK_END) > MAX_XLS:
            hint = "simpan sebagai .xlsx, atau unggah sebagian-sebagian"
            raise reading.source_error(f"berkas lebih dari {MAX_XLS >> 20} MB", hint, code="GDK-F006")
        return None
    try:
        archive = open_zip(file, reading.limits.directory)
        check_declared_sizes(reading, archive)
        if "xl/workbook.bin" in archive.namelist():
            hint = "simpan sebagai .xlsx, lalu unggah lagi"
            raise reading.source_error("ini buku kerja biner (.xlsb)", hint, code="GDK-F004")
        if is_encrypted_ods(archive):
            raise locked_error(reading)
        return archive
    except SourceError:
        raise
    except DAMAGED:
        pass
    raise _no_workbook(reading)


def _check_real_sizes(reading: Reading, archive: zipfile.ZipFile) -> None:
    try:
        return check_real_sizes(reading, archive)
    except SourceError:
        raise
    except DAMAGED:
        pass
    raise _no_workbook(reading)


def _no_workbook(reading: Reading) -> SourceError:
    hint = "simpan sebagai .xlsx dan unggah lagi berkas yang utuh; CSV yang diganti namanya bukan buku kerja"
    return reading.source_error(
        "ini bukan buku kerja yang dapat dibaca, atau hanya sebagian", hint, code="GDK-F005"
    )


def _sheets(reading: Reading, file: BinaryIO, process: WorkbookProcess) -> list[tuple[str, bool]]:
    """Returns each worksheet's name, and whether it is visible; the sheet that feedback adds is left out.

    Raises SourceError if the workbook can't be opened.
    """
    process.ask()
    sheets = process.answer()
    if sheets == "locked" or (sheets is None and is_encrypted_package(file)):
        raise locked_error(reading)
    if sheets is None:
        raise _no_workbook(reading)
    return [
        (name, visible) for name, is_worksheet, visible in sheets if is_worksheet and name != SUMMARY_SHEET
    ]


def _chosen(reading: Reading, known: list[tuple[str, bool]]) -> list[str]:
    """Returns the names of the sheets to read. Raises SourceError if none, or more than declared, match.

    Without a declared name this is the first visible sheet. A name finds a hidden sheet, too; a pattern does not.
    known: the name of each worksheet, and whether it is visible.
    """
    extract = reading.extract
    visible = [name for name, is_visible in known if is_visible]
    names = [name for name, _ in known]
    pattern = extract.sheets or extract.sheet
    if pattern is None:
        if not names:
            hint = "simpan dengan data di sebuah lembar, lalu unggah lagi"
            raise reading.source_error(
                "buku kerja tidak memiliki lembar, atau halaman web tanpa tabel", hint, code="GDK-F008"
            )
        return (visible or names)[:1]
    found = [n for n in names if n == pattern] or [n for n in visible if fnmatchcase(n, pattern)]
    if not found:
        hint = "ganti nama lembarnya, atau perbaiki di kontrak"
        if meant := did_you_mean(pattern, suggestible(reading.contract, names)):
            hint = f"{meant} {hint}"
        raise reading.source_error(
            f"tidak ada lembar {pattern!r}; {_sheets_in(reading, names)}", hint, code="GDK-F008"
        )
    if len(found) > 1 and not extract.sheets:
        hint = "sebutkan salah satunya di kontrak, atau nyatakan sheets untuk membaca semua"
        message = f"{len(found)} lembar cocok dengan {pattern!r}; {_sheets_in(reading, names)}"
        raise reading.source_error(message, hint, code="GDK-F008")
    return found


def _sheets_in(reading: Reading, names: list[str]) -> str:
    """Says in a message which sheets a workbook has."""
    if not may_show_unknown_names(reading.contract):
        return f"yang ada: {len(names)} lembar"
    return f"yang ada: {listed([repr(n) for n in names]) or 'tidak ada'}"


def _label(reading: Reading, name: str, number: int) -> str:
    """Returns the name of a sheet for messages; its number if names may not be shown."""
    return shown_name(reading.contract, name) or str(number + 1)


def _table(reading: Reading, name: str, rows: SheetRows) -> Table:
    extract = reading.extract
    first = extract.header_row
    head = rows.head()
    spans = _header_spans(rows.facts.merged, rows.left, first - 1, extract.header_rows)
    grid = header_grid(head[first - 1 :], spans)
    names = reading.number_repeated(names_of(grid))
    if not names:
        hint = f"isi {HEADER} formulirnya, atau perbaiki header_row di kontrak"
        raise reading.source_error(f"tidak ada {HEADER} di {rows.place}baris {first}", hint, code="GDK-F009")
    return Table(
        names,
        f"{rows.place}baris {first}",
        rows.parts(names),
        name,
        warnings=[*rows.merged_cells_warnings(names)],
        all_rows=lambda: rows.all_rows(names),
        head=[*head[: first - 1], *grid],
        left=rows.left,
        hidden=rows.facts.hidden.within,
    )


def _header_spans(merged: Iterable[Range], left: int, top: int, count: int) -> list[Span]:
    """Returns the merged cells of the header, counted from its first row and the sheet's first used column."""
    return [
        ((row - top, column - left), (min(last_row, top + count - 1) - top, last_column - left))
        for (row, column), (last_row, last_column) in merged
        if top <= row < top + count and column >= left
    ]
