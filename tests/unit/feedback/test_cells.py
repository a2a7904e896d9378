"""Cells of marked files: safe in a spreadsheet, and read again as they were."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipelines.contracts.columns import Column
from pipelines.extract.upload.row_rules import escaped, without_escape
from pipelines.feedback.pack.cells import safe_text, typed


def of_type(kind: str, logical: str, *parse: str) -> Column:
    return Column("n", "n", kind, logical, "n", "n", "terbuka", parse=parse)


NUMBER = of_type("numeric(8,2)", "number")
INDONESIAN = of_type("numeric(8,2)", "number", "angka_id")
TEXT, DATE = of_type("text", "string"), of_type("date", "date")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        (' "=1', "' \"=1"),
        ("\t=1", "'\t'=1"),
        ("-5", "-5"),
        ("-5+cmd|x", "'-5+cmd|x"),
        ("a;=1", "a;'=1"),
        ("Sungai Kunjang", "Sungai Kunjang"),
        ("＝1", "'＝1"),  # noqa: RUF001
    ],
)
def test_text_of_ours_is_no_formula(text: str, safe: str) -> None:
    assert safe_text(text) == safe


@pytest.mark.parametrize("text", ["-5", "+62 812-3456", "(12)", "-12,5%", "", "A=1"])
def test_own_cell_that_is_no_formula_stays(text: str) -> None:
    assert escaped(text) == text
    assert without_escape(text) == text


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|x", "\t=1"])
def test_own_cell_that_is_a_formula_is_escaped(text: str) -> None:
    assert escaped(text) == f"'{text}"
    assert without_escape(escaped(text)) == text


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [
        ("12", NUMBER, 12),
        ("1.5", NUMBER, 1.5),
        ("-0.25", NUMBER, -0.25),
        ("1.50", NUMBER, "1.50"),
        ("012", NUMBER, "012"),
        ("-0", NUMBER, "-0"),
        ("1e5", NUMBER, "1e5"),
        ("1234567890123456", NUMBER, "1234567890123456"),
        ("1,5", NUMBER, "1,5"),
        ("1,5", INDONESIAN, 1.5),
        ("1.500", INDONESIAN, "1.500"),
        ("12", TEXT, "12"),
        ("2024-01-31", DATE, date(2024, 1, 31)),
        ("2024-02-31", DATE, "2024-02-31"),
        ("1899-01-31", DATE, "1899-01-31"),
        ("12", None, "12"),
    ],
)
def test_only_what_is_read_as_the_same_text_becomes_a_number(
    text: str, column: Column | None, value: Any
) -> None:
    found = typed(text, column)
    assert (found, type(found)) == (value, type(value))
