"""A table from an uploaded file against the contract that it has to keep: header, columns, rows.

What belongs here: what a CSV file, a sheet and a Parquet file have in common once their cells are read. Not here:
reading the cells (extract/upload/csv/text.py, extract/upload/workbook/tables.py, parquet_file.py), records of JSON
(json_file.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter

import msgspec

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import EXTRA, POSITION
from pipelines.contracts.upload import FILE, SHEET, FileExtract
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.source_names import fold, listed, may_be_shown, redact_names
from pipelines.extract.stream import SourceStream, encode_columns, encode_rows

_JOINT = " / "
_UNNAMED = re.compile("kolom [0-9]+")
_LOOKED_AT = 50
_NUMBERED = re.compile(r".+#([2-9]|[1-9][0-9]+)")
_UNFIT = re.compile("[\0\ud800-\udfff]")
_ENCODER = msgspec.json.Encoder()
Row = tuple[str, Sequence[str | None]]
"""Where a row stands ("baris 12") and its cells."""
UNSEEN = "tersembunyi"
"""In the place of a position: the row is not loaded, and gives its values to those below it (`fill_down`)."""
Span = tuple[tuple[int, int], tuple[int, int]]
"""Merged cells of a header: first and last (row, column), from 0."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A file being read, under the contract that it has to keep."""

    contract: Contract
    extract: FileExtract
    name: str

    def fault(self, message: str, hint: str, *, transient: bool = False) -> SourceError:
        return SourceError(self.contract.key, f"{self.name}: {message}", hint=hint, transient=transient)

    def misshapen(self, message: str, hint: str) -> ShapeError:
        return ShapeError(self.contract.key, f"{self.name}: {message}", hint=hint)

    def columns(self) -> tuple[str, ...]:
        """The columns of the stream."""
        extra = (EXTRA,) if self.contract.evolves else ()
        return (*(c.name for c in self.contract.stored), *extra, POSITION)

    def expected(self) -> list[str]:
        """The names that the header must hold, each once."""
        names = (fold(c.source_name) for c in self.contract.columns)
        return [name for name in dict.fromkeys(names) if name not in (SHEET, FILE)]

    def places(self, names: Sequence[str]) -> dict[int, Column]:
        """The contract's stored columns by their place among `names`."""
        wanted = {fold(c.source_name): c for c in self.contract.stored}
        return {place: wanted[name] for place, name in enumerate(names) if name in wanted}

    def filled_down(self) -> tuple[str, ...]:
        """The columns whose empty cells take the value above, in the contract's order."""
        return tuple(fold(name) for name in self.extract.fill_down)

    def numbered(self, names: Sequence[str]) -> tuple[str, ...]:
        """Names that a header has more than once as "Jumlah", "Jumlah#2", ... where the contract knows them so."""
        twice = {name for name, count in Counter(names).items() if count > 1}
        known = {name.rpartition("#")[0] for name in self.expected() if _NUMBERED.fullmatch(name)}
        if not twice & known:
            return tuple(names)
        seen = Counter[str]()
        found: list[str] = []
        for name in names:
            seen[name] += name in twice & known
            found.append(f"{name}#{seen[name]}" if seen[name] > 1 else name)
        return tuple(found)

    def check_promised(
        self,
        missing: Sequence[str],
        unexpected: Sequence[str],
        place: str,
        where: str = "in the header",
        among: Sequence[str] = (),
    ) -> list[str]:
        """Warnings about a shape that an evolving dataset may have; raises ShapeError where it may not.

        among: all names, in their order, where they have one.
        """
        contract = self.contract
        evolves = contract.evolves
        needed = {fold(c.source_name) for c in contract.columns if c.required or c.key}
        lost = [name for name in missing if name in needed or not evolves]
        wanted = f"the file must have: {listed(self.expected())}"
        if unnamed := next((name for name in unexpected if _UNNAMED.fullmatch(name)), None):
            wanted += (
                f"; {unnamed} has no name in the header: give it one, or where it is no part of the table"
                f" declare a column with physicalName: {unnamed} and drop: true"
            )
        if lost:
            message = f"{place}: missing {where}: {listed(lost)}"
            raise self.misshapen(
                message
                + (f"; not expected: {redact_names(contract, unexpected, among)}" if unexpected else ""),
                wanted,
            )
        if unexpected and not evolves:
            raise self.misshapen(
                f"{place}: not expected {where}: {redact_names(contract, unexpected, among)}", wanted
            )
        warnings: list[str] = []
        if missing:
            warnings.append(f"{self.name}: promised columns that are gone, NULL from now: {listed(missing)}")
        if unexpected:
            warnings.append(
                f"{self.name}: columns that are not in the contract, kept in {EXTRA}: {listed(unexpected)}"
            )
        return warnings


