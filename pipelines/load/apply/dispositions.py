"""Applies the stage to raw: one class for each way to do it, and `choose`, which picks one by the plan.

What belongs here: the order of the statements of each way, the loads that it refuses, and its row counts. Not here: the
statements (statements.py, history.py, reconcile.py), the steps that all ways share (steps.py).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

from psycopg import errors

from pipelines.contracts.model import WriteDisposition
from pipelines.errors import LoadError
from pipelines.load.apply import added_columns, deletions, empty_windows, history, shrinking, statements
from pipelines.load.apply.staged_batch import StagedBatch
from pipelines.load.plan import LoadPlan
from pipelines.warehouse.relation import Relation
from pipelines.warehouse.swap import exchange_table

_PRIMARY_KEY = re.compile(r".*_pkey")
"""Matches the names of indexes that the stage already has."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows were added to raw or changed, and how many were deleted or marked as deleted.

    new: how many of the first were added. Without a key no row is the changed version of another.
    """

    loaded: int
    new: int
    deleted: int = 0


class Disposition(ABC):
    """One way to apply the stage to raw.

    keeps_rows: rows of earlier loads stay in raw.
    remakes_table: the stage becomes the table, so raw may have had other columns than the contract.
    """

    keeps_rows: ClassVar[bool] = True
    remakes_table: ClassVar[bool] = False

    @abstractmethod
    def apply(self, staged: StagedBatch) -> Counts:
        """Applies the stage to raw. Raises LoadError if the change is not allowed."""


def choose(plan: LoadPlan) -> Disposition:
    """The way that contract and plan require."""
    contract = plan.contract
    if contract.keeps_history:
        return Versions()
    if plan.window is not None or (plan.file is not None and not plan.full_refresh):
        return ReplaceScope()
    if plan.full_refresh or contract.disposition is WriteDisposition.REPLACE:
        return Exchange()
    return Append() if contract.appends else Upsert()


class Exchange(Disposition):
    """Replaces the whole table by the stage, in one exchange."""

    keeps_rows = False
    remakes_table = True

    def apply(self, staged: StagedBatch) -> Counts:
        """Exchanges raw for the stage if a row or a column changed. Raises ShrunkError if too many rows would go."""
        counts = self._count(staged)
        if staged.difference.same_shape and not (counts.loaded or counts.deleted):
            return counts
        _refuse_shrinking(staged, counts)
        _exchange(staged)
        return counts

    def _count(self, staged: StagedBatch) -> Counts:
        if staged.difference.same_shape:
            return _count_changes(staged)
        if _raw_is_empty(staged):
            return Counts(staged.rows, staged.rows)
        (gone,) = staged.fetch(added_columns.count_gone(staged.plan, staged.difference.common))
        has_key = staged.plan.contract.primary_key and staged.difference.only_adds
        return Counts(staged.rows, _count_new(staged) if has_key else staged.rows, gone)


class ReplaceScope(Disposition):
    """Replaces the rows of one window or one file by the stage."""

    keeps_rows = False

    def apply(self, staged: StagedBatch) -> Counts:
        """Deletes the rows of the window or file, and adds the staged rows, if a row changed.

        Raises EmptyError if the stage is empty, ShrunkError if too many rows would go, and LoadError if a row outside
        of the window or file has a key of the stage.
        """
        counts = _count_changes(staged)
        if not (counts.loaded or counts.deleted):
            return counts
        self._refuse_emptiness(staged, counts)
        _refuse_shrinking(staged, counts)
        if staged.plan.contract.partition and staged.plan.contract.primary_key:
            counts = replace(counts, new=counts.new - self._delete_moved(staged))
        (nothing_else,) = staged.fetch(statements.replaces_all(staged.plan))
        if nothing_else:
            _exchange(staged)
        else:
            self._replace_rows(staged)
        return counts

    def _refuse_emptiness(self, staged: StagedBatch, counts: Counts) -> None:
        if staged.rows or staged.plan.allow_empty:
            return
        raise empty_windows.EmptyError(
            staged.plan.contract.key,
            f"sumber tidak memberi satu baris pun untuk {scope_name(staged.plan)}, padahal gudang data punya"
            f" {counts.deleted} baris di sana",
            hint=_how_to_empty(staged.plan),
            code="GDK-M006",
        )

    def _delete_moved(self, staged: StagedBatch) -> int:
        """Deletes the old copy of each row outside of the window or periods that the source has moved into them.

        Gives their number.
        """
        moved = staged.execute(statements.delete_moved(staged.plan))
        if moved:
            staged.warn(
                f"{moved} baris yang tadinya di luar {scope_name(staged.plan)} kini ada di dalamnya: sumber mengubah"
                " tanggalnya, dan setiap baris tetap ada satu kali"
            )
        return moved

    def _replace_rows(self, staged: StagedBatch) -> None:
        staged.execute(statements.delete_scope(staged.plan))
        try:
            staged.execute(statements.insert_stage(staged.plan))
        except errors.UniqueViolation:
            raise LoadError(
                staged.plan.contract.key,
                f"{scope_name(staged.plan)} punya baris yang kuncinya juga dipakai baris di luarnya",
                hint="satu kunci hanya boleh ada di satu berkas atau jendela: pakai write_disposition merge, atau"
                " muat lagi yang lain lebih dulu",
                code="GDK-M007",
            ) from None


class Append(Disposition):
    """Adds rows; a row of raw never changes."""

    def apply(self, staged: StagedBatch) -> Counts:
        """Adds the staged rows that raw does not have. Warns if a known key comes with other values."""
        if staged.plan.contract.primary_key:
            self._warn_of_contradictions(staged)
        added = staged.execute(statements.append_stage(staged.plan))
        return Counts(added, added)

    def _warn_of_contradictions(self, staged: StagedBatch) -> None:
        (contradictions,) = staged.fetch(statements.count_contradictions(staged.plan))
        if contradictions:
            staged.warn(
                f"{contradictions} baris datang lagi dengan nilai lain dan dibiarkan seperti semula: append tidak"
                " pernah mengubah baris (write_disposition merge mengubahnya)"
            )


class Upsert(Disposition):
    """Inserts or updates rows by key; a read of everything marks the other rows as deleted."""

    def apply(self, staged: StagedBatch) -> Counts:
        """Inserts or updates the staged rows, and marks deleted rows. Raises ShrunkError if these are too many."""
        marks_deletions = bool(staged.plan.contract.reconcile) and staged.plan.reads_everything
        before = deletions.count_alive(staged) if marks_deletions else 0
        new = _count_new(staged)
        loaded = staged.execute(statements.upsert_stage(staged.plan))
        return Counts(loaded, new, deletions.mark_after_full_read(staged, before) if marks_deletions else 0)


class Versions(Disposition):
    """Adds versions to a history; a read of everything ends the current versions of the other keys."""

    def apply(self, staged: StagedBatch) -> Counts:
        """Corrects, ends and adds versions by the staged rows. Raises ShrunkError if too many keys would end."""
        marks_deletions = staged.plan.reads_everything
        before = deletions.count_alive(staged) if marks_deletions else 0
        new = _count_new(staged)
        loaded = staged.execute(history.correct_versions(staged.plan))
        staged.execute(history.close_versions(staged.plan))
        loaded += staged.execute(history.open_versions(staged.plan))
        # Of two versions of a key that begin at the same time only one is kept.
        new = min(new, loaded)
        return Counts(loaded, new, deletions.mark_after_full_read(staged, before) if marks_deletions else 0)


def _count_new(staged: StagedBatch) -> int:
    """How many staged rows have a key that raw does not have."""
    if _raw_is_empty(staged):
        return staged.rows
    (new,) = staged.fetch(statements.count_new(staged.plan))
    return new


# -- shared by Exchange and ReplaceScope -----------------------------------------------------------------------


def _count_changes(staged: StagedBatch) -> Counts:
    """How many rows the replacement will change. If raw is empty, as before a first load, nothing is compared."""
    if _raw_is_empty(staged):
        return Counts(staged.rows, staged.rows)
    return Counts(*staged.fetch(statements.count_changes(staged.plan)))


def _raw_is_empty(staged: StagedBatch) -> bool:
    return staged.fetch(statements.is_empty(staged.plan)) == (True,)


def _refuse_shrinking(staged: StagedBatch, counts: Counts) -> None:
    """Raises ShrunkError if too many rows would go."""
    if counts.deleted:
        (before,) = staged.fetch(shrinking.count_before(staged.plan))
        shrinking.check(staged.plan, before, staged.rows)


def _exchange(staged: StagedBatch) -> None:
    """Replaces the table in raw by the stage."""
    staged.execute(statements.move_stage(staged.plan))
    exchange_table(
        staged.connection,
        Relation("raw", staged.plan.contract.table),
        Relation("raw", staged.plan.stage_name),
        ours=_PRIMARY_KEY,
        patience=staged.plan.waits.locks,
    )


def scope_name(plan: LoadPlan) -> str:
    """The window or the file, as an operator reads it."""
    return f"jendela {plan.window.start} s.d. {plan.window.end}" if plan.window else f"berkas {plan.file}"


def _how_to_empty(plan: LoadPlan) -> str:
    reload = f"`gudang reload {plan.contract.key}`"
    really_gone = "tanyakan kepada OPD; kalau barisnya memang ditarik"
    if plan.file is not None:
        return f"{really_gone}, ambil berkas itu dari zona unggah lalu muat ulang penuh: {reload}"
    return f"{really_gone}, terima lewat job {empty_windows.JOB}, atau muat ulang penuh: {reload}"
