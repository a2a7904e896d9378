"""Finds the columns of a CSV file that PostgreSQL can read directly into their types ("typed landing").

The result is the same as with "text landing", where the cells are read as text and converted in the warehouse.

What belongs here: for each type, the forms that load/stage/rules.py allows in a file, compared by numpy for all rows of
a block at once. PostgreSQL alone allows more ("today", "1_000", "0x1F", "T", "NaN"). What PostgreSQL refuses (the 31st
of February, a number that is too large) need not be found here. A value that it would round or cut off is not well
formed, so that text landing quarantines it. Not here: rules of a contract beyond its types.

Why it is here: measured on 200,000 rows of 14 columns (2.8 million cells, nine types; two busy cores, medians of five
whole loads that took turns), typed landing takes this part of the time that text landing takes:

    clean file                                              0.41 (in another run 0.61)
    one bad cell in the first block (lands as text)         0.77
    clean file, contract with repairs in 3 columns          0.83
    one bad cell in the middle (the file is read twice)     1.22
    one bad cell in the last row (the file is read twice)   1.73

In the other run typed landing of the clean file took 2.4 times as long as a plain COPY, and text landing 3.9 times. The
target in docs/benchmarks.md is 2. Typed landing is faster unless the first bad cell comes after the first 512 kB of a
file (here 2,700 rows). A column with a repair is never typed: a contract that repairs most columns gains little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.contracts.columns import Column
from pipelines.contracts.repairs import decimals, needs_no_text

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_QUOTE, _ZERO, _ONE, _POINT, _BLANK, _T = b'"01. T'
_INTEGER = b"0123456789+-"
_POINTED = _INTEGER + b"."
_EXPONENT = _POINTED + b"eE"
_NUMBERS = {
    "smallint": _INTEGER, "integer": _INTEGER, "bigint": _INTEGER,
    "numeric": _EXPONENT, "double precision": _EXPONENT,
}  # fmt: skip
"""The characters of the numbers of each type."""
_DAY, _TIME = b"0000-00-00", b"00:00:00"
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
"""Makes every digit a 0."""
_SHORT = 64
"""The bytes that parts have on average at most, if numpy shall join them."""
_MICROSECONDS = len(".dddddd")
"""Characters of the longest fraction of a second that PostgreSQL keeps."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a block's rows, with their quotes: `text[starts[row, column] : ends[row, column]]`."""

    text: Bytes
    starts: Places
    ends: Places
    delimiter: int

    def has_only(self, column: int, characters: bytes) -> bool:
        """Whether all cells of a column consist of these characters.

        Quotes, delimiters and line ends count as allowed: PostgreSQL skips them around a number and refuses them within
        one.
        """
        allowed = characters + bytes((_QUOTE, self.delimiter, *b"\r\n"))
        return not joined(self.text, self.starts[:, column], self.ends[:, column]).translate(None, allowed)

    def filled(self, column: int) -> tuple[Places, Places]:
        """Returns where the cells of a column begin and end, without their quotes; empty cells are left out."""
        starts, ends = self.starts[:, column], self.ends[:, column]
        quoted = self.text[starts] == _QUOTE
        if quoted.any():
            starts, ends = starts + quoted, ends - quoted
        filled = starts < ends
        return (starts, ends) if filled.all() else (starts[filled], ends[filled])


def joined(text: Bytes, starts: Places, ends: Places) -> bytes:
    """Returns the parts `text[start:end]`, one after another. No start may be after its end."""
    lengths = ends - starts
    to = np.cumsum(lengths)
    if not len(to):
        return b""
    if to[-1] > _SHORT * len(to):
        # Long parts are few, so a loop over them is cheap. The places that numpy needs take eight times their bytes.
        return b"".join([text[a:z].tobytes() for a, z in zip(starts.tolist(), ends.tolist(), strict=True)])
    places = np.repeat(ends - to, lengths)
    places += np.arange(len(places))
    return text[places].tobytes()


def may_land_typed(column: Column) -> bool:
    """Whether PostgreSQL may read the cells of this column directly into its type.

    A column with a repair, missing values or a pseudonym may not. A column of another type than text may also have no
    enum and no rule about its text.
    """
    if not needs_no_text(column):
        return False
    if column.type == "text":
        return True
    text_rules = (column.pattern, column.format, column.reference, column.min_length, column.max_length)
    return not column.enum and all(rule is None for rule in text_rules)


def well_formed(grid: Grid, types: Mapping[int, str]) -> set[int]:
    """Returns the places of the columns whose cells all have a form that their type allows in a file.

    types: PostgreSQL's type of each column to look at, by the column's place in the file.
    """
    return {place for place, kind in types.items() if _is_well_formed(grid, place, kind)}


