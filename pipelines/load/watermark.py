"""The watermark: from where on the next incremental read begins. Pure SQL, run by loader.py and publishing.py.

It is the highest cursor value that can be one. A value that lies more than a day after the warehouse's own clock, and
an infinity, would hide every later row: such rows are loaded like others, and the mark does not follow them.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts import Column
from pipelines.load.plan import LoadPlan

EARLIEST = "0002-01-01"
"""No time before it can be asked for again: a lag or a zone would lead out of the calendar that sources know."""
AHEAD = "1 day"
"""How far a source's clock may be ahead of the warehouse's."""
_TIMES = ("date", "timestamp", "timestamptz")


def cursor_column(plan: LoadPlan) -> Column:
    assert plan.contract.cursor is not None
    return plan.contract.column(plan.contract.cursor)


def possible(column: Column, value: sql.Composable) -> sql.Composable:
    """Whether a cursor value can be a mark; never NULL where the value is not."""
    if column.type in _TIMES:
        return sql.SQL("{0} between {1}::{3} and (transaction_timestamp() + {2}::interval)::{3}").format(
            value, sql.Literal(EARLIEST), sql.Literal(AHEAD), _kind(column)
        )
    if column.type == "text":
        return sql.SQL(
            "({0} !~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' or {0} collate \"C\" <"
            " to_char(transaction_timestamp() + {1}::interval + interval '1 day', 'YYYY-MM-DD'))"
        ).format(value, sql.Literal(AHEAD))
    if column.type.startswith(("numeric", "double")):
        # NaN is more than infinity to PostgreSQL.
        return sql.SQL("({0} > '-infinity' and {0} < 'infinity')").format(value)
    return sql.SQL("true")


def advance(plan: LoadPlan) -> sql.Composed:
    """The mark never goes back: a source's clock may. Only from a value that can be none."""
    column = cursor_column(plan)
    cursor = sql.Identifier(column.name)
    # Texts by code point, as the source is asked: any other order would leave rows out.
    collate = sql.SQL(' collate "C"' if column.type == "text" else "")
    highest = sql.SQL("max({}{}) filter (where {})").format(cursor, collate, possible(column, cursor))
    return sql.SQL(
        "insert into ops.watermark as w (dataset, value, batch_id)"
        " select {dataset}, to_jsonb({highest})#>>'{{}}', {batch} from {stage} having {highest} is not null"
        " on conflict (dataset) do update set batch_id = excluded.batch_id, value = case when {standing}"
        " then to_jsonb(greatest(w.value::{type}{c}, excluded.value::{type}{c}))#>>'{{}}' else excluded.value end"
    ).format(
        c=collate,
        dataset=sql.Literal(plan.contract.key),
        highest=highest,
        batch=sql.Literal(plan.batch_id),
        stage=plan.stage,
        standing=_standing(column, sql.SQL("w.value")),
        type=_kind(column),
    )


def count_impossible(plan: LoadPlan) -> sql.Composed:
    """Staged rows that the mark does not follow."""
    column = cursor_column(plan)
    return sql.SQL("select count(*) from {} where not {}").format(
        plan.stage, possible(column, sql.Identifier(column.name))
    )


def read_since(plan: LoadPlan) -> sql.Composed:
    """Where the next incremental read begins: the watermark less the contract's lag, in ISO 8601.

    No row where everything is to be read: nothing was yet, or the mark can be none.
    """
    column = cursor_column(plan)
    value = sql.SQL("value::{}").format(_kind(column))
    if plan.contract.lag:
        value = sql.SQL("greatest({} - {}::interval, {}::{})").format(
            value, sql.Literal(plan.contract.lag), sql.Literal(EARLIEST), _kind(column)
        )
    return sql.SQL("select to_jsonb(({})::{})#>>'{{}}' from ops.watermark where dataset = {} and {}").format(
        value, _kind(column), sql.Literal(plan.contract.key), _standing(column, sql.SQL("value"))
    )


def lower(plan: LoadPlan, value: str) -> sql.Composed:
    """Back to `value` where that is earlier: the next load reads again from there."""
    return sql.SQL(
        "update ops.watermark set value = to_jsonb(least(value::{0}, {1}::{0}))#>>'{{}}' where dataset = {2}"
    ).format(_kind(cursor_column(plan)), sql.Literal(value), sql.Literal(plan.contract.key))


def _standing(column: Column, value: sql.Composable) -> sql.Composable:
    """Whether a kept mark is one for the cursor as it is declared now."""
    return sql.SQL("case when pg_input_is_valid({}, {}) then {} else false end").format(
        value,
        sql.Literal(column.type),
        possible(column, sql.SQL("{}::{}").format(value, _kind(column))),
    )


def _kind(column: Column) -> sql.SQL:
    return sql.SQL(column.type)  # type: ignore[arg-type]  # checked by the contract
