"""What a build says of each node, and how the ledger keeps it.

What belongs here: result values and their rows in ops.model_run and ops.check_result.
Not here: deciding what a result is (runner.py), creating those tables (the warehouse's bootstrap).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from psycopg import Connection

from pipelines.models.project.nodes import Kind
from pipelines.quality.suites import Severity

State = Literal["ok", "failed", "skipped", "tests_failed", "held"]

_MODEL_RUN = """
insert into ops.model_run (run_id, model, state, rows, seconds, error, at)
values (%s, %s, %s, %s, %s, %s, now())
"""
_CHECK_RESULT = """
insert into ops.check_result (run_id, asset, check_name, severity, passed, unexpected, total, message, at)
values (%s, %s, %s, %s, %s, %s, %s, %s, now())
"""


@dataclass(frozen=True, slots=True)
class TestResult:
    """One data test, or one expectation of a suite. `unexpected` counts its failing rows; None when there is no such
    count: it could not be asked, or is about the relation as a whole."""

    __test__ = False

    name: str
    severity: Severity
    passed: bool
    unexpected: int | None
    message: str


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of one node.

    state: all but `ok` leave the published relation as it was; `skipped` and `held` (good itself, but another of its
    exposure is not) say why in `error`.
    rows: of tables and seeds, of an incremental model those that were brought; None for a view.
    columns: (name, type) as built. unchanged: a seed that was not loaded again because its file is the same.
    incremented: rows came into a table that was there.
    """

    name: str
    schema: str
    kind: Kind
    state: State
    seconds: float = 0.0
    rows: int | None = None
    error: str | None = None
    tests: tuple[TestResult, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    unchanged: bool = False
    incremented: bool = False

    @property
    def asset(self) -> str:
        """`schema/name`."""
        return f"{self.schema}/{self.name}"

    @property
    def warnings(self) -> tuple[TestResult, ...]:
        return tuple(test for test in self.tests if not test.passed and test.severity == "warn")


def record(conn: Connection[Any], run_id: str, result: NodeResult) -> None:
    """Writes `result` into ops.model_run and ops.check_result, where they exist."""
    there = {
        table
        for table in ("ops.model_run", "ops.check_result")
        if conn.execute("select 1 where to_regclass(%s) is not null", (table,)).fetchone()
    }
    with conn.transaction():
        if "ops.model_run" in there:
            conn.execute(
                _MODEL_RUN, (run_id, result.name, result.state, result.rows, result.seconds, result.error)
            )
        if "ops.check_result" in there:
            for test in result.tests:
                conn.execute(
                    _CHECK_RESULT,
                    (
                        run_id,
                        result.asset,
                        test.name,
                        test.severity,
                        test.passed,
                        test.unexpected,
                        result.rows,
                        test.message,
                    ),
                )
