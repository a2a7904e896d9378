"""What calamine does not tell of a sheet, from its own XML: error cells, and formulas that were never computed.

What belongs here: looking beside calamine. Not here: the cells' values (workbook.py), what a workbook may cost
(workbook_guard.py).

calamine gives an error cell and a formula that nobody has computed as an empty cell. For XLSX both are therefore looked
up in the sheet's own XML: t="e" is an error; a formula with nothing in "v" has no value, unless t="str" says that it is
an empty text (ECMA-376 part 1, 18.3.1.4 "c").
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Any
from xml.parsers import expat

import numpy as np

_CHUNK = 1 << 20
_MAX_FAULTS = 1_000_000
_TELLTALE = b't="e"'
_RARE_TELLTALE = b"t='e'"
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
    for text in _pieces(archive, part, len(_RARE_TELLTALE) - 1):
        if _TELLTALE in text or _has_formula(text):
            return True
        # One letter is looked for ten times as fast as several.
        if b"'" in text and _RARE_TELLTALE in text:
            return True
    return False


def _has_formula(text: bytes) -> bool:
    """Whether "<f" or ":f" is in `text`: numpy finds both nine times as fast as two searches do."""
    letters = np.frombuffer(text, np.uint8)
    before = letters[:-1][letters[1:] == ord("f")].tobytes()
    return b"<" in before or b":" in before


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
        if len(self.faults) > _MAX_FAULTS:
            raise ValueError("too many error cells")
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
