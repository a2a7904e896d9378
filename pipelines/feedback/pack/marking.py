"""Reads the OPD's file once more and gives each of its rows, with the findings about it, to those who write it marked.

What belongs here: joining the rows of the file with the refused rows, both in the order of the file. Not here: reading
the file (extract/upload/original.py), writing (workbook.py, csv_copy.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from psycopg import Connection

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.contracts.soft_rules import has_soft_rules
from pipelines.contracts.upload import CONFIRM_COLUMN, NOTE_COLUMN, OUR_COLUMNS
from pipelines.errors import SourceError
from pipelines.extract.source_names import fold
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.inbox import list_uploads
from pipelines.extract.upload.original import Original
from pipelines.extract.upload.row_rules import without_escape
from pipelines.extract.upload.table import Table
from pipelines.extract.upload.zone import Zone
from pipelines.feedback.entries import Finding, RefusedRow, refused_rows
from pipelines.feedback.limits import MOST_EQUAL
from pipelines.feedback.loads import JudgedLoad
from pipelines.feedback.pack.place import Layout, SheetLayout, letter_of, read_place
from pipelines.feedback.pack.workbook import SheetPlan


class Sink(Protocol):
    """Writes the marked rows of one file."""

    def begin(self, plan: SheetPlan) -> None:
        """Begins a table."""
        ...

    def row(
        self,
        number: int,
        cells: Sequence[str | None],
        findings: Sequence[Finding],
        *,
        confirmation: str = "",
        hidden: bool = False,
    ) -> None:
        """Writes a row. number: its place in a sheet. confirmation: what the OPD has written about the row."""
        ...


def find_original(zone: Zone, load: JudgedLoad) -> UploadedFile | None:
    """The file in the zone that the load has read; None if it is gone or was replaced. Raises SourceError."""
    if load.source_name is None or load.sha256 is None:
        return None
    listing = list_uploads(zone, load.contract)
    for file in (*listing.files, *listing.superseded):
        if file.name == load.source_name and file.sha256 == load.sha256:
            return file
    return None


def mark(connection: Connection[Any], load: JudgedLoad, original: Original, sinks: Sequence[Sink]) -> Layout:
    """Gives all rows of the file to the sinks, and returns where its columns are. Call it in a transaction.

    Raises SourceError if the file can't be read to its end.
    """
    layout = Layout()
    for table in original.tables():
        places = _Places(load.contract, table, is_csv=original.dialect is not None)
        before, shift = places.before, places.shift
        layout.sheets[before] = SheetLayout(table.sheet or "", places.letters(), shift)
        plan = places.plan(original)
        for sink in sinks:
            sink.begin(plan)
        marks = _Marks(refused_rows(connection, load, before=before), places, load.contract)
        for part in table.parts:
            for position, cells in part:
                number = read_place(position).number
                if number is None:
                    continue
                own = places.own(cells)
                findings = marks.of(number, cells)
                hidden = table.hidden is not None and any(table.hidden(range(number, number + 1)))
                for sink in sinks:
                    sink.row(
                        number + shift, own, findings, confirmation=places.confirmation(cells), hidden=hidden
                    )
    return layout


class _Places:
    """The columns of a table that are the OPD's own, and what the contract calls them."""

    def __init__(self, contract: Contract, table: Table, *, is_csv: bool) -> None:
        self._table = table
        self._is_escaped = is_csv and NOTE_COLUMN in table.names
        self._confirms = has_soft_rules(contract)
        self._confirmed_at = table.names.index(CONFIRM_COLUMN) if CONFIRM_COLUMN in table.names else None
        known = {fold(c.source_name): c for c in contract.columns}
        self.kept = [place for place, name in enumerate(table.names) if name not in OUR_COLUMNS]
        self.columns: list[Column | None] = [known.get(fold(table.names[place])) for place in self.kept]
        stored = {c.name for c in contract.stored}
        self.read = [
            place
            for place, c in zip(self.kept, self.columns, strict=True)
            if c is not None and c.name in stored
        ]
        self.header = read_place(table.place)
        self.before = self.header.before if self.header.number else ""
        self.shift = 0 if self.header.number else 1

    def letters(self) -> dict[str, str]:
        return {
            column.name: letter_of(self._table.left + at)
            for at, column in enumerate(self.columns)
            if column is not None
        }

    def own(self, cells: Sequence[str | None]) -> list[str | None]:
        own = [cells[place] if place < len(cells) else None for place in self.kept]
        return [without_escape(cell) for cell in own] if self._is_escaped else own

    def confirmation(self, cells: Sequence[str | None]) -> str:
        at = self._confirmed_at
        return (cells[at] or "").strip() if at is not None and at < len(cells) else ""

    def plan(self, original: Original) -> SheetPlan:
        table, above = self._table, (self.header.number or 1) - 1
        head = [self.own(cells) for cells in table.head] or [[table.names[place] for place in self.kept]]
        if original.dialect:
            head[:above] = [[line.strip()] for line in original.lines_above(above + 1)]
        return SheetPlan(
            table.sheet or "Data", head, self.columns, table.left, len(head) - above, self._confirms
        )


class _Marks:
    """The findings of a table's rows, asked in the order of the rows.

    Quarantine has one entry for rows that are equal, with the place of the first one. So findings are remembered by the
    texts of the row, up to MOST_EQUAL, unless cells may be filled from above.
    """

    def __init__(self, rows: Iterator[RefusedRow], places: _Places, contract: Contract) -> None:
        self._rows, self._places = rows, places
        self._next = next(rows, None)
        self._equal: dict[int, tuple[Finding, ...]] = {}
        self._remembers = not getattr(contract.extract, "fill_down", ())

    def of(self, number: int, cells: Sequence[str | None]) -> tuple[Finding, ...]:
        """The findings of a row."""
        found: tuple[Finding, ...] = ()
        while self._next is not None and (at := self._next.place.number) is not None and at <= number:
            if at == number:
                found += self._next.findings
            self._next = next(self._rows, None)
        if not self._remembers or (not found and not self._equal):
            return found
        content = hash(tuple((cells[p] or None) if p < len(cells) else None for p in self._places.read))
        if found:
            if len(self._equal) < MOST_EQUAL:
                self._equal[content] = found
            return found
        return self._equal.get(content, ())


def original_of(zone: Zone, load: JudgedLoad) -> tuple[UploadedFile | None, str]:
    """The file that the load has read, or None and the reason why it is not given back."""
    try:
        found = find_original(zone, load)
    except SourceError as error:
        return None, f"Berkas aslinya tidak dapat dibaca lagi: {error.message}."
    if found is None:
        return None, (
            "Berkas aslinya sudah tidak ada di zona unggah, atau sudah diganti. Yang ada di sini baris-baris yang"
            " ditahan, seperti tercatat saat dimuat."
        )
    return found, ""
