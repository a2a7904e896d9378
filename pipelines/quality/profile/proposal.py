"""Proposes a suite from the figures of a sample, for an engineer to edit.

Only what the contract does not say already is proposed, and only as a warning: a sample shows what is, and not what
ought to be. No closed value is in it, because figures.py knows none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.contracts.model import Contract
from pipelines.numbers import number
from pipelines.quality.profile.figures import ColumnFigures

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ROWS = 20
"""Of fewer rows nothing is proposed."""
_ROWS_PER_CLASS = 10
"""A text column is a classification if it has few values, and so many rows per value."""
_MOSTLY_FILLED = 0.5
"""A column that is filled in fewer rows is meant to be empty in many."""
_SPREAD = 0.5
"""By so much of the range between the 1 % and the 99 % quantile a proposed range is wider than what was seen."""


def proposed_suite(
    contract: Contract, figures: Sequence[ColumnFigures], frame: pd.DataFrame
) -> dict[str, Any]:
    """The document of expectations/<opd>/<dataset>.json, in GX's form."""
    entries = [entry for one in figures if one.rows >= FEWEST_ROWS for entry in _of_column(one)]
    entries += _pairs([one for one in figures if one.open and one.rows >= FEWEST_ROWS], frame)
    rows = figures[0].rows if figures else 0
    return {
        "name": f"{contract.opd}.{contract.dataset}",
        "expectations": entries,
        "meta": {
            "notes": f"Usulan `gudang profile` dari {number(rows)} baris. Hapus yang kebetulan, ubah batas yang"
            " terlalu sempit, tambah hubungan antarkolom dan antardataset; jadikan critical yang harus menahan muatan."
        },
    }


def _of_column(one: ColumnFigures) -> Iterator[dict[str, Any]]:
    column = one.column
    if not one.filled:
        return
    if not column.required and one.filled > _MOSTLY_FILLED * one.rows:
        yield _not_null(one)
    if not one.open:
        return
    bounded = column.minimum or column.maximum or column.exclusive_minimum or column.exclusive_maximum
    if one.quantiles and not bounded and not column.enum:
        low, high = _range(one)
        yield _entry(
            f"rentang_{column.name}",
            "expect_column_values_to_be_between",
            f"{column.name} di luar {number(low)} sampai {number(high)}. Periksa satuan dan titik desimalnya.",
            column=column.name,
            min_value=low,
            max_value=high,
        )
    if column.logical_type == "string" and not (column.enum or column.reference or column.key):
        yield from _of_text(one)


def _not_null(one: ColumnFigures) -> dict[str, Any]:
    share = math.floor(100 * one.filled / one.rows) / 100
    if share == 1:
        return _entry(
            f"terisi_{one.column.name}",
            "expect_column_values_to_not_be_null",
            f"{one.column.name} biasanya selalu terisi. Tanyakan mengapa ada yang kosong.",
            column=one.column.name,
        )
    return _entry(
        f"terisi_{one.column.name}",
        "expect_column_values_to_not_be_null",
        f"{one.column.name} terisi di kurang dari {number(round(100 * share))}% baris. Tanyakan mengapa lebih banyak"
        " yang kosong.",
        column=one.column.name,
        mostly=share,
    )


def _of_text(one: ColumnFigures) -> Iterator[dict[str, Any]]:
    name, distinct = one.column.name, one.distinct or 0
    all_known = len(one.frequent) == distinct and all(f.exact for f in one.frequent)
    if all_known and one.filled >= _ROWS_PER_CLASS * distinct:
        yield _entry(
            f"nilai_{name}",
            "expect_column_values_to_be_in_set",
            f"{name} memuat nilai yang belum pernah ada. Periksa ejaannya, atau tambahkan nilai baru itu di kontrak.",
            column=name,
            value_set=sorted(f.text for f in one.frequent),
        )
    elif len(one.shapes) == 1 and one.shapes[0].exact and "9" in one.shapes[0].text:
        yield _entry(
            f"pola_{name}",
            "expect_column_values_to_match_regex",
            f"{name} tidak berbentuk {one.shapes[0].text}. Periksa penulisannya.",
            column=name,
            regex=pattern_of(one.shapes[0].text),
        )


def pattern_of(shape: str) -> str:
    """The regular expression of a shape of `shape_of`."""
    parts: list[str] = []
    for match in re.finditer(r"9+|Aa|A|a|.", shape):
        text = match[0]
        if text.startswith("9"):
            parts.append(f"[0-9]{{{len(text)}}}")
        else:
            parts.append("[[:alpha:]]+" if text in ("Aa", "A", "a") else re.escape(text))
    return f"^{''.join(parts)}$"


def _range(one: ColumnFigures) -> tuple[float, float]:
    """A range around what was seen, in two significant digits; it does not go below 0 if nothing did."""
    spread = _SPREAD * (one.quantiles[-1] - one.quantiles[0]) or abs(one.high) or 1.0
    low = 0.0 if one.low >= 0 else one.low - spread
    return _rounded(low, math.floor), _rounded(one.high + spread, math.ceil)


def _rounded(value: float, towards: Any) -> float:
    if value == 0:
        return 0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    rounded = round(towards(value / unit) * unit, 10)
    return int(rounded) if rounded == int(rounded) else rounded


def _pairs(figures: Sequence[ColumnFigures], frame: pd.DataFrame) -> Iterable[dict[str, Any]]:
    """Pairs of dates of which one never comes before the other, though they differ."""
    dates = [one.column for one in figures if one.column.logical_type in ("date", "timestamp")]
    for first in dates:
        for later in dates:
            both = frame[[first.name, later.name]].dropna() if first is not later else frame.iloc[:0]
            if len(both) < FEWEST_ROWS:
                continue
            a, b = both[first.name].astype("datetime64[us]"), both[later.name].astype("datetime64[us]")
            if bool((a <= b).all()) and bool((a < b).any()):
                yield _entry(
                    f"{later.name}_sesudah_{first.name}"[:90],
                    "expect_column_pair_values_a_to_be_greater_than_b",
                    f"{later.name} mendahului {first.name}. Periksa kedua tanggalnya.",
                    column_A=later.name,
                    column_B=first.name,
                    or_equal=True,
                )


def _entry(name: str, type_: str, notes: str, **kwargs: Any) -> dict[str, Any]:
    return {
        "type": type_,
        "kwargs": kwargs,
        "severity": "warning",
        "meta": {"nama": name, "notes": notes},
    }
