"""Copies a source's rows into landing as they come, and reads the source again after a transient failure.

What belongs here: opening, retrying, copying, and the checks that stop a load before its rows are validated. Not here:
the landing table's statements (load/stage/statement.py), sources (extract/), the steps after landing (loader.py).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import Connection, Cursor

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.stream import AS_TEXTS, NO_MOMENTS, SourceStream, UnfitError
from pipelines.load import drift, ledger
from pipelines.load.approval import waiting
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan
from pipelines.load.stage import revalidate, statement
from pipelines.numbers import number
from pipelines.warehouse.time_limit import limit_statements

PROGRESS_S = 10.0
"""How often the log says how many rows were read."""

_REPLACED = "\ufffd".encode()

Opener = Callable[[Contract, str | None], SourceStream | None]
"""Opens the source of a contract (for a reconciliation, a contract of only its key columns).

The text says where an incremental read begins (ISO 8601); None reads everything. The opener gives None if there is
nothing to read yet (an upload that has not come).
"""

log = logging.getLogger("gudang.muat")


def land(
    connection: Connection[Any],
    plan: LoadPlan,
    batch: Batch,
    open_source: Opener,
    known: dict[str, str] | None,
) -> tuple[LoadPlan, SourceStream | None]:
    """Copies the source's rows into landing. Gives the plan, adapted to the source, and the source, read to its end.

    Gives None instead of the source if there is nothing new to read. After a transient failure the source is opened
    again, and landing is filled again from the beginning. Raises SourceError and ShapeError.

    known: the source's shape at its last load.
    """
    for wait in (*plan.waits.retries, None):
        try:
            stream = open_source(plan.contract, plan.since if plan.since_text is None else plan.since_text)
            if stream is None:
                return plan, None
            with closing(stream):
                return _land_stream(connection, plan, batch, stream, known)
        except SourceError as error:
            if not error.transient or wait is None:
                raise
            log.warning("%s; mencoba lagi sesudah %d detik atau sedikit lebih", error, wait)
            batch.warnings.append(f"dibaca lagi sesudah: {error.message}")
            plan.waits.before_retry(wait)
    raise AssertionError("unreachable")


def _land_stream(
    connection: Connection[Any],
    plan: LoadPlan,
    batch: Batch,
    stream: SourceStream,
    known: dict[str, str] | None,
) -> tuple[LoadPlan, SourceStream | None]:
    """Copies the rows of one opened source into landing, with all checks. Gives as `land` does.

    If the source's fast way of reading fails, or PostgreSQL refuses a value of a `usual` column, its `fallback` is read
    instead.
    """
    contract = plan.contract
    if stream.usual and _holds_no_moments(connection, plan, batch):
        stream.as_texts()
    batch.source_name, batch.found = stream.name, stream.found
    if (contract.appends or contract.replaces_periods) and stream.fingerprint:
        plan = replace(plan, file=stream.name)
    exact = frozenset(c.name for c in contract.stored if stream.lands_typed(c))
    plan = replace(plan, exact=exact, numbers=stream.numbers)
    if stream.fingerprint and _loaded_before(connection, plan, batch, stream.fingerprint):
        batch.state = "unchanged"
        ledger.close_batch(connection, batch)
        return plan, None
    if stream.shape:
        require_known_shape(contract, batch, known, stream)
    try:
        landed = _copy(connection, plan, batch, stream)
    except (UnfitError, psycopg.DataError):
        if stream.fallback is None:
            raise
        if stream.usual:
            batch.found = {**batch.found, NO_MOMENTS: AS_TEXTS}  # also if the second reading fails
        stream.close()
        with closing(stream.fallback()) as slower:
            return _land_stream(connection, plan, batch, slower, known)
    if stream.rows != landed:
        raise SourceError(
            contract.key,
            f"sumber menyatakan memberi {stream.rows} baris, yang tiba {landed} baris",
            hint="jalankan lagi; jika tetap, sumber berubah selagi dibaca",
            transient=True,
            code="GDK-S016",
        )
    plan = replace(plan, unbroken=stream.unbroken)
    batch.read = landed
    if (stream.wider or plan.file is not None) and (others := statement.delete_other_windows(plan)):
        with limit_statements(connection, contract, "memilah baris menurut jendela"):
            batch.read -= connection.execute(others).rowcount
    if expired := statement.delete_expired(plan):
        with limit_statements(connection, contract, "memilah baris menurut masa simpan"):
            batch.read -= connection.execute(expired).rowcount
    return plan, stream


def _copy(connection: Connection[Any], plan: LoadPlan, batch: Batch, stream: SourceStream) -> int:
    """Creates and fills landing, in one transaction. Gives the number of rows."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(statement.create_landing(plan))
        if plan.private:
            cursor.execute(statement.keep_out_of_statistics(plan))
            _keep_to_owner(cursor, plan)
        with cursor.copy(statement.copy_landing(plan, stream)) as copy:
            for block in _count_and_log(plan.contract, batch, stream):
                copy.write(block)
        return cursor.rowcount


def _keep_to_owner(cursor: Cursor[Any], plan: LoadPlan) -> None:
    """Takes away the rights that default privileges of this database give others on landing."""
    cursor.execute(statement.other_readers(plan))
    for (role,) in cursor.fetchall():
        cursor.execute(statement.revoke_landing(plan, role))


def _holds_no_moments(connection: Connection[Any], plan: LoadPlan, batch: Batch) -> bool:
    """Whether the `usual` columns are read as text at once. Trying their types could mean a second reading.

    So it is where an earlier reading found such a value, and for keys, whose batch is not kept. A full refresh tries
    the types again, once.
    """
    if plan.only_keys or NO_MOMENTS in batch.found:
        return True
    return not plan.full_refresh and NO_MOMENTS in ledger.last_found(connection, plan.contract)


def require_known_shape(
    contract: Contract, batch: Batch, known: dict[str, str] | None, stream: SourceStream
) -> None:
    """Raises ShapeError if the source has other columns than before and the contract does not allow that."""
    batch.drift = drift.compare(contract, known, stream.shape)
    drift.require_fit(contract, batch.drift)


def _count_and_log(contract: Contract, batch: Batch, stream: SourceStream) -> Iterator[bytes]:
    """Passes the blocks on, and logs the number of rows every PROGRESS_S seconds.

    Counts in batch.damaged the rows with U+FFFD, which replaces bytes that could not be read.
    """
    rows, logged = 0, time.monotonic()
    batch.damaged = 0
    for block in stream.blocks:
        yield block
        batch.damaged += stream.rows_with(_REPLACED, block)
        rows = stream.rows_after(block, rows)
        if time.monotonic() - logged > PROGRESS_S:
            logged = time.monotonic()
            log.info("%s: %s baris dibaca", contract.key, number(rows))


def _loaded_before(connection: Connection[Any], plan: LoadPlan, batch: Batch, sha256: str) -> bool:
    """Whether raw has this content under this contract, and no row of it was refused by rules that have changed.

    A period that somebody asks for is read in any case.
    """
    batch.fingerprint = ledger.fingerprint(plan.contract, sha256)
    if plan.full_refresh or plan.window:
        return False
    held = waiting.before(connection, plan) if plan.contract.approval else []
    if any(w.full_refresh for w in held) or (held and plan.contract.merges):
        return False  # what waits would remove the rows of this file, or come over them
    if batch.source_name in revalidate.files_to_read_again(connection, plan.contract):
        return False
    return batch.fingerprint in ledger.fingerprints_in_raw(connection, plan.contract)
