"""Numbers in Indonesian notation."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines.numbers import number, short


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1204, "1.204"), (1_000_000, "1.000.000"), (0.5, "0,5"), (1234.5, "1.234,5"), (-3, "-3")],
)
def test_number_has_points_between_thousands_and_a_decimal_comma(value: float, text: str) -> None:
    assert number(value) == text


def test_number_has_as_many_decimals_as_asked_for() -> None:
    assert number(Decimal("1234567.125"), 2) == "1.234.567,12"
    assert number(1204, 1) == "1.204,0"


def test_short_number_has_a_decimal_only_if_it_needs_one() -> None:
    assert (short(5.54), short(1204.04)) == ("5,5", "1.204")
