"""Decides which columns of a model hold only values of class `terbuka`, so that a sample of its rows may show them.

What belongs here: following each column to its contract. Not here: what may be published, which asks for more
(publication/clearance.py), and taking the sample (quality/evidence.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from threading import Lock

from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import POSITION
from pipelines.models.lineage.lineage import Way, Ways
from pipelines.models.lineage.provenance import ROWS, Use
from pipelines.models.project.nodes import Node, Project
from pipelines.quality.evidence import OPEN_CLASS, table_of

_OF_A_LOAD = frozenset(
    {"valid_from", "valid_to", "is_current", "deleted_at", "_batch_id", "_loaded_at", POSITION, ROWS}
)
"""Columns that a load adds; they say nothing of a row's content."""


def open_columns(
    project: Project, contracts: Iterable[Contract]
) -> Callable[[Node, Sequence[str]], frozenset[str]]:
    """A function that gives those of a model's columns whose every value comes from open columns.

    A column that cannot be followed is closed. Lineage is read at the first call, and by one thread at a time.
    """
    shown = {f"raw.{c.table}": table_of(c).shown | _OF_A_LOAD for c in contracts}
    for source in project.sources.values():
        if source.relation.dotted not in shown:
            shown[source.relation.dotted] = frozenset(
                c.name for c in source.columns if (c.classification or source.classification) == OPEN_CLASS
            )
    ways = cache(lambda: Ways(project))
    lock = Lock()

    def is_open(way: Way) -> bool:
        if way.unknown:
            return False
        relation, column = way.source
        return way.use is Use.COUNTED or column in shown.get(relation, frozenset())

    def of(node: Node, columns: Sequence[str]) -> frozenset[str]:
        with lock:
            return frozenset(c for c in columns if all(map(is_open, ways().of(node.relation, c))))

    return of
