"""Waiting for a source that another run reads: the wait is described, and it has a limit.

What belongs here: what a night and a run's worker do while a step waits for its pool. Not here: the pools
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
"""How long a night waits for one source; time in which other steps run does not count."""

SAY_SECONDS = 60.0
"""How often a waiting step says so."""

LOOK_SECONDS = 10.0
"""How often runs that died meanwhile are looked for."""

_ASK_SECONDS = 1.0
_PAUSE_SECONDS = 0.1


def make_pools(instance: dg.DagsterInstance, pools: Collection[str]) -> None:
    """Makes `pools` that no run has used yet, with the default limit.

    One run at a time does so, because Dagster fails one of two that make the same pool at once.
    """
    url = storage_url(instance)
    storage = instance.event_log_storage
    if url is None or set(pools) <= storage.get_concurrency_keys():
        return
    with exclusive(url, "pools"):
        for pool in sorted(set(pools) - storage.get_concurrency_keys()):
            storage.initialize_concurrency_limit_to_default(pool)


@contextmanager
def describe_wait(
    instance: dg.DagsterInstance,
    say: Callable[[str], None],
    closed: Callable[[tuple[Closed, ...]], None],
    limit: float | None = LIMIT_SECONDS,
    *,
    look_every: float = LOOK_SECONDS,
    close: Callable[[dg.DagsterInstance], tuple[Closed, ...]] = close_dead_runs,
) -> Iterator[None]:
    """While the context lasts, a step of this process that waits for a pool says for which run, and until when.

    Every `look_every` seconds of it, runs that died meanwhile are closed by `close`, which frees their slots; `closed`
    gets them. After `limit` seconds the run ends with a GudangError; only pauses count, so by then every step that
    could go on has done so. limit: None leaves it to the run's own maximum time.
    """
    storage = instance.event_log_storage
    claim = storage.claim_concurrency_slot
    waits = _Waits(instance, say, lambda: closed(close(instance)), limit, look_every)

    def patient(
        concurrency_key: str, run_id: str, step_key: str, priority: int | None = None
    ) -> ConcurrencyClaimStatus:
        known = waits.just_asked(step_key)
        if known is None:
            known = claim(concurrency_key, run_id, step_key, priority)
            if known.is_claimed:
                waits.over(concurrency_key, step_key)
                return known
            waits.go_on(concurrency_key, step_key, known)
        # Dagster's own loop would ask again without a pause.
        waits.pause()
        return known.with_sleep_interval(0.0)

    storage.claim_concurrency_slot = patient
    try:
        yield
    finally:
        storage.claim_concurrency_slot = claim


class _Waits:
    """The pools that this process waits for, since when, and when it last said so."""

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
        self._asked: dict[str, tuple[float, ConcurrencyClaimStatus]] = {}
        self._looked = time.monotonic()

    def just_asked(self, step: str) -> ConcurrencyClaimStatus | None:
        """The last answer for `step`, if it is less than a second old."""
        at, status = self._asked.get(step, (0.0, None))
        return status if time.monotonic() - at < _ASK_SECONDS else None

    def over(self, pool: str, step: str) -> None:
        """The wait of `step` for `pool` has ended."""
        self._since.pop(pool, None)
        self._said.pop(pool, None)
        self._asked.pop(step, None)

    def pause(self) -> None:
        """Sleeps a moment, which counts towards the limit."""
        time.sleep(_PAUSE_SECONDS)
        self._paused += _PAUSE_SECONDS

    def go_on(self, pool: str, step: str, status: ConcurrencyClaimStatus) -> None:
        """The wait goes on: dead runs are closed, the wait is described. Raises GudangError when the limit is over."""
        now = time.monotonic()
        self._asked[step] = now, status
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
    slots = instance.event_log_storage.get_concurrency_info(pool).claimed_slots
    records = instance.get_run_records(filters=dg.RunsFilter(run_ids=[slot.run_id for slot in slots]))
    if not slots or not records:
        return "sedang dibebaskan"
    run = records[0].dagster_run
    since = records[0].create_timestamp.astimezone(ZoneInfo(TIMEZONE))
    return f"dipakai run {run.run_id[:8]} ({run.job_name}, sejak {since:%d-%m-%Y %H:%M} WITA)"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} menit" if seconds >= 60 else f"{seconds:.0f} detik"
