"""Where a finding is: the position of a row in its source, and the address of a cell in the OPD's own sheet.

What belongs here: reading the texts of `_source_position` ("lembar Januari baris 12"), columns' letters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_POSITION = re.compile(r"(?P<before>.*?)(?P<unit>baris|rekaman) (?P<number>[0-9]{1,15})", re.DOTALL)
_SHEET = re.compile(r"lembar (?P<name>.*) ", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a row. before: the text before "baris 12", which names the sheet. number: None without one."""

    text: str
    before: str = ""
    number: int | None = None

    @property
    def sheet(self) -> str:
        """The sheet that the text names, "" if none."""
        found = _SHEET.fullmatch(self.before)
        return found["name"] if found else ""


def read_place(text: str | None) -> Place:
    """The place that a row's position says."""
    found = _POSITION.fullmatch(text or "")
    return Place(text or "", found["before"], int(found["number"])) if found else Place(text or "")


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """Where the columns of one table are. name: of its sheet. letters: by the contract's column.

    shift: how much greater the number of a row in our workbook is than the number in its position.
    """

    name: str
    letters: Mapping[str, str]
    shift: int = 0


@dataclass(slots=True)
class Layout:
    """The tables of a file, by the text before "baris" in the positions of their rows."""

    sheets: dict[str, SheetLayout] = field(default_factory=dict[str, SheetLayout])

    def sheet(self, place: Place) -> str:
        """The name of the row's sheet, "" if it has none or is not known."""
        found = self.sheets.get(place.before)
        return found.name if found else place.sheet

    def address(self, place: Place, column: str) -> str:
        """The address of a cell, as "B17"; "" if it is not known. column: one, or several with commas between."""
        found = self.sheets.get(place.before)
        letter = found.letters.get(column.split(",")[0].strip()) if found else None
        if found is None or letter is None or place.number is None:
            return ""
        return f"{letter}{place.number + found.shift}"


def letter_of(place: int) -> str:
    """The letters of a column, counted from 0: A, B, ..., Z, AA."""
    letters, number = "", place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
