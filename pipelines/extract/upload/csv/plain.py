"""Sends the bytes of a large, regular CSV file directly to PostgreSQL's own CSV reader.

What belongs here: proving, block by block and without a Python object per cell, that PostgreSQL will read exactly the
rows that text.py would: every quote is where RFC 4180 (section 2) allows it, every row is as wide as the header, none
is blank, each ends with a newline. Anything else raises UnfitError, and text.py reads the file. Not here: the forms of
typed cells (plain_types.py), headers (text.py), dialects (dialect.py), messages about a faulty file (text.py).
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from pipelines.contracts.columns import Column
from pipelines.extract.stream import Csv, SourceStream, UnfitError
from pipelines.extract.upload.csv.plain_types import Bytes, Grid, Places, may_land_typed, well_formed
from pipelines.extract.upload.csv.text import MAX_ROW, Dialect
from pipelines.extract.upload.fit import Fit

BLOCK = 1 << 19
"""The bytes that are checked at a time."""
SAMPLES = 15
"""How many further places of a file are looked at before its columns are called typed."""
MIN_FILE_SIZE = 1 << 20
"""The size in bytes of the smallest file for which this is tried: text.py reads a smaller one in less than a second."""

_SIGNS = {"sel_galat": (b"#", b"Err:"), "notasi_ilmiah": (b"+",)}
"""By rule, the bytes of which a cell has one that breaks it. Few files have them, and to look for them here costs
less than a tenth of asking each cell."""

_ENCODINGS = {"utf-8": "UTF8", "cp1252": "WIN1252", "iso8859-1": "LATIN1"}
_QUOTE, _NEWLINE, _RETURN, _SPACE, _BEYOND_ASCII = 34, 10, 13, 32, 127


def direct_csv_format(fit: Fit, dialect: Dialect) -> Csv | None:
    """Returns the format in which PostgreSQL reads the file itself; None if contract or dialect need text.py."""
    extract = fit.reading.extract
    encoding = _ENCODINGS.get(codecs.lookup(dialect.encoding).name)
    plain_dialect = (
        dialect.quote == '"' and dialect.escape is None and not dialect.skip and dialect.delimiter.isascii()
    )
    plain_layout = (extract.header_row, extract.header_rows, extract.comment) == (1, 1, None)
    reads_every_column = fit.width > 1 and sorted(fit.picks) == list(range(fit.width))
    if encoding and plain_dialect and plain_layout and reads_every_column and fit.is_plain:
        return Csv(dialect.delimiter, encoding)
    return None


def typed_columns(file: BinaryIO, delimiter: str, columns: Sequence[Column]) -> dict[int, str]:
    """Returns PostgreSQL's type of each column that it can read directly, by the column's place.

    Only the file's first block and SAMPLES places after it are checked. If another place has a cell of another form,
    `plain_rows` raises UnfitError. columns: the columns of the warehouse, in the file's order.
    """
    types = {place: column.type for place, column in enumerate(columns) if may_land_typed(column)}
    _skip_bom(file)
    try:
        rows = _rows(file.read(BLOCK), ord(delimiter), len(columns))
    except UnfitError:
        return {}
    if len(rows.ends) < 2:
        return {}
    types = _fitting(rows, 1, types)
    for rows in _samples(file, delimiter, len(columns)):
        types = _fitting(rows, 0, types)
        if not types:
            break
    return types


def _fitting(rows: _Rows, first: int, types: Mapping[int, str]) -> dict[int, str]:
    """Those of `types` whose cells are well formed in the rows from `first` on."""
    return {place: types[place] for place in well_formed(rows.cells(first), types)}


def _samples(file: BinaryIO, delimiter: str, width: int) -> Iterator[_Rows]:
    """Gives rows from places all over the file, without those places where a line break may be within a cell.

    A place within a quoted cell may still look like rows. Then columns land as text that need not, and nothing is lost.
    """
    size = file.seek(0, io.SEEK_END)
    length = min(BLOCK // 8, size // (SAMPLES + 1))
    for number in range(1, SAMPLES + 1):
        file.seek(size * number // (SAMPLES + 1))
        _, _, block = file.read(length).partition(b"\n")
        try:
            rows = _rows(block, ord(delimiter), width)
        except UnfitError:
            continue
        if len(rows.ends):
            yield rows


def plain_rows(
    file: BinaryIO,
    delimiter: str,
    columns: Sequence[str],
    stream: SourceStream,
    *,
    types: Mapping[int, str] | None = None,
    size: int = BLOCK,
) -> Iterator[bytes]:
    """Gives the rows as blocks of CSV, each row with its position ("baris 12") as first cell.

    Counts `stream.rows`, and finds `stream.unbroken`.

    The file's first row is the header, which is checked like any other row and left out.
    columns: the names of the file's columns. types: PostgreSQL's type of each that is read directly, by its place.
    size: the bytes that are checked at a time.
    Raises UnfitError, also after some blocks were given.
    """
    separator = delimiter.encode()
    line, rest, first = 1, b"", 1
    stream.unbroken = frozenset(_SIGNS)
    _skip_bom(file)
    while True:
        # At least as many bytes are read as the incomplete row has: a very long row is scanned only a few times.
        block = file.read(max(size, len(rest)))
        block, last = rest + block, not block
        if last and block and not block.endswith(b"\n"):
            block += b"\n"
        rows = _rows(block, separator[0], len(columns))
        rest = block[rows.used :]
        if len(rest) > MAX_ROW or (last and rest):
            raise UnfitError
        if len(rows.ends) > first:
            if types and (unfit := types.keys() - well_formed(rows.cells(first), types)):
                raise UnfitError([columns[place] for place in unfit])
            stream.rows += len(rows.ends) - first
            stream.unbroken = frozenset(
                rule for rule in stream.unbroken if not any(_has(block, sign) for sign in _SIGNS[rule])
            )
            yield rows.with_positions(line, separator, first)
        if len(rows.ends):
            line, first = line + int(rows.lines[-1]), 0
        if last:
            return


def _skip_bom(file: BinaryIO) -> None:
    """Goes to where the text begins: after a UTF-8 byte order mark, if there is one."""
    file.seek(0)
    if file.read(3) != codecs.BOM_UTF8:
        file.seek(0)


def _has(block: bytes, sign: bytes) -> bool:
    """Whether the bytes of `sign` are anywhere in `block`.

    In most blocks the first and the last byte of a sign are nowhere as far apart as in the sign. To see that takes a
    fifth of the time of looking for the sign itself.
    """
    if len(sign) > 1:
        text = np.frombuffer(block, np.uint8)
        apart = len(sign) - 1
        if not np.any((text[:-apart] == sign[0]) & (text[apart:] == sign[-1])):
            return False
    return sign in block


@dataclass(frozen=True, slots=True)
class _Rows:
    """The complete rows at the beginning of `block`. All places are counted in bytes from its beginning.

    ends: for each row, the place after its newline. lines: for each row, how many lines end before that place.
    cell_ends: for each row and cell, the place of the delimiter or newline after it.
    """

    block: bytes
    ends: Places
    lines: Places
    cell_ends: Places
    delimiter: int

    @property
    def used(self) -> int:
        """The number of bytes of all these rows."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def with_positions(self, line: int, separator: bytes, first: int) -> bytes:
        """Returns the rows from `first` on, each after its position; the block's first row begins at line `line`."""
        block, ends = self.block, [0, *self.ends.tolist()]
        rows = [block[a:z] for a, z in zip(ends[first:-1], ends[first + 1 :], strict=True)]
        values: list[int | bytes] = [b""] * (2 * len(rows))
        values[::2] = [line, *(self.lines + line).tolist()][first:-1]
        values[1::2] = rows
        # One format for all rows takes two thirds of the time of one format for each.
        form = b"baris %d" + separator.replace(b"%", b"%%") + b"%b"
        return form * len(rows) % tuple(values)

    def cells(self, first: int) -> Grid:
        """Returns where the cells of the rows from `first` on begin and end."""
        text = np.frombuffer(self.block, np.uint8)
        starts = np.concatenate(([0], self.cell_ends.ravel()[:-1] + 1)).reshape(self.cell_ends.shape)
        ends = self.cell_ends[first:].copy()
        ends[:, -1] -= text[ends[:, -1] - 1] == _RETURN
        return Grid(text, starts[first:], ends, self.delimiter)


