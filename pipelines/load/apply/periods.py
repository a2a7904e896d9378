"""Knows which upload brought which periods of a dataset whose files replace periods (ops.load_period, adr/048).

A period belongs to the file that came last of those that have it, and so does a key. What belongs here: the periods of
a staged file, writing them into the ledger, and the files that have to be read for a period. Not here: the calendar
(contracts/windows.py), replacing the rows (dispositions.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Partition, Window, end, period_begin, window_begin
from pipelines.load.arrivals import Arrival
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan

SHOWN = 5
"""How many periods a warning names."""

_BROUGHT = """
with brought as (
    select p.days, p.rows, p.seen_id, b.batch_id, b.source_name, split_part(b.source_fingerprint, ':', 1) as sha256,
        ops.applied_at(b.state, b.finished_at) as applied_at
    from ops.load_period as p
    join ops.load_batch as b on b.batch_id = p.batch_id
    where b.dataset = %(dataset)s and b.state in ('loaded', 'unchanged') and not exists (
        select from ops.load_batch as w
        where w.dataset = %(dataset)s and w.full_refresh and w.state = 'loaded'
            and (ops.applied_at(w.state, w.finished_at), w.batch_id)
            > (ops.applied_at(b.state, b.finished_at), b.batch_id)
    )
),
in_force as (
    select distinct on (days) *
    from brought
    order by days, applied_at desc, batch_id desc
)
"""
"""Since the last full refresh: what each load brought, and of each period what is in raw."""
_OF_FILE = _BROUGHT + "select lower(days) from in_force where source_name = %(name)s and rows > 0"  # noqa: S608
_NEWER = f"""
{_BROUGHT}
select lower(f.days)
from in_force as f
where f.rows > 0 and f.seen_id > (select max(o.seen_id) from ops.load_period as o where o.batch_id = %(batch)s)
"""  # noqa: S608 (text of this module only)
_NEWEST = f"""
{_BROUGHT}
select array_position(%(files)s::text[], n.sha256), lower(n.days), upper(n.days) - 1
from (
    select distinct on (days) *
    from brought
    where rows > 0 and sha256 = any(%(files)s::text[])
    order by days, seen_id desc nulls last, batch_id desc
) as n
join in_force as f on f.days = n.days
where case
    when %(first)s::date is null then f.rows = 0 or f.seen_id < n.seen_id
    else n.days && daterange(%(first)s, %(last)s, '[]') and (f.rows = 0 or coalesce(f.seen_id <= n.seen_id, true))
end
order by 1, 2
"""  # noqa: S608 (text of this module only)
_RECORD = """
insert into ops.load_period (batch_id, days, rows, seen_id)
select %(batch)s, daterange(f.first, f.last, '[]'), f.rows, (
    select min(s.seen_id)
    from ops.upload_seen as s
    where s.dataset = %(dataset)s and s.name = %(name)s and s.sha256 = %(sha256)s and s.seen_id > coalesce((
        select max(o.seen_id)
        from ops.upload_seen as o
        where o.dataset = s.dataset and o.name = s.name and o.sha256 <> s.sha256 and o.seen_id < (
            select max(n.seen_id)
            from ops.upload_seen as n
            where n.dataset = s.dataset and n.name = s.name and n.sha256 = s.sha256
        )
    ), 0)
)
from unnest(%(firsts)s::date[], %(lasts)s::date[], %(rows)s::bigint[]) as f (first, last, rows)
"""
"""`seen_id` is that with which the file got the content that was loaded."""


@dataclass(frozen=True, slots=True)
class LoadedPeriod:
    """A period that a run has loaded. rows: in raw now. version: a hash of these rows. source: the file's name."""

    begin: date
    rows: int
    version: str
    source: str


def find(connection: Connection[Any], plan: LoadPlan, batch: Batch) -> LoadPlan:
    """The plan with the periods that this upload replaces: those of its rows, and those that it had and has no more.

    A file with refused rows takes no period away, because they may be of that period.
    """
    partition = _partition(plan.contract)
    found = dict(connection.execute(count_staged(plan, partition)).fetchall())
    if plan.window is None and not plan.full_refresh and not batch.quarantined:
        names = {"dataset": plan.contract.key, "name": batch.source_name}
        before = [day for (day,) in connection.execute(_OF_FILE, names).fetchall()]
        gone = [day for day in before if day not in found and not (plan.oldest and day < plan.oldest)]
        if gone:
            found |= dict.fromkeys(gone, 0)
            batch.warnings.append(
                f"{batch.source_name} tidak lagi memuat {_named(gone)}, jadi barisnya dihapus: berkas dengan nama yang"
                " sama adalah perbaikannya"
            )
    return replace(plan, periods=found)


