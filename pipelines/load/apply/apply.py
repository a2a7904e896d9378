"""Stage into raw, in the caller's transaction: which statements, in which order, and what they changed.

Not here: the statements (dispositions.py, history.py, reconcile.py), landing (landing.py), the steps of a load
(loader.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from pipelines.load import watermark
from pipelines.load.apply import added_columns, dispositions, empty_windows, history, reconcile, shrinking
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.quarantine import resolve_gone
from pipelines.warehouse.relation import Relation
from pipelines.warehouse.swap import exchange_table

_PRIMARY_KEY = re.compile(r".*_pkey")
"""What a stage brings along."""


def apply_stage(connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int) -> None:
    """Makes raw what the stage says, and counts what really changed. Raises LoadError."""
    contract = plan.contract
    difference = added_columns.compare(connection, plan)
    swaps = plan.full_refresh or not (contract.merges or contract.appends)
    exchanged = swaps and plan.reads_everything and not contract.keeps_history
    if difference.changed and not exchanged:
        raise LoadError(
            contract.key,
            f"the contract's columns are no longer those of raw.{contract.table}, and rows of before stay in it",
            hint=_way_out(contract),
        )
    added: tuple[str, ...] = ()
    if difference.added and not exchanged:
        _grow(connection, plan, batch, difference.added)
        added, difference = difference.added, added_columns.Difference()
    if contract.cursor:
        if plan.full_refresh:
            connection.execute("delete from ops.watermark where dataset = %s", [contract.key])
        connection.execute(watermark.advance(plan))
        (impossible,) = _one(connection, watermark.count_impossible(plan))
        if impossible:
            batch.warnings.append(
                f"{impossible} rows have a {contract.cursor} that cannot be (over {watermark.AHEAD} ahead of us, or"
                " no time at all): they are loaded and read again each time, and the watermark does not follow them;"
                " ask the OPD to mend them"
            )
    rows_stay = contract.keeps_history or not (swaps or plan.file)
    filling = added_columns.fill(plan, added) if added and rows_stay else None
    filled = connection.execute(filling).rowcount if filling else 0
    if contract.keeps_history:
        _version(connection, plan, batch, staged)
    elif swaps or plan.file is not None:
        _replace(connection, plan, batch, staged, difference)
    elif contract.appends:
        _append(connection, plan, batch, staged)
    else:
        _upsert(connection, plan, batch, staged)
    batch.loaded += filled
    batch.unchanged -= filled
    if contract.partition:
        connection.execute(empty_windows.settle(plan))
        empty_windows.warn(connection, plan, batch)
    batch.state = "loaded" if batch.loaded or batch.deleted else "unchanged"


def _way_out(contract: Contract) -> str:
    reload = f"`gudang reload {contract.key}`"
    by_hand = f"make raw.{contract.table} what the contract says (alter table ...) and load again"
    if contract.keeps_history:
        return f"{by_hand}; or, for a new history, move the table into another schema"
    if contract.appends:
        return f"{by_hand}; or load it whole: {reload} keeps only what the source still has"
    return f"load it whole: {reload}"


def _grow(connection: Connection[Any], plan: LoadPlan, batch: Batch, added: Sequence[str]) -> None:
    connection.execute(added_columns.add(plan, added))
    batch.warnings.append(
        f"raw.{plan.contract.table} got the column {', '.join(added)}; it is empty in rows of before until they are"
        " read again"
    )


def _one(connection: Connection[Any], query: Any) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row


def _replace(
    connection: Connection[Any],
    plan: LoadPlan,
    batch: Batch,
    staged: int,
    difference: added_columns.Difference,
) -> None:
    """By an exchange, where nothing but these rows is in raw; else a window's or a file's rows where they are."""
    partial = plan.window is not None or (plan.file is not None and not plan.full_refresh)
    (nothing,) = _one(connection, b"select not exists (select from " + plan.raw.as_bytes(connection) + b")")
    batch.loaded, batch.deleted = staged, 0
    same_shape = not (difference.added or difference.changed)
    if same_shape and not nothing:
        batch.loaded, batch.deleted = _one(connection, dispositions.count_changes(plan))
    elif not nothing:
        (batch.deleted,) = _one(connection, added_columns.count_gone(plan, difference.common))
    batch.unchanged = staged - batch.loaded
    if same_shape and not (batch.loaded or batch.deleted):
        return
    if partial and not staged and not plan.allow_empty:
        raise empty_windows.EmptyError(
            plan.contract.key,
            f"the source gave no row for {_which(plan)}, where {batch.deleted} are published",
            hint=_consent(plan),
        )
    if batch.deleted:
        (before,) = _one(connection, shrinking.count_before(plan))
        shrinking.check(plan, before, staged)
    if plan.window and plan.contract.primary_key:
        _take_moved(connection, plan, batch)
    if _one(connection, dispositions.replaces_all(plan))[0]:
        connection.execute(b"alter table " + plan.stage.as_bytes(connection) + b" set schema raw")
        exchange_table(
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


def _consent(plan: LoadPlan) -> str:
    reload = f"`gudang reload {plan.contract.key}`"
    if plan.window is None:
        return f"ask the OPD; if they really took the rows back, take the file away: {reload}"
    return (
        f"ask the OPD; if they really took the rows back, run it with the tag {empty_windows.TAG}: true, or load it"
        f" whole: {reload}"
    )


def _take_moved(connection: Connection[Any], plan: LoadPlan, batch: Batch) -> None:
    moved = connection.execute(dispositions.delete_moved(plan)).rowcount
    if moved:
        batch.warnings.append(
            f"{moved} rows were published outside of {_which(plan)} and are in it now: the source has changed their"
            " date, and each stands once"
        )


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
    marks = plan.contract.reconcile and plan.reads_everything
    before = _alive(connection, plan) if marks else 0
    batch.loaded = connection.execute(dispositions.upsert_stage(plan)).rowcount
    batch.unchanged = staged - batch.loaded
    if marks:
        _mark_gone(connection, plan, batch, staged, before)


def _version(connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int) -> None:
    before = _alive(connection, plan) if plan.reads_everything else 0
    batch.loaded = connection.execute(history.correct_versions(plan)).rowcount
    connection.execute(history.close_versions(plan))
    batch.loaded += connection.execute(history.open_versions(plan)).rowcount
    batch.unchanged = staged - batch.loaded
    if plan.reads_everything:
        _mark_gone(connection, plan, batch, staged, before)


def _alive(connection: Connection[Any], plan: LoadPlan) -> int:
    return int(_one(connection, shrinking.count_alive(plan))[0])


def _mark_gone(connection: Connection[Any], plan: LoadPlan, batch: Batch, staged: int, before: int) -> None:
    """A complete read is a reconciliation too: what it does not show is gone."""
    batch.deleted = _marked(connection, plan, plan.stage, before)
    connection.execute(reconcile.record(plan, keys=staged, gone=batch.deleted, overlooked=0))


def _marked(
    connection: Connection[Any],
    plan: LoadPlan,
    present: sql.Identifier,
    before: int,
    *,
    has_refused: bool = False,
) -> int:
    """Marks the rows whose key is not in `present`, and gives their number. Raises ShrunkError where they are many.

    before: the rows that the source still had when it was last read.
    """
    gone = connection.execute(reconcile.mark_gone(plan, present, has_refused=has_refused)).rowcount
    shrinking.check(plan, before, before - gone)
    return gone


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
    gone = _marked(connection, plan, keys.stage, _alive(connection, plan), has_refused=True)
    connection.execute(resolve_gone(plan, keys.stage))
    # Without a cursor every load reads all, and is a reconciliation by itself.
    count, least, without = _one(connection, reconcile.overlooked(plan, keys.stage))
    batch.unreachable = max(without, batch.unreachable or 0)
    if count:
        connection.execute(watermark.lower(plan, keys, least))
        batch.warnings.append(
            f"{count} rows of the source had been overlooked (changed without a later {plan.contract.cursor}); the"
            f" next load reads again from {least}"
        )
    batch.deleted += gone
    if gone:
        batch.state = "loaded"
    connection.execute(reconcile.record(plan, keys=staged, gone=gone, overlooked=count))
