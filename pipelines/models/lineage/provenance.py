"""Values that say where the columns and the rows of a query come from.

A reader may learn three things, which are kept apart: values (an expression names a column), counts (an aggregate
depends on which rows there are), and rows (a filter or a join decides which rows there are). Not here: reading a query
(flow.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

ROWS = "*"
"""Used instead of a column's name. It means: which rows the relation has."""


class NotFollowedError(Exception):
    """A query has something that cannot be followed. The text holds no value."""


class Use(IntEnum):
    """The most that a reader can learn of a column's value. A higher number means less."""

    VALUE = 0
    SUMMED = 1
    COUNTED = 2


class Edge(NamedTuple):
    """A column of a relation (`schema.name`), or ROWS for its rows.

    plain: whether the value is the column's, unchanged. altered: what a reader learns if the column is not a source's
    column, but computed from one. `x is null` reveals nothing of a plain x, but reveals the value if x is
    `case when nik = '1' then 1 end`.
    """

    relation: str
    column: str
    use: Use = Use.VALUE
    altered: Use = Use.VALUE
    plain: bool = False


Edges = frozenset[Edge]
NONE: Edges = frozenset()


def limited_to(edges: Iterable[Edge], use: Use) -> Edges:
    """The same edges, of which a reader learns at most `use`."""
    return frozenset(Edge(e.relation, e.column, max(e.use, use), max(e.altered, use)) for e in edges)


def counted(edges: Iterable[Edge], altered: Use) -> Edges:
    """The same edges in a count: of plain columns a reader learns only the count, of others at most `altered`."""
    return frozenset(
        Edge(e.relation, e.column, Use.COUNTED if e.plain else max(e.use, altered), max(e.altered, altered))
        for e in edges
    )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a column comes from.

    own: the columns that its expression names. counted: what decides how many rows it aggregates.
    """

    own: Edges = NONE
    counted: Edges = NONE

    @property
    def all(self) -> Edges:
        """Both kinds of edges."""
        return self.own | self.counted

    def joined(self, other: Origin) -> Origin:
        """The edges of both."""
        return Origin(self.own | other.own, self.counted | other.counted)

    def limited_to(self, use: Use) -> Origin:
        """The origin whose edges are limited to `use`."""
        return Origin(limited_to(self.own, use), limited_to(self.counted, use))

    def only_counted(self, altered: Use) -> Origin:
        """The origin whose edges are only counted; see `counted`."""
        return Origin(counted(self.own, altered), counted(self.counted, altered))


@dataclass(frozen=True, slots=True)
class Flow:
    """Where each column of a query comes from, in order, and what decides which rows the query has."""

    columns: Mapping[str, Origin] = field(default_factory=dict[str, Origin])
    rows: Edges = NONE

    def named(self, names: Iterable[str]) -> Flow:
        """The same flow with its first columns renamed, as by `as t (a, b)`."""
        given = list(names)
        kept = [*given, *list(self.columns)[len(given) :]]
        return Flow(dict(zip(kept, self.columns.values(), strict=True)), self.rows) if given else self

    @property
    def everything(self) -> Origin:
        """The origin of a subquery in an expression: all its columns, and what decides its rows."""
        own = frozenset(edge for origin in self.columns.values() for edge in origin.all)
        return Origin(own, self.rows)
