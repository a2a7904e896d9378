"""The band of row counts, and which periods are judged by it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.windows import Cadence, Window
from pipelines.quality.history.row_counts import (
    Band,
    Counted,
    band,
    count_query,
    is_counted,
    judged_periods,
    result_of,
)
from tests.support.contracts import column
from tests.support.statements import CHANGED, ID, clauses, contract_of, upload_contract_of

MONDAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([100] * 5, None),  # too few
        ([100] * 6, Band(60, 140)),  # the deviation of counted events: 4 times the square root
        ([10_000] * 6, Band(9_000, 11_000)),  # a tenth of the median
        ([100, 200, 300, 400, 500, 600], Band(0, 1240)),  # 4 * 1.4826 * 150 on both sides of 350
        ([1_000] * 6 + [90_000], Band(874, 1126)),  # one odd period does not widen it
    ],
)
def test_the_band_comes_from_median_and_median_deviation(earlier: list[int], expected: Band | None) -> None:
    assert band(earlier) == expected


def test_days_are_compared_with_the_same_day_of_the_week() -> None:
    """Sundays have few rows. The last Sunday has as many as a Monday, and the last Monday as few as a Sunday."""
    days = [MONDAY + timedelta(days=n) for n in range(7 * 8)]
    counts = {day: 20 if day.weekday() == 6 else 900 for day in days}
    sunday, monday = days[-1], days[-7]
    counts |= {sunday: 900, monday: 20}
    judged = judged_periods(counts, Cadence.DAILY, Window(monday, sunday), sunday + timedelta(days=1))
    odd = [one.name for one in judged if one.band and one.rows not in one.band]
    assert odd == [str(monday), str(sunday)]
    assert len(judged) == 7


def test_a_period_without_rows_between_others_counts_zero_and_the_running_one_is_not_judged() -> None:
    counts = {date(2026, month, 1): 1_000 for month in range(1, 11) if month != 8}
    judged = judged_periods(
        counts, Cadence.MONTHLY, Window(date(2026, 7, 1), date(2026, 10, 31)), date(2026, 10, 5)
    )
    assert [(one.name, one.rows) for one in judged] == [
        ("2026-07", 1_000),
        ("2026-08", 0),
        ("2026-09", 1_000),
    ]
    result = result_of(judged, "periode")
    assert not result.passed and result.severity == "warn" and result.code == "GDK-T019"
    assert "2026-08: 0 baris (biasanya 874 sampai 1.126)" in result.message


def test_without_a_window_the_newest_period_that_is_over_is_judged() -> None:
    counts = {date(2026, month, 1): 10 for month in range(1, 11)}
    (only,) = judged_periods(counts, Cadence.MONTHLY, None, date(2026, 10, 5))
    assert only.name == "2026-09"


def test_a_short_history_passes_and_says_so() -> None:
    result = result_of([Counted("2026-02", 5, None)], "periode")
    assert (result.passed, result.observed) == (True, "")
    assert result.message == "Riwayatnya belum cukup: perlu 6 periode sebelumnya."


def test_rows_of_what_is_new_only_are_not_counted(tmp_path: Path) -> None:
    assert is_counted(contract_of(tmp_path, ID))
    merged: dict[str, Any] = {"write_disposition": "merge", "cursor": "diubah"}
    assert is_counted(contract_of(tmp_path, ID, CHANGED, **merged))
    assert not is_counted(upload_contract_of(tmp_path, ID, CHANGED, **merged))


def test_the_query_counts_rows_in_force_from_the_begin_of_a_period(tmp_path: Path) -> None:
    contract = contract_of(
        tmp_path,
        column("hari", "date"),
        partition={"column": "hari", "every": "monthly", "start": "2025-01-01"},
    )
    assert clauses(count_query(contract, date(2026, 3, 9))) == [
        "select date_trunc('month', (\"hari\")::timestamp)::date as first, count(*)",
        'from "raw"."uji__data"',
        "where \"hari\" >= '2026-03-01'::date and true",
        "group by 1",
    ]
