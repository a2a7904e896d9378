"""Opens a workbook with calamine, in limited memory, and writes its cells as text. process.py runs it as a program.

What belongs here: calamine, and the text of a cell that shows its value exactly. Not here: imports of this project
(the program must start fast); which sheets, which columns (tables.py). A web page that was saved as .xls is read by
web_page.py instead of calamine.

This program runs in its own process, because a damaged .xls may make calamine loop for ever, and two cells in far
corners make it request hundreds of gigabytes. Then only this process ends, and the loader continues.

Each request is one line of JSON. Each answer is a length of 8 bytes and as many bytes of MessagePack.
[] opens the workbook. Answer: [name, is a worksheet, is visible] for each sheet; "locked"; or null for no workbook.
[name, rows] reads a sheet. First answer: its first used column and its merged cells; or null for a damaged sheet.
Second answer: the texts of the first `rows` rows, column by column. The header is at the end of these rows.
{column: form} continues with that sheet. Answers: the columns' texts, block by block, then an empty block. `form` says
how the number cells of a column are written, see `Form`; columns are counted from the first used one.
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
"""From this size on, a floating-point number cannot represent every integer exactly."""
_UNREADABLE = (CalamineError, OSError, ValueError)

_LONG = 10**15
"""The first integer with more than 15 digits. Excel keeps only 15 (Microsoft, "Excel specifications and limits")."""

Form = str | int
"""How the number cells of one column are written. "code": a number with more than 15 digits is written with an
exponent, so that the reader sees that digits were lost (6.40201410590001E+15). "comma": the decimal mark is a comma,
which the Indonesian repairs read. An integer: this number of days is added to the serial number of a date, because the
workbook counts from another day."""
_NUMBERS = frozenset({float, int})
_YEARS = range(1900, 2101)
"""Numbers that are more likely years than serial numbers of dates; ops.serial_excel does not change them either."""

_Cell = float | bool | str | date | time | timedelta
_WRITTEN_AS_JSON = ({float}, {int}, {bool}, {date}, {datetime}, {date, datetime})


def main(memory: int, seconds: int, file: int, web_page: str) -> None:
    """Answers the requests on standard input until it ends.

    memory: limit in bytes. seconds: limit of processor time. file: the workbook's file descriptor. web_page: the path
    of web_page.py if the file is a web page, else empty.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    workbook = None
    rows: Iterator[Sequence[_Cell]] = iter(())
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line)
        if workbook is None:
            workbook = _open(file, web_page)
        elif isinstance(request, dict):
            _answer_rows(rows, {int(column): form for column, form in request.items()})
        else:
            rows = _answer_head(workbook, *request)


def _open(file: int, web_page: str) -> Any:
    """Opens the workbook and writes the answer (the list of sheets, "locked" or null).

    Returns the workbook; None if it cannot be opened.
    """
    content = io.BytesIO()
    # pread, because the loader's process shares the descriptor and its position.
    while chunk := os.pread(file, _CHUNK, content.tell()):
        content.write(chunk)
    content.seek(0)
    if web_page:
        return _open_web_page(content.getvalue(), web_page)
    try:
        workbook = CalamineWorkbook.from_filelike(content)
    except PasswordError:
        _answer("locked")
    except _UNREADABLE:
        _answer(None)
    else:
        _answer(
            [
                (s.name, s.typ is SheetTypeEnum.WorkSheet, s.visible is SheetVisibleEnum.Visible)
                for s in workbook.sheets_metadata
            ]
        )
        return workbook
    return None


def _open_web_page(content: bytes, web_page: str) -> Any:
    spec = importlib.util.spec_from_file_location("web_page", web_page)
    assert spec and spec.loader
    module = sys.modules["web_page"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        workbook: Any = module.HtmlWorkbook(content)
    except ValueError:
        _answer(None)
        return None
    _answer([(sheet.name, True, sheet.is_visible) for sheet in workbook.sheets])
    return workbook


def _answer(answer: object) -> None:
    content = msgspec.msgpack.encode(answer)
    sys.stdout.buffer.write(len(content).to_bytes(8, "little"))
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _answer_head(workbook: Any, name: str, count: int) -> Iterator[Sequence[_Cell]]:
    """Writes the answers about a sheet and its first `count` rows. Returns the rows after these."""
    try:
        sheet = workbook.get_sheet_by_name(name)
        head = (sheet.start[1] if sheet.start else 0, sheet.merged_cell_ranges or ())
    except _UNREADABLE:
        _answer(None)
        return iter(())
    _answer(head)
    rows = iter(sheet.iter_rows())
    _answer([column_texts(column) for column in zip(*islice(rows, count), strict=True)])
    return rows


def _answer_rows(rows: Iterator[Sequence[_Cell]], forms: Mapping[int, Form]) -> None:
    while block := list(islice(rows, _ROWS)):
        columns = list(zip(*block, strict=True))
        texts = [column_texts(cells) for cells in columns]
        for number, form in forms.items():
            if number < len(columns):
                texts[number] = in_form(columns[number], texts[number], form)
        _answer(texts)
    _answer([])


def in_form(cells: Sequence[_Cell], texts: str | Sequence[str], form: Form) -> str | Sequence[str]:
    """Returns the texts of a column with its number cells written in the form `form`."""
    if _NUMBERS.isdisjoint(map(type, cells)):
        return texts
    listed = texts.split(",") if isinstance(texts, str) else texts
    return [
        _number_in_form(cell, text, form) if type(cell) is float or type(cell) is int else text
        for cell, text in zip(cells, listed, strict=True)
    ]


def _number_in_form(value: float, text: str, form: Form) -> str:
    if form == "code":
        return f"{Decimal(repr(value)).normalize():E}" if abs(value) >= _LONG else text
    if form == "comma":
        return text.replace(".", ",")
    assert isinstance(form, int)
    return text if value < 1 or value in _YEARS else _number(float(value + form))


def column_texts(cells: Sequence[_Cell]) -> str | Sequence[str]:
    """Returns the text of each cell: integers without ".0", dates and times in ISO 8601, true or false.

    A duration is written as hh:mm:ss; the hours may be above 24.
    If all filled cells are numbers, booleans or dates, the result is usually one text with commas between the cells,
    because one call of the JSON encoder needs a quarter of the time that single cells need. Otherwise the result is a
    sequence with one text for each cell.
    """
    kinds = set(map(type, cells))
    if kinds == {str}:
        return cells  # type: ignore[return-value]
    if str in kinds and all(type(cell) is not str or not cell for cell in cells):
        kinds.discard(str)
    if kinds == {float}:
        with suppress(msgspec.ValidationError):  # only integers, and none beyond 2 ** 53
            cells, kinds = msgspec.convert(cells, list[int], strict=False), {int}
    if kinds in _WRITTEN_AS_JSON:
        text = msgspec.json.encode(cells).decode()[1:-1]
        if float not in kinds:
            return text.replace('"', "")
        # Python writes 0.00001 with an exponent, the encoder does not.
        if "e" not in text and "-0.0" not in text and "n" not in text and "0.0000" not in text:
            return (text + ",").replace(".0,", ",").replace('"', "")[:-1]
    return [_TEXTS[type(cell)](cell) for cell in cells]


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
    _, memory_limit, seconds_limit, descriptor, page = sys.argv
    main(int(memory_limit), int(seconds_limit), int(descriptor), page)
