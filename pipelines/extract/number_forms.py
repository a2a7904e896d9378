"""How numbers that a source keeps as numbers are written, so that the column's repairs and rules read them rightly.

What belongs here: numbers of workbooks, JSON and Parquet, which are no texts of a person. Not here: numbers in texts
(load/parsers.sql).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from pipelines.contracts.columns import Column

_LONG = (Decimal(10) ** 15, Decimal(10) ** 21)
"""Numbers of 16 to 21 digits, as codes have them. A double has 15 that are surely right (IEEE 754, C's DBL_DIG), and
Excel keeps no more."""
_INDONESIAN = frozenset({"angka_id", "persen", "persen_pecahan", "satuan"})


def number_form(column: Column) -> str | None:
    """The form of a column's numbers: "code", "comma", or None for the plain one.

    code: one of more than 15 digits has lost some where it was a double, and shows it: 6.40201410590001E+15.
    comma: its repair reads 1.234 as a thousand, and 1,234 as what the number is.
    """
    if column.type == "text":
        return "code"
    return None if _INDONESIAN.isdisjoint(column.parse) else "comma"


def number_writer(column: Column) -> Callable[[str], str] | None:
    """What writes the text of a double in the column's form; None where it stays as it is."""
    return {"code": as_code, "comma": with_comma}.get(number_form(column) or "")


def as_code(text: str) -> str:
    """A double's text; of more than 15 digits in scientific notation, which the rule `notasi_ilmiah` refuses."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if number.is_finite() and _LONG[0] <= abs(number) < _LONG[1]:
        return f"{number.normalize():E}"
    return text


def with_comma(text: str) -> str:
    return text.replace(".", ",")
