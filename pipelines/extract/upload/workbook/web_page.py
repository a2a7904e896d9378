"""Reads a web page that was saved as .xls, as BPS and many applications export it; each table is a sheet.

What belongs here: HTML to cells of text, in the process that reads workbooks (program.py loads this module by its
path). Not here: imports of this project; which table, which columns (tables.py).

pandas.read_html would turn texts into numbers ("001" into 1, "1.234" into 1.234). Python's html.parser needs minutes
for a megabyte of "<!--". A table needs few tags, and one pass of a regular expression finds them in linear time.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([a-zA-Z0-9_-]{1,40})""", re.IGNORECASE)
_BLANKS = re.compile("[ \t\r\n\f]+")
_WIDEST, _TALLEST = 1_000, 65_534
"""The largest colspan and rowspan (WHATWG HTML, 4.9.11)."""
_MOST_CELLS = 20_000_000
_MARKUP = re.compile(
    r"""<!--.*?(?:-->|\Z)|<(script|style|title)\b.*?(?:</\1\s*>|\Z)|<[!?][^>]*(?:>|\Z)"""
    r"""|<(?P<end>/?)(?P<tag>[a-z][a-z0-9]*)\b(?P<attributes>(?:[^<>"']|"[^"]*"|'[^']*')*)>""",
    re.IGNORECASE | re.DOTALL,
)
"""Everything that is not text: comments, scripts, declarations, tags. No two alternatives try the same characters
(except for a quote that is never closed), so that the search is linear."""
_SPAN = re.compile(r"""\b(colspan|rowspan)\s*=\s*["']?\s*([0-9]{1,8})""", re.IGNORECASE)


@dataclass
class HtmlSheet:
    """One table of the page. `start`, `merged_cell_ranges` and `iter_rows` are those of calamine's sheets.

    is_frame: whether its cells contain other tables.
    """

    name: str
    rows: list[list[str]] = field(default_factory=list[list[str]])
    merged_cell_ranges: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)
    is_frame: bool = False
    start = (0, 0)

    @property
    def is_visible(self) -> bool:
        """Whether the table has a header and rows, and does not contain other tables."""
        return len(self.rows) > 1 and not self.is_frame

    def iter_rows(self) -> Iterator[list[str]]:
        """Gives the rows, all filled up to the width of the widest."""
        width = max(map(len, self.rows), default=0)
        for row in self.rows:
            yield [*row, *[""] * (width - len(row))]


class HtmlWorkbook:
    """The tables of a page as sheets "Tabel 1", "Tabel 2", ..., also those within others."""

    def __init__(self, content: bytes) -> None:
        self.sheets = _Reader().read(_text(content))

    def get_sheet_by_name(self, name: str) -> HtmlSheet:
        """Returns the sheet of this name; the method has the name that calamine uses."""
        return next(sheet for sheet in self.sheets if sheet.name == name)


def _text(content: bytes) -> str:
    """Decodes the page by its byte order mark, else by the charset that it names, else as UTF-8, else as cp1252.

    Source of the last: WHATWG Encoding.
    """
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), None)
    found = None if encoding else _CHARSET.search(content[:4096])
    for name in (encoding, found and found[1].decode(), "utf-8"):
        try:
            if name:
                return content.decode(name).removeprefix("\ufeff")
        except (LookupError, UnicodeError):
            continue
    return content.decode("cp1252", "replace")


@dataclass
class _Open:
    """A table that is being read.

    taken: by column, the last row into which a rowspan from above reaches. row: the current row, from 0.
    cell: the pieces of the current cell's text; None between cells. place: the current cell's column.
    """

    sheet: HtmlSheet
    taken: dict[int, int] = field(default_factory=dict[int, int])
    row: int = -1
    cell: list[str] | None = None
    place: int = 0


class _Reader:
    """Reads the tables in one pass over a page. `_open` has the tables around the current place, the innermost last."""

    def __init__(self) -> None:
        self._sheets: list[HtmlSheet] = []
        self._open: list[_Open] = []
        self._cells = 0

    def read(self, page: str) -> list[HtmlSheet]:
        """Returns the page's tables in the order of their beginnings. Raises ValueError if they have too many cells."""
        end = 0
        for found in _MARKUP.finditer(page):
            self._take(page[end : found.start()])
            end = found.end()
            if found["tag"] is not None:
                tag = found["tag"].lower()
                self._end(tag) if found["end"] else self._begin(tag, found["attributes"])
        self._take(page[end:])
        while self._open:
            self._end("table")
        return self._sheets

    def _begin(self, tag: str, attributes: str) -> None:
        if tag == "table":
            if self._open:
                self._open[-1].sheet.is_frame = True
            self._sheets.append(HtmlSheet(f"Tabel {len(self._sheets) + 1}"))
            self._open.append(_Open(self._sheets[-1]))
        elif not self._open:
            return
        elif tag == "tr":
            self._end_cell()
            self._begin_row()
        elif tag in ("td", "th"):
            self._end_cell()
            self._begin_cell({name.lower(): int(number) for name, number in _SPAN.findall(attributes)})
        elif tag == "br":
            self._take("\0")

    def _end(self, tag: str) -> None:
        if self._open and tag in ("td", "th", "tr", "table"):
            self._end_cell()
            if tag == "table":
                self._open.pop()

    def _take(self, text: str) -> None:
        if self._open and self._open[-1].cell is not None:
            self._open[-1].cell.append(text)

    def _begin_row(self) -> None:
        table = self._open[-1]
        table.row += 1
        table.sheet.rows.append([])

    def _begin_cell(self, spans: dict[str, int]) -> None:
        table = self._open[-1]
        if table.row < 0:
            self._begin_row()
        row = table.sheet.rows[-1]
        while table.taken.get(len(row), -1) >= table.row:
            row.append("")
        across = min(max(spans.get("colspan", 1), 1), _WIDEST)
        down = min(max(spans.get("rowspan", 1), 1), _TALLEST)
        table.place, table.cell = len(row), []
        last = table.row + down - 1
        for column in range(len(row), len(row) + across):
            table.taken[column] = last
        if across > 1 or down > 1:
            first = (table.row, table.place)
            table.sheet.merged_cell_ranges.append((first, (last, table.place + across - 1)))
        row.extend([""] * across)
        self._cells += across
        if self._cells > _MOST_CELLS:
            raise ValueError("too many cells")

    def _end_cell(self) -> None:
        table = self._open[-1]
        if table.cell is not None:
            lines = _BLANKS.sub(" ", "".join(table.cell)).split("\0")
            text = unescape("\n".join(line.strip(" ") for line in lines)).strip("\n")
            table.sheet.rows[-1][table.place] = text if text.strip() else ""
            table.cell = None
