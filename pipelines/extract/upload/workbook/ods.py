"""Reads from an ODS workbook the facts that its values do not show (facts.py).

What belongs here: one pass over the XML for all tables. Not here: the cells' values (program.py).
Source: OpenDocument 1.3 part 3, chapter 9 (content.xml).

calamine gives an empty cell for an error (or the 0 that older programs write together with the error's text), and for a
formula that was never computed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from functools import cached_property
from xml.parsers import expat

from pipelines.contracts.repairs import ERROR_TEXTS
from pipelines.extract.upload.workbook.facts import DAMAGED, MOST_FACTS, DamagedError, SheetFacts

_CONTENT = "content.xml"
_CELLS = ("table-cell", "covered-table-cell")
_CHUNK = 1 << 20
_MARKS = (b":formula=", b'"error"', b"-spanned=", b":visibility=", b'"percentage"', b":null-date")
"""If the XML has none of these, it has no facts and is not parsed."""
_LONGEST = max(map(len, _MARKS))
_WIDEST = 16_384
"""The number of columns of the widest sheet; a repeated cell may claim more."""
_BROKEN = (*DAMAGED, expat.ExpatError)


class OdsFacts:
    """The facts about the sheets of an ODS. Its XML is read once, for all sheets."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def sheet(self, name: str, *, percent: bool) -> SheetFacts:  # noqa: ARG002  # one pass finds everything
        """Returns the facts about one sheet. Raises DamagedError."""
        try:
            return self._tables.get(name) or SheetFacts()
        except _BROKEN:
            pass
        raise DamagedError

    @cached_property
    def _tables(self) -> Mapping[str, SheetFacts]:
        if _CONTENT not in self._archive.namelist() or not self._has_mark():
            return {}
        scan = _Scan()
        with self._archive.open(_CONTENT) as xml:
            scan.parser.ParseFile(xml)
        for facts in scan.tables.values():
            facts.epoch_1904 = scan.epoch_1904
        return scan.tables

    def _has_mark(self) -> bool:
        tail = b""
        with self._archive.open(_CONTENT) as xml:
            while chunk := xml.read(_CHUNK):
                text = tail + chunk
                if any(mark in text for mark in _MARKS):
                    return True
                tail = text[-_LONGEST:]
        return False


class _Scan:
    """Finds the facts of all tables in one pass over content.xml. A table within a cell is not a sheet and is skipped.

    One element may describe a row or cell that is repeated. `_rows` and `_columns` say how often; `_row` (from 1) and
    `_column` (from 0) are the place of the first one.
    """

    def __init__(self) -> None:
        self.tables: dict[str, SheetFacts] = {}
        self.epoch_1904 = False
        self._depth = 0
        self._facts = SheetFacts()
        self._row = self._rows = 0
        self._column = self._columns = 0
        self._cell: Mapping[str, str] | None = None
        self._text: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        kind = name.rpartition(" ")[2]
        if kind == "null-date":
            self.epoch_1904 = _attribute(attributes, "date-value") == "1904-01-01"
        elif kind == "table":
            self._depth += 1
            if self._depth == 1:
                self._start_table(attributes)
        elif self._depth == 1 and kind == "table-row":
            self._start_row(attributes)
        elif self._depth == 1 and kind in _CELLS:
            self._start_cell(attributes)

    def _start_table(self, attributes: Mapping[str, str]) -> None:
        self._facts = self.tables.setdefault(_attribute(attributes, "name"), SheetFacts())
        self._row = self._rows = 0

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        self._row += self._rows or 1
        self._rows = _count(attributes, "number-rows-repeated")
        self._column = self._columns = 0
        if _attribute(attributes, "visibility") in ("collapse", "filter"):
            self._facts.hidden.add(self._row, self._rows)

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        self._column += self._columns
        self._columns = _count(attributes, "number-columns-repeated")
        self._cell = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        self._error = any(v == "error" and key.endswith("value-type") for key, v in attributes.items())
        self._text.clear()

    def _end(self, name: str) -> None:
        kind = name.rpartition(" ")[2]
        if kind == "table":
            self._depth -= 1
        elif self._cell is not None and self._depth == 1 and kind in _CELLS:
            self._end_cell(self._cell)
            self._cell = None

    def _characters(self, text: str) -> None:
        if self._cell is not None and (self._error or "formula" in self._cell):
            self._text.append(text)

    def _end_cell(self, cell: Mapping[str, str]) -> None:
        text = "".join(self._text)
        failed = text in ERROR_TEXTS or text.startswith("Err:")
        if self._error or ("formula" in cell and failed):
            self._add_faults(text.strip() or "#ERROR!")
        elif "formula" in cell and "value-type" not in cell and not text:
            self._add_faults(None)
        if cell.get("value-type") == "percentage":
            for column in range(self._column, min(self._column + self._columns, _WIDEST)):
                self._facts.add_percent(self._row, column, self._rows)
        down, across = _count(cell, "number-rows-spanned"), _count(cell, "number-columns-spanned")
        if down > 1 or across > 1:
            if len(self._facts.merged) >= MOST_FACTS:
                raise ValueError("too many merged cells")
            first = (self._row - 1, self._column)
            self._facts.merged.append((first, (first[0] + down - 1, first[1] + across - 1)))

    def _add_faults(self, text: str | None) -> None:
        for row in range(self._row, self._row + self._rows):
            for column in range(self._column, self._column + self._columns):
                self._facts.add_fault((row, column), text)


def _attribute(attributes: Mapping[str, str], name: str) -> str:
    return next((value for key, value in attributes.items() if key.rpartition(" ")[2] == name), "")


def _count(attributes: Mapping[str, str], name: str) -> int:
    return max(int(_attribute(attributes, name) or 1), 1)
