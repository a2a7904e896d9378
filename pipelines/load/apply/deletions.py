"""Marks the rows of raw that the source has deleted, after a read of everything or a reading of the keys.

Not here: the statements (reconcile.py), how many rows may go (shrinking.py), when the keys are read (load/loader.py).
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection, sql

from pipelines.errors import LoadError
from pipelines.load import watermark
from pipelines.load.apply import reconcile, shrinking, statements
from pipelines.load.apply.staged_batch import StagedBatch
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.quarantine import resolve_gone


def count_alive(staged: StagedBatch) -> int:
    """The number of rows of raw that the source still had when it was last read."""
    return int(staged.fetch(shrinking.count_alive(staged.plan))[0])


def mark_after_full_read(staged: StagedBatch, before: int) -> int:
    """Marks the rows whose key is not in the stage, and records the read as a reconciliation.

    Gives the number of marked rows. before: `count_alive` before the load changed raw. Raises ShrunkError if too many
    rows would be marked.
    """
    gone = _mark(staged, staged.plan.stage, before)
    staged.execute(reconcile.record(staged.plan, keys=staged.rows, gone=gone, overlooked=0))
    return gone


def reconcile_with(
    connection: Connection[Any], plan: LoadPlan, keys: LoadPlan, batch: Batch, key_count: int
) -> None:
    """Marks the rows whose key the source no longer has, and lowers the watermark to rows that loads have missed.

    keys: the plan of the reading of the source's keys, whose stage has `key_count` of them. Raises LoadError if the
    source gave no key although raw has rows, and ShrunkError if too many rows would be marked.
    """
    staged = StagedBatch(connection, plan, batch, key_count)
    if not key_count and staged.fetch(statements.is_empty(plan)) == (False,):
        raise LoadError(
            plan.contract.key,
            "sumber tidak memberi satu kunci pun, padahal gudang data punya baris",
            hint="tanyakan kepada OPD; tidak ada baris yang ditandai terhapus",
            code="GDK-M006",
        )
    gone = _mark(staged, keys.stage, count_alive(staged), includes_refused=True)
    staged.execute(resolve_gone(plan, keys.stage))
    # Without a cursor every load reads everything, and no keys are read.
    overlooked, least, without_cursor = staged.fetch(reconcile.count_overlooked(plan, keys.stage))
    batch.unreachable = max(without_cursor, batch.unreachable or 0)
    if overlooked:
        staged.execute(watermark.lower(plan, keys, least))
        staged.warn(
            f"{overlooked} baris sumber terlewat (berubah tanpa {plan.contract.cursor} yang lebih baru); pemuatan"
            f" berikutnya membaca lagi mulai {least}"
        )
    batch.deleted += gone
    if gone:
        batch.state = "loaded"
    staged.execute(reconcile.record(plan, keys=key_count, gone=gone, overlooked=overlooked))


def _mark(
    staged: StagedBatch, present: sql.Identifier, before: int, *, includes_refused: bool = False
) -> int:
    """Marks the rows whose key is not in `present`, and gives their number. Raises ShrunkError."""
    gone = staged.execute(reconcile.mark_gone(staged.plan, present, includes_refused=includes_refused))
    shrinking.check(staged.plan, before, before - gone)
    return gone
