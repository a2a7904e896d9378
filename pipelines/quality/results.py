"""The result of a check as a value, its Indonesian text, and its row in ops.check_result.

What belongs here: what checks of datasets and of models share. Not here: running a check (run.py, gate.py,
models/build/audit.py), the rows that deviate (evidence.py), Dagster's checks, which group rules (assets/).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import Connection

from pipelines.contracts.windows import Window
from pipelines.findings.catalogue import code_of_expectation
from pipelines.numbers import number

Severity = Literal["error", "warn"]
"""Whether a failed check stops the load or the model, or only warns."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows that deviate, as texts. A value that may not be shown is masked; None is NULL.

    It goes into Dagster's page of the check, and never into the ledger.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one rule.

    unexpected: the number of rows that deviate; None if a failed check counts no rows, or could not be run. total: the
    number of rows that were checked, if it is known. message: Indonesian; says what a passed check has found, or what
    is wrong.
    expectation: the type of Great Expectations, or `uji data` for a test of dbt. observed: what was seen, without a
    cell's value. query: finds the rows that deviate; "" if the rule passed or no query can. note: why there is no newer
    result. rule: the hash of the expectation (`Expectation.rule`), "" for another check. kind: which test of dbt it is.
    """

    name: str
    severity: Severity
    passed: bool
    unexpected: int | None = None
    total: int | None = None
    message: str = ""
    expectation: str = ""
    observed: str = ""
    query: str = ""
    sample: Sample | None = None
    note: str = ""
    rule: str = ""
    kind: str = ""

    @property
    def code(self) -> str:
        """The rule's code in the catalogue of findings."""
        return code_of_expectation(self.kind or self.expectation or self.name)

    @property
    def blocks(self) -> bool:
        """Whether it stops the load or the model."""
        return not self.passed and self.severity == "error"

    @property
    def description(self) -> str:
        """The message, and the note in brackets."""
        return f"{self.message} ({self.note})".lstrip() if self.note else self.message


def share_of_rows(unexpected: int, total: int | None) -> str:
    """`0 dari 1.204`. total: None if it is not known, or `unexpected` counts other rows."""
    return number(unexpected) + ("" if total is None else f" dari {number(total)}")


def describe_rows(unexpected: int, total: int | None = None) -> str:
    """`0 dari 1.204 baris menyimpang`; see `share_of_rows`."""
    return f"{share_of_rows(unexpected, total)} baris menyimpang"


def record(
    connection: Connection[Any],
    asset: str,
    run_id: str,
    batch_id: int | None,
    checks: Iterable[CheckResult],
    window: Window | None = None,
) -> None:
    """Writes results into ops.check_result, one row per rule, without samples.

    asset: `raw/<opd>/<dataset>`, or a model's `schema/name`. window: the days that were loaded and checked.
    """
    start, end = (window.start, window.end) if window else (None, None)
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.check_result (run_id, batch_id, asset, check_name, severity, passed, unexpected, total,"
            " message, expectation, observed, query, rule, code, window_start, window_end) values"
            " (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, nullif(%s, ''), nullif(%s, ''), nullif(%s, ''), nullif(%s, ''),"
            " %s, %s)",
            [
                (
                    *(
                        run_id,
                        batch_id,
                        asset,
                        c.name,
                        c.severity,
                        c.passed,
                        c.unexpected,
                        c.total,
                        c.message,
                    ),
                    *(c.expectation, c.observed, c.query, c.rule, c.code, start, end),
                )
                for c in checks
            ],
        )
