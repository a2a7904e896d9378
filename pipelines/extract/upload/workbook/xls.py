"""Reads from an XLS workbook the facts that its values do not show (facts.py).

What belongs here: records that calamine skips (MS-XLS 2.4, BIFF8 and BIFF5). Not here: the cells' values (program.py).

calamine gives an empty cell for an error. For a formula that was never computed it gives 0, which programs write that
cannot compute.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Any, BinaryIO

import olefile

from pipelines.extract.upload.workbook.facts import (
    BUILTIN_PERCENT,
    DAMAGED,
    DamagedError,
    SheetFacts,
    is_percent,
)

_BOF, _EOF = 0x0809, 0x000A
_BOUNDSHEET, _DATEMODE, _FORMAT, _XF = 0x0085, 0x0022, 0x041E, 0x00E0
_ROW, _BOOLERR, _FORMULA, _NUMBER, _RK, _MULRK = 0x0208, 0x0205, 0x0006, 0x0203, 0x027E, 0x00BD
_HIDDEN = 0x20
_NOT_COMPUTED = 0x02
"""A bit of a formula's options that must be 0 (MS-XLS 2.4.127). Programs that cannot compute set it, so that Excel
computes the formula when it opens the file."""
_IS_NUMBER, _IS_ERROR, _IS_EMPTY = -1, 2, 3
"""The kind of a formula's value (MS-XLS 2.5.133, FormulaValue)."""
_OPERATORS = frozenset({*range(0x03, 0x08), *range(0x09, 0x0F), *range(0x12, 0x15)})
"""Last tokens of formulas that compute or compare, and so give no text (MS-XLS 2.5.198.25, Ptg)."""
_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}  # fmt: skip
_BIFF8 = 0x0600
_BROKEN = (*DAMAGED, struct.error)


class XlsFacts:
    """The facts about the sheets of an XLS."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._read = set[int]()

    def sheet(self, name: str, *, percent: bool) -> SheetFacts:
        """Returns the facts about one sheet; none if the sheet is not found.

        Each sheet may be read only once: raises DamagedError if a sheet at the same place was read before.
        """
        try:
            place = self._globals.sheets.get(name)
            facts = SheetFacts()
            if place in self._read:
                raise ValueError("two sheets begin at one place")
            if place is not None:
                self._read.add(place)
                _Scan(facts, self._globals.percent if percent else frozenset()).read(self._stream, place)
            facts.epoch_1904 = self._globals.epoch_1904
            return facts
        except _BROKEN:
            pass
        raise DamagedError

    @cached_property
    def _stream(self) -> bytes:
        self._file.seek(0)
        found: Any = olefile.OleFileIO(self._file)
        name = next((n for n in ("Workbook", "Book") if found.exists(n)), None)
        return found.openstream(name).read() if name else b""

    @cached_property
    def _globals(self) -> _Globals:
        return _Globals(self._stream)


class _Globals:
    """The facts about all sheets: where each begins, which cell styles show percent, the date epoch."""

    def __init__(self, stream: bytes) -> None:
        self.sheets: dict[str, int] = {}
        self.epoch_1904 = False
        biff8 = True
        percent = set(BUILTIN_PERCENT)
        styles: list[int] = []
        for kind, body in _records(stream, 0):
            if kind == _BOF:
                biff8 = int.from_bytes(body[:2], "little") >= _BIFF8
            elif kind == _BOUNDSHEET:
                name = _text(body[6:], wide=1, biff8=biff8)
                self.sheets.setdefault(name, int.from_bytes(body[:4], "little"))
            elif kind == _DATEMODE:
                self.epoch_1904 = body[:1] == b"\1"
            elif kind == _FORMAT:
                number = int.from_bytes(body[:2], "little")
                code = _text(body[2:], wide=2 if biff8 else 1, biff8=biff8)
                percent = percent | {number} if is_percent(code) else percent - {number}
            elif kind == _XF:
                styles.append(int.from_bytes(body[2:4], "little"))
        self.percent = frozenset(number for number, style in enumerate(styles) if style in percent)


def _records(stream: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    """Gives kind and content of each record, from `place` to the end of the substream that begins there."""
    depth = 0
    while place + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, place)
        depth += kind == _BOF
        depth -= kind == _EOF
        yield kind, stream[place + 4 : place + 4 + size]
        if depth <= 0:
            return
        place += 4 + size


def _text(body: bytes, *, wide: int, biff8: bool) -> str:
    """Returns the text that follows its length, a number of `wide` bytes (MS-XLS 2.5.293 ff.)."""
    length, body = int.from_bytes(body[:wide], "little"), body[wide:]
    if not biff8:
        return body[:length].decode("cp1252", "replace")
    if body[0] & 1:
        return body[1 : 1 + 2 * length].decode("utf-16-le", "replace")
    return body[1 : 1 + length].decode("latin-1")


def _gives_no_text(formula: bytes) -> bool:
    """Whether the last token of a FORMULA record computes or compares, so that its value is no text."""
    size = int.from_bytes(formula[20:22], "little")
    return formula[22 + size - 1] in _OPERATORS


class _Scan:
    """Finds the facts in one pass over a sheet's records. percent: the numbers of the cell styles that show percent."""

    def __init__(self, facts: SheetFacts, percent: frozenset[int]) -> None:
        self._facts, self._percent = facts, percent
        self._hidden: list[int] = []
        self._percent_rows: dict[int, list[int]] = {}

    def read(self, stream: bytes, place: int) -> None:
        """Reads the sheet that begins at `place`."""
        for kind, body in _records(stream, place):
            if kind == _ROW:
                if body[12] & _HIDDEN:
                    self._hidden.append(int.from_bytes(body[:2], "little") + 1)
            elif kind in (_BOOLERR, _FORMULA, _NUMBER, _RK):
                self._cell(kind, body)
            elif kind == _MULRK and self._percent:
                row, first = struct.unpack_from("<HH", body)
                for number in range((len(body) - 6) // 6):
                    self._number(row, first + number, int.from_bytes(body[4 + 6 * number :][:2], "little"))
        # Rows and cells may come in any order within a block of records; `Rows` needs them in ascending order.
        for row in sorted(set(self._hidden)):
            self._facts.hidden.add(row)
        for column, rows in self._percent_rows.items():
            for row in sorted(set(rows)):
                self._facts.add_percent(row, column)

    def _cell(self, kind: int, body: bytes) -> None:
        row, column, style = struct.unpack_from("<HHH", body)
        if kind == _BOOLERR:
            if body[7]:
                self._facts.add_fault((row + 1, column), _ERRORS.get(body[6], "#ERROR!"))
            return
        if kind == _FORMULA:
            value_kind = body[6] if body[12:14] == b"\xff\xff" else _IS_NUMBER
            if value_kind == _IS_ERROR:
                self._facts.add_fault((row + 1, column), _ERRORS.get(body[8], "#ERROR!"))
            elif body[14] & _NOT_COMPUTED or (value_kind == _IS_EMPTY and _gives_no_text(body)):
                self._facts.add_fault((row + 1, column), None)
            if value_kind != _IS_NUMBER:
                return
        self._number(row, column, style)

    def _number(self, row: int, column: int, style: int) -> None:
        if style in self._percent:
            self._percent_rows.setdefault(column, []).append(row + 1)
