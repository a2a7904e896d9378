"""PostgreSQL's word about a model, told at its file, its line, and the SQL around it.

What belongs here: from an error and a node to a ModelError. PostgreSQL's detail and context may quote a row's values:
they are left out. Not here: what becomes of the node (building.py), faults of templates (render.py).
"""

from __future__ import annotations

import psycopg

from pipelines.errors import ModelError
from pipelines.models.nodes import Node

_AROUND = 2
"""Lines shown before and behind the one that PostgreSQL means."""


def explained(place: str, node: Node, error: psycopg.Error) -> ModelError:
    """The fault of something else than the node's query: of a seed's file, of an exchange."""
    message, hint = error.diag.message_primary or str(error), error.diag.message_hint
    if node.kind == "seed" and error.diag.context:
        hint = error.diag.context.splitlines()[0]
    return ModelError(place, message, hint=hint)


def located(place: str, node: Node, query: str, begins: int, error: psycopg.Error) -> ModelError:
    """The fault of the node's compiled `query`, which stood `begins` characters behind the statement's beginning.

    It names the file's line where the line that PostgreSQL means stands there just once.
    """
    position = int(error.diag.statement_position or 0) - 1 - begins
    if not 0 <= position < len(query):
        return explained(place, node, error)
    lines, number = query.split("\n"), query.count("\n", 0, position)
    meant = lines[number].strip()
    source = node.path.read_text(encoding="utf-8").split("\n")
    written = [n for n, line in enumerate(source, 1) if line.strip() == meant]
    around = range(max(0, number - _AROUND), min(len(lines), number + _AROUND + 1))
    excerpt = "\n".join(f"  {'>' if n == number else ' '} {n + 1:4d} | {lines[n]}" for n in around)
    message = f"{error.diag.message_primary}\n{excerpt}"
    return ModelError(
        f"{place}:{written[0]}" if len(written) == 1 else place, message, hint=error.diag.message_hint
    )
