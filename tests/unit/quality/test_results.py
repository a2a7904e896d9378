"""The texts of counts, and numbers as Indonesian writes them."""

from __future__ import annotations

import pytest

from pipelines.quality.results import describe_rows, number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1204, "1.204"), (1_000_000, "1.000.000"), (0.5, "0,5"), (1234.5, "1.234,5"), (-3, "-3")],
)
def test_a_number_is_written_as_indonesian_does(value: float, text: str) -> None:
    assert number(value) == text


def test_rows_that_deviate_are_told_with_their_total_where_it_is_known() -> None:
    assert describe_rows(0, 1204) == "0 dari 1.204 baris menyimpang"
    assert describe_rows(1500) == "1.500 baris menyimpang"
