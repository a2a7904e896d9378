"""Where the columns and the rows of a query come from, as values.

A reader learns three things, which are kept apart: values (an expression names a column), counts (an aggregate depends
on which rows there are), and rows (a filter or a join decides which rows there are). Not here: reading a query
(flow.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

ROWS = "*"
"""In place of a column's name: which rows a relation has."""


class NotFollowedError(Exception):
    """A query has something that cannot be followed. The text holds no value."""


class Use(IntEnum):
    """How much of a column's value a reader can learn, at most."""

    VALUE = 0
    SUMMED = 1
    COUNTED = 2


class Edge(NamedTuple):
    """A column of a relation (`schema.name`), or ROWS for its rows.

    plain: whether the value is the column's, unchanged. altered: the use where the column itself is an expression over
    a source's column. `x is null` tells nothing of a plain x, but all of `case when nik = '1' then 1 end as x`.
    """

    relation: str
    column: str
    use: Use = Use.VALUE
    altered: Use = Use.VALUE
    plain: bool = False


Edges = frozenset[Edge]
NONE: Edges = frozenset()


def at_least(edges: Iterable[Edge], use: Use) -> Edges:
    """The same edges in an expression that leaves no more than `use` of them."""
    return frozenset(Edge(e.relation, e.column, max(e.use, use), max(e.altered, use)) for e in edges)


def counted(edges: Iterable[Edge], altered: Use) -> Edges:
    """The same edges, of which plain columns are only counted; of others `altered` is left."""
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

    def at_least(self, use: Use) -> Origin:
        """See the function `at_least`."""
        return Origin(at_least(self.own, use), at_least(self.counted, use))

    def only_counted(self, altered: Use) -> Origin:
        """See the function `counted`."""
        return Origin(counted(self.own, altered), counted(self.counted, altered))


@dataclass(frozen=True, slots=True)
class Flow:
    """Per column of a query, in order, where it comes from; and what decides which rows it has."""

    columns: Mapping[str, Origin] = field(default_factory=dict[str, Origin])
    rows: Edges = NONE

    def named(self, names: Iterable[str]) -> Flow:
        """The same flow with its first columns renamed, as by `as t (a, b)`."""
        given = list(names)
        kept = [*given, *list(self.columns)[len(given) :]]
        return Flow(dict(zip(kept, self.columns.values(), strict=True)), self.rows) if given else self

    @property
    def everything(self) -> Origin:
        """The origin of the relation as a whole, as a subquery in an expression has it."""
        own = frozenset(edge for origin in self.columns.values() for edge in origin.all)
        return Origin(own, self.rows)