def count_staged(plan: LoadPlan, partition: Partition) -> sql.Composed:
    """The query for the periods of the staged rows, by their first days, and the number of rows of each."""
    return sql.SQL("select {}, count(*) from {} s group by 1").format(
        window_begin(partition.every, plan.moment("s")), plan.stage
    )


def record(connection: Connection[Any], plan: LoadPlan, batch: Batch) -> None:
    """Writes the plan's periods into the ledger, in the transaction that changes raw."""
    every = _partition(plan.contract).every
    found = sorted((plan.periods or {}).items())
    connection.execute(
        _RECORD,
        {
            "batch": batch.batch_id,
            "dataset": plan.contract.key,
            "name": batch.source_name,
            "sha256": (batch.fingerprint or "").split(":")[0],
            "firsts": [day for day, _ in found],
            "lasts": [end(every, day) for day, _ in found],
            "rows": [rows for _, rows in found],
        },
    )


def newer(connection: Connection[Any], plan: LoadPlan) -> list[date]:
    """The first days of the periods that raw has from uploads that came after the one of the recorded plan."""
    names = {"dataset": plan.contract.key, "batch": plan.batch_id}
    return [day for (day,) in connection.execute(_NEWER, names).fetchall()]


def files_to_read(
    connection: Connection[Any], contract: Contract, arrivals: Sequence[Arrival], window: Window | None = None
) -> list[tuple[Arrival, Window]]:
    """The files of the zone that have to be read for periods, with the days of each.

    window: every period in it is read, from the newest file that has it, unless raw has it from a newer file that is no
    longer there. Without a window only periods are read that raw does not have from their newest file: an earlier file
    was loaded late, or the correction of another file has taken the period away.
    """
    rows = connection.execute(
        _NEWEST,
        {
            "dataset": contract.key,
            "files": [a.sha256 for a in arrivals],
            "first": window.start if window else None,
            "last": window.end if window else None,
        },
    ).fetchall()
    found: list[tuple[Arrival, Window]] = []
    for place, first, last in rows:
        arrival = arrivals[place - 1]
        if found and found[-1][0] is arrival and found[-1][1].end + timedelta(days=1) == first:
            found[-1] = (arrival, Window(found[-1][1].start, last))
        else:
            found.append((arrival, Window(first, last)))
    return found


def loaded_by(
    connection: Connection[Any], contract: Contract, run_id: str | None = None, *, batch_id: int | None = None
) -> list[LoadedPeriod]:
    """The periods that a run, or one load, has loaded; none for a dataset whose files do not replace periods."""
    if not contract.replaces_periods:
        return []
    rows = connection.execute(
        "select distinct on (p.days) lower(p.days), b.source_name from ops.load_period p join ops.load_batch b"
        " using (batch_id) where b.dataset = %s and (b.run_id = %s or b.batch_id = %s)"
        " and b.state in ('loaded', 'unchanged')"
        " order by p.days, p.batch_id desc",
        [contract.key, run_id, batch_id],
    ).fetchall()
    if not rows:
        return []
    held = {
        day: (count, version)
        for day, count, version in connection.execute(versions(contract, [day for day, _ in rows]))
    }
    return [LoadedPeriod(day, *held.get(day, (0, "0")), source) for day, source in rows]


def versions(contract: Contract, days: Iterable[date]) -> sql.Composed:
    """The query for the number of rows of periods and a hash of them, which is the same in any order of the rows."""
    partition = _partition(contract)
    return sql.SQL(
        "select begin, count(*), left(md5(concat_ws(' ', count(*), sum(hashtextextended(r, 0)),"
        " sum(hashtextextended(r, 1)))), 16)"
        " from (select {begin} as begin, row({columns})::text as r from {raw}) as rows"
        " where begin = any({days}) group by 1"
    ).format(
        begin=window_begin(partition.every, period_begin(contract.column(partition.column))),
        columns=sql.SQL(", ").join(sql.Identifier(c.name) for c in contract.stored),
        raw=sql.Identifier("raw", contract.table),
        days=sql.Literal([*days]),
    )


def _named(days: Sequence[date]) -> str:
    more = f" dan {len(days) - SHOWN} lagi" if len(days) > SHOWN else ""
    return f"periode {', '.join(map(str, sorted(days)[:SHOWN]))}{more}"


def _partition(contract: Contract) -> Partition:
    assert contract.partition is not None
    return contract.partition
