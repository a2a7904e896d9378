"""CSV files as tables, by the standard library's csv module.

What belongs here: lines, comments, quotes, encodings and what is wrong with them. Not here: finding out a dialect that
is not declared (dialect.py), which column is which (extract/upload/table.py).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from pipelines.errors import SourceError
from pipelines.extract.source_names import fold
from pipelines.extract.upload.csv.escapes import Escapes
from pipelines.extract.upload.table import Reading, Table, header, trimmed

MAX_ROW = 16 << 20
"""The most characters that a row may have; a quote that is never closed would make one row of the rest of the file."""
csv.field_size_limit(MAX_ROW)
_CHUNK = 1 << 16
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LONG_LINE, _BLANK_BEFORE_QUOTE = "line too long", "blank before quote"
_UPLOAD_WHOLE = "upload the whole file again"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written. quote: a character, "none" or "row"; escape, skip: see FileExtract."""

    encoding: str
    delimiter: str
    quote: str
    escape: str | None = None
    skip: bool = False

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Rows of cells. Strict: a quote that does not fit is a csv.Error, the lenient way moves cells silently."""
        if self.escape is not None:
            escapes = Escapes(self.escape, self.delimiter, "" if self.quote == "none" else self.quote)
            return escapes.unmasked(self._reader(escapes.masked(lines)))
        return self._reader(lines)

    def blank_before_quote(self) -> re.Pattern[str] | None:
        """What may be a blank between a delimiter and a quote, where the dialect does not allow for it."""
        if self.skip or self.quote in ("none", "row") or self.delimiter == " ":
            return None
        return re.compile(f"(?:^|{re.escape(self.delimiter)}) +{re.escape(self.quote)}")

    def _reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        if self.quote == "none":
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=True)
        if self.quote == "row":
            return _unwrapped(csv.reader(lines, delimiter=self.delimiter, strict=True), self.delimiter)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            skipinitialspace=self.skip,
            strict=True,
        )


def _unwrapped(wrapped: Iterator[list[str]], delimiter: str) -> Iterator[list[str]]:
    for row in wrapped:
        if any(row[1:]):
            raise csv.Error("not wrapped")
        inner = list(
            csv.reader(io.StringIO(row[0] if row else "", newline=""), delimiter=delimiter, strict=True)
        )
        if len(inner) > 1:
            raise csv.Error("two rows in one pair of quotes")
        # A row that is not wrapped, "3,", has come in parts already.
        yield [*(inner[0] if inner else ()), *row[1:]]


class Lines:
    """The lines of a text from `first` on, counted as an editor counts them, without comments between rows.

    Whoever takes rows sets `between` after each: what follows is then the beginning of a row. `row` is its number,
    `line` the last line that was given.
    """

    def __init__(self, text: io.TextIOBase, first: int = 1, comment: str | None = None) -> None:
        self._text, self._first, self._comment = text, first, comment
        self.between = True
        self.row = first
        self.line = ""

    def __iter__(self) -> Iterator[str]:
        readline, number, size = self._text.readline, 0, 0
        while line := readline(MAX_ROW):
            number += 1
            if self.between:
                self.row, size = number, 0
                if number < self._first or (self._comment and line.startswith(self._comment)):
                    if len(line) >= MAX_ROW:
                        raise csv.Error(_LONG_LINE)
                    continue
                self.between = False
            size += len(line)
            if size >= MAX_ROW:
                raise csv.Error(_LONG_LINE if size == len(line) else "row limit")
            if "\0" in line:
                raise csv.Error("NUL")
            self.line = line
            yield line


def bom_encoding(start: bytes) -> str | None:
    """The encoding that a byte order mark tells of."""
    return next((encoding for bom, encoding in _BOMS if start.startswith(bom)), None)


class _Text(io.TextIOWrapper):
    """Text over a file that stays open when nobody needs the text any more."""

    def close(self) -> None:
        with suppress(ValueError):
            self.detach()


def open_text(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """Decodes strictly and keeps line ends; a UTF-8 byte order mark is left out."""
    file.seek(0)
    return _Text(file, encoding="utf-8-sig" if is_utf8(encoding) else encoding, newline="")


def is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}


def csv_table(reading: Reading, file: BinaryIO, dialect: Dialect) -> Table:
    """The table of a CSV file. Raises SourceError for its header at once, for a row when it is reached."""
    extract = reading.extract
    file.seek(0)
    told = bom_encoding(file.read(4))
    if told and codecs.lookup(told) != _family(dialect.encoding):
        message = f"the file is {told.upper()}, the contract declares {dialect.encoding}"
        raise reading.fault(message, f"declare encoding: {told}, or auto")
    if told is None and codecs.lookup(dialect.encoding).name in ("utf-16", "utf-32"):
        hint = f"declare encoding: {dialect.encoding}-le (Windows) or {dialect.encoding}-be"
        raise reading.fault(f"the file has no byte order mark, as {dialect.encoding.upper()} must", hint)
    rows = _rows(reading, file, dialect, extract.header_row)
    head = list(islice((row for row in rows if row[1] or extract.header_rows == 1), extract.header_rows))
    names = reading.numbered(header([cells for _, cells in head]))
    if not names:
        message = f"there is no header in row {extract.header_row}"
        raise reading.fault(
            message, "fill in the form's own header row, or correct header_row in the contract"
        )
    hint = _dialect_hint(reading, [cells for _, cells in head], dialect)
    if hint:
        message = f"baris {head[0][0]}: missing in the header: {', '.join(reading.expected())}"
        raise reading.misshapen(f"{message}; it is one cell only", hint)
    parts = iter((_body(reading, file, rows, len(names)),))
    return Table(
        names, f"baris {head[0][0]}", parts, even=True, all_rows=lambda: _rows(reading, file, dialect, 1)
    )


def _family(encoding: str) -> codecs.CodecInfo:
    name = codecs.lookup(encoding).name
    return codecs.lookup("utf-16" if name.startswith("utf-16") else "utf-8" if is_utf8(name) else name)


def _dialect_hint(reading: Reading, head: Sequence[Sequence[str]], dialect: Dialect) -> str | None:
    """For a header of one cell that is not the promised one: what the contract should say."""
    cells = [fold(row[0]) for row in head if row]
    expected = reading.expected()
    if any(len(trimmed(row)) > 1 for row in head) or not cells or cells[-1] in expected:
        return None
    parts = {fold(part) for part in cells[-1].split(dialect.delimiter)}
    if len(parts) > 1 and parts.intersection(expected):
        return "every row seems to be wrapped whole in quotes: declare quote: row"
    other = next((d for d in (";", ",", "\t", "|") if d in cells[-1] and d != dialect.delimiter), None)
    return other and f"the cells seem to be parted by {other!r}: declare that delimiter"


def _rows(reading: Reading, file: BinaryIO, dialect: Dialect, first: int) -> Iterator[tuple[int, list[str]]]:
    """First line and cells of every row from line `first` on. Raises SourceError."""
    lines = Lines(open_text(file, dialect.encoding), first, reading.extract.comment)
    marked = dialect.blank_before_quote()
    try:
        for cells in dialect.reader(iter(lines)):
            if marked and marked.search(lines.line) and _begins_with_blank_and_quote(cells, dialect.quote):
                raise csv.Error(_BLANK_BEFORE_QUOTE)
            yield lines.row, cells
            lines.between = True
        return
    except UnicodeError:
        reason = None
    except csv.Error as error:
        reason = str(error)
    # Raised here, outside the handlers: a chained UnicodeDecodeError would carry the file's bytes.
    if reason is None:
        raise _wrong_encoding(reading, file, dialect.encoding)
    raise _wrong_row(reading, lines, reason, dialect)


def _begins_with_blank_and_quote(cells: Sequence[str], quote: str) -> bool:
    return any(cell.startswith(" ") and cell.lstrip(" ").startswith(quote) for cell in cells)


def _body(
    reading: Reading, file: BinaryIO, rows: Iterator[tuple[int, list[str]]], width: int
) -> Iterator[tuple[str, list[str]]]:
    short: tuple[int, list[str]] | None = None
    for line, cells in rows:
        if short:
            yield f"baris {short[0]}", short[1]
            short = None
        if len(cells) < width and "".join(cells).strip():
            short = line, cells  # until it is known whether it is the last
        else:
            yield f"baris {line}", cells
    if short and not _ends_with_newline(file):
        line, cells = short
        message = f"the file is cut short: its last row, baris {line}, has {len(cells)} of {width} cells"
        raise reading.fault(message, _UPLOAD_WHOLE)
    if short:
        yield f"baris {short[0]}", short[1]


def _ends_with_newline(file: Any) -> bool:
    """Also in UTF-16, where a newline's bytes hold a NUL."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 4))
    return file.read().rstrip(b"\0").endswith((b"\n", b"\r"))


