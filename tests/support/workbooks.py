"""Small workbooks that openpyxl cannot write: XLS, and ODS from the XML of its tables."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import xlwt


def ods(folder: Path, tables: str) -> Path:
    spaces = " ".join(
        f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text")
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>{tables}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    with zipfile.ZipFile(folder / "data.ods", "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", manifest)
        book.writestr("content.xml", content)
    return folder / "data.ods"


def xls(folder: Path) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    date = xlwt.easyxf(num_format_str="dd/mm/yyyy")
    for row, cells in enumerate([["a", "b"], ["0012", 64.1], ["", 7], [1, None]]):
        for column_, cell in enumerate(cells):
            if cell is not None:
                sheet.write(row, column_, cell)
    sheet.write(3, 1, dt.date(2024, 1, 31), date)
    book.save(str(folder / "data.xls"))
    return folder / "data.xls"
