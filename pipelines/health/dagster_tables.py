"""Reads Dagster's tables by SQL, so that it takes milliseconds and works while Dagster is down or broken.

The tables are those of dagster 1.13.27, whose version pyproject.toml fixes: `runs`, `run_tags`, `event_logs`,
`job_ticks`, `instigators`, `daemon_heartbeats`, `concurrency_slots`, `pending_steps`. Their naive times are UTC
(runtime/dagster_clock.py). No text of Dagster's events is read, because an error's text may quote a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from pipelines.errors import GudangError
from pipelines.redaction.database_urls import libpq_url

SUBJECT = "basis data Dagster"
NIGHT_JOB = "publication"
"""The last job of a night."""
NIGHT_TAG = "gudang/malam"
"""The tag of each run of a night; its value is the night. Both names are those of pipelines/jobs.py."""
CONNECT_SECONDS, STATEMENT_SECONDS = 5, 10


@dataclass(frozen=True, slots=True)
class Night:
    """A night that has ended. key: the same for all runs of it, also after a retry of the last one."""

    key: str
    run_id: str
    status: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run that failed and is not tried again. steps: the steps that failed."""

    run_id: str
    job: str
    steps: Sequence[str]
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class FailedTicks:
    """The failed ticks of one sensor or schedule. kind: SENSOR or SCHEDULE."""

    name: str
    kind: str
    ticks: int
    last_at: datetime


@contextmanager
def connect(url: str) -> Iterator[Connection[Any]]:
    """A read-only session of Dagster's database. Raises GudangError if it can't be reached."""
    try:
        connection: Connection[Any] = psycopg.connect(
            libpq_url(url),
            autocommit=True,
            application_name="gudang",
            connect_timeout=CONNECT_SECONDS,
            options=f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_SECONDS}s",
        )
    except psycopg.Error as error:
        raise GudangError(SUBJECT, unreachable(error), hint="apakah servernya berjalan?") from None
    with connection:
        yield connection


def unreachable(error: psycopg.Error) -> str:
    """Why a session could not be opened: the first line of libpq's text."""
    return f"koneksi gagal: {(str(error).strip().splitlines() or [type(error).__name__])[0]}"


def last_night(connection: Connection[Any]) -> Night | None:
    """The night whose last run ended last; None before the first night. A run that is tried again has not ended it."""
    with connection.cursor(row_factory=class_row(Night)) as cursor:
        return cursor.execute(
            "select t.value as key, r.run_id, r.status, to_timestamp(r.end_time) as ended_at"
            " from runs r join run_tags t on t.run_id = r.run_id and t.key = %s"
            " where r.pipeline_name = %s and r.end_time is not null"
            " and r.status in ('SUCCESS', 'FAILURE', 'CANCELED')"
            " and not exists (select from run_tags w where w.run_id = r.run_id and w.key = 'dagster/will_retry'"
            " and w.value = 'true') order by r.end_time desc limit 1",
            [NIGHT_TAG, NIGHT_JOB],
        ).fetchone()


def failed_runs(connection: Connection[Any], since: datetime, until: datetime) -> list[FailedRun]:
    """The runs that failed between two times, in their order. One that is tried again is left out."""
    with connection.cursor(row_factory=class_row(FailedRun)) as cursor:
        return cursor.execute(
            "select r.run_id, r.pipeline_name as job, to_timestamp(r.end_time) as ended_at,"
            " array(select distinct e.step_key from event_logs e where e.run_id = r.run_id"
            "   and e.dagster_event_type = 'STEP_FAILURE' and e.step_key is not null order by 1) as steps"
            " from runs r where r.status = 'FAILURE' and to_timestamp(r.end_time) > %s"
            " and to_timestamp(r.end_time) <= %s"
            " and not exists (select from run_tags w where w.run_id = r.run_id and w.key = 'dagster/will_retry'"
            " and w.value = 'true') order by r.end_time",
            [since, until],
        ).fetchall()


def failed_ticks(connection: Connection[Any], since: datetime, until: datetime) -> list[FailedTicks]:
    """The sensors and schedules that had failed ticks between two times."""
    with connection.cursor(row_factory=class_row(FailedTicks)) as cursor:
        return cursor.execute(
            "select coalesce(tick_body::jsonb ->> 'job_name', '?') as name, type as kind, count(*) as ticks,"
            " max(timestamp at time zone 'UTC') as last_at from job_ticks"
            " where status = 'FAILURE' and timestamp at time zone 'UTC' > %s"
            " and timestamp at time zone 'UTC' <= %s group by 1, 2 order by 1",
            [since, until],
        ).fetchall()


def heartbeats(connection: Connection[Any]) -> dict[str, float]:
    """By the kind of daemon, the seconds since it last gave a sign of life."""
    rows = connection.execute(
        "select daemon_type, extract(epoch from clock_timestamp() - timestamp at time zone 'UTC')::float8"
        " from daemon_heartbeats"
    ).fetchall()
    return dict(rows)


def last_good_tick(connection: Connection[Any]) -> tuple[int, float | None]:
    """How many sensors are on, and the seconds since one of them last ended a tick without a fault.

    None if none of them ever did. A tick runs our code in the code server. A sensor whose code is gone stays on in
    these tables for ever, so only the newest tick of all tells something.
    """
    row = connection.execute(
        "select count(*), min(extract(epoch from clock_timestamp() - t.at at time zone 'UTC'))::float8"
        " from instigators i left join lateral (select timestamp as at from job_ticks"
        " where selector_id = i.selector_id and status in ('SUCCESS', 'SKIPPED')"
        " order by timestamp desc limit 1) as t on true"
        " where i.instigator_type = 'SENSOR' and i.status in ('RUNNING', 'DECLARED_IN_CODE')"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def queued_runs(connection: Connection[Any]) -> tuple[int, float]:
    """How many runs are queued, and the seconds that the oldest has waited."""
    row = connection.execute(
        "select count(*), coalesce(max(extract(epoch from clock_timestamp() - create_timestamp at time zone 'UTC')),"
        " 0)::float8 from runs where status = 'QUEUED'"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def oldest_slot(connection: Connection[Any]) -> tuple[str, str, float] | None:
    """Pool, run and age in seconds of the slot that has been held longest; None if none is held."""
    return connection.execute(
        "select s.concurrency_key, s.run_id, extract(epoch from clock_timestamp()"
        " - coalesce(p.assigned_timestamp, r.create_timestamp, s.create_timestamp) at time zone 'UTC')::float8 as age"
        " from concurrency_slots s left join pending_steps p on p.concurrency_key = s.concurrency_key"
        " and p.run_id = s.run_id and p.step_key = s.step_key left join runs r on r.run_id = s.run_id"
        " where s.run_id is not null and not s.deleted order by age desc limit 1"
    ).fetchone()


def started_runs(connection: Connection[Any]) -> list[tuple[str, str, float]]:
    """Run, job and seconds since the start of each run that works now."""
    return connection.execute(
        "select run_id, pipeline_name, extract(epoch from clock_timestamp() - to_timestamp(start_time))::float8"
        " from runs where status = 'STARTED' and start_time is not null order by start_time"
    ).fetchall()
