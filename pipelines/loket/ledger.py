"""Reads what the upload page shows from the ledger and the quarantine, with the role that may do only this.

What belongs here: the queries. Not here: whose datasets a person may see, which the caller has decided (pages.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection, errors, sql
from psycopg.rows import class_row

from pipelines.errors import LoadError
from pipelines.warehouse.connection import connect
from pipelines.warehouse.roles import LOKET

HISTORY = 50
"""How many uploads or loads of a dataset are listed."""
EXAMPLES = 20
"""How many refused rows are shown for a rule and column."""
_STATEMENT_S = 15

_UPLOADS = """
with file as (
    select s.seen_id, s.name, s.sha256, s.seen_at as at, s.outcome,
        lead(s.seen_at, 1, 'infinity') over (partition by s.name order by s.seen_id) as until
    from ops.upload_seen as s where s.dataset = %(dataset)s order by s.seen_id desc limit %(most)s
),
coming as (
    select u.name, u.sha256, u.at, u.uploader, exists (
        select from ops.upload_by as n where n.dataset = u.dataset and n.name = u.name and n.at > u.at
    ) as is_replaced
    from ops.upload_by as u
    where u.dataset = %(dataset)s and not exists (
        select from ops.upload_seen as s
        where s.dataset = u.dataset and s.name = u.name and s.sha256 = u.sha256 and s.seen_at >= u.at
    )
    order by u.at desc limit %(most)s
)
select
    f.name, f.at, u.uploader, b.batch_id, b.error,
    coalesce(b.state, f.outcome, case when exists (
        select from ops.load_batch as l
        where l.dataset = %(dataset)s and split_part(l.source_fingerprint, ':', 1) = f.sha256
            and l.state in ('loaded', 'unchanged')
    ) then 'unchanged' when exists (
        select from ops.upload_seen as n
        where n.dataset = %(dataset)s and n.seen_id > f.seen_id and (n.name = f.name or n.outcome = 'loaded')
    ) then 'superseded' else 'due' end) as state,
    b.rows_read, b.rows_loaded, b.rows_unchanged, b.rows_quarantined, b.rows_deleted
from file as f
left join lateral (
    select u.uploader from ops.upload_by as u
    where u.dataset = %(dataset)s and u.name = f.name and u.sha256 = f.sha256 and u.at <= f.at
    order by u.at desc limit 1
) as u on true
left join lateral (
    select b.* from ops.load_batch as b
    where b.dataset = %(dataset)s and b.started_at between f.at and f.until and b.source_name = f.name and (
        split_part(b.source_fingerprint, ':', 1) = f.sha256
        -- A file that could not be opened.
        or (f.outcome = 'failed' and b.state = 'failed' and b.source_fingerprint is null)
    )
    -- A file that was loaded is read again when nothing else is new: that load is not the one that brought it.
    order by b.state = 'loaded' desc, b.source_fingerprint is null, b.batch_id desc limit 1
) as b on true
union all
select
    c.name, c.at, c.uploader, null, null, case when c.is_replaced then 'superseded' else 'coming' end,
    null, null, null, null, null
from coming as c
order by 2 desc limit %(most)s
"""

_LOADS = """
select b.source_name as name, coalesce(b.finished_at, b.started_at) as at, null as uploader, b.batch_id, b.error,
    b.state, b.rows_read, b.rows_loaded, b.rows_unchanged, b.rows_quarantined, b.rows_deleted
from ops.load_batch as b
where b.dataset = %(dataset)s and b.by_retention is not true
order by 2 desc, b.batch_id desc limit %(most)s
"""

_BATCH = """
select b.dataset, b.source_name as name, coalesce(b.finished_at, b.started_at) as at, null as uploader, b.batch_id,
    b.error, b.state, b.rows_read, b.rows_loaded, b.rows_unchanged, b.rows_quarantined, b.rows_deleted
