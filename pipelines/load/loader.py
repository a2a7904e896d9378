"""One load of one dataset, from an open source to published rows.

The published table changes in ONE transaction with the ledger, the watermark and the quarantine: a process killed
anywhere leaves either the old state or the new one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from psycopg import Connection, errors

from pipelines.contracts import Contract
from pipelines.errors import GudangError, LoadError, SourceError
from pipelines.extract.stream import SourceStream
from pipelines.load import ledger
from pipelines.load.ledger import Batch
from pipelines.load.statements import RAW_SHAPE, LoadPlan, Window, expected_shape, read_since
from pipelines.load.swap import Relation, publish_table
from pipelines.load.warehouse import set_pseudonym_key


@dataclass(frozen=True, slots=True)
class Staged:
    """What the gate looks at before readers can see it: the staged relation (schema, name) and its counts."""

    contract: Contract
    batch_id: int
    schema: str
    table: str
    rows_read: int
    rows: int
    rows_quarantined: int


class Verdict(Protocol):
    """What the gate says: whether the staged rows may be published."""

    @property
    def passed(self) -> bool: ...

    @property
    def summary(self) -> str: ...


Gate = Callable[[Staged], Verdict]
Opener = Callable[[str | None], SourceStream | None]
"""Opens the source; the argument says from where an incremental read begins (ISO 8601), or None for all.
None when there is nothing to read yet (an upload that has not come)."""


def load(
    connection: Connection[Any],
    contract: Contract,
    open_source: Opener,
    gate: Gate,
    *,
    run_id: str,
    window: Window | None = None,
) -> Batch | None:
    """Loads one batch and gives its ledger entry: state loaded, unchanged or rejected (by the gate).

    None, and nothing in the ledger, when there is nothing to read yet. `connection` is in autocommit and belongs
    to this load until it returns. Raises SourceError, LoadError or ContractError after the ledger says `failed`;
    the published table is then as it was.
    """
    with ledger.dataset_lock(connection, contract.key):
        ledger.sweep(connection, contract)
        set_pseudonym_key(connection, contract)
        batch = ledger.open_batch(connection, contract, run_id, window)
        plan = LoadPlan(contract, batch.batch_id, window)
        try:
            connection.execute(plan.create_raw())
            stream = open_source(_since(connection, contract))
            if stream is None:
                ledger.drop_batch(connection, batch)
                return None
            _load(connection, plan, batch, stream, gate)
        except BaseException as error:
            _fail(connection, batch, error)
            if isinstance(error, psycopg.Error):
                raise LoadError(contract.key, _database_words(error), hint="see the server's log") from error
            raise
        finally:
            if not connection.closed:
                ledger.sweep(connection, contract)
    return batch


def _load(
    connection: Connection[Any], plan: LoadPlan, batch: Batch, stream: SourceStream, gate: Gate
) -> None:
    contract = plan.contract
    batch.source_name = stream.name
    batch.warnings = stream.warnings
    if stream.fingerprint and _same_as_last(connection, contract, batch, stream.fingerprint):
        batch.state = "unchanged"
        ledger.close_batch(connection, batch)
        return
    with _timed(batch, "extract"):
        _land(connection, plan, stream, batch)
    with _timed(batch, "stage"):
        staged, deduplicated = _stage(connection, plan)
        batch.quarantined = batch.read - staged
    with _timed(batch, "check"):
        verdict = gate(
            Staged(
                contract, batch.batch_id, "landing", plan.stage_name, batch.read, staged, batch.quarantined
            )
        )
    with _timed(batch, "publish"), connection.transaction():
        if batch.quarantined:
            connection.execute(plan.quarantine(deduplicated=deduplicated))
        _count_repairs(connection, plan)
        if verdict.passed:
            _publish(connection, plan, batch, staged)
            connection.execute(plan.resolve_quarantine())
            if contract.cursor:
                connection.execute(plan.advance_watermark())
        else:
            batch.state, batch.error = "rejected", verdict.summary
        _drop_temporaries(connection, plan)
        ledger.close_batch(connection, batch)


def _since(connection: Connection[Any], contract: Contract) -> str | None:
    if not contract.cursor:
        return None
    row = connection.execute(read_since(contract)).fetchone()
    return row[0] if row else None


def _same_as_last(connection: Connection[Any], contract: Contract, batch: Batch, fingerprint: str) -> bool:
    """The same bytes under the same contract and reference data load once."""
    import hashlib

    version = hashlib.sha256(contract.path.read_bytes()).hexdigest() if contract.path.exists() else ""
    batch.fingerprint = f"{fingerprint}:{version[:16]}"
    return ledger.last_fingerprint(connection, contract.key) == batch.fingerprint


def _land(connection: Connection[Any], plan: LoadPlan, stream: SourceStream, batch: Batch) -> None:
    """COPY in a transaction of its own; an error of the source takes every landed row with it."""
    with connection.transaction():
        connection.execute(plan.create_landing())
        with connection.cursor() as cursor:
            with cursor.copy(plan.copy_landing(stream.columns)) as copy:
                for block in stream.blocks:
                    copy.write(block)
            landed = cursor.rowcount
        if stream.rows != landed:
            raise SourceError(
                plan.contract.key,
                f"the source says it gave {stream.rows} rows, {landed} arrived",
                hint="run the load again; if it stays, the source changes while it is read",
                transient=True,
            )
    batch.read = landed


def _stage(connection: Connection[Any], plan: LoadPlan) -> tuple[int, bool]:
    """The valid rows as a typed table with its primary key; whether duplicates had to be taken out."""
    rows = connection.execute(plan.create_stage()).rowcount
    deduplicated = False
    if plan.contract.primary_key:
        try:
            connection.execute(plan.add_primary_key())
        except errors.UniqueViolation:
            deduplicated = True
            connection.execute(plan.find_duplicates())
            connection.execute(b"drop table " + plan.stage.as_bytes(connection))
            rows = connection.execute(plan.create_stage(deduplicate=True)).rowcount
            connection.execute(plan.add_primary_key())
    for statement in plan.comments():
        connection.execute(statement)
    return rows, deduplicated


def _count_repairs(connection: Connection[Any], plan: LoadPlan) -> None:
    query = plan.count_repairs()
    if query is None:
        return
    rows = [(plan.batch_id, *row) for row in connection.execute(query).fetchall() if row[2]]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.load_repair (batch_id, column_name, repair, rows) values (%s, %s, %s, %s)", rows
        )


def _publish(connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int) -> None:
    """Makes raw what the stage says, and counts what really changed."""
    same_shape = _same_shape(connection, plan)
    if plan.merges:
        if not same_shape:
            raise LoadError(
                plan.contract.key,
                f"the contract's columns are no longer those of raw.{plan.contract.table}, and a merge keeps old rows",
                hint="rename the old table aside and load all again, or take the change of the contract back",
            )
        batch.loaded = connection.execute(plan.merge_stage()).rowcount
        batch.unchanged = staged - batch.loaded
    else:
        _replace(connection, plan, batch, staged, same_shape=same_shape)
    batch.state = "loaded" if batch.loaded or batch.deleted else "unchanged"


def _replace(
    connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int, *, same_shape: bool
) -> None:
    if plan.window and not same_shape:
        raise LoadError(
            plan.contract.key,
            f"the contract's columns are no longer those of raw.{plan.contract.table}, and other windows keep old rows",
            hint="rename the old table aside and backfill all windows",
        )
    empty = connection.execute(
        b"select not exists (select from " + plan.raw.as_bytes(connection) + b")"
    ).fetchone()
    assert empty is not None
    added, missing = staged, 0
    if same_shape and not empty[0]:
        counts = connection.execute(plan.count_new()).fetchone()
        assert counts is not None
        added, missing = counts
    batch.loaded, batch.unchanged = added, staged - added
    if not (added or missing) and same_shape:
        return
    if missing:
        deleted = (
            connection.execute(plan.count_deleted()).fetchone() if plan.contract.primary_key else (missing,)
        )
        batch.deleted = deleted[0] if deleted else 0
    if plan.window:
        if not staged:
            raise LoadError(
                plan.contract.key,
                f"the source gave no row for {plan.window.start} to {plan.window.end}, where {missing} are published",
                hint="ask the OPD; if they really took the rows back, delete them from raw by hand",
            )
        connection.execute(plan.delete_window())
        connection.execute(plan.insert_stage())
    else:
        connection.execute(b"alter table " + plan.stage.as_bytes(connection) + b" set schema raw")
        publish_table(connection, Relation("raw", plan.contract.table), Relation("raw", plan.stage_name))


def _same_shape(connection: Connection[Any], plan: LoadPlan) -> bool:
    name = plan.raw.as_string(connection)
    return connection.execute(RAW_SHAPE, [name]).fetchall() == expected_shape(plan.contract)


def _drop_temporaries(connection: Connection[Any], plan: LoadPlan) -> None:
    """Landing and what is left of the stage go with the transaction that published them."""
    for table in (plan.landing, plan.stage, plan.duplicates):
        connection.execute(b"drop table if exists " + table.as_bytes(connection))


def _fail(connection: Connection[Any], batch: Batch, error: BaseException) -> None:
    if connection.closed:
        return
    batch.state = "failed"
    if isinstance(error, psycopg.Error):
        batch.error = _database_words(error)
    elif isinstance(error, GudangError):
        batch.error = str(error)
    else:
        batch.error = type(error).__name__
    batch.loaded = batch.unchanged = batch.deleted = 0
    ledger.close_batch(connection, batch)


def _database_words(error: psycopg.Error) -> str:
    """PostgreSQL's primary message without DETAIL and CONTEXT, which may hold cell values."""
    message = error.diag.message_primary or type(error).__name__
    return f"the warehouse refused the load: {message.split(': ' + chr(34))[0]}"


@contextmanager
def _timed(batch: Batch, step: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        batch.seconds[step] = time.perf_counter() - start
