"""The rows of a sheet: the cells that calamine gives, with what the workbook says beside them.

What belongs here: errors, percent formats, the epoch, hidden rows and merged cells as they change what is loaded. Not
here: finding them (facts.py), which sheets (tables.py), which column is which (extract/upload/table.py).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import compress

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.extract.number_forms import number_form
from pipelines.extract.upload.table import UNSEEN, Columns, Reading, Row
from pipelines.extract.upload.workbook.facts import DAYS_BETWEEN_EPOCHS, SheetFacts
from pipelines.extract.upload.workbook.guard import WorkbookProcess

_SAVE_ANEW = "open it in Excel or LibreOffice, save it and upload it again"
_PERCENT = frozenset({"persen", "persen_pecahan"})


def percent_is_read(contract: Contract) -> bool:
    """Whether a column of the contract reads percent."""
    return any(_reads_percent(c) for c in contract.stored)


def _reads_percent(column: Column) -> bool:
    return not _PERCENT.isdisjoint(column.parse)


class SheetRows:
    """A sheet that the process reads; its header first, then the rest.

    left: its first used column. place: what stands before "baris 12". hidden: how many filled rows nobody sees.
    """

    def __init__(
        self, reading: Reading, process: WorkbookProcess, facts: SheetFacts, left: int, place: str
    ) -> None:
        self.facts, self.left, self.place = facts, left, place
        self.hidden = 0
        self._reading, self._process = reading, process
        self._head: list[tuple[str, ...]] = []

    def head(self) -> list[tuple[str, ...]]:
        """The first rows, down to the header's last."""
        cells = _cells(self._process.answer())
        self._head = list(zip(*cells, strict=True))
        self._refuse_formulas(range(1, len(self._head) + 1))
        return self._head

    def all_rows(self, names: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
        """Number and cells of the first rows, the header's and those above it too."""
        yield from enumerate(self._head, 1)
        below = (cells for part in self.parts(names) for _, cells in part)
        yield from enumerate(below, len(self._head) + 1)  # type: ignore[misc]  # cells of a sheet are texts

    def parts(self, names: Sequence[str]) -> Iterator[Iterable[Row]]:
        """The rows below the header, some at a time. names: of the columns, from the first used one on."""
        self._process.ask_forms(self._forms(names))
        percent = {
            place: self.facts.percent[place + self.left]
            for place, column in self._reading.places(names).items()
            if _reads_percent(column) and place + self.left in self.facts.percent
        }
        faults: dict[int, list[tuple[int, str]]] = {}
        for (row, column), text in self.facts.faults.items():
            faults.setdefault(row, []).append((column - self.left, text or ""))
        first = len(self._head) + 1
        while block := self._process.answer():
            cells = _cells(block)
            rows = range(first, first + len(cells[0]))
            self._refuse_formulas(rows)
            for place, shown in percent.items():
                for row in shown.within(rows):
                    cells[place][row - first] = _percent(cells[place][row - first])
            if not faults.keys().isdisjoint(rows):
                _put_faults(cells, faults, rows)
            yield self._visible(Columns(cells, [f"{self.place}baris {row}" for row in rows]), rows)
            first = rows.stop
        # Below the last cell that calamine sees there may be errors and formulas only.
        for row in sorted(row for row in faults if row >= first):
            self._refuse_formulas(range(row, row + 1))
            cells = [[""] for _ in names]
            _put_faults(cells, faults, range(row, row + 1))
            yield self._visible(Columns(cells, [f"{self.place}baris {row}"]), range(row, row + 1))

    def _forms(self, names: Sequence[str]) -> Mapping[int, str | int]:
        """How number cells are written, by place of their column; see reader.py."""
        forms: dict[int, str | int] = {}
        for place, column in self._reading.places(names).items():
            if form := number_form(column):
                forms[place] = form
            elif "serial_excel" in column.parse and self.facts.epoch_1904:
                forms[place] = DAYS_BETWEEN_EPOCHS
            elif "serial_excel_1904" in column.parse and not self.facts.epoch_1904:
                forms[place] = -DAYS_BETWEEN_EPOCHS
        return forms

    def _refuse_formulas(self, rows: range) -> None:
        """Raises SourceError for a formula that was never computed."""
        for row in sorted(self.facts.uncomputed.intersection(rows)):
            column = min(c for (r, c), text in self.facts.faults.items() if r == row and text is None)
            message = f"{self.place}baris {row}, column {column + 1} holds a formula without a computed value"
            raise self._reading.fault(message, _SAVE_ANEW)

    def _visible(self, part: Columns, rows: range) -> Columns:
        """The rows that are to be loaded, without hidden ones where the contract says so; counts those."""
        hidden = [
            row
            for row in self.facts.hidden.within(rows)
            if any(column[row - rows.start].strip() for column in part.cells)
        ]
        self.hidden += len(hidden)
        if not hidden or self._reading.extract.hidden != "skip":
            return part
        if self._reading.extract.fill_down:
            # A hidden row may hold the value that counts for the visible ones below it.
            positions = [
                UNSEEN if row in hidden else place for row, place in zip(rows, part.positions, strict=True)
            ]
            return Columns(part.cells, positions)
        kept = [row not in hidden for row in rows]
        return Columns(
            [list(compress(column, kept)) for column in part.cells], list(compress(part.positions, kept))
        )

    def of_merged_cells(self, names: Sequence[str]) -> Iterator[str]:
        """A warning where merged cells below the header leave cells of the contract's columns empty."""
        extract = self._reading.extract
        filled = {place for place, name in enumerate(names) if name in self._reading.filled_down()}
        wanted = sorted(self._reading.places(names))
        top = extract.header_row - 1 + extract.header_rows
        met: list[tuple[int, int]] = []
        for (row, column), (last_row, last_column) in self.facts.merged:
            first = column - self.left
            covered = bisect_right(wanted, last_column - self.left) - bisect_left(wanted, first + 1)
            below = last_row > row and first in wanted and first not in filled
            if row >= top and (covered > 0 or below):
                met.append((row + 1, first))
        if met:
            row, place = min(met)
            name = names[place] if 0 <= place < len(names) else f"kolom {place + 1}"
            yield (
                f"{self._reading.name}: {len(met)} sel gabungan di isi tabel, yang pertama di {self.place}baris {row}"
                f" kolom {name}: nilainya hanya ada di sel pertama, sel lain kosong; nyatakan extract.fill_down:"
                " [nama kolom] di kontrak, atau minta OPD membuka gabungannya"
            )


def _cells(block: Sequence[str | list[str]]) -> list[list[str]]:
    return [column.split(",") if isinstance(column, str) else column for column in block]


def _put_faults(
    cells: Sequence[list[str]], faults: Mapping[int, Sequence[tuple[int, str]]], rows: range
) -> None:
    for row in faults.keys() & set(rows):
        for place, text in faults[row]:
            if 0 <= place < len(cells):
                cells[place][row - rows.start] = text


def _percent(text: str) -> str:
    """The text of a number that the workbook shows as percent: 0,125 is 12,5%."""
    try:
        number = Decimal(text.replace(",", ".")).scaleb(2)
    except InvalidOperation:
        return text
    return f"{number.normalize():f}%".replace(".", ",")
