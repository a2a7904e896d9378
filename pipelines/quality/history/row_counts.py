"""Compares the row count of each loaded period with the periods before it; without periods, of a load with the loads.

Of a load that reads only what is new, the rows that were new or changed are compared, per day since the load before.

The band is median ± WIDTH standard deviations. The deviation is estimated from the median absolute deviation (MAD), so
that a few odd periods do not widen it. Rousseeuw and Croux, Alternatives to the Median Absolute Deviation, 1993.
Not here: whether periods are missing (freshness.py, load/apply/empty_windows.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection, sql

from pipelines.clock import TIMEZONE
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import MONTHS, Cadence, Window, begin, end, key, period_begin, window_begin
from pipelines.load.ledger import Batch
from pipelines.load.raw_summary import is_current
from pipelines.numbers import number
from pipelines.quality.results import CheckResult
from pipelines.quality.suites import ROW_COUNT_CHECK

FEWEST, MOST = 6, 24
"""A band needs so many earlier counts, and is made of so many at most."""
WIDTH = 4.0
"""Half the width of the band, in standard deviations: of a normal distribution 1 in 16,000 is outside."""
_MAD_TO_DEVIATION = 1.4826
"""MAD times this is the standard deviation, if the counts are normally distributed."""
_LEAST_SHARE = 0.1
"""The band reaches at least so far from the median, as a share of it: counts that never differed say little."""
_MOST_NAMED = 3
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Band:
    """The row counts that are usual, both included."""

    low: int
    high: int

    def __contains__(self, count: int) -> bool:
        return self.low <= count <= self.high


@dataclass(frozen=True, slots=True)
class Counted:
    """A period or a load, its row count, and the band of those before it; None if there are too few."""

    name: str
    rows: int
    band: Band | None


def band(earlier: Sequence[int]) -> Band | None:
    """The band of the counts; None if there are fewer than FEWEST.

    The deviation is at least the square root of the median, as that of counted events (Poisson).
    """
    if len(earlier) < FEWEST:
        return None
    middle = median(earlier)
    spread = _MAD_TO_DEVIATION * median(abs(count - middle) for count in earlier)
    reach = max(WIDTH * max(spread, sqrt(middle)), _LEAST_SHARE * middle)
    return Band(max(0, round(middle - reach)), round(middle + reach))


def is_counted(contract: Contract) -> bool:
    """Whether row counts can be compared: not of files that are merged by a cursor, which may have any number."""
    return contract.partition is not None or contract.cursor is None or contract.server.kind != "upload"


def row_counts(
    connection: Connection[Any], contract: Contract, batch: Batch, window: Window | None, now: datetime
) -> CheckResult:
    """The result of the check after a load. window: the days that it loaded; None for no window.

    Of an upload that replaces periods, those are judged that it brought.
    """
    if contract.partition is None and contract.cursor:
        return _new_rows(connection, contract, batch)
    if contract.partition is None:
        return result_of([_delivery(connection, contract, batch)], "kiriman")
    if batch.state not in ("loaded", "unchanged"):  # its rows are not in raw
        return CheckResult(
            ROW_COUNT_CHECK, "warn", True, message="Kiriman belum masuk; periodenya tidak dibandingkan."
        )
    latency = timedelta(hours=contract.sla_hours("latency") or 0)
    until = (now.astimezone(ZoneInfo(TIMEZONE)) - latency).date()
    brought = _brought(connection, batch) if contract.replaces_periods else None
    return result_of(_periods(connection, contract, window, until, brought), "periode")


def result_of(counted: Sequence[Counted], what: str) -> CheckResult:
    """The result of the check. what: what was counted, in Indonesian."""
    judged = [one for one in counted if one.band]
    odd = [one for one in judged if one.band and one.rows not in one.band]
    if odd:
        named = "; ".join(
            f"{one.name}: {number(one.rows)} baris (biasanya {number(one.band.low)} sampai {number(one.band.high)})"
            for one in odd[-_MOST_NAMED:]
            if one.band
        )
        more = f", dan {len(odd) - _MOST_NAMED} lagi" if len(odd) > _MOST_NAMED else ""
        message = (
            f"Banyak baris menyimpang dari riwayatnya: {named}{more}. Tanyakan kepada OPD apakah datanya lengkap atau"
            " ganda."
        )
    elif judged:
        message = f"0 dari {number(len(judged))} {what} menyimpang dari riwayatnya"
    else:
        message = f"Riwayatnya belum cukup: perlu {FEWEST} {what} sebelumnya."
    return CheckResult(
        ROW_COUNT_CHECK, "warn", not odd, None, None, message, observed=message if judged else ""
    )


def judged_periods(
    counts: Mapping[date, int],
    every: Cadence,
    window: Window | None,
    until: date,
    brought: Collection[date] | None = None,
) -> list[Counted]:
    """The loaded periods that were over before `until`, each with the band of its earlier periods.

    counts: rows by the first day of the period; a period without rows between others counts 0. window: None for the
    newest period only. brought: the first days of the periods that are judged, whatever the window is.
    Days are compared with the same day of the week.
    """
    if not counts:
        return []
    periods = _between(every, min(counts), max(counts))
    over = [first for first in periods if end(every, first) < until]
    if brought is not None:
        loaded = [first for first in over if first in brought]
    elif window is None:
        loaded = over[-1:]
    else:
        loaded = [first for first in over if end(every, first) >= window.start and first <= window.end]
    found: list[Counted] = []
    for first in loaded:
        earlier = [day for day in periods if day < first]
        if every is Cadence.DAILY:
            earlier = [day for day in earlier if day.weekday() == first.weekday()]
        known = band([counts.get(day, 0) for day in earlier[-MOST:]])
        found.append(Counted(key(every, first), counts.get(first, 0), known))
    return found


def _between(every: Cadence, first: date, last: date) -> list[date]:
    days = [begin(every, first)]
    while (following := end(every, days[-1]) + timedelta(days=1)) <= last:
        days.append(following)
    return days


def count_query(contract: Contract, since: date) -> sql.Composed:
    """The query for the rows in force of each period of a partitioned dataset, from the one that contains `since`."""
    assert contract.partition
    day = period_begin(contract.column(contract.partition.column))
    return sql.SQL("select {} as first, count(*) from {} where {} >= {} and {} group by 1").format(
        window_begin(contract.partition.every, day),
        sql.Identifier("raw", contract.table),
        day,
        sql.Literal(begin(contract.partition.every, since)),
        is_current(contract) or sql.SQL("true"),
    )


def _periods(
    connection: Connection[Any],
    contract: Contract,
    window: Window | None,
    until: date,
    brought: Collection[date] | None,
) -> list[Counted]:
    assert contract.partition
    every = contract.partition.every
    days = MOST * _WEEK if every is Cadence.DAILY else (MOST + 1) * MONTHS[every] * 31
    first = min(brought) if brought else window.start if window else until
    since = first - timedelta(days=days)
    counts = dict(connection.execute(count_query(contract, max(since, contract.partition.start))).fetchall())
    return judged_periods(counts, every, window, until, brought)


def _brought(connection: Connection[Any], batch: Batch) -> frozenset[date]:
    """The first days of the periods that an upload replaced."""
    rows = connection.execute(
        "select lower(days) from ops.load_period where batch_id = %s", [batch.batch_id]
    ).fetchall()
    return frozenset(day for (day,) in rows)


def _delivery(connection: Connection[Any], contract: Contract, batch: Batch) -> Counted:
    """The rows of this load, with the band of the accepted loads before it that brought something new."""
    rows = connection.execute(
        "select rows_read from ops.load_batch where dataset = %s and batch_id <> %s and state = 'loaded'"
        " and by_retention is not true order by ops.applied_at(state, finished_at) desc, batch_id desc limit %s",
        [contract.key, batch.batch_id, MOST],
    ).fetchall()
    return Counted("kiriman ini", batch.read, band([count for (count,) in rows]))


_LOADS = """
with load as (
    select b.batch_id, b.full_refresh, b.rows_loaded, b.started_at,
        lag(b.started_at) over (order by b.started_at, b.batch_id) as before
    from ops.load_batch as b
    where b.dataset = %(dataset)s and b.by_retention is not true
        and (b.state in ('loaded', 'unchanged') or b.batch_id = %(batch)s)
)
select l.batch_id, l.rows_loaded, greatest(extract(epoch from l.started_at - l.before) / 86400, 1)::float8
from load as l
where l.before is not null and not l.full_refresh
order by l.started_at desc, l.batch_id desc limit %(most)s
"""
"""The loads that read what was new, with the days since the load before; at least one day, for loads of every hour."""


def _new_rows(connection: Connection[Any], contract: Contract, batch: Batch) -> CheckResult:
    """The result for a load that reads only what is new: its new and changed rows per day, and those of earlier loads.

    Where most loads bring nothing, no number is unusual.
    """
    values = {"dataset": contract.key, "batch": batch.batch_id, "most": MOST + 1}
    loads = connection.execute(_LOADS, values).fetchall()
    days = next((days for other, _, days in loads if other == batch.batch_id), None)
    if days is None or batch.state not in ("loaded", "unchanged", "waiting"):
        return CheckResult(
            ROW_COUNT_CHECK, "warn", True, message="Muatan penuh, atau belum masuk; tidak dibandingkan."
        )
    earlier = [round(rows / span) for other, rows, span in loads if other != batch.batch_id]
    if len(earlier) >= FEWEST and median(earlier) == 0:
        return CheckResult(
            ROW_COUNT_CHECK,
            "warn",
            True,
            message="Sebagian besar muatan tidak membawa baris; tidak dibandingkan.",
        )
    rows = batch.changes.new + batch.changes.changed
    name = "baru atau berubah per hari sejak muatan sebelumnya"
    return result_of([Counted(name, round(rows / days), band(earlier))], "muatan")
