"""Computes the windows of partitioned datasets: their days, their names, which of them a night reads, a row's own.

What belongs here: a contract's `partition` and its calendar. Not here: Dagster's partitions made of it
(assets/raw.py), the tags of a run (jobs.py), the rows of a window (load/plan.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from psycopg import sql

from pipelines.contracts.columns import Column


class Cadence(StrEnum):
    """How long a window of a partitioned dataset is."""

    DAILY = "daily"
    MONTHLY = "monthly"
    SEMESTER = "semester"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True)
class Partition:
    """Windows by which a dataset is loaded: days, months, semesters or years of `column`, from `start`."""

    column: str
    every: Cadence
    start: date


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
_PERIODS = {
    "date": "{0}",
    "timestamp": "{0}",
    "string": "case when {0} ~ '^(19|20)[0-9]{{2}}-(0[1-9]|1[0-2])$' then to_date({0}, 'YYYY-MM') end",
    "integer": "case when {0} between 1900 and 2200 then make_date({0}::integer, 1, 1) end",
}
"""SQL for the day or moment on which a period begins, by logical type (PERIOD_TYPES of contracts/columns.py)."""
CADENCES: Mapping[str, tuple[Cadence, ...]] = {
    "date": tuple(Cadence),
    "timestamp": tuple(Cadence),
    "string": (Cadence.MONTHLY, Cadence.SEMESTER, Cadence.YEARLY),
    "integer": (Cadence.YEARLY,),
}
"""The cadences that values of a logical type can tell apart: a text YYYY-MM names a month, a number a year."""
_BEGIN = {
    Cadence.DAILY: "({0})::date",
    Cadence.MONTHLY: "date_trunc('month', ({0})::timestamp)::date",
    Cadence.SEMESTER: "make_date(extract(year from {0})::integer,"
    " case when extract(month from {0}) < 7 then 1 else 7 end, 1)",
    Cadence.YEARLY: "date_trunc('year', ({0})::timestamp)::date",
}
"""SQL for the first day of the window that contains a moment."""


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


def period_begin(column: Column, value: sql.Composable | None = None) -> sql.Composable:
    """Returns SQL for the day or moment on which a row's period begins; NULL if its value names no period.

    value: an expression for the value of the column; by default the column's name.
    """
    pattern = _PERIODS[column.logical_type]
    return sql.SQL(pattern).format(value or sql.Identifier(column.name))  # type: ignore[arg-type]  # one of these four


def window_begin(every: Cadence, moment: sql.Composable) -> sql.Composable:
    """Returns SQL for the first day of the window that contains the moment."""
    return sql.SQL(_BEGIN[every]).format(moment)  # type: ignore[arg-type]  # one of these four


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


def keys(every: Cadence, window: Window) -> list[str]:
    """Returns the names of the windows that contain the days of `window`, in their order."""
    names, day = list[str](), begin(every, window.start)
    while day <= window.end:
        names.append(key(every, day))
        day = end(every, day) + timedelta(days=1)
    return names


def days(every: Cadence, first: str, last: str) -> tuple[date, date]:
    """Returns the first and the last day of the windows from `first` to `last`, which are names of windows."""
    low, high = (datetime.strptime(k, KEY_FORMAT[every]).date() for k in (first, last))
    return begin(every, low), end(every, high)


def starts(partitions: Iterable[Partition | None]) -> dict[Cadence, date]:
    """Returns the earliest day of each cadence. Datasets of one cadence share windows, each from its own start."""
    found: dict[Cadence, date] = {}
    for partition in filter(None, partitions):
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
