"""Makes the rows of a sheet from calamine's cells and the facts that these do not show (facts.py).

What belongs here: how errors, percent formats, the epoch, hidden rows and merged cells change what is loaded. Not here:
finding them (facts.py), which sheets (tables.py), which column is which (extract/upload/fit.py).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import compress

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.extract.number_forms import number_form
from pipelines.extract.upload.reading import Reading
from pipelines.extract.upload.table import HIDDEN, Columns, Row
from pipelines.extract.upload.workbook.facts import DAYS_BETWEEN_EPOCHS, Rows, SheetFacts
from pipelines.extract.upload.workbook.process import WorkbookProcess

SAVE_AGAIN = "buka di Excel atau LibreOffice, simpan, lalu unggah lagi"
_PERCENT = frozenset({"persen", "persen_pecahan"})


def any_reads_percent(contract: Contract) -> bool:
    """Whether a column of the contract has a repair that reads percent."""
    return any(_reads_percent(c) for c in contract.stored)


def _reads_percent(column: Column) -> bool:
    return not _PERCENT.isdisjoint(column.parse)


class SheetRows:
    """The rows of one sheet, as the process gives them. Call `head` first, then `parts`.

    left: the sheet's first used column, from 0. place: the text before "baris 12" in a position.
    hidden: the number of hidden rows with a value, counted while they are read.
    """

    def __init__(
        self, reading: Reading, process: WorkbookProcess, facts: SheetFacts, left: int, place: str
    ) -> None:
        self.facts, self.left, self.place = facts, left, place
        self.hidden = 0
        self._reading, self._process = reading, process
        self._head: list[tuple[str, ...]] = []

    def head(self) -> list[tuple[str, ...]]:
        """Returns the first rows of the sheet; the header is at their end."""
        cells = _cells(self._process.answer())
        self._head = list(zip(*cells, strict=True))
        self._refuse_formulas(range(1, len(self._head) + 1))
        return self._head

    def all_rows(self, names: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
        """Gives number and cells of every row, also of the header and of the rows above it."""
        yield from enumerate(self._head, 1)
        below = (cells for part in self.parts(names) for _, cells in part)
        yield from enumerate(below, len(self._head) + 1)  # type: ignore[misc]  # cells of a sheet are texts

    def parts(self, names: Sequence[str]) -> Iterator[Iterable[Row]]:
        """Gives the rows below the header, some at a time. names: those of the columns, from the first used one on."""
        self._process.ask_forms(self._forms(names))
        percent, faults = self._percent_rows(names), self._faults_by_row()
        first = len(self._head) + 1
        while block := self._process.answer():
            cells = _cells(block)
            rows = range(first, first + len(cells[0]))
            self._refuse_formulas(rows)
            for place, percent_rows in percent.items():
                for row in percent_rows.within(rows):
                    cells[place][row - first] = _percent(cells[place][row - first])
            if not faults.keys().isdisjoint(rows):
                _put_faults(cells, faults, rows)
            yield self._visible(self._columns(cells, rows), rows)
            first = rows.stop
        # Below the last cell that calamine gives there may still be rows that have only errors.
        for row in sorted(row for row in faults if row >= first):
            rows = range(row, row + 1)
            self._refuse_formulas(rows)
            cells = [[""] for _ in names]
            _put_faults(cells, faults, rows)
            yield self._visible(self._columns(cells, rows), rows)

    def _columns(self, cells: Sequence[Sequence[str]], rows: range) -> Columns:
        return Columns(cells, [f"{self.place}baris {row}" for row in rows])

    def _percent_rows(self, names: Sequence[str]) -> Mapping[int, Rows]:
        """Returns, for each column that reads percent, the rows whose number is shown as percent; by its place."""
        return {
            place: self.facts.percent[place + self.left]
            for place, column in self._reading.columns_by_place(names).items()
            if _reads_percent(column) and place + self.left in self.facts.percent
        }

    def _faults_by_row(self) -> Mapping[int, Sequence[tuple[int, str]]]:
        """Returns, for each row, the places and texts of its error cells."""
        faults: dict[int, list[tuple[int, str]]] = {}
        for (row, column), text in self.facts.faults.items():
            faults.setdefault(row, []).append((column - self.left, text or ""))
        return faults

    def _forms(self, names: Sequence[str]) -> Mapping[int, str | int]:
        """Returns how the number cells of each column are written (program.Form), by the column's place."""
        forms: dict[int, str | int] = {}
        for place, column in self._reading.columns_by_place(names).items():
            if form := number_form(column):
                forms[place] = form
            elif "serial_excel" in column.parse and self.facts.epoch_1904:
                forms[place] = DAYS_BETWEEN_EPOCHS
            elif "serial_excel_1904" in column.parse and not self.facts.epoch_1904:
                forms[place] = -DAYS_BETWEEN_EPOCHS
        return forms

    def _refuse_formulas(self, rows: range) -> None:
        """Raises SourceError if one of the rows has a formula that was never computed."""
        for row in sorted(self.facts.uncomputed.intersection(rows)):
            column = min(c for (r, c), text in self.facts.faults.items() if r == row and text is None)
            message = f"{self.place}baris {row}, kolom {column + 1}: rumus tanpa nilai yang sudah dihitung"
            raise self._reading.source_error(message, SAVE_AGAIN, code="GDK-F014")

    def _visible(self, part: Columns, rows: range) -> Columns:
        """Returns the rows to load, without hidden ones if the contract leaves them out. Counts the hidden ones."""
        hidden = [
            row
            for row in self.facts.hidden.within(rows)
            if any(column[row - rows.start].strip() for column in part.cells)
        ]
        self.hidden += len(hidden)
        if not hidden or self._reading.extract.hidden != "skip":
            return part
        if self._reading.extract.fill_down:
            # A hidden row may have the value that fills the visible rows below it.
            positions = [
                HIDDEN if row in hidden else place for row, place in zip(rows, part.positions, strict=True)
            ]
            return Columns(part.cells, positions)
        kept = [row not in hidden for row in rows]
        return Columns(
            [list(compress(column, kept)) for column in part.cells], list(compress(part.positions, kept))
        )

    def merged_cells_warnings(self, names: Sequence[str]) -> Iterator[str]:
        """Gives a warning if merged cells below the header leave cells of the contract's columns empty."""
        extract = self._reading.extract
        filled = {place for place, name in enumerate(names) if name in self._reading.fill_down_names()}
        wanted = sorted(self._reading.columns_by_place(names))
        top = extract.header_row - 1 + extract.header_rows
        found: list[tuple[int, int]] = []
        for (row, column), (last_row, last_column) in self.facts.merged:
            first = column - self.left
            empty_beside = bisect_right(wanted, last_column - self.left) - bisect_left(wanted, first + 1) > 0
            empty_below = last_row > row and first in wanted and first not in filled
            if row >= top and (empty_beside or empty_below):
                found.append((row + 1, first))
        if found:
            row, place = min(found)
            name = names[place] if 0 <= place < len(names) else f"kolom {place + 1}"
            yield (
                f"{self._reading.name}: {len(found)} sel gabungan di isi tabel, yang pertama di {self.place}baris {row}"
                f" kolom {name}: nilainya hanya ada di sel pertama, sel lain kosong; nyatakan extract.fill_down:"
                " [nama kolom] di kontrak, atau minta OPD membuka gabungannya"
            )


def _cells(block: Sequence[str | list[str]]) -> list[list[str]]:
    """Returns the columns of an answer as lists; some of them come as one text with commas (program.column_texts)."""
    return [column.split(",") if isinstance(column, str) else column for column in block]


def _put_faults(
    cells: Sequence[list[str]], faults: Mapping[int, Sequence[tuple[int, str]]], rows: range
) -> None:
    """Puts the texts of error cells into the block of `rows`."""
    for row in faults.keys() & set(rows):
        for place, text in faults[row]:
            if 0 <= place < len(cells):
                cells[place][row - rows.start] = text


def _percent(text: str) -> str:
    """Returns the text of a number that the workbook shows as percent: 0,125 gives 12,5%."""
    try:
        number = Decimal(text.replace(",", ".")).scaleb(2)
    except InvalidOperation:
        return text
    return f"{number.normalize():f}%".replace(".", ",")
