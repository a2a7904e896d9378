"""One node: written aside, audited, published.

What belongs here: the steps for each kind of node on one connection, and what their failures mean. Not here: which
nodes, in which order and how many at a time (runner.py); what survives an exchange (warehouse/swap.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from pipelines.errors import GudangError, ModelError
from pipelines.models.build.faults import explained, located
from pipelines.models.build.grants import apply_grants
from pipelines.models.build.incremental import reshape, upsert
from pipelines.models.project.materialization import Incremental, digest
from pipelines.models.project.nodes import (DataTest, Node, Project)
from pipelines.models.build.results import (NodeResult, State, TestResult)
from pipelines.quality.run import import_ahead, run_suite
from pipelines.redaction import sqlstates
from pipelines.warehouse.attached import name_for_now
from pipelines.warehouse.locks import limit_waiting, queued
from pipelines.warehouse.relation import Relation, columns_of, compiled, describe, drop, existing, identifier
from pipelines.warehouse.swap import exchange_table, exchange_view

SEED_STATE = """
create table if not exists ops.seed_state (
    relation text primary key,
    version text not null,
    loaded_at timestamptz not null
)
"""
_REMEMBER_SEED = """
insert into ops.seed_state (relation, version, loaded_at) values (%s, %s, now())
on conflict (relation) do update set version = excluded.version, loaded_at = excluded.loaded_at
"""
_BLOCK = 1 << 18
_OUR_INDEX = re.compile(r".*__[0-9a-f]{10}_idx")
Result = Callable[..., NodeResult]


@dataclass(slots=True)
class Shared:
    """What the builders of one run have in common.

    publishing: held by whoever exchanges. Two exchanges below one view would wait for each other. broken: nodes that
    were not built or not published.
    """

    project: Project
    full_refresh: bool = False
    publishing: Lock = field(default_factory=Lock)
    broken: set[str] = field(default_factory=set[str])


class Builder:
    """Builds nodes on a connection of its own."""

    def __init__(self, conn: Connection[Any], shared: Shared) -> None:
        self.conn = conn
        self._shared = shared
        self._project = shared.project
        self._views: Mapping[str, str] = {
            n.relation: n.sql for n in shared.project.nodes.values() if n.kind == "view"
        }

    def build(self, node: Node) -> NodeResult:
        """Builds, tests and publishes the node; one that is published with others stays aside until `publish`."""
        started = time.monotonic()

        def result(state: State, **more: Any) -> NodeResult:
            seconds = round(time.monotonic() - started, 3)
            return NodeResult(node.name, node.schema, node.kind, state, seconds, **more)

        blocked = sorted(self._shared.broken.intersection(node.depends_on))
        if blocked:
            return result("skipped", error=f"{blocked[0]} was not built")
        absent = [
            key for key in node.sources if existing(self.conn, self._project.sources[key].relation) is None
        ]
        if absent:
            missing = self._project.sources[absent[0]].relation.dotted
            return result("skipped", error=f"the source table {missing} is not there yet")
        # The members of a group are locked by the run, until all of them are published.
        with self._told(node, result) as told, nullcontext() if node.transaction_group else self.exclusive(node):
            told.append(self._built(node, result))
        return told[-1]

    def test(self, node: Node) -> NodeResult:
        """Asks the node's tests of the relation that is published; builds nothing."""
        if existing(self.conn, node.table) is None:
            return NodeResult(node.name, node.schema, node.kind, "skipped", error="is not there yet")
        started = time.monotonic()
        tests = self._audited(node, candidate=False)
        said = _stopped(tests)
        seconds = round(time.monotonic() - started, 3)
        state: State = "tests_failed" if said else "ok"
        return NodeResult(node.name, node.schema, node.kind, state, seconds, error=said, tests=tests)

    def release(self, nodes: Sequence[Node]) -> None:
        """Puts nodes that stand aside into their places, all in one transaction."""
        with self._shared.publishing, self.conn.transaction():
            for node in nodes:
                self._put_in_place(node)

    def discard(self, node: Node) -> None:
        """Takes away what stands aside."""
        drop(self.conn, node.table.candidate)

    @contextmanager
    def exclusive(self, node: Node) -> Generator[None]:
        """One build of a node at a time, across processes."""
        with queued(self.conn, f"model:{node.relation}", node.relation, "pembangunan lain dari model ini"):
            yield

    @contextmanager
    def _told(self, node: Node, result: Result) -> Generator[list[NodeResult]]:
        """Turns a fault of the node into its result; one of the connection is raised."""
        told: list[NodeResult] = []
        try:
            yield told
        except psycopg.Error as error:
            if self.conn.broken:
                raise
            told.append(result("failed", error=str(explained(self._place(node), node, error))))
        except GudangError as error:
            told.append(result("failed", error=str(error)))

    def _built(self, node: Node, result: Result) -> NodeResult:
        if node.kind == "seed" and self._is_loaded(node):
            return self._kept(node, result)
        if node.incremental and not self._anew(node):
            return self._grown(node, node.incremental, result)
        self.discard(node)
        published = False
        try:
            rows = self._written_aside(node)
            columns = columns_of(self.conn, node.table.candidate)
            self._check_columns(node, columns)
            tests = self._audited(node, rows, candidate=True)
            said = _stopped(tests)
            if said:
                return result("tests_failed", rows=rows, tests=tests, columns=columns, error=said)
            if not node.transaction_group:
                self.release([node])
            published = True
            return result("ok", rows=rows, tests=tests, columns=columns)
        finally:
            if not self.conn.broken and not (published and node.transaction_group):
                self.discard(node)

    # -- seeds ---------------------------------------------------------------------------------------------------

    def _kept(self, node: Node, result: Result) -> NodeResult:
        """A seed whose file is the same: only its tests are asked."""
        count = self.conn.execute(
            sql.SQL("select count(*) from {}").format(identifier(node.table))
        ).fetchone()
        tests = self._audited(node, count[0] if count else None, candidate=False)
        state: State = "tests_failed" if _stopped(tests) else "ok"
        columns, rows = columns_of(self.conn, node.table), count[0] if count else None
        return result(state, rows=rows, tests=tests, columns=columns, error=_stopped(tests), unchanged=True)

    def _is_loaded(self, node: Node) -> bool:
        row = self.conn.execute(
            "select version from ops.seed_state where relation = %s", (node.relation,)
        ).fetchone()
        same = row is not None and row[0] == _seed_version(node)
        return same and existing(self.conn, node.table) is not None

    def _load_seed(self, node: Node, candidate: Relation) -> int:
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(c.name), compiled(c.data_type or "text"))
            for c in node.columns
        )
        copy = sql.SQL("copy {} from stdin with (format csv, header match)").format(identifier(candidate))
        with self.conn.transaction(), self.conn.cursor() as cursor:
            cursor.execute(sql.SQL("create table {} ({})").format(identifier(candidate), columns))
            with cursor.copy(copy) as sink, node.path.open("rb") as file:
                while block := file.read(_BLOCK):
                    sink.write(block)
            return cursor.rowcount

    # -- tables and views ------------------------------------------------------------------------------------------

    def _written_aside(self, node: Node) -> int | None:
        candidate = node.table.candidate
        rows = self._load_seed(node, candidate) if node.kind == "seed" else self._asked_of(node, node.sql)
        if node.kind == "view":
            return None
        for index in node.materialization.indexes:
            self._create_index(node, candidate, index.name(node.name), for_now=True)
        self.conn.execute(sql.SQL("analyze {}").format(identifier(candidate)))
        return rows

    def _asked_of(self, node: Node, query: str) -> int:
        """What `query` gives, aside; its number of rows."""
        kind: LiteralString = "create view {} as\n" if node.kind == "view" else "create table {} as\n"
        if node.incremental and query is node.incremental.sql:
            kind = "create unlogged table {} as\n"
        begin = sql.SQL(kind).format(identifier(node.table.candidate))
        try:
            return self.conn.execute(begin + compiled(query)).rowcount
        except psycopg.Error as error:
            if self.conn.broken:
                raise
            raise located(self._place(node), node, query, len(begin.as_string()), error) from None

    def _create_index(self, node: Node, table: Relation, name: str, *, for_now: bool) -> None:
        index = next(i for i in node.materialization.indexes if i.name(node.name) == name)
        self.conn.execute(
            sql.SQL("create {}index {} {} on {} using {} ({})").format(
                sql.SQL("unique " if index.unique else ""),
                sql.SQL("" if for_now else "if not exists"),
                sql.Identifier(name_for_now(name) if for_now else name),
                identifier(table),
                sql.Identifier(index.type),
                sql.SQL(", ").join(map(sql.Identifier, index.columns)),
            )
        )

    def _put_in_place(self, node: Node) -> None:
        candidate = node.table.candidate
        if node.kind == "view":
            drop(self.conn, candidate)
            exchange_view(self.conn, node.table, node.sql, self._views)
        else:
            exchange_table(self.conn, node.table, candidate, self._views, _OUR_INDEX)
            for index in node.materialization.indexes:
                name = index.name(node.name)
                made = sql.Identifier(node.schema, name_for_now(name))
                self.conn.execute(sql.SQL("alter index {} rename to {}").format(made, sql.Identifier(name)))
        self._finish(node)
        if node.kind == "seed":
            self.conn.execute(_REMEMBER_SEED, (node.relation, _seed_version(node)))

    def _finish(self, node: Node) -> None:
        """Comments and rights, as the model's files say."""
        describe(self.conn, node.table, "view" if node.kind == "view" else "table", _comments(node))
        if node.materialization.grants is not None:
            apply_grants(self.conn, node.table, node.materialization.grants)

    # -- incremental -----------------------------------------------------------------------------------------------

    def _anew(self, node: Node) -> bool:
        """Whether the table is made whole: it is not there, or somebody wants it so."""
        wished = node.materialization.full_refresh
        if self._shared.full_refresh if wished is None else wished:
            return True
        found = existing(self.conn, node.table)
        return found is None or found.kind != "r"

    def _grown(self, node: Node, how: Incremental, result: Result) -> NodeResult:
        """New rows into the table that is there. Tests see them before anybody else: all is one transaction."""
        candidate = node.table.candidate
        self.discard(node)
        try:
            self._asked_of(node, how.sql)
            self.conn.execute(sql.SQL("analyze {}").format(identifier(candidate)))
            come, there = columns_of(self.conn, candidate), columns_of(self.conn, node.table)
            self._check_columns(node, come)
            statements = reshape(how, self._place(node), node.table, there, come)
            if node.suite:
                import_ahead()  # which must not be waited for with rows in the hand
            columns = [name for name, _ in (there if how.on_schema_change == "ignore" else come)]
            statements += upsert(how, node.table, identifier(candidate), columns, self._project.window)
            with self.conn.transaction():
                limit_waiting(self.conn)
                rows = [self.conn.execute(statement).rowcount for statement in statements][-1]
                tests = self._audited(node, candidate=False)
                said = _stopped(tests)
                if said:
                    raise psycopg.Rollback
                for index in node.materialization.indexes:
                    self._create_index(node, node.table, index.name(node.name), for_now=False)
                self._finish(node)
        finally:
            if not self.conn.broken:
                self.discard(node)
        if said:
            return result("tests_failed", rows=rows, tests=tests, columns=come, error=said)
        self.conn.execute(sql.SQL("analyze {}").format(identifier(node.table)))
        return result("ok", rows=rows, tests=tests, columns=columns_of(self.conn, node.table), incremented=True)

    # -- audit -------------------------------------------------------------------------------------------------------

    def _audited(self, node: Node, rows: int | None = None, *, candidate: bool) -> tuple[TestResult, ...]:
        """What its tests and its suite say of the relation that stands aside, or of the one in its place as this
        session sees it. rows: how many it has, where that is known."""
        tests = [self._ask(test, test.candidate_sql if candidate else test.sql) for test in node.tests]
        if not node.suite:
            return tuple(tests)
        relation = node.table.candidate if candidate else node.table
        results = run_suite(node.suite, relation, rows, self.conn)
        if self.conn.broken:  # which made all of them fail
            raise psycopg.OperationalError("the server was lost while a suite was asked")
        said = {r.name: "as expected" if r.passed else r.message for r in results}
        tests += [
            TestResult(r.name, r.severity, r.passed, r.unexpected, f"{r.name}: {said[r.name]}")
            for r in results
        ]
        return tuple(tests)

    def _ask(self, test: DataTest, query: str) -> TestResult:
        counted = sql.SQL("select count(*) from (\n{}\n) as failures").format(compiled(query))
        try:
            with self.conn.transaction():
                row = self.conn.execute(counted).fetchone()
        except psycopg.Error as error:
            if self.conn.broken:
                raise
            # A declared test always says something, also when it cannot be asked.
            reason = sqlstates.described(error)
            return TestResult(
                test.name, test.severity, False, None, f"{test.name}: could not be asked: {reason}"
            )
        failures = int(row[0]) if row else 0
        message = f"{test.name}: " + (f"{failures} failing rows" if failures else "no failing rows")
        return TestResult(test.name, test.severity, failures == 0, failures, message)

    def _check_columns(self, node: Node, columns: Sequence[tuple[str, str]]) -> None:
        built = {name for name, _ in columns}
        for column in node.columns:
            if column.name not in built:
                raise ModelError(
                    self._place(node), f"does not give the column {column.name} that its YAML describes"
                )

    def _place(self, node: Node) -> str:
        return node.path.relative_to(self._project.root).as_posix()


def _stopped(tests: Iterable[TestResult]) -> str | None:
    """What the failed tests of severity error say, or None when there is none."""
    said = [test.message for test in tests if not test.passed and test.severity == "error"]
    return "; ".join(said) or None


def _comments(node: Node) -> dict[str | None, str]:
    comments: dict[str | None, str] = {c.name: c.description for c in node.columns if c.description}
    if node.description:
        comments[None] = node.description
    return comments


def _seed_version(node: Node) -> str:
    """Also the comments: a changed description must reach the warehouse."""
    return digest(node.code_version, *(f"{column}={text}" for column, text in _comments(node).items()))
