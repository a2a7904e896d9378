"""Finds problems in Dagster's tables: runs, sensors and schedules that failed. Their texts are not read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

from pipelines.alerts.problem import RUN, TICK, Problem
from pipelines.health import dagster_tables
from pipelines.publication.indonesian import moment

_KINDS: Mapping[str, str] = {"SENSOR": "sensor", "SCHEDULE": "jadwal"}


def run_problems(connection: Connection[Any], since: datetime, until: datetime) -> list[Problem]:
    """The runs that failed since the last digest, with the steps that failed."""
    found: list[Problem] = []
    for run in dagster_tables.failed_runs(connection, since, until):
        steps = ", ".join(run.steps[:3]) + (f", dan {len(run.steps) - 3} lagi" if len(run.steps) > 3 else "")
        message = f"gagal di {steps}" if steps else "berakhir sebelum langkahnya selesai"
        found.append(Problem(RUN, f"{run.job} {run.run_id[:8]}", message, run.run_id, run.run_id))
    return found


def tick_problems(connection: Connection[Any], since: datetime, until: datetime) -> list[Problem]:
    """The sensors and schedules that failed since the last digest."""
    return [
        Problem(
            TICK,
            ticks.name,
            f"{_KINDS.get(ticks.kind, ticks.kind)} gagal {ticks.ticks} kali, terakhir {moment(ticks.last_at)}; sebabnya"
            " di halaman Automation",
            str(ticks.last_at),
        )
        for ticks in dagster_tables.failed_ticks(connection, since, until)
    ]
