"""Loads one dataset once: from its source over landing and stage into raw.

raw, ledger, watermark and quarantine change in ONE transaction. If the process is killed at any point, either the old
state or the new one is there.

What belongs here: the order of the steps, and what happens when one fails. Not here: the steps (landing.py, stage/,
apply/).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

import psycopg
from psycopg import Connection, sql
from psycopg.pq import TransactionStatus

from pipelines.contracts.model import Contract, MergeStrategy
from pipelines.contracts.windows import Window
from pipelines.errors import GudangError, ShapeError, with_code
from pipelines.load import drift, failures, landing, ledger, pseudonyms, raw_summary, watermark
from pipelines.load.apply import added_columns, empty_windows, reconcile
from pipelines.load.apply.deletions import reconcile_with
from pipelines.load.apply.passed import apply_passed
from pipelines.load.approval.hold import hold
from pipelines.load.approval.waiting import supersede_covered, supersede_outdated
from pipelines.load.landing import Opener
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan, create_raw, oldest_kept
from pipelines.load.stage import confirmations, quarantine, reasons, revalidate
from pipelines.load.stage import statement as stage
from pipelines.load.stage.build import build_stage, record_repairs
from pipelines.load.waits import WAITS, Waits
from pipelines.warehouse import locks
from pipelines.warehouse.time_limit import limit_statements

log = logging.getLogger("gudang.muat")


@dataclass(frozen=True, slots=True)
class Staged:
    """The staged table (schema, name) and its row counts, which the gate checks before readers can see them."""

    contract: Contract
    batch_id: int
    schema: str
    table: str
    rows_read: int
    rows: int
    rows_quarantined: int


class Verdict(Protocol):
    """The gate's answer: whether the staged rows may go into raw."""

    @property
    def passed(self) -> bool:
        """Whether the rows may go into raw."""
        ...

    @property
    def summary(self) -> str:
        """Why the rows may not go into raw, in Indonesian."""
        ...


Gate = Callable[[Staged], Verdict]


def load(
    connection: Connection[Any],
    contract: Contract,
    open_source: Opener,
    gate: Gate,
    *,
    run_id: str,
    window: Window | None = None,
    full_refresh: bool = False,
    allow_empty: bool = False,
    rehearsal: bool = False,
    source_name: str | None = None,
    waits: Waits = WAITS,
    today: date | None = None,
) -> Batch | None:
    """Loads one batch and gives its entry in the ledger.

    Its state is loaded, unchanged, waiting (for approval) or rejected (by the gate).

    Gives None, and leaves no entry, if there is nothing to read yet, or if a rehearsal passed the gate. Raises
    GudangError if the load fails; the ledger then says `failed`, and raw is as it was.

    connection: in autocommit, or in a transaction of the caller's, who then rolls back all that the load did. Nobody
    else uses it until the load returns.
    window: the days of a partitioned dataset that are loaded; of an upload, only rows of these days are.
    full_refresh: everything is read, and replaces all rows of raw.
    allow_empty: if the source gives no row for the window, the window's rows in raw are deleted.
    rehearsal: rows that pass the gate do not go into raw.
    source_name: the name of the upload that is opened; the ledger has it also if the file cannot be read.
    today: rows whose retention is over on this day are left out; by default the day in WITA.
    """
    with ledger.dataset_lock(connection, contract.key):
        ledger.sweep(connection, contract.key)
        supersede_outdated(connection, contract)
        batch = ledger.open_batch(connection, contract, run_id, window, full_refresh=full_refresh)
        batch.source_name = source_name
        plan = LoadPlan(
            contract,
            batch.batch_id,
            window,
            full_refresh=full_refresh,
            allow_empty=allow_empty,
            waits=waits,
        )
        try:
            pseudonyms.set_keys(connection, contract)
            plan = replace(plan, oldest=oldest_kept(contract, today))
            added_columns.remake_if_empty(connection, plan)
            for statement in create_raw(plan.contract):
                connection.execute(statement)
            # If a column was added, we read every row again, so that the column is filled.
            if contract.cursor and not (full_refresh or added_columns.compare(connection, plan).only_adds):
                plan = _since_watermark(connection, plan, batch)
            pseudonyms.require_keys(connection, plan)
            with _savepoint(connection):
                done = _load(connection, plan, batch, open_source, gate, rehearsal=rehearsal)
            if not done:
                ledger.drop_batch(connection, batch)
                return None
        except BaseException as error:
            _fail(connection, plan, batch, error)
            if isinstance(error, Exception) and not isinstance(error, GudangError):
                names = {c.name for c in contract.columns} | {contract.table}
                raise failures.describe_failure(contract.key, error, names, locks=waits.locks) from None
            raise
        finally:
            if not connection.closed:
                connection.execute("discard temporary")
                ledger.sweep(connection, contract.key)
    return batch


