"""What is owed to a source of any kind: its hours, no more rows a second than it can spare, and a bounded patience.

What belongs here: load_hours, rows_per_second and wait_limit of a contract's server. Not here: time-outs and sessions,
which each kind of source has of its own.
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


def _now() -> datetime:
    return datetime.now(ZoneInfo(TIMEZONE))


@dataclass(frozen=True, slots=True)
class Clock:
    """now: with its time zone; monotonic and sleep: seconds."""

    now: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Waiting:
    """What a load has waited in vain for its API so far, over all pages and all readings, and the most it may.

    In vain is the time of answers that did not come whole, and of the pauses before the next try. Seconds.
    """

    limit: float = WAIT_LIMIT_S
    spent: float = 0.0

    @property
    def left(self) -> float:
        return self.limit - self.spent


def check_hours(contract: Contract, clock: Clock) -> None:
    """Raises SourceError outside of the server's hours; a load that has begun in them may go on."""
    hours = contract.server.load_hours
    if hours is None:
        return
    start, end = hours
    now = clock.now().astimezone(ZoneInfo(TIMEZONE)).time()
    inside = start <= now < end if start < end else now >= start or now < end
    if not inside:
        raise SourceError(
            contract.key,
            f"{contract.server.name} may be read from {start:%H:%M} to {end:%H:%M} WITA, and it is {now:%H:%M}",
            hint="load it in these hours, or agree on others with the OPD and mend load_hours in the contract",
        )


def paced(blocks: Iterator[bytes], rows_per_second: int, clock: Clock) -> Iterator[bytes]:
    """The blocks of COPY text, held back so that no more than `rows_per_second` have been asked for at any time.

    COPY text has one newline byte per row and no other, so rows are counted without reading them.
    """
    start = clock.monotonic()
    rows = 0
    for block in blocks:
        rows += block.count(b"\n")
        yield block
        early = start + rows / rows_per_second - clock.monotonic()
        if early > 0:
            clock.sleep(early)
