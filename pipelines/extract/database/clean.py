"""Bytes for which PostgreSQL's text has no place: replaced by U+FFFD, and the rows counted.

What belongs here: NUL characters and what is no UTF-8 (MySQL's charset utf8mb4 and PostgreSQL's SQL_ASCII let them
in). Not here: escapes of COPY text.
"""

from __future__ import annotations

from dataclasses import dataclass

REPLACEMENT = "\ufffd"
_REPLACEMENT = REPLACEMENT.encode()


@dataclass(slots=True)
class Cleaner:
    """Counts the rows that it had to change."""

    nul: int = 0
    invalid: int = 0

    def block(self, block: bytes) -> bytes:
        """Whole lines of COPY text, clean. A look at the whole block is cheap, so clean rows cost next to nothing."""
        if b"\0" not in block and _is_utf8(block):
            return block
        return b"\n".join(map(self.line, block.split(b"\n")))

    def line(self, line: bytes) -> bytes:
        if b"\0" in line:
            self.nul += 1
            line = line.replace(b"\0", _REPLACEMENT)
        if not _is_utf8(line):
            self.invalid += 1
            line = line.decode("utf-8", "replace").encode()
        return line

    def warnings(self) -> list[str]:
        told = ((self.nul, "a NUL character"), (self.invalid, "bytes that are no UTF-8"))
        return [f"{rows} rows hold {what}: replaced by U+FFFD" for rows, what in told if rows]


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