def _savepoint(connection: Connection[Any]) -> AbstractContextManager[Any]:
    """In a transaction of the caller's, a savepoint to which an error goes back; else nothing."""
    if connection.info.transaction_status == TransactionStatus.IDLE:
        return nullcontext()
    return connection.transaction()


def _since_watermark(connection: Connection[Any], plan: LoadPlan, batch: Batch) -> LoadPlan:
    """Sets `since` in the plan. It stays None if everything has to be read, for example into an empty raw."""
    empty_raw = sql.SQL("select not exists (select from {})").format(plan.raw)
    if connection.execute(empty_raw).fetchone() == (True,):
        return plan
    row = connection.execute(watermark.read_since(plan)).fetchone()
    plan = replace(plan, since=row[0] if row else None)
    plan = replace(plan, since=revalidate.since(connection, plan))
    if plan.since is None or not watermark.asks_an_api(plan):
        return plan
    (since_text,) = connection.execute(watermark.since_text(plan)).fetchone() or (None,)
    if since_text is None:
        batch.warnings.append(
            f"teks {plan.contract.cursor} dari API tidak berbentuk ISO 8601, jadi tidak dapat dimundurkan: semua baris"
            " dibaca"
        )
        return replace(plan, since=None)
    return replace(plan, since_text=since_text)


def _load(
    connection: Connection[Any],
    plan: LoadPlan,
    batch: Batch,
    open_source: Opener,
    gate: Gate,
    *,
    rehearsal: bool,
) -> bool:
    """Runs the steps of a load. False if there is nothing to read yet, or after a rehearsal that passed the gate."""
    contract = plan.contract
    known = drift.last_shape(connection, contract)
    with _timed(batch, "extract"):
        plan, stream = landing.land(connection, plan, batch, open_source, known)
    if stream is None:
        if batch.state == "unchanged":
            supersede_covered(connection, plan, batch)
            raw_summary.keep(connection, plan, batch)
        return batch.state == "unchanged"
    landing.require_known_shape(contract, batch, known, stream)
    batch.warnings = [*stream.warnings, *batch.warnings]
    batch.unreachable = stream.unreachable
    with _timed(batch, "stage"), limit_statements(connection, contract, "memilah baris"):
        plan = confirmations.accept(connection, plan, batch, stream.confirmations, keep=not rehearsal)
        built = build_stage(connection, plan, batch.read)
        batch.quarantined = batch.read - built.rows
    with _timed(batch, "check"):
        verdict = gate(
            Staged(
                contract,
                batch.batch_id,
                "landing",
                plan.stage_name,
                batch.read,
                built.rows,
                batch.quarantined,
            )
        )
    if rehearsal and verdict.passed:
        _drop_temporaries(connection, plan)
        return False
    applying = limit_statements(connection, contract, "menerapkan baris")
    with _timed(batch, "publish"), applying, connection.transaction():
        locks.limit_waiting(connection, plan.waits.locks.total)
        if batch.quarantined:
            for statement in quarantine.quarantine(
                plan, deduplicated=built.deduplicated, rejected=not verdict.passed
            ):
                connection.execute(statement)
        record_repairs(connection, plan, built)
        drift.record(connection, contract, batch.batch_id, batch.drift)
        revalidate.record_rules(connection, plan)
        if not verdict.passed:
            batch.state, batch.error, batch.code = "rejected", verdict.summary, "GDK-M011"
            if batch.quarantined:
                batch.error += _reasons(connection, plan, deduplicated=built.deduplicated)
            batch.error = with_code(batch.error, batch.code)
        elif not (contract.approval and hold(connection, plan, batch, built.rows, stream.shape)):
            refused = bool(batch.quarantined)
            apply_passed(connection, plan, batch, built.rows, stream.shape, refused=refused)
        _drop_temporaries(connection, plan, but_stage=batch.state == "waiting")
        ledger.close_batch(connection, batch)
    if verdict.passed and contract.reconcile and not plan.reads_everything:
        _reconcile(connection, plan, batch, open_source)
    return True


