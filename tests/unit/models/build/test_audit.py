"""The line that says which checks of a model failed."""

from __future__ import annotations

from pipelines.models.build.audit import describe_failures
from pipelines.quality.results import CheckResult


def test_only_failed_checks_of_severity_error_stop_a_model() -> None:
    good = CheckResult("a", "error", True, 0, 192, "0 dari 192 baris menyimpang")
    warned = CheckResult("b", "warn", False, 1, None, "1 baris menyimpang")
    bad = CheckResult("c", "error", False, 2, None, "2 baris menyimpang")
    assert describe_failures([good, warned]) is None
    assert describe_failures([good, bad, warned, bad]) == "c: 2 baris menyimpang; c: 2 baris menyimpang"
