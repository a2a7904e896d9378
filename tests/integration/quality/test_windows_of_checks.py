"""A window that failed stands until all its days, or the whole table, have passed the same check."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.contracts.windows import Window
from pipelines.quality.raw_checks import window_results
from pipelines.quality.results import CheckResult, record
from tests.support.contracts import column
from tests.support.loads import Loads


def test_failed_window_stands_until_its_days_or_the_table_have_passed(loads: Loads) -> None:
    contract = loads.contract(
        column("hari", "date", required=True, primaryKey=True),
        partition={"column": "hari", "every": "daily", "start": "2026-03-01"},
    )

    def checked(passed: bool, *days: int) -> None:
        window = Window(date(2026, 3, days[0]), date(2026, 3, days[-1])) if days else None
        record(
            loads.connection, f"raw/{contract.key}", "uji", None, [CheckResult("r", "warn", passed)], window
        )

    def standing() -> list[Any]:
        return [w.start.day for w in window_results(loads.connection, contract) if w.stands]

    checked(False, 3)
    checked(True, 1)
    assert standing() == [3], "an old clean window says nothing of the newest one"
    checked(True, 2, 4)
    assert standing() == []
    checked(False, 5)
    checked(False)
    assert standing() == [5]
    checked(True)
    assert standing() == []
