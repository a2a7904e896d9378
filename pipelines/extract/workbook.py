"""Spreadsheets (XLSX, ODS, XLS) as rows of text, by python-calamine.

What belongs here: opening a workbook, a cell's value as faithful text. Not here: which column is which
(file.py).

calamine gives an error cell and a formula that nobody has computed as an empty cell. For XLSX both are
therefore looked up in the sheet's own XML: t="e" is an error; a formula with nothing in "v" has no value,
unless t="str" says that it is an empty text (ECMA-376 part 1, 18.3.1.4 "c").
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import IO, Any
from xml.parsers import expat

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    WorksheetNotFound,
)

from pipelines.errors import SourceError

_EXACT_INTEGERS = 2**53
_CHUNK = 1 << 20
_SAVE_ANEW = "open it in Excel or LibreOffice, save it and upload it again"
_TELLTALES = (b't="e"', b"t='e'", b"<f", b":f>", b":f ")


def workbook_rows(
    subject: str, name: str, file: IO[bytes], sheet: str | None
) -> Iterator[tuple[int, list[str]]]:
    """Sheet row number and cells of every row of `sheet` (by name, else the first); an empty cell is "".

    Raises SourceError: no workbook, a password, no such sheet, a formula that was never computed.
    """
    found = _open_sheet(subject, name, file, sheet)
    faults = _faulty_cells(subject, name, file, found.name)
    left = found.start[1] if found.start else 0
    by_row: dict[int, list[tuple[int, str | None]]] = {}
    for (row, column), text in faults.items():
        by_row.setdefault(row, []).append((column - left, text))
    for number, values in enumerate(found.iter_rows(), 1):
        cells = [value if isinstance(value, str) else cell_text(value) for value in values]
        for column, text in by_row.get(number, ()):
            if text is None:
                message = (
                    f"baris {number}, column {column + left + 1} holds a formula without a computed value"
                )
                raise SourceError(subject, f"{name}: {message}", hint=_SAVE_ANEW)
            if 0 <= column < len(cells):
                cells[column] = text
        yield number, cells


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


def _open_sheet(subject: str, name: str, file: IO[bytes], sheet: str | None) -> CalamineSheet:
    names: list[str] = []
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        names = [s.name for s in workbook.sheets_metadata if s.typ is SheetTypeEnum.WorkSheet]
        if sheet is not None:
            return workbook.get_sheet_by_name(sheet)
        if names:
            return workbook.get_sheet_by_name(names[0])
        message, hint = "the workbook has no sheet", "save it with the data in a sheet and upload it again"
    except PasswordError:
        message, hint = (
            "the workbook is locked with a password",
            "save it without a password and upload it again",
        )
    except WorksheetNotFound:
        message = f"the workbook has no sheet {sheet!r}; it has {', '.join(map(repr, names)) or 'none'}"
        hint = "rename the sheet, or correct `sheet` in the contract"
    except (CalamineError, OSError, ValueError):
        message = "this is no workbook that can be read, or only a part of one"
        hint = "save it as .xlsx and upload the whole file again; a CSV renamed to .xlsx is no workbook"
    raise SourceError(subject, f"{name}: {message}", hint=hint)


def _faulty_cells(
    subject: str, name: str, file: IO[bytes], sheet: str
) -> Mapping[tuple[int, int], str | None]:
    """Error cells of a sheet by (row from 1, column from 0): their text; None for an uncomputed formula."""
    file.seek(0)
    try:
        if not zipfile.is_zipfile(file):
            return {}
        with zipfile.ZipFile(file) as archive:
            part = _sheet_part(archive, sheet)
            if part is None or not _has_telltale(archive, part):
                return {}
            with archive.open(part) as xml:
                return _CellScan().read(xml)
    except (zipfile.BadZipFile, expat.ExpatError, EOFError, OSError, ValueError):
        pass
    raise SourceError(subject, f"{name}: the workbook is damaged", hint=_SAVE_ANEW)


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of an XLSX that holds `sheet`; None for another kind of workbook."""
    relations, ids = "xl/_rels/workbook.xml.rels", "xl/workbook.xml"
    if not {relations, ids} <= set(archive.namelist()):
        return None
    wanted = next((a for a in _elements(archive, ids, "sheet") if a.get("name") == sheet), {})
    target = next(
        (a for a in _elements(archive, relations, "Relationship") if a.get("Id") == wanted.get("id")), {}
    )
    if "Target" not in target:
        return None
    part = posixpath.normpath(posixpath.join("/xl", target["Target"])).lstrip("/")
    return part if part in archive.namelist() else None


def _elements(archive: zipfile.ZipFile, part: str, element: str) -> list[dict[str, str]]:
    """The attributes, without namespaces, of every `element` of a part."""
    found: list[dict[str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if _local(name) == element:
            found.append({_local(key): value for key, value in attributes.items()})

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    with archive.open(part) as xml:
        parser.ParseFile(xml)
    return found


def _has_telltale(archive: zipfile.ZipFile, part: str) -> bool:
    """Whether the sheet may hold an error or a formula: a scan of bytes, cheaper than parsing each cell."""
    kept = max(map(len, _TELLTALES)) - 1
    tail = b""
    with archive.open(part) as xml:
        while chunk := xml.read(_CHUNK):
            text = tail + chunk
            if any(telltale in text for telltale in _TELLTALES):
                return True
            tail = text[-kept:]
    return False


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _CellScan:
    """One pass over a sheet's XML; rows and cells without a reference follow the one before."""

    def __init__(self) -> None:
        self.faults: dict[tuple[int, int], str | None] = {}
        self.row = 0
        self.column = -1
        self.kind = ""
        self.has_formula = self.in_value = False
        self.text: list[str] = []

    def read(self, xml: IO[bytes]) -> dict[tuple[int, int], str | None]:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.ParseFile(xml)
        return self.faults

    def _start(self, name: str, attributes: Mapping[str, Any]) -> None:
        match _local(name):
            case "row":
                self.row = int(attributes.get("r", self.row + 1))
                self.column = -1
            case "c":
                self.column = _column(attributes["r"]) if "r" in attributes else self.column + 1
                self.kind = attributes.get("t", "n")
                self.has_formula = False
                self.text.clear()
            case "f":
                self.has_formula = True
            case "v":
                self.in_value = True
            case _:
                pass

    def _end(self, name: str) -> None:
        match _local(name):
            case "v":
                self.in_value = False
            case "c" if self.kind == "e":
                self.faults[self.row, self.column] = "".join(self.text) or "#ERROR!"
            case "c" if self.has_formula and self.kind != "str" and not self.text:
                self.faults[self.row, self.column] = None
            case _:
                pass

    def _characters(self, text: str) -> None:
        if self.in_value and (self.has_formula or self.kind == "e"):
            self.text.append(text)


def _column(reference: str) -> int:
    """0-based column of a cell reference: "A1" is 0, "AA7" is 26."""
    column = 0
    for letter in reference:
        if not letter.isalpha():
            break
        column = column * 26 + ord(letter.upper()) - ord("A") + 1
    return column - 1
