"""Finding out what a contract leaves open (`auto`): a CSV file's encoding, delimiter and quote.

What belongs here: deciding by the first part of a file, once, or saying that it can't be decided. Never a guess: what
fits in two ways is an error that names them. Not here: reading the file (text.py).
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
from pipelines.extract.upload.table import Reading, header, trimmed

SAMPLE = 1 << 20
"""Bytes of the first part."""
_ROWS = 200
_DELIMITERS = (",", ";", "\t", "|")
_QUOTES = ('"', "'", "row")


def dialect_of(reading: Reading, file: BinaryIO) -> tuple[Dialect, dict[str, str]]:
    """The file's dialect, and of it what was found out because the contract leaves it open.

    Raises SourceError where nothing fits, or more than one way does.
    """
    extract = reading.extract
    declared = Dialect(
        extract.encoding, extract.delimiter, extract.quote, extract.escape, skip=extract.skipinitialspace
    )
    if AUTO not in (declared.encoding, declared.delimiter, declared.quote):
        return declared, {}
    file.seek(0)
    part = file.read(SAMPLE + 1)
    whole = len(part) <= SAMPLE
    encoding = _encoding(reading, part, whole=whole) if declared.encoding == AUTO else declared.encoding
    dialect = replace(declared, encoding=encoding)
    if AUTO in (declared.delimiter, declared.quote):
        dialect = _marks(reading, _decoded(reading, part, encoding), dialect, whole=whole)
    keys = ("encoding", "delimiter", "quote")
    return dialect, {key: getattr(dialect, key) for key in keys if getattr(declared, key) == AUTO}


def _encoding(reading: Reading, part: bytes, *, whole: bool) -> str:
    """A byte order mark; UTF-16 by its NULs; UTF-8 where all bytes are; else Windows' cp1252, if its letters fit."""
    if told := bom_encoding(part):
        return told
    if b"\0" in part:
        # Latin letters in UTF-16 have a NUL at every second byte.
        even, odd = part[::2].count(0), part[1::2].count(0)
        if odd > len(part) // 4 and even * 20 < odd:
            return "utf-16-le"
        if even > len(part) // 4 and odd * 20 < even:
            return "utf-16-be"
        raise reading.fault("its NUL bytes fit no text", "it is damaged or no text: upload the file anew")
    if _fits(part, "utf-8", whole=whole):
        return "utf-8"
    # Control characters would be text in cp1252, but in no file of an office program.
    if _fits(part, "cp1252", whole=whole) and not any(b in part for b in b"\x01\x02\x03\x04\x05\x06\x0e\x0f"):
        return "cp1252"
    hint = "save it as 'CSV UTF-8', or declare its encoding"
    raise reading.fault("its bytes are neither utf-8 nor utf-16 nor cp1252", hint)


def _fits(part: bytes, encoding: str, *, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(part, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(reading: Reading, part: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(part).removeprefix("\ufeff")
    except UnicodeError:
        pass
    raise reading.fault(
        f"its first part is no {encoding}", "declare encoding: auto, or save it as 'CSV UTF-8'"
    )


def _marks(reading: Reading, text: str, open_dialect: Dialect, *, whole: bool) -> Dialect:
    """Delimiter and quote: those that find the most columns of the contract, and no row longer than the header.

    Several that cut the first part into the same cells are one.
    """
    delimiters = _DELIMITERS if open_dialect.delimiter == AUTO else (open_dialect.delimiter,)
    quotes = _QUOTES if open_dialect.quote == AUTO else (open_dialect.quote,)
    expected = set(reading.expected())
    best, widths = 0, list[str]()
    fitting: list[tuple[Dialect, list[list[str]]]] = []
    for delimiter, quote in product(delimiters, quotes):
        dialect = replace(open_dialect, delimiter=delimiter, quote=quote)
        rows = _parsed(reading, text, dialect, whole=whole)
        if rows is None:
            continue
        count = reading.extract.header_rows
        names = header(rows[:count])
        widths.append(f"{_words(dialect)} {len(names)}")
        score = len(expected.intersection(names))
        if score < max(best, 1) or any(len(trimmed(row)) > len(names) for row in rows[count:]):
            continue
        if score > best:
            best, fitting = score, []
        if all(rows != others for _, others in fitting):
            fitting.append((dialect, rows))
    if len(fitting) == 1:
        return fitting[0][0]
    raise _undecided(reading, [_words(dialect) for dialect, _ in fitting], widths)


def _undecided(reading: Reading, fitting: Sequence[str], widths: Sequence[str]) -> SourceError:
    hint = "declare delimiter and quote in the contract"
    if fitting:
        return reading.fault(f"it can be cut in more than one way: {'; '.join(fitting)}", hint)
    tried = f"cells of the header: {'; '.join(widths)}" if widths else "no way cuts it into rows"
    message = f"no delimiter finds a column of the contract in row {reading.extract.header_row}; {tried}"
    return reading.misshapen(message, f"{hint}, correct header_row, or ask the OPD for the promised header")


def _words(dialect: Dialect) -> str:
    return f"delimiter {dialect.delimiter!r} with quote {dialect.quote!r}"


def _parsed(reading: Reading, text: str, dialect: Dialect, *, whole: bool) -> list[list[str]] | None:
    """The first rows cut by `dialect`; None where it does not fit."""
    extract = reading.extract
    lines = Lines(io.StringIO(text, newline=""), extract.header_row, extract.comment)
    rows: list[list[str]] = []
    try:
        for row in islice(dialect.reader(iter(lines)), _ROWS):
            rows.append(row)
            lines.between = True
    except csv.Error as error:
        # In a part of a file the last row may be cut anywhere; but an apostrophe may also just begin a name.
        if whole or "unexpected end" not in str(error) or dialect.quote == "'":
            return None
    if dialect.quote == "'" and any(cell.startswith('"') for row in rows for cell in row):
        return None
    if not whole and len(rows) < _ROWS:
        rows = rows[:-1]
    return [row for row in rows if row]
