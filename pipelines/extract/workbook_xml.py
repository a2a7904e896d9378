"""What calamine does not tell of a workbook: error cells, formulas never computed, its size, that it has a password.

What belongs here: looking before and beside calamine. Not here: the cells' values (workbook.py).

calamine gives an error cell and a formula that nobody has computed as an empty cell. For XLSX both are therefore looked
up in the sheet's own XML: t="e" is an error; a formula with nothing in "v" has no value, unless t="str" says that it is
an empty text (ECMA-376 part 1, 18.3.1.4 "c"). calamine keeps a sheet as one rectangle: two cells in far corners would
take all memory there is, and end the process.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, BinaryIO
from xml.parsers import expat

MAX_CELLS = 50_000_000
"""The most cells that a sheet's rectangle may have, about 1.6 GB."""
_CHUNK = 1 << 20
_OVERLAP = 64
_TELLTALES = (b't="e"', b"t='e'", b"<f", b":f>", b":f ")
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,3})(\d{1,7})["']""")
_DAMAGED = (zipfile.BadZipFile, expat.ExpatError, EOFError, OSError, ValueError)

Faults = Mapping[tuple[int, int], str | None]
"""Error cells by (row from 1, column from 0): their text; None for a formula that was never computed."""


class DamagedError(Exception):
    """The sheet's XML can't be read. Holds nothing of it."""


def faulty_cells(archive: zipfile.ZipFile, sheet: str) -> Faults:
    """The error cells of an XLSX sheet; none for another kind of workbook. Raises DamagedError."""
    try:
        part = _sheet_part(archive, sheet)
        if part is None or not _has_telltale(archive, part):
            return {}
        with archive.open(part) as xml:
            return _CellScan().read(xml)
    except _DAMAGED:
        pass
    raise DamagedError


def cells(archive: zipfile.ZipFile) -> int:
    """Cells of the largest sheet's rectangle, as the references of XLSX or the repeats of ODS tell."""
    try:
        if "content.xml" in archive.namelist():
            with archive.open("content.xml") as xml:
                return _RepeatScan().read(xml)
        parts = [n for n in archive.namelist() if n.startswith("xl/worksheets/") and n.endswith(".xml")]
        return max((_rectangle(archive, part) for part in parts), default=0)
    except _DAMAGED:
        pass
    raise DamagedError


def is_encrypted_package(file: BinaryIO) -> bool:
    """Whether this is an XLSX with a password: an OLE file with a stream of that name (MS-OFFCRYPTO 1.3.3)."""
    name, tail = "EncryptedPackage".encode("utf-16-le"), b""
    file.seek(0)
    while chunk := file.read(_CHUNK):
        if name in tail + chunk:
            return True
        tail = chunk[-len(name) :]
    return False


def is_encrypted_ods(archive: zipfile.ZipFile) -> bool:
    """Whether this is an ODS with a password: its manifest then says how (OpenDocument 1.3 part 2, 4.4)."""
    manifest = "META-INF/manifest.xml"
    return manifest in archive.namelist() and b"encryption-data" in archive.read(manifest)


def _rectangle(archive: zipfile.ZipFile, part: str) -> int:
    rows, columns = 0, set[bytes]()
    for text in _pieces(archive, part, _OVERLAP):
        found = _REFERENCE.findall(text)
        rows = max(rows, max((int(row) for _, row in found), default=0))
        columns.update(column for column, _ in found)
    width = max((column_index(c.decode()) + 1 for c in columns if c), default=0)
    return rows * width


def _pieces(archive: zipfile.ZipFile, part: str, overlap: int) -> Iterator[bytes]:
    """A part in pieces that overlap, so that nothing short is cut in two."""
    tail = b""
    with archive.open(part) as xml:
        while chunk := xml.read(_CHUNK):
            text = tail + chunk
            yield text
            tail = text[-overlap:]


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
    pieces = _pieces(archive, part, max(map(len, _TELLTALES)) - 1)
    return any(telltale in text for text in pieces for telltale in _TELLTALES)


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
                self.column = column_index(attributes["r"]) if "r" in attributes else self.column + 1
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


def column_index(reference: str) -> int:
    """0-based column of a cell reference: "A1" is 0, "AA7" is 26."""
    column = 0
    for letter in reference:
        if not letter.isalpha():
            break
        column = column * 26 + ord(letter.upper()) - ord("A") + 1
    return column - 1


class _RepeatScan:
    """One pass over an ODS: the largest rectangle up to the last cell that holds something, repeats counted."""

    def __init__(self) -> None:
        self.most = self.row = self.column = self.repeat = 0
        self.last_row = self.last_column = self.row_last = 0

    def read(self, xml: IO[bytes]) -> int:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.ParseFile(xml)
        return self.most

    def _start(self, name: str, attributes: Mapping[str, Any]) -> None:
        told = {_local(key): value for key, value in attributes.items()}
        match _local(name):
            case "table":
                self.row = self.last_row = self.last_column = 0
            case "table-row":
                self.repeat = int(told.get("number-rows-repeated", 1))
                self.column = self.row_last = 0
            case "table-cell" | "covered-table-cell":
                self.column += int(told.get("number-columns-repeated", 1))
                if "value-type" in told or "formula" in told:
                    self.row_last = self.column
            case _:
                pass

    def _end(self, name: str) -> None:
        match _local(name):
            case "table-row":
                self.row += self.repeat
                if self.row_last:
                    self.last_row, self.last_column = self.row, max(self.last_column, self.row_last)
            case "table":
                self.most = max(self.most, self.last_row * self.last_column)
            case _:
                pass
