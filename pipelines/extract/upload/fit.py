"""Matches a table with its contract: finds the place of each column, and makes the rows of the stream.

What belongs here: which rules apply to a row, in which order. Not here: the rules (row_rules.py), what the
contract promises (reading.py), records of JSON (json_file.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from pipelines.contracts.upload import CONFIRM_COLUMN, FILE, NOTE_COLUMN, OUR_COLUMNS, SHEET
from pipelines.errors import ShapeError, SourceError
from pipelines.extract.source_names import fold, redact_names, shown_name, suggestible
from pipelines.extract.stream import SourceStream, encode_columns, encode_rows
from pipelines.extract.upload.reading import HEADER, Reading
from pipelines.extract.upload.row_rules import (
    Cells,
    FillDown,
    Pick,
    Totals,
    empty_to_null,
    extra_cell,
    is_blank,
    is_filled_beyond,
    without_escape,
)
from pipelines.extract.upload.table import HIDDEN, LEVELS, Columns, Row, Table
from pipelines.suggest import did_you_mean

MOST_CONFIRMATIONS = 10_000
"""How many rows of a table an OPD may confirm in one file."""
CONFIRMATION_CHARACTERS = 500
_HEADER_WITHIN = 50
"""If the header is not in the promised row, it is searched for in this many rows from the file's beginning."""


