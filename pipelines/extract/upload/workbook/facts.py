"""Facts about a sheet that its values do not show: errors, percent formats, hidden rows, merged cells, the date epoch.

What belongs here: what the three kinds of workbooks have in common. Not here: reading the facts from a file (xlsx.py,
ods.py, xls.py), what they change in the rows (rows.py).
"""

from __future__ import annotations

import zipfile
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

MOST_FACTS = 1_000_000
"""The most error cells, and the most merged cells, of one sheet."""
DAYS_BETWEEN_EPOCHS = 1_462
"""Days from 1899-12-30 to 1904-01-01, the two dates that serial numbers count from (ECMA-376 part 1, 18.17.4.1)."""

Cell = tuple[int, int]
Range = tuple[Cell, Cell]
"""Merged cells: first and last (row, column); rows and columns start at 0."""


class DamagedError(Exception):
    """A part of the workbook can't be read. The error's text contains nothing of it."""


class Rows:
    """A set of rows of a sheet, stored as ranges: a million neighbouring rows need 16 bytes."""

    def __init__(self) -> None:
        self._first, self._last = array("q"), array("q")

    def add(self, row: int, count: int = 1) -> None:
        """Adds `count` rows from `row` on. Rows must be added in ascending order; else raises ValueError."""
        if self._last and row <= self._last[-1]:
            if row == self._last[-1]:
                return
            raise ValueError("rows out of order")
        if self._last and row == self._last[-1] + 1:
            self._last[-1] = row + count - 1
        else:
            self._first.append(row)
            self._last.append(row + count - 1)

    def within(self, rows: range) -> Iterator[int]:
        """Gives the rows that are also in `rows`."""
        begin, end = bisect_left(self._last, rows.start), bisect_right(self._first, rows.stop - 1)
        for number in range(begin, end):
            yield from range(max(self._first[number], rows.start), min(self._last[number] + 1, rows.stop))


@dataclass
class SheetFacts:
    """The facts about one sheet that its values do not show.

    In `faults`, `uncomputed`, `percent` and `hidden` rows start at 1; in `merged` rows start at 0. Columns start at 0.
    faults: by cell, the text of an error; None for a formula that was never computed.
    uncomputed: the rows with such formulas.
    percent: by column, the rows whose number is shown as percent, if they were requested.
    hidden: the rows that the workbook hides.
    merged: merged cells, as far as calamine does not give them.
    epoch_1904: whether serial numbers of dates count from 1904 in this workbook.
    """

    faults: dict[Cell, str | None] = field(default_factory=dict[Cell, "str | None"])
    uncomputed: set[int] = field(default_factory=set[int])
    percent: dict[int, Rows] = field(default_factory=dict[int, Rows])
    hidden: Rows = field(default_factory=Rows)
    merged: list[Range] = field(default_factory=list[Range])
    epoch_1904: bool = False

    def add_fault(self, cell: Cell, text: str | None) -> None:
        """Adds an error cell. Raises ValueError if there are too many."""
        if len(self.faults) >= MOST_FACTS:
            raise ValueError("too many error cells")
        self.faults[cell] = text
        if text is None:
            self.uncomputed.add(cell[0])

    def add_percent(self, row: int, column: int, count: int = 1) -> None:
        """Adds `count` cells of a column, from `row` on, whose number is shown as percent."""
        self.percent.setdefault(column, Rows()).add(row, count)


class Facts(Protocol):
    """The facts about the sheets of a workbook."""

    def sheet(self, name: str, *, percent: bool) -> SheetFacts:
        """Returns the facts about one sheet. Raises DamagedError.

        percent: whether percent formats are needed, which may take another pass over the file.
        """
        ...


DAMAGED = (
    zipfile.BadZipFile,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    KeyError,
    RuntimeError,
)
"""The exceptions that a damaged part may raise, in addition to those of the parsers; olefile's are OSErrors."""


def is_percent(code: str) -> bool:
    """Whether a number format shows percent: it has a "%" that is not literal text (ECMA-376 part 1, 18.8.31)."""
    quoted = escaped = False
    for character in code:
        if escaped:
            escaped = False
        elif character == '"':
            quoted = not quoted
        elif not quoted and character in "\\_*":
            escaped = True
        elif character == "%" and not quoted:
            return True
    return False


BUILTIN_PERCENT = frozenset({9, 10})
"""The built-in number formats "0%" and "0.00%", which workbooks name by number only (ECMA-376 part 1, 18.8.30)."""
