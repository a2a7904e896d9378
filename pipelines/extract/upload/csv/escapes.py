"""Reads the escapes of a CSV file that MySQL's SELECT INTO OUTFILE or phpMyAdmin wrote.

What belongs here: what an escape character and the one after it mean. Not here: cutting rows into cells (text.py).
Source: MySQL 8.4 reference manual, "LOAD DATA Statement", table of escape sequences.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

_NULL = "\ufdd0"
_FIRST_MARK = 0xFDD1
_MEANINGS = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
_NO_TEXT = re.compile("[\ufdd0-\ufddf]")
"""Noncharacters (Unicode, 23.7), which no text contains: they replace escaped characters while csv cuts a row."""


class Escapes:
    """Replaces escaped delimiters, quotes and line ends before csv cuts the rows, and puts them back into the cells.

    csv's own escapes know no NULL and no newline.
    """

    def __init__(self, escape: str, delimiter: str, quote: str) -> None:
        self._escape = escape
        self._found = re.compile(re.escape(escape) + "(\r\n|.)", re.DOTALL)
        special = dict.fromkeys((delimiter, quote, "\n", "\r"))
        special.pop("", None)
        self._marks = {character: chr(_FIRST_MARK + number) for number, character in enumerate(special)}
        self._characters = {ord(m): character for character, m in self._marks.items()} | {ord(_NULL): "N"}

    def masked(self, lines: Iterator[str]) -> Iterator[str]:
        """Gives the lines with their escapes replaced. A line whose end is escaped is joined with the next one.

        Raises csv.Error for a text that contains noncharacters.
        """
        for line in lines:
            joined = line
            while self._ends_with_escape(joined) and (more := next(lines, "")):
                joined += more
            if _NO_TEXT.search(joined):
                raise csv.Error("NUL")
            yield self._found.sub(self._mask, joined) if self._escape in joined else joined

    def _ends_with_escape(self, line: str) -> bool:
        """Whether the line's end is escaped: there is an odd number of escapes before it."""
        text = line.rstrip("\r\n")
        return text != line and (len(text) - len(text.rstrip(self._escape))) % 2 == 1

    def _mask(self, match: re.Match[str]) -> str:
        if match[1] == "N":
            return _NULL
        meaning = _MEANINGS.get(match[1], match[1])
        return "".join(self._marks.get(character, character) for character in meaning)

    def unmasked(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        r"""Gives the rows with the escaped characters back in their cells. A cell that is only \N becomes empty."""
        for row in rows:
            yield [self._cell(cell) for cell in row]

    def _cell(self, cell: str) -> str:
        if cell.isascii():
            return cell
        return "" if cell == _NULL else cell.translate(self._characters)
