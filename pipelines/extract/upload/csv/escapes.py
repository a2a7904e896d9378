"""Escapes of a CSV file, as MySQL's SELECT INTO OUTFILE and phpMyAdmin write them and LOAD DATA reads them.

What belongs here: the signs behind an escape character. Not here: cutting rows into cells (text.py).
Source: MySQL 8.4 reference manual, "LOAD DATA Statement", table of escape sequences.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

_NULL = "\ufdd0"
_FIRST_MARK = 0xFDD1
_SIGNS = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
_NO_TEXT = re.compile("[\ufdd0-\ufddf]")
"""Noncharacters (Unicode, 23.7): they stand for escaped signs while csv cuts the row, and are in no text."""


class Escapes:
    """Hides what an escape character has made harmless from csv, whose own escapes know no NULL and no newline."""

    def __init__(self, escape: str, delimiter: str, quote: str) -> None:
        self._escape = escape
        self._found = re.compile(re.escape(escape) + "(\r\n|.)", re.DOTALL)
        hidden = dict.fromkeys((delimiter, quote, "\n", "\r"))
        hidden.pop("", None)
        self._marks = {sign: chr(_FIRST_MARK + number) for number, sign in enumerate(hidden)}
        self._back = {ord(mark): sign for sign, mark in self._marks.items()} | {ord(_NULL): "N"}

    def masked(self, lines: Iterator[str]) -> Iterator[str]:
        """The lines, each with those that its escaped line ends belong to. Raises csv.Error."""
        for line in lines:
            whole = line
            while self._goes_on(whole) and (more := next(lines, "")):
                whole += more
            if _NO_TEXT.search(whole):
                raise csv.Error("NUL")
            yield self._found.sub(self._mask, whole) if self._escape in whole else whole

    def _goes_on(self, line: str) -> bool:
        """Whether the line's end is escaped: an odd number of escapes stands before it."""
        text = line.rstrip("\r\n")
        return text != line and (len(text) - len(text.rstrip(self._escape))) % 2 == 1

    def _mask(self, match: re.Match[str]) -> str:
        if match[1] == "N":
            return _NULL
        signs = _SIGNS.get(match[1], match[1])
        return "".join(self._marks.get(sign, sign) for sign in signs)

    def unmasked(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        """The cells with their signs; one that is \\N alone is empty."""
        for row in rows:
            yield [self._cell(cell) for cell in row]

    def _cell(self, cell: str) -> str:
        if cell.isascii():
            return cell
        return "" if cell == _NULL else cell.translate(self._back)
