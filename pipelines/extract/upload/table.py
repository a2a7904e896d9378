"""Defines a table of a file: the names in its header, and the rows below it.

What belongs here: what a CSV file, a sheet and a Parquet file have in common once their cells are read. Not here:
reading the cells (csv/text.py, workbook/tables.py, parquet_file.py), what of them is loaded (fit.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pipelines.extract.source_names import fold

LEVELS = " / "
"""Joins the names of one column in a header of several rows, from top to bottom."""
Row = tuple[str, Sequence[str | None]]
"""The position of a row ("baris 12") and its cells."""
HIDDEN = "tersembunyi"
"""Replaces the position of a row that is not loaded, but whose values fill the rows below it (`fill_down`)."""
Span = tuple[tuple[int, int], tuple[int, int]]
"""Merged cells of a header: first and last (row, column), from 0."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Some rows of a table, column by column; an empty cell is no value.

    positions: the position of each row ("baris 12").
    """

    cells: Sequence[Sequence[str]]
    positions: Sequence[str]

    def __iter__(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Gives the same rows one by one."""
        return zip(self.positions, zip(*self.cells, strict=True), strict=True)


@dataclass(frozen=True, slots=True)
class Table:
    """A header and the rows below it, in one part or several.

    names: the column names, as `header` returns them. place: the position of the header.
    empty_is_null: whether an empty cell is no value, and a row that has only such cells is skipped.
    short_is_damage: whether a row with fewer cells than the header is damaged, unless the contract allows it.
    warnings: those about the table as a whole.
    all_rows: reads the table once more. Gives number and cells of every row, also of those above the header.
    head: the rows up to the header's last one, each merged cell of the header with its text. Those above the header are
    empty for CSV. There are none for a kind of file without a header.
    left: how many empty columns are before the first one.
    hidden: gives those of some row numbers whose rows the workbook hides.
    """

    names: tuple[str, ...]
    place: str
    parts: Iterator[Iterable[Row]]
    sheet: str | None = None
    empty_is_null: bool = True
    short_is_damage: bool = False
    warnings: Sequence[str] = field(default_factory=list[str])
    all_rows: Callable[[], Iterable[tuple[int, Sequence[str]]]] | None = None
    head: Sequence[Sequence[str]] = ()
    left: int = 0
    hidden: Callable[[range], Iterable[int]] | None = None


def header(rows: Sequence[Sequence[str]], spans: Sequence[Span] = ()) -> tuple[str, ...]:
    """Returns the column names of one or more header rows, "upper / lower" if there are several rows.

    White space is folded. A column without a name is called by its number ("kolom 3").
    spans: the merged cells, with rows counted within `rows`. If there are none, an empty cell of an upper row belongs
    to the name at its left, as long as a cell below it is filled.
    """
    return names_of(header_grid(rows, spans))


def header_grid(rows: Sequence[Sequence[str]], spans: Sequence[Span] = ()) -> list[list[str]]:
    """Returns the header rows with the names that merged or empty cells stand for, see `header`."""
    width = max((len(trimmed(row)) for row in rows), default=0)
    grid = [[fold(cell) for cell in row[:width]] + [""] * (width - len(row)) for row in rows]
    if spans:
        _fill_spans(grid, spans, width)
    else:
        _carry_right(grid)
    return grid


def names_of(grid: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Returns the column names of a `header_grid`."""
    names = [LEVELS.join(_without_repeats(column)) for column in zip(*grid, strict=True)]
    while names and not names[-1]:
        names.pop()
    return tuple(name or f"kolom {number}" for number, name in enumerate(names, 1))


def _fill_spans(grid: list[list[str]], spans: Sequence[Span], width: int) -> None:
    """Gives each merged cell of the header the text of its first one."""
    for (top, left), (bottom, right) in spans:
        if top >= len(grid) or left >= width:
            continue
        end = min(right + 1, width)
        for row in grid[top : bottom + 1]:
            row[left:end] = [grid[top][left]] * max(0, end - left)


def _carry_right(grid: list[list[str]]) -> None:
    """Gives an empty cell of an upper row the name at its left, if both have the same names above them."""
    for level, row in enumerate(grid[:-1]):
        for column in range(1, len(row)):
            same_above = all(upper[column] == upper[column - 1] for upper in grid[:level])
            if not row[column] and same_above and any(lower[column] for lower in grid[level + 1 :]):
                row[column] = row[column - 1]


def _without_repeats(names: Sequence[str]) -> Iterator[str]:
    """Gives the names of one column from top to bottom, without empty names and names that repeat the one above."""
    before = ""
    for name in names:
        if name and name != before:
            yield name
        before = name or before


def trimmed(cells: Sequence[str]) -> Sequence[str]:
    """Returns `cells` without the empty ones at the end."""
    end = len(cells)
    while end and not fold(cells[end - 1]):
        end -= 1
    return cells[:end]