@dataclass(frozen=True, slots=True)
class Columns:
    """Some rows of a table whose empty cells are no values, column by column; where each row stands."""

    cells: Sequence[Sequence[str]]
    positions: Sequence[str]

    def __iter__(self) -> Iterator[tuple[str, Sequence[str]]]:
        return zip(self.positions, zip(*self.cells, strict=True), strict=True)


@dataclass(frozen=True, slots=True)
class Table:
    """A header and the rows below it, in one part or several.

    names: as `header` gives them. place: where the header stands. blank: an empty cell is no value, and a row of
    them no row. even: a row of fewer cells than the header is damaged, where the contract does not allow it.
    warnings: what is to be said of it. all_rows: gives number and cells of every row, those above the header too, where
    that may be asked for once more.
    """

    names: tuple[str, ...]
    place: str
    parts: Iterator[Iterable[Row]]
    sheet: str | None = None
    blank: bool = True
    even: bool = False
    warnings: Sequence[str] = field(default_factory=list[str])
    all_rows: Callable[[], Iterable[tuple[int, Sequence[str]]]] | None = None


def header(rows: Sequence[Sequence[str]], spans: Sequence[Span] = ()) -> tuple[str, ...]:
    """The column names of one or more header rows: white space folded, "upper / lower"; unnamed ones numbered.

    spans say which cells are merged, rows counted within `rows`. Where none is known, an empty cell of an upper row
    belongs to the name at its left, as long as something stands below it.
    """
    width = max((len(trimmed(row)) for row in rows), default=0)
    grid = [[fold(cell) for cell in row[:width]] + [""] * (width - len(row)) for row in rows]
    for (top, left), (bottom, right) in spans:
        if top >= len(grid) or left >= width:
            continue
        for row in grid[top : bottom + 1]:
            end = min(right + 1, width)
            row[left:end] = [grid[top][left]] * max(0, end - left)
    if not spans:
        _carry_right(grid)
    names = [_JOINT.join(_unlike_the_one_before(column)) for column in zip(*grid, strict=True)]
    while names and not names[-1]:
        names.pop()
    return tuple(name or f"kolom {number}" for number, name in enumerate(names, 1))


def _carry_right(grid: list[list[str]]) -> None:
    for level, row in enumerate(grid[:-1]):
        for column in range(1, len(row)):
            same_above = all(upper[column] == upper[column - 1] for upper in grid[:level])
            if not row[column] and same_above and any(lower[column] for lower in grid[level + 1 :]):
                row[column] = row[column - 1]


def _unlike_the_one_before(parts: Sequence[str]) -> Iterator[str]:
    before = ""
    for part in parts:
        if part and part != before:
            yield part
        before = part or before


def trimmed(cells: Sequence[str]) -> Sequence[str]:
    """`cells` without the empty ones at the end."""
    end = len(cells)
    while end and not fold(cells[end - 1]):
        end -= 1
    return cells[:end]


