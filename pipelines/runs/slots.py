"""Logs and limits the wait of a step for a source that another run reads.

What belongs here: the wait for a pool, in a night and in a run's worker. Not here: the pools
(assets/raw.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines.clock import TIMEZONE
from pipelines.errors import GudangError
from pipelines.runs.dead import Closed, close_dead_runs, storage_url
from pipelines.runtime.lease import exclusive

if TYPE_CHECKING:
    from dagster._utils.concurrency import ConcurrencyClaimStatus

LIMIT_SECONDS = 1800.0
"""How long a night waits for one source. Only time in which no step can run counts."""

SAY_SECONDS = 60.0
"""How often a waiting step logs that it waits."""

LOOK_SECONDS = 10.0
"""How often we look for runs that died during the wait."""

_ANSWER_LASTS_SECONDS = 1.0
_PAUSE_SECONDS = 0.1


def make_pools(instance: dg.DagsterInstance, pools: Collection[str]) -> None:
    """Creates those of `pools` that no run has used yet, with the default limit.

    Only one run at a time may do this: if two create the same pool at once, Dagster fails one of them.
    """
    url = storage_url(instance)
    storage = instance.event_log_storage
    if url is None or set(pools) <= storage.get_concurrency_keys():
        return
    with exclusive(url, "pools"):
        for pool in sorted(set(pools) - storage.get_concurrency_keys()):
            storage.initialize_concurrency_limit_to_default(pool)


@contextmanager
def limit_pool_waits(
    instance: dg.DagsterInstance,
    say: Callable[[str], None],
    closed: Callable[[tuple[Closed, ...]], None],
    limit: float | None = LIMIT_SECONDS,
    *,
    look_every: float = LOOK_SECONDS,
    close: Callable[[dg.DagsterInstance], tuple[Closed, ...]] = close_dead_runs,
) -> Iterator[None]:
    """While the context lasts, the waits of this process for a pool are logged and limited.

    It replaces Dagster's method that claims a slot. Every `look_every` seconds of a wait, `close` closes runs that died
    meanwhile, which frees their slots; `closed` gets them. A wait of more than `limit` seconds raises GudangError,
    which ends the run. Only time in which no step can run counts towards the limit. limit: None means no limit but the
    run's own maximum time.
    """
    storage = instance.event_log_storage
    claim = storage.claim_concurrency_slot
    waits = _Waits(instance, say, lambda: closed(close(instance)), limit, look_every)

    def claim_patiently(
        concurrency_key: str, run_id: str, step_key: str, priority: int | None = None
    ) -> ConcurrencyClaimStatus:
        status = waits.recent_answer(step_key)
        if status is None:
            status = claim(concurrency_key, run_id, step_key, priority)
            if status.is_claimed:
                waits.end_wait(concurrency_key, step_key)
                return status
            waits.continue_wait(concurrency_key, step_key, status)
        # Dagster's own loop would ask again without a pause.
        waits.pause()
        return status.with_sleep_interval(0.0)

    storage.claim_concurrency_slot = claim_patiently
    try:
        yield
    finally:
        storage.claim_concurrency_slot = claim


class _Waits:
    """The waits of this process for pools: their begin, the last log line, and the last answer of Dagster."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        say: Callable[[str], None],
        close_dead: Callable[[], None],
        limit: float | None,
        look_every: float,
    ) -> None:
        self._instance, self._say, self._close_dead = instance, say, close_dead
        self._limit, self._look_every = limit, look_every
        self._paused = 0.0
        self._since: dict[str, float] = {}
        self._said: dict[str, float] = {}
        self._answers: dict[str, tuple[float, ConcurrencyClaimStatus]] = {}
        self._looked = time.monotonic()

    def recent_answer(self, step: str) -> ConcurrencyClaimStatus | None:
        """Dagster's last answer for `step`, if it is less than a second old."""
        at, status = self._answers.get(step, (0.0, None))
        return status if time.monotonic() - at < _ANSWER_LASTS_SECONDS else None

    def end_wait(self, pool: str, step: str) -> None:
        """Forgets the wait of `step` for `pool`, which has ended."""
        self._since.pop(pool, None)
        self._said.pop(pool, None)
        self._answers.pop(step, None)

    def pause(self) -> None:
        """Sleeps a moment, which counts towards the limit."""
        time.sleep(_PAUSE_SECONDS)
        self._paused += _PAUSE_SECONDS

    def continue_wait(self, pool: str, step: str, status: ConcurrencyClaimStatus) -> None:
        """Closes dead runs, and logs the wait, each if it is time. Raises GudangError when the limit is over."""
        now = time.monotonic()
        self._answers[step] = now, status
        if now - self._looked > self._look_every:
            self._looked = now
            self._close_dead()
        waited = self._paused - self._since.setdefault(pool, self._paused)
        if self._limit is not None and waited >= self._limit:
            raise GudangError(
                pool,
                f"jatah sumber ini tidak bebas setelah {_minutes(self._limit)}: {_holder(self._instance, pool)}",
                hint="hentikan run itu di `gudang ui`, lalu ulangi",
            )
        if now - self._said.get(pool, -SAY_SECONDS) >= SAY_SECONDS:
            self._said[pool] = now
            end = "" if self._limit is None else f"; paling lama {_minutes(self._limit - waited)} lagi"
            self._say(f"Menunggu {pool}: {_holder(self._instance, pool)}{end}.")


def _holder(instance: dg.DagsterInstance, pool: str) -> str:
    """Which run holds the pool's slot, in Indonesian."""
    slots = instance.event_log_storage.get_concurrency_info(pool).claimed_slots
    records = instance.get_run_records(filters=dg.RunsFilter(run_ids=[slot.run_id for slot in slots]))
    if not slots or not records:
        return "sedang dibebaskan"
    run = records[0].dagster_run
    since = records[0].create_timestamp.astimezone(ZoneInfo(TIMEZONE))
    return f"dipakai run {run.run_id[:8]} ({run.job_name}, sejak {since:%d-%m-%Y %H:%M} WITA)"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} menit" if seconds >= 60 else f"{seconds:.0f} detik"
