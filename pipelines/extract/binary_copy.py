"""Knows the frame of PostgreSQL's binary COPY format: which bytes of a block are a field.

What belongs here: what must be asked of such blocks without decoding their cells. Not here: making them, which the
source's server does (database/postgresql.py).
Source: PostgreSQL manual, COPY, "Binary Format": a signature of 11 bytes, four bytes of flags, and an extension with
its length; for each row the number of its fields, and each field with its length before it, -1 for NULL; at the end -1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_FIELDS, _LENGTH = struct.Struct("!h"), struct.Struct("!i")


@dataclass(frozen=True, slots=True)
class Binary:
    """How blocks are written in the binary format. texts: the places of the fields that hold a text in UTF-8."""

    texts: frozenset[int]

    def rows_with(self, part: bytes, block: bytes) -> int:
        """Counts the rows of a block that have `part` in one of their texts. The bytes of a number may be any."""
        return sum(
            any(part in block[start:end] for place, (start, end) in enumerate(row) if place in self.texts)
            for row in _rows(block)
        )


def _rows(block: bytes) -> Iterator[list[tuple[int, int]]]:
    """Gives for each row the places where its fields begin and end. A NULL has no bytes, like an empty field."""
    at = 0
    if block.startswith(_SIGNATURE):
        at = len(_SIGNATURE) + 4
        at += _LENGTH.size + _LENGTH.unpack_from(block, at)[0]
    while at < len(block):
        (fields,) = _FIELDS.unpack_from(block, at)
        at += _FIELDS.size
        row: list[tuple[int, int]] = []
        for _ in range(fields):
            start = at + _LENGTH.size
            at = start + max(0, _LENGTH.unpack_from(block, at)[0])
            row.append((start, at))
        if row:
            yield row
