"""Reads the loads that wait for approval, and writes down what a walidata decides about one.

What belongs here: the queries. Not here: who may decide (pages.py), carrying a decision out, which only Dagster does
(sensors/approval.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from pipelines.load.approval.decide import Decision
from pipelines.load.approval.waiting import Waiting, waiting_loads

EXPECTED_MINUTES = 10
"""After so many minutes a decision that was not carried out may be made again, or be replaced by another one."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision about a load. done_at: None while it is not carried out. error: why it could not be.

    is_expected: it is so new that it will be carried out in a moment.
    """

    decision: str
    reason: str | None
    decided_by: str
    decided_at: datetime
    done_at: datetime | None
    error: str | None
    is_expected: bool


def waiting_load(connection: Connection[Any], dataset: str, batch_id: int) -> Waiting | None:
    """What a load would change that waits for approval; None if it does not wait."""
    return next((w for w in waiting_loads(connection, [dataset]) if w.batch_id == batch_id), None)


def last_decision(connection: Connection[Any], batch_id: int) -> Decided | None:
    """The newest decision about a load; None if there is none."""
    with connection.cursor(row_factory=class_row(Decided)) as cursor:
        return cursor.execute(
            "select decision, reason, decided_by, decided_at, done_at, error, done_at is null"
            " and decided_at > clock_timestamp() - make_interval(mins => %s) as is_expected from ops.load_decision"
            " where batch_id = %s order by decision_id desc limit 1",
            [EXPECTED_MINUTES, batch_id],
        ).fetchone()


def write_down(connection: Connection[Any], decision: Decision) -> None:
    """Writes down a decision, which Dagster then carries out."""
    connection.execute(
        "insert into ops.load_decision (batch_id, decision, reason, decided_by) values (%s, %s, %s, %s)",
        [decision.batch_id, decision.decision, decision.reason or None, decision.by],
    )
