"""Checks of what is published: the last result that is about it, or a new check of the published table.

What belongs here: the result of a check when no delivery was checked just now: the file did not change, the source did
not answer, somebody runs the check by hand. Not here: the gate that a delivery passes (gate.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from pipelines.contracts.model import Contract
from pipelines.quality.results import CheckResult, Severity
from pipelines.quality.run import run_suite
from pipelines.quality.suites import Expectation
from pipelines.warehouse.relation import Relation

IN_FORCE = "in_force"
"""The temporary view that holds them."""


@dataclass(frozen=True, slots=True)
class LastResult:
    """The last result of a check. at: when it was found, in the warehouse's time zone."""

    name: str
    severity: Severity
    passed: bool
    unexpected: int | None
    total: int | None
    message: str
    at: datetime

    def result(self, why: str) -> CheckResult:
        """The result once more, with the reason why it is no newer one, in Indonesian."""
        message = f"{self.message} ({why}; hasil {self.at:%Y-%m-%d %H:%M} tetap berlaku.)".lstrip()
        return CheckResult(self.name, self.severity, self.passed, self.unexpected, self.total, message)


def last_results(
    connection: Connection[Any], contract: Contract, *, refused: bool = False
) -> dict[str, LastResult]:
    """By name, the last result of each check that is about what is published.

    refused: take results of refused deliveries, too; these changed nothing of what is published.
    """
    with connection.cursor(row_factory=class_row(LastResult)) as cursor:
        rows = cursor.execute(
            "select distinct on (c.check_name) c.check_name as name, c.severity, c.passed, c.unexpected, c.total,"
            " coalesce(c.message, '') as message, c.at from ops.check_result c"
            " left join ops.load_batch b on b.batch_id = c.batch_id"
            " where c.asset = %s and (%s or c.batch_id is null or b.state in ('loaded', 'unchanged'))"
            " order by c.check_name, c.at desc",
            [f"raw/{contract.key}", refused],
        ).fetchall()
    return {row.name: row for row in rows}


def check_published(
    connection: Connection[Any], contract: Contract, expectations: Sequence[Expectation]
) -> list[CheckResult]:
    """Runs the expectations on the rows of raw that are in force: current versions, without deleted rows.

    On an empty table a failure is only a warning: nobody has delivered anything wrong.
    """
    if not expectations:
        return []
    with connection.transaction(force_rollback=True):
        connection.execute(in_force(contract))
        found = connection.execute(
            sql.SQL("select pg_my_temp_schema()::regnamespace::text, count(*) from {}").format(
                sql.Identifier(IN_FORCE)
            )
        ).fetchone()
        assert found is not None
        schema, rows = found
        results = run_suite(expectations, Relation(schema, IN_FORCE), rows, connection)
    if rows:
        return results
    note = "Tabel yang terbit masih kosong."
    return [
        r if r.passed else replace(r, severity="warn", message=f"{r.message} {note}".lstrip())
        for r in results
    ]


def in_force(contract: Contract) -> sql.Composed:
    """The statement that makes the temporary view of the rows of raw that are in force."""
    condition = sql.SQL("true")
    if contract.keeps_history:
        condition = sql.SQL("is_current")
    elif contract.reconcile:
        condition = sql.SQL("deleted_at is null")
    return sql.SQL("create temporary view {} as select {} from {} where {}").format(
        sql.Identifier(IN_FORCE),
        sql.SQL(", ").join(sql.Identifier(c.name) for c in contract.stored),
        sql.Identifier("raw", contract.table),
        condition,
    )


def results_without_delivery(
    connection: Connection[Any],
    contract: Contract,
    expectations: Sequence[Expectation],
    about_delivery: Collection[str],
    why: str,
) -> list[CheckResult]:
    """A result of every check when no delivery was checked: the last one, else a new one of the published table.

    about_delivery: checks that only a delivery can answer; one without a last result passes, for nothing has come.
    why: why nothing was checked, in Indonesian.
    """
    last = last_results(connection, contract)
    new = check_published(connection, contract, [e for e in expectations if e.name not in last])
    return [
        *(last[e.name].result(why) for e in expectations if e.name in last),
        *new,
        *(delivery_result(last, name, why) for name in about_delivery),
    ]


def delivery_result(last: dict[str, LastResult], name: str, why: str) -> CheckResult:
    """The last result of a check that only a delivery can answer, not the published table."""
    if name in last:
        return last[name].result(why)
    return CheckResult(name, "warn", True, None, None, f"Belum ada kiriman yang diperiksa: {why}.")
