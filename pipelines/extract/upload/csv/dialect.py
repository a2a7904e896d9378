"""Finds the encoding, delimiter and quote of a CSV file whose contract leaves them open (`auto`).

What belongs here: deciding by the first part of a file. Delimiter and quote are never guessed: if two dialects fit, the
error names both. The encoding is chosen by the rules of `_find_encoding`. Not here: reading the file (text.py).
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, product
from typing import BinaryIO

from pipelines.contracts.upload import AUTO
from pipelines.errors import SourceError
from pipelines.extract.upload.csv.text import Dialect, Lines, bom_encoding
from pipelines.extract.upload.reading import HEADER, Reading
from pipelines.extract.upload.table import header, trimmed

SAMPLE = 1 << 20
"""The size of the first part, in bytes."""
_ROWS = 200
_DELIMITERS = (",", ";", "\t", "|")
_QUOTES = ('"', "'", "row")
"""The quotes that are tried. "row": each row as a whole is in one pair of quotes (`quote: row` of the contract)."""


def dialect_of(reading: Reading, file: BinaryIO) -> tuple[Dialect, dict[str, str]]:
    """Returns the file's dialect, and the settings that were detected, by their keys in the contract.

    Only settings are detected for which the contract says `auto`.
    Raises SourceError if no encoding fits, or if more than one dialect fits; ShapeError if no dialect fits.
    """
    extract = reading.extract
    declared = Dialect(
        extract.encoding, extract.delimiter, extract.quote, extract.escape, skip=extract.skipinitialspace
    )
    if AUTO not in (declared.encoding, declared.delimiter, declared.quote):
        return declared, {}
    file.seek(0)
    part = file.read(SAMPLE + 1)
    read_to_end = len(part) <= SAMPLE
    encoding = declared.encoding
    if encoding == AUTO:
        encoding = _find_encoding(reading, part, read_to_end=read_to_end)
    dialect = replace(declared, encoding=encoding)
    if AUTO in (declared.delimiter, declared.quote):
        text = _decoded(reading, part, encoding)
        dialect = _find_delimiter_and_quote(reading, text, dialect, read_to_end=read_to_end)
    keys = ("encoding", "delimiter", "quote")
    return dialect, {key: getattr(dialect, key) for key in keys if getattr(declared, key) == AUTO}


def _find_encoding(reading: Reading, part: bytes, *, read_to_end: bool) -> str:
    """Returns the encoding of a file, found in its first part. Raises SourceError if none fits.

    The first of these that fits: the encoding of the byte order mark; UTF-16 if nearly every second byte is NUL; UTF-8
    if all bytes are valid in it; Windows' cp1252 if they are valid there.
    read_to_end: whether `part` is the whole file.
    """
    if by_mark := bom_encoding(part):
        return by_mark
    if b"\0" in part:
        # Latin letters in UTF-16 have a NUL at every second byte.
        even, odd = part[::2].count(0), part[1::2].count(0)
        if odd > len(part) // 4 and even * 20 < odd:
            return "utf-16-le"
        if even > len(part) // 4 and odd * 20 < even:
            return "utf-16-be"
        hint = "berkas rusak atau bukan teks: unggah lagi berkasnya"
        raise reading.source_error(
            "byte NUL di dalamnya tidak cocok dengan pengodean teks mana pun", hint, code="GDK-F011"
        )
    if _fits(part, "utf-8", read_to_end=read_to_end):
        return "utf-8"
    # cp1252 has control characters, but office programs write none of these.
    no_control = not any(b in part for b in b"\x01\x02\x03\x04\x05\x06\x0e\x0f")
    if no_control and _fits(part, "cp1252", read_to_end=read_to_end):
        return "cp1252"
    hint = "simpan sebagai 'CSV UTF-8', atau nyatakan encoding-nya"
    raise reading.source_error("byte-nya bukan utf-8, utf-16, maupun cp1252", hint, code="GDK-F011")


def _fits(part: bytes, encoding: str, *, read_to_end: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(part, final=read_to_end)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(reading: Reading, part: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(part).removeprefix("\ufeff")
    except UnicodeError:
        pass
    hint = "nyatakan encoding: auto, atau simpan sebagai 'CSV UTF-8'"
    raise reading.source_error(f"bagian awalnya bukan {encoding}", hint, code="GDK-F011")


def _find_delimiter_and_quote(
    reading: Reading, text: str, open_dialect: Dialect, *, read_to_end: bool
) -> Dialect:
    """Returns the dialect that finds the most columns of the contract and no row that is longer than the header.

    Dialects that cut the first part into the same cells count as one.
    Raises ShapeError if no dialect fits, SourceError if several do.
    """
    delimiters = _DELIMITERS if open_dialect.delimiter == AUTO else (open_dialect.delimiter,)
    quotes = _QUOTES if open_dialect.quote == AUTO else (open_dialect.quote,)
    promised = set(reading.promised_names())
    most, tried = 0, list[str]()
    fitting: list[tuple[Dialect, list[list[str]]]] = []
    for delimiter, quote in product(delimiters, quotes):
        dialect = replace(open_dialect, delimiter=delimiter, quote=quote)
        rows = _first_rows(reading, text, dialect, read_to_end=read_to_end)
        if rows is None:
            continue
        count = reading.extract.header_rows
        names = header(rows[:count])
        tried.append(f"{_described(dialect)} {len(names)}")
        found = len(promised.intersection(names))
        if found < max(most, 1) or any(len(trimmed(row)) > len(names) for row in rows[count:]):
            continue
        if found > most:
            most, fitting = found, []
        if all(rows != others for _, others in fitting):
            fitting.append((dialect, rows))
    if len(fitting) == 1:
        return fitting[0][0]
    raise _undecided(reading, [_described(dialect) for dialect, _ in fitting], tried)


def _undecided(reading: Reading, fitting: Sequence[str], tried: Sequence[str]) -> SourceError:
    """Returns the error for a file that no dialect fits, or that several fit.

    fitting: the dialects that fit. tried: each dialect that cuts the file into rows, with its number of header cells.
    """
    hint = "nyatakan delimiter dan quote di kontrak"
    if fitting:
        return reading.source_error(
            f"dapat dibagi dengan lebih dari satu cara: {'; '.join(fitting)}", hint, code="GDK-F012"
        )
    cells = f"jumlah sel {HEADER}: {'; '.join(tried)}" if tried else "tidak ada cara membaginya menjadi baris"
    row = reading.extract.header_row
    message = f"tidak ada pemisah yang menemukan kolom kontrak di baris {row}; {cells}"
    return reading.shape_error(
        message,
        f"{hint}, perbaiki header_row, atau minta OPD memakai {HEADER} yang dijanjikan",
        code="GDK-F012",
    )


_QUOTES_IN_WORDS = {
    "row": ", setiap baris di dalam sepasang tanda kutip (quote: row)",
    "none": ", tanpa tanda kutip (quote: none)",
}


def _described(dialect: Dialect) -> str:
    """Describes a dialect in a message."""
    delimiter = "tab" if dialect.delimiter == "\t" else repr(dialect.delimiter)
    quote = _QUOTES_IN_WORDS.get(dialect.quote, f" dengan tanda kutip {dialect.quote!r}")
    return f"pemisah {delimiter}{quote}"


def _first_rows(
    reading: Reading, text: str, dialect: Dialect, *, read_to_end: bool
) -> list[list[str]] | None:
    """Cuts the text into its first rows by `dialect`; returns None if the dialect does not fit."""
    extract = reading.extract
    lines = Lines(io.StringIO(text, newline=""), extract.header_row, extract.comment)
    rows: list[list[str]] = []
    try:
        for row in islice(dialect.reader(iter(lines)), _ROWS):
            rows.append(row)
            lines.between_rows = True
    except csv.Error as error:
        # The last row of the part may be cut, so an unclosed quote there is allowed. This is not so for the apostrophe,
        # because it may be the first character of a cell's plain text.
        if read_to_end or "unexpected end" not in str(error) or dialect.quote == "'":
            return None
    if dialect.quote == "'" and any(cell.startswith('"') for row in rows for cell in row):
        return None
    if not read_to_end and len(rows) < _ROWS:
        rows = rows[:-1]
    return [row for row in rows if row]
