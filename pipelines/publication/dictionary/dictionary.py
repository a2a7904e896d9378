"""Joins what models, contracts and the warehouse say of every relation into one value.

What belongs here: which relation has which columns, where each comes from, which relations read it. The dictionary
holds descriptions and counts only, never values of the data, addresses or secrets. Not here: texts for readers
(explanations.py), mark-up (pages.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.contracts.columns import Column as Promise
from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import raw_columns
from pipelines.models.lineage.lineage import column_lineage
from pipelines.models.project.nodes import Check as Declared
from pipelines.models.project.nodes import Exposure, Node, Project, SourceTable
from pipelines.models.project.sources import OWN_COLUMNS
from pipelines.publication.dictionary.asked import NO_RULES, AskedOf, asked_of_dataset, asked_of_node
from pipelines.publication.dictionary.facts import Build, Facts, Outcome
from pipelines.publication.dictionary.findings import tables_by_code

Place = tuple[str, str]
"""A relation (`schema.name`) and one of its columns."""


@dataclass(frozen=True, slots=True)
class Check:
    """A test of a model, or a check of a dataset. passed: the result in the ledger; None if it has none."""

    name: str
    severity: str
    description: str = ""
    passed: bool | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column. origins: the columns that it is made of; readers: those made of it; promise: its contract's column."""

    name: str
    type: str = ""
    description: str = ""
    origins: tuple[Place, ...] = ()
    readers: tuple[Place, ...] = ()
    checks: tuple[Check, ...] = ()
    promise: Promise | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A relation. kind: a node's kind, "raw" for a table with a contract, "source" for another source.

    opds: the OPDs whose data it uses. sql_later: an incremental model's query when its table exists. asked: all its
    rules with their results.
    """

    schema: str
    name: str
    kind: str
    title: str
    description: str
    file: str = ""
    tags: tuple[str, ...] = ()
    opds: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    checks: tuple[Check, ...] = ()
    reads: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    exposures: tuple[str, ...] = ()
    sql: str = ""
    sql_later: str = ""
    open: bool = False
    contract: Contract | None = None
    build: Build | None = None
    asked: AskedOf = NO_RULES

    @property
    def key(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"

    def has(self, column: str) -> bool:
        """Whether the relation has this column."""
        return any(c.name == column for c in self.columns)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """All relations. entries: by `schema.name`, sorted. opds: name by code. with_warehouse: whether it has Facts.

    tables_by_code: the relations that a code of the catalogue of findings is asked of.
    """

    entries: Mapping[str, Entry]
    exposures: Mapping[str, Exposure]
    reads_of_exposures: Mapping[str, tuple[str, ...]]
    opds: Mapping[str, str]
    with_warehouse: bool
    tables_by_code: Mapping[str, tuple[str, ...]]


def make_dictionary(
    project: Project, contracts: Iterable[Contract], facts: Facts | None = None
) -> Dictionary:
    """The dictionary of `project` and `contracts`; `facts` is what the warehouse adds, if there is one."""
    return _Maker(project, tuple(contracts), facts).make()


class _Maker:
    def __init__(self, project: Project, contracts: tuple[Contract, ...], facts: Facts | None) -> None:
        self._project = project
        self._contracts = contracts
        self._with_warehouse = facts is not None
        self._facts = facts or Facts()
        self._contract_of = {(c.opd, c.dataset): c for c in contracts}

    def make(self) -> Dictionary:
        made = [self._raw(contract) for contract in self._contracts]
        sources = self._project.sources
        made += [self._source(table) for key, table in sources.items() if key not in self._contract_of]
        made += [self._node(node) for node in self._project.nodes.values()]
        entries = {entry.key: entry for entry in sorted(made, key=lambda entry: entry.key)}
        exposures = dict(sorted(self._project.exposures.items()))
        used = {
            name: tuple(sorted(self._project.nodes[n].relation for n in exposure.depends_on))
            for name, exposure in exposures.items()
        }
        opds = {contract.opd: contract.producer for contract in self._contracts}
        return Dictionary(
            _with_readers(entries, used),
            exposures,
            used,
            dict(sorted(opds.items())),
            self._with_warehouse,
            tables_by_code(self._project, self._contracts),
        )

    def _raw(self, contract: Contract) -> Entry:
        relation = f"raw.{contract.table}"
        types = self._facts.types.get(relation, {})
        columns = [
            Column(c.name, "" if c.dropped else types.get(c.name, c.stored_type), c.description, promise=c)
            for c in contract.columns
        ]
        columns += [
            Column(name, types.get(name, kind), OWN_COLUMNS[name])
            for name, kind in raw_columns(contract)[len(contract.stored) :]
        ]
        found = self._facts.checks.get(f"raw/{contract.key}", {})
        return Entry(
            schema="raw",
            name=contract.table,
            kind="raw",
            title=contract.title,
            description=contract.purpose,
            file=_shown(contract.path, self._project.root.parent),
            opds=(contract.opd,),
            columns=tuple(columns),
            checks=tuple(Check(name, o.severity, passed=o.passed) for name, o in sorted(found.items())),
            contract=contract,
            build=self._facts.builds.get(contract.key),
            asked=asked_of_dataset(contract, self._project.suites, self._facts),
        )

    def _source(self, table: SourceTable) -> Entry:
        types = self._facts.types.get(table.relation.dotted, {})
        return Entry(
            schema=table.relation.schema,
            name=table.relation.identifier,
            kind="source",
            title="",
            description=table.description,
            columns=tuple(
                Column(c.name, types.get(c.name) or c.data_type or "", c.description) for c in table.columns
            ),
        )

    def _node(self, node: Node) -> Entry:
        project = self._project
        lineage = column_lineage(project, node.name)
        types = self._facts.types.get(node.relation, {})
        outcomes = self._facts.checks.get(f"{node.schema}/{node.name}", {})
        described = {c.name: c for c in node.columns}
        # An expectation's text says what is wrong if it fails, so it is not shown: the check may have passed.
        test_descriptions = {t.name: t.description for t in node.tests}
        # The query or the warehouse may know columns that YAML does not describe.
        names = dict.fromkeys([*described, *lineage, *types])
        columns = [
            Column(
                name,
                types.get(name) or (described[name].data_type if name in described else None) or "",
                described[name].description if name in described else "",
                origins=lineage.get(name, ()),
                checks=tuple(_check(c, test_descriptions, outcomes) for c in node.checks if c.column == name),
            )
            for name in names
        ]
        family = [project.nodes[n] for n in (node.name, *project.ancestors(node.name))]
        opds = {
            source
            for member in family
            for source, table in member.sources
            if (source, table) in self._contract_of
        }
        reads = [project.nodes[n].relation for n in node.depends_on]
        reads += [project.sources[key].relation.dotted for key in node.sources]
        later = node.incremental.sql if node.incremental and node.incremental.sql != node.sql else ""
        return Entry(
            schema=node.schema,
            name=node.name,
            kind=node.kind,
            title=str(node.meta.get("judul") or ""),
            description=node.description,
            file=_shown(node.path, project.root.parent),
            tags=node.tags,
            opds=tuple(sorted(opds)),
            columns=tuple(columns),
            checks=tuple(
                _check(c, test_descriptions, outcomes) for c in node.checks if c.column not in names
            ),
            reads=tuple(sorted(set(reads))),
            sql=node.sql,
            sql_later=later,
            open=node.meta.get("publikasi") == "terbuka",
            build=self._facts.builds.get(node.name),
            asked=asked_of_node(node, self._facts),
        )


def _with_readers(entries: Mapping[str, Entry], exposures: Mapping[str, tuple[str, ...]]) -> dict[str, Entry]:
    """Gives `entries` with the relations, exposures and columns that read each."""
    readers: defaultdict[str, list[str]] = defaultdict(list)
    made_of: defaultdict[Place, list[Place]] = defaultdict(list)
    uses: defaultdict[str, list[str]] = defaultdict(list)
    for entry in entries.values():
        for read in entry.reads:
            readers[read].append(entry.key)
        for column in entry.columns:
            for origin in column.origins:
                made_of[origin].append((entry.key, column.name))
    for name, used in exposures.items():
        for key in used:
            uses[key].append(name)
    return {
        key: replace(
            entry,
            readers=tuple(sorted(readers[key])),
            exposures=tuple(uses[key]),
            columns=tuple(replace(c, readers=tuple(sorted(made_of[key, c.name]))) for c in entry.columns),
        )
        for key, entry in entries.items()
    }


def _check(
    declared: Declared, test_descriptions: Mapping[str, str], outcomes: Mapping[str, Outcome]
) -> Check:
    outcome = outcomes.get(declared.name)
    return Check(
        declared.name,
        declared.severity,
        test_descriptions.get(declared.name, ""),
        outcome.passed if outcome else None,
    )


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
