"""Defines the stream that every reader returns: rows in a format that PostgreSQL's COPY reads, mostly its text format.

What belongs here: the stream, and the one place that writes COPY text in Python.
Source: PostgreSQL manual, COPY, "Text Format": tabs between fields, a newline after each row, backslash escapes,
NULL as backslash-N. A PostgreSQL text can't contain a NUL character; it is replaced by U+FFFD.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from pipelines.contracts.columns import Column
from pipelines.contracts.repairs import needs_no_text
from pipelines.extract.binary_copy import Binary

NULL = "\\N"
ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
"""The characters that COPY text escapes, in the order in which they must be replaced: the backslash first."""

NO_MOMENTS, AS_TEXTS = "tanggal_mustahil", "dibaca sebagai teks"
"""What `found` says of a source whose `usual` columns hold values that are none, such as 0000-00-00."""

_CELL, _ROW, _NULL = "\x1f", "\x1e", "\x1d"
"""Marks that are used for tab, newline and NULL until the text between them is escaped."""

_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows a load asks for: those from a cursor value on (ISO 8601), or a range of days, both ends included."""

    since: str | None = None
    start: date | None = None
    end: date | None = None


class UnfitError(Exception):
    """The fast reader found something that it can't read. The stream's `fallback` can read it.

    columns: the columns with cells that it can't read; none if it is something else.
    """

    def __init__(self, columns: Collection[str] = ()) -> None:
        super().__init__()
        self.columns = frozenset(columns)


@dataclass(frozen=True, slots=True)
class Csv:
    """How blocks of CSV are written. An empty cell, quoted or not, is NULL. encoding: PostgreSQL's name for it."""

    delimiter: str
    encoding: str


@dataclass
class SourceStream:
    """A source that was opened for reading.

    `blocks` may be read once; `rows`, `shape` and `warnings` are final after the last block.
    columns: warehouse names in the order of the COPY fields, with EXTRA where the contract evolves, and POSITION
    where the source has positions.
    blocks: COPY text (or another format, see `csv` and `binary`), only complete rows in each. Raises SourceError, or
    UnfitError if there is a fallback; rows read before an UnfitError must not be used.
    name: the name of what is read (table, URL path, file name), for the ledger.
    fingerprint: the SHA-256 of the source's content if it is known before reading, else None.
    shape: every column of the source, known to the contract or not, and its type there ("" if it has none).
    exact: the columns all of whose values are known to be valid for the contract's type, because of the type at the
    source or because their cells were checked.
    usual: further columns whose values nearly always are: they are tried as such. If PostgreSQL then refuses a value,
    the load reads `fallback`, in which these columns are texts.
    numbers: the columns that the source keeps as numbers: 1.234 is no thousand there.
    unbroken: the rules of rows that no cell breaks as it came, as the bytes of the whole source have shown. Final after
    the last block.
    csv, binary: how the blocks are written, if they are not COPY text. Those of `binary` are counted in `rows` before
    each is given.
    found: settings that were detected at the source because the contract leaves them open, for the ledger.
    ignore_rate_limit: whether the source is read at full speed, because a slow reading would block those who write.
    fallback: opens the same source with a slower reader, which reads everything that this one can't.
    confirmations: what the OPD wrote about rows whose unusual values are right, by the position of the row.
    wider: whether the source may give rows outside of the requested range; the load removes them.
    unreachable: the number of rows whose cursor or date is empty or invalid, so that no partial read finds them; None
    if everything was read, or if the number is not known.
    """

    columns: tuple[str, ...]
    blocks: Iterator[bytes]
    name: str
    fingerprint: str | None = None
    rows: int = 0
    shape: dict[str, str] = field(default_factory=dict[str, str])
    exact: frozenset[str] = frozenset()
    usual: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    warnings: list[str] = field(default_factory=list[str])
    unbroken: frozenset[str] = frozenset()
    csv: Csv | None = None
    binary: Binary | None = None
    found: dict[str, str] = field(default_factory=dict[str, str])
    ignore_rate_limit: bool = False
    fallback: Callable[[], SourceStream] | None = None
    confirmations: dict[str, str] = field(default_factory=dict[str, str])
    wider: bool = False
    unreachable: int | None = None

    def lands_typed(self, column: Column) -> bool:
        """Whether the column lands with its final type: nearly all of its values fit, and none has to be repaired."""
        fits = column.name in self.exact or column.name in self.usual
        return fits and needs_no_text(column, is_number=column.name in self.numbers)

    def rows_after(self, block: bytes, before: int) -> int:
        """How many rows the reader has given, this block included. before: how many it had given without it."""
        return self.rows if self.binary else before + block.count(b"\n")

    def rows_with(self, part: bytes, block: bytes) -> int:
        """Counts the rows of a block in which the bytes `part` occur in a text cell."""
        if part not in block:
            return 0
        if self.binary:
            return self.binary.rows_with(part, block)
        return sum(part in line for line in block.split(b"\n"))

    def as_texts(self) -> None:
        """Makes texts of the `usual` columns, and says so in `found`."""
        self.usual, self.fallback = frozenset(), None
        self.found = {**self.found, NO_MOMENTS: AS_TEXTS}

    def close(self) -> None:
        """Closes the source, also if `blocks` was not read, or not to its end."""
        if isinstance(self.blocks, Generator):
            self.blocks.close()


