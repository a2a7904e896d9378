"""Builds or tests a selection of nodes: by their dependencies, several at a time.

What belongs here: order, threads, connections, what is published together, the ledger. Not here: the steps of one node
(building.py), reading the project (models/project/project.py), Dagster (assets/warehouse.py).
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

from pipelines.models.project import selection
from pipelines.errors import GudangError
from pipelines.models.build.building import (SEED_STATE, Builder, Shared)
from pipelines.models.build.faults import explained
from pipelines.models.project.nodes import Node, Project
from pipelines.models.build.results import NodeResult, record
from pipelines.quality.run import import_ahead

THREADS = 4
"""Nodes at a time: the work is the database's, and it has that many cores or more."""

Connect = str | Callable[[], Connection[Any]]
"""A libpq connection string, or a function that opens a connection of its own for the build."""
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
) -> list[NodeResult]:
    """Builds the selected nodes, each after those that it reads, and returns their results in building order.

    A node is built aside, its tests and its suite are asked there, and only then it is published. One that fails keeps
    its published relation, and its descendants among the selected are skipped; the others go on. The models of an
    exposure with `satu_transaksi` are published in one transaction, or none of them is.
    run_id: what the ledger's rows are written under (none without it). on_result hears each result as it comes.
    full_refresh: incremental models are made whole. Raises ModelError for a selector that selects nothing,
    psycopg.OperationalError without a server.
    """
    nodes = selection.select(project, select, exclude)
    with _Run(project, nodes, connect, threads, full_refresh=full_refresh) as run:
        return run.walk(lambda builder, node: builder.build(node), run_id, on_result)


def run_tests(
    project: Project,
    connect: Connect,
    *,
    select: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    on_result: OnResult | None = None,
    threads: int = THREADS,
) -> list[NodeResult]:
    """Asks the tests and suites of the selected nodes of what is published; builds and writes nothing."""
    nodes = selection.select(project, select, exclude)
    # Nothing is built, so nothing is published together.
    nodes = tuple(replace(node, transaction_group=None) for node in nodes)
    with _Run(project, nodes, connect, threads) as run:
        return run.walk(lambda builder, node: builder.test(node), None, on_result)


class _Run:
    """The selected nodes of one call, its threads and their connections."""

    def __init__(
        self,
        project: Project,
        nodes: Sequence[Node],
        connect: Connect,
        threads: int,
        *,
        full_refresh: bool = False,
    ) -> None:
        self._project = project
        self._nodes = {node.name: node for node in nodes}
        self._connect = connect
        self._shared = Shared(project, full_refresh)
        self._pool = ThreadPoolExecutor(max(1, min(threads, len(nodes))), "model")
        self._thread = threading.local()
        self._connections: list[Connection[Any]] = []
        self._results: dict[str, NodeResult] = {}
        self._groups: dict[str, set[str]] = {}
        for node in nodes:
            if node.transaction_group:
                self._groups.setdefault(node.transaction_group, set()).add(node.name)

    def __enter__(self) -> _Run:
        self._main = Builder(self._opened(), self._shared)
        if any(node.suite for node in self._nodes.values()):
            # Whoever ends early does not wait for an import: it is nobody's result.
            threading.Thread(target=import_ahead, name="import-ahead", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            for connection in self._connections:
                # A server that is gone has nothing to cancel, and must not take the place of the error.
                with suppress(psycopg.Error):
                    connection.cancel_safe(timeout=5)
        self._pool.shutdown(cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def walk(
        self,
        work: Callable[[Builder, Node], NodeResult],
        run_id: str | None,
        on_result: OnResult | None,
    ) -> list[NodeResult]:
        for schema in sorted({"ops", *(node.schema for node in self._nodes.values())}):
            self._main.conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        self._main.conn.execute(SEED_STATE)
        with self._groups_alone():
            for result in self._finished(work):
                self._results[result.name] = result
                if run_id is not None:
                    record(self._main.conn, run_id, result)
                if on_result is not None:
                    on_result(result)
        return [self._results[name] for name in self._nodes]

    def _finished(self, work: Callable[[Builder, Node], NodeResult]) -> Generator[NodeResult]:
        """The results, as they come."""
        # Those that were not selected are in the graph, too: what stands between two nodes orders them.
        sorter = TopologicalSorter(
            {n.name: (*n.depends_on, *n.build_after) for n in self._project.nodes.values()}
        )
        sorter.prepare()
        running: dict[Future[NodeResult], str] = {}
        aside: dict[str, list[NodeResult]] = {}
        while sorter.is_active():
            for name in sorter.get_ready():
                if name in self._nodes:
                    running[self._pool.submit(self._worked, work, self._nodes[name])] = name
                else:
                    sorter.done(name)
            done, _ = wait(running, return_when=FIRST_COMPLETED) if running else (set[Any](), None)
            for future in done:
                results = self._settled(self._nodes[running.pop(future)], future.result(), aside)
                for result in results:
                    if result.state != "ok":
                        self._shared.broken.add(result.name)
                    yield result
                sorter.done(*(result.name for result in results))

    def _settled(
        self, node: Node, result: NodeResult, aside: dict[str, list[NodeResult]]
    ) -> list[NodeResult]:
        """The results that are final now: of a group, all of them when its last member has come."""
        if node.transaction_group is None:
            return [result]
        come = aside.setdefault(node.transaction_group, [])
        come.append(result)
        if len(come) < len(self._groups[node.transaction_group]):
            return []
        return self._published(node.transaction_group, come)

    def _published(self, group: str, results: list[NodeResult]) -> list[NodeResult]:
        """The members of a group, published in one transaction; none where one of them failed."""
        nodes = [self._nodes[result.name] for result in results]
        bad = [result.name for result in results if result.state != "ok"]
        why = (
            f"{bad[0]} of the exposure {group} was not built, and they are published together" if bad else ""
        )
        if not bad:
            try:
                self._main.release(nodes)
            except (psycopg.Error, GudangError) as error:
                if self._main.conn.broken:
                    raise
                told = (
                    error
                    if isinstance(error, GudangError)
                    else explained(f"exposure {group}", nodes[0], error)
                )
                why = str(told)
            else:
                return results
        for node in nodes:
            self._main.discard(node)
        state = "held" if bad else "failed"
        return [replace(r, state=state, error=why) if r.state == "ok" else r for r in results]

    @contextmanager
    def _groups_alone(self) -> Generator[None]:
        """Nobody else builds a member of a group until all are published: what stands aside must stay."""
        with ExitStack() as held:
            for name in sorted(name for group in self._groups.values() for name in group):
                held.enter_context(self._main.exclusive(self._nodes[name]))
            yield

    def _worked(self, work: Callable[[Builder, Node], NodeResult], node: Node) -> NodeResult:
        builder: Builder | None = getattr(self._thread, "builder", None)
        if builder is None:
            builder = self._thread.builder = Builder(self._opened(), self._shared)
        return work(builder, node)

    def _opened(self) -> Connection[Any]:
        opened = psycopg.connect(self._connect) if isinstance(self._connect, str) else self._connect()
        opened.autocommit = True
        self._connections.append(opened)
        return opened
