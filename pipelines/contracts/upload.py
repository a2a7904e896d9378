"""What a contract may say of an uploaded file: its kind, how it is written, where in it the rows are.

What belongs here: the words of `extract` for an upload (docs/contracts.md) as one value that refuses what
contradicts. Not here: reading a file (extract/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WORKBOOKS = ("xlsx", "xls", "ods")
FORMATS = ("csv", *WORKBOOKS, "json", "ndjson", "parquet")
_ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "header_row": ("csv", *WORKBOOKS),
    "header_rows": ("csv", *WORKBOOKS),
    "delimiter": ("csv",),
    "quote": ("csv",),
    "encoding": ("csv",),
    "comment": ("csv",),
    "escape": ("csv",),
    "skipinitialspace": ("csv",),
    "short_rows": ("csv",),
    "totals": ("csv", *WORKBOOKS, "parquet"),
    "fill_down": ("csv", *WORKBOOKS),
    "hidden": WORKBOOKS,
    "sheet": WORKBOOKS,
    "sheets": WORKBOOKS,
    "records": ("json",),
    "shape": ("json",),
}
KEYED, LISTS = "keyed", "lists"
"""Shapes of records that are no list of objects: an object of them by their keys, a list of lists below a header."""
KEY = "@key"
"""Of KEYED the key of a record, as a column reads it by `physicalName`."""
AUTO = "auto"
SHEET, FILE = "@sheet", "@file"
"""Source names of an upload that are no column of it: the sheet's and the file's own name."""


@dataclass(frozen=True, slots=True)
class FileExtract:
    """What an uploaded file looks like. Raises ValueError where its keys contradict each other.

    member: pattern of the one file to read inside a ZIP. delimiter, quote, encoding: AUTO to find out.
    quote: a character, "none", or "row" where every row is wrapped whole in one pair of quotes.
    escape: the character that MySQL puts before a quote, a delimiter or N (for NULL).
    skipinitialspace: whether blanks behind a delimiter are no part of the cell, as Python's csv calls it.
    short_rows: whether a row may have fewer cells than the header.
    totals: header name -> regular expression; rows whose cell matches are left out and counted.
    fill_down: header names whose empty cells take the value above, the widest group first.
    hidden: "load" or "skip": what becomes of rows that the workbook hides or filters out.
    sheet, sheets: name or pattern of the one sheet, or of all sheets, to read.
    records, shape: JSON pointer to the records, and how they stand there where they are no list of objects.
    """

    format: str
    pattern: str
    member: str | None = None
    header_row: int = 1
    header_rows: int = 1
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    comment: str | None = None
    escape: str | None = None
    skipinitialspace: bool = False
    short_rows: bool = False
    totals: Mapping[str, str] = field(default_factory=dict[str, str])
    fill_down: Sequence[str] = ()
    hidden: str = "load"
    sheet: str | None = None
    sheets: str | None = None
    records: str = ""
    shape: str | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"format {self.format!r} is unknown ({', '.join(FORMATS)})")
        for key, formats in _ONLY_FOR.items():
            default = FileExtract.__dataclass_fields__[key].default
            if getattr(self, key) not in (default, {}) and self.format not in formats:
                raise ValueError(f"{key} has no meaning for {self.format} (only for {', '.join(formats)})")
        for key in ("header_row", "header_rows"):
            if not isinstance(getattr(self, key), int) or getattr(self, key) < 1:
                raise ValueError(f"{key} {getattr(self, key)!r} is no whole number above 0")
        self._check_csv()
        if self.sheet and self.sheets:
            raise ValueError("sheet means one sheet, sheets all that match: one of them")
        if self.hidden not in ("load", "skip"):
            raise ValueError(f"hidden {self.hidden!r} is neither load nor skip")
        if isinstance(self.fill_down, str) or any(type(name) is not str for name in self.fill_down):
            raise ValueError("fill_down is a list of names in the header")
        if self.records and not self.records.startswith("/"):
            raise ValueError(f"records {self.records!r} is no JSON pointer (such as /data)")
        if self.shape not in (None, KEYED, LISTS):
            raise ValueError(f"shape {self.shape!r} is neither {KEYED} nor {LISTS}")
        for pattern in self.totals.values():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"totals {pattern!r} is no regular expression: {error}") from None

    def _check_csv(self) -> None:
        if self.delimiter != AUTO and len(self.delimiter) != 1:
            raise ValueError(f"delimiter {self.delimiter!r} is neither one character nor {AUTO}")
        if self.quote not in (AUTO, "none", "row") and len(self.quote) != 1:
            raise ValueError(f"quote {self.quote!r} is neither one character nor none, row or {AUTO}")
        if self.quote == self.delimiter != AUTO:
            raise ValueError("quote and delimiter are the same")
        if self.encoding != AUTO and not _is_encoding(self.encoding):
            raise ValueError(f"encoding {self.encoding!r} is unknown (such as utf-8, cp1252, {AUTO})")
        if self.escape is not None:
            if len(self.escape) != 1 or self.escape in (self.delimiter, self.quote):
                raise ValueError(f"escape {self.escape!r} is no character of its own (such as \\)")
            if self.quote in ("row", AUTO) or AUTO in (self.delimiter, self.encoding):
                raise ValueError(
                    "escape needs a declared delimiter, quote and encoding, and quote is not row"
                )
        for key in ("short_rows", "skipinitialspace"):
            if getattr(self, key) not in (True, False):
                raise ValueError(f"{key} {getattr(self, key)!r} is neither true nor false")


def _is_encoding(name: str) -> bool:
    try:
        " ".encode(name)
    except LookupError:
        return False
    return True
