"""Reads CSV files as tables, with the standard library's csv module.

What belongs here: lines, comments, quotes, encodings, and the messages about faults in them. Not here: finding a
dialect that is not declared (dialect.py), which column is which (fit.py).
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
from pipelines.extract.upload.reading import HEADER, Reading
from pipelines.extract.upload.table import Table, header_grid, names_of, trimmed

MAX_ROW = 16 << 20
"""The most characters of one row: a quote that is never closed would make the rest of the file one row."""
csv.field_size_limit(MAX_ROW)
_CHUNK = 1 << 16
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NUL, _NOT_WRAPPED, _SEVERAL_WRAPPED = "NUL", "not wrapped", "two rows in one pair of quotes"
_LONG_LINE, _LONG_ROW, _BLANK_BEFORE_QUOTE = "line too long", "row limit", "blank before quote"
"""Our own reasons for a csv.Error, in addition to those of the csv module."""
_UPLOAD_AGAIN = "unggah lagi berkas yang utuh"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written.

    quote: a character, "none", or "row" (each row as a whole is in one pair of quotes). escape: see FileExtract.
    skip: whether blanks after a delimiter are left out of the cell (`skipinitialspace`).
    """

    encoding: str
    delimiter: str
    quote: str
    escape: str | None = None
    skip: bool = False

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Cuts lines into rows of cells.

        Raises csv.Error for a quote in a wrong place: a reader that ignores it would move cells without a message.
        """
        if self.escape is not None:
            escapes = Escapes(self.escape, self.delimiter, "" if self.quote == "none" else self.quote)
            return escapes.unmasked(self._reader(escapes.masked(lines)))
        return self._reader(lines)

    def blank_before_quote(self) -> re.Pattern[str] | None:
        """Returns the pattern of a blank between a delimiter and a quote; None if the dialect allows such a blank."""
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
    """Gives the rows of a file in which each row is in one pair of quotes. Raises csv.Error if one is not."""
    for row in wrapped:
        if any(row[1:]):
            raise csv.Error(_NOT_WRAPPED)
        inner = list(
            csv.reader(io.StringIO(row[0] if row else "", newline=""), delimiter=delimiter, strict=True)
        )
        if len(inner) > 1:
            raise csv.Error(_SEVERAL_WRAPPED)
        # A row without quotes whose other cells are empty ("3,,") has been cut into cells already.
        yield [*(inner[0] if inner else ()), *row[1:]]


class Lines:
    """Gives the lines of a text from line `first` on, without comments between rows. An editor counts them the same.

    The caller sets `between_rows` after each row that it has taken. `row` is the number of the line where the current
    row begins, `line` is the text of the last line. Raises csv.Error for a line or row that is too long, and for a NUL.
    """

    def __init__(self, text: io.TextIOBase, first: int = 1, comment: str | None = None) -> None:
        self._text, self._first, self._comment = text, first, comment
        self.between_rows = True
        self.row = first
        self.line = ""

    def __iter__(self) -> Iterator[str]:
        readline, number, size = self._text.readline, 0, 0
        while line := readline(MAX_ROW):
            number += 1
            if self.between_rows:
                self.row, size = number, 0
                if number < self._first or (self._comment and line.startswith(self._comment)):
                    if len(line) >= MAX_ROW:
                        raise csv.Error(_LONG_LINE)
                    continue
                self.between_rows = False
            size += len(line)
            if size >= MAX_ROW:
                raise csv.Error(_LONG_LINE if size == len(line) else _LONG_ROW)
            if "\0" in line:
                raise csv.Error(_NUL)
            self.line = line
            yield line


def bom_encoding(start: bytes) -> str | None:
    """Returns the encoding of the byte order mark at the beginning of a file; None if there is none."""
    return next((encoding for bom, encoding in _BOMS if start.startswith(bom)), None)


class _Text(io.TextIOWrapper):
    """Reads a file as text, and leaves the file open when the text is closed or garbage-collected."""

    def close(self) -> None:
        with suppress(ValueError):
            self.detach()


def open_text(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """Opens the file's text, decoded strictly, with its line ends and without a UTF-8 byte order mark."""
    file.seek(0)
    return _Text(file, encoding="utf-8-sig" if is_utf8(encoding) else encoding, newline="")


def is_utf8(encoding: str) -> bool:
    """Whether `encoding` is a name of UTF-8."""
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}


