"""The result of a check as a value, its Indonesian text, and its row in ops.check_result.

What belongs here: what checks of datasets and of models share. Not here: running a check (run.py,
gate.py, models/build/audit.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import Connection

Severity = Literal["error", "warn"]
"""Whether a failed check stops the load or the model, or only warns."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's result.

    unexpected: the number of rows that deviate; None if a failed check counts no rows, or could not be run. total: the
    number of rows that were checked, if it is known. message: Indonesian; says what a passed check has found, or what
    is wrong.
    """

    name: str
    severity: Severity
    passed: bool
    unexpected: int | None = None
    total: int | None = None
    message: str = ""


def number(value: float) -> str:
    """The number as Indonesian writes it: 1.204 and 0,5."""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    return text.translate(str.maketrans(",.", ".,"))


def describe_rows(unexpected: int, total: int | None = None) -> str:
    """`0 dari 1.204 baris menyimpang`. total: None if it is not known, or `unexpected` counts other rows."""
    of = "" if total is None else f" dari {number(total)}"
    return f"{number(unexpected)}{of} baris menyimpang"


def record(
    connection: Connection[Any], asset: str, run_id: str, batch_id: int | None, checks: Iterable[CheckResult]
) -> None:
    """Writes results into ops.check_result. asset: `raw/<opd>/<dataset>`, or a model's `schema/name`."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.check_result (run_id, batch_id, asset, check_name, severity, passed, unexpected, total,"
            " message) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (run_id, batch_id, asset, c.name, c.severity, c.passed, c.unexpected, c.total, c.message)
                for c in checks
            ],
        )
