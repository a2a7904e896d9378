"""Waiting for a source that another run reads: said aloud, with an end.

What belongs here: what `gudang nightly` does while a step waits for its pool. Not here: the pools (assets/raw.py).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._utils.concurrency import ConcurrencyClaimStatus

from pipelines.errors import GudangError
from pipelines.runs.dead import Closed, close_dead_runs, storage_url
from pipelines.runs.lease import alone
from pipelines.settings import TIMEZONE

LIMIT_SECONDS = 1800.0
"""How long a night waits for one source, beside what else it does."""

SAY_SECONDS = 60.0
LOOK_SECONDS = 10.0
"""How often one looks for runs that died meanwhile."""

_PAUSE_SECONDS = 1.0


def make_pools(instance: dg.DagsterInstance, pools: Collection[str]) -> None:
    """Pools that no run has used yet, with the default limit. Of two runs that make one at once, Dagster fails one."""
    url = storage_url(instance)
    storage = instance.event_log_storage
    if url is None or set(pools) <= storage.get_concurrency_keys():
        return
    with alone(url, "pools"):
        for pool in sorted(set(pools) - storage.get_concurrency_keys()):
            storage.initialize_concurrency_limit_to_default(pool)


@contextmanager
def told(
    instance: dg.DagsterInstance,
    say: Callable[[str], None],
    closed: Callable[[tuple[Closed, ...]], None],
    limit: float = LIMIT_SECONDS,
) -> Iterator[None]:
    """While the context lasts, a step of this process that waits for a pool says for which run, and until when.

    Runs that die meanwhile are closed, which frees their slots. Dagster's own loop would ask the database without a
    pause. When `limit` is over, the run ends with a GudangError; by then every step that could go on has done so.
    """
    storage = instance.event_log_storage
    claim = storage.claim_concurrency_slot
    waited: defaultdict[str, float] = defaultdict(float)
    last_said: dict[str, float] = {}
    last_look = time.monotonic()

    def patient(
        concurrency_key: str, run_id: str, step_key: str, priority: int | None = None
    ) -> ConcurrencyClaimStatus:
        nonlocal last_look
        status = claim(concurrency_key, run_id, step_key, priority)
        if status.is_claimed:
            return status
        if time.monotonic() - last_look > LOOK_SECONDS:
            last_look = time.monotonic()
            closed(close_dead_runs(instance))
        if waited[concurrency_key] >= limit:
            raise GudangError(
                concurrency_key,
                f"jatah sumber ini tidak bebas setelah {_minutes(limit)}: {_holder(instance, concurrency_key)}",
                hint="hentikan run itu di `gudang ui`, lalu ulangi",
            )
        if time.monotonic() - last_said.get(concurrency_key, -SAY_SECONDS) >= SAY_SECONDS:
            last_said[concurrency_key] = time.monotonic()
            left = _minutes(limit - waited[concurrency_key])
            say(f"Menunggu {concurrency_key}: {_holder(instance, concurrency_key)}; paling lama {left} lagi.")
        time.sleep(_PAUSE_SECONDS)
        waited[concurrency_key] += _PAUSE_SECONDS
        return status.with_sleep_interval(0.0)

    storage.claim_concurrency_slot = patient
    try:
        yield
    finally:
        storage.claim_concurrency_slot = claim


def _holder(instance: dg.DagsterInstance, pool: str) -> str:
    slots = instance.event_log_storage.get_concurrency_info(pool).claimed_slots
    records = instance.get_run_records(filters=dg.RunsFilter(run_ids=[slot.run_id for slot in slots]))
    if not slots or not records:
        return "sedang dibebaskan"
    run = records[0].dagster_run
    since = records[0].create_timestamp.astimezone(ZoneInfo(TIMEZONE))
    return f"dipakai run {run.run_id[:8]} ({run.job_name}, sejak {since:%d-%m-%Y %H:%M} WITA)"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} menit" if seconds >= 60 else f"{seconds:.0f} detik"
