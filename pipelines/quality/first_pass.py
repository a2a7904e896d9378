"""Answers expectations that hold by SQL of ours, so that Great Expectations (GX) is only asked about the others.

All rules of single rows are counted in one query, which reads the table once. GX reads it once for each rule of its own
kind, and twice for each written query; and its import takes seconds and 236 MB.

An expectation that does not hold has no answer here: GX gives it, with counts and the query that finds the rows. So has
one of a type, or with an argument, that this module does not know. Not here: running a suite (run.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, LiteralString

import psycopg
import sqlglot
from psycopg import Connection, sql
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from pipelines.numbers import number
from pipelines.quality.query_text import ROWS, outermost
from pipelines.quality.results import CheckResult, describe_rows
from pipelines.quality.suites import QUERY, QUERY_TYPE, ROW_COUNT_TYPE, Expectation
from pipelines.warehouse.relation import Relation, trusted_sql


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule of single rows, as SQL.

    deviates: true for a row that deviates, false or NULL for another. mostly: the share of judged rows that must not
    deviate. judged: true for a judged row.
    """

    deviates: sql.Composable
    mostly: float = 1.0
    judged: sql.Composable | None = None


def row_rule(expectation: Expectation) -> RowRule | None:
    """The expectation as a rule of single rows; None if it is none, or has an argument that is not known here."""
    if expectation.type == QUERY_TYPE:
        return _written_rule(str(expectation.kwargs.get(QUERY, "")))
    kind, kwargs = _KINDS.get(expectation.type), dict(expectation.kwargs)
    mostly = kwargs.pop("mostly", 1)
    names = [kwargs.pop(name, None) for name in kind.columns] if kind else []
    if kind is None or not isinstance(mostly, int | float) or not all(isinstance(n, str) for n in names):
        return None
    cells = [*map(sql.Identifier, names)]
    kept = kind.kept(*cells, kwargs)
    if kept is None or kwargs:
        return None
    judged = sql.SQL(kind.judged).format(*cells)
    return RowRule(sql.SQL("{} and not ({})").format(judged, kept), mostly=mostly, judged=judged)


def is_known(expectation: Expectation) -> bool:
    """Whether this module can answer the expectation if it holds."""
    return (
        row_rule(expectation) is not None
        or _unique_columns(expectation) is not None
        or _row_count_bounds(expectation) is not None
        or (expectation.type == QUERY_TYPE and _on(expectation, ROWS) is not None)
    )


def held(
    expectations: Iterable[Expectation], relation: Relation, rows: int | None, session: Connection[Any]
) -> dict[str, CheckResult]:
    """The results, by name, of the expectations that hold. A query that the database refuses answers nothing.

    rows: the number of rows of `relation`, if it is known. The session's transaction is neither ended nor changed.
    Raises psycopg.errors.QueryCanceled if the session's time limit is over.
    """
    found: dict[str, CheckResult] = {}
    rules: list[tuple[Expectation, RowRule]] = []
    others: list[tuple[Expectation, sql.Composable]] = []
    expectations = [*expectations]
    keys = _unique_keys(relation, session) if any(map(_unique_columns, expectations)) else []
    for expectation in expectations:
        columns = {*(_unique_columns(expectation) or ())}
        if any(key <= columns for key in keys):
            found[expectation.name] = _passed(expectation, 0, rows)
        elif rule := row_rule(expectation):
            rules.append((expectation, rule))
        elif query := _deviating_rows(expectation, relation):
            others.append((expectation, query))
        elif bounds := _row_count_bounds(expectation):
            counted = rows if rows is not None else _count(relation, session)
            if counted is not None and _is_within(counted, *bounds):
                found[expectation.name] = _passed(expectation, 0, rows, f"{number(counted)} baris")
    counts = _counts([rule for _, rule in rules], relation, session) if rules else []
    for (expectation, rule), (unexpected, judged) in zip(rules, counts, strict=False):
        share = (judged - unexpected) / judged if judged else 1.0
        if unexpected == 0 or (rule.mostly < 1 and share >= rule.mostly):
            found[expectation.name] = _passed(expectation, unexpected, rows)
    for expectation, query in others:
        if _fetch(session, sql.SQL("select not exists (\n{}\n)").format(query)) == (True,):
            found[expectation.name] = _passed(expectation, 0, rows)
    return found


