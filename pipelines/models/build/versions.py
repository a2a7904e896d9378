"""Decides which models a build may leave, by the versions of all that they read (adr/036).

What belongs here: what was released last and from what (ops.model_state), the present versions of what is read, and the
comparison of both. Not here: what a query reads (warehouse/query_reads.py), the days that wait for a build
(open_days.py), building (node_builder.py).

The versions are read before any model's query. What a load or another build commits in between is then read under an
older version, and the model is built again the next time. Nothing is lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from pipelines.contracts.windows import Window
from pipelines.load.ledger import RawVersion, raw_versions
from pipelines.models.build.open_days import (
    IDENTITY,
    NO_DAYS,
    adds_rows,
    datasets_of,
    overlaps,
    ranges,
    read_lost_rows,
    read_open_days,
    without,
)
from pipelines.models.project.materialization import digest
from pipelines.models.project.nodes import Node, Project, SourceTable
from pipelines.models.project.suites import BATCH
from pipelines.quality.suites import QUERY
from pipelines.warehouse import query_reads
from pipelines.warehouse.query_reads import QueryReads
from pipelines.warehouse.relation import trusted_sql

_STATES = f"""
select s.relation, s.version, s.inputs, s.settled, s.loads
from ops.model_state as s
join pg_catalog.pg_class as c on c.oid = to_regclass(%s::jsonb ->> s.relation)
where s.identity = {IDENTITY}
"""  # noqa: S608 (text of this module only)
_FUNCTIONS = """
select
    coalesce(md5(string_agg(
        case
            when p.prokind <> 'a' then pg_get_functiondef(p.oid)
            else p.oid::regprocedure || (select a::text from pg_catalog.pg_aggregate as a where a.aggfnoid = p.oid)
        end,
        ' ' order by p.oid::regprocedure::text
    )), ''),
    coalesce(array_agg(p.proname::text) filter (where p.provolatile <> 'i'), '{}')
from pg_catalog.pg_proc as p
where p.pronamespace = to_regnamespace('ops')
"""
"""All functions of ops. The definition is hashed, because `prosrc` is empty where the body is a `return` or `begin
atomic`. PostgreSQL gives no definition of an aggregate."""
_REMEMBER = f"""
insert into ops.model_state (relation, version, inputs, identity, settled, loads, pending, run_id, built_at)
select
    %(relation)s, %(version)s, %(inputs)s, {IDENTITY}, %(settled)s, %(loads)s,
    %(pending)s::datemultirange - case
        when %(first)s::date is null then '{{}}' else datemultirange(daterange(%(first)s, %(last)s, '[]'))
    end,
    %(run_id)s, clock_timestamp()
from pg_catalog.pg_class as c
where c.oid = to_regclass(%(quoted)s)
on conflict (relation) do update set
    version = excluded.version, inputs = excluded.inputs, identity = excluded.identity, settled = excluded.settled,
    loads = excluded.loads, pending = excluded.pending, run_id = excluded.run_id, built_at = excluded.built_at
