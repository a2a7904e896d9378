"""Workbooks, written small and fast: their bytes depend on their rows alone.

openpyxl takes ten times as long for 30,000 rows and writes the present time into the file. The package has only the
parts that ECMA-376 requires. Texts are written into their cells and not into a shared table.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from demo.tables import Cell

EPOCH = (2026, 11, 22, 0, 0, 0)
"""The time of every part of a package: the demo's last day."""
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_RELATIONS = "application/vnd.openxmlformats-package.relationships+xml"


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that computes: its formula without "=", and the value that it had when the file was saved."""

    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet. merged: ranges such as "D5:G5", whose upper left cell has the value. hidden: whether Excel hides it."""

    name: str
    rows: Iterable[Sequence[Cell | Formula]]
    merged: Sequence[str] = ()
    hidden: bool = False


def xlsx_bytes(*sheets: Sheet) -> bytes:
    """The workbook; an empty cell where a value is None."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _parts(sheets):
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, (_HEAD + content).encode())
    return out.getvalue()


def column_letters(index: int) -> str:
    """0 is "A", 25 is "Z", 26 is "AA"."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _parts(sheets: Sequence[Sheet]) -> Iterator[tuple[str, str]]:
    """Name and content of each part of the package."""
    numbers = range(1, len(sheets) + 1)
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>'
        for n in numbers
    )
    listed = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{n}" state="{_state(sheet)}" r:id="rId{n}"/>'
        for n, sheet in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    yield (
        "[Content_Types].xml",
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="{_RELATIONS}"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>{kinds}</Types>',
    )
    yield (
        "_rels/.rels",
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>',
    )
    yield (
        "xl/workbook.xml",
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
    )
    for number, sheet in enumerate(sheets, 1):
        yield f"xl/worksheets/sheet{number}.xml", _worksheet(sheet)


def _state(sheet: Sheet) -> str:
    return "hidden" if sheet.hidden else "visible"


def _worksheet(sheet: Sheet) -> str:
    lines = "".join(_row(number, cells) for number, cells in enumerate(sheet.rows, start=1))
    merged = "".join(f'<mergeCell ref="{place}"/>' for place in sheet.merged)
    if merged:
        merged = f'<mergeCells count="{len(sheet.merged)}">{merged}</mergeCells>'
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData>{merged}</worksheet>'


def _row(number: int, cells: Sequence[Cell | Formula]) -> str:
    written = "".join(
        _cell(f"{column_letters(i)}{number}", cell) for i, cell in enumerate(cells) if cell is not None
    )
    return f'<row r="{number}">{written}</row>'


def _cell(place: str, value: str | float | Formula) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    if isinstance(value, Formula):
        return f'<c r="{place}"><f>{escape(value.text)}</f><v>{value.value}</v></c>'
    return f'<c r="{place}"><v>{value}</v></c>'
