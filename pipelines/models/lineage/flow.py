"""Finds where the columns and the rows of one query come from, with sqlglot.

What belongs here: making a `Flow` from one compiled SELECT. It never guesses: what it does not know raises
`NotFollowedError`, because the flow decides what may leave the warehouse (adr/024). Not here: parsing (qualify.py),
single expressions (expressions.py), what a `Flow` is (provenance.py), how the flows of models join (lineage.py), which
columns are closed (publication/clearance.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.models.lineage.expressions import (
    LIMITS,
    SUMMING,
    asks_for_null,
    children,
    clauses,
    counts_columns,
    is_aggregating,
    is_over_window,
    order_chooses,
    refuse_unknown,
)
from pipelines.models.lineage.provenance import (
    NONE,
    ROWS,
    Edge,
    Edges,
    Flow,
    NotFollowedError,
    Origin,
    Use,
    counted,
    limited_to,
)
from pipelines.models.lineage.qualify import qualified

Sources = Mapping[str, Flow]
"""Flows by name: those of the relations, CTEs or queries that an expression may read."""


def query_flow(sql: str, relations: Mapping[str, Iterable[str]]) -> Flow:
    """The flow of a compiled SELECT. relations: the columns of what it may read, by `schema.name`.

    Raises NotFollowedError if the query, or a part of it, cannot be followed.
    """
    try:
        tree = qualified(sql, relations)
        return _Reader({name: tuple(columns) for name, columns in relations.items()}).query(tree, {}, {})
    except SqlglotError as error:
        raise NotFollowedError(f"tidak terbaca oleh sqlglot ({type(error).__name__})") from None
    except NotFollowedError:
        raise
    except RecursionError:
        raise NotFollowedError("bersarang terlalu dalam") from None
    except Exception as error:
        # After a bug of ours or of sqlglot the query counts as not followed; no build and no publication may break.
        raise NotFollowedError(f"tidak dapat dibaca ({type(error).__name__})") from None


class _Reader:
    """Walks a qualified tree.

    Arguments of its methods: ctes: flows by name. outer: flows of the relations of outer queries, by alias. visible:
    those, and the flows of the relations of the query itself, by alias.
    """

    def __init__(self, relations: Mapping[str, tuple[str, ...]]) -> None:
        self._relations = relations

    def query(self, tree: exp.Expr, ctes: Sources, outer: Sources) -> Flow:
        """The flow of any query: a select, a union, parentheses, VALUES."""
        if isinstance(tree, exp.Subquery):
            if tree.args.get("joins") or tree.args.get("laterals") or tree.args.get("pivots"):
                raise NotFollowedError("join dalam kurung")
            known = self._with(tree, ctes, outer)
            inner = self._limited(tree, self.query(tree.this, known, outer), known, outer)
            return inner.named(tree.alias_column_names)
        if isinstance(tree, exp.SetOperation):
            known = self._with(tree, ctes, outer)
            return self._limited(tree, self._set_operation(tree, known, outer), known, outer)
        if isinstance(tree, exp.Select):
            return self._select(tree, self._with(tree, ctes, outer), outer)
        if isinstance(tree, exp.Values):
            return self._values(tree, ctes, outer)
        raise NotFollowedError(f"{type(tree).__name__} di tempat sebuah kueri")

    def _limited(self, tree: exp.Expr, flow: Flow, ctes: Sources, outer: Sources) -> Flow:
        """The `flow` of a union or of parentheses, whose rows also depend on its LIMIT, OFFSET, FETCH, ORDER BY."""
        chosen = flow.rows
        for key in (*LIMITS, *(("order",) if order_chooses(tree) else ())):
            for clause in clauses(tree.args.get(key)):
                chosen |= self._origin(clause, ctes, outer, flow.rows, flow.columns).all
        return Flow(flow.columns, chosen)

    def _with(self, tree: exp.Expr, ctes: Sources, outer: Sources) -> Sources:
        """The CTEs that a query may read: its own, and those of outer queries."""
        with_ = tree.args.get("with_")
        if with_ is None:
            return ctes
        known = dict(ctes)
        for cte in with_.expressions:
            names = cte.alias_column_names
            if with_.args.get("recursive"):
                known[cte.alias] = self._recursive(cte, known, outer).named(names)
            else:
                known[cte.alias] = self.query(cte.this, known, outer).named(names)
        return known

    def _recursive(self, cte: exp.Expr, ctes: Sources, outer: Sources) -> Flow:
        """The flow of a recursive CTE: begins with its first part and repeats the CTE until the flow stays the same."""
        tree = cte.this
        if not isinstance(tree, exp.SetOperation):
            return self.query(tree, ctes, outer)
        flow = self.query(tree.this, ctes, outer)
        for _ in range(20):
            names = cte.alias_column_names
            found = self.query(tree, {**ctes, cte.alias: flow.named(names)}, outer)
            if found == flow:
                return flow
            flow = found
        raise NotFollowedError("kueri rekursif yang tidak selesai")

    def _set_operation(self, tree: exp.SetOperation, ctes: Sources, outer: Sources) -> Flow:
        if tree.args.get("by_name"):
            raise NotFollowedError("union by name")
        parts = [self.query(side, ctes, outer) for side in (tree.this, tree.expression)]
        left, right = (list(part.columns.values()) for part in parts)
        if len(left) != len(right):
            raise NotFollowedError("union kueri yang kolomnya berbeda")
        columns = {name: a.joined(b) for name, a, b in zip(parts[0].columns, left, right, strict=True)}
        rows = parts[0].rows | parts[1].rows
        compared = (edge for origin in columns.values() for edge in origin.all)
        if not isinstance(tree, exp.Union):
            rows |= frozenset(compared)
        elif tree.args.get("distinct"):
            rows |= counted(compared, Use.SUMMED)
        return Flow(columns, rows)

    def _values(self, tree: exp.Values, ctes: Sources, outer: Sources) -> Flow:
        columns: dict[str, Origin] = {}
        for row in tree.expressions:
            for place, cell in enumerate(row.expressions, start=1):
                name = f"column{place}"
                columns[name] = columns.get(name, Origin()).joined(self._origin(cell, ctes, outer, NONE))
        return Flow(columns).named(tree.alias_column_names)

    def _select(self, tree: exp.Select, ctes: Sources, outer: Sources) -> Flow:
        if tree.args.get("pivots") or tree.args.get("match") or tree.args.get("into"):
            raise NotFollowedError("PIVOT, MATCH_RECOGNIZE, atau INTO")
        sources, rows = self._from(tree, ctes, outer)
        visible: Sources = {**outer, **sources}

        def edges_of(*keys: str) -> Iterator[Edge]:
            for key in keys:
                for clause in clauses(tree.args.get(key)):
                    yield from self._origin(clause, ctes, visible, rows).all

        rows |= frozenset(edges_of("where"))
        grouped, distinct = tree.args.get("group"), tree.args.get("distinct")
        summed = grouped is not None or any(is_aggregating(e) for e in tree.expressions)
        columns: dict[str, Origin] = {}
        for projection in tree.expressions:
            if projection.is_star:
                raise NotFollowedError("bintang (*) yang kolomnya tidak dijelaskan")
            columns[projection.alias_or_name] = self._origin(projection, ctes, visible, rows)
        if len(columns) != len(tree.expressions):
            raise NotFollowedError("dua kolom senama")
        if summed and grouped is None:
            rows = NONE  # there is always one row
        elif summed or distinct:
            rows = limited_to(rows, Use.SUMMED)
        if grouped is not None:
            rows |= self._grouping(grouped, ctes, visible, columns)
        if distinct:
            rows |= counted((e for origin in columns.values() for e in origin.all), Use.SUMMED)
            rows |= self._origin(distinct, ctes, visible, rows, columns).all
        rows |= frozenset(edges_of("having", "qualify", "windows", *LIMITS))
        order = tree.args.get("order")
        if order is not None and (distinct or order_chooses(tree)):
            rows |= self._origin(order, ctes, visible, rows, columns).all
        return Flow(columns, rows)

    def _grouping(
        self, tree: exp.Expr, ctes: Sources, visible: Sources, columns: Mapping[str, Origin]
    ) -> Edges:
        """The edges of GROUP BY. A key that is a plain column decides only how many groups there are."""
        edges: Edges = NONE
        for key in children(tree):
            if isinstance(key, exp.Tuple | exp.Paren | exp.GroupingSets | exp.Cube | exp.Rollup):
                edges |= self._grouping(key, ctes, visible, columns)
            else:
                found = self._origin(key, ctes, visible, NONE, columns)
                edges |= found.only_counted(Use.SUMMED).all
        return edges

    def _from(self, tree: exp.Select, ctes: Sources, outer: Sources) -> tuple[dict[str, Flow], Edges]:
        """The flows that FROM and JOIN read, by alias, and what decides which rows they give."""
        sources: dict[str, Flow] = {}
        rows: Edges = NONE
        from_ = tree.args.get("from_")
        joins = tree.args.get("joins") or []
        for read in [
            *([from_.this] if from_ else []),
            *(j.this for j in joins),
            *(tree.args.get("laterals") or []),
        ]:
            alias, flow = self._relation(read, ctes, {**outer, **sources})
            if alias in sources:
                raise NotFollowedError(f"alias {alias} ganda")
            sources[alias] = flow
            rows |= flow.rows
        for join in joins:
            if join.args.get("method") or join.args.get("using"):
                raise NotFollowedError("NATURAL join, atau USING")
            if (on := join.args.get("on")) is not None:
                rows |= self._origin(on, ctes, {**outer, **sources}, rows).all
        return sources, rows

    def _relation(self, read: exp.Expr, ctes: Sources, visible: Sources) -> tuple[str, Flow]:
        names = read.alias_column_names
        if read.args.get("pivots") or read.args.get("joins") or read.args.get("laterals"):
            raise NotFollowedError("PIVOT, atau join dalam kurung")
        if isinstance(read, exp.Lateral):
            inner = read.this
            if isinstance(inner, exp.Query | exp.Values):
                flow, correlated = self.query(inner, ctes, visible), _correlated(inner, visible)
                columns = {name: origin.joined(Origin(correlated)) for name, origin in flow.columns.items()}
                # Without edges of rows (an aggregate without GROUP BY) there is always one row, for each outer row.
                return read.alias, Flow(columns, flow.rows | correlated if flow.rows else NONE).named(names)
            return read.alias, self._function(inner, read, ctes, visible)
        if isinstance(read, exp.Table):
            if not isinstance(read.this, exp.Identifier):
                return read.alias_or_name, self._function(read.this, read, ctes, visible)
            if read.db:
                name = f"{read.db}.{read.name}"
                columns = {c: Origin(frozenset((Edge(name, c, plain=True),))) for c in self._relations[name]}
                return read.alias_or_name, Flow(columns, frozenset((Edge(name, ROWS),))).named(names)
            if read.name not in ctes:
                raise NotFollowedError(f"{read.name} bukan model, sumber, atau CTE")
            return read.alias_or_name, ctes[read.name].named(names)
        if isinstance(read, exp.Unnest):
            return read.alias, self._function(read, read, ctes, visible)
        if isinstance(read, exp.Query | exp.Values):
            return read.alias, self.query(read, ctes, visible).named(names)
        raise NotFollowedError(f"{type(read).__name__} di FROM")

    def _function(self, call: exp.Expr, read: exp.Expr, ctes: Sources, visible: Sources) -> Flow:
        """The flow of a function that gives rows: its columns and its rows come from its arguments."""
        origin = self._origin(call, ctes, visible, NONE)
        names = read.alias_column_names or [read.alias_or_name]
        return Flow(dict.fromkeys(names, origin), origin.all)

    def _origin(
        self,
        tree: exp.Expr,
        ctes: Sources,
        visible: Sources,
        rows: Edges,
        projected: Mapping[str, Origin] | None = None,
    ) -> Origin:
        """The origin of an expression.

        rows: what decides the rows that an aggregate in it reads. projected: the columns that the query gives, which
        ORDER BY and GROUP BY may name.
        """
        if isinstance(tree, exp.Column):
            return _column(tree, visible, projected)
        if isinstance(tree, exp.Query | exp.Values):
            found = self.query(tree, ctes, visible).everything.limited_to(Use.VALUE)
            return found.joined(Origin(_correlated(tree, visible)))
        if (
            isinstance(tree, exp.Literal)
            and projected is not None
            and isinstance(tree.parent, exp.Group | exp.Ordered)
        ):
            return _ordinal(tree, projected)
        refuse_unknown(tree)
        found = Origin()
        for child in children(tree):
            found = found.joined(self._origin(child, ctes, visible, rows, projected))
        if asks_for_null(tree):
            return found.only_counted(Use.VALUE)
        if isinstance(tree, exp.Count) and not is_over_window(tree) and counts_columns(tree):
            return found.only_counted(Use.SUMMED).joined(Origin(counted=limited_to(rows, Use.SUMMED)))
        if not isinstance(tree, exp.Alias | exp.Paren | exp.Distinct):
            found = found.limited_to(Use.VALUE)
        if isinstance(tree, exp.Window):
            return found.joined(Origin(counted=rows))
        if isinstance(tree, exp.Filter) and isinstance(tree.this, SUMMING) and not is_over_window(tree):
            return found.limited_to(Use.SUMMED)
        if isinstance(tree, exp.AggFunc) and not is_over_window(tree):
            if not isinstance(tree, SUMMING):
                return found.joined(Origin(counted=rows))
            found = found.limited_to(Use.SUMMED)
            return found.joined(Origin(counted=limited_to(rows, Use.SUMMED)))
        return found


def _column(tree: exp.Column, visible: Sources, projected: Mapping[str, Origin] | None) -> Origin:
    if not tree.table:
        if projected is not None and tree.name in projected:
            return projected[tree.name]
        raise NotFollowedError(f"kolom {tree.name} bukan milik relasi yang dikenal")
    flow = visible.get(tree.table)
    if flow is None or tree.name not in flow.columns:
        raise NotFollowedError(f"{tree.table}.{tree.name} tidak dikenal")
    return flow.columns[tree.name]


def _correlated(tree: exp.Expr, visible: Sources) -> Edges:
    """The outer columns that an aggregating subquery uses.

    It runs once per outer row, so its aggregate does not hide their values.
    """
    edges: Edges = NONE
    if tree.find(exp.AggFunc) is None:
        return edges
    for column in tree.find_all(exp.Column):
        flow = visible.get(column.table)
        if flow is not None and column.name in flow.columns:
            found = flow.columns[column.name]
            asks = column.parent is not None and asks_for_null(column.parent)
            edges |= (found.only_counted(Use.VALUE) if asks else found.limited_to(Use.VALUE)).all
    return edges


def _ordinal(tree: exp.Literal, projected: Mapping[str, Origin]) -> Origin:
    """The column of `group by 1`; all columns for a number that names none."""
    place = int(tree.this) - 1 if tree.this.isdigit() else len(projected)
    origins = list(projected.values())
    chosen = origins[place : place + 1] if place < len(origins) else origins
    joined = Origin()
    for origin in chosen:
        joined = joined.joined(origin)
    return joined