"""  # noqa: S608 (text of this module only)


@dataclass(frozen=True, slots=True)
class State:
    """A row of ops.model_state whose relation is still in use."""

    version: str
    inputs: Mapping[str, str]
    settled: bool = False
    loads: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Basis:
    """What a node would be built from now.

    inputs: versions by name, of all that its query and its checks read. version: of the rows that its query gives; None
    if it reads what has no known version. known: whether all inputs have a version; else the node is always built.
    """

    inputs: Mapping[str, str]
    version: str | None
    known: bool


class Versions:
    """What was released last, and the present versions of what the models read."""

    def __init__(
        self,
        project: Project,
        states: Mapping[str, State],
        raw: Mapping[str, RawVersion],
        clock: Mapping[str, str],
        functions: str,
        changing_functions: Sequence[str] = (),
        *,
        pending: Mapping[str, str] | None = None,
        lost_rows: Set[str] = frozenset(),
    ) -> None:
        self._project = project
        self._states = dict(states)
        self._raw = raw
        self._clock = clock
        self._functions = functions
        self._changing_functions = frozenset(changing_functions)
        self._pending = dict(pending or {})
        self._lost_rows = lost_rows
        self._by_relation = {node.relation: node for node in project.nodes.values()}
        self._datasets = {table.relation.dotted: dataset for dataset, table in _raw_tables(project).items()}

    def basis(self, node: Node) -> Basis:
        """What the node would be built from now."""
        query = _reads(*_queries(node))
        if node.incremental:  # {{ this }}: what is there now is its own past
            query = replace(query, relations=query.relations - {node.relation})
        checks = _reads(*_check_queries(node))
        inputs = {"sql": node.code_version, "pemeriksaan": _checks_version(node)}
        found = self._versions_of(query)
        version = (
            None
            if found is None
            else digest(node.code_version, *(f"{k}={v}" for k, v in sorted(found.items())))
        )
        checked = self._versions_of(replace(checks, relations=checks.relations - {node.relation}))
        known = found is not None and checked is not None
        return Basis({**inputs, **(found or {}), **(checked or {})}, version, known)

    def may_leave(self, node: Node, basis: Basis, window: Window | None) -> bool:
        """Whether building the node would give what is in use.

        An incremental model may be left once a build from the same inputs has changed no row; what it holds depends on
        its past, and nothing else tells that it is complete. A window is asked for because loads changed its days; they
        must have been built since.
        """
        state = self._states.get(node.relation)
        if state is None or not basis.known or dict(state.inputs) != dict(basis.inputs):
            return False
        if not adds_rows(node):
            return True
        if self.has_lost_rows(node):
            return False
        return state.settled and not (window and overlaps(self._days(node), window))

    def has_lost_rows(self, node: Node) -> bool:
        """Whether the node must be built from everything, because it may have rows which raw no longer has."""
        return node.relation in self._lost_rows

    def open_ranges(self, nodes: Iterable[Node], asked: Window | None) -> list[Window]:
        """The ranges of days that are asked for, or that loads changed and no build of the nodes has made again."""
        return ranges([self._days(node) for node in nodes], asked)

    def _days(self, node: Node) -> str:
        return self._pending.get(node.relation, NO_DAYS)

    def state(self, node: Node) -> State | None:
        """The state of the node's relation in use; None if it is not known."""
        return self._states.get(node.relation)

    def released(self, node: Node, basis: Basis, version: str, window: Window | None = None) -> None:
        """Takes over that the node was released, so that its readers compare with the new version.

        window: the days that were built again.
        """
        self._states[node.relation] = State(version, basis.inputs)
        if window:
            self._pending[node.relation] = without(self._days(node), window)

    def expect(self, node: Node, basis: Basis) -> None:
        """Takes over that the node will be released, for readers that are asked about before it is."""
        self.released(node, basis, (None if adds_rows(node) else basis.version) or _new_version())

    def remember(
        self,
        connection: Connection[Any],
        node: Node,
        basis: Basis,
        *,
        run_id: str | None,
        added: bool = False,
        changed: bool = True,
        window: Window | None = None,
    ) -> str:
        """Writes the node's state, in the transaction that releases it, and gives its version.

        added: rows were added to an existing incremental table; changed: and that changed it. window: the days that
        were built again.
        """
        before = self._states.get(node.relation)
        version = basis.version or _new_version()
        if adds_rows(node):
            # What an incremental model holds depends on its past, so no hash of its inputs tells it.
            version = before.version if before and added and not changed else _new_version()
        datasets = sorted(datasets_of(self._project, node)) if adds_rows(node) else []
        loads = {d: str(at) for d in datasets if (at := self._loaded_at(d))}
        connection.execute(
            trusted_sql(_REMEMBER),
            {
                "relation": node.relation,
                "quoted": str(node.table),
                "version": version,
                "inputs": Jsonb(dict(basis.inputs)),
                "settled": added and not changed,
                "loads": Jsonb(loads),
                # A table that was made of everything has no day left to build.
                "pending": self._days(node) if added else NO_DAYS,
                "first": window.start if window else None,
                "last": window.end if window else None,
                "run_id": run_id,
            },
        )
        return version

    # -- versions of what is read ------------------------------------------------------------------------------------

    def _versions_of(self, reads: QueryReads) -> dict[str, str] | None:
        """The versions of all that queries read, by name; None if one is not known."""
        if reads.unknown or reads.functions & self._changing_functions:
            return None
        found: dict[str, str | None] = {name: self._version(name) for name in reads.relations}
        found |= {name: self._clock.get(name) for name in reads.clock}
        if reads.functions:
            found["fungsi ops"] = self._functions
        known = {name: version for name, version in found.items() if version is not None}
        return known if len(known) == len(found) else None

    def _version(self, relation: str) -> str | None:
        """The version of the rows that a reader of the relation sees now; None if it is not known."""
        if relation in self._datasets:
            return self._raw[self._datasets[relation]].version
        node, state = self._by_relation.get(relation), self._states.get(relation)
        if node is None or state is None:
            return None
        if node.kind != "view":
            return state.version
        # A view shows what its own inputs hold now, whenever it was built. Its query must be that of the project.
        return self.basis(node).version if state.inputs.get("sql") == node.code_version else None

    def _loaded_at(self, dataset: str) -> datetime | None:
        return self._raw[dataset].loaded_at


