"""Writes the files of one feedback into an empty folder.

What belongs here: which files there are, in which order they are made. All reading of the warehouse is of one moment.
Not here: each file (workbook.py, csv_copy.py, listing.py, page.py, summary.py), where the folder goes (outbox.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.contracts.upload import REFUSED_ROWS, VIEW, copy_name, stem_of
from pipelines.errors import ContractError, SourceError
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.original import open_original
from pipelines.extract.upload.zone import Zone
from pipelines.feedback.entries import Finding, RefusedRow, refused_rows
from pipelines.feedback.limits import MOST_REFUSED, WHOLE_ROWS
from pipelines.feedback.loads import JudgedLoad
from pipelines.feedback.pack.csv_copy import MarkedCsv
from pipelines.feedback.pack.listing import NAME as LISTING
from pipelines.feedback.pack.listing import write_findings
from pipelines.feedback.pack.marking import Sink, mark, original_of
from pipelines.feedback.pack.page import NAME as PAGE
from pipelines.feedback.pack.page import render_page
from pipelines.feedback.pack.place import Layout
from pipelines.feedback.pack.summary import SUMMARY_FILE, Summary
from pipelines.feedback.pack.workbook import MarkedBook, SheetPlan
from pipelines.load.stage.quarantine import SAMPLE
from pipelines.publication.indonesian import number
from pipelines.redaction.personal_shapes import NUMBERS, masked


def build(
    connection: Connection[Any], zone: Zone, load: JudgedLoad, whole: Sequence[Finding], folder: Path
) -> Summary:
    """Writes all files of a load's feedback, and returns its summary. whole: findings about the load as a whole.

    connection: in autocommit. Raises psycopg.Error and OSError.
    """
    summary = Summary(
        "ditolak" if load.is_refused else "temuan",
        load.contract.opd,
        load.contract.title,
        datetime.now(UTC),
        load.contract.key,
        load.batch_id,
        load.source_name and masked(load.source_name, NUMBERS),
        (load.rows_read, load.rows_loaded, load.rows_refused),
    )
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        books = _Books(load, folder)
        layout = books.write(connection, zone, summary)
        with closing(refused_rows(connection, load, resolved=True)) as rows:
            found = chain(whole, (finding for row in rows for finding in row.findings))
            write_findings(folder / LISTING, summary, layout, found)
        _note_refused(load, summary)
        if load.rows_confirmed:
            summary.notes.append(f"{number(load.rows_confirmed)} baris diterima atas konfirmasi.")
        books.save(summary)
    finish(summary, layout, folder)
    return summary


def build_of_files(opd: str, title: str, findings: Iterable[Finding], folder: Path) -> Summary:
    """Writes the files about uploads that no dataset takes, and returns the summary."""
    summary = Summary("tidak_diambil", opd, title, datetime.now(UTC))
    write_findings(folder / LISTING, summary, Layout(), findings)
    finish(summary, Layout(), folder)
    return summary


def finish(summary: Summary, layout: Layout, folder: Path) -> None:
    """Writes page and summary beside the files that are there."""
    names = sorted({*(file.name for file in folder.iterdir()), PAGE, SUMMARY_FILE})
    files = [masked(name, NUMBERS) for name in names]
    (folder / PAGE).write_text(
        render_page(summary, layout, [name for name in files if name != PAGE]), encoding="utf-8"
    )
    (folder / SUMMARY_FILE).write_text(summary.as_json(files), encoding="utf-8")


def _note_refused(load: JudgedLoad, summary: Summary) -> None:
    if load.is_refused:
        what = "ditolak seluruhnya" if load.was_read else "tidak dapat dibaca"
        kept = "tidak ada baris yang dimuat, dan data sebelumnya tetap dipakai"
        summary.notes.append(f"Kiriman ini {what}: {kept}.")
    if load.state == "rejected" and load.failure:
        summary.notes.append(f"Kiriman ini {load.failure['message']}")
    if load.state == "waiting":
        summary.notes.append(
            "Baris yang lulus menunggu persetujuan walidata; data sebelumnya tetap dipakai sampai disetujui."
        )
    if load.state == "rejected" and load.rows_refused > SAMPLE:
        summary.notes.append(
            f"Dari kiriman yang ditolak, {number(SAMPLE)} baris yang ditahan dicatat; seluruhnya"
            f" {number(load.rows_refused)}."
        )


class _Books:
    """The OPD's own file, marked; or a workbook of the refused rows where there is no such file."""

    def __init__(self, load: JudgedLoad, folder: Path) -> None:
        self._load, self._folder = load, folder
        self._name = REFUSED_ROWS
        self._book: MarkedBook | None = None

    def write(self, connection: Connection[Any], zone: Zone, summary: Summary) -> Layout:
        """Writes the marked files but the workbook's summary, and returns where the columns are."""
        load = self._load
        if not load.rows_refused and not _has_rows(connection, load):
            return Layout()
        if not load.is_upload:
            self._write_refused(connection, summary)
            return Layout()
        original, why_not = original_of(zone, load)
        if original is not None:
            try:
                return self._mark(connection, original, summary)
            except (SourceError, ContractError) as error:
                why_not = f"Berkas aslinya tidak dapat dibaca lagi: {error.message}."
                self._drop()
        summary.notes.append(why_not)
        self._write_refused(connection, summary)
        return Layout()

    def save(self, summary: Summary) -> None:
        """Writes the workbook, if there is one."""
        if self._book is not None:
            if self._name != REFUSED_ROWS and (self._book.rows_left_out or not self._book.is_faithful):
                # Only a copy of the whole file may be sent. Our readers don't take a file of this name.
                self._name = stem_of(self._load.source_name or "") + VIEW
                shown = masked(self._name, NUMBERS)
                lacks = (
                    f" ({number(left_out)} baris tidak ada)" if (left_out := self._book.rows_left_out) else ""
                )
                summary.notes.append(f"{shown} tidak memuat semuanya{lacks}, jadi hanya untuk dibaca.")
            self._book.save(self._folder / self._name, summary)

    def _mark(self, connection: Connection[Any], upload: UploadedFile, summary: Summary) -> Layout:
        load = self._load
        with open_original(load.contract, upload, sha256=load.sha256) as original, ExitStack() as opened:
            sinks: list[Sink] = []
            whole, self._name = True, copy_name(upload.name, ".xlsx")
            if original.dialect is not None:
                copy = MarkedCsv(original, self._folder / copy_name(upload.name, ".csv"))
                opened.callback(copy.close)
                sinks.append(copy)
                if load.rows_read > WHOLE_ROWS:
                    whole, self._name = False, stem_of(upload.name) + VIEW
            self._book = MarkedBook()
            only_marked = None if whole else OnlyMarked(self._book)
            sinks.append(only_marked or self._book)
            layout = mark(connection, load, original, sinks)
        if only_marked:
            summary.notes += only_marked.notes()
        return layout

    def _write_refused(self, connection: Connection[Any], summary: Summary) -> None:
        """Writes the refused rows as quarantine has them, by their keys."""
        self._book = MarkedBook()
        columns = self._load.contract.stored
        sink = OnlyMarked(self._book)
        sink.begin(SheetPlan("Baris yang ditahan", [[c.source_name for c in columns]], columns))
        with closing(refused_rows(connection, self._load, cells=True)) as rows:
            for place, row in enumerate(rows, 2):
                sink.row(place, _cells(row, columns), row.findings)
        summary.notes += sink.notes()

    def _drop(self) -> None:
        if self._book is not None:
            self._book.discard()
            self._book = None
        self._name = REFUSED_ROWS
        for file in self._folder.iterdir():
            file.unlink()


