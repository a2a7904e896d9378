"""Figures of each column of a sample: empty cells, distinct values, range, quantiles, frequent values, shapes of texts.

Of a column whose values may not be looked at only the share of empty cells is told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.quality.profile.sample import may_profile
from pipelines.redaction.personal_shapes import masked

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
MOST_VALUES = 30
"""So many of the most frequent values and shapes are kept."""
_LONGEST = 40
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Frequent:
    """A value, or a shape, and how many rows of the sample have it. exact: the text is not cut or masked."""

    text: str
    rows: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class ColumnFigures:
    """What a sample says of one column.

    open: whether its values may be looked at; if not, everything below `empty` is unknown. low, high: the smallest and
    largest value. quantiles: of a number, at QUANTILES. shapes: of a text, see `shape_of`.
    """

    column: Column
    rows: int
    empty: int
    open: bool
    distinct: int | None = None
    low: Any = None
    high: Any = None
    quantiles: tuple[float, ...] = ()
    frequent: tuple[Frequent, ...] = ()
    shapes: tuple[Frequent, ...] = ()

    @property
    def filled(self) -> int:
        """Rows with a value."""
        return self.rows - self.empty


def figures(contract: Contract, frame: pd.DataFrame) -> list[ColumnFigures]:
    """The figures of every stored column, in the contract's order. frame: from `read_sample`."""
    return [
        _of_column(column, frame.loc[:, column.name], is_open=may_profile(contract, column))
        for column in contract.stored
    ]


def _of_column(column: Column, values: pd.Series, *, is_open: bool) -> ColumnFigures:
    rows, filled = len(values), values.dropna()
    empty = rows - len(filled)
    if not is_open:
        return ColumnFigures(column, rows, empty, open=False)
    counts = filled.value_counts()
    frequent = [_frequent(str(value), int(n)) for value, n in counts.head(MOST_VALUES).items()]
    low = high = None
    quantiles: tuple[float, ...] = ()
    shapes: Sequence[Frequent] = ()
    kind = column.logical_type
    if len(filled) and kind in ("integer", "number"):
        numbers = filled.astype("float64")
        low, high = float(numbers.min()), float(numbers.max())
        quantiles = tuple(float(q) for q in numbers.quantile(list(QUANTILES)))
    elif len(filled) and kind in ("date", "timestamp"):
        low, high = str(filled.min())[:10], str(filled.max())[:10]
    elif len(filled) and kind == "string":
        found = filled.map(shape_of).value_counts()
        shapes = [_frequent(str(shape), int(n)) for shape, n in found.head(MOST_VALUES).items()]
    return ColumnFigures(
        column, rows, empty, True, len(counts), low, high, quantiles, tuple(frequent), tuple(shapes)
    )


def shape_of(text: str) -> str:
    """The shape of a text: `99` for two digits, `A` and `a` for letters in a row, every other character as it is.

    >>> shape_of("64.72.01"), shape_of("Samarinda Ulu"), shape_of("KT 1234 AB")
    ('99.99.99', 'Aa Aa', 'A 9999 A')
    """
    return re.sub(r"[^\W\d_]+", _letters, re.sub(r"\d", "9", text))


def _letters(match: re.Match[str]) -> str:
    word = match[0]
    if word.isupper():
        return "A"
    return "Aa" if word[0].isupper() else "a"


def _frequent(text: str, rows: int) -> Frequent:
    shown = masked(text)
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    return Frequent(shown, rows, exact=shown == text)
