"""Says what a single expression of a parsed query is: an aggregate, a window, a clause, a known function.

What belongs here: questions about one node of sqlglot's tree. Not here: where its columns come from (flow.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from sqlglot import exp

from pipelines.models.lineage.provenance import NotFollowedError
from pipelines.warehouse.query_reads import PURE_FUNCTIONS

LIMITS = ("limit", "offset", "fetch")
"""The arguments of sqlglot's tree that leave only some of the rows."""

SUMMING = (
    exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.LogicalAnd, exp.LogicalOr, exp.Stddev, exp.StddevPop,
    exp.StddevSamp, exp.Variance, exp.VariancePop, exp.Corr, exp.CovarPop, exp.CovarSamp,
)  # fmt: skip
"""Aggregates whose result does not hold the value of one row, unlike that of min, max, string_agg."""


def refuse_unknown(tree: exp.Expr) -> None:
    """Raises NotFollowedError for a function or a construct that might read more than its arguments."""
    if isinstance(tree, exp.Anonymous | exp.AnonymousAggFunc) and tree.name.lower() not in PURE_FUNCTIONS:
        raise NotFollowedError(
            f"fungsi {tree.name} tidak dikenal sebagai fungsi yang hanya membaca argumennya"
        )
    if isinstance(tree, exp.Dot) and isinstance(tree.expression, exp.Func):
        schema = tree.this.name.lower()
        if schema not in ("ops", "pg_catalog"):
            raise NotFollowedError(f"fungsi dari schema {schema}")
    if isinstance(tree, exp.TableColumn | exp.Command):
        raise NotFollowedError("baris utuh, atau perintah")


def children(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The expressions right below this one; stars, names and types are none."""
    for value in cast(Mapping[str, Any], tree.args).values():
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, exp.Expr) and not isinstance(
                child, exp.Star | exp.Identifier | exp.DataType
            ):
                yield child


def order_chooses(tree: exp.Expr) -> bool:
    """Whether ORDER BY may decide which rows are left: the query has a limit, or is nested in one that may have it."""
    return tree.parent is not None or any(tree.args.get(key) is not None for key in LIMITS)


def clauses(value: Any) -> list[exp.Expr]:
    """The expressions of one argument of a tree: one, several (`window a as (), b as ()`), or none."""
    return [
        clause for clause in (value if isinstance(value, list) else [value]) if isinstance(clause, exp.Expr)
    ]


def asks_for_null(tree: exp.Expr) -> bool:
    """Whether it is `x is null` of a column; `x is true` would reveal more of x."""
    return (
        isinstance(tree, exp.Is)
        and isinstance(tree.this, exp.Column)
        and isinstance(tree.expression, exp.Null)
    )


def counts_columns(tree: exp.Expr) -> bool:
    """Whether a count is `count(*)`, or counts plain columns only."""
    first = tree.this
    counted_ = list(first.expressions) if isinstance(first, exp.Distinct) else [first]
    return all(c is None or isinstance(c, exp.Column | exp.Star) for c in counted_)


def is_aggregating(tree: exp.Expr) -> bool:
    """Whether a projection makes one row of many. Aggregates over a window or in a subquery do not count."""
    if isinstance(tree, exp.Query):
        return False
    if isinstance(tree, exp.AggFunc) and not is_over_window(tree):
        return True
    return any(is_aggregating(child) for child in children(tree))


def is_over_window(tree: exp.Expr) -> bool:
    """Whether an aggregate has OVER (...), so that all rows are kept."""
    parent = tree.parent
    while isinstance(parent, exp.Filter | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
        parent = parent.parent
    return isinstance(parent, exp.Window)
