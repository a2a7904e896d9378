"""Builds one node: makes its candidate relation, audits it, releases it.

What belongs here: the steps for each kind of node on one connection. Not here: which nodes, in which order and how many
at a time (runner.py), the checks (audit.py), which grants, indexes and views survive an exchange (warehouse/swap.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from pipelines.contracts.windows import Window
from pipelines.errors import GudangError, ModelError
from pipelines.models.build.audit import OpenColumns, RunSuite, audit, describe_failures, nothing_open
from pipelines.models.build.faults import error_in_query, error_outside_query
from pipelines.models.build.grants import apply_grants
from pipelines.models.build.incremental import Part, changes_rows, parts, reshape, write_rows
from pipelines.models.build.indexes import create_index
from pipelines.models.build.results import NodeResult, State, of_ranges
from pipelines.models.build.versions import Basis, Versions
from pipelines.models.project.nodes import Node, Project
from pipelines.quality.results import CheckResult
from pipelines.quality.run import import_ahead, run_suite
from pipelines.suggest import did_you_mean
from pipelines.warehouse.attached import temporary_name
from pipelines.warehouse.locks import limit_waiting, queued
from pipelines.warehouse.relation import (
    Relation,
    columns_of,
    drop,
    existing,
    identifier,
    set_comments,
    trusted_sql,
)
from pipelines.warehouse.swap import exchange_table, exchange_view

_COPY_BLOCK = 1 << 18
"""Bytes of a seed's file that are sent at a time."""
_OUR_INDEX = re.compile(r".*__[0-9a-f]{10}_idx")


@dataclass(slots=True)
class Shared:
    """What the builders of one run have in common.

    release_lock: held by the builder that exchanges. Two exchanges of tables that one view reads would deadlock.
    broken: nodes that were not built or not released. run_suite: runs a node's suite. build_all: build what could be
    left, too. versions: of what the nodes read; None if they are not known. bases: what the nodes were built from, by
    name. open_columns, ranges: see build().
    """

    project: Project
    full_refresh: bool = False
    run_suite: RunSuite = run_suite
    build_all: bool = False
    run_id: str | None = None
    versions: Versions | None = None
    bases: dict[str, Basis] = field(default_factory=dict[str, Basis])
    open_columns: OpenColumns = nothing_open
    ranges: Sequence[Project] = ()
    release_lock: Lock = field(default_factory=Lock)
    broken: set[str] = field(default_factory=set[str])


