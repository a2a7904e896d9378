"""Builds seeds and models: write aside, audit, publish.

What belongs here: the steps of one build and what its failures mean. Not here: what survives an exchange
(swap.py), reading the project (project.py), Dagster (assets/warehouse.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from pipelines.errors import GudangError, ModelError
from pipelines.load.swap import (
    Relation,
    columns_of,
    compiled,
    describe,
    drop,
    existing,
    identifier,
    publish_table,
    publish_view,
)
from pipelines.models.nodes import DataTest, Node, Project, digest
from pipelines.models.results import NodeResult, State, TestResult, record

Connect = str | Callable[[], Connection[Any]]
"""A libpq connection string, or a function that opens a connection of its own for the build."""

_BLOCK = 1 << 18
_SEED_STATE = """
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


def build(
    project: Project,
    connect: Connect,
    *,
    select: Iterable[str] | None = None,
    run_id: str | None = None,
    on_result: Callable[[NodeResult], None] | None = None,
) -> list[NodeResult]:
    """Builds the selected nodes one after the other and returns a result for each of them.

    A node is built aside, its tests are asked there, and only then it is published. One that fails keeps its
    published relation, and its descendants among the selected are skipped; the others go on. `run_id` is
    what the ledger's rows are written under (none without it); `on_result` hears each result as it comes.
    Raises ModelError for a selector that selects nothing, psycopg.OperationalError without a server.
    """
    nodes = project.select(select)
    results: list[NodeResult] = []
    broken: set[str] = set()
    with _opened(connect) as conn:
        work = _Build(conn, project)
        work.prepare(nodes)
        for node in nodes:
            result = work.node(node, broken)
            if result.state != "ok":
                broken.add(node.name)
            if run_id is not None:
                record(conn, run_id, result)
            results.append(result)
            if on_result is not None:
                on_result(result)
    return results


@contextmanager
def _opened(connect: Connect) -> Generator[Connection[Any]]:
    conn = psycopg.connect(connect) if isinstance(connect, str) else connect()
    with conn:
        conn.autocommit = True
        yield conn


