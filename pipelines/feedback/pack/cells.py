"""Writes a cell as our reader has read it: so that a marked file that is read again gives the same texts.

What belongs here: numbers and dates that stay what they were, texts that are no formula. Not here: rows and sheets
(workbook.py).
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from pipelines.contracts.columns import Column
from pipelines.contracts.upload import ESCAPE
from pipelines.extract.number_forms import number_form
from pipelines.extract.upload.row_rules import NUMERIC
from pipelines.publication.files import FORMULA_START, SPLIT_FORMULA

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,14})?")
_DATE = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]")
_FIRST_DAY = date(1900, 3, 1)
"""The first day that all spreadsheets count alike (ECMA-376, 18.17.4.1)."""
_DIGITS = 15
_SPACES = (("[:space:]", r"\s"),)


def _as_python(pattern: str) -> re.Pattern[str]:
    for posix, python in _SPACES:
        pattern = pattern.replace(posix, python)
    return re.compile(pattern)


_START, _SPLIT = _as_python(FORMULA_START), _as_python(SPLIT_FORMULA)


def safe_text(text: str) -> str:
    """The text for a CSV file of ours: no spreadsheet finds a formula in it (see publication/files.py)."""
    if text.isalnum() or NUMERIC.fullmatch(text):
        return text
    return _SPLIT.sub(rf"\1{ESCAPE}\2", _START.sub(rf"{ESCAPE}\1", text))


def typed(text: str, column: Column | None) -> Any:
    """A number or date if a cell of that value gives the same text when our reader reads it; else the text."""
    if column is None:
        return text
    if column.logical_type in ("integer", "number"):
        return _number(text, comma=number_form(column) == "comma")
    if column.logical_type in ("date", "timestamp") and _DATE.fullmatch(text):
        try:
            found = date.fromisoformat(text)
        except ValueError:
            return text
        return found if found >= _FIRST_DAY else text
    return text


def _number(text: str, *, comma: bool) -> int | float | str:
    plain = text
    if comma:
        if "." in text:
            return text
        plain = text.replace(",", ".")
    if not _NUMBER.fullmatch(plain) or sum(map(str.isdigit, plain)) > _DIGITS:
        return text
    value: int | float = float(plain) if "." in plain else int(plain)
    return value if repr(value) == plain else text


def is_moment(value: object) -> bool:
    """Whether a `typed` value is a date."""
    return isinstance(value, date | datetime)
