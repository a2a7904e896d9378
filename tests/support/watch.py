"""A clock for tests that wait. Only a sleep moves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipelines.extract.source_limits import Clock


@dataclass
class Watch:
    """hour: time on 24 November 2026, WITA. slept: seconds of each sleep. seconds: what the monotonic clock shows."""

    hour: str = "12:00"
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list[float])

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(f"2026-11-24T{self.hour}:00+08:00").astimezone(UTC)

    def clock(self) -> Clock:
        return Clock(lambda: self.moment, lambda: self.seconds, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.slept.append(seconds)
