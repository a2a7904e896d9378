"""Closes runs whose worker is gone, and frees their slots.

What belongs here: which runs are dead, closing them. Not here: how a worker shows that it is alive
(runtime/lease.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster import DagsterRunStatus as Status

from pipelines.runtime import lease

START_SECONDS = 180.0
"""A run that has not started this long after it was created or launched will never start (see deploy/dagster.yaml)."""

GRACE_SECONDS = 10.0
"""A run takes its lease up to this long after the start time that Dagster records."""

LEASE_FIRST_TAG = "gudang/sewa"
"""Marks a run whose process took the lease before it created the run. Without a lease such a run is dead, whatever its
state and age. The value is the run's id, so that a tag that a re-execution copied does not count."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A run that was closed: its job, and the state that it was left in."""

    run_id: str
    job: str
    state: str

    @property
    def message(self) -> str:
        """The line about it for a terminal and for a run's log."""
        return f"Run {self.run_id[:8]} ({self.job}) ditutup: prosesnya sudah tidak ada."


def subject(run_id: str) -> str:
    """The subject of a run's lease."""
    return lease.run_subject(run_id)


def storage_url(instance: dg.DagsterInstance) -> str | None:
    """The URL of the database with the leases of an instance's runs; None if it is not PostgreSQL, as in tests."""
    url = getattr(instance.run_storage, "postgres_url", None)
    return url if isinstance(url, str) else None


def close_dead_runs(
    instance: dg.DagsterInstance,
    now: datetime | None = None,
    *,
    grace: float = GRACE_SECONDS,
    wait: float = lease.GONE_SECONDS,
) -> tuple[Closed, ...]:
    """Closes the runs whose worker is gone, and frees the slots of all runs that have ended. Gives the closed runs.

    Queued runs are left: no process works on them yet, and the daemon will start them.

    now: by default the time of this machine. grace: seconds within which a started run takes its lease. wait: seconds
    after which we look again for a missing lease.
    """
    url = storage_url(instance)
    if url is None:
        return ()
    unfinished = dg.RunsFilter(
        statuses=[Status.NOT_STARTED, Status.STARTING, Status.STARTED, Status.CANCELING]
    )
    records = instance.get_run_records(filters=unfinished)
    late = [record for record in records if must_have_lease(record, now or datetime.now(UTC), grace)]
    subjects = [subject(record.dagster_run.run_id) for record in late]
    gone = lease.wait_and_find_gone(url, subjects, wait=wait)
    closed: list[Closed] = []
    for record in late:
        run = instance.get_run_by_id(record.dagster_run.run_id)
        if run is None or run.status != record.dagster_run.status or subject(run.run_id) not in gone:
            continue
        if run.status is Status.CANCELING:
            instance.report_run_canceled(run, "Proses yang mengerjakan run ini sudah tidak ada.")
        else:
            instance.report_run_failed(run, _reason(run))
        closed.append(Closed(run.run_id, run.job_name, run.status.value))
    _free_slots(instance)
    return tuple(closed)


def must_have_lease(record: dg.RunRecord, now: datetime, grace: float = GRACE_SECONDS) -> bool:
    """Whether a living worker of this unfinished run would have taken its lease by now."""
    run = record.dagster_run
    if run.tags.get(LEASE_FIRST_TAG) == run.run_id:
        return True
    begun = run.status in (Status.STARTED, Status.CANCELING)
    return (now - record.update_timestamp).total_seconds() > (grace if begun else START_SECONDS)


def _reason(run: dg.DagsterRun) -> str:
    if run.status is Status.STARTED:
        return "Proses yang mengerjakan run ini sudah tidak ada (dihentikan paksa, atau mesinnya mati)."
    return "Run ini tidak pernah dimulai: proses yang membuatnya sudah tidak ada."


def _free_slots(instance: dg.DagsterInstance) -> None:
    """Frees the slots of ended and deleted runs. Dagster's daemon frees only the slots of runs that still exist."""
    storage = instance.event_log_storage
    holders = {
        slot.run_id
        for info in storage.get_concurrency_infos(sorted(storage.get_concurrency_keys())).values()
        for slot in info.claimed_slots
    }
    for run_id in holders | storage.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(run_id)


def queued_runs(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    """The runs that the daemon has not started yet."""
    return instance.get_runs(filters=dg.RunsFilter(statuses=[Status.QUEUED]))