class Fit:
    """A table that has been matched with its contract.

    Raises ShapeError if the columns are not the promised ones, ContractError if the contract names another column.
    picks: the places of the contract's stored columns, in its order. A place from `width` on is one of the three values
    that follow the cells. warnings: those about the table's shape.
    """

    def __init__(self, reading: Reading, table: Table) -> None:
        self.reading, self.table = reading, table
        self.width = len(table.names)
        self._refuse_repeated()
        promised = reading.promised_names()
        self._ours = [name for name in OUR_COLUMNS if name in table.names and name not in promised]
        known = {*promised, *self._ours}
        unexpected = [name for name in table.names if name not in known]
        missing = [name for name in promised if name not in table.names]
        self.warnings = [*self._check(missing, unexpected), *table.warnings]

        # Three values follow the cells of each row: None (for a missing column), the sheet's and the file's name.
        self._appended = (None, table.sheet, reading.name)
        place = {name: index for index, name in enumerate(table.names)}
        place |= {SHEET: self.width + 1, FILE: self.width + 2}
        self.picks = tuple(place.get(fold(c.source_name), self.width) for c in reading.contract.stored)
        self.totals = Totals(self._total_patterns(place))
        self.fill_down = FillDown(self._fill_down_places(place))
        self.keeps_extra = reading.contract.evolves
        self._extras = [(name, place[name]) for name in unexpected]
        self._pick = Pick(self.picks, self.width, self._appended)
        self._totals_left_out = self._short_rows = 0
        self._our_places = {place[name] for name in self._ours}
        self._is_escaped = NOTE_COLUMN in self._ours and reading.extract.format == "csv"
        self._confirmed_at = place[CONFIRM_COLUMN] if CONFIRM_COLUMN in self._ours else None
        self._confirmations: dict[str, str] = {}
        self._unread_confirmations = 0

    @property
    def names(self) -> list[str]:
        """The names of the file's own columns."""
        return [name for name in self.table.names if name not in self._ours]

    @property
    def is_plain(self) -> bool:
        """Whether rows need no rule: no totals, no `fill_down`, nothing for `_extra`, no column of ours."""
        return not (self.totals.patterns or self.fill_down or self.keeps_extra or self._ours)

    def blocks(self, stream: SourceStream) -> Iterator[bytes]:
        """Gives the rows as COPY text: the contract's columns, the unknown ones, the position. Raises SourceError."""
        for part in self.table.parts:
            columns = self.whole_columns(part) if isinstance(part, Columns) else None
            if columns is not None:
                yield encode_columns(columns, stream)
            else:
                yield from encode_rows(self.rows(part), stream)
        stream.confirmations |= self._confirmations
        stream.warnings.extend(self._row_warnings())

    def whole_columns(self, part: Columns) -> list[Sequence[str]] | None:
        """Returns the same as `rows`, column by column; None if each row must be looked at."""
        if len(part.cells) != self.width or not self.is_plain:
            return None
        # If every cell of one column is filled, no row is blank.
        if not any(all(map(str.strip, column)) for column in part.cells):
            return None
        cells = [*part.cells, *([value or ""] * len(part.positions) for value in self._appended)]
        return [*(cells[place] for place in self.picks), part.positions]

    def rows(self, part: Iterable[Row]) -> Iterator[list[str | None]]:
        """Gives the rows of the stream, each with its position in the last cell. Raises SourceError."""
        has_totals, fills_down = bool(self.totals.patterns), bool(self.fill_down)
        for position, found in part:
            cells = self._without_ours(position, found) if self._ours else found
            if self.table.empty_is_null and is_blank(cells):
                continue
            if len(cells) > self.width:
                cells = self._cut(position, cells)
            if has_totals and self.totals.matches(cells):
                self._totals_left_out += 1
                continue
            if len(cells) < self.width:
                cells = self._padded(position, cells)
            if fills_down:
                cells = self.fill_down.fill(cells)
            if position != HIDDEN:
                yield self._stream_row(position, cells)

    def _without_ours(self, position: str, cells: Cells) -> Cells:
        """The row as the OPD sent it: empty in our columns, without ESCAPE. Remembers what the OPD confirms of it."""
        at = self._confirmed_at
        if at is not None and at < len(cells) and (text := (cells[at] or "").strip()):
            if len(self._confirmations) < MOST_CONFIRMATIONS:
                self._confirmations[position] = text[:CONFIRMATION_CHARACTERS]
            else:
                self._unread_confirmations += 1
        own: Cells = ["" if place in self._our_places else cell for place, cell in enumerate(cells)]
        return [without_escape(cell) for cell in own] if self._is_escaped else own

    def _cut(self, position: str, cells: Cells) -> Cells:
        """Cuts a row to the header's width. Raises SourceError if a cell after the last header column is filled."""
        if is_filled_beyond(cells, self.width):
            message = f"{position}: {len(cells)} sel, sedangkan {HEADER} {self.width}"
            hint = "pemisah di dalam sel harus berada di antara tanda kutip"
            raise self.reading.source_error(message, hint, code="GDK-F013")
        return cells[: self.width]

    def _padded(self, position: str, cells: Cells) -> Cells:
        """Fills a row up to the header's width. Raises SourceError if a short row means damage.

        A line break outside of quotes splits one row into two short rows. Without this check both would be loaded, each
        with a part of the data.
        """
        if self.table.short_is_damage:
            self._short_rows += 1
            if not self.reading.extract.short_rows:
                message = f"{position}: {len(cells)} sel, sedangkan {HEADER} {self.width}"
                hint = (
                    "ganti baris di dalam sel harus berada di antara tanda kutip; bila penulis berkas ini membuang sel"
                    " kosong di akhir baris (seperti Excel), nyatakan short_rows: true"
                )
                raise self.reading.source_error(message, hint, code="GDK-F013")
        return [*cells, *[""] * (self.width - len(cells))]

    def _stream_row(self, position: str, cells: Cells) -> list[str | None]:
        picked = self._pick.cells(cells)
        row = empty_to_null(picked) if self.table.empty_is_null else list(picked)
        if self.keeps_extra:
            row.append(self._extra_cell(cells))
        row.append(position)
        return row

    def _extra_cell(self, cells: Cells) -> str | None:
        found = {name: cells[place] for name, place in self._extras}
        return extra_cell({n: c or None for n, c in found.items()} if self.table.empty_is_null else found)

    def _row_warnings(self) -> Iterator[str]:
        """Gives the warnings about the rows, when all have been read."""
        if self._totals_left_out:
            sheet = shown_name(self.reading.contract, self.table.sheet or "")
            where = f" di lembar {sheet}" if sheet else ""
            yield f"{self.reading.name}: {self._totals_left_out} baris jumlah tidak dimuat{where}"
        if self._short_rows:
            yield (
                f"{self.reading.name}: {self._short_rows} baris memuat lebih sedikit sel daripada {HEADER};"
                " sel yang tidak ada menjadi NULL"
            )
        if self._unread_confirmations:
            yield (
                f"{self.reading.name}: {self._unread_confirmations} konfirmasi tidak dibaca, paling banyak"
                f" {MOST_CONFIRMATIONS} per lembar"
            )

    def _refuse_repeated(self) -> None:
        """Raises ShapeError if the header has a name twice."""
        names = self.table.names
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            shown = redact_names(self.reading.contract, repeated, names)
            message = f"{self.table.place}: ganda di {HEADER}: {shown}"
            raise self.reading.shape_error(message, self.reading.promise(), code="GDK-F016")

    def _check(self, missing: Sequence[str], unexpected: Sequence[str]) -> list[str]:
        """Returns warnings about the header. Raises ShapeError, with the row of the promised header if it is found."""
        try:
            return self.reading.check_names(missing, unexpected, self.table.place, among=self.table.names)
        except ShapeError as error:
            row = self._header_elsewhere() if missing else None
            if row is None:
                raise
            hint = f"{HEADER} yang dijanjikan tampaknya di baris {row}: nyatakan header_row: {row}"
            raise ShapeError(error.subject, error.message, hint=hint, code=error.code) from None

    def _header_elsewhere(self) -> int | None:
        """Finds the row among the file's first ones that has the most promised names; None if there is none.

        It must have more than half of them, and more than the header has.
        """
        if self.table.all_rows is None:
            return None
        promised = {name.split(LEVELS)[0] for name in self.reading.promised_names()}
        most, found = len(promised.intersection(n.split(LEVELS)[0] for n in self.table.names)), None
        with suppress(SourceError):
            for number, cells in islice(self.table.all_rows(), _HEADER_WITHIN):
                count = len(promised.intersection(map(fold, cells)))
                if count > most and count * 2 > len(promised):
                    most, found = count, number
        return found

    def _fill_down_places(self, place: Mapping[str, int]) -> list[int]:
        return [self._place(name, place, "fill_down") for name in self.reading.fill_down_names()]

    def _total_patterns(self, place: Mapping[str, int]) -> list[tuple[int, re.Pattern[str]]]:
        totals = self.reading.extract.totals.items()
        return [(self._place(fold(name), place, "totals"), re.compile(pattern)) for name, pattern in totals]

    def _place(self, name: str, place: Mapping[str, int], key: str) -> int:
        """Returns the place of the column that the contract's `extract.<key>` names. Raises ContractError if none."""
        if name in place:
            return place[name]
        meant = did_you_mean(name, suggestible(self.reading.contract, self.table.names))
        hint = f"perbaiki extract.{key} di kontrak" + (f"; {meant}" if meant else "")
        message = f"extract.{key} menyebut {name!r}, yang bukan kolom berkas ini"
        raise self.reading.contract_error(message, hint, code="GDK-K016")