def _passed(expectation: Expectation, unexpected: int, rows: int | None, seen: str = "") -> CheckResult:
    """seen: what was counted, if it is not the rows that deviate."""
    message = seen or describe_rows(unexpected, rows)
    return CheckResult(
        expectation.name, expectation.severity, True, unexpected, rows, message, expectation.type, seen
    )


def _counts(rules: Sequence[RowRule], relation: Relation, session: Connection[Any]) -> list[tuple[int, int]]:
    """Of each rule the number of rows that deviate, and of those that are judged; nothing if the query is refused."""
    columns: list[sql.Composable] = []
    for rule in rules:
        columns.append(sql.SQL("count(*) filter (where {})").format(rule.deviates))
        judged = rule.judged if rule.mostly < 1 else None
        columns.append(sql.SQL("count(*) filter (where {})").format(judged) if judged else sql.SQL("0"))
    query = sql.SQL("select {} from {}").format(sql.SQL(",\n").join(columns), trusted_sql(str(relation)))
    row = _fetch(session, query)
    return [*zip(row[::2], row[1::2], strict=True)] if row else []


def _count(relation: Relation, session: Connection[Any]) -> int | None:
    row = _fetch(session, sql.SQL("select count(*) from {}").format(trusted_sql(str(relation))))
    return row[0] if row else None


def _unique_keys(relation: Relation, session: Connection[Any]) -> list[set[str]]:
    """The sets of columns that a unique index keeps unique."""
    found = session.execute(
        "select array_agg(a.attname::text) from pg_index as i join pg_attribute as a on a.attrelid = i.indrelid"
        " and a.attnum = any(i.indkey) where i.indrelid = to_regclass(%s) and i.indisunique and i.indisvalid"
        " and i.indpred is null and i.indexprs is null group by i.indexrelid",
        [str(relation)],
    )
    return [{*names} for (names,) in found.fetchall()]


def _fetch(session: Connection[Any], query: sql.Composed) -> tuple[Any, ...] | None:
    """The first row of the query; None if the database refuses it."""
    try:
        with session.transaction(force_rollback=True):
            return session.execute(query).fetchone()
    except psycopg.errors.QueryCanceled:
        raise
    except psycopg.Error:
        return None


