"""Builds or tests a selection of nodes: in the order of their dependencies, several at a time.

What belongs here: order, threads, connections, the release of a group, the ledger. Not here: the steps of one node
(node_builder.py), reading the project (models/project/project.py), Dagster (assets/warehouse.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Any

import psycopg
from psycopg import Connection, sql

from pipelines.errors import GudangError
from pipelines.models.build.audit import OpenColumns, RunSuite, nothing_open
from pipelines.models.build.faults import error_outside_query
from pipelines.models.build.node_builder import Builder, Shared
from pipelines.models.build.results import NodeResult, record
from pipelines.models.build.versions import read_versions
from pipelines.models.project import selection
from pipelines.models.project.nodes import Node, Project
from pipelines.quality.declared import declare_models
from pipelines.quality.run import import_ahead, run_suite

THREADS = 4
"""Nodes at a time: the work is the database's, and it has that many cores or more."""

Connect = str | Callable[[], Connection[Any]]
"""A libpq connection string, or a function that opens a new connection for the build."""
OnResult = Callable[[NodeResult], None]


def build(
    project: Project,
    connect: Connect,
    *,
    select: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    run_id: str | None = None,
    on_result: OnResult | None = None,
    threads: int = THREADS,
    full_refresh: bool = False,
    build_all: bool = False,
    run_suite: RunSuite = run_suite,
    open_columns: OpenColumns = nothing_open,
    ranges: Sequence[Project] = (),
) -> list[NodeResult]:
    """Builds the selected nodes, each after those that it reads, and returns their results in building order.

    A node is left if nothing that its result depends on has changed since its relation in use was released: its SQL and
    tests, the rows of what it reads, and the date where it reads it (adr/036). `due.py` says before which are not left.
    A node is built as a candidate, its checks are run on that, and only then it is released. A node that fails keeps
    its relation in use, and its descendants among the selected are skipped; the others go on. The models of an
    exposure with `satu_transaksi` are released in one transaction, or none of them is.

    run_id: is written into the ledger's rows; without it nothing is written there. on_result: is called with each
    result as it comes. full_refresh: incremental models are built from all that they read, and no node is left.
    build_all: no node is left. run_suite: runs a node's suite. open_columns: gives the columns of a node whose values
    may be shown of rows that fail a check. ranges: the project with each range of days of its window that a model with
    windows builds by itself, in a transaction of its own; () for all days of the window at once.

    Raises ModelError for a selector that selects nothing, psycopg.OperationalError without a server.
    """
    nodes = selection.select(project, select, exclude)
    shared = Shared(
        project, full_refresh, run_suite, build_all, run_id, open_columns=open_columns, ranges=ranges
    )
    with _Run(shared, nodes, connect, threads) as run:
        run.read_versions()
        if run_id is not None:
            run.declare_checks()
        return run.walk(lambda builder, node: builder.build(node), run_id, on_result)


def run_tests(
    project: Project,
    connect: Connect,
    *,
    select: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    on_result: OnResult | None = None,
    threads: int = THREADS,
    open_columns: OpenColumns = nothing_open,
) -> list[NodeResult]:
    """Runs the checks of the selected nodes on their relations in use; builds and writes nothing."""
    nodes = selection.select(project, select, exclude)
    # Nothing is built, so no group is released.
    nodes = tuple(replace(node, transaction_group=None) for node in nodes)
    with _Run(Shared(project, open_columns=open_columns), nodes, connect, threads) as run:
        return run.walk(lambda builder, node: builder.test(node), None, on_result)


