"""Follows the columns of a written query to what they are made of, so that no closed value is shown under another name.

Only listed shapes are followed: SELECT from tables, common table expressions and subqueries with plain names, and the
expressions of _FOLLOWED. In every other query all columns are closed. Names are folded as PostgreSQL folds them.

Not here: which columns of a table may be shown, and taking the sample (evidence.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlglot import exp

Columns = Mapping[str, bool]
"""The columns of a relation by name, and whether their values may be shown. A name that is missing is closed."""

_REFERENCE = re.compile(r"ref_\w+")
_SELECT = frozenset(
    {
        "with_",
        "expressions",
        "distinct",
        "from_",
        "joins",
        "where",
        "group",
        "having",
        "order",
        "limit",
        "offset",
    }
)
"""The parts of a SELECT that are followed, of which only the select list gives values. All others are not known here:
a part that could give a relation or a name must not be overlooked."""
_FOLLOWED = frozenset(
    {
        *(exp.Alias, exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren),
        *(exp.Cast, exp.DataType, exp.DataTypeParam, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod),
        *(exp.DPipe, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.Not, exp.And, exp.Or),
        *(
            exp.Case,
            exp.If,
            exp.Coalesce,
            exp.Nullif,
            exp.Round,
            exp.Abs,
            exp.Extract,
            exp.TimestampTrunc,
            exp.Var,
        ),
        *(exp.Count, exp.Distinct, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Filter, exp.Where),
        *(exp.Window, exp.Order, exp.Ordered),
    }
)
"""Expressions whose value is made only of the columns in them. A function that is not listed may read anything."""


class _UnclearError(Exception):
    """The query has a shape that is not followed."""


class _Open(dict[str, bool]):
    """The columns of a reference table: whatever their names, everybody may read them."""


def own_columns(query: exp.Select, relations: Mapping[str, Columns]) -> list[tuple[str, bool]]:
    """The names of a query's columns, and whether their values may be shown: none if the query is not followed.

    relations: the relations without a schema that the query may read. It may also read reference tables
    (core.ref_*), which everybody may read. The query has no star in its select list.
    """
    try:
        may_show = [open_ for _, open_ in _columns_of(query, relations)]
    except _UnclearError:
        may_show = [False] * len(query.expressions)
    names = (p.alias_or_name or f"nilai_{n}" for n, p in enumerate(query.expressions, 1))
    return list(zip(names, may_show, strict=True))


def folded(name: exp.Expr | None) -> str:
    """A name as PostgreSQL knows it: in small letters, unless it is quoted. "" for None."""
    if name is None:
        return ""
    if not isinstance(name, exp.Identifier):
        raise _UnclearError
    # PostgreSQL folds only the letters of ASCII where a letter may take more than one byte.
    return name.name if name.quoted else re.sub("[A-Z]+", lambda found: found[0].lower(), name.name)


def _columns_of(query: exp.Expr | None, relations: Mapping[str, Columns]) -> list[tuple[str, bool]]:
    """Names and whether they may be shown, in order; the name "" for a column that PostgreSQL names."""
    if not isinstance(query, exp.Select) or not _has_only(query, _SELECT):
        raise _UnclearError
    known = dict(relations)
    if with_ := query.args.get("with_"):
        if with_.args.get("recursive"):
            raise _UnclearError
        for cte in with_.expressions:
            name = _alias(cte)
            if name in known:
                raise _UnclearError
            known[name] = _by_name(_columns_of(cte.this, known))
    sources: dict[str, Columns] = {}
    for item in _sources(query):
        name, columns = _source(item, known)
        if name in sources:
            raise _UnclearError
        sources[name] = columns
    found: list[tuple[str, bool]] = []
    for part in query.expressions:
        if isinstance(part, exp.Star):
            if _has_only(part, frozenset()) and not any(isinstance(s, _Open) for s in sources.values()):
                found += [column for columns in sources.values() for column in columns.items()]
                continue
            raise _UnclearError
        name = folded(part.args["alias"]) if isinstance(part, exp.Alias) else ""
        if isinstance(part, exp.Column) and isinstance(part.this, exp.Identifier):
            name = folded(part.this)
        found.append((name, _may_show(part, sources)))
    return found


def _has_only(node: exp.Expr, parts: frozenset[str]) -> bool:
    return all(name in parts for name, value in node.args.items() if value)


def _alias(node: exp.Expr) -> str:
    """The alias of a relation, "" for none. One that also renames columns is not followed."""
    alias = node.args.get("alias")
    if alias is None:
        return ""
    if not isinstance(alias, exp.TableAlias) or not _has_only(alias, frozenset({"this"})):
        raise _UnclearError
    return folded(alias.this)


def _by_name(columns: Iterable[tuple[str, bool]]) -> Columns:
    found: dict[str, bool] = {}
    for name, may_show in columns:
        found[name] = may_show and found.get(name, True)
    found.pop("", None)
    return found


def _sources(query: exp.Select) -> list[exp.Expr]:
    """What the query reads. A join that merges columns (USING, NATURAL) is not followed."""
    from_, joins = query.args.get("from_"), query.args.get("joins") or []
    if not all(_has_only(join, frozenset({"this", "on", "side", "kind"})) for join in joins):
        raise _UnclearError
    return [part.this for part in ([from_] if from_ else []) + joins]


def _source(item: exp.Expr, known: Mapping[str, Columns]) -> tuple[str, Columns]:
    """Name and columns of one relation that a query reads."""
    if isinstance(item, exp.Subquery) and _has_only(item, frozenset({"this", "alias"})):
        return _alias(item), _by_name(_columns_of(item.this, known))
    if not isinstance(item, exp.Table) or not _has_only(item, frozenset({"this", "db", "alias"})):
        raise _UnclearError
    name, schema = folded(item.this), folded(item.args.get("db"))
    if schema == "core" and _REFERENCE.fullmatch(name):
        return _alias(item) or name, _Open()
    if schema or name not in known:
        raise _UnclearError
    return _alias(item) or name, known[name]


def _may_show(part: exp.Expr, sources: Mapping[str, Columns]) -> bool:
    return all(
        _is_open(node, sources)
        if isinstance(node, exp.Column)
        else type(node) in _FOLLOWED or (isinstance(node, exp.Star) and isinstance(node.parent, exp.Count))
        for node in part.walk()
    )


def _is_open(column: exp.Column, sources: Mapping[str, Columns]) -> bool:
    """Whether a column's values may be shown. A name that no source has may be a whole row, which is closed."""
    if not isinstance(column.this, exp.Identifier) or not _has_only(column, frozenset({"this", "table"})):
        return False
    name = folded(column.this)
    if table := column.args.get("table"):
        source = sources.get(folded(table), {})
        return isinstance(source, _Open) or source.get(name, False)
    found = [source[name] for source in sources.values() if name in source]
    if not found:
        return all(isinstance(source, _Open) for source in sources.values())
    return all(found)