def _reasons(connection: Connection[Any], plan: LoadPlan, *, deduplicated: bool) -> str:
    """The most common reasons of a rejected load, as a text.

    If their query fails, the text is empty, and the transaction with the quarantine goes on.
    """
    try:
        with connection.transaction():
            return f"; alasan terbanyak: {reasons.most_common(connection, plan, deduplicated=deduplicated)}"
    except psycopg.Error as error:
        if connection.broken:
            raise
        log.warning("%s: %s", plan.contract.key, failures.message_of(error))
        return ""


def _drop_temporaries(connection: Connection[Any], plan: LoadPlan, *, but_stage: bool = False) -> None:
    """Drops landing and what is left of the stage, in the transaction that changes raw. but_stage: the stage stays."""
    for table in stage.temporaries(plan):
        if but_stage and table == plan.stage:
            continue
        connection.execute(sql.SQL("drop table if exists {}").format(table))


# -- reconciliation ------------------------------------------------------------------------------------------


def _reconcile(connection: Connection[Any], plan: LoadPlan, batch: Batch, open_source: Opener) -> None:
    """Reads the source's keys if the contract's interval has passed, and marks the rows that the source has deleted.

    A failure is only noted in ledger and log. The loaded rows stay, and the next load reads the keys again.
    """
    due = connection.execute(reconcile.is_due(plan)).fetchone()
    if due is None or not due[0]:
        return
    try:
        with _timed(batch, "reconcile"):
            _read_keys(connection, plan, batch, open_source)
    except BaseException as error:
        batch.error = f"rekonsiliasi: {failures.message_of(error, locks=plan.waits.locks)}"
        log.warning("%s: %s", plan.contract.key, batch.error)
        if not connection.closed:
            try:
                ledger.close_batch(connection, batch)
            except psycopg.Error as second:
                log.warning("%s: catatan pemuatan: %s", plan.contract.key, failures.message_of(second))
        if not isinstance(error, Exception):
            raise


def _read_keys(connection: Connection[Any], plan: LoadPlan, batch: Batch, open_source: Opener) -> None:
    """Reads only the source's keys, and applies the reconciliation in one transaction."""
    contract = plan.contract
    only_keys = replace(
        contract,
        columns=tuple(c for c in contract.columns if c.key or c.name == contract.cursor),
        merge_strategy=MergeStrategy.UPSERT,
        reconcile=None,
        schema_contract="freeze",
    )
    read = Batch(batch.batch_id, contract.key)
    keys = LoadPlan(only_keys, batch.batch_id, only_keys=True, waits=plan.waits)
    keys, stream = landing.land(connection, keys, read, open_source, None)
    if stream is None:
        return
    with limit_statements(connection, contract, "memilah kunci sumber"):
        built = build_stage(connection, keys, read.read)
    # A copy, so that the batch keeps its counts if the transaction fails.
    found = replace(batch, warnings=[*batch.warnings])
    with limit_statements(connection, contract, "membandingkan kunci sumber"), connection.transaction():
        locks.limit_waiting(connection, plan.waits.locks.total)
        reconcile_with(connection, plan, keys, found, built.rows)
        raw_summary.keep(connection, plan, found)
        _drop_temporaries(connection, keys)
        ledger.close_batch(connection, found)
    batch.state, batch.deleted, batch.warnings = found.state, found.deleted, found.warnings
    batch.unreachable = found.unreachable


# -- failure -------------------------------------------------------------------------------------------------


def _fail(connection: Connection[Any], plan: LoadPlan, batch: Batch, error: BaseException) -> None:
    """Notes the failure in the ledger. If that fails too, the sweep of the next load closes this batch."""
    contract = plan.contract
    if connection.closed:
        return
    batch.state, batch.code = "failed", failures.code_of(error)
    batch.error = str(error)
    if not isinstance(error, GudangError):
        batch.error = with_code(failures.message_of(error, locks=plan.waits.locks), batch.code)
    batch.failure = failures.fault_of_source(error)
    batch.loaded = batch.new = batch.unchanged = batch.deleted = 0
    try:
        ledger.close_batch(connection, batch, running=True)
        if isinstance(error, ShapeError):
            drifts = batch.drift or (drift.Drift("refused", "", now=error.message),)
            drift.record(connection, contract, batch.batch_id, drifts)
        if isinstance(error, empty_windows.EmptyError):
            empty_windows.remember(connection, plan)
    except psycopg.Error as second:
        log.warning("%s: catatan pemuatan tidak dapat ditulis: %s", contract.key, failures.message_of(second))


@contextmanager
def _timed(batch: Batch, step: str) -> Iterator[None]:
    """Notes in the batch how many seconds the step took."""
    start = time.perf_counter()
    try:
        yield
    finally:
        batch.seconds[step] = time.perf_counter() - start
