"""Parses a query into a tree in which every column has its relation's alias, and every star is replaced by columns.

What belongs here: parsing with sqlglot, and refusing what it may misread. Not here: where the columns of the
tree come from (flow.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify

from pipelines.models.lineage.dropped import dropped_names
from pipelines.models.lineage.provenance import NotFollowedError


def qualified(sql: str, relations: Mapping[str, Iterable[str]]) -> exp.Expr:
    """The parsed query; every star is replaced by columns, every column has its relation's alias.

    Raises NotFollowedError for a query that sqlglot may misread.
    """
    tree = parse_one(sql, dialect="postgres")
    for why in dropped_names(sql, tree):
        raise NotFollowedError(why)
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for table in tree.find_all(exp.Table):
        if not table.db:
            continue
        name = f"{table.db}.{table.name}"
        if name not in relations:
            raise NotFollowedError(f"{name} bukan model dan bukan sumber")
        if not relations[name]:
            raise NotFollowedError(f"tidak ada kolom {name} yang dikenal")
        schema.setdefault(table.db, {})[table.name] = dict.fromkeys(relations[name], "text")
    # PostgreSQL reads a name as a column first, and only then as an alias.
    return qualify(
        tree,
        schema=cast(dict[str, object], schema),
        dialect="postgres",
        expand_alias_refs=False,
        quote_identifiers=False,
        identify=False,
    )
