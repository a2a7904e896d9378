"""Applies the stage to raw, in the caller's transaction: the steps that all dispositions share.

Not here: the dispositions themselves (dispositions.py), landing (load/landing.py), the steps of a whole load
(load/loader.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from pipelines.load import watermark
from pipelines.load.apply import added_columns, empty_windows, statements
from pipelines.load.apply.added_columns import SAME_SHAPE
from pipelines.load.apply.dispositions import Disposition, choose, scope_name
from pipelines.load.apply.staged_batch import StagedBatch
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan


def apply_stage(connection: Connection[Any], plan: LoadPlan, batch: Batch, rows: int) -> None:
    """Applies the stage to raw, and counts in `batch` the rows that really changed.

    rows: how many the stage has. Raises LoadError if the change is not allowed.
    """
    staged = StagedBatch(connection, plan, batch, rows, added_columns.compare(connection, plan))
    if plan.newer and plan.contract.primary_key:
        staged = _without_overtaken(staged)
    disposition = choose(plan)
    added: tuple[str, ...] = ()
    if not disposition.remakes_table:
        added = _add_columns(staged)
        staged = replace(staged, difference=SAME_SHAPE)
    if plan.contract.cursor:
        _advance_watermark(staged)
    filled = _fill(staged, disposition, added)
    counts = disposition.apply(staged)
    batch.loaded, batch.new = counts.loaded + filled, counts.new
    batch.unchanged = staged.rows - batch.loaded
    batch.deleted = counts.deleted
    if plan.contract.windows:
        staged.execute(empty_windows.forget_covered_days(plan))
        empty_windows.warn(connection, plan, batch)
    batch.state = "loaded" if batch.loaded or batch.deleted else "unchanged"


def _without_overtaken(staged: StagedBatch) -> StagedBatch:
    """Leaves out the staged rows that an upload which came later has in another period."""
    overtaken = staged.execute(statements.drop_overtaken(staged.plan))
    if overtaken:
        staged.warn(
            f"{overtaken} baris {scope_name(staged.plan)} tidak dimuat: berkas yang datang sesudahnya memindahkannya ke"
            " periode lain"
        )
    return replace(staged, rows=staged.rows - overtaken)


def _add_columns(staged: StagedBatch) -> tuple[str, ...]:
    """Adds the contract's new columns to raw, and gives their names. Raises LoadError for any other difference."""
    contract, difference = staged.plan.contract, staged.difference
    if difference.changed:
        raise LoadError(
            contract.key,
            f"kolom kontrak tidak lagi sama dengan kolom raw.{contract.table}, sedangkan baris lama tetap di sana",
            hint=_how_to_change_columns(contract),
            code="GDK-M008",
        )
    if difference.added:
        staged.execute(added_columns.add(staged.plan, difference.added))
        staged.warn(
            f"raw.{contract.table} mendapat kolom {', '.join(difference.added)}; pada baris lama isinya kosong sampai"
            " baris itu dibaca lagi"
        )
    return difference.added


def _how_to_change_columns(contract: Contract) -> str:
    reload = f"`gudang reload {contract.key}`"
    by_hand = f"samakan raw.{contract.table} dengan kontrak (alter table ...), lalu muat lagi"
    if contract.keeps_history:
        return f"{by_hand}; atau, untuk riwayat yang baru, pindahkan tabel itu ke schema lain"
    if contract.appends:
        return f"{by_hand}; atau muat ulang penuh: {reload} hanya menyimpan baris yang masih ada di sumber"
    return f"muat ulang penuh: {reload}"


def _advance_watermark(staged: StagedBatch) -> None:
    """Moves the watermark forward, and warns of impossible cursor values."""
    plan = staged.plan
    if plan.full_refresh:
        staged.execute(watermark.forget(plan))
    staged.execute(watermark.advance(plan))
    (impossible,) = staged.fetch(watermark.count_impossible(plan))
    if impossible:
        staged.warn(
            f"{impossible} baris mempunyai {plan.contract.cursor} yang mustahil (lebih dari {watermark.AHEAD_DAYS} hari"
            " di depan jam gudang data, atau bukan waktu): baris itu dimuat dan dibaca lagi setiap kali, dan tanda air"
            " tidak mengikutinya; minta OPD memperbaikinya"
        )


def _fill(staged: StagedBatch, disposition: Disposition, added: tuple[str, ...]) -> int:
    """Fills the added columns of rows that stay in raw, and gives their number."""
    if not (added and disposition.keeps_rows):
        return 0
    statement = added_columns.fill(staged.plan, added)
    return staged.execute(statement) if statement else 0
