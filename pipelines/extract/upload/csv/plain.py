"""Large CSV files that are written as they should be: their bytes go straight to PostgreSQL's own CSV reader.

What belongs here: making sure, block by block and without a Python object per cell, that PostgreSQL will read exactly
the rows that text.py would: every quote where RFC 4180 (section 2) has it, every row as wide as the header, none
blank, none that ends otherwise. What is not so is an UnfitError, and the file is read by text.py. Not here:
the forms of typed cells (plain_types.py), headers, dialects, anything that wants to be repaired or told.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from pipelines.contracts.columns import Column
from pipelines.extract.stream import Csv, SourceStream, UnfitError
from pipelines.extract.upload.csv.plain_types import Bytes, Grid, Places, provable, proven
from pipelines.extract.upload.csv.text import MAX_ROW, Dialect
from pipelines.extract.upload.table import Fit

BLOCK = 1 << 19
WORTH = 1 << 20
"""Bytes from which on a file is tried: a smaller one is read in a blink anyway."""

_ENCODINGS = {"utf-8": "UTF8", "cp1252": "WIN1252", "iso8859-1": "LATIN1"}
_QUOTE, _NEWLINE, _RETURN, _SPACE, _BEYOND_ASCII = 34, 10, 13, 32, 127


def fits(fit: Fit, dialect: Dialect) -> Csv | None:
    """How PostgreSQL is to read the file where it may be plain: declared so, and every column of it wanted."""
    extract = fit.reading.extract
    encoding = _ENCODINGS.get(codecs.lookup(dialect.encoding).name)
    width = len(fit.table.names)
    declared = (extract.header_row, extract.header_rows, extract.comment, dialect.quote) == (1, 1, None, '"')
    if not (declared and encoding and width > 1 and sorted(fit.picks) == list(range(width))):
        return None
    if fit.totals or fit.filling or fit.extras is not None or not dialect.delimiter.isascii():
        return None
    if dialect.skip or dialect.escape is not None:
        return None
    return Csv(dialect.delimiter, encoding)


def typed_columns(file: BinaryIO, delimiter: str, columns: Sequence[Column]) -> dict[int, str]:
    """PostgreSQL's type of each column that may land in it, by its place, as far as the file's first block tells.

    columns: of the warehouse, in the file's order. A later block that is otherwise is an UnfitError of `plain_rows`.
    """
    types = {place: column.type for place, column in enumerate(columns) if provable(column)}
    _skip_mark(file)
    try:
        rows = _rows(file.read(BLOCK), ord(delimiter), len(columns))
    except UnfitError:
        return {}
    if len(rows.ends) < 2:
        return {}
    return {place: types[place] for place in proven(rows.cells(first=1), types)}


def plain_rows(
    file: BinaryIO,
    delimiter: str,
    width: int,
    stream: SourceStream,
    *,
    types: Mapping[int, str] | None = None,
    size: int = BLOCK,
) -> Iterator[bytes]:
    """Blocks of CSV whose first cell is each row's position ("baris 12"); counts `stream.rows`.

    file: its first row is the header, which is checked like any other and left out. width: of the header.
    types: of the columns that land typed, by their place. size: bytes that are looked at together.
    Raises UnfitError, when a part may have been given already.
    """
    part = delimiter.encode()
    line, rest, first = 1, b"", 1
    _skip_mark(file)
    while True:
        # A long row is looked at a few times, not for each block of it.
        block = file.read(max(size, len(rest)))
        block, last = rest + block, not block
        if last and block and not block.endswith(b"\n"):
            block += b"\n"
        rows = _rows(block, part[0], width)
        rest = block[rows.used :]
        if len(rest) > MAX_ROW or (last and rest):
            raise UnfitError
        if len(rows.ends) > first:
            if types and len(proven(rows.cells(first), types)) < len(types):
                raise UnfitError
            stream.rows += len(rows.ends) - first
            yield rows.numbered(line, part, first)
        if len(rows.ends):
            line, first = line + int(rows.lines[-1]), 0
        if last:
            return


def _skip_mark(file: BinaryIO) -> None:
    """To where the text begins: behind a UTF-8 byte order mark."""
    file.seek(0)
    if file.read(3) != codecs.BOM_UTF8:
        file.seek(0)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The whole rows at the beginning of `block`.

    ends: behind each row's newline. lines: how many lines there are up to there. delimiters: of all rows, in order.
    """

    block: bytes
    ends: Places
    lines: Places
    delimiters: Places
    delimiter: int

    @property
    def used(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def numbered(self, line: int, part: bytes, first: int) -> bytes:
        """The rows from `first` on, with their position before them; the first of all stands at `line`."""
        block, ends = self.block, [0, *self.ends.tolist()]
        numbers = [line, *(self.lines + line).tolist()]
        rows = zip(numbers[first:-1], ends[first:], ends[first + 1 :], strict=False)
        return b"".join([b"baris %d%b%b" % (number, part, block[a:z]) for number, a, z in rows])

    def cells(self, first: int) -> Grid:
        """The cells of the rows from `first` on."""
        text = np.frombuffer(self.block, np.uint8)[: self.used]
        count = len(self.ends)
        delimiters = self.delimiters.reshape(count, -1)[first:]
        newlines = self.ends[first:] - 1
        starts = np.empty((len(newlines), delimiters.shape[1] + 1), np.int64)
        starts[:, 0] = np.concatenate(([0], self.ends[:-1]))[first:]
        starts[:, 1:] = delimiters + 1
        ends = np.empty_like(starts)
        ends[:, :-1] = delimiters
        ends[:, -1] = newlines - (text[newlines - 1] == _RETURN)
        return Grid(text, starts, ends, self.delimiter)


def _rows(block: bytes, delimiter: int, width: int) -> _Rows:
    """The rows of `block`, which begins where one does. Raises UnfitError."""
    text = np.frombuffer(block, np.uint8)
    quotes = text == _QUOTE
    within = np.bitwise_xor.accumulate(quotes) if quotes.any() else quotes
    _check_quotes(text, quotes, within, delimiter)
    breaks = np.flatnonzero(text == _NEWLINE)
    ends = breaks[~within[breaks]]
    if not len(ends):
        return _Rows(block, ends, ends, ends, delimiter)
    used = int(ends[-1]) + 1
    text, within, quotes = text[:used], within[:used], quotes[:used]
    delimiters = np.flatnonzero(text == delimiter)
    delimiters = delimiters[~within[delimiters]]
    returns = np.flatnonzero(text == _RETURN)
    returns = returns[~within[returns]]
    # A row of nothing but blanks is none to text.py; letters beyond ASCII may be blanks, too.
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
    return _Rows(block, ends + 1, np.searchsorted(breaks, ends) + 1, delimiters, delimiter)


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
