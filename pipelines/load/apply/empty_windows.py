"""Windows that came empty where rows are published: refused, remembered, and told of each night while they stand.

A source that is emptied by mistake must not empty the warehouse; a source that took its rows back must not be
contradicted for ever without a word.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from psycopg import Connection, sql

from pipelines.errors import LoadError
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan

TAG = "gudang/empty_window"
"""A run with this tag, "true", takes a window without a row as the truth."""
SHOWN = 5


class EmptyError(LoadError):
    """The source gave no row for a window or file of which rows are published."""


def remember(connection: Connection[Any], plan: LoadPlan) -> None:
    """Keeps the published days of the window that came empty."""
    if plan.window is None:
        return
    connection.execute(
        sql.SQL(
            "insert into ops.empty_window (dataset, day, batch_id) select distinct {}, {}::date, {}::bigint from {} r"
            " where {} on conflict do nothing"
        ).format(
            sql.Literal(plan.contract.key),
            _column(plan),
            sql.Literal(plan.batch_id),
            plan.raw,
            plan.scope("r"),
        )
    )


def settle(plan: LoadPlan) -> sql.Composed:
    """Days that a load has published, and days that no row is left of, are no longer doubtful."""
    covered = (
        sql.SQL("e.day between {} and {}").format(
            sql.Literal(plan.window.start), sql.Literal(plan.window.end)
        )
        if plan.window
        else sql.SQL("true")
    )
    return sql.SQL(
        "delete from ops.empty_window e where e.dataset = {} and ({} or not exists (select from {} r where {}::date"
        " = e.day))"
    ).format(sql.Literal(plan.contract.key), covered, plan.raw, _column(plan))


def warn(connection: Connection[Any], plan: LoadPlan, batch: Batch) -> None:
    days: list[date] = [
        row[0]
        for row in connection.execute(
            "select day from ops.empty_window where dataset = %s order by day", [plan.contract.key]
        ).fetchall()
    ]
    if days:
        more = f" and {len(days) - SHOWN} more" if len(days) > SHOWN else ""
        batch.warnings.append(
            f"the source had no row of {', '.join(map(str, days[:SHOWN]))}{more} when last asked, and raw still has"
            f" rows of before: ask the OPD, then backfill these days, with the tag {TAG}: true where the rows are"
            " really gone"
        )


def _column(plan: LoadPlan) -> sql.Composable:
    assert plan.contract.partition is not None
    return sql.Identifier("r", plan.contract.partition.column)
