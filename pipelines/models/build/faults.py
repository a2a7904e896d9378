"""Turns PostgreSQL's errors into ModelErrors that name the model's file, its line, and the SQL around it.

PostgreSQL's text may quote a row's values. So only the names in its text about the statement itself are passed on
(redaction/sqlstates.py). Not here: the result of a node that failed (node_builder.py), errors of templates
(models/project/render.py).
"""

from __future__ import annotations

import re

import psycopg

from pipelines.errors import ModelError
from pipelines.models.project.nodes import Node
from pipelines.redaction import sqlstates

_COPY_LINE = re.compile(r"COPY \w+, line \d+(?:, column \w+)?")
_AROUND = 2
"""Lines shown before and after the one that PostgreSQL points to."""


def error_outside_query(place: str, node: Node, error: psycopg.Error) -> ModelError:
    """The ModelError for an error that is not in the node's query, but in a seed's file or in an exchange."""
    hint = _hint(error)
    if node.kind == "seed" and (line := _COPY_LINE.search(error.diag.context or "")):
        hint = line[0]
    roles = {role for named in (node.materialization.grants or {}).values() for role in named}
    ours = {node.name, node.table.candidate.name, *(column.name for column in node.columns), *roles}
    return ModelError(place, sqlstates.described(error, ours), hint=hint)


def error_in_query(place: str, node: Node, query: str, begins: int, error: psycopg.Error) -> ModelError:
    """The ModelError for an error in the node's compiled `query`.

    begins: the position of the query in the statement, in characters. The error names the line of the model's file if
    the line that PostgreSQL points to is in it exactly once.
    """
    position = int(error.diag.statement_position or 0) - 1 - begins
    if not 0 <= position < len(query):
        return error_outside_query(place, node, error)
    lines, number = query.split("\n"), query.count("\n", 0, position)
    pointed_to = lines[number].strip()
    source = node.path.read_text(encoding="utf-8").split("\n")
    written = [n for n, line in enumerate(source, 1) if line.strip() == pointed_to]
    around = range(max(0, number - _AROUND), min(len(lines), number + _AROUND + 1))
    excerpt = "\n".join(f"  {'>' if n == number else ' '} {n + 1:4d} | {lines[n]}" for n in around)
    place = f"{place}:{written[0]}" if len(written) == 1 else place
    return ModelError(place, f"{sqlstates.described(error)}\n{excerpt}", hint=_hint(error))


def _hint(error: psycopg.Error) -> str | None:
    has_position = error.diag.statement_position is not None
    return (
        error.diag.message_hint
        if sqlstates.is_about_statement(error.sqlstate, has_position=has_position)
        else None
    )
