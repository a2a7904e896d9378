"""Writes the OPD's CSV file as it was, with our columns after its own ones.

What belongs here: delimiter, quotes, encoding and lines above the header as in the original. Not here: reading it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pipelines.contracts.upload import CONFIRM_COLUMN, NOTE_COLUMN
from pipelines.extract.upload.csv.text import Dialect, is_utf8
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
        self._comment = original.reading.extract.comment
        self._writer = _writer(self._file, dialect)
        self._quoting_writer = _writer(self._file, dialect, csv.QUOTE_ALL)
        self._confirms = False

    def begin(self, plan: SheetPlan) -> None:
        """Writes the lines above the header as they are, and the header."""
        above = len(plan.head) - plan.header_rows
        for line in self._original.lines_above(above + 1):
            self._file.write(line)
        self._confirms = plan.confirms
        for names in plan.head[above:]:
            self._write([name or "" for name in names], NOTE_COLUMN, CONFIRM_COLUMN)

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
        self._write([escaped(cell or "") for cell in cells], note, escaped(confirmation))

    def close(self) -> None:
        """Ends the file."""
        self._file.close()

    def _write(self, cells: list[str], *ours: str) -> None:
        """Writes a row. ours: our note and the OPD's confirmation."""
        dialect = self._dialect
        if dialect.quote == "none" and not dialect.escape:
            # The OPD's own cells were read from such a file, so they have neither.
            ours = tuple(re.sub(f"[{re.escape(dialect.delimiter)}\r\n]", " ", text) for text in ours)
        cells += ours if self._confirms else ours[:1]
        if self._whole_rows:
            inner = io.StringIO()
            csv.writer(inner, delimiter=dialect.delimiter, lineterminator="").writerow(cells)
            csv.writer(self._file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow([inner.getvalue()])
        elif not self._comment or not cells[0].startswith(self._comment):
            self._writer.writerow(cells)
        elif dialect.quote == "none":
            self._file.write(dialect.escape or "")
            self._writer.writerow(cells)
        else:  # without quotes the row would be read as a comment
            self._quoting_writer.writerow(cells)


def _writer(file: Any, dialect: Dialect, quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> Any:
    unquoted = dialect.quote == "none"
    quote = '"' if dialect.quote == "row" else dialect.quote
    return csv.writer(
        file,
        delimiter=dialect.delimiter,
        quoting=csv.QUOTE_NONE if unquoted else quoting,
        quotechar=None if unquoted else quote,
        doublequote=not dialect.escape,
        escapechar=dialect.escape,
        lineterminator="\n",
    )
