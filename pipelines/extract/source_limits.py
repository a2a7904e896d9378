"""Keeps the limits that protect a source: hours in which it may be read, rows per second, time that a load waits.

What belongs here: load_hours, rows_per_second and wait_limit of a contract's server. Not here: time-outs and sessions,
which each kind of source sets itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pipelines.clock import TIMEZONE
from pipelines.contracts.model import WAIT_LIMIT_S, Contract
from pipelines.errors import SourceError
from pipelines.extract.stream import SourceStream


def _now() -> datetime:
    return datetime.now(ZoneInfo(TIMEZONE))


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock that a reading uses; a test passes its own.

    now: returns the time of day, with a time zone. monotonic: returns seconds since an arbitrary start. sleep: waits
    for the given number of seconds.
    """

    now: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class WaitBudget:
    """The seconds that one load may wait for its API without an answer, and the seconds it has waited so far.

    All pages and all readings of a load share it. The time of a successful answer is not counted. The time of failed
    attempts and the pauses after them are counted.
    """

    limit: float = WAIT_LIMIT_S
    spent: float = 0.0

    @property
    def left(self) -> float:
        """The seconds that the load may still wait; negative if the limit was exceeded."""
        return self.limit - self.spent


def check_hours(contract: Contract, clock: Clock) -> None:
    """Raises SourceError outside of the server's load_hours. A load that began within them may continue."""
    hours = contract.server.load_hours
    if hours is None:
        return
    start, end = hours
    now = clock.now().astimezone(ZoneInfo(TIMEZONE)).time()
    over_midnight = start >= end
    inside = (now >= start or now < end) if over_midnight else start <= now < end
    if not inside:
        raise SourceError(
            contract.key,
            f"{contract.server.name} hanya boleh dibaca pukul {start:%H:%M} sampai {end:%H:%M} WITA, sekarang pukul"
            f" {now:%H:%M}",
            hint="muat pada jam itu, atau sepakati jam lain dengan OPD lalu ubah load_hours di kontrak",
            code="GDK-S015",
        )


def paced(
    blocks: Iterator[bytes], stream: SourceStream, rows_per_second: int, clock: Clock
) -> Iterator[bytes]:
    """Gives the blocks of a stream, with pauses that keep the reading at `rows_per_second` or below."""
    start = clock.monotonic()
    rows = 0
    for block in blocks:
        rows = stream.rows_after(block, rows)
        yield block
        ahead = start + rows / rows_per_second - clock.monotonic()
        if ahead > 0:
            clock.sleep(ahead)
