"""The ledger: one row of ops.load_batch per load, one advisory lock per dataset.

What belongs here: opening and closing batches, closing those of killed runs, the uploads that raw was loaded from.
Not here: what a load does (loader.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.load.drift import Drift
from pipelines.warehouse import locks


@dataclass
class Batch:
    """What one load did, row counts included. `state` as in ops.load_batch.

    damaged: rows with bytes that were replaced by U+FFFD. unreachable: rows of the source without a usable cursor or
    date, which an incremental read never finds; None where they were not counted. found: what had to be found out of
    the source because the contract leaves it open. warnings: in Indonesian, for the log and the UI.
    """

    batch_id: int
    dataset: str
    state: str = "running"
    source_name: str | None = None
    fingerprint: str | None = None
    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    quarantined: int = 0
    deleted: int = 0
    damaged: int = 0
    unreachable: int | None = None
    error: str | None = None
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    warnings: list[str] = field(default_factory=list[str])
    drift: tuple[Drift, ...] = ()
    found: dict[str, str] = field(default_factory=dict[str, str])


@contextmanager
def dataset_lock(connection: Connection[Any], dataset: str) -> Iterator[None]:
    """Holds the dataset's lock: a second run of the dataset waits. The lock ends with its session."""
    with locks.queued(connection, _queue(dataset), dataset, "pemuatan lain dari dataset ini"):
        yield


def _queue(dataset: str) -> str:
    return f"dataset:{dataset}"


def sweep_all(connection: Connection[Any], contracts: Iterable[Contract]) -> int:
    """Sweeps what dead runs of any dataset left, except of datasets that are being loaded. Gives their number."""
    dead = 0
    for contract in contracts:
        if locks.try_queue(connection, _queue(contract.key)):
            try:
                dead += sweep(connection, contract)
            finally:
                locks.leave_queue(connection, _queue(contract.key))
    return dead


def sweep(connection: Connection[Any], contract: Contract) -> int:
    """Closes the batches of dead runs and drops their tables. Gives their number. Call it with the dataset's lock."""
    dead = connection.execute(
        "update ops.load_batch set state = 'died', finished_at = clock_timestamp(),"
        " error = 'run berakhir tanpa kabar (dihentikan paksa, atau server dimulai ulang)'"
        " where dataset = %s and state = 'running' returning batch_id",
        [contract.key],
    ).fetchall()
    # By the batch's number: a table's name cuts a long dataset's name, and another may begin alike.
    left = connection.execute(
        "select relname from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'"
        " and substring(relname from '__([0-9]+)_(?:landing|stage|duplicates)$')::bigint in"
        " (select batch_id from ops.load_batch where dataset = %s)",
        [contract.key],
    ).fetchall()
    for (name,) in left:
        connection.execute(sql.SQL("drop table if exists {}").format(sql.Identifier("landing", name)))
    return len(dead)


def open_batch(
    connection: Connection[Any], contract: Contract, run_id: str, window: Window | None, *, full_refresh: bool
) -> Batch:
    """Notes a load that begins, in state `running`."""
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


def drop_batch(connection: Connection[Any], batch: Batch) -> None:
    """Removes the row of a load that turned out to have nothing to read."""
    connection.execute("delete from ops.load_batch where batch_id = %s", [batch.batch_id])


def close_batch(connection: Connection[Any], batch: Batch, *, running: bool = False) -> None:
    """Writes the batch's end state and counts, inside the transaction that changes raw where there is one.

    running: write only where the row is still `running`, so that what was applied stays recorded.
    """
    connection.execute(
        "update ops.load_batch set state = %s, source_name = %s, source_fingerprint = %s, rows_read = %s,"
        " rows_loaded = %s, rows_unchanged = %s, rows_quarantined = %s, rows_deleted = %s, rows_damaged = %s,"
        " rows_unreachable = %s, error = %s, seconds = %s, found = %s,"
        " finished_at = clock_timestamp() where batch_id = %s and (state = 'running' or not %s)",
        [
            batch.state,
            batch.source_name,
            batch.fingerprint,
            batch.read,
            batch.loaded,
            batch.unchanged,
            batch.quarantined,
            batch.deleted,
            batch.damaged,
            batch.unreachable,
            batch.error,
            json.dumps({k: round(v, 3) for k, v in batch.seconds.items()}),
            json.dumps(batch.found),
            batch.batch_id,
            running,
        ],
    )


def fingerprint(contract: Contract, sha256: str) -> str:
    """Identity of an upload's load: its content's SHA-256 and 16 digits of that of the contract's text."""
    version = hashlib.sha256(contract.path.read_bytes()).hexdigest() if contract.path.exists() else ""
    return f"{sha256}:{version[:16]}"


def standing_fingerprints(connection: Connection[Any], contract: Contract) -> set[str]:
    """Fingerprints of the uploads whose rows are in raw.

    Where files replace each other, the last that was read. Where they are appended, of each name the last that was
    loaded since the last full refresh. For files that are merged see `merged`.
    """
    query = (
        "select distinct on (source_name) source_fingerprint from ops.load_batch b"
        " where dataset = %s and state = 'loaded' and source_fingerprint is not null and not exists"
        " (select from ops.load_batch w where w.dataset = b.dataset and w.full_refresh and w.state = 'loaded'"
        " and w.batch_id > b.batch_id)"
        " order by source_name, batch_id desc"
        if contract.appends
        else "select source_fingerprint from ops.load_batch"
        " where dataset = %s and state in ('loaded', 'unchanged') order by batch_id desc limit 1"
    )
    return {row[0] for row in connection.execute(query, [contract.key]).fetchall() if row[0]}


def merged(connection: Connection[Any], contract: Contract) -> list[tuple[str, str]]:
    """Name and SHA-256 of the uploads merged into raw since the last full refresh, in the order of their loads.

    Under whatever contract: a later file may have changed what an earlier one brought.
    """
    found = connection.execute(
        "select source_name, split_part(source_fingerprint, ':', 1) from ops.load_batch b"
        " where dataset = %s and state in ('loaded', 'unchanged') and source_fingerprint is not null and not exists"
        " (select from ops.load_batch w where w.dataset = b.dataset and w.full_refresh and w.state = 'loaded'"
        " and w.batch_id > b.batch_id)"
        " order by batch_id",
        [contract.key],
    )
    return found.fetchall()
