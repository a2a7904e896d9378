"""The result of building or testing one node, and its rows in the ledger.

What belongs here: the value, and its rows in ops.model_run and ops.check_result. Not here: deciding what a result is
(node_builder.py, runner.py), creating those tables (warehouse/migrations/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, LiteralString

from psycopg import Connection

from pipelines.contracts.windows import Window
from pipelines.models.project.nodes import Kind
from pipelines.quality import results as quality
from pipelines.quality.raw_checks import LAST_RESULT, LastResult
from pipelines.quality.results import CheckResult

State = Literal["ok", "failed", "skipped", "tests_failed", "held"]

_MODEL_RUN = """
insert into ops.model_run (run_id, model, state, rows, seconds, error, at)
values (%s, %s, %s, %s, %s, %s, now())
"""

_RELEASED: LiteralString = f"""
select c.asset, {LAST_RESULT}
from ops.model_state as s
join ops.check_result as c on c.asset = replace(s.relation, '.', '/') and c.run_id = s.run_id
where c.asset = any(%s)
"""  # noqa: S608 (text of this project only)


@dataclass(frozen=True, slots=True)
class NodeResult:
    """The result of one node.

    state: every state but `ok` leaves the relation in use as it was; `error` says why. `held`: the node is good, but
    another one of its exposure is not.
    rows: the number of rows of a table or seed, or of the rows added to an incremental model; None for a view.
    tests: the results of its tests and its suite.
    columns: (name, type) as built. unchanged: it was left, because nothing that it is built from has changed.
    incremented: rows were added to an existing table. version: changes when the rows can have changed; "" if unknown.
    """

    name: str
    schema: str
    kind: Kind
    state: State
    seconds: float = 0.0
    rows: int | None = None
    error: str | None = None
    tests: tuple[CheckResult, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    unchanged: bool = False
    incremented: bool = False
    version: str = ""

    @property
    def asset(self) -> str:
        """`schema/name`."""
        return f"{self.schema}/{self.name}"

    @property
    def outcome(self) -> str:
        """The state as the ledger has it: also `unchanged`."""
        return "unchanged" if self.unchanged else self.state

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The failed checks that only warn."""
        return tuple(test for test in self.tests if not test.passed and test.severity == "warn")


def of_ranges(results: Sequence[tuple[Window | None, NodeResult]]) -> NodeResult:
    """The result of a node that was built by ranges of days, each in a transaction of its own.

    If a range fails, so does the node, and its error names the range; the other ranges are in use all the same. Of a
    check the result that failed is taken, else the last.
    """
    *_, (_, last) = results
    if len(results) == 1:
        return last
    failed = [(window, result) for window, result in results if result.state != "ok"]
    done = [result for _, result in results if result.state == "ok"]
    tests: dict[str, CheckResult] = {}
    for test in (test for _, result in results for test in result.tests):
        if test.name not in tests or tests[test.name].passed:
            tests[test.name] = test
    errors = [f"{w.start} s.d. {w.end}: {r.error}" if w else r.error or "" for w, r in failed]
    return replace(
        done[-1] if done else last,
        state=failed[0][1].state if failed else "ok",
        error="; ".join(errors) or None,
        rows=sum(result.rows or 0 for result in done),
        tests=tuple(tests.values()),
    )


def record(conn: Connection[Any], run_id: str, result: NodeResult) -> None:
    """Writes `result` into ops.model_run and ops.check_result, where these tables exist."""
    existing = {
        table
        for table in ("ops.model_run", "ops.check_result")
        if conn.execute("select 1 where to_regclass(%s) is not null", (table,)).fetchone()
    }
    with conn.transaction():
        if "ops.model_run" in existing:
            conn.execute(
                _MODEL_RUN, (run_id, result.name, result.outcome, result.rows, result.seconds, result.error)
            )
        if "ops.check_result" in existing:
            quality.record(conn, result.asset, run_id, None, result.tests)


def released_results(conn: Connection[Any], assets: Sequence[str]) -> dict[str, list[LastResult]]:
    """By asset (`schema/name`), the results of the checks of the build that released what is in use. One query."""
    found: dict[str, list[LastResult]] = {}
    for asset, *fields in conn.execute(_RELEASED, [list(assets)]):
        found.setdefault(asset, []).append(LastResult(*fields))
    return found
