"""The stream that every kind of source gives: rows as text in PostgreSQL's COPY text format.

Source: PostgreSQL manual, COPY, "Text Format": fields parted by tabs, rows by newlines, backslash escapes,
NULL as backslash-N. A NUL character has no place in a PostgreSQL text and is replaced by U+FFFD.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\ufffd"))
_CELL, _ROW, _NULL = "\x1f", "\x1e", "\x1d"
"""Marks that stand for tab, newline and NULL until the text between them is escaped."""

_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows a load wants: from a cursor value on (ISO 8601), or a range of days, both ends in it."""

    since: str | None = None
    start: date | None = None
    end: date | None = None


class UnfitError(Exception):
    """A fast way of reading met what it does not know; the stream's `fallback` does."""


@dataclass(frozen=True, slots=True)
class Csv:
    """How blocks of CSV are written. encoding: PostgreSQL's word for it; an empty cell, quoted or not, is NULL."""

    delimiter: str
    encoding: str


@dataclass
class SourceStream:
    """An open source. `blocks` may be read once; `rows`, `shape` and `warnings` are final when it is exhausted.

    columns: warehouse names in the order of the COPY fields, EXTRA among them where the contract evolves, POSITION
    where the source has positions.
    blocks: COPY text (or CSV, see `csv`), whole rows per block. Raises SourceError, or UnfitError where there is a
    fallback; then nothing read so far may be used.
    name: what is read (table, URL path, file name), for the ledger.
    fingerprint: SHA-256 of the source's content where it is known before reading, else None.
    shape: every column that the source has, known to the contract or not, and its kind there ("" where it has none).
    exact: columns whose every value the source's own type guarantees to be one of the contract's.
    csv: how the blocks are written, where they are no COPY text.
    found: what had to be found out of the source because the contract leaves it open, for the ledger.
    ignore_rate_limit: whether reading it slowly would not spare the source but hold up whoever writes there.
    fallback: opens the same source for a slower way of reading, which takes whatever this one does not.
    wider: whether rows outside of what was asked for may be among them; the load leaves them out.
    unreachable: rows of the source whose cursor or date is empty or none, so that no read of a part finds them; None
    where all was read, or where it is not known.
    """

    columns: tuple[str, ...]
    blocks: Iterator[bytes]
    name: str
    fingerprint: str | None = None
    rows: int = 0
    shape: dict[str, str] = field(default_factory=dict[str, str])
    exact: frozenset[str] = frozenset()
    warnings: list[str] = field(default_factory=list[str])
    csv: Csv | None = None
    found: dict[str, str] = field(default_factory=dict[str, str])
    ignore_rate_limit: bool = False
    fallback: Callable[[], SourceStream] | None = None
    wider: bool = False
    unreachable: int | None = None

    def close(self) -> None:
        """Lets go of the source, also where `blocks` was not read, or not to its end."""
        if isinstance(self.blocks, Generator):
            self.blocks.close()


def encode_rows(rows: Iterable[Sequence[str | None]], stream: SourceStream | None = None) -> Iterator[bytes]:
    """Rows as blocks of about 256 kB of UTF-8 COPY text; counts them into `stream.rows`."""
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
    """Some rows, given as columns, as one block of COPY text; an empty cell is NULL. Counts them into `stream.rows`."""
    stream.rows += len(columns[0])
    lines = map("\t".join, zip(*map(_fields, columns), strict=True))
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _fields(cells: Sequence[str]) -> Sequence[str]:
    """A column's cells as COPY writes them."""
    text = _CELL.join(cells)
    escaped = _escaped(text)
    if escaped != text:
        marked = text.count(_CELL) >= len(cells)  # a cell holds the mark itself
        cells = [_escaped(cell) for cell in cells] if marked else escaped.split(_CELL)
    return [cell or "\\N" for cell in cells] if "" in cells else cells


def _encode(
    block: Sequence[Sequence[str | None]], lines: Sequence[str], stream: SourceStream | None
) -> bytes:
    """Escaped all at once: that costs a tenth of doing it cell by cell."""
    if stream is not None:
        stream.rows += len(lines)
    text = _ROW.join(lines)
    nulls = sum(row.count(None) for row in block)
    cells = sum(map(len, block)) - len(block)
    if (text.count(_CELL), text.count(_ROW), text.count(_NULL)) == (cells, len(block) - 1, nulls):
        text = _escaped(text).replace(_CELL, "\t").replace(_ROW, "\n").replace(_NULL, "\\N")
    else:  # a cell holds one of the marks itself
        text = "\n".join("\t".join("\\N" if v is None else _escaped(v) for v in row) for row in block)
    return (text + "\n").encode("utf-8", "replace")


def _escaped(text: str) -> str:
    for found, written in _ESCAPES:
        if found in text:  # finds nothing ten times as fast as `replace` does
            text = text.replace(found, written)
    return text
