"""Stage into raw, in the caller's transaction: which statements, in which order, and what they changed.

Not here: the statements (dispositions.py, history.py, reconcile.py), landing and the ledger (loader.py).
"""

from __future__ import annotations

import re
from typing import Any

from psycopg import Connection, errors

from pipelines.errors import LoadError
from pipelines.load import dispositions, history, reconcile
from pipelines.load.ledger import Batch
from pipelines.load.plan import RAW_SHAPE, LoadPlan, expected_shape
from pipelines.load.quarantine import resolve_gone
from pipelines.load.relation import Relation
from pipelines.load.swap import publish_table

_PRIMARY_KEY = re.compile(r".*_pkey")
"""What a stage brings along."""


def publish(connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int) -> None:
    """Makes raw what the stage says, and counts what really changed. Raises LoadError."""
    contract = plan.contract
    same_shape = _same_shape(connection, plan)
    swaps = plan.whole or not (contract.merges or contract.appends)
    if not same_shape and not (swaps and plan.complete and not contract.keeps_history):
        raise LoadError(
            contract.key,
            f"the contract's columns are no longer those of raw.{contract.table}, and rows of before stay in it",
            hint=f"load it whole: `gudang reload {contract.key}`",
        )
    if contract.cursor:
        if plan.whole:
            connection.execute("delete from ops.watermark where dataset = %s", [contract.key])
        connection.execute(dispositions.advance_watermark(plan))
    if contract.keeps_history:
        _version(connection, plan, batch, staged)
    elif swaps or plan.file is not None:
        _replace(connection, plan, batch, staged, same_shape=same_shape)
    elif contract.appends:
        _append(connection, plan, batch, staged)
    else:
        _upsert(connection, plan, batch, staged)
    batch.state = "loaded" if batch.loaded or batch.deleted else "unchanged"


def _same_shape(connection: Connection[Any], plan: LoadPlan) -> bool:
    name = plan.raw.as_string(connection)
    return connection.execute(RAW_SHAPE, [name]).fetchall() == expected_shape(plan.contract)


def _one(connection: Connection[Any], query: Any) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row


def _replace(
    connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int, *, same_shape: bool
) -> None:
    """By an exchange, where nothing but these rows is in raw; else a window's or a file's rows where they are."""
    partial = plan.window is not None or (plan.file is not None and not plan.whole)
    (empty,) = _one(connection, b"select not exists (select from " + plan.raw.as_bytes(connection) + b")")
    batch.loaded, batch.deleted = staged, 0
    if same_shape and not empty:
        batch.loaded, batch.deleted = _one(connection, dispositions.count_changes(plan))
    batch.unchanged = staged - batch.loaded
    if same_shape and not (batch.loaded or batch.deleted):
        return
    if partial and not staged:
        raise LoadError(
            plan.contract.key,
            f"the source gave no row for {_which(plan)}, where {batch.deleted} are published",
            hint="ask the OPD; if they really took the rows back, delete them from raw by hand",
        )
    if _one(connection, dispositions.alone(plan))[0]:
        connection.execute(b"alter table " + plan.stage.as_bytes(connection) + b" set schema raw")
        publish_table(
            connection,
            Relation("raw", plan.contract.table),
            Relation("raw", plan.stage_name),
            ours=_PRIMARY_KEY,
        )
        return
    connection.execute(dispositions.delete_scope(plan))
    try:
        connection.execute(dispositions.insert_stage(plan))
    except errors.UniqueViolation:
        raise LoadError(
            plan.contract.key,
            f"rows of {_which(plan)} have a key that rows outside of it have",
            hint="a key belongs to one file or window: merge instead, or load the other one again first",
        ) from None


def _which(plan: LoadPlan) -> str:
    return f"{plan.window.start} to {plan.window.end}" if plan.window else f"{plan.file}"


def _append(connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int) -> None:
    if plan.contract.primary_key:
        (contradictions,) = _one(connection, dispositions.count_contradictions(plan))
        if contradictions:
            batch.warnings.append(
                f"{contradictions} rows came again with other values and were left as they are: an append never"
                " changes a row (write_disposition merge does)"
            )
    batch.loaded = connection.execute(dispositions.append_stage(plan)).rowcount
    batch.unchanged = staged - batch.loaded


def _upsert(connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int) -> None:
    batch.loaded = connection.execute(dispositions.upsert_stage(plan)).rowcount
    batch.unchanged = staged - batch.loaded
    if plan.contract.reconcile and plan.complete:
        _mark_gone(connection, plan, batch, staged)


def _version(connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int) -> None:
    batch.loaded = connection.execute(history.correct_versions(plan)).rowcount
    connection.execute(history.close_versions(plan))
    batch.loaded += connection.execute(history.open_versions(plan)).rowcount
    batch.unchanged = staged - batch.loaded
    if plan.complete:
        _mark_gone(connection, plan, batch, staged)


def _mark_gone(connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int) -> None:
    """A complete read is a reconciliation too: what it does not show is gone."""
    batch.deleted = connection.execute(reconcile.mark_gone(plan, plan.stage)).rowcount
    connection.execute(reconcile.record(plan, keys=staged, gone=batch.deleted, overlooked=0))


def reconcile_with(
    connection: Connection[Any], plan: LoadPlan, keys: LoadPlan, batch: Batch, staged: int
) -> None:
    """Marks what is gone by the keys that the source has now, and reads again from what a load overlooked."""
    (standing,) = _one(connection, b"select exists (select from " + plan.raw.as_bytes(connection) + b")")
    if not staged and standing:
        raise LoadError(
            plan.contract.key,
            "the source gave no key at all, where rows are published",
            hint="ask the OPD; nothing was marked as deleted",
        )
    connection.execute(resolve_gone(plan, keys.stage))
    gone = connection.execute(reconcile.mark_gone(plan, keys.stage)).rowcount
    # Without a cursor every load reads all, and is a reconciliation by itself.
    count, least = _one(connection, reconcile.overlooked(plan, keys.stage))
    if count:
        connection.execute(reconcile.lower_watermark(plan, least))
        batch.warnings.append(
            f"{count} rows of the source had been overlooked (changed without a later {plan.contract.cursor}); the"
            f" next load reads again from {least}"
        )
    batch.deleted += gone
    if gone:
        batch.state = "loaded"
    connection.execute(reconcile.record(plan, keys=staged, gone=gone, overlooked=count))