def _is_well_formed(grid: Grid, place: int, kind: str) -> bool:
    if kind == "text":
        return True
    kind, scale = kind.split("(")[0], decimals(kind)
    if scale is not None:
        return (
            grid.has_only(place, _POINTED)
            and _keeps_scale(grid, place, scale)
            and _no_zero_leads(grid, place)
        )
    if kind in _NUMBERS:
        return grid.has_only(place, _NUMBERS[kind]) and _no_zero_leads(grid, place)
    starts, ends = grid.filled(place)
    if kind == "time":
        return _begin_as(grid.text, starts, ends, _TIME) and bool(np.all(ends - starts == len(_TIME)))
    if kind == "boolean":
        return _are_booleans(grid.text, starts, ends - starts)
    if not _begin_as(grid.text, starts, ends, _DAY):
        return False
    if kind == "date":
        return bool(np.all(ends - starts == len(_DAY)))
    if kind == "timestamptz":
        return _end_as_timestamps_with_zone(grid.text, starts, ends)
    return kind == "timestamp" and _end_as_timestamps(grid.text, starts, ends)


def _begin_as(text: Bytes, starts: Places, ends: Places, form: bytes) -> bool:
    """Whether each cell begins with `form`, in which "0" means any digit."""
    if not np.all(ends - starts >= len(form)):
        return False
    return joined(text, starts, starts + len(form)).translate(_ZEROS) == form * len(starts)


def _no_zero_leads(grid: Grid, place: int) -> bool:
    """Whether no number of a column begins with a zero and another digit.

    Such a number may be a telephone number in the wrong column. Only its text shows that, if the row is refused.
    """
    starts, _ = grid.filled(place)
    return not np.any((grid.text[starts] == _ZERO) & (grid.text[starts + 1] - np.uint8(_ZERO) <= 9))


def _keeps_scale(grid: Grid, place: int, scale: int) -> bool:
    """Whether no number of a column has more than `scale` digits after its point.

    A point is then one of the last characters: what is before these has none.
    """
    starts, ends = grid.filled(place)
    return b"." not in joined(grid.text, starts, np.maximum(starts, ends - scale - 1))


def _end_as_timestamps_with_zone(text: Bytes, starts: Places, ends: Places) -> bool:
    """Whether each cell is a date, or a date and a time whose second has at most six decimals.

    The caller has checked the date. A blank or "T" separates it from the time. What follows the time (the zone) is not
    checked here: PostgreSQL checks it.
    """
    timed = ends - starts > len(_DAY)
    starts, ends = starts[timed] + len(_DAY), ends[timed]
    if not len(starts):
        return True
    if not _are_times(text, starts, ends):
        return False
    starts = starts + 1 + len(_TIME)
    long = ends - starts > _MICROSECONDS
    starts = starts[long]
    seventh = text[starts + _MICROSECONDS]
    return not np.any((text[starts] == _POINT) & (seventh - np.uint8(_ZERO) <= 9))


def _are_times(text: Bytes, starts: Places, ends: Places) -> bool:
    """Whether the text at each of `starts` begins with a blank or "T" and a time hh:mm:ss."""
    between = text[starts]
    return bool(np.all((between == _BLANK) | (between == _T))) and _begin_as(text, starts + 1, ends, _TIME)


def _end_as_timestamps(text: Bytes, starts: Places, ends: Places) -> bool:
    """Whether each cell is a date and a time, with nothing after it (no zone, no year BC).

    The caller has checked the date. A blank or "T" separates it from the time. A second has at most six decimals.
    """
    starts = starts + len(_DAY)
    if not np.all(ends > starts) or not _are_times(text, starts, ends):
        return False
    starts = starts + 1 + len(_TIME)
    fraction = starts < ends
    if not fraction.any():
        return True
    starts, ends = starts[fraction], ends[fraction]
    lengths = ends - starts
    if not np.all(text[starts] == _POINT) or lengths.min() < 2 or lengths.max() > _MICROSECONDS:
        return False
    return joined(text, starts + 1, ends).isdigit()


def _are_booleans(text: Bytes, starts: Places, lengths: Places) -> bool:
    """Whether each cell is true or false (in upper or lower case), 1 or 0."""
    checked = 0
    for value in (b"true", b"false"):
        same_length = starts[lengths == len(value)]
        checked += len(same_length)
        if joined(text, same_length, same_length + len(value)).lower() != value * len(same_length):
            return False
    single = text[starts[lengths == 1]]
    return bool(np.all((single == _ZERO) | (single == _ONE))) and checked + len(single) == len(starts)
