"""The demo's fixed days and its one seed: every run makes the same bytes, on any day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone

FIRST_DAY = date(2026, 9, 1)
"""First day of visits, the start of the daily partition of dinkes/kunjungan."""
LAST_DAY = date(2026, 11, 22)
"""Last day that any demo source knows."""
WITA = timezone(timedelta(hours=8))
SEED = 64


def generator(name: str) -> random.Random:
    """The generator of one dataset. Each has its own, so that a change in one does not change the others."""
    return random.Random(f"{SEED}/{name}")


def days(first: date, last: date) -> Iterator[date]:
    """All days from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def moment(rng: random.Random, day: date, first_hour: int = 7, last_hour: int = 20) -> datetime:
    """A time of `day` in office hours, local time without a zone."""
    second = rng.randrange(first_hour * 3600, last_hour * 3600)
    return datetime(day.year, day.month, day.day) + timedelta(seconds=second)
