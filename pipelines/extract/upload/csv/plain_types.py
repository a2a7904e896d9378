"""Cells of a plain CSV file that may go to PostgreSQL's own types at once: the longer way would take them as they are.

What belongs here: for each type, the forms that load/stage/rules.py lets a file have, looked at by numpy for all rows
of a block together. PostgreSQL takes more ("today", "1_000", "0x1F", "T", "NaN"), so its word alone is not enough;
what it refuses (the 31st of February, a number too large) it refuses here, too. What it would round or cut off is not
proven: the longer way quarantines it. Not here: rules of a contract beyond its types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.contracts.columns import Column
from pipelines.contracts.repairs import decimals

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_QUOTE, _ZERO, _ONE, _POINT, _BLANK, _T, _LOWER = b'"01. T\x20'
_WHOLE, _POINTED, _DECIMAL, _ALL = 1, 2, 4, 255
_NUMBERS = {
    "smallint": _WHOLE, "integer": _WHOLE, "bigint": _WHOLE,
    "numeric": _DECIMAL, "double precision": _DECIMAL,
}  # fmt: skip
_DAY, _TIME = "dddd-dd-dd", "dd:dd:dd"
_WITH_MICROSECONDS = 26


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a block's rows, quotes included: `text[starts[row, column] : ends[row, column]]`."""

    text: Bytes
    starts: Places
    ends: Places
    delimiter: int

    def characters(self) -> Bytes:
        """Of each cell, the kinds of number that all its characters may stand in; shape as `starts`.

        Quotes, delimiters and line ends count as any: within a number PostgreSQL refuses them, or they are blanks.
        """
        kinds = np.zeros(256, np.uint8)
        kinds[list(b"0123456789+-")] = _WHOLE | _POINTED | _DECIMAL
        kinds[list(b".")] = _POINTED | _DECIMAL
        kinds[list(b"eE")] = _DECIMAL
        kinds[[_QUOTE, self.delimiter, *b"\r\n"]] = _ALL
        return np.bitwise_and.reduceat(kinds[self.text], self.starts.ravel()).reshape(self.starts.shape)

    def filled(self, column: int) -> tuple[Places, Places]:
        """Where the cells of a column begin and end, without their quotes and without the empty ones."""
        starts, ends = self.starts[:, column], self.ends[:, column]
        quoted = self.text[starts] == _QUOTE
        if quoted.any():
            starts, ends = starts + quoted, ends - quoted
        filled = starts < ends
        return (starts, ends) if filled.all() else (starts[filled], ends[filled])


def provable(column: Column) -> bool:
    """Whether a column may land typed: what the contract asks of it beyond its type does not look at the spelling."""
    spelled = (column.pattern, column.format, column.reference, column.min_length, column.max_length)
    done = column.parse or column.missing_values or column.pseudonymise
    if done or column.type == "text":
        return not done
    return not (column.enum or any(wish is not None for wish in spelled))


def proven(grid: Grid, types: Mapping[int, str]) -> set[int]:
    """Of the typed columns of a grid, those whose cells all have the form that a file must have.

    types: PostgreSQL's, by the column's place in the file.
    """
    characters = grid.characters()
    return {place for place, kind in types.items() if _proven(grid, characters, place, kind)}


def _proven(grid: Grid, characters: Bytes, place: int, kind: str) -> bool:
    if kind == "text":
        return True
    kind, scale = kind.split("(")[0], decimals(kind)
    if scale is not None:
        plain = bool(np.all(characters[:, place] & _POINTED))
        return plain and _not_longer(grid, place, scale)
    if kind in _NUMBERS:
        return bool(np.all(characters[:, place] & _NUMBERS[kind]))
    starts, ends = grid.filled(place)
    if kind == "time":
        return _formed(grid.text, starts, ends, _TIME) and bool(np.all(ends - starts == len(_TIME)))
    if kind == "boolean":
        return _booleans(grid.text, starts, ends - starts)
    if not _formed(grid.text, starts, ends, _DAY):
        return False
    if kind == "date":
        return bool(np.all(ends - starts == len(_DAY)))
    if kind == "timestamptz":
        return _timestamps_with_zone(grid.text, starts, ends)
    return kind == "timestamp" and _timestamps(grid.text, starts, ends)


def _formed(text: Bytes, starts: Places, ends: Places, form: str) -> bool:
    """Whether each text begins as `form` does: "d" stands for a digit, all else for itself."""
    if not np.all(ends - starts >= len(form)):
        return False
    for place, sign in enumerate(form):
        byte = text[starts + place]
        if not np.all(byte - np.uint8(_ZERO) <= 9 if sign == "d" else byte == ord(sign)):
            return False
    return True


def _not_longer(grid: Grid, place: int, scale: int) -> bool:
    """Whether no number of a column has more than `scale` digits behind its point."""
    starts, ends = grid.filled(place)
    points = np.flatnonzero(grid.text == _POINT)
    first = np.searchsorted(points, starts)
    there = first < len(points)
    behind = ends[there] - points[first[there]] - 1
    return bool(np.all(behind <= scale))


def _timestamps_with_zone(text: Bytes, starts: Places, ends: Places) -> bool:
    """yyyy-mm-dd, alone or with a blank or "T", hh:mm:ss, at most six digits of a second, and any zone."""
    timed = ends - starts > len(_DAY)
    starts, ends = starts[timed] + len(_DAY), ends[timed]
    if not len(starts):
        return True
    between = text[starts]
    if not np.all((between == _BLANK) | (between == _T)) or not _formed(text, starts + 1, ends, _TIME):
        return False
    starts = starts + 1 + len(_TIME)
    exact = ends - starts > _WITH_MICROSECONDS - 19
    starts = starts[exact]
    seventh = text[starts + _WITH_MICROSECONDS - 19]
    return not np.any((text[starts] == _POINT) & (seventh - np.uint8(_ZERO) <= 9))


def _timestamps(text: Bytes, starts: Places, ends: Places) -> bool:
    """yyyy-mm-dd hh:mm:ss, also with "T" between and with up to six digits of a second: no zone, no year BC."""
    starts = starts + len(_DAY)
    if not np.all(ends > starts):
        return False
    between = text[starts]
    if not np.all((between == _BLANK) | (between == _T)) or not _formed(text, starts + 1, ends, _TIME):
        return False
    starts = starts + 1 + len(_TIME)
    exact = starts < ends
    if not exact.any():
        return True
    starts, ends = starts[exact], ends[exact]
    lengths = ends - starts
    if not np.all(text[starts] == _POINT) or lengths.min() < 2 or lengths.max() > _WITH_MICROSECONDS - 19:
        return False
    last = ends - 1
    return all(
        bool(np.all(text[np.minimum(starts + place, last)] - np.uint8(_ZERO) <= 9))
        for place in range(1, int(lengths.max()))
    )


def _booleans(text: Bytes, starts: Places, lengths: Places) -> bool:
    """True or false in either case, 1 or 0."""
    known = 0
    for word in (b"true", b"false"):
        of = starts[lengths == len(word)]
        known += len(of)
        if not all(np.all(text[of + place] | _LOWER == letter) for place, letter in enumerate(word)):
            return False
    single = text[starts[lengths == 1]]
    return bool(np.all((single == _ZERO) | (single == _ONE))) and known + len(single) == len(starts)