# -- GX's types of expectations ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """A type of expectation.

    kept: gives what must be true of a judged row, NULL counts as true; it takes the arguments that it knows out of
    `kwargs`, and gives None if one of them can't be used. columns: the arguments that name columns. judged: which rows
    are judged.
    """

    kept: Callable[..., sql.Composable | None]
    columns: tuple[str, ...] = ("column",)
    judged: LiteralString = "{} is not null"


def _in_set(cell: sql.Identifier, kwargs: dict[str, Any]) -> sql.Composable | None:
    values = kwargs.pop("value_set", None)
    if not isinstance(values, list | tuple) or not values or None in values:
        return None
    return sql.SQL("{} in ({})").format(cell, sql.SQL(", ").join(map(sql.Literal, values)))


def _between(cell: sql.Composable, kwargs: dict[str, Any]) -> sql.Composable | None:
    low, high = kwargs.pop("min_value", None), kwargs.pop("max_value", None)
    above = sql.SQL(">" if kwargs.pop("strict_min", False) else ">=")
    below = sql.SQL("<" if kwargs.pop("strict_max", False) else "<=")
    bounds = [
        sql.SQL("{} {} {}").format(cell, operator, sql.Literal(bound))
        for operator, bound in ((above, low), (below, high))
        if bound is not None
    ]
    return sql.SQL(" and ").join(bounds) if bounds else None


def _length_between(cell: sql.Identifier, kwargs: dict[str, Any]) -> sql.Composable | None:
    return _between(sql.SQL("length({})").format(cell), kwargs)


def _matches(cell: sql.Identifier, kwargs: dict[str, Any]) -> sql.Composable | None:
    pattern = kwargs.pop("regex", None)
    return sql.SQL("{} ~ {}").format(cell, sql.Literal(pattern)) if isinstance(pattern, str) else None


def _greater(first: sql.Identifier, second: sql.Identifier, kwargs: dict[str, Any]) -> sql.Composable:
    operator = sql.SQL(">=" if kwargs.pop("or_equal", False) else ">")
    return sql.SQL("{} {} {}").format(first, operator, second)


def _equal(first: sql.Identifier, second: sql.Identifier, _kwargs: dict[str, Any]) -> sql.Composable:
    return sql.SQL("({} = {}) is true").format(first, second)


_PAIR = ("column_A", "column_B")
_NOT_BOTH_NULL = "({} is not null or {} is not null)"
_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "expect_column_values_to_not_be_null": _Kind(
            lambda cell, _kwargs: sql.SQL("{} is not null").format(cell), judged="true"
        ),
        "expect_column_values_to_be_in_set": _Kind(_in_set),
        "expect_column_values_to_be_between": _Kind(_between),
        "expect_column_value_lengths_to_be_between": _Kind(_length_between),
        "expect_column_values_to_match_regex": _Kind(_matches),
        "expect_column_pair_values_a_to_be_greater_than_b": _Kind(_greater, _PAIR, _NOT_BOTH_NULL),
        "expect_column_pair_values_to_be_equal": _Kind(_equal, _PAIR, _NOT_BOTH_NULL),
    }
)


def _unique_columns(expectation: Expectation) -> list[str] | None:
    """The columns that must be unique together, if that is what the expectation asks, and no more."""
    if expectation.type == "expect_column_values_to_be_unique" and [*expectation.kwargs] == ["column"]:
        return [str(expectation.kwargs["column"])]
    if expectation.type == "expect_compound_columns_to_be_unique" and [*expectation.kwargs] == [
        "column_list"
    ]:
        return [*map(str, expectation.kwargs["column_list"])]
    return None


def _row_count_bounds(expectation: Expectation) -> tuple[float | None, float | None] | None:
    kwargs = dict(expectation.kwargs)
    low, high = kwargs.pop("min_value", None), kwargs.pop("max_value", None)
    numbers = all(bound is None or isinstance(bound, int | float) for bound in (low, high))
    return (low, high) if expectation.type == ROW_COUNT_TYPE and numbers and not kwargs else None


def _is_within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _deviating_rows(expectation: Expectation, relation: Relation) -> sql.Composable | None:
    """A query that gives rows if the expectation does not hold; None for an expectation that no such query answers."""
    if columns := _unique_columns(expectation):
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        # Rows with an empty cell are never equal, for GX and for an index.
        filled = sql.SQL(" and ").join(sql.SQL("{} is not null").format(sql.Identifier(c)) for c in columns)
        return sql.SQL("select from {} where {} group by {} having count(*) > 1").format(
            trusted_sql(str(relation)), filled, listed
        )
    query = _on(expectation, str(relation)) if expectation.type == QUERY_TYPE else None
    return trusted_sql(query) if query else None


def _on(expectation: Expectation, rows: str) -> str | None:
    """The written query on `rows`; None if it does not read the checked relation."""
    query = str(expectation.kwargs.get(QUERY, "")).strip().rstrip(";")
    if [*expectation.kwargs] != [QUERY] or "{batch}" not in query:
        return None
    try:
        return query.format(batch=rows)
    except (LookupError, ValueError):
        return None


# -- written queries ------------------------------------------------------------------------------------------------


def _written_rule(query: str) -> RowRule | None:
    """The rule of a query `select ... from {batch} where ...`; None for any other query."""
    try:
        text = query.strip().rstrip(";").format(batch=ROWS)
        tree = sqlglot.parse_one(text, read="postgres")
        where = _after_where(text)
    except (SqlglotError, LookupError, ValueError):
        return None
    if not isinstance(tree, exp.Select) or where is None:
        return None
    if {name for name, part in tree.args.items() if part} != {"expressions", "from_", "where"}:
        return None
    if any(part.find(exp.AggFunc, exp.Window, exp.Subquery, exp.Select) for part in tree.expressions):
        return None
    source = tree.args["from_"].this
    if not isinstance(source, exp.Table) or source.name != ROWS or source.args.get("joins"):
        return None
    # GX gives the relation a name of its own, so that a rule that reads an alias could not be asked for its rows.
    if source.args.get("alias") or not _reads_only_the_row(tree.args["where"].this):
        return None
    return RowRule(trusted_sql(f"(\n{where}\n)"))


def _reads_only_the_row(condition: exp.Expr) -> bool:
    """Whether the condition needs no subquery for each row; one that gives the list of an IN is asked once."""
    for select in condition.find_all(exp.Select):
        within = select.parent.parent if isinstance(select.parent, exp.Subquery) else select.parent
        if not isinstance(within, exp.In) or select.find(exp.Exists):
            return False
        # A column without the name of its table may be the row's.
        if any(c.table in ("", ROWS) for c in select.find_all(exp.Column)):
            return False
    return condition.find(exp.Exists) is None


def _after_where(text: str) -> str | None:
    token = outermost(text, TokenType.WHERE)
    return None if token is None else text[token.end + 1 :]
