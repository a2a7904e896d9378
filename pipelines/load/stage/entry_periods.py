"""Finds the open entries of quarantine.row for whose rows a load answers, because it replaced their part of raw.

A load of a window replaces all rows of its days, and an upload all rows of the periods that it has. So a row of these
days that the load did not refuse is fixed, or the source no longer has it. An entry whose day cannot be read belongs to
the window with which its load read it.

Not here: resolving the entries (quarantine.py).
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window, period_begin, window_begin
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import cleaned_cell, stored_value
from pipelines.load.stage.keys import is_usable


def moment_of_entry(contract: Contract) -> sql.Composable:
    """The day or moment of an entry (q) of a partitioned dataset, by its shown cell.

    NULL if the cell is hidden, or is no value of its column.
    """
    assert contract.partition is not None
    column = contract.column(contract.partition.column)
    return sql.SQL(
        "(select case when {usable} then {begin} end from (select q.row ->> {text} as {name}) l"
        " cross join lateral (select {cleaned} as {name}) b)"
    ).format(
        usable=is_usable(contract, column),
        begin=period_begin(column, stored_value(column)),
        text=sql.Literal(column.name),
        name=sql.Identifier(column.name),
        cleaned=cleaned_cell(column),
    )


def is_covered(plan: LoadPlan, source_name: str | None) -> sql.Composable | None:
    """An SQL condition: this load replaced the days or periods of the quarantine entry `q`.

    None if the load replaces no days and no periods.

    source_name: the upload that was read.
    """
    contract = plan.contract
    if contract.partition is None:
        return None
    if plan.window is not None:
        inside = plan.window.condition(moment_of_entry(contract))
        return sql.SQL("({}) or {}").format(inside, _came_with_days_of(plan, plan.window, source_name))
    if contract.replaces_periods:
        every = contract.partition.every
        return sql.SQL("{} in (select {} from {} s)").format(
            window_begin(every, moment_of_entry(contract)), window_begin(every, plan.moment("s")), plan.stage
        )
    return None


def _came_with_days_of(plan: LoadPlan, window: Window, source_name: str | None) -> sql.Composable:
    """Whether an entry (q) names a load whose window lies in this one, of the same upload if it is one.

    The source gave the row for those days, so it would have given it again.
    """
    of_file = sql.SQL("")
    if plan.contract.server.kind == "upload":
        of_file = sql.SQL(" and source_name = {}").format(sql.Literal(source_name))
    return sql.SQL(
        "q.last_batch_id in (select batch_id from ops.load_batch where dataset = {} and window_start >= {}"
        " and window_end <= {}{})"
    ).format(sql.Literal(plan.contract.key), sql.Literal(window.start), sql.Literal(window.end), of_file)
