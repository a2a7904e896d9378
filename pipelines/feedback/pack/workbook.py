"""Writes workbooks with findings: the OPD's own sheets, marked, behind a sheet with the summary.

What belongs here: cells, colours, comments, the note column. openpyxl streams the rows to the disk; in memory are one
row and the comments. Not here: reading the original (marking.py), what a cell's value is (cells.py).

No text becomes a formula: each is written as a text (type "s").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.contracts.columns import Column
from pipelines.contracts.upload import CONFIRM_COLUMN, NOTE_COLUMN, SUMMARY_SHEET
from pipelines.feedback.entries import Finding
from pipelines.feedback.limits import CELL_CHARACTERS, MOST_COMMENTS, NOTE_CHARACTERS, SHEET_ROWS
from pipelines.feedback.pack.cells import is_moment, typed
from pipelines.feedback.pack.place import letter_of
from pipelines.findings.catalogue import Severity

if TYPE_CHECKING:
    from pipelines.feedback.pack.summary import Summary

COLOURS: Mapping[Severity, str] = {
    Severity.ERROR: "FFC7CE",
    Severity.WARNING: "FFEB9C",
    Severity.TO_CONFIRM: "BDD7EE",
}
_ORDER = tuple(COLOURS)
_HEAD, _NOTE = "DDE5EA", "FFF2CC"
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "_"))
_HARD = "Konfirmasi saja tidak cukup, ada yang harus diperbaiki"
_NOT_READ = "Konfirmasi ini tidak dapat dibaca, atau tanpa alasan"
_CUT = "Hanya sebagian: lembar ini penuh. Semua temuan dihitung di lembar ringkasan."


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """One sheet: its name, the rows above and of the header, and the contract's column of each of its columns.

    left: empty columns before the first one. header_rows: how many rows of `head` are the header.
    confirms: whether the OPD may confirm rows in CONFIRM_COLUMN.
    """

    name: str
    head: Sequence[Sequence[str | None]]
    columns: Sequence[Column | None]
    left: int = 0
    header_rows: int = 1
    confirms: bool = False


class MarkedBook:
    """A workbook that is written row by row: `begin` a sheet, `row` for each row, at last `save`."""

    def __init__(self) -> None:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
        from openpyxl.comments import Comment
        from openpyxl.styles import Alignment, Font, PatternFill

        self._cell, self._comment, self._illegal = WriteOnlyCell, Comment, ILLEGAL_CHARACTERS_RE
        self._bold, self._wrapped = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        self._fill = {
            colour: PatternFill("solid", fgColor=colour) for colour in (*COLOURS.values(), _HEAD, _NOTE)
        }
        self._book = Workbook(write_only=True)
        self._book.properties.creator = "Gudang Data Kaltim"
        self._summary = self._book.create_sheet(SUMMARY_SHEET)
        self._sheet: Any = None
        self._plan: SheetPlan | None = None
        self._templates: dict[tuple[int, str, str], Any] = {}
        self._at = self._comments = 0
        self.rows_left_out = 0
        self.is_faithful = True
        """Whether each text is as it came: none was cut, or has a character that a workbook can't have."""

    def begin(self, plan: SheetPlan) -> None:
        """Begins a sheet with its rows up to the header."""
        self._plan, self._at, self._templates = plan, 0, {}
        self._sheet = self._book.create_sheet(_title(plan.name))
        width = plan.left + len(plan.columns)
        self._sheet.freeze_panes = f"A{len(plan.head) + 1}"
        names = plan.head[-1]
        for place, column in enumerate(plan.columns):
            name = (names[place] if place < len(names) else None) or (column.source_name if column else "")
            letter = letter_of(plan.left + place)
            self._sheet.column_dimensions[letter].width = min(max(len(name) + 3, 12), 40)
        self._sheet.column_dimensions[letter_of(width)].width = 80
        if plan.confirms:
            self._sheet.column_dimensions[letter_of(width + 1)].width = 40
        above = len(plan.head) - plan.header_rows
        for number, cells in enumerate(plan.head):
            if number < above:
                self._append([*[None] * plan.left, *(self._text(cell) if cell else None for cell in cells)])
            else:
                padded = [*cells, *[""] * (len(plan.columns) - len(cells))]
                heads = [self._heading(cell) if cell else None for cell in padded]
                ours = [NOTE_COLUMN, *([CONFIRM_COLUMN] if plan.confirms else [])]
                self._append([*[None] * plan.left, *heads, *(self._heading(name, _NOTE) for name in ours)])

    def row(
        self,
        number: int,
        cells: Sequence[str | None],
        findings: Iterable[Finding],
        *,
        confirmation: str = "",
        hidden: bool = False,
    ) -> None:
        """Writes a row. number: its row in the sheet; rows between are left empty. A row beyond the last is counted."""
        plan = self._plan
        assert plan is not None
        if number >= SHEET_ROWS:
            self.rows_left_out += 1
            return
        while self._at < number - 1:
            self._append([])
        by_column: dict[str, list[Finding]] = {}
        found = [*findings]
        for finding in found:
            for name in finding.column.split(", "):
                by_column.setdefault(name, []).append(finding)
        written: list[Any] = [None] * plan.left
        for place, (text, column) in enumerate(zip(cells, plan.columns, strict=False)):
            wrong = by_column.get(column.name, ()) if column else ()
            written.append(self._value(place, text, column, wrong))
        if found or confirmation:
            written += [None] * (plan.left + len(plan.columns) - len(written))
            written.append(self._template(-1, "@", _NOTE, note_of(found, confirmation)) if found else None)
        if confirmation and plan.confirms:
            written.append(self._template(-2, "@", "", confirmation))
        if hidden:
            self._sheet.row_dimensions[number].hidden = True
        self._append(written)
        if hidden:
            del self._sheet.row_dimensions[number]

    def save(self, path: Path, summary: Summary) -> None:
        """Writes the summary sheet, and the file."""
        if self.rows_left_out and self._sheet is not None and self._at < SHEET_ROWS:
            self._append([self._text(_CUT)])
        self._write_summary(summary)
        self._book.save(path)

    def discard(self) -> None:
        """Ends the sheets of a workbook that is not saved."""
        for sheet in self._book.worksheets:
            sheet.close()

    def _append(self, cells: list[Any]) -> None:
        self._sheet.append(cells)
        self._at += 1

    def _value(self, place: int, text: str | None, column: Column | None, wrong: Sequence[Finding]) -> Any:
        colour = COLOURS[worst(wrong)] if wrong else ""
        if not text and not wrong:
            return None
        value = typed(text or "", column)
        form = "dd/mm/yyyy" if is_moment(value) else "@" if isinstance(value, str) else "General"
        if form == "General" and not colour:
            return value
        cell = self._template(place, form, colour, value if text else None)
        if wrong and self._comments < MOST_COMMENTS:
            self._comments += 1
            cell = self._own(form, colour, value if text else None)
            cell.comment = self._comment(note_of(wrong), "Walidata", height=120, width=320)
        return cell

    def _template(self, place: int, form: str, colour: str, value: Any) -> Any:
        """A cell that is used again for each row: it is written before the next one is made."""
        cell = self._templates.get((place, form, colour))
        if cell is None:
            cell = self._templates[place, form, colour] = self._own(form, colour, None)
        return self._filled(cell, value)

    def _own(self, form: str, colour: str, value: Any) -> Any:
        cell = self._cell(self._sheet)
        cell.number_format = form
        if colour:
            cell.fill = self._fill[colour]
        return self._filled(cell, value)

    def _filled(self, cell: Any, value: Any) -> Any:
        if isinstance(value, str):
            cell.value = self._clean(value)
            cell.data_type = "s"
        else:
            form = cell.number_format
            cell.value = value
            cell.number_format = form
        return cell

    def _clean(self, text: str) -> str:
        clean = self._illegal.sub("\ufffd", text)[:CELL_CHARACTERS]
        self.is_faithful &= clean == text
        return clean

    def _text(self, text: str, *, bold: bool = False, colour: str = "", wrap: bool = False) -> Any:
        cell = self._own("@", colour, text)
        if bold:
            cell.font = self._bold
        if wrap:
            cell.alignment = self._wrapped
        return cell

    def _heading(self, text: str, colour: str = _HEAD) -> Any:
        return self._text(text, bold=True, colour=colour)

    def _write_summary(self, summary: Summary) -> None:
        self._sheet, self._at = self._summary, 0
        for letter, width in zip("ABCDEF", (24, 18, 36, 12, 60, 60), strict=True):
            self._sheet.column_dimensions[letter].width = width
        self._append([self._text("Umpan balik walidata", bold=True)])
        for name, value in summary.facts():
            self._append([self._text(name, bold=True), self._text(value)])
        for note in summary.notes:
            self._append([self._text("Perhatian", bold=True), self._text(note)])
        self._append([])
        self._append([self._text("Warna", bold=True)])
        for level, colour in COLOURS.items():
            self._append([self._text(level.value, colour=colour)])
        self._append([])
        heads = ("Kode", "Tingkat", "Temuan", "Jumlah", "Yang diharapkan", "Cara memperbaiki")
        self._append([self._heading(name) for name in heads])
        for group in summary.groups:
            about = group.entry
            texts = (about.code, group.severity.value, about.title)
            self._append(
                [
                    *(self._text(text, wrap=True) for text in texts),
                    group.count,
                    *(self._text(text, wrap=True) for text in (about.sentence, about.fix_for_opd)),
                ]
            )


def worst(findings: Iterable[Finding]) -> Severity:
    """The most severe of the findings' severities."""
    return min((f.severity for f in findings), key=_ORDER.index)


def note_of(findings: Iterable[Finding], confirmation: str = "") -> str:
    """The findings in a text for one cell: code, what is wrong, how to fix it.

    confirmation: what the OPD has written about the row, which did not make it acceptable.
    """
    found = [*findings]
    parts = (f"{f.code} {f.message} ({f.fix})" if f.fix else f"{f.code} {f.message}" for f in found)
    text = "; ".join(parts)
    if confirmation:
        hard = any(f.severity is not Severity.TO_CONFIRM for f in found)
        text = f"{_HARD if hard else _NOT_READ}: {text}"
    return text if len(text) <= NOTE_CHARACTERS else f"{text[: NOTE_CHARACTERS - 4]} ..."


def _title(name: str) -> str:
    """A name that a sheet may have: at most 31 characters, without those that Excel forbids."""
    return name.translate(_FORBIDDEN).strip("'")[:31] or "Data"
