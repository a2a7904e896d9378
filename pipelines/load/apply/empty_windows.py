"""Refuses, and remembers, windows for which the source gives no row although raw has some.

A source that was emptied by mistake must not empty the warehouse. If an OPD really took its rows back, each later load
reminds the operator, until the window is loaded by the job JOB.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from psycopg import Connection, sql

from pipelines.errors import LoadError
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan

TAG = "gudang/empty_window"
"""A run with this tag and the value "true" may load a window without a row."""
JOB = "jendela_kosong_diterima"
"""The job of Dagster that starts such a run (sensors/requested.py)."""
SHOWN = 5
"""How many days a warning names."""


class EmptyError(LoadError):
    """The source gave no row for a window or file of which raw has rows."""


def remember(connection: Connection[Any], plan: LoadPlan) -> None:
    """Writes the days of the empty window into ops.empty_window, if raw has rows of them."""
    if plan.contract.windows is None or plan.window is None:
        return
    connection.execute(
        sql.SQL(
            "insert into ops.empty_window (dataset, day, batch_id) select distinct {}, {}::date, {}::bigint from {} r"
            " where {} on conflict do nothing"
        ).format(
            sql.Literal(plan.contract.key),
            _partition_column(plan),
            sql.Literal(plan.batch_id),
            plan.raw,
            plan.scope("r"),
        )
    )


def forget_covered_days(plan: LoadPlan) -> sql.Composed:
    """Deletes the remembered days that this load has covered, and those of which raw has no row any more."""
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
    ).format(sql.Literal(plan.contract.key), covered, plan.raw, _partition_column(plan))


def warn(connection: Connection[Any], plan: LoadPlan, batch: Batch) -> None:
    """Adds a warning that names the days that are still remembered."""
    days: list[date] = [
        row[0]
        for row in connection.execute(
            "select day from ops.empty_window where dataset = %s order by day", [plan.contract.key]
        ).fetchall()
    ]
    if days:
        more = f" dan {len(days) - SHOWN} hari lain" if len(days) > SHOWN else ""
        batch.warnings.append(
            f"sumber tidak memberi baris untuk {', '.join(map(str, days[:SHOWN]))}{more}, sedangkan raw masih punya"
            f" baris lamanya: tanyakan kepada OPD, lalu lakukan pengisian ulang hari itu, atau terima lewat"
            f" job {JOB} kalau barisnya memang sudah tidak ada"
        )


def _partition_column(plan: LoadPlan) -> sql.Composable:
    assert plan.contract.partition is not None
    return sql.Identifier("r", plan.contract.partition.column)
