"""The values of a dbt project: seeds, models, their columns and tests.

What belongs here: frozen dataclasses, and what follows from them without a file or a database (ancestors, readers).
Not here: reading files (project.py), selecting nodes (selection.py), running SQL (models/build/runner.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipelines.contracts.windows import Partition, Window
from pipelines.models.project.materialization import Incremental, Materialization
from pipelines.quality.suites import Expectation, Severity
from pipelines.warehouse.relation import Relation

Kind = Literal["seed", "view", "table", "incremental"]


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """A column as the properties file describes it; `data_type` only where the file gives one.

    classification: how open the column is, for a source without a contract; "" if the file does not say.
    """

    name: str
    description: str = ""
    data_type: str | None = None
    classification: str = ""


@dataclass(frozen=True, slots=True)
class DataTest:
    """A query whose rows are failures. `candidate_sql` reads the node's candidate, not its relation in use.

    kind: the generic test that it is made of (`not_null`), or `singular`.
    """

    name: str
    severity: Severity
    sql: str
    candidate_sql: str
    column: str | None = None
    description: str = ""
    kind: str = "singular"


@dataclass(frozen=True, slots=True)
class Check:
    """A test or an expectation as it is declared. An expectation's description says what is wrong if it fails."""

    name: str
    severity: Severity
    description: str = ""
    column: str | None = None


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table that no model fills: raw data, or our own ledger.

    classification: how open the table is, and each of its columns without an own one; "" means closed. For raw data the
    contract decides instead.
    """

    source: str
    table: str
    relation: Relation
    description: str = ""
    columns: tuple[ModelColumn, ...] = ()
    classification: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A seed or a model.

    depends_on: names of the nodes that its query reads. build_after: further nodes that its tests and its suite read.
    sql: the compiled query ("" for a seed). code_version: changes when what is built would change.
    incremental: how rows are added to its existing table. transaction_group: the exposure whose models are released in
    one transaction, this one among them. suppression: the query of the suppressing macro, "" where it calls none.
    """

    name: str
    kind: Kind
    schema: str
    path: Path
    sql: str
    code_version: str
    depends_on: tuple[str, ...] = ()
    build_after: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    description: str = ""
    columns: tuple[ModelColumn, ...] = ()
    tests: tuple[DataTest, ...] = ()
    suite: tuple[Expectation, ...] = ()
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    materialization: Materialization = field(default_factory=Materialization)
    incremental: Incremental | None = None
    transaction_group: str | None = None
    suppression: str = ""

    @property
    def table(self) -> Relation:
        """The relation in use."""
        return Relation(self.schema, self.name)

    @property
    def relation(self) -> str:
        """`schema.name`."""
        return self.table.dotted

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks that run before the node is released: its tests, then its suite."""
        tests = [Check(t.name, t.severity, t.description, t.column) for t in self.tests]
        suite = [Check(e.name, e.severity, e.message, e.kwargs.get("column")) for e in self.suite]
        return (*tests, *suite)

    @property
    def partition(self) -> Partition | None:
        """The date column and windows by which the node can be rebuilt; None if it has none."""
        return self.materialization.partition


@dataclass(frozen=True, slots=True)
class Exposure:
    """A report, portal or other use of models outside of the project; "exposure" is dbt's word."""

    name: str
    title: str
    type: str
    depends_on: tuple[str, ...]
    description: str = ""
    owner: str = ""
    url: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def published_together(self) -> bool:
        """Whether its models are released in one transaction, so that a reader never sees two nights mixed."""
        return bool(self.meta.get("satu_transaksi"))


@dataclass(frozen=True, slots=True)
class Project:
    """All nodes, sources and exposures of a dbt folder. `nodes` are in an order in which they can be built.

    window: the days to build; models with a partition rebuild only these. suites: the folder of the nodes' suites,
    None without suites.
    """

    name: str
    root: Path
    nodes: Mapping[str, Node]
    sources: Mapping[tuple[str, str], SourceTable]
    exposures: Mapping[str, Exposure] = field(default_factory=dict[str, Exposure])
    window: Window | None = None
    suites: Path | None = None

    def ancestors(self, name: str) -> frozenset[str]:
        """Every node that the node reads, directly or through others."""
        found: set[str] = set()
        waiting = list(self.nodes[name].depends_on)
        while waiting:
            upstream = waiting.pop()
            if upstream not in found:
                found.add(upstream)
                waiting.extend(self.nodes[upstream].depends_on)
        return frozenset(found)

    def descendants(self, names: Iterable[str]) -> frozenset[str]:
        """Every node that reads one of `names`, directly or through others; without `names` themselves."""
        reached: set[str] = set(names)
        start = frozenset(reached)
        for node in self.nodes.values():
            if reached.intersection(node.depends_on):
                reached.add(node.name)
        return frozenset(reached - start)

    def readers(self, sources: Iterable[tuple[str, str]]) -> frozenset[str]:
        """The nodes that read one of `sources` (source, table) directly."""
        wanted = set(sources)
        return frozenset(node.name for node in self.nodes.values() if wanted.intersection(node.sources))