def encode_rows(rows: Iterable[Sequence[str | None]], stream: SourceStream | None = None) -> Iterator[bytes]:
    """Gives rows as blocks of about 256 kB of COPY text in UTF-8; counts them in `stream.rows`."""
    block: list[Sequence[str | None]] = []
    lines: list[str] = []
    size = 0
    for row in rows:
        line = _CELL.join([_NULL if v is None else v for v in row])
        block.append(row)
        lines.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield _encode(block, lines, stream)
            block, lines, size = [], [], 0
    if lines:
        yield _encode(block, lines, stream)


def encode_columns(columns: Sequence[Sequence[str]], stream: SourceStream) -> bytes:
    """Turns rows, given as columns of equal length, into one block of COPY text; counts them in `stream.rows`.

    An empty cell is NULL.
    """
    stream.rows += len(columns[0])
    lines = map("\t".join, zip(*map(_fields, columns), strict=True))
    return _as_bytes("\n".join(lines) + "\n")


def escape(text: str) -> str:
    """Escapes a cell's text for a field of COPY text; NUL characters stay."""
    for found, written in ESCAPES:
        if found in text:  # `in` is ten times as fast as a `replace` that finds nothing
            text = text.replace(found, written)
    return text


def _fields(cells: Sequence[str]) -> Sequence[str]:
    """Turns a column's cells into fields of COPY text. Escapes all in one text, which is faster than one by one."""
    text = _CELL.join(cells)
    escaped = escape(text)
    if escaped != text:
        holds_mark = text.count(_CELL) >= len(cells)
        cells = [escape(cell) for cell in cells] if holds_mark else escaped.split(_CELL)
    return [cell or NULL for cell in cells] if "" in cells else cells


def _encode(
    block: Sequence[Sequence[str | None]], lines: Sequence[str], stream: SourceStream | None
) -> bytes:
    """Makes a block of COPY text. All rows are escaped in one text, which takes a tenth of the time of cell by cell.

    lines: the rows of `block`, each with its cells joined by a mark.
    """
    if stream is not None:
        stream.rows += len(lines)
    text = _ROW.join(lines)
    nulls = sum(row.count(None) for row in block)
    separators = sum(map(len, block)) - len(block)
    if (text.count(_CELL), text.count(_ROW), text.count(_NULL)) == (separators, len(block) - 1, nulls):
        text = escape(text).replace(_CELL, "\t").replace(_ROW, "\n").replace(_NULL, NULL)
    else:  # a cell contains one of the marks
        text = "\n".join("\t".join(NULL if v is None else escape(v) for v in row) for row in block)
    return _as_bytes(text + "\n")


def _as_bytes(text: str) -> bytes:
    """Encodes the text in UTF-8; a NUL character or half of a surrogate pair is replaced."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text.encode("utf-8", "replace")