class OnlyMarked:
    """Passes on the rows with findings only, at most MOST_REFUSED, one below the other, and counts the others."""

    def __init__(self, book: MarkedBook) -> None:
        self._book = book
        self._at = self._written = self._left_out = 0

    def begin(self, plan: SheetPlan) -> None:
        """Begins a table."""
        self._at = len(plan.head)
        self._book.begin(plan)

    def row(
        self,
        number: int,  # noqa: ARG002  # of the whole file
        cells: Sequence[str | None],
        findings: Sequence[Finding],
        *,
        confirmation: str = "",
        hidden: bool = False,
    ) -> None:
        """Writes a row that has findings."""
        if not findings:
            return
        if self._written == MOST_REFUSED:
            self._left_out += 1
            return
        self._at += 1
        self._written += 1
        self._book.row(self._at, cells, findings, confirmation=confirmation, hidden=hidden)

    def notes(self) -> list[str]:
        """What the summary says of the workbook: which rows it has, and how many it lacks."""
        found = ["Buku kerja hanya memuat baris yang bermasalah."]
        if self._left_out:
            found.append(
                f"Buku kerja memuat {number(self._written)} baris bermasalah; {number(self._left_out)} baris bermasalah"
                " lainnya tidak ada di dalamnya."
            )
        return found


def _cells(row: RefusedRow, columns: Sequence[Column]) -> list[str | None]:
    return [row.cells.get(column.name) for column in columns]


def _has_rows(connection: Connection[Any], load: JudgedLoad) -> bool:
    with closing(refused_rows(connection, load)) as rows:
        return next(rows, None) is not None


def title_of_opd(opd: str, contracts: Iterable[Contract]) -> str:
    """The name of an OPD, from the contracts that it has; else its short name."""
    return next((c.producer for c in contracts if c.opd == opd), opd)