def _wrong_row(reading: Reading, lines: Lines, reason: str, dialect: Dialect) -> SourceError:
    message, hint = _words_of(reason, dialect)
    if dialect.escape is None and "\\" + dialect.quote in lines.line:
        hint = "a backslash stands before a quote, as MySQL and phpMyAdmin write it: declare escape: '\\'"
    return reading.fault(f"baris {lines.row}: {message}", hint)


def _words_of(reason: str, dialect: Dialect) -> tuple[str, str]:
    """What is wrong with a row, and how to fix it, by csv's reason or ours."""
    limit = f"a row has at most {MAX_ROW:,} characters"
    known = {
        "NUL": (
            "a NUL character: the file is damaged, or not in the declared encoding",
            f"{_UPLOAD_WHOLE}; if it is UTF-16, declare encoding: auto",
        ),
        "not wrapped": (
            "this row is not wrapped in one pair of quotes",
            "wrap every row, or declare another quote",
        ),
        _LONG_LINE: (
            f"this line is too long: {limit}",
            "break the lines, or check that this is a CSV file; a JSON file is declared as format: json",
        ),
        _BLANK_BEFORE_QUOTE: (
            "a blank stands between a delimiter and a quote",
            "declare skipinitialspace: true, or write the quote right behind the delimiter",
        ),
    }
    if reason in known:
        return known[reason]
    hint = 'write a quote inside a cell as "", or ' + _UPLOAD_WHOLE
    if "unexpected end" in reason or "limit" in reason:
        message = 'a quote (") is opened in this row and never closed, or the file is cut short'
        return (f"{message}; {limit}" if "limit" in reason else message), hint
    if dialect.quote == "none":
        return "this row cannot be cut into cells", hint
    return 'a quote (") stands inside a quoted cell', hint


def _wrong_encoding(reading: Reading, file: BinaryIO, encoding: str) -> SourceError:
    """Which line: the file is decoded once more, since a reader of text does not know how far it had come."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if is_utf8(encoding) else encoding)()
    line = 1
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK):
            line += decoder.decode(chunk).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object[: error.start].count(b"\n")
    if is_utf8(encoding):
        hint = "save it as 'CSV UTF-8', or declare encoding: cp1252 if the OPD's Excel always writes so"
    else:
        hint = "save it as 'CSV UTF-8' and declare encoding: utf-8"
    return reading.fault(f"baris {line}: these bytes are no {encoding.removesuffix('-sig')}", hint)
