"""Rules that turn a row of a file into a row of the stream.

What belongs here: what happens to the cells of one row. Not here: the places of the columns, and the order in which the
rules apply (fit.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import msgspec

from pipelines.contracts.upload import ESCAPE

Cells = Sequence[str | None]
_NO_JSONB = re.compile("[\0\ud800-\udfff]")
"""PostgreSQL's jsonb accepts no NUL and no half of a surrogate pair."""
_ENCODER = msgspec.json.Encoder()
_FORMULA_BEGINS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001
NUMERIC = re.compile(r"[+-]?[\d(][\d .,()/-]*%?")
"""Numbers, dates and telephone numbers: no spreadsheet takes them for more than a sum of numbers."""


def is_blank(cells: Cells) -> bool:
    """Whether every cell is empty or has only white space."""
    # The first cell of most rows is filled: only the other rows are searched.
    if cells and cells[0] and cells[0].strip():
        return False
    return not any(cell and cell.strip() for cell in cells)


def is_filled_beyond(cells: Cells, width: int) -> bool:
    """Whether a row has a filled cell after the header's last column."""
    return not is_blank(cells[width:])


@dataclass(frozen=True, slots=True)
class Totals:
    """Recognises rows that are totals: a cell of such a row matches its column's pattern (`extract.totals`).

    patterns: the place of a column, and its pattern.
    """

    patterns: Sequence[tuple[int, re.Pattern[str]]]

    def matches(self, cells: Cells) -> bool:
        """Whether the row is a total. A missing cell counts as empty."""
        return any(pattern.search(_text(cells, place)) for place, pattern in self.patterns)


def _text(cells: Cells, place: int) -> str:
    return ((cells[place] if place < len(cells) else "") or "").strip()


class FillDown:
    """Fills empty cells of some columns with the value above (`extract.fill_down`).

    places: the places of these columns, the widest group first. When a column has a new value, the earlier values of
    the columns after it are no longer used.
    """

    def __init__(self, places: Sequence[int]) -> None:
        self._places = places
        self._above: dict[int, str] = {}

    def __bool__(self) -> bool:
        return bool(self._places)

    def fill(self, cells: Cells) -> Cells:
        """Returns the row with its empty cells filled; remembers its own values for the rows below."""
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

    places: the places of the columns, in the contract's order. width: the header's number of columns. appended: the
    values at the places after these, which are the same for every row (None, the sheet's name, the file's name).
    """

    def __init__(self, places: Sequence[int], width: int, appended: Cells) -> None:
        self._appended = appended
        self._as_they_are = tuple(places) == tuple(range(width))
        self._needs_appended = max(places, default=0) >= width
        # An itemgetter returns a tuple only for two places or more; so a further one is added and cut off.
        self._getter = itemgetter(*places, 0)

    def cells(self, cells: Cells) -> Cells:
        """Returns the picked cells of a row that is as wide as the header."""
        if self._as_they_are:
            return cells
        return self._getter([*cells, *self._appended] if self._needs_appended else cells)[:-1]


def escaped(text: str) -> str:
    """A cell of a marked CSV file: as it came, with ESCAPE before it if a spreadsheet would calculate it."""
    return ESCAPE + text if _is_calculated(text) else text


def without_escape(text: str | None) -> str | None:
    """The cell that `escaped` has written."""
    return text[1:] if text and text[0] == ESCAPE and _is_calculated(text) else text


def _is_calculated(text: str) -> bool:
    content = text.lstrip(ESCAPE)
    return content.startswith(_FORMULA_BEGINS) and not NUMERIC.fullmatch(content)


def empty_to_null(cells: Cells) -> list[str | None]:
    """Returns the cells with None for each empty one."""
    return [cell or None for cell in cells] if "" in cells else list(cells)


def extra_cell(values: Mapping[str, str | None]) -> str | None:
    """Returns the cells of unknown columns, by name, as one JSON object; None if there are none.

    A character that PostgreSQL's jsonb does not accept becomes U+FFFD.
    """
    if not values:
        return None
    clean = {_clean(name): None if value is None else _clean(value) for name, value in values.items()}
    return _ENCODER.encode(clean).decode()


def _clean(text: str) -> str:
    return _NO_JSONB.sub("\ufffd", text)
