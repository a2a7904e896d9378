"""The watermark: the cursor value from which the next incremental read begins.

Pure SQL, run by loader.py and load/apply/.

It is the highest cursor value that was loaded and is possible. A value more than a day ahead of the warehouse's clock
is impossible: as a watermark it would hide every later row. Rows with such a value are loaded like others, but do not
change the watermark.

An API compares texts by its own rules. So the watermark also keeps the text that the API itself wrote for the value
("2026-09-01T00:30:00Z", "01/09/2026"), and the request sends that text.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import Column
from pipelines.extract.database.shape import EARLIEST
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import sql_type
from pipelines.load.stage.statement import REJECTED, cleaned_rows, value

AHEAD_DAYS = 1
"""How far a source's clock may be ahead of the warehouse's."""
_AHEAD = f"{AHEAD_DAYS} day"
_TIMES = ("date", "timestamp", "timestamptz")
_ISO_8601 = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?)"
"""Finds the date and time at the beginning of a text in ISO 8601; the rest of the text is its zone."""


def cursor_column(plan: LoadPlan) -> Column:
    """The cursor column of the contract, which must have one."""
    assert plan.contract.cursor is not None
    return plan.contract.column(plan.contract.cursor)


def is_possible(column: Column, value: sql.Composable) -> sql.Composable:
    """Whether a cursor value can be a watermark. NULL only if the value is NULL."""
    if column.type in _TIMES:
        return sql.SQL("{0} between {1}::{3} and (transaction_timestamp() + {2}::interval)::{3}").format(
            value, sql.Literal(EARLIEST), sql.Literal(_AHEAD), sql_type(column.type)
        )
    if column.type == "text":
        return sql.SQL(
            "({0} !~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' or {0} collate \"C\" <"
            " to_char(transaction_timestamp() + {1}::interval + interval '1 day', 'YYYY-MM-DD'))"
        ).format(value, sql.Literal(_AHEAD))
    if column.type.startswith(("numeric", "double")):
        # To PostgreSQL NaN is greater than infinity.
        return sql.SQL("({0} > '-infinity' and {0} < 'infinity')").format(value)
    return sql.SQL("true")


def asks_an_api(plan: LoadPlan) -> bool:
    """Whether the source is an API whose request has the watermark's text."""
    extract = plan.contract.extract
    return isinstance(extract, ApiExtract) and extract.incremental_param is not None


def advance(plan: LoadPlan) -> sql.Composed:
    """Moves the watermark forward to the highest possible cursor value of the stage.

    The watermark never goes back, even if the source's clock does, with one exception: if the stored value is not
    possible for today's cursor column.
    """
    column = cursor_column(plan)
    collate = _collate(column)
    return sql.SQL(
        "insert into ops.watermark as w (dataset, value, batch_id, source_text, column_name)"
        " select {dataset}, to_jsonb(h.value)#>>'{{}}', {batch}, {text}, {name} from ({highest}) h (value)"
        " where h.value is not null on conflict (dataset) do update set batch_id = excluded.batch_id,"
        " column_name = excluded.column_name,"
        " (value, source_text) = (select case when {kept_is_later} then w.value else excluded.value end,"
        " case when {kept_is_later} then w.source_text else excluded.source_text end)"
    ).format(
        dataset=sql.Literal(plan.contract.key),
        batch=sql.Literal(plan.batch_id),
        name=sql.Literal(column.source_name),
        text=source_text(plan, sql.Identifier("h", "value")),
        highest=_highest(plan),
        kept_is_later=sql.SQL("{} and w.value::{}{} > excluded.value::{}{}").format(
            _is_valid(column, "w"), sql_type(column.type), collate, sql_type(column.type), collate
        ),
    )


def highest_text(plan: LoadPlan) -> sql.Composed:
    """The query for the text that an API wrote for the highest cursor value of the stage; NULL for other sources."""
    return sql.SQL("select {} from ({}) h (value)").format(
        source_text(plan, sql.Identifier("h", "value")), _highest(plan)
    )


def _highest(plan: LoadPlan) -> sql.Composed:
    column = cursor_column(plan)
    cursor = sql.Identifier(column.name)
    return sql.SQL("select max({}{}) from {} where {}").format(
        cursor, _collate(column), plan.stage, is_possible(column, cursor)
    )


def _collate(column: Column) -> sql.SQL:
    """We compare texts by code point, as the source does. With another order the next read would miss rows."""
    return sql.SQL(' collate "C"' if column.type == "text" else "")


