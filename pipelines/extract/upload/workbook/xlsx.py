"""Reads from the XML of an XLSX workbook the facts that its values do not show (facts.py).

What belongs here: what calamine does not give. It gives an empty cell for an error and for a formula that was never
computed, and it gives neither number formats nor hidden rows. Not here: the cells' values (program.py), the limits of
memory and time (process.py).

A cell with t="e" is an error. A formula with nothing in "v" has no value, unless t="str" says that its value is an
empty text (ECMA-376 part 1, 18.3.1.4 "c").
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import IO, Any
from xml.parsers import expat

import numpy as np

from pipelines.extract.upload.workbook.facts import (
    BUILTIN_PERCENT,
    DAMAGED,
    DamagedError,
    SheetFacts,
    is_percent,
)

_CHUNK = 1 << 20
_ERROR_CELL = b't="e"'
_ERROR_CELL_RARE = b"t='e'"
_HIDDEN = b"hidden="
_HIDDEN_ROW = re.compile(rb"""<(?:\w+:)?row\b[^<>]*\shidden=["'](?:1|true)["']""")
_LONGEST_TAG = 1_024
_REFERENCE = re.compile(rb"""\br=["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
_NO_NUMBER = re.compile(rb"""\bt=["'](?!n["'])""")
_BROKEN = (*DAMAGED, expat.ExpatError)


class XlsxFacts:
    """The facts about the sheets of an XLSX. A part is read when its sheet is asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = set(archive.namelist())
        self._read = set[str]()

    def sheet(self, name: str, *, percent: bool) -> SheetFacts:
        """Returns the facts about one sheet.

        Each part may be read only once: a second call for the same part raises DamagedError. In a correct file each
        sheet has its own part, and the caller asks for each sheet once.
        """
        try:
            part = self._parts.get(name)
            if part not in self._read:
                facts = self._scanned(part, percent=percent) if part else SheetFacts()
                facts.epoch_1904 = self._epoch_1904
                return facts
        except _BROKEN:
            pass
        raise DamagedError

    def _scanned(self, part: str, *, percent: bool) -> SheetFacts:
        self._read.add(part)
        styles = self._percent_styles if percent else frozenset[str]()
        if not _needs_parsing(self._archive, part):
            facts = _percent_cells(self._archive, part, styles) if styles else SheetFacts()
            if facts is not None:
                return facts
        with self._archive.open(part) as xml:
            return _CellScan(styles).read(xml)

    @cached_property
    def _epoch_1904(self) -> bool:
        properties = _elements(self._archive, _WORKBOOK, "workbookPr") if _WORKBOOK in self._members else []
        return any(p.get("date1904") in ("1", "true") for p in properties)

    @cached_property
    def _parts(self) -> dict[str, str]:
        """The name of each sheet's part, by the sheet's name."""
        if not {_RELATIONS, _WORKBOOK} <= self._members:
            return {}
        relations = _elements(self._archive, _RELATIONS, "Relationship")
        targets = {r.get("Id"): r["Target"] for r in relations if "Target" in r}
        found: dict[str, str] = {}
        for sheet in _elements(self._archive, _WORKBOOK, "sheet"):
            target = targets.get(sheet.get("id"))
            if target is None or "name" not in sheet:
                continue
            part = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
            if part in self._members:
                found.setdefault(sheet["name"], part)
        return found

    @cached_property
    def _percent_styles(self) -> frozenset[str]:
        """The numbers of the cell styles that show percent."""
        if _STYLES not in self._members:
            return frozenset()
        formats = _elements(self._archive, _STYLES, "numFmt")
        own = {f.get("numFmtId"): is_percent(f.get("formatCode", "")) for f in formats}
        percent = {str(number) for number in BUILTIN_PERCENT} - own.keys()
        percent |= {number for number, shown in own.items() if shown and number}
        cells = _elements(self._archive, _STYLES, "xf", within="cellXfs")
        return frozenset(str(i) for i, cell in enumerate(cells) if cell.get("numFmtId") in percent)


_WORKBOOK, _RELATIONS, _STYLES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"


def _pieces(archive: zipfile.ZipFile, part: str, overlap: int) -> Iterator[bytes]:
    """Gives a part in pieces that overlap, so that every text of up to `overlap` bytes is complete in one of them."""
    tail = b""
    with archive.open(part) as xml:
        while chunk := xml.read(_CHUNK):
            text = tail + chunk
            yield text
            tail = text[-overlap:]


def _elements(
    archive: zipfile.ZipFile, part: str, element: str, within: str | None = None
) -> list[dict[str, str]]:
    """Returns the attributes, without namespaces, of every `element` of a part.

    within: the element in which they must be; None for anywhere.
    """
    found: list[dict[str, str]] = []
    inside = within is None

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if inside and _local(name) == element:
            found.append({_local(key): value for key, value in attributes.items()})
        inside = inside or _local(name) == within

    def end(name: str) -> None:
        nonlocal inside
        if _local(name) == within:
            inside = False

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    with archive.open(part) as xml:
        parser.ParseFile(xml)
    return found


def _needs_parsing(archive: zipfile.ZipFile, part: str) -> bool:
    """Whether the sheet may have an error, a formula or a hidden row. A search in bytes is cheaper than parsing."""
    for text in _pieces(archive, part, _LONGEST_TAG):
        if b"\0" in text[:4]:  # UTF-16, in which nothing below would be found
            return True
        if _ERROR_CELL in text or _has_formula(text):
            return True
        # A search for one character is ten times as fast as one for several.
        if b"'" in text and _ERROR_CELL_RARE in text:
            return True
        if _HIDDEN in text and _HIDDEN_ROW.search(text):
            return True
    return False


def _percent_cells(archive: zipfile.ZipFile, part: str, styles: frozenset[str]) -> SheetFacts | None:
    """Finds the number cells of these styles by a search, which takes a tenth of the time of parsing all cells.

    Returns None if the sheet must be parsed for them, because a cell has no reference or a tag is too long.
    """
    numbers = b"|".join(sorted(style.encode() for style in styles))
    cell = re.compile(rb"""<(?:\w+:)?c\s([^<>]*?\bs=["'](?:%b)["'][^<>]*)>""" % numbers)
    facts, rest = SheetFacts(), b""
    with archive.open(part) as xml:
        while chunk := xml.read(_CHUNK):
            text = rest + chunk
            end = text.rfind(b">") + 1
            for found in cell.finditer(text, 0, end):
                place = _REFERENCE.search(found[1])
                if place is None:
                    return None
                if not _NO_NUMBER.search(found[1]):
                    facts.add_percent(int(place[2]), _column(place[1].decode()))
            rest = text[end:]
            if len(rest) > _CHUNK:
                return None
    return facts


def _has_formula(text: bytes) -> bool:
    """Whether "<f" or ":f" is in `text`: numpy finds both nine times as fast as two searches do."""
    letters = np.frombuffer(text, np.uint8)
    before = letters[:-1][letters[1:] == ord("f")].tobytes()
    return b"<" in before or b":" in before


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _CellScan:
    """Finds the facts in one pass over a sheet's XML.

    A row or cell without a reference follows the previous one directly.
    percent: the numbers of the cell styles that show percent.
    """

    def __init__(self, percent: frozenset[str]) -> None:
        self.facts = SheetFacts()
        self.percent = percent
        self.row = 0
        self.column = -1
        self.kind = ""
        self.has_formula = self.in_value = False
        self.text: list[str] = []

    def read(self, xml: IO[bytes]) -> SheetFacts:
        """Reads the sheet and returns its facts."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.ParseFile(xml)
        return self.facts

    def _start(self, name: str, attributes: Mapping[str, Any]) -> None:
        match _local(name):
            case "row":
                self.row = int(attributes.get("r", self.row + 1))
                self.column = -1
                if attributes.get("hidden") in ("1", "true"):
                    self.facts.hidden.add(self.row)
            case "c":
                self.column = _column(attributes["r"]) if "r" in attributes else self.column + 1
                self.kind = attributes.get("t", "n")
                self.has_formula = False
                self.text.clear()
                if self.kind == "n" and attributes.get("s", "0") in self.percent:
                    self.facts.add_percent(self.row, self.column)
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
                self.facts.add_fault((self.row, self.column), "".join(self.text) or "#ERROR!")
            case "c" if self.has_formula and self.kind != "str" and not self.text:
                self.facts.add_fault((self.row, self.column), None)
            case _:
                pass

    def _characters(self, text: str) -> None:
        if self.in_value and (self.has_formula or self.kind == "e"):
            self.text.append(text)


def _column(reference: str) -> int:
    """Returns the column of a cell reference, from 0: "A1" is 0, "AA7" is 26."""
    column = 0
    for letter in reference:
        if not letter.isalpha():
            break
        column = column * 26 + ord(letter.upper()) - ord("A") + 1
    return column - 1