def _rows(block: bytes, delimiter: int, width: int) -> _Rows:
    """Finds the complete rows of `block`, which begins where a row begins. Raises UnfitError for irregular rows.

    A mark is a byte that CSV gives a meaning: a quote, a delimiter, or a part of a line end. Only the search for marks
    looks at all bytes; what follows looks at the marks, a tenth of them.
    """
    text = np.frombuffer(block, np.uint8)
    places = np.flatnonzero((text == delimiter) | (text == _NEWLINE) | (text == _QUOTE) | (text == _RETURN))
    marks = text[places]
    quotes, newlines = marks == _QUOTE, marks == _NEWLINE
    within = _within(quotes)
    _check_quotes(text, places[quotes & within], places[quotes & ~within], delimiter)
    row_ends = newlines & ~within
    ends = places[row_ends]
    if not len(ends):
        return _Rows(block, ends, ends, ends.reshape(0, width), delimiter)
    cell_ends = places[row_ends | ((marks == delimiter) & ~within)]
    cell_ends = cell_ends[cell_ends <= ends[-1]]
    returns = places[(marks == _RETURN) & ~within]
    returns = returns[returns < ends[-1]]
    wrong = (
        bool(np.any(text[returns + 1] != _NEWLINE))
        or block.find(b"\0", 0, int(ends[-1])) >= 0
        or len(cell_ends) != len(ends) * width
        or bool(np.any(cell_ends[width - 1 :: width] != ends))
        or _any_may_be_blank(text[: ends[-1] + 1], np.concatenate(([0], ends[:-1] + 1)), delimiter)
    )
    if wrong:
        raise UnfitError
    lines = np.flatnonzero(row_ends[newlines]) + 1
    return _Rows(block, ends + 1, lines, cell_ends.reshape(-1, width), delimiter)


