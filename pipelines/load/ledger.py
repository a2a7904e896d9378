"""Keeps the ledger: one row of ops.load_batch per load, and one advisory lock per dataset.

What belongs here: opening and closing batches, closing those of killed runs, the uploads that raw was loaded from, the
version of a raw table.
Not here: what a load does (loader.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.load.drift import Drift
from pipelines.warehouse import locks
from pipelines.warehouse.relation import trusted_sql


@dataclass(frozen=True, slots=True)
class Changes:
    """How many rows of raw a load adds, changes, leaves and removes, or would."""

    new: int
    changed: int
    unchanged: int
    deleted: int


@dataclass
class Batch:
    """What one load did, with its row counts. `state` has the values of ops.load_batch.

    error, code: why it failed or was rejected; its entry in the catalogue of findings.
    loaded, new: rows that were added to raw or changed, and how many of them were added. Without a key no row changes.
    confirmed: rows that break a soft rule and were accepted because the OPD has confirmed them.
    damaged: rows with bytes that were replaced by U+FFFD.
    unreachable: rows of the source without a usable cursor or date, which an incremental read never finds; None if
    they were not counted.
    failure: code, message and hint of a fault of the source or file, for the OPD.
    found: properties that the source has and the contract leaves open, such as a delimiter.
    preview: what an approval would change, if the load waits for one.
    warnings: in Indonesian, for the log and the UI.
    """

    batch_id: int
    dataset: str
    state: str = "running"
    source_name: str | None = None
    fingerprint: str | None = None
    read: int = 0
    loaded: int = 0
    new: int = 0
    unchanged: int = 0
    quarantined: int = 0
    confirmed: int = 0
    deleted: int = 0
    damaged: int = 0
    unreachable: int | None = None
    error: str | None = None
    code: str | None = None
    failure: dict[str, str] | None = None
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    warnings: list[str] = field(default_factory=list[str])
    drift: tuple[Drift, ...] = ()
    found: dict[str, str] = field(default_factory=dict[str, str])
    preview: Changes | None = None

    @property
    def changes(self) -> Changes:
        """What the load did to raw, or would do if it waits."""
        return self.preview or Changes(self.new, self.loaded - self.new, self.unchanged, self.deleted)


@contextmanager
def dataset_lock(connection: Connection[Any], dataset: str) -> Iterator[None]:
    """Holds the dataset's lock, for which a second run of the dataset waits. The lock ends with its session."""
    with locks.queued(connection, _queue(dataset), dataset, "pemuatan lain dari dataset ini"):
        yield


def _queue(dataset: str) -> str:
    return f"dataset:{dataset}"


_OF_BATCH = "substring(relname from '__([0-9]+)_(?:landing|stage|duplicates)$')::bigint"
"""The number of the batch in a table's name. A long dataset's name is cut there, and does not name one dataset."""


def sweep_all(connection: Connection[Any]) -> int:
    """Calls `sweep` for every dataset that a dead run may have left something of, also if its contract is gone.

    Datasets that are being loaded are left. Gives the number of batches that were closed.
    """
    found = connection.execute(
        "select distinct dataset from ops.load_batch where state = 'running' or (state <> 'waiting' and batch_id in"  # noqa: S608
        f" (select {_OF_BATCH} from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'))"
    ).fetchall()
    dead = 0
    for (dataset,) in found:
        if locks.try_queue(connection, _queue(dataset)):
            try:
                dead += sweep(connection, dataset)
            finally:
                locks.leave_queue(connection, _queue(dataset))
    return dead


def sweep(connection: Connection[Any], dataset: str) -> int:
    """Closes the batches of dead runs of a dataset and drops their tables. Gives the number of batches.

    Call it while holding the dataset's lock.
    """
    dead = connection.execute(
        "update ops.load_batch set state = 'died', finished_at = clock_timestamp(),"
        " error = 'run berakhir tanpa kabar (dihentikan paksa, atau server dimulai ulang)', code = %s"
        " where dataset = %s and state = 'running' returning batch_id",
        ["GDK-M012", dataset],
    ).fetchall()
    left = connection.execute(
        "select relname from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'"  # noqa: S608
        f" and {_OF_BATCH} in (select batch_id from ops.load_batch where dataset = %s and state <> 'waiting')",
        [dataset],
    ).fetchall()
    for (name,) in left:
        connection.execute(sql.SQL("drop table if exists {}").format(sql.Identifier("landing", name)))
    return len(dead)