def source_text(plan: LoadPlan, of: sql.Composable) -> sql.Composable:
    """The text that an API wrote for the cursor value `of`, looked up in landing; NULL for any other source."""
    if not asks_an_api(plan):
        return sql.SQL("null::text")
    if plan.held:
        return sql.SQL("{}::text").format(sql.Literal(plan.held.cursor_text))
    column = cursor_column(plan)
    return sql.SQL(
        "(select l.{} from {} where {} = {} and not exists (select from {} r where r.rid = l.ctid) limit 1)"
    ).format(
        sql.Identifier(column.name),
        cleaned_rows(plan),
        sql.SQL("case when pg_input_is_valid({}, {}) then {} end").format(
            sql.Identifier("b", column.name), sql.Literal(column.type), value(plan, column)
        ),
        of,
        REJECTED,
    )


def forget(plan: LoadPlan) -> sql.Composed:
    """Deletes the watermark, so that a full refresh can set it to a lower value."""
    return sql.SQL("delete from ops.watermark where dataset = {}").format(sql.Literal(plan.contract.key))


def count_impossible(plan: LoadPlan) -> sql.Composed:
    """Counts the staged rows whose cursor value is impossible, so that they do not change the watermark."""
    column = cursor_column(plan)
    return sql.SQL("select count(*) from {} where not {}").format(
        plan.stage, is_possible(column, sql.Identifier(column.name))
    )


def read_since(plan: LoadPlan) -> sql.Composed:
    """Where the next incremental read begins: the watermark less the contract's lag, in ISO 8601.

    The query gives no row if everything has to be read: if nothing was loaded yet, the stored value is not possible for
    today's cursor column, or the API's own text is missing.
    """
    column = cursor_column(plan)
    since = sql.SQL("value::{}").format(sql_type(column.type))
    if plan.contract.lag and column.type in _TIMES:
        since = sql.SQL("greatest({} - {}::interval, {}::{})").format(
            since, sql.Literal(plan.contract.lag), sql.Literal(EARLIEST), sql_type(column.type)
        )
    elif plan.contract.lag:
        since = sql.SQL("{} - {}").format(since, sql.Literal(plan.contract.lag))
    return sql.SQL(
        "select to_jsonb(({})::{})#>>'{{}}' from ops.watermark w where dataset = {} and {} and {}"
    ).format(
        since,
        sql_type(column.type),
        sql.Literal(plan.contract.key),
        _is_valid(column, "w"),
        sql.SQL("source_text is not null" if asks_an_api(plan) else "true"),
    )


def since_text(plan: LoadPlan) -> sql.Composed:
    """`plan.since` as the API writes it: one row, NULL if the API's text cannot be changed to an earlier value.

    If `plan.since` is the watermark, it is the watermark's own text. If it is earlier, the text is moved back by the
    difference, and keeps its form and zone.
    """
    column = cursor_column(plan)
    since = sql.SQL("{}::{}").format(sql.Literal(plan.since), sql_type(column.type))
    if column.type in _TIMES:
        earlier = sql.SQL(
            "(select left(overlay(to_char(part::timestamp - (value::timestamptz - ({since})::timestamptz),"
            " 'YYYY-MM-DD HH24:MI:SS.US') placing rpad(substr(part, 11, 1), 1) from 11 for 1), length(part))"
            " || substr(source_text, length(part) + 1) from (select substring(source_text from {form})) p (part))"
        ).format(form=sql.Literal(_ISO_8601), since=since)
    elif column.type == "text":
        earlier = since
    else:
        earlier = sql.SQL(
            "case when pg_input_is_valid(source_text, 'numeric') then (source_text::numeric - (value::numeric"
            " - ({})::numeric))::text end"
        ).format(since)
    return sql.SQL(
        "select case when value::{kind} = {since} then source_text else {earlier} end from ops.watermark"
        " where dataset = {dataset}"
    ).format(kind=sql_type(column.type), since=since, earlier=earlier, dataset=sql.Literal(plan.contract.key))


def lower(plan: LoadPlan, keys: LoadPlan, value: str) -> sql.Composed:
    """Lowers the watermark to `value` if that is earlier, so that the next load reads again from there.

    keys: the plan of the reading of keys that found the value. Its landing has the source's own text.
    """
    kind = sql_type(cursor_column(plan).type)
    of = sql.SQL("{}::{}").format(sql.Literal(value), kind)
    return sql.SQL(
        "update ops.watermark set value = to_jsonb({of})#>>'{{}}', source_text = {text}"
        " where dataset = {dataset} and value::{kind} > {of}"
    ).format(of=of, text=source_text(keys, of), dataset=sql.Literal(plan.contract.key), kind=kind)


def _is_valid(column: Column, alias: str) -> sql.Composable:
    """Whether the stored value belongs to today's cursor column, and is possible."""
    value, name = sql.Identifier(alias, "value"), sql.Identifier(alias, "column_name")
    return sql.SQL(
        "case when {} <> {} then false when pg_input_is_valid({}, {}) then {} else false end"
    ).format(
        name,
        sql.Literal(column.source_name),
        value,
        sql.Literal(column.type),
        is_possible(column, sql.SQL("{}::{}").format(value, sql_type(column.type))),
    )
