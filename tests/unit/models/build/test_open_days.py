"""Ranges of days: which are built one by one, and what is left after one was built."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.contracts.windows import Window
from pipelines.models.build.open_days import MOST_RANGES, ranges, without

FIRST = date(2026, 1, 1)


def window(first: int, last: int) -> Window:
    return Window(FIRST + timedelta(first - 1), FIRST + timedelta(last - 1))


def test_days_that_follow_each_other_are_one_range() -> None:
    days = ["{[2026-01-01,2026-01-04),[2026-01-10,2026-01-11)}", "{[2026-01-04,2026-01-05)}", "{}"]
    assert ranges(days) == [window(1, 4), window(10, 10)]
    assert ranges(days, window(5, 6)) == [window(1, 6), window(10, 10)]
    assert ranges(days, window(2, 12)) == [window(1, 12)]
    assert ranges([], window(3, 4)) == [window(3, 4)]
    assert ranges(["{}"]) == []


def test_of_too_many_ranges_the_nearest_are_joined() -> None:
    begins = [1, 4, *range(20, 20 + 5 * (MOST_RANGES - 1), 5)]
    days = ",".join(f"[{window(n, n).start},{window(n + 1, n + 1).start})" for n in begins)
    found = ranges([f"{{{days}}}"])
    assert len(found) == MOST_RANGES
    assert found[:2] == [window(1, 4), window(20, 20)]


def test_a_range_that_was_built_is_taken_from_the_open_days() -> None:
    days = "{[2026-01-01,2026-01-06),[2026-01-10,2026-01-12)}"
    assert (
        without(days, window(2, 3))
        == "{[2026-01-01,2026-01-02),[2026-01-04,2026-01-06),[2026-01-10,2026-01-12)}"
    )
    assert without(days, window(1, 9)) == "{[2026-01-10,2026-01-12)}"
    assert without(days, window(1, 20)) == "{}"
    assert without("{}", window(1, 2)) == "{}"
