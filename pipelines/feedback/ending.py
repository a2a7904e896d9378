"""Which open feedback is over: a newer one takes its place, or later loads no longer have its findings.

What belongs here: that question, asked of ops.feedback, the ledger, quarantine and the results of checks. Not here:
what becomes of a feedback that is over (send.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from pipelines.contracts.model import Contract
from pipelines.feedback.ledger import Told, by_file
from pipelines.feedback.loads import JudgedLoad
from pipelines.quality.suites import soft_checks

_OVER = """
with told as (
    select f.*, b.state as load_state, b.window_start, b.window_end,
        coalesce(ops.applied_at(b.state, b.finished_at), f.made_at) as applied_at
    from ops.feedback as f left join ops.load_batch as b on b.batch_id = f.batch_id
    where f.dataset = any(%(datasets)s)
),
open_feedback as (
    select *, load_state in ('loaded', 'unchanged') as is_in_raw,
        load_state in ('loaded', 'unchanged', 'waiting') as was_accepted
    from told
    where state = 'open' and load_state is not null
),
later as (
    select f.feedback_id, n.batch_id, t.state as told_state, n.state in ('loaded', 'unchanged') as is_in_raw,
        f.dataset <> all(%(by_file)s) or n.source_name is not distinct from f.source_name as has_same_file,
        n.full_refresh as replaces_all,
        n.window_start is null
            or coalesce(n.window_start <= f.window_start and n.window_end >= f.window_end, not f.was_accepted)
            as has_same_days,
        n.rows_read > 0 or n.full_refresh or (n.state = 'loaded' and f.dataset <> all(%(by_cursor)s)) as was_read
    from open_feedback as f
    join ops.load_batch as n
        on n.dataset = f.dataset
        and (ops.applied_at(n.state, n.finished_at), n.batch_id) > (f.applied_at, f.batch_id)
    left join ops.feedback as t on t.batch_id = n.batch_id
    where n.by_retention is not true
),
failed_check as (
    select f.feedback_id, c.asset, c.check_name
    from open_feedback as f
    join ops.check_result as c on c.batch_id = f.batch_id and c.asset = 'raw/' || f.dataset
    where f.was_accepted and not c.passed and f.dataset || ' ' || c.check_name <> all(%(soft)s)
),
standing as (
    select c.feedback_id
    from failed_check as c
    where not exists (
        select from later as n
        where n.feedback_id = c.feedback_id and n.is_in_raw and (n.has_same_file or n.replaces_all)
            and n.has_same_days and n.was_read
            and exists (select from ops.check_result as r where r.batch_id = n.batch_id and r.asset = c.asset)
            and not exists (
                select from ops.check_result as r
                where r.batch_id = n.batch_id and r.asset = c.asset and r.check_name = c.check_name and not r.passed
            )
    )
)
select f.feedback_id, f.opd, f.dataset, f.batch_id, f.source_name, f.state, f.folder, f.findings, f.mark, f.error,
    f.made_at, f.mailed_to
from open_feedback as f
where exists (
        select from later as n
        where n.feedback_id = f.feedback_id and n.told_state = 'open' and n.has_same_file
            and (
                n.has_same_days
                or (f.was_accepted and not exists (select from standing as s where s.feedback_id = f.feedback_id))
            )
    )
    or (
        exists (
            select from later as n
            where n.feedback_id = f.feedback_id and n.is_in_raw
                and (f.is_in_raw or n.has_same_file or n.replaces_all) and (f.was_accepted or n.has_same_days)
        )
        and not exists (select from standing as s where s.feedback_id = f.feedback_id)
        and not exists (
            select from quarantine.row as q
            where q.dataset = f.dataset and q.state = 'open'
                and (f.dataset <> all(%(uploads)s) or q.last_batch_id = f.batch_id)
        )
        and not exists (
            select from told as n
            where n.dataset = f.dataset and n.state = 'same' and n.folder = f.folder and not exists (
                select from told as m
                where m.dataset = f.dataset and (m.applied_at, m.batch_id) > (n.applied_at, n.batch_id)
            )
        )
    )
order by f.feedback_id
"""
"""A check that failed stands until a load that came later has checked the same and found nothing.

That load has the same file where each file adds to the others, and all days of the window. It has read something: a
file that did not change is not read again, and an incremental read may have nothing new. An increment that follows
stands for the one before, because no later load reads the same rows again.

Refused rows are over when no entry of them is open, whichever load has resolved them. Of a load that was refused as a
whole nothing is in raw, so it is over when a later load of the same file or days was accepted.
"""


def over(connection: Connection[Any], contracts: Sequence[Contract]) -> list[Told]:
    """The open feedback whose findings are over.

    Leave out a contract with a load that is not judged yet: its checks may not be noted, and its OPD is not told yet.
    """
    values = {
        "datasets": [c.key for c in contracts],
        "uploads": [c.key for c in contracts if c.server.kind == "upload"],
        "by_file": [c.key for c in contracts if by_file(c)],
        "by_cursor": [c.key for c in contracts if c.cursor],
        "soft": [f"{c.key} {name}" for c in contracts for name in soft_checks(c)],
    }
    with connection.cursor(row_factory=class_row(Told)) as cursor:
        return cursor.execute(_OVER.encode(), values).fetchall()


def ends_feedback(connection: Connection[Any], load: JudgedLoad) -> bool:
    """Whether a feedback of the load's dataset, or of its file, is over. Call it when its own is noted."""
    return any(
        told.source_name == load.source_name or not by_file(load.contract)
        for told in over(connection, [load.contract])
    )
