"""Adds the Great Expectations suites of models, expectations/<schema>/<model>.json, to the nodes of a project.

What belongs here: which file belongs to which node, and what must hold between a suite and its project: no name twice,
every relation that a query reads known and built before. Not here: the form of a suite (quality/suites.py), running one
(quality/run.py), and what a failed one means (models/build/node_builder.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import cast

from pipelines.errors import ModelError, QualityError
from pipelines.models.project.materialization import digest
from pipelines.models.project.nodes import Node, Project
from pipelines.quality.suites import QUERY, Expectation, written
from pipelines.suggest import did_you_mean

BATCH = "{batch}"
"""How a query names the model's own relation: the candidate, or the table with the new rows."""
_RELATION = re.compile(r"\b([a-z_]\w*)\.([a-z_]\w*)\b(?!\s*\()")


def suite_path(folder: Path, node: Node) -> Path:
    """The file of a model's suite; its folder is the schema, so that file, table and asset have one name."""
    return folder / node.schema / f"{node.name}.json"


def with_suites(project: Project, folder: Path) -> Project:
    """`project`, each node with its suite, in an order in which all relations that suites read are built before.

    Raises QualityError for a file that is no suite, or does not fit its model.
    """
    nodes = {name: _with_suite(project, node, folder) for name, node in project.nodes.items()}
    order = in_building_order(nodes)
    return replace(project, nodes={name: nodes[name] for name in order}, suites=folder)


def in_building_order(nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """The names of `nodes`, each after those that it, its tests or its suite read. Raises ModelError for a cycle."""
    try:
        sorter = TopologicalSorter({name: (*n.depends_on, *n.build_after) for name, n in nodes.items()})
        return tuple(sorter.static_order())
    except CycleError as error:
        circle = cast(list[str], error.args[1])
        raise ModelError(circle[0], f"ada dalam lingkaran: {' <- '.join(circle)}") from error


def faults(
    project: Project, node: Node, path: Path, expectations: Iterable[Expectation]
) -> list[QualityError]:
    """The errors of a model's suite: a name used twice, a query that reads an unknown or not yet built relation."""
    expectations = tuple(expectations)
    taken = Counter([*(e.name for e in expectations), *(test.name for test in node.tests)])
    found = [
        QualityError(str(path), f"'{name}' nama dua pemeriksaan {node.name}", hint="ganti meta.nama")
        for name, count in taken.items()
        if count > 1
    ]
    for expectation in expectations:
        found += _faults_of_query(project, node, path, expectation)
    return found


def _with_suite(project: Project, node: Node, folder: Path) -> Node:
    path = suite_path(folder, node)
    expectations = written(path)
    if not expectations:
        return node
    for fault in faults(project, node, path, expectations):
        raise fault
    by_relation = {n.relation: n.name for n in project.nodes.values()}
    read = {by_relation[r] for e in expectations for r in _read(e) if r in by_relation}
    return replace(
        node,
        suite=expectations,
        build_after=tuple(sorted({*node.build_after, *read} - set(node.depends_on))),
        code_version=digest(node.code_version, *(str(e) for e in expectations)),
    )


def _faults_of_query(
    project: Project, node: Node, path: Path, expectation: Expectation
) -> list[QualityError]:
    query = str(expectation.kwargs.get(QUERY, BATCH))
    found: list[tuple[str, str]] = []
    if BATCH not in query:
        found.append((f"tidak membaca {node.name}", "tulis {batch} di tempatnya"))
    nodes = {n.relation: n for n in project.nodes.values()}
    others = {table.relation.dotted for table in project.sources.values()}
    schemas = {relation.split(".")[0] for relation in (*nodes, *others)}
    for relation in sorted(_read(expectation)):
        other = nodes.get(relation)
        if relation == node.relation:
            found.append((f"membaca {relation}, yang isinya masih yang lama", "tulis {batch}"))
        elif (
            other is not None
            and other.transaction_group
            and other.transaction_group == node.transaction_group
        ):
            found.append(
                (f"membaca {relation}, yang terbit bersamanya", "periksa apa yang dibaca oleh keduanya")
            )
        elif other is None and relation not in others and relation.split(".")[0] in schemas:
            hint = did_you_mean(relation, {*nodes, *others}) or "lihat `gudang models list`"
            found.append((f"membaca {relation}, yang bukan model, seed, atau sumber", hint))
    return [QualityError(str(path), f"'{expectation.name}' {what}", hint=hint) for what, hint in found]


def _read(expectation: Expectation) -> set[str]:
    """The words of the form `schema.name` in an expectation's query: relations, and maybe others."""
    query = str(expectation.kwargs.get(QUERY, ""))
    return {f"{schema}.{name}" for schema, name in _RELATION.findall(query)}
