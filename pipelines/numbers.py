"""Writes numbers as Indonesian readers write them. Not here: dates and code words (publication/indonesian.py)."""

from __future__ import annotations

from decimal import Decimal

_MARKS = str.maketrans(",.", ".,")


def number(value: float | Decimal, decimals: int | None = None) -> str:
    """The number with a point between thousands and a comma before decimals: 1.204 and 0,5.

    decimals: how many there are; None for as many as the value has, with six digits in all at most.
    """
    if decimals is not None:
        text = f"{value:,.{decimals}f}"
    else:
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    return text.translate(_MARKS)


def short(value: float) -> str:
    """The number with at most one decimal: 5,5 and 5."""
    return number(value, 1).removesuffix(",0")
