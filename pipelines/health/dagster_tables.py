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
from typing import Any, LiteralString, TypeVar

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
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Night:
    """A night that has ended.

    key: the same for all runs of it, also after a retry of the last one. run_id, status: of the newest of its last
    runs. ended_at: when the first of them ended, with zone.
    """

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


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The seconds since a kind of daemon last gave a sign of life."""

    daemon: str
    age: float


@dataclass(frozen=True, slots=True)
class Ticking:
    """How many sensors are on, and the seconds since one of them last ended a tick without a fault; None for never."""

    sensors: int
    age: float | None


@dataclass(frozen=True, slots=True)
class Queue:
    """How many runs are queued, and the seconds that the oldest has waited."""

    runs: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of a pool, the run that holds it, and for how many seconds."""

    pool: str
    run_id: str
    age: float


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that works now, and the seconds since its start."""

    run_id: str
    job: str
    age: float


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


def _rows(connection: Connection[Any], kind: type[Row], query: LiteralString, *values: object) -> list[Row]:
    """The rows of a query as values of `kind`, whose fields are its columns."""
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, values).fetchall()


def last_night(connection: Connection[Any]) -> Night | None:
    """The night that ended last; None before the first night. A run that is tried again has not ended its night.

    A person may execute the last run of an old night again, and Dagster then gives the new run the tags of the old one.
    Such a run changes the outcome of its night, but not when that night ended.
    """
    found = _rows(
        connection,
        Night,
        "select t.value as key, (array_agg(r.run_id order by r.end_time desc))[1] as run_id,"
        " (array_agg(r.status order by r.end_time desc))[1] as status, to_timestamp(min(r.end_time)) as ended_at"
        " from runs r join run_tags t on t.run_id = r.run_id and t.key = %s"
        " where r.pipeline_name = %s and r.end_time is not null"
        " and r.status in ('SUCCESS', 'FAILURE', 'CANCELED')"
        " and not exists (select from run_tags w where w.run_id = r.run_id and w.key = 'dagster/will_retry'"
        " and w.value = 'true') group by t.value order by ended_at desc limit 1",
        NIGHT_TAG,
        NIGHT_JOB,
    )
    return found[0] if found else None


def failed_runs(connection: Connection[Any], since: datetime, until: datetime) -> list[FailedRun]:
    """The runs that failed between two times, in their order. One that is tried again is left out."""
    return _rows(
        connection,
        FailedRun,
        "select r.run_id, r.pipeline_name as job, to_timestamp(r.end_time) as ended_at,"
        " array(select distinct e.step_key from event_logs e where e.run_id = r.run_id"
        "   and e.dagster_event_type = 'STEP_FAILURE' and e.step_key is not null order by 1) as steps"
        " from runs r where r.status = 'FAILURE' and to_timestamp(r.end_time) > %s"
        " and to_timestamp(r.end_time) <= %s"
        " and not exists (select from run_tags w where w.run_id = r.run_id and w.key = 'dagster/will_retry'"
        " and w.value = 'true') order by r.end_time",
        since,
        until,
    )


def failed_ticks(connection: Connection[Any], since: datetime, until: datetime) -> list[FailedTicks]:
    """The sensors and schedules that had failed ticks between two times."""
    return _rows(
        connection,
        FailedTicks,
        "select coalesce(tick_body::jsonb ->> 'job_name', '?') as name, type as kind, count(*) as ticks,"
        " max(timestamp at time zone 'UTC') as last_at from job_ticks"
        " where status = 'FAILURE' and timestamp at time zone 'UTC' > %s"
        " and timestamp at time zone 'UTC' <= %s group by 1, 2 order by 1",
        since,
        until,
    )


def heartbeats(connection: Connection[Any]) -> list[Heartbeat]:
    """The last sign of life of each kind of daemon."""
    return _rows(
        connection,
        Heartbeat,
        "select daemon_type as daemon,"
        " extract(epoch from clock_timestamp() - timestamp at time zone 'UTC')::float8 as age from daemon_heartbeats",
    )


def last_good_tick(connection: Connection[Any]) -> Ticking:
    """The sensors that are on, and their last good tick.

    A tick runs our code in the code server. A sensor whose code is gone stays on in these tables for ever, so only the
    newest tick of all tells something.
    """
    (found,) = _rows(
        connection,
        Ticking,
        "select count(*) as sensors,"
        " min(extract(epoch from clock_timestamp() - t.at at time zone 'UTC'))::float8 as age"
        " from instigators i left join lateral (select timestamp as at from job_ticks"
        " where selector_id = i.selector_id and status in ('SUCCESS', 'SKIPPED')"
        " order by timestamp desc limit 1) as t on true"
        " where i.instigator_type = 'SENSOR' and i.status in ('RUNNING', 'DECLARED_IN_CODE')",
    )
    return found


def queued_runs(connection: Connection[Any]) -> Queue:
    """The runs that wait to be started."""
    (found,) = _rows(
        connection,
        Queue,
        "select count(*) as runs, coalesce(max(extract(epoch from"
        " clock_timestamp() - create_timestamp at time zone 'UTC')), 0)::float8 as oldest"
        " from runs where status = 'QUEUED'",
    )
    return found


def oldest_slot(connection: Connection[Any]) -> Slot | None:
    """The slot that has been held longest; None if none is held."""
    found = _rows(
        connection,
        Slot,
        "select s.concurrency_key as pool, s.run_id, extract(epoch from clock_timestamp()"
        " - coalesce(p.assigned_timestamp, r.create_timestamp, s.create_timestamp) at time zone 'UTC')::float8 as age"
        " from concurrency_slots s left join pending_steps p on p.concurrency_key = s.concurrency_key"
        " and p.run_id = s.run_id and p.step_key = s.step_key left join runs r on r.run_id = s.run_id"
        " where s.run_id is not null and not s.deleted order by age desc limit 1",
    )
    return found[0] if found else None


def started_runs(connection: Connection[Any]) -> list[StartedRun]:
    """The runs that work now, the oldest first."""
    return _rows(
        connection,
        StartedRun,
        "select run_id, pipeline_name as job,"
        " extract(epoch from clock_timestamp() - to_timestamp(start_time))::float8 as age"
        " from runs where status = 'STARTED' and start_time is not null order by start_time",
    )
