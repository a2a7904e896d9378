"""Run as a program: opens a workbook with calamine, in little memory, and gives its cells as text.

What belongs here: what calamine holds, a cell's value as faithful text; dying in the place of who started it
(workbook_guard.py). Not here: anything of the house, it must start fast; which sheets, which columns (workbook.py).
A damaged .xls sends calamine round in circles, two cells in far corners make it ask for hundreds of gigabytes: both end
the process that reads, and here that is this one.

Each request is a line of JSON; each answer a length of 8 bytes and as many of MessagePack:
[] opens: [name, is a worksheet, is visible] of each sheet; "locked"; or null for what is no workbook.
[name, header's first row from 0, its rows] reads a sheet: its first used column and the header's merged cells, counted
from there; then its columns' texts, block by block until one is empty; the first block ends where the header does. Or
null for a damaged sheet.
"""

from __future__ import annotations

import io
import os
import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

_CHUNK = 1 << 20
_ROWS = 250
_EXACT_INTEGERS = 2**53
_UNREADABLE = (CalamineError, OSError, ValueError)

_Cell = float | bool | str | date | time | timedelta
_SAME_IN_JSON = ({float}, {int}, {bool}, {date}, {datetime}, {date, datetime})


def main(memory: int, seconds: int, file: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    workbook = None
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line)
        if workbook is None:
            workbook = _opened(file)
        else:
            _give_sheet(workbook, *request)


def _opened(file: int) -> CalamineWorkbook | None:
    content = io.BytesIO()
    # By position: the descriptor, and where it stands, is shared with who started this.
    while chunk := os.pread(file, _CHUNK, content.tell()):
        content.write(chunk)
    content.seek(0)
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


def _give(answer: object) -> None:
    content = msgspec.msgpack.encode(answer)
    sys.stdout.buffer.write(len(content).to_bytes(8, "little"))
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _give_sheet(workbook: CalamineWorkbook, name: str, top: int, count: int) -> None:
    try:
        sheet = workbook.get_sheet_by_name(name)
        head = (sheet.start[1] if sheet.start else 0, _spans(sheet, top, count))
    except _UNREADABLE:
        return _give(None)
    _give(head)
    rows = iter(sheet.iter_rows())
    size = top + count
    while block := list(islice(rows, size)):
        _give([column_texts(column) for column in zip(*block, strict=True)])
        size = _ROWS
    return _give([])


def _spans(sheet: CalamineSheet, top: int, count: int) -> list[Any]:
    """Merged cells within the header, counted from its first row and the sheet's first used column."""
    left = sheet.start[1] if sheet.start else 0
    return [
        ((row - top, column - left), (min(last_row, top + count - 1) - top, last_column - left))
        for (row, column), (last_row, last_column) in sheet.merged_cell_ranges or ()
        if top <= row < top + count and column >= left
    ]


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
    main(*map(int, sys.argv[1:]))
