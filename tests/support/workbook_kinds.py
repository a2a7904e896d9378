"""Writes a small sheet as XLSX, XLS and ODS: values, errors, percent formats, merged cells, hidden rows, the 1904 epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import xlwt
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.support.workbooks import ods


@dataclass(frozen=True)
class Percent:
    """A number that is shown as percent."""

    value: float


@dataclass(frozen=True)
class Failed:
    """A formula that failed with this error."""

    text: str


Value = str | float | Percent | Failed | None


@dataclass(frozen=True)
class Sheet:
    """Rows of a sheet; merged: first and last (row, column) from 0; hidden: rows from 0."""

    rows: Sequence[Sequence[Value]]
    merged: Sequence[tuple[int, int, int, int]] = ()
    hidden: Sequence[int] = ()
    epoch_1904: bool = False


def as_xlsx(folder: Path, sheet: Sheet) -> Path:
    book = openpyxl.Workbook()
    if sheet.epoch_1904:
        book.epoch = CALENDAR_MAC_1904
    page: Any = book.active
    page.title = "Data"
    for row, cells in enumerate(sheet.rows, 1):
        for place, cell in enumerate(cells, 1):
            if isinstance(cell, Percent):
                page.cell(row, place, cell.value).number_format = "0.00%"
            elif isinstance(cell, Failed):
                page.cell(row, place, cell.text)
                assert page.cell(row, place).data_type == "e"
            elif cell is not None:
                page.cell(row, place, cell)
    for top, left, bottom, right in sheet.merged:
        page.merge_cells(start_row=top + 1, start_column=left + 1, end_row=bottom + 1, end_column=right + 1)
    for row in sheet.hidden:
        page.row_dimensions[row + 1].hidden = True
    book.save(folder / "data.xlsx")
    return folder / "data.xlsx"


def as_xls(folder: Path, sheet: Sheet) -> Path:
    book = xlwt.Workbook()
    book.dates_1904 = sheet.epoch_1904
    page = book.add_sheet("Data", cell_overwrite_ok=True)
    for top, left, bottom, right in sheet.merged:
        page.write_merge(top, bottom, left, right, "")
    for row, cells in enumerate(sheet.rows):
        for place, cell in enumerate(cells):
            if isinstance(cell, Percent):
                page.write(row, place, cell.value, xlwt.easyxf(num_format_str="0.00%"))
            elif isinstance(cell, Failed):
                # xlwt calls #N/A "#N/A!".
                page.row(row).set_cell_error(place, cell.text.replace("#N/A", "#N/A!"))
            elif cell is not None:
                page.write(row, place, cell)
    for row in sheet.hidden:
        page.row(row).hidden = True
    book.save(str(folder / "data.xls"))
    return folder / "data.xls"


def as_ods(folder: Path, sheet: Sheet) -> Path:
    spans = {(top, left): (bottom - top + 1, right - left + 1) for top, left, bottom, right in sheet.merged}
    text = ""
    if sheet.epoch_1904:
        text += '<table:calculation-settings><table:null-date table:date-value="1904-01-01"/></table:calculation-settings>'
    text += '<table:table table:name="Data">'
    for row, cells in enumerate(sheet.rows):
        hidden = ' table:visibility="filter"' if row in sheet.hidden else ""
        text += f"<table:table-row{hidden}>"
        for place, cell in enumerate(cells):
            down, across = spans.get((row, place), (1, 1))
            span = f' table:number-rows-spanned="{down}" table:number-columns-spanned="{across}"'
            text += _ods_cell(cell, span if (down, across) != (1, 1) else "")
        text += "</table:table-row>"
    return ods(folder, text + "</table:table>")


def _ods_cell(cell: Value, span: str) -> str:
    match cell:
        case None:
            return "<table:table-cell/>"
        case Percent(value):
            kind, shown = f'office:value-type="percentage" office:value="{value!r}"', f"{value * 100}%"
        case Failed(error):
            # LibreOffice before 4.1 wrote an error so: the number 0, with the error as its text.
            kind, shown = 'table:formula="of:=1/0" office:value-type="float" office:value="0"', error
        case str():
            kind, shown = 'office:value-type="string"', cell
        case _:
            kind, shown = f'office:value-type="float" office:value="{cell!r}"', str(cell)
    return f"<table:table-cell {kind}{span}><text:p>{escape(shown)}</text:p></table:table-cell>"


Make = Callable[[Path, Sheet], Path]
KINDS: Sequence[Make] = (as_xlsx, as_xls, as_ods)