def read_versions(connection: Connection[Any], project: Project) -> Versions | None:
    """The versions as the warehouse has them now; None if it has no ledger, so that nothing is known."""
    ledger = connection.execute(
        "select to_regclass('ops.model_state'), to_regclass('ops.load_batch')"
    ).fetchone()
    if ledger is None or None in ledger:
        return None
    quoted = Jsonb({node.relation: str(node.table) for node in project.nodes.values()})
    # States first: what is released after this statement is then older than what it read, and is built again.
    states = {
        relation: State(*row)
        for relation, *row in connection.execute(trusted_sql(_STATES), (quoted,)).fetchall()
    }
    tables = {dataset: str(table.relation) for dataset, table in _raw_tables(project).items()}
    functions = connection.execute(_FUNCTIONS).fetchone()
    assert functions is not None
    raw = raw_versions(connection, tables)
    # After the versions of raw: a load that ends in between is then counted once more by the next build.
    pending = read_open_days(connection, project)
    clock = _read_clock(connection, project)
    query_reads.keep()
    lost_rows = read_lost_rows(connection, project)
    return Versions(project, states, raw, clock, *functions, pending=pending, lost_rows=lost_rows)


def _read_clock(connection: Connection[Any], project: Project) -> dict[str, str]:
    """The values of all expressions of the clock in the project's queries, as text. Empty if PostgreSQL refuses one."""
    clock = sorted(
        {c for n in project.nodes.values() for c in _reads(*_queries(n), *_check_queries(n)).clock}
    )
    if not clock:
        return {}
    columns = sql.SQL(", ").join(
        sql.SQL("({})::text").format(trusted_sql(expression)) for expression in clock
    )
    try:
        with connection.transaction():
            row = connection.execute(sql.SQL("select {}").format(columns)).fetchone()
    except psycopg.Error:
        if connection.broken:
            raise
        return {}
    return dict(zip(clock, row or (), strict=True))


def _raw_tables(project: Project) -> dict[str, SourceTable]:
    return {
        f"{source}/{table}": declared
        for (source, table), declared in project.sources.items()
        if declared.relation.schema == "raw"
    }


def _queries(node: Node) -> tuple[str, ...]:
    """The queries that make the node's rows, none for a seed."""
    return tuple(q for q in (node.sql, node.incremental.sql if node.incremental else "") if q)


def _check_queries(node: Node) -> tuple[str, ...]:
    asked = [str(e.kwargs[QUERY]).replace(BATCH, str(node.table)) for e in node.suite if QUERY in e.kwargs]
    return (*(test.sql for test in node.tests), *asked)


def _reads(*queries: str) -> QueryReads:
    """What several queries read together."""
    read = [query_reads.query_reads(query) for query in queries]
    return QueryReads(
        frozenset[str]().union(*(r.relations for r in read)),
        frozenset[str]().union(*(r.clock for r in read)),
        frozenset[str]().union(*(r.functions for r in read)),
        "; ".join(r.unknown for r in read if r.unknown),
    )


def _checks_version(node: Node) -> str:
    """A hash of what a build does apart from making rows: tests and descriptions. The suite is in the code version."""
    tests = [f"{t.name} {t.severity} {t.sql}" for t in node.tests]
    return digest(node.description, *(f"{c.name} {c.description}" for c in node.columns), *tests)


def _new_version() -> str:
    return uuid.uuid4().hex[:16]
