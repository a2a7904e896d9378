"""Finds the runs that have ended since a sensor's last tick, each once, by the sensor's cursor.

Not here: what a sensor starts after them (chain.py, requested.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import dagster as dg

OLDEST_S = 86_400
"""Runs that ended more than so many seconds ago are not given any more, as after a daemon that was down for days."""
OVERLAP_S = 600
"""Seconds by which a tick looks back before the newest run of the tick before. Runs are written by several processes,
so a run can become visible after one that ended later."""
WILL_RETRY = "dagster/will_retry"
"""Dagster sets this tag to "true" when a run fails that the daemon will start once more, else to "false"."""
_DECIDES_S = 60
"""Seconds that the tag is waited for. A process that is killed may never set it."""
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True, slots=True)
class Ended:
    """The runs that no tick has seen yet, by their end, and the cursor for the next tick."""

    records: tuple[dg.RunRecord, ...]
    cursor: str


def ended_runs(instance: dg.DagsterInstance, cursor: str | None, jobs: Iterable[str], now: float) -> Ended:
    """Gives the runs of `jobs` that have ended and that no earlier tick has got.

    The cursor has the time of the last end, and the ids of the runs that ended less than OVERLAP_S before it. So it
    neither grows, nor loses a run, nor gives one twice; it does not matter whether the run is deleted afterwards.

    now: seconds since the epoch.
    """
    before = json.loads(cursor or "{}")
    until, known = float(before.get("sampai", 0.0)), set(before.get("run", []))
    since = max(until - OVERLAP_S, now - OLDEST_S)
    after = datetime.fromtimestamp(since, UTC)
    # A run that is tagged after its end is updated again, so the time of its end decides.
    ends = {
        record.dagster_run.run_id: (record.end_time, record)
        for job in jobs
        for record in instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=_ENDED, updated_after=after)
        )
        if record.end_time and record.end_time > since and not _may_be_retried(instance, record, now)
    }
    # A run whose end lies in the future, after a clock that was wrong, must not hide those before it.
    until = min(max([until, *(end for end, _ in ends.values())]), now)
    recent = sorted(run_id for run_id, (end, _) in ends.items() if end > until - OVERLAP_S)
    new = sorted((end, run_id) for run_id, (end, _) in ends.items() if run_id not in known)
    return Ended(tuple(ends[run_id][1] for _, run_id in new), json.dumps({"sampai": until, "run": recent}))


def _may_be_retried(instance: dg.DagsterInstance, record: dg.RunRecord, now: float) -> bool:
    """Whether Dagster has still to say if it retries a failed run. It tags the run shortly after its end."""
    run = record.dagster_run
    undecided = run.status is dg.DagsterRunStatus.FAILURE and WILL_RETRY not in run.tags
    return undecided and instance.run_retries_enabled and now - (record.end_time or 0.0) < _DECIDES_S


def runs_link(tag: str, value: str) -> str:
    """The path of the list of runs in Dagster's UI, with only the runs that have this tag."""
    return f"/runs?q%5B0%5D={quote(f'tag:{tag}={value}', safe='')}"