def open_batch(
    connection: Connection[Any], contract: Contract, run_id: str, window: Window | None, *, full_refresh: bool
) -> Batch:
    """Adds a row in state `running` for a load that begins."""
    row = connection.execute(
        "insert into ops.load_batch (dataset, run_id, window_start, window_end, full_refresh)"
        " values (%s, %s, %s, %s, %s) returning batch_id",
        [
            contract.key,
            run_id,
            window.start if window else None,
            window.end if window else None,
            full_refresh,
        ],
    ).fetchone()
    assert row is not None
    return Batch(batch_id=row[0], dataset=contract.key)


def last_found(connection: Connection[Any], contract: Contract) -> dict[str, str]:
    """What the newest load that read its source to the end found there (`Batch.found`).

    A failed load counts only if it found something, because it may have failed before it could.
    """
    row = connection.execute(
        "select found from ops.load_batch where dataset = %s and by_retention is not true and state <> 'running'"
        " and (state not in ('failed', 'died') or found <> '{}')"
        " order by ops.applied_at(state, finished_at) desc, batch_id desc limit 1",
        [contract.key],
    ).fetchone()
    return (row and row[0]) or {}


def names_that_failed(connection: Connection[Any], contract: Contract, code: str) -> set[str]:
    """The names of the uploads whose newest load failed with this code.

    A load that failed by no fault of its source (`failure`) says nothing about the file.
    """
    rows = connection.execute(
        "select source_name from (select distinct on (source_name) source_name, code from ops.load_batch"
        " where dataset = %s and source_name is not null and state not in ('running', 'died')"
        " and (state <> 'failed' or failure is not null)"
        " order by source_name, batch_id desc) as newest where code = %s",
        [contract.key, code],
    )
    return {name for (name,) in rows}


def drop_batch(connection: Connection[Any], batch: Batch) -> None:
    """Deletes the row of a load that found nothing to read."""
    connection.execute("delete from ops.load_batch where batch_id = %s", [batch.batch_id])


def close_batch(connection: Connection[Any], batch: Batch, *, running: bool = False) -> None:
    """Writes the batch's end state and counts. A load that changes raw calls it in the same transaction.

    running: write only if the row is still `running`, so that a load that was applied stays recorded as such.
    """
    connection.execute(
        "update ops.load_batch set state = %s, source_name = %s, source_fingerprint = %s, rows_read = %s,"
        " rows_loaded = %s, rows_new = %s, rows_unchanged = %s, rows_quarantined = %s, rows_confirmed = %s,"
        " rows_deleted = %s, rows_damaged = %s, rows_unreachable = %s, error = %s, code = %s, failure = %s,"
        " seconds = %s, found = %s, finished_at = clock_timestamp()"
        " where batch_id = %s and (state = 'running' or not %s)",
        [
            batch.state,
            batch.source_name,
            batch.fingerprint,
            batch.read,
            batch.loaded,
            batch.new,
            batch.unchanged,
            batch.quarantined,
            batch.confirmed,
            batch.deleted,
            batch.damaged,
            batch.unreachable,
            batch.error,
            batch.code,
            json.dumps(batch.failure) if batch.failure else None,
            json.dumps({k: round(v, 3) for k, v in batch.seconds.items()}),
            json.dumps(batch.found),
            batch.batch_id,
            running,
        ],
    )


_MISSING = """
select lower(hole), upper(hole) - 1 from unnest(
    datemultirange(daterange(%(first)s, %(last)s, '[]'))
    - coalesce((
        select range_agg(
            case when full_refresh then daterange(null, started_at::date) else daterange(window_start, window_end, '[]')
            end)
        from ops.load_batch
        where dataset = %(dataset)s and state in ('loaded', 'unchanged')
            and (full_refresh or window_start is not null)
    ), '{}'::datemultirange)
) as hole order by 1
"""


def loaded_until(connection: Connection[Any], datasets: Sequence[str]) -> date | None:
    """The earliest of the last days up to which these datasets were loaded by windows; None if one never was.

    A load of the whole dataset says nothing about windows.
    """
    rows = connection.execute(
        "select max(window_end) from ops.load_batch where dataset = any(%s) and state in ('loaded', 'unchanged')"
        " group by dataset having max(window_end) is not null",
        [list(datasets)],
    ).fetchall()
    return min(end for (end,) in rows) if rows and len(rows) == len(datasets) else None