def csv_table(reading: Reading, file: BinaryIO, dialect: Dialect) -> Table:
    """Returns the table of a CSV file.

    Raises SourceError for a missing or unreadable header at once, and for a row when it is reached; ShapeError if the
    header is one cell because the delimiter does not fit.
    """
    extract = reading.extract
    file.seek(0)
    _check_bom(reading, bom_encoding(file.read(4)), dialect.encoding)
    rows = _rows(reading, file, dialect, extract.header_row)
    head = list(islice((row for row in rows if row[1] or extract.header_rows == 1), extract.header_rows))
    grid = header_grid([cells for _, cells in head])
    names = reading.number_repeated(names_of(grid))
    if not names:
        message = f"tidak ada {HEADER} di baris {extract.header_row}"
        raise reading.source_error(
            message, f"isi {HEADER} formulirnya, atau perbaiki header_row di kontrak", code="GDK-F009"
        )
    hint = _dialect_hint(reading, [cells for _, cells in head], dialect)
    if hint:
        message = f"baris {head[0][0]}: tidak ada di {HEADER}: {', '.join(reading.promised_names())}"
        raise reading.shape_error(f"{message}; {HEADER} hanya satu sel", hint, code="GDK-F012")
    parts = iter((_body(reading, file, rows, len(names)),))
    return Table(
        names,
        f"baris {head[0][0]}",
        parts,
        short_is_damage=True,
        all_rows=lambda: _rows(reading, file, dialect, 1),
        head=[*[()] * (head[0][0] - 1), *grid],
    )


def _check_bom(reading: Reading, found: str | None, declared: str) -> None:
    """Raises SourceError if the byte order mark (or its absence) contradicts the declared encoding."""
    if found and codecs.lookup(found) != _family(declared):
        message = f"pengodean berkas {found.upper()}, sedangkan kontrak menyatakan {declared}"
        raise reading.source_error(message, f"nyatakan encoding: {found}, atau auto", code="GDK-F011")
    if found is None and codecs.lookup(declared).name in ("utf-16", "utf-32"):
        message = f"berkas tidak memiliki tanda urutan byte (BOM), yang wajib untuk {declared.upper()}"
        raise reading.source_error(
            message, f"nyatakan encoding: {declared}-le (Windows) atau {declared}-be", code="GDK-F011"
        )


def _family(encoding: str) -> codecs.CodecInfo:
    """Returns one encoding for all of its family: UTF-16 for UTF-16LE and UTF-16BE, too."""
    name = codecs.lookup(encoding).name
    return codecs.lookup("utf-16" if name.startswith("utf-16") else "utf-8" if is_utf8(name) else name)


def _dialect_hint(reading: Reading, head: Sequence[Sequence[str]], dialect: Dialect) -> str | None:
    """Returns a hint for the contract if the header is one cell that is no promised name; else None."""
    cells = [fold(row[0]) for row in head if row]
    expected = reading.promised_names()
    if any(len(trimmed(row)) > 1 for row in head) or not cells or cells[-1] in expected:
        return None
    parts = {fold(part) for part in cells[-1].split(dialect.delimiter)}
    if len(parts) > 1 and parts.intersection(expected):
        return "setiap baris tampaknya berada dalam sepasang tanda kutip: nyatakan quote: row"
    other = next((d for d in (";", ",", "\t", "|") if d in cells[-1] and d != dialect.delimiter), None)
    return other and f"sel tampaknya dipisah dengan {other!r}: nyatakan delimiter itu"


def _rows(reading: Reading, file: BinaryIO, dialect: Dialect, first: int) -> Iterator[tuple[int, list[str]]]:
    """Gives the number of the first line, and the cells, of every row from line `first` on. Raises SourceError."""
    lines = Lines(open_text(file, dialect.encoding), first, reading.extract.comment)
    blank = dialect.blank_before_quote()
    try:
        for cells in dialect.reader(iter(lines)):
            if blank and blank.search(lines.line) and _begins_with_blank_and_quote(cells, dialect.quote):
                raise csv.Error(_BLANK_BEFORE_QUOTE)
            yield lines.row, cells
            lines.between_rows = True
        return
    except UnicodeError:
        reason = None
    except csv.Error as error:
        reason = str(error)
    # Raised outside of the handlers: a chained UnicodeDecodeError would contain the file's bytes.
    if reason is None:
        raise _wrong_encoding(reading, file, dialect.encoding)
    raise _wrong_row(reading, lines, reason, dialect)


