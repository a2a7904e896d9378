"""Which runs must have a lease by now, depending on their state and age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster import DagsterRunStatus as Status

from pipelines.runs.dead import LEASE_FIRST_TAG, Closed, must_have_lease

NOW = datetime(2026, 11, 26, 18, tzinfo=UTC)
RUN = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"


def record(status: Status, seconds: float, tags: dict[str, str] | None = None) -> dg.RunRecord:
    """The record of a run that changed to `status` `seconds` before NOW."""
    at = NOW - timedelta(seconds=seconds)
    run = dg.DagsterRun(job_name="ingest", run_id=RUN, status=status, tags=tags or {})
    return dg.RunRecord(storage_id=1, dagster_run=run, create_timestamp=at, update_timestamp=at)


@pytest.mark.parametrize(
    ("status", "seconds", "late"),
    [
        (Status.STARTED, 9, False),
        (Status.STARTED, 11, True),
        (Status.CANCELING, 11, True),
        (Status.STARTING, 11, False),
        (Status.STARTING, 181, True),
        (Status.NOT_STARTED, 179, False),
        (Status.NOT_STARTED, 181, True),
    ],
)
def test_started_run_has_ten_seconds_and_a_waiting_one_three_minutes(
    status: Status, seconds: float, late: bool
) -> None:
    assert must_have_lease(record(status, seconds), NOW) == late


def test_grace_of_a_started_run_is_a_parameter() -> None:
    assert must_have_lease(record(Status.STARTED, 1), NOW, grace=0.5)
    assert not must_have_lease(record(Status.STARTED, 11), NOW, grace=60)


@pytest.mark.parametrize(("of", "late"), [(RUN, True), (OTHER, False)])
def test_run_whose_lease_came_first_must_have_it_at_once_but_a_copy_need_not(of: str, late: bool) -> None:
    assert must_have_lease(record(Status.NOT_STARTED, 0, {LEASE_FIRST_TAG: of}), NOW) == late


def test_closed_run_is_described_in_one_sentence() -> None:
    message = Closed(RUN, "ingest", "STARTED").message
    assert message == "Run 00000000 (ingest) ditutup: prosesnya sudah tidak ada."
