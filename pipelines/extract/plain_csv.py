"""Large CSV files that are written as they should be: their bytes go straight to PostgreSQL's own CSV reader.

What belongs here: making sure, block by block and without a Python object per cell, that PostgreSQL will read exactly
the rows that text_file.py would: every quote where RFC 4180 (section 2) has it, every row as wide as the header, none
blank, none that ends otherwise. What is not so is an UnfitError, and the file is read by text_file.py. Not here:
headers, dialects, anything that wants to be repaired or told.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from pipelines.extract.stream import Csv, SourceStream, UnfitError
from pipelines.extract.table import Fit
from pipelines.extract.text_file import MAX_ROW, Dialect

BLOCK = 1 << 19
WORTH = 1 << 20
"""Bytes from which on a file is tried: a smaller one is read in a blink anyway."""

_ENCODINGS = {"utf-8": "UTF8", "cp1252": "WIN1252", "iso8859-1": "LATIN1"}
_QUOTE, _NEWLINE, _RETURN, _SPACE, _BEYOND_ASCII = 34, 10, 13, 32, 127
Bytes = npt.NDArray[np.uint8]


def fits(fit: Fit, dialect: Dialect) -> Csv | None:
    """How PostgreSQL is to read the file where it may be plain: declared so, and every column of it wanted."""
    extract = fit.reading.extract
    encoding = _ENCODINGS.get(codecs.lookup(dialect.encoding).name)
    width = len(fit.table.names)
    declared = (extract.header_row, extract.header_rows, extract.comment, dialect.quote) == (1, 1, None, '"')
    if not (declared and encoding and width > 1 and sorted(fit.picks) == list(range(width))):
        return None
    if fit.totals or fit.extras is not None or not dialect.delimiter.isascii():
        return None
    return Csv(dialect.delimiter, encoding)


def plain_rows(
    file: BinaryIO, delimiter: str, width: int, stream: SourceStream, size: int = BLOCK
) -> Iterator[bytes]:
    """Blocks of CSV whose first cell is each row's position ("baris 12"); counts `stream.rows`.

    file: its first row is the header, which is checked like any other and left out. width: of the header.
    size: bytes that are looked at together. Raises UnfitError, when a part may have been given already.
    """
    part = delimiter.encode()
    line, rest, header = 1, b"", True
    file.seek(0)
    if file.read(3) != codecs.BOM_UTF8:
        file.seek(0)
    while True:
        block = file.read(
            max(size, len(rest))
        )  # a long row is looked at a few times, not for each block of it
        block, last = rest + block, not block
        if last and block and not block.endswith(b"\n"):
            block += b"\n"
        ends, lines = _rows(block, part[0], width)
        rest = block[ends[-1] :] if ends else block
        if len(rest) > MAX_ROW or (last and rest):
            raise UnfitError
        starts = [0, *ends[:-1]]
        rows = list(zip(starts, ends, [line, *(line + n for n in lines[:-1])], strict=False))
        line += lines[-1] if lines else 0
        if header and rows:
            header, rows = False, rows[1:]
        if rows:
            stream.rows += len(rows)
            yield b"".join([b"baris %d%b%b" % (number, part, block[a:z]) for a, z, number in rows])
        if last:
            return


def _rows(block: bytes, delimiter: int, width: int) -> tuple[list[int], list[int]]:
    """Where each row of `block` ends, and how many lines there are up to there. A row begins where `block` does."""
    text = np.frombuffer(block, np.uint8)
    quotes = text == _QUOTE
    within = np.bitwise_xor.accumulate(quotes) if quotes.any() else quotes
    _check_quotes(text, quotes, within, delimiter)
    breaks = np.flatnonzero(text == _NEWLINE)
    ends = breaks[~within[breaks]]
    if not len(ends):
        return [], []
    used = int(ends[-1]) + 1
    text, within, quotes = text[:used], within[:used], quotes[:used]
    delimiters = np.flatnonzero(text == delimiter)
    delimiters = delimiters[~within[delimiters]]
    returns = np.flatnonzero(text == _RETURN)
    returns = returns[~within[returns]]
    # A row of nothing but blanks is none to text_file.py; letters beyond ASCII may be blanks, too.
    ink = (text > _SPACE) & (text < _BEYOND_ASCII) & ~quotes & (text != delimiter)
    starts = np.concatenate(([0], ends[:-1] + 1))
    wrong = (
        bool(np.any(text[returns + 1] != _NEWLINE))
        or not text.all()
        or bool(np.any(np.diff(np.searchsorted(delimiters, ends), prepend=0) != width - 1))
        or not np.logical_or.reduceat(ink, starts).all()
    )
    if wrong:
        raise UnfitError
    return (ends + 1).tolist(), (np.searchsorted(breaks, ends) + 1).tolist()


def _check_quotes(
    text: Bytes, quotes: npt.NDArray[np.bool_], within: npt.NDArray[np.bool_], delimiter: int
) -> None:
    """An opening quote begins a cell, a closing one ends it; two in a row, inside, are one of the cell's own."""
    opening = np.flatnonzero(quotes & within)
    opening = opening[opening > 0]
    before = text[opening - 1]
    if np.any((before != delimiter) & (before != _NEWLINE) & (before != _QUOTE)):
        raise UnfitError
    closing = np.flatnonzero(quotes & ~within)
    closing = closing[closing < len(text) - 1]
    after = text[closing + 1]
    if np.any((after != delimiter) & (after != _NEWLINE) & (after != _RETURN) & (after != _QUOTE)):
        raise UnfitError