def _begins_with_blank_and_quote(cells: Sequence[str], quote: str) -> bool:
    return any(cell.startswith(" ") and cell.lstrip(" ").startswith(quote) for cell in cells)


def _body(
    reading: Reading, file: BinaryIO, rows: Iterator[tuple[int, list[str]]], width: int
) -> Iterator[tuple[str, list[str]]]:
    """Gives position and cells of the rows below the header. Raises SourceError if the last row is cut off."""
    short: tuple[int, list[str]] | None = None
    for line, cells in rows:
        if short:
            yield f"baris {short[0]}", short[1]
            short = None
        if len(cells) < width and "".join(cells).strip():
            short = line, cells  # given when it is known that it is not the last row
        else:
            yield f"baris {line}", cells
    if short and not _ends_with_newline(file):
        line, cells = short
        message = f"berkas terpotong: baris terakhir, baris {line}, memuat {len(cells)} dari {width} sel"
        raise reading.source_error(message, _UPLOAD_AGAIN, code="GDK-F005")
    if short:
        yield f"baris {short[0]}", short[1]


def _ends_with_newline(file: Any) -> bool:
    """Whether the file ends with a line end, also in UTF-16, where a NUL is part of a newline."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 4))
    return file.read().rstrip(b"\0").endswith((b"\n", b"\r"))


def _wrong_row(reading: Reading, lines: Lines, reason: str, dialect: Dialect) -> SourceError:
    message, hint = _message_and_hint(reason, dialect)
    if dialect.escape is None and "\\" + dialect.quote in lines.line:
        hint = "ada \\ di depan tanda kutip, seperti tulisan MySQL dan phpMyAdmin: nyatakan escape: '\\'"
    return reading.source_error(f"baris {lines.row}: {message}", hint, code="GDK-F012")


def _message_and_hint(reason: str, dialect: Dialect) -> tuple[str, str]:
    """Says what is wrong with a row and how to fix it, for the reason of a csv.Error (the csv module's or ours)."""
    limit = f"satu baris paling banyak {MAX_ROW:,} karakter"
    known = {
        _NUL: (
            "ada karakter NUL: berkas rusak, atau pengodeannya bukan yang dinyatakan",
            f"{_UPLOAD_AGAIN}; bila berkasnya UTF-16, nyatakan encoding: auto",
        ),
        _NOT_WRAPPED: (
            "baris ini tidak berada dalam sepasang tanda kutip",
            "beri tanda kutip pada setiap baris, atau nyatakan quote yang lain",
        ),
        _LONG_LINE: (
            f"baris ini terlalu panjang: {limit}",
            "pecah barisnya, atau periksa apakah ini berkas CSV; untuk berkas JSON nyatakan format: json",
        ),
        _BLANK_BEFORE_QUOTE: (
            "ada spasi di antara pemisah dan tanda kutip",
            "nyatakan skipinitialspace: true, atau tulis tanda kutip langsung setelah pemisah",
        ),
    }
    if reason in known:
        return known[reason]
    hint = 'tulis tanda kutip di dalam sel sebagai "", atau ' + _UPLOAD_AGAIN
    if "unexpected end" in reason or "limit" in reason:
        message = 'tanda kutip (") dibuka di baris ini dan tidak ditutup, atau berkas terpotong'
        return (f"{message}; {limit}" if "limit" in reason else message), hint
    if dialect.quote == "none":
        return "baris ini tidak dapat dibagi menjadi sel", hint
    return 'ada tanda kutip (") di dalam sel bertanda kutip', hint


def _wrong_encoding(reading: Reading, file: BinaryIO, encoding: str) -> SourceError:
    """Returns the error that names the line that can't be decoded.

    The file is decoded once more to find that line, because a reader of text does not count lines.
    """
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
        hint = (
            "simpan sebagai 'CSV UTF-8', atau nyatakan encoding: cp1252 bila Excel OPD selalu menulis begitu"
        )
    else:
        hint = "simpan sebagai 'CSV UTF-8' dan nyatakan encoding: utf-8"
    return reading.source_error(
        f"baris {line}: byte-nya bukan {encoding.removesuffix('-sig')}", hint, code="GDK-F011"
    )
