"""The statement that makes an index of a model.

Not here: an index's columns and name (project/materialization.py), when it is made (node_builder.py).
"""

from __future__ import annotations

from psycopg import sql

from pipelines.models.project.materialization import Index
from pipelines.warehouse.relation import Relation, identifier


def create_index(index: Index, name: str, table: Relation, *, if_not_exists: bool = False) -> sql.Composed:
    """The statement that makes the index of a model."""
    return sql.SQL("create {}index {}{} on {} using {} ({})").format(
        sql.SQL("unique " if index.unique else ""),
        sql.SQL("if not exists " if if_not_exists else ""),
        sql.Identifier(name),
        identifier(table),
        sql.Identifier(index.type),
        sql.SQL(", ").join(map(sql.Identifier, index.columns)),
    )
