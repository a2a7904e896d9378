"""Computes the windows of partitioned datasets: their days, their names, and which of them a night reads.

What belongs here: the calendar of a contract's `partition.every`. Not here: Dagster's partitions made of it
(assets/raw.py), the tags of a run (jobs.py), the rows of a window (load/plan.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from psycopg import sql

from pipelines.contracts.model import Cadence, Contract

MONTHS: Mapping[Cadence, int] = {
    Cadence.DAILY: 0,
    Cadence.MONTHLY: 1,
    Cadence.SEMESTER: 6,
    Cadence.YEARLY: 12,
}
"""The length of a window in months; 0 for a day. Semesters begin on 1 January and 1 July."""
KEY_FORMAT: Mapping[Cadence, str] = {
    Cadence.DAILY: "%Y-%m-%d",
    Cadence.MONTHLY: "%Y-%m",
    Cadence.SEMESTER: "%Y-%m",
    Cadence.YEARLY: "%Y",
}
"""The form of a window's name: 2026-11-22, 2026-11, 2026. A semester has the name of its first month: 2026-07."""


@dataclass(frozen=True, slots=True)
class Window:
    """A range of days of the contract's partition column; both ends are included."""

    start: date
    end: date

    def condition(self, value: sql.Composable) -> sql.Composable:
        """Returns an SQL condition: whether a value is in the window. It selects new rows and those they replace."""
        return sql.SQL("{0} >= {1} and {0} < ({2}::date + 1)").format(
            value, sql.Literal(self.start), sql.Literal(self.end)
        )


def begin(every: Cadence, day: date) -> date:
    """Returns the first day of the window that contains `day`."""
    months = MONTHS[every]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1) if months else day


def end(every: Cadence, day: date) -> date:
    """Returns the last day of the window that contains `day`."""
    if every is Cadence.DAILY:
        return day
    first = begin(every, day)
    years, month = divmod(first.month - 1 + MONTHS[every], 12)
    return date(first.year + years, month + 1, 1) - timedelta(days=1)


def key(every: Cadence, day: date) -> str:
    """Returns the name of the window that contains `day`."""
    return begin(every, day).strftime(KEY_FORMAT[every])


def days(every: Cadence, first: str, last: str) -> tuple[date, date]:
    """Returns the first and the last day of the windows from `first` to `last`, which are names of windows."""
    low, high = (datetime.strptime(k, KEY_FORMAT[every]).date() for k in (first, last))
    return begin(every, low), end(every, high)


def starts(contracts: Iterable[Contract]) -> dict[Cadence, date]:
    """Returns the earliest day of each cadence. Datasets of one cadence share windows, each from its own start."""
    found: dict[Cadence, date] = {}
    for partition in (c.partition for c in contracts if c.partition):
        found[partition.every] = min(found.get(partition.every, partition.start), partition.start)
    return found


def night(every: Cadence, start: date, loaded_until: date | None, day: date) -> tuple[date, date]:
    """Returns a day of the first and a day of the last window that the night of `day` reads.

    Daily: from the last loaded day, which is read again, to yesterday. Others: from the last loaded window to this one.
    The window of the month before is always read, too, because records are still written a month later.
    """
    last = day if MONTHS[every] else day - timedelta(days=1)
    first = loaded_until or start
    if MONTHS[every]:
        first = min(first, begin(Cadence.MONTHLY, day) - timedelta(days=1))
    return min(max(start, first), last), last
