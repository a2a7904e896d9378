"""Says where the columns of models come from: the nearest relations of a model, and all ways of it back to raw.

What belongs here: joining the flows of single queries (flow.py). Lineage that is shown (`column_lineage`) must never
break a build: a query that cannot be followed has none. Lineage that decides what may be published (`Ways`) says what
cannot be followed. Not here: which columns are closed (publication/clearance.py), how Dagster shows it
(assets/warehouse.py).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

from pipelines.models.lineage.provenance import ROWS, Flow, NotFollowedError, Use
from pipelines.models.lineage.suppression import same_query
from pipelines.models.project.nodes import Node, Project
from pipelines.warehouse.kept import Kept

_log = logging.getLogger(__name__)

Lineage = dict[str, tuple[tuple[str, str], ...]]
"""Per column of the model: (upstream relation `schema.name`, column), nearest relations only."""
Place = tuple[str, str]
"""A relation `schema.name`, and a column of it, or ROWS."""


def column_lineage(project: Project, name: str) -> Lineage:
    """Where each column of the model `name` comes from; {} for a seed and when the SQL can't be followed."""
    node = project.nodes[name]
    if node.kind == "seed":
        return {}
    relations = _named(node.sql, described_columns(project))
    asked = json.dumps([node.sql, relations])
    found = _kept.get(asked)
    if found is None:
        try:
            flow = _known_flow(node.sql, relations)
        except NotFollowedError as error:
            found = str(error)
        else:
            found = {
                column: sorted({(e.relation, e.column) for e in origin.own if e.column != ROWS})
                for column, origin in flow.columns.items()
            }
        _kept.put(asked, found)
    if isinstance(found, str):
        _log.warning("%s: asal kolomnya tidak dapat ditelusuri: %s", name, found)
        return {}
    return {column: tuple((rel, of) for rel, of in places) for column, places in found.items()}


def remember(folder: Path) -> None:
    """Lets this process know what `column_lineage` gave earlier ones; `keep` then writes there."""
    _kept.open(folder)


def keep() -> None:
    """Writes what `column_lineage` has found anew, if `remember` said where."""
    _kept.save()


@cache
def _program() -> str:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(
        b"".join(file.read_bytes() for file in files) + version("sqlglot").encode()
    ).hexdigest()[:16]


_kept = Kept("lineage", _program)


def described_columns(project: Project) -> dict[str, tuple[str, ...]]:
    """The columns of every relation of the project, as its YAML describes them."""
    nodes = {node.relation: node.columns for node in project.nodes.values()}
    sources = {source.relation.dotted: source.columns for source in project.sources.values()}
    return {name: tuple(c.name for c in columns) for name, columns in {**sources, **nodes}.items()}


def _query_flow(sql: str, relations: Mapping[str, Iterable[str]]) -> Flow:
    """The flow of a query."""
    return _known_flow(sql, _named(sql, relations))


