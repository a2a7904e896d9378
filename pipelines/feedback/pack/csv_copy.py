"""Writes the OPD's CSV file as it was, with our columns after its own ones.

What belongs here: delimiter, quotes, encoding and lines above the header as in the original. Not here: reading it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.contracts.upload import CONFIRM_COLUMN, NOTE_COLUMN
from pipelines.extract.upload.csv.text import is_utf8
from pipelines.extract.upload.original import Original
from pipelines.extract.upload.row_rules import escaped
from pipelines.feedback.entries import Finding
from pipelines.feedback.pack.workbook import SheetPlan, note_of


class MarkedCsv:
    """A copy of a CSV file that is written row by row. A cell that a spreadsheet would calculate gets an apostrophe."""

    def __init__(self, original: Original, path: Path) -> None:
        dialect = original.dialect
        assert dialect is not None
        self._original, self._dialect = original, dialect
        encoding = dialect.encoding
        if is_utf8(encoding):
            encoding = "utf-8-sig" if original.has_byte_order_mark else "utf-8"
        self._file = path.open("w", encoding=encoding, errors="replace", newline="")
        self._whole_rows = dialect.quote == "row"
        self._unquoted = dialect.quote == "none"
        self._writer = _writer(self._file, dialect)
        self._confirms = False

    def begin(self, plan: SheetPlan) -> None:
        """Writes the lines above the header as they are, and the header."""
        above = len(plan.head) - plan.header_rows
        for line in self._original.lines_above(above + 1):
            self._file.write(line)
        self._confirms = plan.confirms
        for names in plan.head[above:]:
            self._write([*(name or "" for name in names), NOTE_COLUMN], CONFIRM_COLUMN)

    def row(
        self,
        number: int,  # noqa: ARG002  # of a sheet
        cells: Sequence[str | None],
        findings: Sequence[Finding],
        *,
        confirmation: str = "",
        hidden: bool = False,  # noqa: ARG002  # of a workbook
    ) -> None:
        """Writes a row."""
        note = note_of(findings, confirmation) if findings else ""
        self._write([*(escaped(cell or "") for cell in cells), note], escaped(confirmation))

    def close(self) -> None:
        """Ends the file."""
        self._file.close()

    def _write(self, cells: list[str], confirmation: str) -> None:
        if self._confirms:
            cells.append(confirmation)
        if self._unquoted:
            cells = [cell.replace(self._dialect.delimiter, " ").replace("\n", " ") for cell in cells]
        if not self._whole_rows:
            self._writer.writerow(cells)
            return
        inner = io.StringIO()
        csv.writer(inner, delimiter=self._dialect.delimiter, lineterminator="").writerow(cells)
        csv.writer(self._file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow([inner.getvalue()])


def _writer(file: Any, dialect: Any) -> Any:
    if dialect.quote == "none":
        return csv.writer(
            file, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE, lineterminator="\n", quotechar=None
        )
    quote = '"' if dialect.quote == "row" else dialect.quote
    if dialect.escape:
        return csv.writer(
            file,
            delimiter=dialect.delimiter,
            quotechar=quote,
            doublequote=False,
            escapechar=dialect.escape,
            lineterminator="\n",
        )
    return csv.writer(file, delimiter=dialect.delimiter, quotechar=quote, lineterminator="\n")
