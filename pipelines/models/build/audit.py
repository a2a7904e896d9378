"""Runs the checks of one node: its data tests and its suite, on the candidate or on the relation in use.

What belongs here: running them on the session of the build, and their results. Not here: what a failed one means for
the node (node_builder.py), how GX is run (quality/run.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psycopg
from psycopg import Connection, sql

from pipelines.models.project.nodes import DataTest, Node
from pipelines.quality import evidence
from pipelines.quality.query_text import ROWS
from pipelines.quality.results import CheckResult, describe_rows
from pipelines.quality.suites import Expectation
from pipelines.redaction import sqlstates
from pipelines.warehouse.relation import Relation, columns_of, trusted_sql

RunSuite = Callable[[Sequence[Expectation], Relation, int | None, Connection[Any]], list[CheckResult]]
"""Runs expectations on a relation with so many rows, or an unknown number; see quality/run.py."""
OpenColumns = Callable[[Node, Sequence[str]], frozenset[str]]
"""Gives those of a node's columns whose values may be shown."""
TEST = "uji data"
"""What the results of dbt's tests have as their expectation."""


def nothing_open(_node: Node, _columns: Sequence[str]) -> frozenset[str]:
    """No column may be shown: for a caller that does not know the contracts."""
    return frozenset()


def audit(
    conn: Connection[Any],
    node: Node,
    run_suite: RunSuite,
    rows: int | None = None,
    *,
    candidate: bool,
    stays: bool = False,
    open_columns: OpenColumns = nothing_open,
) -> tuple[CheckResult, ...]:
    """Runs all checks of the node, its tests, then its suite, and gives their results.

    rows: the number of rows of the relation, where it is known. candidate: check the relation that is not released
    yet, else the one in use, as this session sees it. stays: what is checked is in use already, whatever the results.
    open_columns: is asked only if a check failed. Raises psycopg.OperationalError if the connection is lost.
    """
    relation = node.table.candidate if candidate else node.table
    results = [
        _run_test(conn, test, relation, test.candidate_sql if candidate else test.sql, rows)
        for test in node.tests
    ]
    if node.suite:
        results += run_suite(node.suite, relation, rows, conn)
        if conn.broken:  # then all of them have failed
            raise psycopg.OperationalError("koneksi ke server putus saat suite diperiksa")
    released = stays or not any(result.blocks for result in results)

    def table() -> evidence.Table:
        names = tuple(name for name, _ in columns_of(conn, relation))
        return evidence.Table(names, _keys(node), open_columns(node, names))

    def shown() -> Relation | str:
        # Of a model that is not released the candidate is dropped, so the SQL contains the model's own query.
        return node.table if released or not node.sql else node.sql

    return tuple(evidence.with_evidence(results, table, conn, relation, shown))


def _keys(node: Node) -> tuple[str, ...]:
    """The columns by which a row is known: those that a test says are unique."""
    key = node.incremental.unique_key if node.incremental else ()
    unique = [test.column for test in node.tests if test.column and test.name == f"unique_{test.column}"]
    return tuple(dict.fromkeys([*key, *unique]))


def describe_failures(checks: Iterable[CheckResult]) -> str | None:
    """The failed checks of severity error in a line of Indonesian; None if there is none."""
    failed = [f"{c.name}: {c.message}" for c in checks if not c.passed and c.severity == "error"]
    return "; ".join(failed) or None


def _run_test(
    conn: Connection[Any], test: DataTest, relation: Relation, query: str, rows: int | None
) -> CheckResult:
    count = sql.SQL("select count(*) from (\n{}\n) as failures").format(trusted_sql(query))
    try:
        with conn.transaction():
            row = conn.execute(count).fetchone()
    except psycopg.Error as error:
        if conn.broken:
            raise
        # A declared test always has a result, also when it cannot be run.
        why = sqlstates.described(error)
        text = f"Pemeriksaan tidak dapat dijalankan: {why}."
        return CheckResult(test.name, test.severity, False, None, rows, text, TEST, kind=test.kind)
    failures = int(row[0]) if row else 0
    # A test's rows may not be the relation's rows. Only if there are none do we know that no row deviates.
    message = describe_rows(failures, None if failures else rows)
    finder = query.replace(str(relation), ROWS) if failures else ""
    return CheckResult(
        test.name,
        test.severity,
        failures == 0,
        failures,
        rows,
        message,
        TEST,
        query=finder,
        kind=test.kind,
    )