class Builder:
    """Builds nodes, one after another, on one connection."""

    def __init__(self, conn: Connection[Any], shared: Shared) -> None:
        self.conn = conn
        self._shared = shared
        self._project = shared.project
        self._views: Mapping[str, str] = {
            n.relation: n.sql for n in shared.project.nodes.values() if n.kind == "view"
        }

    def build(self, node: Node) -> NodeResult:
        """Builds, audits and releases the node. A node of a group is not released: its candidate waits for `release`.

        A node whose build could not give anything else than what is in use is left: its result is `unchanged`. If the
        node fails, the result says so. Only a lost connection raises psycopg.Error.
        """
        started = time.monotonic()
        result = self._build_or_fail(node)
        return replace(result, seconds=_seconds_since(started))

    def test(self, node: Node) -> NodeResult:
        """Runs the node's checks on the relation in use; builds nothing."""
        if existing(self.conn, node.table) is None:
            return _result(node, "skipped", error="tabel atau view-nya belum ada")
        started = time.monotonic()
        tests = self._audit(node, candidate=False, stays=True)
        return replace(_tested(node, tests), seconds=_seconds_since(started))

    def release(self, nodes: Sequence[Node]) -> dict[str, str]:
        """Puts the candidates of `nodes` into use, all in one transaction. Gives their versions by name."""
        with self._shared.release_lock, self.conn.transaction():
            versions = {node.name: self._exchange(node) for node in nodes}
        for node in nodes:
            self._take_over(node, versions[node.name])
        return versions

    def discard(self, node: Node) -> None:
        """Drops the node's candidate, if there is one."""
        drop(self.conn, node.table.candidate)

    @contextmanager
    def exclusive(self, node: Node) -> Generator[None]:
        """Holds the node's lock, so that no other process builds it. Waits until the lock is free."""
        with queued(self.conn, f"model:{node.relation}", node.relation, "pembangunan lain dari model ini"):
            yield

    def _build_or_fail(self, node: Node) -> NodeResult:
        if (reason := self._why_skipped(node)) is not None:
            return _result(node, "skipped", error=reason)
        if (left := self._leave(node)) is not None:
            return left

        def locked() -> NodeResult:
            # The members of a group are locked by the run, until all of them are released.
            with nullcontext() if node.transaction_group else self.exclusive(node):
                return self._build(node)

        return self._or_failed(node, locked)

    def _or_failed(self, node: Node, work: Callable[[], NodeResult]) -> NodeResult:
        """The result of `work`, or the one that says its error."""
        try:
            return work()
        except psycopg.Error as error:
            if self.conn.broken:
                raise
            return _result(node, "failed", error=str(error_outside_query(self._place(node), node, error)))
        except GudangError as error:
            return _result(node, "failed", error=str(error))

    def _why_skipped(self, node: Node) -> str | None:
        broken = sorted(self._shared.broken.intersection(node.depends_on))
        if broken:
            return f"{broken[0]} tidak dibangun"
        for key in node.sources:
            relation = self._project.sources[key].relation
            if existing(self.conn, relation) is None:
                return f"tabel sumber {relation.dotted} belum ada"
        return None

    def _leave(self, node: Node) -> NodeResult | None:
        """The result of a node that is left. Else None, and what it is built from is noted, before its query reads."""
        versions = self._shared.versions
        if versions is None:
            return None
        basis = self._shared.bases[node.name] = versions.basis(node)
        always = self._shared.build_all or self._shared.full_refresh
        if always or not versions.may_leave(node, basis, self._project.window):
            return None
        state = versions.state(node)
        return _result(node, "ok", unchanged=True, version=state.version if state else "")

    def _build(self, node: Node) -> NodeResult:
        if not node.incremental or self._is_full_refresh(node):
            return self._rebuild(node)
        of_node = parts(node, self._project, self._shared.ranges)
        return of_ranges(
            [(p.window, self._or_failed(node, partial(self._add_rows, node, p))) for p in of_node]
        )

    def _rebuild(self, node: Node) -> NodeResult:
        self.discard(node)
        waits_for_group = False
        try:
            rows = self._make_candidate(node)
            columns = columns_of(self.conn, node.table.candidate)
            self._check_columns(node, columns)
            tests = self._audit(node, rows, candidate=True)
            if failures := describe_failures(tests):
                return _result(node, "tests_failed", rows=rows, tests=tests, columns=columns, error=failures)
            version = ""
            if node.transaction_group:
                waits_for_group = True
            else:
                version = self.release([node])[node.name]
            return _result(node, "ok", rows=rows, tests=tests, columns=columns, version=version)
        finally:
            if not waits_for_group and not self.conn.broken:
                self.discard(node)

    # -- seeds ---------------------------------------------------------------------------------------------------

    def _load_seed(self, node: Node) -> int:
        candidate = identifier(node.table.candidate)
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(c.name), trusted_sql(c.data_type or "text"))
            for c in node.columns
        )
        copy = sql.SQL("copy {} from stdin with (format csv, header match)").format(candidate)
        with self.conn.transaction(), self.conn.cursor() as cursor:
            cursor.execute(sql.SQL("create table {} ({})").format(candidate, columns))
            with cursor.copy(copy) as sink, node.path.open("rb") as file:
                while block := file.read(_COPY_BLOCK):
                    sink.write(block)
            return cursor.rowcount

    # -- tables and views ------------------------------------------------------------------------------------------

    def _make_candidate(self, node: Node) -> int | None:
        """Makes the node's candidate and gives its number of rows, None for a view."""
        if node.kind == "view":
            self._create_candidate(node, "create view {} as\n", node.sql)
            return None
        if node.kind == "seed":
            rows = self._load_seed(node)
        else:
            rows = self._create_candidate(node, "create table {} as\n", node.sql)
        for index in node.materialization.indexes:
            name = temporary_name(index.name(node.name))
            self.conn.execute(create_index(index, name, node.table.candidate))
        self._analyze(node.table.candidate)
        return rows

    def _create_candidate(self, node: Node, create: LiteralString, query: str) -> int:
        """Makes the candidate from `query` and gives its number of rows. Raises ModelError with the fault's line."""
        begin = sql.SQL(create).format(identifier(node.table.candidate))
        try:
            return self.conn.execute(begin + trusted_sql(query)).rowcount
        except psycopg.Error as error:
            if self.conn.broken:
                raise
            raise error_in_query(self._place(node), node, query, len(begin.as_string()), error) from None

    def _exchange(self, node: Node) -> str:
        """Puts the node's candidate into use, and gives its version."""
        candidate = node.table.candidate
        if node.kind == "view":
            drop(self.conn, candidate)
            exchange_view(self.conn, node.table, node.sql, self._views)
        else:
            exchange_table(self.conn, node.table, candidate, self._views, _OUR_INDEX)
            for index in node.materialization.indexes:
                name = index.name(node.name)
                made = sql.Identifier(node.schema, temporary_name(name))
                self.conn.execute(sql.SQL("alter index {} rename to {}").format(made, sql.Identifier(name)))
        self._describe_and_grant(node)
        return self._remember(node)

    def _remember(
        self, node: Node, *, added: bool = False, changed: bool = True, window: Window | None = None
    ) -> str:
        """Notes from what the node was built, in the transaction that releases it. Gives its version."""
        if self._shared.versions is None:
            return ""
        return self._shared.versions.remember(
            self.conn, node, self._shared.bases[node.name], run_id=self._shared.run_id, added=added, changed=changed,
            window=window,
        )  # fmt: skip

    def _take_over(self, node: Node, version: str, window: Window | None = None) -> None:
        """Lets the readers of the node see its new version. Call it after the release is committed."""
        if self._shared.versions is not None:
            self._shared.versions.released(node, self._shared.bases[node.name], version, window)

    def _describe_and_grant(self, node: Node) -> None:
        set_comments(self.conn, node.table, "view" if node.kind == "view" else "table", _comments(node))
        if node.materialization.grants is not None:
            apply_grants(self.conn, node.table, node.materialization.grants)

    def _analyze(self, relation: Relation) -> None:
        self.conn.execute(sql.SQL("analyze {}").format(identifier(relation)))

    # -- incremental -----------------------------------------------------------------------------------------------

    def _is_full_refresh(self, node: Node) -> bool:
        """Whether the whole table is built: there is none yet, raw has lost rows, or config or caller say so."""
        configured = node.materialization.full_refresh
        versions = self._shared.versions
        asked = self._shared.full_refresh or (versions is not None and versions.has_lost_rows(node))
        if asked if configured is None else configured:
            return True
        found = existing(self.conn, node.table)
        return found is None or found.kind != "r"

    def _add_rows(self, node: Node, part: Part) -> NodeResult:
        """Adds new rows to the table in use. The checks see them before any reader: all is one transaction."""
        how, window = part.how, part.window
        candidate = node.table.candidate
        self.discard(node)
        try:
            rows = self._create_candidate(node, "create unlogged table {} as\n", how.sql)
            if part.left_out:
                left_out = sql.SQL("delete from {} where {}").format(identifier(candidate), part.left_out)
                rows -= self.conn.execute(left_out).rowcount
                if not rows and window is None:
                    return _result(node, "ok", rows=0, incremented=True)
            self._analyze(candidate)
            new, old = columns_of(self.conn, candidate), columns_of(self.conn, node.table)
            self._check_columns(node, new)
            reshaped = reshape(how, self._place(node), node.table, old, new)
            import_ahead([node.suite])  # takes seconds; the table must not be locked in that time
            columns = [name for name, _ in (old if how.on_schema_change == "ignore" else new)]
            rows_of = (node.table, identifier(candidate), columns, window)
            statements = [*reshaped, *write_rows(how, *rows_of)]
            version = ""
            with self.conn.transaction():
                limit_waiting(self.conn)
                changed = bool(reshaped) or self.conn.execute(changes_rows(how, *rows_of)).fetchone() == (
                    True,
                )
                for statement in statements if changed else ():
                    self.conn.execute(statement)
                tests = self._audit(node, candidate=False)
                failures = describe_failures(tests)
                if failures:
                    raise psycopg.Rollback
                for index in node.materialization.indexes:
                    statement = create_index(index, index.name(node.name), node.table, if_not_exists=True)
                    self.conn.execute(statement)
                self._describe_and_grant(node)
                version = self._remember(node, added=True, changed=changed, window=window)
        finally:
            if not self.conn.broken:
                self.discard(node)
        if failures:
            return _result(node, "tests_failed", rows=rows, tests=tests, columns=new, error=failures)
        self._take_over(node, version, window)
        if changed:
            self._analyze(node.table)
        columns_now = columns_of(self.conn, node.table)
        return _result(
            node, "ok", rows=rows, tests=tests, columns=columns_now, incremented=True, version=version
        )

    # -- checks ----------------------------------------------------------------------------------------------------

    def _audit(
        self, node: Node, rows: int | None = None, *, candidate: bool, stays: bool = False
    ) -> tuple[CheckResult, ...]:
        return audit(
            self.conn,
            node,
            self._shared.run_suite,
            rows,
            candidate=candidate,
            stays=stays,
            open_columns=self._shared.open_columns,
        )

    def _check_columns(self, node: Node, columns: Sequence[tuple[str, str]]) -> None:
        built = {name for name, _ in columns}
        for column in node.columns:
            if column.name not in built:
                raise ModelError(
                    self._place(node),
                    f"tidak memberi kolom {column.name} yang dijelaskan YAML-nya",
                    hint=did_you_mean(column.name, built) or None,
                )

    def _place(self, node: Node) -> str:
        return node.path.relative_to(self._project.root).as_posix()


def _result(node: Node, state: State, **more: Any) -> NodeResult:
    return NodeResult(node.name, node.schema, node.kind, state, **more)


def _tested(node: Node, tests: tuple[CheckResult, ...]) -> NodeResult:
    """The result of a node whose checks were run and that was not built."""
    failures = describe_failures(tests)
    return _result(node, "tests_failed" if failures else "ok", tests=tests, error=failures)


def _seconds_since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _comments(node: Node) -> dict[str | None, str]:
    comments: dict[str | None, str] = {c.name: c.description for c in node.columns if c.description}
    if node.description:
        comments[None] = node.description
    return comments
