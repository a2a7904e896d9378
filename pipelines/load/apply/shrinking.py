"""Refuses a load that would remove so many rows that its source may be incomplete, until an operator allows it.

A source that gives only a part (an API that answers an error as an empty page, a half-written file, a view with a
broken join) looks like a source that has deleted the others. Not here: windows for which it gives no row
at all (empty_windows.py).
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.windows import period_begin
from pipelines.errors import LoadError
from pipelines.load.apply import empty_windows
from pipelines.load.plan import LoadPlan

JUDGED_FROM = 20
"""A table with fewer rows may lose any share of them."""


class ShrunkError(LoadError):
    """The source gives so many rows less than before that it may be incomplete."""


def count_before(plan: LoadPlan) -> sql.Composed:
    """Counts the rows of raw that the staged rows would replace, without those whose retention is over."""
    before = sql.SQL("select count(*) from {} r where {}").format(plan.raw, plan.scope("r"))
    column = plan.contract.period_column
    if plan.oldest is None or column is None:
        return before
    begin = period_begin(column, sql.Identifier("r", column.name))
    return before + sql.SQL(" and coalesce({} >= {}, true)").format(begin, sql.Literal(plan.oldest))


def count_alive(plan: LoadPlan) -> sql.Composed:
    """Counts the rows of raw that the source still had when it was last read."""
    alive = sql.SQL("r.is_current" if plan.contract.keeps_history else "r.deleted_at is null")
    return sql.SQL("select count(*) from {} r where {}").format(plan.raw, alive)


def check(plan: LoadPlan, before: int, left: int) -> None:
    """Raises ShrunkError if only `left` of `before` rows stay, and the contract does not allow so great a loss.

    A full refresh, and a run with the tag of empty windows, may remove any number of rows.
    """
    share = plan.contract.max_shrink_share
    if plan.full_refresh or plan.allow_empty or before < JUDGED_FROM or before - left <= before * share:
        return
    raise ShrunkError(
        plan.contract.key,
        f"sumber memberi {left} baris, padahal gudang data punya {before}; lebih dari {share:.0%} akan hilang"
        " (max_shrink_share)",
        hint="tanyakan kepada OPD apakah barisnya memang sudah tidak ada; kalau ya, muat ulang penuh"
        f" (`gudang reload {plan.contract.key}`), atau terima lewat job {empty_windows.JOB}",
        code="GDK-M005",
    )
