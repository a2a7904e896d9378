"""Checks of what is published: the last result that stands for it, and asking the published table itself.

What belongs here: what a check says when no delivery was checked just now: the file did not change, the source did not
answer, somebody asks by hand. Not here: the gate that a delivery passes (gate.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from pipelines.contracts.model import Contract
from pipelines.quality.run import CheckResult, run_suite
from pipelines.quality.suites import Expectation, Severity
from pipelines.warehouse.relation import Relation

_IN_FORCE = "in_force"


@dataclass(frozen=True, slots=True)
class Standing:
    """A result of before. at: when it was found, in the warehouse's time zone."""

    name: str
    severity: Severity
    passed: bool
    unexpected: int | None
    total: int | None
    message: str
    at: datetime

    def result(self, why: str) -> CheckResult:
        """The result as it is said again; `why` it was not found anew, in Indonesian."""
        words = f"{self.message} ({why}; hasil {self.at:%Y-%m-%d %H:%M} tetap berlaku.)".lstrip()
        return CheckResult(self.name, self.severity, self.passed, self.unexpected, self.total, words)


def last_results(
    connection: Connection[Any], contract: Contract, *, refused: bool = False
) -> dict[str, Standing]:
    """Of each check the last result that is about what is published.

    refused: also those of deliveries that were refused, which changed nothing of it.
    """
    with connection.cursor(row_factory=class_row(Standing)) as cursor:
        rows = cursor.execute(
            "select distinct on (c.check_name) c.check_name as name, c.severity, c.passed, c.unexpected, c.total,"
            " coalesce(c.message, '') as message, c.at from ops.check_result c"
            " left join ops.load_batch b on b.batch_id = c.batch_id"
            " where c.asset = %s and (%s or c.batch_id is null or b.state in ('loaded', 'unchanged'))"
            " order by c.check_name, c.at desc",
            [f"raw/{contract.key}", refused],
        ).fetchall()
    return {row.name: row for row in rows}


def ask_published(
    connection: Connection[Any], contract: Contract, expectations: Sequence[Expectation]
) -> list[CheckResult]:
    """Asks the expectations of the rows of raw that are in force: current versions, without what is gone.

    Of a table that is still empty nothing fails worse than as a warning: nobody has delivered anything wrong.
    """
    if not expectations:
        return []
    with connection.transaction(force_rollback=True):
        alive = "true"
        if contract.keeps_history:
            alive = "is_current"
        elif contract.reconcile:
            alive = "deleted_at is null"
        connection.execute(
            sql.SQL("create temporary view {} as select {} from {} where {}").format(
                sql.Identifier(_IN_FORCE),
                sql.SQL(", ").join(sql.Identifier(c.name) for c in contract.stored),
                sql.Identifier("raw", contract.table),
                sql.SQL(alive),  # type: ignore[arg-type]  # one of the three above
            )
        )
        found = connection.execute(
            sql.SQL("select pg_my_temp_schema()::regnamespace::text, count(*) from {}").format(
                sql.Identifier(_IN_FORCE)
            )
        ).fetchone()
        assert found is not None
        schema, rows = found
        results = run_suite(expectations, Relation(schema, _IN_FORCE), rows, connection)
    if rows:
        return results
    return [
        replace(r, severity="warn", message=f"{r.message} Tabel yang terbit masih kosong.".lstrip())
        for r in results
    ]


def standing_results(
    connection: Connection[Any],
    contract: Contract,
    expectations: Sequence[Expectation],
    about_delivery: Collection[str],
    why: str,
) -> list[CheckResult]:
    """A result for every check where no delivery was checked: its last one, else what the published table says.

    about_delivery: checks that only a delivery answers; one without a last result passes, for nothing has come.
    why: why nothing was checked, in Indonesian.
    """
    last = last_results(connection, contract)
    unasked = ask_published(connection, contract, [e for e in expectations if e.name not in last])
    return [
        *(last[e.name].result(why) for e in expectations if e.name in last),
        *unasked,
        *(delivery_result(last, name, why) for name in about_delivery),
    ]


def delivery_result(last: dict[str, Standing], name: str, why: str) -> CheckResult:
    """The last result of a check that is about a delivery and that no table can answer."""
    if name in last:
        return last[name].result(why)
    return CheckResult(name, "warn", True, None, None, f"Belum ada kiriman yang diperiksa: {why}.")
