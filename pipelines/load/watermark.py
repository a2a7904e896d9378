"""The watermark: from where on the next incremental read begins. Pure SQL, run by loader.py and load/apply/apply.py.

It is the highest cursor value that can be one. A value that lies more than a day after the warehouse's own clock would
hide every later row: such rows are loaded like others, and the mark does not follow them.

An API is asked by a text, which it compares by its own rules. So beside the value the mark has the text that the API
itself wrote for it ("2026-09-01T00:30:00Z", "01/09/2026"), and that is what it is asked from.
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import Column
from pipelines.extract.database.shape import EARLIEST
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.statement import REJECTED, cleaned_rows, value

AHEAD = "1 day"
"""How far a source's clock may be ahead of the warehouse's."""
_TIMES = ("date", "timestamp", "timestamptz")
_FORM = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?)"
"""The date and time of a text that begins with one in ISO 8601; what follows is its zone."""


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


def asks_an_api(plan: LoadPlan) -> bool:
    """Whether the source is asked by a text of its own."""
    extract = plan.contract.extract
    return isinstance(extract, ApiExtract) and extract.incremental_param is not None


def advance(plan: LoadPlan) -> sql.Composed:
    """The mark never goes back: a source's clock may. Only from a value that can be none."""
    column = cursor_column(plan)
    cursor = sql.Identifier(column.name)
    # Texts by code point, as the source is asked: any other order would leave rows out.
    collate = sql.SQL(' collate "C"' if column.type == "text" else "")
    highest = sql.SQL("select max({}{}) from {} where {}").format(
        cursor, collate, plan.stage, possible(column, cursor)
    )
    return sql.SQL(
        "insert into ops.watermark as w (dataset, value, batch_id, source_text, column_name)"
        " select {dataset}, to_jsonb(h.value)#>>'{{}}', {batch}, {text}, {name} from ({highest}) h (value)"
        " where h.value is not null on conflict (dataset) do update set batch_id = excluded.batch_id,"
        " column_name = excluded.column_name,"
        " (value, source_text) = (select case when {later} then w.value else excluded.value end,"
        " case when {later} then w.source_text else excluded.source_text end)"
    ).format(
        dataset=sql.Literal(plan.contract.key),
        batch=sql.Literal(plan.batch_id),
        name=sql.Literal(column.source_name),
        text=source_text(plan, sql.Identifier("h", "value")),
        highest=highest,
        later=sql.SQL("{} and w.value::{}{} > excluded.value::{}{}").format(
            _standing(column, "w"), _kind(column), collate, _kind(column), collate
        ),
    )


def source_text(plan: LoadPlan, of: sql.Composable) -> sql.Composable:
    """What an API wrote for the cursor value `of`, looked up in the plan's landing; NULL for any other source."""
    if not asks_an_api(plan):
        return sql.SQL("null::text")
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


def count_impossible(plan: LoadPlan) -> sql.Composed:
    """Staged rows that the mark does not follow."""
    column = cursor_column(plan)
    return sql.SQL("select count(*) from {} where not {}").format(
        plan.stage, possible(column, sql.Identifier(column.name))
    )


def read_since(plan: LoadPlan) -> sql.Composed:
    """Where the next incremental read begins: the watermark less the contract's lag, in ISO 8601.

    No row where everything is to be read: nothing was yet, the mark can be none, or an API's own text of it is missing.
    """
    column = cursor_column(plan)
    since = sql.SQL("value::{}").format(_kind(column))
    if plan.contract.lag and column.type in _TIMES:
        since = sql.SQL("greatest({} - {}::interval, {}::{})").format(
            since, sql.Literal(plan.contract.lag), sql.Literal(EARLIEST), _kind(column)
        )
    elif plan.contract.lag:
        since = sql.SQL("{} - {}").format(since, sql.Literal(plan.contract.lag))
    return sql.SQL(
        "select to_jsonb(({})::{})#>>'{{}}' from ops.watermark w where dataset = {} and {} and {}"
    ).format(
        since,
        _kind(column),
        sql.Literal(plan.contract.key),
        _standing(column, "w"),
        sql.SQL("source_text is not null" if asks_an_api(plan) else "true"),
    )


def asked(plan: LoadPlan) -> sql.Composed:
    """`plan.since` as the API writes it: the mark's own text, or as much earlier as `plan.since` is than the mark.

    One row; NULL where the text has no form in which an earlier time or number could be written.
    """
    column = cursor_column(plan)
    since = sql.SQL("{}::{}").format(sql.Literal(plan.since), _kind(column))
    if column.type in _TIMES:
        earlier = sql.SQL(
            "(select left(overlay(to_char(part::timestamp - (value::timestamptz - ({since})::timestamptz),"
            " 'YYYY-MM-DD HH24:MI:SS.US') placing rpad(substr(part, 11, 1), 1) from 11 for 1), length(part))"
            " || substr(source_text, length(part) + 1) from (select substring(source_text from {form})) p (part))"
        ).format(form=sql.Literal(_FORM), since=since)
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
    ).format(kind=_kind(column), since=since, earlier=earlier, dataset=sql.Literal(plan.contract.key))


def lower(plan: LoadPlan, keys: LoadPlan, value: str) -> sql.Composed:
    """Back to `value` where that is earlier: the next load reads again from there.

    keys: the reading that found it; its landing has the source's own text.
    """
    kind = _kind(cursor_column(plan))
    of = sql.SQL("{}::{}").format(sql.Literal(value), kind)
    return sql.SQL(
        "update ops.watermark set value = to_jsonb({of})#>>'{{}}', source_text = {text}"
        " where dataset = {dataset} and value::{kind} > {of}"
    ).format(of=of, text=source_text(keys, of), dataset=sql.Literal(plan.contract.key), kind=kind)


def _standing(column: Column, alias: str) -> sql.Composable:
    """Whether a kept mark is one for the cursor as it is declared now."""
    value, name = sql.Identifier(alias, "value"), sql.Identifier(alias, "column_name")
    return sql.SQL(
        "case when {} <> {} then false when pg_input_is_valid({}, {}) then {} else false end"
    ).format(
        name,
        sql.Literal(column.source_name),
        value,
        sql.Literal(column.type),
        possible(column, sql.SQL("{}::{}").format(value, _kind(column))),
    )


def _kind(column: Column) -> sql.SQL:
    return sql.SQL(column.type)  # type: ignore[arg-type]  # checked by the contract
