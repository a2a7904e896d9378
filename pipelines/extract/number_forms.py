"""Writes a number that the source stores as a number as text, so that repairs and rules read it correctly.

What belongs here: numbers of workbooks, JSON and Parquet. Not here: numbers that a person typed as text
(warehouse/functions/parsers.sql).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from pipelines.contracts.columns import Column

_LONG = (Decimal(10) ** 15, Decimal(10) ** 21)
"""Numbers of 16 to 21 digits, the length of codes. A double keeps 15 digits exactly (IEEE 754, C's DBL_DIG), and Excel
stores no more."""
_INDONESIAN = frozenset({"angka_id", "persen", "persen_pecahan", "satuan"})


def number_form(column: Column) -> str | None:
    """Returns the form in which a column's numbers are written: "code", "comma", or None for the plain text.

    "code": for a column of text. A double loses digits of a number with more than 15; such a number is written with an
    exponent, which shows that (6.40201410590001E+15).
    "comma": for a column whose repair reads 1.234 as a thousand and 1,234 as a fraction.
    """
    if column.type == "text":
        return "code"
    return None if _INDONESIAN.isdisjoint(column.parse) else "comma"


def number_writer(column: Column) -> Callable[[str], str] | None:
    """Returns the function that rewrites a double's text into the column's form; None if the text stays as it is."""
    return {"code": as_code, "comma": with_comma}.get(number_form(column) or "")


def as_code(text: str) -> str:
    """Rewrites a double's text above 15 digits in scientific notation, which the rule `notasi_ilmiah` refuses."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if number.is_finite() and _LONG[0] <= abs(number) < _LONG[1]:
        return f"{number.normalize():E}"
    return text


def with_comma(text: str) -> str:
    """Rewrites a double's text with a decimal comma."""
    return text.replace(".", ",")
