"""Loads that would take away more rows than a source loses by itself: refused until somebody allows it.

A source that is cut short without a word (an API that answers an error as an empty page, a half-written file, a view
with a broken join) looks like one whose rows are gone. Not here: windows that come with no row at all
(empty_windows.py).
"""

from __future__ import annotations

from psycopg import sql

from pipelines.errors import LoadError
from pipelines.load.apply import empty_windows
from pipelines.load.plan import LoadPlan

JUDGED_FROM = 20
"""Published rows from which on a share of them says something."""


class ShrunkError(LoadError):
    """The source gives so much less than before that it may be cut short."""


def count_before(plan: LoadPlan) -> sql.Composed:
    """The published rows that the load would put others in the place of."""
    return sql.SQL("select count(*) from {} r where {}").format(plan.raw, plan.scope("r"))


def count_alive(plan: LoadPlan) -> sql.Composed:
    """The published rows that the source still had when it was last read."""
    alive = sql.SQL("r.is_current" if plan.contract.keeps_history else "r.deleted_at is null")
    return sql.SQL("select count(*) from {} r where {}").format(plan.raw, alive)


def check(plan: LoadPlan, before: int, left: int) -> None:
    """Raises ShrunkError where more than the contract's share of `before` published rows would go, and `left` stay.

    A full refresh, and a run that allows it, take what the source gives as the truth.
    """
    share = plan.contract.max_shrink_share
    if plan.full_refresh or plan.allow_empty or before < JUDGED_FROM or before - left <= before * share:
        return
    raise ShrunkError(
        plan.contract.key,
        f"the source gives {left} rows where {before} are published; more than {share:.0%} of them would go"
        " (max_shrink_share)",
        hint="ask the OPD whether the rows are really gone; then load it whole"
        f" (`gudang reload {plan.contract.key}`), or run it with the tag {empty_windows.TAG}: true",
    )