def _extra_cell(values: Mapping[str, str | None]) -> str | None:
    """What the contract does not know, as one JSON object; None where there is nothing.

    PostgreSQL's jsonb takes no NUL and no half of a surrogate pair: each becomes U+FFFD.
    """
    if not values:
        return None
    clean = {_fit(name): None if value is None else _fit(value) for name, value in values.items()}
    return _ENCODER.encode(clean).decode()


def _fit(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)


class Fit:
    """Where each column of the contract stands in a table. Raises ShapeError where the contract forbids its shape."""

    def __init__(self, reading: Reading, table: Table) -> None:
        self.reading, self.table = reading, table
        names = list(table.names)
        twice = [name for name, count in Counter(names).items() if count > 1]
        expected = reading.expected()
        if twice:
            wanted = f"the file must have: {listed(expected)}"
            raise reading.misshapen(
                f"{table.place}: twice in the header: {redact_names(reading.contract, twice, names)}", wanted
            )
        known = set(expected)
        unexpected = [name for name in names if name not in known]
        missing = [name for name in expected if name not in names]
        try:
            self.warnings = reading.check_promised(missing, unexpected, table.place, among=names)
        except ShapeError as error:
            row = missing and self._header_elsewhere()
            if not row:
                raise
            hint = f"the promised header seems to stand in row {row}: declare header_row: {row}"
            raise ShapeError(error.subject, error.message, hint=hint) from None
        self.warnings += table.warnings
        width = len(names)
        place = {name: index for index, name in enumerate(names)}
        # Behind the file's own cells stand what is no cell of it: nothing, the sheet's name, the file's name.
        place[SHEET], place[FILE] = width + 1, width + 2
        self.behind = (None, table.sheet, reading.name)
        self.picks = tuple(place.get(fold(c.source_name), width) for c in reading.contract.stored)
        self.extras = [(name, place[name]) for name in unexpected] if reading.contract.evolves else None
        self.totals = self._totals(place)
        self.filling = self._filling(place)
        self.above: dict[int, str] = {}
        self.dropped = self.short = 0

    def _header_elsewhere(self) -> int | None:
        """The row among the file's first that has most of the promised names, and more than the header has."""
        if self.table.all_rows is None:
            return None
        expected = {name.split(_JOINT)[0] for name in self.reading.expected()}
        best, found = len(expected.intersection(n.split(_JOINT)[0] for n in self.table.names)), None
        with suppress(SourceError):
            for number, cells in islice(self.table.all_rows(), _LOOKED_AT):
                count = len(expected.intersection(map(fold, cells)))
                if count > best and count * 2 > len(expected):
                    best, found = count, number
        return found

    def _filling(self, place: Mapping[str, int]) -> list[int]:
        """Where the columns stand whose empty cells take the value above."""
        names = self.reading.filled_down()
        if lost := [name for name in names if name not in place]:
            message = f"{self.reading.name}: fill_down names {lost[0]!r}, which is no column of the file"
            raise ContractError(
                self.reading.contract.key, message, hint="correct extract.fill_down in the contract"
            )
        return [place[name] for name in names]

    def _totals(self, place: Mapping[str, int]) -> list[tuple[int, re.Pattern[str]]]:
        found: list[tuple[int, re.Pattern[str]]] = []
        for name, pattern in self.reading.extract.totals.items():
            if fold(name) not in place:
                message = (
                    f"{self.reading.name}: totals are looked for in {name!r}, which is no column of the file"
                )
                raise ContractError(
                    self.reading.contract.key, message, hint="correct extract.totals in the contract"
                )
            found.append((place[fold(name)], re.compile(pattern)))
        return found

    def blocks(self, stream: SourceStream) -> Iterator[bytes]:
        """COPY text: the contract's columns, what it does not know, the position. Raises SourceError."""
        for part in self.table.parts:
            columns = self._columns(part) if isinstance(part, Columns) else None
            if columns:
                yield encode_columns(columns, stream)
            else:
                yield from encode_rows(self._rows(part), stream)
        if self.dropped:
            named = self.table.sheet and may_be_shown(self.reading.contract)
            place = f" in sheet {self.table.sheet}" if named else ""
            stream.warnings.append(f"{self.reading.name}: {self.dropped} total rows left out{place}")
        if self.short:
            words = f"{self.short} rows have fewer cells than the header, those that are missing are NULL"
            stream.warnings.append(f"{self.reading.name}: {words}")

    def _columns(self, part: Columns) -> list[Sequence[str]] | None:
        """What `_rows` gives, column by column; None where single rows must be looked at."""
        looked_at = self.totals or self.filling or self.extras is not None
        if len(part.cells) != len(self.table.names) or looked_at:
            return None
        # Where one column is filled, no row is blank.
        if not any(all(map(str.strip, column)) for column in part.cells):
            return None
        cells = [*part.cells, *([value or ""] * len(part.positions) for value in self.behind)]
        return [*(cells[place] for place in self.picks), part.positions]

    def _rows(self, part: Iterable[Row]) -> Iterator[list[str | None]]:
        width, extras, totals, blank = len(self.table.names), self.extras, self.totals, self.table.blank
        as_they_are = self.picks == tuple(range(width))
        whole = max(self.picks, default=0) < width
        # With a second index a getter always gives a tuple.
        pick = itemgetter(*self.picks, 0)
        for position, found in part:
            cells = found
            if len(cells) != width:
                cells = self._widened(position, cells)
            # Most rows begin with something: only the others are looked through.
            if blank and not (cells[0] and cells[0].strip()) and not "".join(cells).strip():  # type: ignore[arg-type]  # a blank table's cells are all text
                continue
            if totals and self._is_total(cells):
                self.dropped += 1
                continue
            if self.table.even and len(found) < width:
                self._check_short(position, found)
            if self.filling:
                cells = self._filled(cells)
                if position == UNSEEN:
                    continue
            picked = cells if as_they_are else pick(cells if whole else [*cells, *self.behind])[:-1]
            row = [cell or None for cell in picked] if blank and "" in picked else list(picked)
            if extras is not None:
                row.append(
                    _extra_cell({name: (cells[i] or None) if blank else cells[i] for name, i in extras})
                )
            row.append(position)
            yield row

    def _filled(self, cells: Sequence[str | None]) -> list[str | None]:
        """The row with the values from above. A new value of one column ends what those after it in the list had."""
        filled = list(cells)
        for level, place in enumerate(self.filling):
            cell = filled[place]
            if cell and cell.strip():
                for lower in self.filling[level:]:
                    self.above.pop(lower, None)
                self.above[place] = cell
            else:
                filled[place] = self.above.get(place)
        return filled

    def _widened(self, position: str, cells: Sequence[str | None]) -> Sequence[str | None]:
        """A row of text as wide as the header. Raises SourceError where it holds more."""
        width = len(self.table.names)
        if any(cell and cell.strip() for cell in cells[width:]):
            message = f"{position}: {len(cells)} cells, but the header has {width}"
            raise self.reading.fault(message, "a delimiter inside a cell must stand in quotes")
        return [*cells[:width], *[""] * (width - len(cells))]

    def _check_short(self, position: str, cells: Sequence[str | None]) -> None:
        """A line break that no quotes hold makes two short rows of one: both would load, each with a part."""
        self.short += 1
        if self.reading.extract.short_rows:
            return
        message = f"{position}: {len(cells)} cells, but the header has {len(self.table.names)}"
        hint = "a line break inside a cell must stand in quotes; if this file's writer leaves empty cells at the end"
        raise self.reading.fault(message, f"{hint} away (Excel may), declare short_rows: true")

    def _is_total(self, cells: Sequence[str | None]) -> bool:
        return any(pattern.search((cells[i] or "").strip()) for i, pattern in self.totals)