class _Run:
    """The selected nodes of one call, its threads and their connections."""

    def __init__(self, shared: Shared, nodes: Sequence[Node], connect: Connect, threads: int) -> None:
        self._shared = shared
        self._nodes = {node.name: node for node in nodes}
        self._connect = connect
        self._pool = ThreadPoolExecutor(max(1, min(threads, len(nodes))), "model")
        self._thread = threading.local()
        self._connections: list[Connection[Any]] = []
        self._results: dict[str, NodeResult] = {}
        self._groups: dict[str, set[str]] = {}
        for node in nodes:
            if node.transaction_group:
                self._groups.setdefault(node.transaction_group, set()).add(node.name)

    def __enter__(self) -> _Run:
        self._main = Builder(self._open(), self._shared)
        suites = [node.suite for node in self._nodes.values()]
        # A daemon: a run that ends early does not wait for the import.
        threading.Thread(target=import_ahead, args=(suites,), name="import-ahead", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            for connection in self._connections:
                # If the server is down, there is nothing to cancel, and its error must not replace the first one.
                with suppress(psycopg.Error):
                    connection.cancel_safe(timeout=5)
        self._pool.shutdown(cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def read_versions(self) -> None:
        """Reads the versions of all that the nodes read, before any of them is built."""
        self._shared.versions = read_versions(self._main.conn, self._shared.project)

    def declare_checks(self) -> None:
        """Notes the checks of all models, selected or not: results of deleted models and tests count no more."""
        nodes = self._shared.project.nodes.values()
        declare_models(
            self._main.conn, {f"{n.schema}/{n.name}": [check.name for check in n.checks] for n in nodes}
        )

    def walk(
        self,
        work: Callable[[Builder, Node], NodeResult],
        run_id: str | None,
        on_result: OnResult | None,
    ) -> list[NodeResult]:
        for schema in sorted({"ops", *(node.schema for node in self._nodes.values())}):
            self._main.conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        with self._groups_locked():
            for result in self._finished(work):
                self._results[result.name] = result
                if run_id is not None:
                    record(self._main.conn, run_id, result)
                if on_result is not None:
                    on_result(result)
        return [self._results[name] for name in self._nodes]

    def _finished(self, work: Callable[[Builder, Node], NodeResult]) -> Generator[NodeResult]:
        """Runs the nodes in building order and gives each final result as soon as it is known."""
        # The graph holds all nodes: one that is not selected still orders two that are.
        sorter = TopologicalSorter(
            {n.name: (*n.depends_on, *n.build_after) for n in self._shared.project.nodes.values()}
        )
        sorter.prepare()
        running: dict[Future[NodeResult], str] = {}
        waiting: dict[str, list[NodeResult]] = {}
        while sorter.is_active():
            for name in sorter.get_ready():
                if name in self._nodes:
                    running[self._pool.submit(self._work_in_thread, work, self._nodes[name])] = name
                else:
                    sorter.done(name)
            done, _ = wait(running, return_when=FIRST_COMPLETED) if running else (set[Any](), None)
            for future in done:
                node = self._nodes[running.pop(future)]
                results = self._final(node, future.result(), waiting)
                for result in results:
                    if result.state != "ok":
                        self._shared.broken.add(result.name)
                    yield result
                sorter.done(*(result.name for result in results))

    def _final(
        self, node: Node, result: NodeResult, waiting: dict[str, list[NodeResult]]
    ) -> list[NodeResult]:
        """The results that are final now. Those of a group wait in `waiting` for its last member."""
        if node.transaction_group is None:
            return [result]
        come = waiting.setdefault(node.transaction_group, [])
        come.append(result)
        if len(come) < len(self._groups[node.transaction_group]):
            return []
        return self._release_group(node.transaction_group, come)

    def _release_group(self, group: str, results: list[NodeResult]) -> list[NodeResult]:
        """Releases a group in one transaction, or nothing of it if a member failed. Gives its members' results."""
        nodes = [self._nodes[result.name] for result in results if not result.unchanged]
        bad = [result.name for result in results if result.state != "ok"]
        why = f"{bad[0]} tidak dibangun, dan model exposure {group} terbit bersama" if bad else ""
        if not bad:
            try:
                versions = self._main.release(nodes)
            except (psycopg.Error, GudangError) as error:
                if self._main.conn.broken:
                    raise
                if isinstance(error, psycopg.Error):
                    error = error_outside_query(f"exposure {group}", nodes[0], error)
                why = str(error)
            else:
                return [replace(r, version=versions.get(r.name, r.version)) for r in results]
        for node in nodes:
            self._main.discard(node)
        state = "held" if bad else "failed"
        return [
            replace(r, state=state, error=why) if r.state == "ok" and not r.unchanged else r for r in results
        ]

    @contextmanager
    def _groups_locked(self) -> Generator[None]:
        """Locks the members of all groups, so that no other run drops their candidates before they are released."""
        with ExitStack() as held:
            for name in sorted(name for group in self._groups.values() for name in group):
                held.enter_context(self._main.exclusive(self._nodes[name]))
            yield

    def _work_in_thread(self, work: Callable[[Builder, Node], NodeResult], node: Node) -> NodeResult:
        builder: Builder | None = getattr(self._thread, "builder", None)
        if builder is None:
            builder = self._thread.builder = Builder(self._open(), self._shared)
        return work(builder, node)

    def _open(self) -> Connection[Any]:
        opened = psycopg.connect(self._connect) if isinstance(self._connect, str) else self._connect()
        opened.autocommit = True
        self._connections.append(opened)
        return opened
