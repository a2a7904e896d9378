"""Run as a program: opens a workbook with calamine, in little memory, and gives its cells as text.

What belongs here: what calamine holds, a cell's value as faithful text; dying in the place of who started it
(guard.py). Not here: anything of the house, it must start fast; which sheets, which columns (tables.py).
A web page that was saved as .xls is read by web_page.py instead.
A damaged .xls sends calamine round in circles, two cells in far corners make it ask for hundreds of gigabytes: both end
the process that reads, and here that is this one.

Each request is a line of JSON; each answer a length of 8 bytes and as many of MessagePack:
[] opens: [name, is a worksheet, is visible] of each sheet; "locked"; or null for what is no workbook.
[name, rows] reads a sheet: its first used column and its merged cells, or null for a damaged sheet; then the columns'
texts of its first `rows` rows, which end with the header.
{column: form} goes on with that sheet: its columns' texts, block by block until one is empty. `form` says how the
number cells of a column are written, see `Form`; columns are counted from the first used one.
"""

from __future__ import annotations

import importlib.util
import io
import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

_CHUNK = 1 << 20
_ROWS = 250
_EXACT_INTEGERS = 2**53
_UNREADABLE = (CalamineError, OSError, ValueError)

_LONG = 10**15
"""Excel keeps 15 digits of a number (Microsoft, "Excel specifications and limits"): from here on the last are lost."""

Form = str | int
"""How the number cells of one column are written: "code" shows that a number of more than 15 digits has lost some
(6.40201410590001E+15), "comma" writes the decimal mark that the Indonesian repairs read, a whole number is added to a
date's serial number that the workbook counts from another day."""
_NUMBERS = frozenset({float, int})
_YEARS = range(1900, 2101)
"""Serial numbers that look like years: ops.serial_excel leaves them alone."""

_Cell = float | bool | str | date | time | timedelta
_SAME_IN_JSON = ({float}, {int}, {bool}, {date}, {datetime}, {date, datetime})


def main(memory: int, seconds: int, file: int, page_reader: str) -> None:
    """page_reader: web_page.py's place where the file is a web page, else empty."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    workbook = None
    rows: Iterator[Sequence[_Cell]] = iter(())
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line)
        if workbook is None:
            workbook = _opened(file, page_reader)
        elif isinstance(request, dict):
            _give_rows(rows, {int(column): form for column, form in request.items()})
        else:
            rows = _give_head(workbook, *request)


def _opened(file: int, page_reader: str) -> Any:
    content = io.BytesIO()
    # By position: the descriptor, and where it stands, is shared with who started this.
    while chunk := os.pread(file, _CHUNK, content.tell()):
        content.write(chunk)
    content.seek(0)
    if page_reader:
        return _opened_page(content.getvalue(), page_reader)
    try:
        workbook = CalamineWorkbook.from_filelike(content)
    except PasswordError:
        _give("locked")
    except _UNREADABLE:
        _give(None)
    else:
        _give(
            [
                (s.name, s.typ is SheetTypeEnum.WorkSheet, s.visible is SheetVisibleEnum.Visible)
                for s in workbook.sheets_metadata
            ]
        )
        return workbook
    return None


def _opened_page(content: bytes, page_reader: str) -> Any:
    spec = importlib.util.spec_from_file_location("workbook_html", page_reader)
    assert spec and spec.loader
    module = sys.modules["workbook_html"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        workbook: Any = module.HtmlWorkbook(content)
    except ValueError:
        _give(None)
        return None
    _give([(sheet.name, True, sheet.is_visible) for sheet in workbook.sheets])
    return workbook


def _give(answer: object) -> None:
    content = msgspec.msgpack.encode(answer)
    sys.stdout.buffer.write(len(content).to_bytes(8, "little"))
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _give_head(workbook: Any, name: str, count: int) -> Iterator[Sequence[_Cell]]:
    try:
        sheet = workbook.get_sheet_by_name(name)
        head = (sheet.start[1] if sheet.start else 0, sheet.merged_cell_ranges or ())
    except _UNREADABLE:
        _give(None)
        return iter(())
    _give(head)
    rows = iter(sheet.iter_rows())
    _give([column_texts(column) for column in zip(*islice(rows, count), strict=True)])
    return rows


def _give_rows(rows: Iterator[Sequence[_Cell]], forms: Mapping[int, Form]) -> None:
    while block := list(islice(rows, _ROWS)):
        columns = list(zip(*block, strict=True))
        texts = [column_texts(cells) for cells in columns]
        for number, form in forms.items():
            if number < len(columns):
                texts[number] = formed(columns[number], texts[number], form)
        _give(texts)
    _give([])


def formed(cells: Sequence[_Cell], texts: str | Sequence[str], form: Form) -> str | Sequence[str]:
    """The texts of a column whose number cells have a form of their own."""
    if _NUMBERS.isdisjoint(map(type, cells)):
        return texts
    listed = texts.split(",") if isinstance(texts, str) else texts
    return [
        _formed(cell, text, form) if type(cell) is float or type(cell) is int else text
        for cell, text in zip(cells, listed, strict=True)
    ]


def _formed(value: float, text: str, form: Form) -> str:
    if form == "code":
        return f"{Decimal(repr(value)).normalize():E}" if abs(value) >= _LONG else text
    if form == "comma":
        return text.replace(".", ",")
    assert isinstance(form, int)
    return text if value < 1 or value in _YEARS else _number(float(value + form))


def column_texts(cells: Sequence[_Cell]) -> str | Sequence[str]:
    """`cell_text` of each cell.

    A column of one kind, and empty cells, is made from one JSON text, at a quarter of the cost, and stays one text:
    its commas part the cells.
    """
    kinds = set(map(type, cells))
    if kinds == {str}:
        return cells  # type: ignore[return-value]
    if str in kinds and all(type(cell) is not str or not cell for cell in cells):
        kinds.discard(str)
    if kinds == {float}:
        with suppress(msgspec.ValidationError):  # whole numbers only, and none beyond 2 ** 53
            cells, kinds = msgspec.convert(cells, list[int], strict=False), {int}
    if kinds in _SAME_IN_JSON:
        text = msgspec.json.encode(cells).decode()[1:-1]
        if float not in kinds:
            return text.replace('"', "")
        if "e" not in text and "-0.0" not in text and "n" not in text:
            return (text + ",").replace(".0,", ",").replace('"', "")[:-1]
    return [_TEXTS[type(cell)](cell) for cell in cells]


def cell_text(value: _Cell) -> str:
    """A cell as text: integral numbers without ".0", ISO dates and times, true/false, a duration in hours."""
    return _TEXTS[type(value)](value)


def _number(value: float) -> str:
    if not value.is_integer():
        return repr(value)
    if abs(value) < _EXACT_INTEGERS:
        return str(int(value))
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def _duration(value: timedelta) -> str:
    sign = "-" if value < timedelta(0) else ""
    seconds, micros = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{micros:06d}" if micros else text


_TEXTS: dict[type, Callable[[Any], str]] = {
    str: str,
    float: _number,
    int: str,
    bool: lambda value: "true" if value else "false",
    date: date.isoformat,
    datetime: datetime.isoformat,
    time: time.isoformat,
    timedelta: _duration,
}


if __name__ == "__main__":
    _, limit, patience, descriptor, page_reader = sys.argv
    main(int(limit), int(patience), int(descriptor), page_reader)