from ops.load_batch as b where b.batch_id = %s
"""

_FINDINGS = """
with reason as (
    select q.entry_id, q.source_position as place, r.reason ->> 'kolom' as column_name, r.reason ->> 'aturan' as rule,
        r.reason ->> 'nilai' as value, r.reason ->> 'pesan' as message, r.reason ->> 'perbaikan' as fix,
        r.reason ->> 'identitas' as identity
    from quarantine.row as q cross join lateral jsonb_array_elements(q.reasons) as r (reason)
    where q.dataset = %(dataset)s and q.state = 'open'
        and (%(batch)s::bigint is null or q.last_batch_id = %(batch)s)
),
numbered as (
    select reason.*, count(*) over same as total, row_number() over (same order by entry_id) as number
    from reason window same as (partition by column_name, rule)
)
select column_name, rule, message, fix, place, value, total, entry_id, identity is not null as has_identity, exists (
    select from quarantine.confirmed as c
    where c.dataset = %(dataset)s and c.column_name = n.column_name and c.rule = n.rule and c.cell_hash = n.identity
) as is_confirmed
from numbered as n where number <= %(most)s
order by total desc, column_name, rule, number
"""

_STATES = """
select d.dataset, d.arrived_at, d.rows_in_raw, d.rows_quarantined, d.last_state
from ops.dataset_state as d where d.dataset = any(%s)
"""

_SCORES = """
select dimension, score, change, open_findings, days_to_fix, year, month from ops.scores_of_dataset(%s)
order by dimension <> 'gabungan', dimension
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """An upload, or a load of another source. at: when it was first seen, or loaded.

    state: that of its load (ops.load_batch), or coming (not seen in the zone yet), due (not loaded yet), superseded
    (a newer file came before it was loaded). The counts are None until it was loaded.
    """

    name: str | None
    at: datetime
    uploader: str | None
    batch_id: int | None
    error: str | None
    state: str
    rows_read: int | None
    rows_loaded: int | None
    rows_unchanged: int | None
    rows_quarantined: int | None
    rows_deleted: int | None


@dataclass(frozen=True, slots=True)
class OneBatch(Sent):
    """A load with its dataset."""

    dataset: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A cell of a refused row. total: how many cells of this column break this rule. value: masked where personal.

    has_identity: whether it can be confirmed, if its rule is soft. is_confirmed: whether it was.
    """

    column_name: str
    rule: str
    message: str
    fix: str
    place: str | None
    value: str | None
    total: int
    entry_id: int
    has_identity: bool
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a dataset stands (view ops.dataset_state)."""

    dataset: str
    arrived_at: datetime | None
    rows_in_raw: int | None
    rows_quarantined: int
    last_state: str


@dataclass(frozen=True, slots=True)
class Score:
    """A score of a dataset in a month, from 0 to 100 (mart_satu_data.kualitas_data). change: since the month before.

    dimension: one of BPS, or "gabungan" for all of them. days_to_fix: the mean of rows that were refused.
    """

    dimension: str
    score: Decimal | None
    change: Decimal | None
    open_findings: int
    days_to_fix: Decimal | None
    year: int
    month: int


@contextmanager
def session(url: str) -> Iterator[Connection[Any]]:
    """A session of the warehouse with the rights of the page alone. Raises LoadError if there is none to be had."""
    with closing(connect(url)) as connection:
        try:
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(LOKET)))
        except (errors.InsufficientPrivilege, errors.InvalidParameterValue):
            raise LoadError(
                "gudang data",
                f"pengguna {connection.info.user} bukan anggota role {LOKET}",
                hint=f"sebagai administrator: grant {LOKET} to {connection.info.user}",
                code="GDK-M010",
            ) from None
        connection.execute(sql.SQL("set statement_timeout = {}").format(sql.Literal(f"{_STATEMENT_S}s")))
        yield connection


def history(connection: Connection[Any], dataset: str, *, of_uploads: bool) -> list[Sent]:
    """The newest uploads of a dataset, or the newest loads of a dataset from another source; the newest first."""
    with connection.cursor(row_factory=class_row(Sent)) as cursor:
        query = _UPLOADS if of_uploads else _LOADS
        return cursor.execute(query, {"dataset": dataset, "most": HISTORY}).fetchall()


def batch(connection: Connection[Any], batch_id: int) -> OneBatch | None:
    """A load by its number; None if there is none."""
    with connection.cursor(row_factory=class_row(OneBatch)) as cursor:
        return cursor.execute(_BATCH, [batch_id]).fetchone()


def findings(connection: Connection[Any], dataset: str, batch_id: int | None = None) -> list[Finding]:
    """The cells of refused rows that wait in quarantine: EXAMPLES of each rule and column, the most frequent first.

    batch_id: only rows that this load brought, and none that an earlier load had brought already.
    """
    with connection.cursor(row_factory=class_row(Finding)) as cursor:
        asked = {"dataset": dataset, "batch": batch_id, "most": EXAMPLES}
        return cursor.execute(_FINDINGS, asked).fetchall()


def standings(connection: Connection[Any], datasets: Sequence[str]) -> dict[str, Standing]:
    """Where datasets stand, by key; without those that were never loaded."""
    with connection.cursor(row_factory=class_row(Standing)) as cursor:
        rows = cursor.execute(_STATES, [[*datasets]]).fetchall()
    return {row.dataset: row for row in rows}


def scores(connection: Connection[Any], dataset: str) -> list[Score]:
    """The scores of a dataset in its latest month, the one of all dimensions first; none before the mart is built."""
    with connection.cursor(row_factory=class_row(Score)) as cursor:
        return cursor.execute(_SCORES, [dataset]).fetchall()