class _Build:
    def __init__(self, conn: Connection[Any], project: Project) -> None:
        self._conn = conn
        self._project = project
        self._views: Mapping[str, str] = {
            n.relation: n.sql for n in project.nodes.values() if n.kind == "view"
        }

    def prepare(self, nodes: Iterable[Node]) -> None:
        """The schemas that the nodes live in, and the memory of seeds."""
        for schema in sorted({"ops", *(node.schema for node in nodes)}):
            self._conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        self._conn.execute(_SEED_STATE)

    def node(self, node: Node, broken: set[str]) -> NodeResult:
        started = time.monotonic()

        def result(state: State, **more: Any) -> NodeResult:
            seconds = round(time.monotonic() - started, 3)
            return NodeResult(node.name, node.schema, node.kind, state, seconds, **more)

        blocked = sorted(broken.intersection(node.depends_on))
        if blocked:
            return result("skipped", error=f"{blocked[0]} was not built")
        absent = [
            key for key in node.sources if existing(self._conn, self._project.sources[key].relation) is None
        ]
        if absent:
            missing = self._project.sources[absent[0]].relation.dotted
            return result("skipped", error=f"the source table {missing} is not there yet")
        try:
            with self._alone(node):
                return self._built(node, result)
        except psycopg.Error as error:
            if self._conn.broken:
                raise
            return result("failed", error=str(_explained(self._place(node), node, error)))
        except GudangError as error:
            return result("failed", error=str(error))

    def _built(self, node: Node, result: Callable[..., NodeResult]) -> NodeResult:
        if node.kind == "seed" and self._is_loaded(node):
            tests = self._asked(node.tests, candidate=False)
            state = "tests_failed" if _stopped(tests) else "ok"
            count = self._conn.execute(
                sql.SQL("select count(*) from {}").format(identifier(node.table))
            ).fetchone()
            columns = columns_of(self._conn, node.table)
            return result(
                state, rows=count[0] if count else None, tests=tests, columns=columns, unchanged=True
            )
        candidate = node.table.candidate
        drop(self._conn, candidate)
        try:
            rows = self._written_aside(node, candidate)
            columns = columns_of(self._conn, candidate)
            _check_columns(self._place(node), node, columns)
            tests = self._asked(node.tests, candidate=True)
            if _stopped(tests):
                return result("tests_failed", rows=rows, tests=tests, columns=columns, error=_stopped(tests))
            self._publish(node, candidate)
            return result("ok", rows=rows, tests=tests, columns=columns)
        finally:
            if not self._conn.broken:
                drop(self._conn, candidate)

    def _written_aside(self, node: Node, candidate: Relation) -> int | None:
        if node.kind == "seed":
            return self._load_seed(node, candidate)
        cursor = self._conn.execute(_head(node) + compiled(node.sql))
        if node.kind == "view":
            return None
        self._conn.execute(sql.SQL("analyze {}").format(identifier(candidate)))
        return cursor.rowcount

    def _load_seed(self, node: Node, candidate: Relation) -> int:
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(c.name), compiled(c.data_type or "text"))
            for c in node.columns
        )
        copy = sql.SQL("copy {} from stdin with (format csv, header match)").format(identifier(candidate))
        with self._conn.transaction(), self._conn.cursor() as cursor:
            cursor.execute(sql.SQL("create table {} ({})").format(identifier(candidate), columns))
            with cursor.copy(copy) as sink, node.path.open("rb") as file:
                while block := file.read(_BLOCK):
                    sink.write(block)
            rows = cursor.rowcount
        self._conn.execute(sql.SQL("analyze {}").format(identifier(candidate)))
        return rows

    def _publish(self, node: Node, candidate: Relation) -> None:
        with self._conn.transaction():
            if node.kind == "view":
                drop(self._conn, candidate)
                publish_view(self._conn, node.table, node.sql, self._views)
            else:
                publish_table(self._conn, node.table, candidate, self._views)
            describe(self._conn, node.table, "view" if node.kind == "view" else "table", _comments(node))
            if node.kind == "seed":
                self._conn.execute(_REMEMBER_SEED, (node.relation, _seed_version(node)))

    def _is_loaded(self, node: Node) -> bool:
        row = self._conn.execute(
            "select version from ops.seed_state where relation = %s", (node.relation,)
        ).fetchone()
        return (
            row is not None and row[0] == _seed_version(node) and existing(self._conn, node.table) is not None
        )

    def _asked(self, tests: Iterable[DataTest], *, candidate: bool) -> tuple[TestResult, ...]:
        return tuple(self._ask(test, test.candidate_sql if candidate else test.sql) for test in tests)

    def _ask(self, test: DataTest, query: str) -> TestResult:
        counted = sql.SQL("select count(*) from (\n{}\n) as failures").format(compiled(query))
        try:
            row = self._conn.execute(counted).fetchone()
        except psycopg.Error as error:
            if self._conn.broken:
                raise
            # A declared test always says something, also when it cannot be asked.
            reason = error.diag.message_primary or str(error)
            return TestResult(
                test.name, test.severity, False, None, f"{test.name}: could not be asked: {reason}"
            )
        failures = int(row[0]) if row else 0
        message = f"{test.name}: " + (f"{failures} failing rows" if failures else "no failing rows")
        return TestResult(test.name, test.severity, failures == 0, failures, message)

    def _place(self, node: Node) -> str:
        return node.path.relative_to(self._project.root).as_posix()

    @contextmanager
    def _alone(self, node: Node) -> Generator[None]:
        """One build of a node at a time, across processes."""
        key = f"model:{node.relation}"
        self._conn.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (key,))
        try:
            yield
        finally:
            if not self._conn.broken:
                self._conn.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (key,))


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


def _check_columns(place: str, node: Node, columns: tuple[tuple[str, str], ...]) -> None:
    built = {name for name, _ in columns}
    for column in node.columns:
        if column.name not in built:
            raise ModelError(place, f"does not give the column {column.name} that its YAML describes")


def _head(node: Node) -> sql.Composed:
    form: LiteralString = "create view {} as\n" if node.kind == "view" else "create table {} as\n"
    return sql.SQL(form).format(identifier(node.table.candidate))


def _explained(place: str, node: Node, error: psycopg.Error) -> ModelError:
    """PostgreSQL's message at the line of the compiled SQL; without its detail, which may quote a row."""
    hint = error.diag.message_hint
    if node.kind == "seed" and error.diag.context:
        hint = error.diag.context.splitlines()[0]
    elif error.diag.statement_position:
        offset = int(error.diag.statement_position) - len(_head(node).as_string()) - 1
        if 0 <= offset < len(node.sql):
            start = node.sql.rfind("\n", 0, offset) + 1
            line = node.sql[start:].split("\n", 1)[0].strip()
            hint = f"near: {line}" + (f"; {hint}" if hint else "")
    return ModelError(place, error.diag.message_primary or str(error), hint=hint)
