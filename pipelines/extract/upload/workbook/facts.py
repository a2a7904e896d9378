"""What a workbook says of a sheet beside its values: errors, percent formats, hidden rows, merged cells, the epoch.

What belongs here: what the three kinds of workbook have in common. Not here: reading it (xlsx.py for XLSX,
ods.py, xls.py), what becomes of it (tables.py).
"""

from __future__ import annotations

import zipfile
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

MOST_FACTS = 1_000_000
"""Error cells, or merged cells, that one sheet may have."""
DAYS_BETWEEN_EPOCHS = 1_462
"""Days from 1899-12-30 to 1904-01-01, the two dates that serial numbers count from (ECMA-376 part 1, 18.17.4.1)."""

Cell = tuple[int, int]
Range = tuple[Cell, Cell]
"""Merged cells: first and last (row, column), both from 0."""


class DamagedError(Exception):
    """A part of the workbook can't be read. Holds nothing of it."""


class Rows:
    """Rows of a sheet, in ascending order, kept as ranges: a million neighbours take 16 bytes."""

    def __init__(self) -> None:
        self._first, self._last = array("q"), array("q")

    def add(self, row: int, count: int = 1) -> None:
        """Raises ValueError where a row stands before one that was added earlier."""
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
        """Those of `rows`."""
        begin, end = bisect_left(self._last, rows.start), bisect_right(self._first, rows.stop - 1)
        for number in range(begin, end):
            yield from range(max(self._first[number], rows.start), min(self._last[number] + 1, rows.stop))


@dataclass
class SheetFacts:
    """What one sheet says beside its values; rows are counted from 1, columns from 0, as in the workbook's own grid.

    faults: the text of an error cell; None for a formula that was never computed.
    uncomputed: the rows with such formulas.
    percent: by column, the rows whose number is shown as percent, where that was asked for.
    merged: where the reader of values does not tell it.
    epoch_1904: whether serial numbers of dates count from 1904 in this workbook.
    """

    faults: dict[Cell, str | None] = field(default_factory=dict[Cell, "str | None"])
    uncomputed: set[int] = field(default_factory=set[int])
    percent: dict[int, Rows] = field(default_factory=dict[int, Rows])
    hidden: Rows = field(default_factory=Rows)
    merged: list[Range] = field(default_factory=list[Range])
    epoch_1904: bool = False

    def add_fault(self, cell: Cell, text: str | None) -> None:
        if len(self.faults) >= MOST_FACTS:
            raise ValueError("too many error cells")
        self.faults[cell] = text
        if text is None:
            self.uncomputed.add(cell[0])

    def add_percent(self, row: int, column: int, count: int = 1) -> None:
        self.percent.setdefault(column, Rows()).add(row, count)


class Facts(Protocol):
    """What a workbook says beside its values."""

    def sheet(self, name: str, *, percent: bool) -> SheetFacts:
        """Raises DamagedError. percent: whether percent formats are asked for, which may need another pass."""
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
"""What reading a damaged part may raise, beside the parser's own errors; olefile's are OSErrors."""


def is_percent(code: str) -> bool:
    """Whether a number format shows percent: a "%" that is no literal text (ECMA-376 part 1, 18.8.31)."""
    quoted = escaped = False
    for sign in code:
        if escaped:
            escaped = False
        elif sign == '"':
            quoted = not quoted
        elif not quoted and sign in "\\_*":
            escaped = True
        elif sign == "%" and not quoted:
            return True
    return False


BUILTIN_PERCENT = frozenset({9, 10})
"""Number formats "0%" and "0.00%", which no workbook spells out (ECMA-376 part 1, 18.8.30)."""
