"""Column lineage of a model, by sqlglot.

What belongs here: from compiled SQL to {column: upstream columns}. Lineage is for reading: it must never
break a build, so what sqlglot cannot follow is simply not there. Not here: how Dagster shows it
(assets/warehouse.py).
"""

from __future__ import annotations

import logging

from pipelines.models.nodes import Node, Project

_log = logging.getLogger(__name__)

Lineage = dict[str, tuple[tuple[str, str], ...]]
"""Per column of the model: (upstream relation `schema.name`, column), nearest relations only."""


def column_lineage(project: Project, name: str) -> Lineage:
    """Where each column of the model `name` comes from; {} for a seed and when the SQL can't be followed."""
    node = project.nodes[name]
    if node.kind == "seed":
        return {}
    try:
        return _lineage(project, node)
    except Exception:
        _log.warning("%s: column lineage cannot be followed", name, exc_info=True)
        return {}


def _lineage(project: Project, node: Node) -> Lineage:
    from sqlglot import exp
    from sqlglot.lineage import lineage

    found: Lineage = {}
    roots = lineage(None, node.sql, schema=_schema(project, node), dialect="postgres")
    for column, root in roots.items():
        leaves = {
            (f"{leaf.expression.db}.{leaf.expression.name}", leaf.name.rsplit(".", 1)[-1].strip('"'))
            for leaf in root.walk()
            if isinstance(leaf.expression, exp.Table) and leaf.expression.db
        }
        found[column] = tuple(sorted(leaf for leaf in leaves if leaf[1] != "*"))
    return found


def _schema(project: Project, node: Node) -> dict[str, dict[str, dict[str, str]]]:
    """The described columns of what `node` reads: sqlglot needs them for `select *` and unqualified names."""
    schema: dict[str, dict[str, dict[str, str]]] = {}
    upstream = [(project.nodes[n].table, project.nodes[n].columns) for n in node.depends_on]
    upstream += [(project.sources[key].relation, project.sources[key].columns) for key in node.sources]
    for relation, columns in upstream:
        described = {column.name: column.data_type or "text" for column in columns}
        schema.setdefault(relation.schema, {})[relation.identifier] = described
    return schema
