"""Where the columns and the rows of a query come from, as values.

Three things reach a reader: values (an expression names a column), counts (an aggregate depends on which rows are
there), and rows (a filter or a join decides which rows are there). They are kept apart. Not here: reading a query
(flow.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

ROWS = "*"
"""The name that stands for which rows a relation has."""


class Use(IntEnum):
    """How much of a column's value is left, at most."""

    VALUE = 0
    SUMMED = 1
    COUNTED = 2


class Edge(NamedTuple):
    """A column of a relation (`schema.name`); ROWS for its rows.

    plain: whether the value is the column's as it is. altered: the use, where the column is itself not that of a source
    as it is: `x is null` says nothing of a source's x, and all of `case when nik = '1' then 1 end as x`.
    """

    relation: str
    column: str
    use: Use = Use.VALUE
    altered: Use = Use.VALUE
    plain: bool = False


Edges = frozenset[Edge]
NONE: Edges = frozenset()


def at_least(edges: Iterable[Edge], use: Use) -> Edges:
    """The same edges, of which no more than `use` is left, in an expression of its own."""
    return frozenset(Edge(e.relation, e.column, max(e.use, use), max(e.altered, use)) for e in edges)


def counted(edges: Iterable[Edge], altered: Use) -> Edges:
    """The same edges, of which a plain column is only counted; of an altered one `altered` is left."""
    return frozenset(
        Edge(e.relation, e.column, Use.COUNTED if e.plain else max(e.use, altered), max(e.altered, altered))
        for e in edges
    )


@dataclass(frozen=True, slots=True)
class Origin:
    """own: the columns that a column's expression names. counted: what decided how many rows it looked at."""

    own: Edges = NONE
    counted: Edges = NONE

    @property
    def all(self) -> Edges:
        return self.own | self.counted

    def joined(self, other: Origin) -> Origin:
        return Origin(self.own | other.own, self.counted | other.counted)

    def at_least(self, use: Use) -> Origin:
        return Origin(at_least(self.own, use), at_least(self.counted, use))

    def only_counted(self, altered: Use) -> Origin:
        return Origin(counted(self.own, altered), counted(self.counted, altered))


@dataclass(frozen=True, slots=True)
class Flow:
    """Per column of a query, in order, where it comes from; and what decides which rows it has."""

    columns: Mapping[str, Origin] = field(default_factory=dict[str, Origin])
    rows: Edges = NONE

    def named(self, names: Iterable[str]) -> Flow:
        """The same with other names, from the first column on: `as t (a, b)`."""
        given = list(names)
        kept = [*given, *list(self.columns)[len(given) :]]
        return Flow(dict(zip(kept, self.columns.values(), strict=True)), self.rows) if given else self

    @property
    def everything(self) -> Origin:
        """All that a look at it as a whole gives away."""
        own = frozenset(edge for origin in self.columns.values() for edge in origin.all)
        return Origin(own, self.rows)