def _within(quotes: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether each mark is within quotes: an opening quote is, the closing one is not."""
    places = np.flatnonzero(quotes)
    if not len(places):
        return quotes
    lengths = np.diff(places, prepend=0, append=len(quotes))
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)


def _any_may_be_blank(text: Bytes, starts: Places, delimiter: int) -> bool:
    """Whether a row may be one that text.py skips: one that has only white space.

    Only visible ASCII characters prove that a row is not blank: characters beyond ASCII may be white space, too. In
    most files the first character of each row is one. starts: where the rows begin.
    """
    if _are_visible(text[starts], delimiter).all():
        return False
    return not np.logical_or.reduceat(_are_visible(text, delimiter), starts).all()


def _are_visible(text: Bytes, delimiter: int) -> npt.NDArray[np.bool_]:
    return (text > _SPACE) & (text < _BEYOND_ASCII) & (text != _QUOTE) & (text != delimiter)


def _check_quotes(text: Bytes, opening: Places, closing: Places, delimiter: int) -> None:
    """Raises UnfitError unless each opening quote begins a cell and each closing one ends it.

    Two quotes in a row within a quoted cell mean one quote.
    """
    opening = opening[opening > 0]
    before = text[opening - 1]
    if np.any((before != delimiter) & (before != _NEWLINE) & (before != _QUOTE)):
        raise UnfitError
    closing = closing[closing < len(text) - 1]
    after = text[closing + 1]
    if np.any((after != delimiter) & (after != _NEWLINE) & (after != _RETURN) & (after != _QUOTE)):
        raise UnfitError
