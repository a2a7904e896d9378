"""From a row of a file to a row of the stream: one rule each.

What belongs here: what happens to the cells of one row. Not here: where the columns stand and in which order the rules
are asked (fit.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import msgspec

Cells = Sequence[str | None]
_NO_JSONB = re.compile("[\0\ud800-\udfff]")
"""PostgreSQL's jsonb takes no NUL and no half of a surrogate pair."""
_ENCODER = msgspec.json.Encoder()


def is_blank(cells: Cells) -> bool:
    """Whether no cell holds more than white space."""
    # Most rows begin with something: only the others are looked through.
    if cells and cells[0] and cells[0].strip():
        return False
    return not any(cell and cell.strip() for cell in cells)


def is_filled_beyond(cells: Cells, width: int) -> bool:
    """Whether a row holds something behind the header's last column."""
    return not is_blank(cells[width:])


@dataclass(frozen=True, slots=True)
class Totals:
    """The rows that are totals: those with a cell in which its column's pattern is found (`extract.totals`)."""

    patterns: Sequence[tuple[int, re.Pattern[str]]]

    def matches(self, cells: Cells) -> bool:
        """Whether the row is a total; a cell that it does not have counts as empty."""
        return any(pattern.search(_text(cells, place)) for place, pattern in self.patterns)


def _text(cells: Cells, place: int) -> str:
    return ((cells[place] if place < len(cells) else "") or "").strip()


class FillDown:
    """Gives empty cells of some columns the value above (`extract.fill_down`).

    places: of the columns, the widest group first. A new value of one column ends the values of those after it.
    """

    def __init__(self, places: Sequence[int]) -> None:
        self._places = places
        self._above: dict[int, str] = {}

    def __bool__(self) -> bool:
        return bool(self._places)

    def fill(self, cells: Cells) -> Cells:
        """The row with the values from above; keeps its own for the rows below."""
        filled = list(cells)
        for level, place in enumerate(self._places):
            cell = filled[place]
            if cell and cell.strip():
                for lower in self._places[level:]:
                    self._above.pop(lower, None)
                self._above[place] = cell
            else:
                filled[place] = self._above.get(place)
        return filled


class Pick:
    """Takes the cells of the contract's columns out of a row.

    places: of the columns, in the contract's order. width: of the header. behind: values at the places behind it,
    which are the same for every row (nothing, the sheet's name, the file's name).
    """

    def __init__(self, places: Sequence[int], width: int, behind: Cells) -> None:
        self._behind = behind
        self._as_they_are = tuple(places) == tuple(range(width))
        self._needs_behind = max(places, default=0) >= width
        # With a second place a getter always gives a tuple.
        self._getter = itemgetter(*places, 0)

    def cells(self, cells: Cells) -> Cells:
        """The picked cells of a row that is as wide as the header."""
        if self._as_they_are:
            return cells
        return self._getter([*cells, *self._behind] if self._needs_behind else cells)[:-1]


def empty_to_null(cells: Cells) -> list[str | None]:
    """The cells, with None for an empty one."""
    return [cell or None for cell in cells] if "" in cells else list(cells)


def extra_cell(values: Mapping[str, str | None]) -> str | None:
    """What the contract does not know, as one JSON object; None where there is nothing.

    What PostgreSQL's jsonb does not take becomes U+FFFD.
    """
    if not values:
        return None
    clean = {_clean(name): None if value is None else _clean(value) for name, value in values.items()}
    return _ENCODER.encode(clean).decode()


def _clean(text: str) -> str:
    return _NO_JSONB.sub("\ufffd", text)
