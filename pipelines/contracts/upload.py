"""Defines what a contract may declare about an uploaded file: its kind, its form, the place of its rows.

What belongs here: the keys of `extract` for an upload (docs/contracts/uploads.md) as one value, which refuses
contradictions; names in the zone and in files that are reserved for us. Not here: reading a file (extract/upload/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelines.suggest import hint_of_known

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
"""Shapes of records that are not a list of objects: an object of records by key, a list of lists below a header."""
KEY = "@key"
"""The `physicalName` by which a column reads the key of a record of shape KEYED."""
AUTO = "auto"
SHEET, FILE = "@sheet", "@file"
"""The `physicalName` by which a column reads the sheet's or the file's own name."""

# What feedback (pipelines/feedback/) adds to an OPD's file and folder, so that our readers recognise it.
OUTBOX = "_umpan_balik"
"""The folder in the upload zone that we write and never read: <zone>/<opd>/_umpan_balik/<dataset>/."""
RESERVED = "_"
"""Names in the zone that begin with it are ours. No contract takes such a file."""
NOTE_COLUMN = "catatan_walidata"
"""The column after the file's own ones that says for each row what is wrong."""
CONFIRM_COLUMN = "konfirmasi_opd"
"""The column after NOTE_COLUMN in which the OPD confirms that an unusual value is right."""
OUR_COLUMNS = (NOTE_COLUMN, CONFIRM_COLUMN)
MARKED = "-bertanda"
"""Ends a marked file's name before its suffix: data-bertanda.xlsx is the marked copy of data.xlsx or data.csv."""
_MARKED_NAME = re.compile(
    rf"(?P<stem>.+){MARKED}(?: ?\([0-9]{{1,3}}\))?(?P<suffix>\.csv|\.xlsx)", re.IGNORECASE
)
REFUSED_ROWS = "baris-ditahan.xlsx"
"""The workbook of the refused rows, where the OPD's own file is not marked."""
VIEW = "-lihat.xlsx"
"""Ends the name of a workbook with only the wrong rows of a CSV file. Neither it nor REFUSED_ROWS can be sent."""
SUMMARY_SHEET = "Ringkasan walidata"
"""The sheet before the file's own ones."""
ESCAPE = "'"
"""Stands before a cell of a marked CSV file that a spreadsheet would take for a formula."""


def stem_of(name: str) -> str:
    """What the names of an upload and of its marked copies have in common."""
    name = name[:-3] if name.lower().endswith(".gz") else name
    return name.rpartition(".")[0] or name


def copy_name(name: str, suffix: str) -> str:
    """The name of the marked copy of an upload: its own name, if the copy is a file of the same kind."""
    return name if name.lower().endswith(suffix) else f"{stem_of(name)}{MARKED}{suffix}"


def is_only_to_read(name: str) -> bool:
    """Whether a file of feedback has this name that is not the whole file of the OPD."""
    return name.lower() == REFUSED_ROWS or name.lower().endswith(VIEW)


def read_marked_name(name: str) -> tuple[str, str] | None:
    """Stem and suffix of a marked copy's name; None for another name. A browser may have added " (1)" to it."""
    found = _MARKED_NAME.fullmatch(name)
    return (found["stem"], found["suffix"].lower()) if found else None


@dataclass(frozen=True, slots=True)
class FileExtract:
    """The form of an uploaded file. Raises ValueError if its keys contradict each other.

    member: pattern of the one file to read inside a ZIP. delimiter, quote, encoding: AUTO to detect it.
    quote: a character, "none", or "row" if every row as a whole is in one pair of quotes.
    escape: the character that MySQL puts before a quote, a delimiter or N (for NULL).
    skipinitialspace: whether blanks after a delimiter are left out of the cell (the name is that of Python's csv).
    short_rows: whether a row may have fewer cells than the header.
    totals: header name -> regular expression; rows whose cell matches are left out and counted.
    fill_down: header names whose empty cells take the value above, the widest group first.
    hidden: whether to "load" or "skip" the rows that the workbook hides or filters out.
    sheet, sheets: name or pattern of the one sheet, or of all sheets, to read.
    records, shape: JSON pointer to the records, and their shape if they are not a list of objects.
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
            raise ValueError(f"format {self.format!r} tidak dikenal; {hint_of_known(self.format, FORMATS)}")
        for key, formats in _ONLY_FOR.items():
            default = FileExtract.__dataclass_fields__[key].default
            if getattr(self, key) not in (default, {}) and self.format not in formats:
                raise ValueError(f"{key} tidak berlaku untuk {self.format}, hanya untuk {', '.join(formats)}")
        for key in ("header_row", "header_rows"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} {getattr(self, key)!r} bukan bilangan bulat di atas 0")
        self._check_csv()
        if self.sheet and self.sheets:
            raise ValueError("sheet berarti satu lembar, sheets semua yang cocok; tulis salah satu")
        if self.hidden not in ("load", "skip"):
            raise ValueError(
                f"hidden {self.hidden!r} tidak dikenal; {hint_of_known(self.hidden, ('load', 'skip'))}"
            )
        if self.records and not self.records.startswith("/"):
            raise ValueError(f"records {self.records!r} bukan JSON pointer (misalnya /data)")
        if self.shape not in (None, KEYED, LISTS):
            raise ValueError(
                f"shape {self.shape!r} tidak dikenal; {hint_of_known(self.shape, (KEYED, LISTS))}"
            )
        for pattern in self.totals.values():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"totals {pattern!r} bukan regular expression: {error}") from None

    def of_marked(self, suffix: str) -> FileExtract:
        """The form of a marked copy (feedback/pack/): it is not packed, and a workbook has each row where it was."""
        if suffix != ".xlsx" or self.format in WORKBOOKS:
            return replace(self, member=None)
        kept = {
            key: getattr(self, key) for key in ("header_row", "header_rows", "totals", "fill_down", "hidden")
        }
        return FileExtract("xlsx", self.pattern, **kept)

    def _check_csv(self) -> None:
        if self.delimiter != AUTO and len(self.delimiter) != 1:
            raise ValueError(f"delimiter {self.delimiter!r} bukan satu karakter atau {AUTO}")
        if self.quote not in (AUTO, "none", "row") and len(self.quote) != 1:
            raise ValueError(f"quote {self.quote!r} bukan satu karakter, none, row, atau {AUTO}")
        if self.quote == self.delimiter != AUTO:
            raise ValueError("quote dan delimiter sama")
        if self.encoding != AUTO and not _is_encoding(self.encoding):
            raise ValueError(f"encoding {self.encoding!r} tidak dikenal (misalnya utf-8, cp1252, {AUTO})")
        if self.escape is not None:
            if len(self.escape) != 1 or self.escape in (self.delimiter, self.quote):
                raise ValueError(f"escape {self.escape!r} bukan satu karakter tersendiri (misalnya \\)")
            if self.quote in ("row", AUTO) or AUTO in (self.delimiter, self.encoding):
                raise ValueError("escape memerlukan delimiter, quote (bukan row), dan encoding yang ditulis")


def _is_encoding(name: str) -> bool:
    try:
        " ".encode(name)
    except LookupError:
        return False
    return True
