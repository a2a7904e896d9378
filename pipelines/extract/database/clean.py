"""Replaces bytes that PostgreSQL's text can't contain with U+FFFD, and counts the rows that had them.

What belongs here: NUL characters and bytes that are not UTF-8, which MySQL's utf8mb4 and PostgreSQL's SQL_ASCII allow.
Not here: escapes of COPY text (extract/stream.py).
"""

from __future__ import annotations

from dataclasses import dataclass

REPLACEMENT = "\ufffd"
_REPLACEMENT = REPLACEMENT.encode()


@dataclass(slots=True)
class Cleaner:
    """Cleans COPY text.

    nul, invalid: the number of rows in which it replaced a NUL character, or bytes that are not UTF-8.
    """

    nul: int = 0
    invalid: int = 0

    def block(self, block: bytes) -> bytes:
        """Cleans a block of complete lines of COPY text. A clean block is checked as a whole, which costs little."""
        if b"\0" not in block and _is_utf8(block):
            return block
        return b"\n".join(map(self.line, block.split(b"\n")))

    def line(self, line: bytes) -> bytes:
        """Cleans one line of COPY text."""
        if b"\0" in line:
            self.nul += 1
            line = line.replace(b"\0", _REPLACEMENT)
        if not _is_utf8(line):
            self.invalid += 1
            line = line.decode("utf-8", "replace").encode()
        return line

    def warnings(self) -> list[str]:
        """Returns warnings that say how many rows were changed, for the ledger."""
        counts = ((self.nul, "karakter NUL"), (self.invalid, "byte yang bukan UTF-8"))
        return [f"{rows} baris berisi {what}: diganti dengan U+FFFD" for rows, what in counts if rows]


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
