"""Refuses loads that would take away more rows than a source loses by itself, until somebody allows it.

A source that is cut short silently (an API that answers an error as an empty page, a half-written file, a view with a
broken join) looks like one whose rows are gone. Not here: windows that come with no row at all (empty_windows.py).
"""

from __future__ import annotations

from psycopg import sql

from pipelines.errors import LoadError
from pipelines.load.apply import empty_windows
from pipelines.load.plan import LoadPlan

JUDGED_FROM = 20
"""A table with fewer rows may lose any share of them."""


class ShrunkError(LoadError):
    """The source gives so much less than before that it may be cut short."""


def count_before(plan: LoadPlan) -> sql.Composed:
    """The rows of raw that the staged ones would take the place of."""
    return sql.SQL("select count(*) from {} r where {}").format(plan.raw, plan.scope("r"))


def count_alive(plan: LoadPlan) -> sql.Composed:
    """The rows of raw that the source still had when it was last read."""
    alive = sql.SQL("r.is_current" if plan.contract.keeps_history else "r.deleted_at is null")
    return sql.SQL("select count(*) from {} r where {}").format(plan.raw, alive)


def check(plan: LoadPlan, before: int, left: int) -> None:
    """Raises ShrunkError where of `before` rows only `left` stay, and that is a greater loss than the contract allows.

    A full refresh, and a run with the tag of empty windows, may take away any number of rows.
    """
    share = plan.contract.max_shrink_share
    if plan.full_refresh or plan.allow_empty or before < JUDGED_FROM or before - left <= before * share:
        return
    raise ShrunkError(
        plan.contract.key,
        f"sumber memberi {left} baris, padahal raw punya {before}; lebih dari {share:.0%} akan hilang"
        " (max_shrink_share)",
        hint="tanyakan kepada OPD apakah barisnya memang sudah tidak ada; kalau ya, muat ulang penuh"
        f" (`gudang reload {plan.contract.key}`), atau jalankan dengan tag {empty_windows.TAG}: true",
    )
