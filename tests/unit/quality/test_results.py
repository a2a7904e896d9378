"""The texts of counts, and numbers in Indonesian notation."""

from __future__ import annotations

import pytest

from pipelines.quality.results import describe_rows, number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1204, "1.204"), (1_000_000, "1.000.000"), (0.5, "0,5"), (1234.5, "1.234,5"), (-3, "-3")],
)
def test_number_has_dots_for_thousands_and_a_decimal_comma(value: float, text: str) -> None:
    assert number(value) == text


def test_count_of_deviating_rows_names_the_total_if_it_is_known() -> None:
    assert describe_rows(0, 1204) == "0 dari 1.204 baris menyimpang"
    assert describe_rows(1500) == "1.500 baris menyimpang"
