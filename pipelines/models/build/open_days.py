"""The days of incremental models that loads have changed and that no build has made again (adr/036).

What belongs here: reading them, from ops.model_state and the ledger, and comparing them with the days of a build; and
which models without days may have rows that raw has lost. Not here: whether a model may be left (versions.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from pipelines.contracts.windows import Window
from pipelines.models.project.nodes import Node, Project
from pipelines.warehouse.relation import trusted_sql

MOST_RANGES = 10
"""So many ranges of days are built one by one. Each costs a build of the increment and its tests."""
NO_DAYS = "{}"
"""The empty datemultirange, as PostgreSQL writes it."""
IDENTITY = """
case
    when c.relkind = 'v' then 'view ' || md5(pg_get_viewdef(c.oid))
    else c.oid || ' ' || md5((
        select string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ',' order by a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ))
end
"""
"""Which relation it is. A table that is exchanged has another oid. A view is its query: a load that exchanges a raw
table makes the views on it again. A table's file is no sign, because VACUUM FULL writes another one."""

_PENDING = f"""
select
    n.relation,
    (
        case
            when lower_inf(s.pending) or upper_inf(s.pending) then s.pending * f.all_days
            when s.relation is not null then s.pending
            when c.relkind = 'r' then f.all_days
            else '{{}}'::datemultirange
        end + coalesce(
            (
                select range_agg(
                    case
                        when p.days is not null and not b.full_refresh then p.days
                        when b.window_start is not null then daterange(b.window_start, b.window_end, '[]')
                        else daterange(f.day, greatest(f.day, b.finished_at::date), '[]')
                    end
                )
                from ops.load_batch as b
                left join ops.load_period as p on p.batch_id = b.batch_id
                where
                    b.state = 'loaded' and b.dataset = any(n.datasets)
                    and (
                        b.window_start is not null or p.days is not null and not b.full_refresh
                        or b.full_refresh and f.day is not null
                    )
                    and b.finished_at > coalesce((s.loads ->> b.dataset)::timestamptz, '-infinity')
            ),
            '{{}}'::datemultirange
        )
    )::text
from jsonb_to_recordset(%s) as n (relation text, quoted text, start date, datasets text[])
join pg_catalog.pg_class as c on c.oid = to_regclass(n.quoted)
left join ops.model_state as s on s.relation = n.relation and s.identity = {IDENTITY}
cross join lateral (
    select
        d.day,
        case
            when d.day is null then '{{}}' else datemultirange(daterange(d.day, greatest(d.day, current_date), '[]'))
        end as all_days
    from (
        select coalesce(
            n.start,
            (select min(w.window_start) from ops.load_batch as w where w.dataset = any(n.datasets)),
            (
                select min(lower(w.days))
                from ops.load_period as w
                join ops.load_batch as b on b.batch_id = w.batch_id
                where b.dataset = any(n.datasets)
            )
        ) as day
    ) as d
) as f
"""  # noqa: S608 (text of this module only)
"""The days of the incremental tables that loads have changed and no build has made again. The days of a table of
unknown origin, and those of a load of everything, begin with the model's first partition, or else with the first window
that was loaded."""

_WITH_LOST_ROWS = f"""
select n.relation
from jsonb_to_recordset(%s) as n (relation text, quoted text, start date, datasets text[])
join pg_catalog.pg_class as c on c.oid = to_regclass(n.quoted)
left join ops.model_state as s on s.relation = n.relation and s.identity = {IDENTITY}
where
    n.start is null and exists (
        select
        from ops.load_batch as b
        where
            b.state = 'loaded' and b.dataset = any(n.datasets) and (b.by_retention or b.full_refresh)
            and b.rows_deleted > 0
            and b.finished_at > coalesce((s.loads ->> b.dataset)::timestamptz, '-infinity')
    )
"""  # noqa: S608 (text of this module only)


def read_lost_rows(connection: Connection[Any], project: Project) -> frozenset[str]:
    """The relations of the incremental models without windows that may have rows which raw no longer has.

    Retention or a full refresh has deleted rows of their datasets since their last build. No day tells them which rows
    are gone, so they are built from everything.
    """
    rows = connection.execute(trusted_sql(_WITH_LOST_ROWS), (_incremental(project),)).fetchall()
    return frozenset(relation for (relation,) in rows)


def read_open_days(connection: Connection[Any], project: Project) -> dict[str, str]:
    """The days as a datemultirange, by the relation of each incremental model that is in use.

    Read the versions of raw first: a load that ends in between is then counted once more by the next build.
    """
    return dict(connection.execute(trusted_sql(_PENDING), (_incremental(project),)).fetchall())


def _incremental(project: Project) -> Jsonb:
    """The models that builds add to, with their first day and the datasets from which they are made."""
    return Jsonb(
        [
            {
                "relation": node.relation,
                "quoted": str(node.table),
                "start": node.partition.start.isoformat() if node.partition else None,
                "datasets": sorted(datasets_of(project, node)),
            }
            for node in project.nodes.values()
            if adds_rows(node)
        ]
    )


def datasets_of(project: Project, node: Node) -> set[str]:
    """The datasets from which the node is made, directly or through others."""
    names = {node.name, *project.ancestors(node.name)}
    keys = {key for name in names for key in project.nodes[name].sources}
    return {f"{opd}/{table}" for opd, table in keys if project.sources[opd, table].relation.schema == "raw"}


def adds_rows(node: Node) -> bool:
    """Whether builds add to the table, so that what it holds depends on its past."""
    return node.incremental is not None and node.materialization.full_refresh is not True


def overlaps(days: str, window: Window) -> bool:
    """Whether a datemultirange, as PostgreSQL writes it, has a day of the window."""
    first, last = window.start.isoformat(), window.end.isoformat()
    return any(start <= last and end > first for start, end in _ranges(days))


def ranges(several: Iterable[str], asked: Window | None = None) -> list[Window]:
    """The separate ranges of days of several datemultiranges and of the window that is asked for, in their order.

    Ranges that overlap or follow each other are one. There are at most MOST_RANGES: of more, those with the fewest days
    between them are joined.
    """
    found = [
        Window(date.fromisoformat(start), date.fromisoformat(end) - timedelta(days=1))
        for days in several
        for start, end in _ranges(days)
    ]
    if asked:
        found.append(asked)
    joined: list[Window] = []
    for window in sorted(found, key=lambda w: w.start):
        if joined and window.start <= joined[-1].end + timedelta(days=1):
            joined[-1] = Window(joined[-1].start, max(joined[-1].end, window.end))
        else:
            joined.append(window)
    while len(joined) > MOST_RANGES:
        gaps = [after.start - before.end for before, after in pairwise(joined)]
        place = gaps.index(min(gaps))
        joined[place : place + 2] = [Window(joined[place].start, joined[place + 1].end)]
    return joined


def without(days: str, window: Window) -> str:
    """A datemultirange, as PostgreSQL writes it, without the days of the window."""
    first, after = window.start.isoformat(), (window.end + timedelta(days=1)).isoformat()
    left: list[str] = []
    for start, end in _ranges(days):
        left += [
            f"[{low},{high})"
            for low, high in ((start, min(end, first)), (max(start, after), end))
            if low < high
        ]
    return f"{{{','.join(left)}}}"


def _ranges(days: str) -> list[tuple[str, str]]:
    """The ranges of a datemultirange as PostgreSQL writes it: the first day, and the day after the last one."""
    return re.findall(r"\[([\d-]+),([\d-]+)\)", days)
