"""The demo's fixed calendar and its one seed: every run, on every day, makes the same bytes."""

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
    """A generator of its own for each dataset, so that a change in one leaves the others as they are."""
    return random.Random(f"{SEED}/{name}")


def days(first: date, last: date) -> Iterator[date]:
    """All days from `first` to `last`, both in it."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def moment(rng: random.Random, day: date, first_hour: int = 7, last_hour: int = 20) -> datetime:
    """A second of `day` in office hours, local time without zone."""
    second = rng.randrange(first_hour * 3600, last_hour * 3600)
    return datetime(day.year, day.month, day.day) + timedelta(seconds=second)