def missing_days(
    connection: Connection[Any], contract: Contract, first: date, last: date
) -> list[tuple[date, date]]:
    """Gives the ranges of days from `first` to `last` that no load has covered; both ends are included.

    A load that changed no row has covered its window. A full refresh has covered every day before it began.
    """
    asked = {"dataset": contract.key, "first": first, "last": last}
    return connection.execute(_MISSING, asked).fetchall()


def fingerprint(contract: Contract, sha256: str) -> str:
    """Identifies the load of an upload: the SHA-256 of its content, and 16 digits of that of the contract's text."""
    version = hashlib.sha256(contract.path.read_bytes()).hexdigest() if contract.path.exists() else ""
    return f"{sha256}:{version[:16]}"


_SINCE_REFRESH = (
    " and source_fingerprint is not null and window_start is null and not exists"
    " (select from ops.load_batch w where w.dataset = b.dataset and w.full_refresh and w.state = 'loaded' and"
    " (ops.applied_at(w.state, w.finished_at), w.batch_id) > (ops.applied_at(b.state, b.finished_at), b.batch_id))"
)
"""The condition on a load of a whole upload that no full refresh came after it."""


_MERGED = f"""
select source_name, split_part(source_fingerprint, ':', 1) from ops.load_batch b
where dataset = %s and state in ('loaded', 'unchanged') {_SINCE_REFRESH}
order by ops.applied_at(state, finished_at), batch_id
"""  # noqa: S608 (text of this module only)


def fingerprints_in_raw(connection: Connection[Any], contract: Contract) -> set[str]:
    """Fingerprints of the uploads whose rows are in raw.

    If files replace each other, that is the last file that was read. If they are appended, it is for each name the
    last file that was loaded since the last full refresh; so it is if each replaces its periods. For merged files see
    `merged_files`. A load of some periods of a file does not count.
    """
    states = "state = 'loaded'" if contract.appends else "state in ('loaded', 'unchanged')"
    newest = "ops.applied_at(state, finished_at) desc, batch_id desc"
    query = (
        f"select source_fingerprint from ops.load_batch where dataset = %s and {states}"  # noqa: S608
        f" order by {newest} limit 1"
    )
    if contract.appends or contract.replaces_periods:
        query = (
            f"select distinct on (source_name) source_fingerprint from ops.load_batch b where dataset = %s and {states}"  # noqa: S608
            f"{_SINCE_REFRESH} order by source_name, {newest}"
        )
    return {row[0] for row in connection.execute(trusted_sql(query), [contract.key]).fetchall() if row[0]}


def merged_files(connection: Connection[Any], contract: Contract) -> list[tuple[str, str]]:
    """Name and SHA-256 of the uploads merged into raw since the last full refresh, in the order of their loads.

    Loads under earlier versions of the contract count, too: a later file may have changed what an earlier one brought.
    """
    return connection.execute(_MERGED, [contract.key]).fetchall()


@dataclass(frozen=True, slots=True)
class RawVersion:
    """What a raw table holds, as a short text that changes when its rows or its columns can have changed.

    version: None if it has rows that no load in the ledger has brought. loaded_at: when the last load that changed it
    ended.
    """

    version: str | None
    loaded_at: datetime | None


_RAW_VERSIONS = """
select
    n.dataset,
    b.finished_at,
    case
        when b.batch_id is not null or pg_relation_size(c.oid) = 0 then
            md5(concat_ws(' ', c.oid, pg_relation_filenode(c.oid), b.batch_id, extract(epoch from b.finished_at), (
                select string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ',' order by a.attnum)
                from pg_catalog.pg_attribute as a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            )))
    end
from unnest(%s::text[], %s::text[]) as n (dataset, relation)
left join pg_catalog.pg_class as c on c.oid = to_regclass(n.relation)
left join lateral (
    select l.batch_id, l.finished_at
    from ops.load_batch as l
    where l.dataset = n.dataset and l.state = 'loaded'
    order by ops.applied_at(l.state, l.finished_at) desc, l.batch_id desc
    limit 1
) as b on true
"""


def raw_versions(connection: Connection[Any], tables: Mapping[str, str]) -> dict[str, RawVersion]:
    """The versions of raw tables, by dataset. tables: the table by dataset, as quoted SQL.

    A load that changed no row leaves the version as it is. A reconciliation writes its load's row again, so it counts.
    """
    rows = connection.execute(_RAW_VERSIONS, [[*tables], [*tables.values()]]).fetchall()
    return {dataset: RawVersion(version and version[:16], loaded) for dataset, loaded, version in rows}