def _named(sql: str, relations: Mapping[str, Iterable[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The relations whose name is in the query's text, sorted. Only these can matter."""
    text = sql.lower()
    named = {name: tuple(columns) for name, columns in relations.items() if name.rpartition(".")[2] in text}
    return tuple(sorted(named.items()))


@lru_cache(maxsize=1024)
def _known_flow(sql: str, relations: tuple[tuple[str, tuple[str, ...]], ...]) -> Flow:
    """The flow of a query, read once per process: clearance, dictionary and assets ask for the same queries.

    sqlglot is imported only here, because the import takes 0.4 s.
    """
    from pipelines.models.lineage.flow import query_flow

    return query_flow(sql, dict(relations))


@dataclass(frozen=True, slots=True)
class Way:
    """One way from a column of a model to its source, a place that is no model of the project.

    places: from the column to that source. use: how much of the value a reader can learn. suppressed: the models on the
    way that hide small cells. plain: whether the value is that of the source, unchanged. unknown: why the way cannot be
    followed further, "" if it can.
    """

    places: tuple[Place, ...]
    use: Use = Use.VALUE
    suppressed: tuple[str, ...] = ()
    plain: bool = True
    unknown: str = ""

    @property
    def source(self) -> Place:
        """Where the way ends."""
        return self.places[-1]


class Ways:
    """Finds the ways of the columns of a project, and remembers them."""

    def __init__(self, project: Project) -> None:
        self._nodes = {node.relation: node for node in project.nodes.values()}
        self._columns = described_columns(project)
        self._flows: dict[str, Flow | str] = {}
        self._found: dict[Place, tuple[Way, ...]] = {}
        self._hiding: dict[str, bool] = {}
        self._relation = {node.name: node.relation for node in project.nodes.values()}

    def of(self, relation: str, column: str) -> tuple[Way, ...]:
        """The ways of `column`; with ROWS, the ways of all that decides which rows there are. () for reference data."""
        place = (relation, column)
        if place not in self._found:
            self._find(place)
        return self._found[place]

    def _find(self, place: Place) -> None:
        """Finds the ways of `place` and of all places that it reads.

        An incremental table may read itself. So the places are walked again until no new way is found.
        """
        found_so_far: dict[Place, tuple[Way, ...]] = {place: ()}

        def ask(relation: str, column: str) -> tuple[Way, ...]:
            upstream = (relation, column)
            if upstream in self._found:
                return self._found[upstream]
            return found_so_far.setdefault(upstream, ())

        settled = False
        while not settled:
            settled = True
            for open_place in reversed(list(found_so_far)):
                known = len(found_so_far)
                found = self._walk(open_place, ask)
                if set(found) != set(found_so_far[open_place]) or len(found_so_far) != known:
                    found_so_far[open_place], settled = found, False
        self._found.update(found_so_far)

    def _walk(self, place: Place, ask: Callable[[str, str], tuple[Way, ...]]) -> tuple[Way, ...]:
        relation, column = place
        node = self._nodes.get(relation)
        if node is None:
            return (Way((place,)),)
        if node.kind == "seed":
            return ()
        flow = self._flow(node)
        if isinstance(flow, str):
            return (Way((place,), unknown=flow),)
        if column == ROWS:
            edges = flow.rows
        elif column in flow.columns:
            edges = flow.columns[column].all
        else:
            return (Way((place,), unknown="kuerinya tidak memberi kolom itu"),)
        hides = (relation,) if self._hides(node) else ()
        found: dict[tuple[object, ...], Way] = {}
        for edge in sorted(edges):
            for way in ask(edge.relation, edge.column):
                longer = Way(
                    (place, *way.places),
                    max(edge.use if way.plain else edge.altered, way.use),
                    way.suppressed if relation in way.suppressed else (*hides, *way.suppressed),
                    edge.plain and way.plain,
                    way.unknown,
                )
                key = (way.source, longer.use, longer.suppressed, longer.plain, way.unknown)
                # Of several ways with the same use, the shortest is kept.
                if key not in found or len(longer.places) < len(found[key].places):
                    found[key] = longer
        return tuple(found.values())

    def _hides(self, node: Node) -> bool:
        """Whether the node's rows are exactly those of the suppressing macro."""
        if node.relation not in self._hiding:
            hides = bool(node.suppression) and same_query(node.sql, node.suppression)
            self._hiding[node.relation] = hides
        return self._hiding[node.relation]

    def _flow(self, node: Node) -> Flow | str:
        """The flow of the node's queries (an incremental model has two), or why they cannot be followed."""
        if node.relation not in self._flows:
            self._flows[node.relation] = self._read(node)
        return self._flows[node.relation]

    def _read(self, node: Node) -> Flow | str:
        try:
            flow = _query_flow(node.sql, self._known(node))
            if node.incremental is None or node.incremental.sql == node.sql:
                return flow
            later = _query_flow(
                node.incremental.sql, {**self._known(node), node.relation: tuple(flow.columns)}
            )
        except NotFollowedError as error:
            return str(error)
        if list(flow.columns) != list(later.columns):
            return "kolom kueri pertamanya lain dari kueri berikutnya"
        return Flow(
            {name: origin.joined(later.columns[name]) for name, origin in flow.columns.items()},
            flow.rows | later.rows,
        )

    def _known(self, node: Node) -> Mapping[str, Iterable[str]]:
        """The columns of the relations that the node may read; of a model those of its query, also undescribed ones."""
        known: dict[str, Iterable[str]] = dict(self._columns)
        for name in (self._relation[n] for n in node.depends_on if n != node.name):
            upstream = self._nodes[name]
            if upstream.kind != "seed" and isinstance(flow := self._flow(upstream), Flow):
                known[name] = tuple(flow.columns)
        return known
