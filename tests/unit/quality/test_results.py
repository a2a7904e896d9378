"""The texts of counts."""

from __future__ import annotations

from pipelines.quality.results import describe_rows, share_of_rows


def test_count_of_deviating_rows_names_the_total_if_it_is_known() -> None:
    assert describe_rows(0, 1204) == "0 dari 1.204 baris menyimpang"
    assert share_of_rows(3, 1204) == "3 dari 1.204"
    assert describe_rows(1500) == "1.500 baris menyimpang"
