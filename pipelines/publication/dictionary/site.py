"""Writes the dictionary of a project: joins models, contracts and the warehouse's facts, and renders the pages.

Not here: what is said of a relation (dictionary.py), the pages (pages.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.models.project.nodes import Project
from pipelines.publication.dictionary.dictionary import make_dictionary
from pipelines.publication.dictionary.facts import read_facts
from pipelines.publication.dictionary.pages import WrittenSite, write_site


def write_dictionary(
    project: Project, contracts: Iterable[Contract], out: Path, connection: Connection[Any] | None = None
) -> WrittenSite:
    """Writes the site into `out`. connection: of the warehouse, for types, builds and test results; None for none.

    Raises GudangError if `out` holds other things, PublicationError if a page holds a value shaped like a NIK.
    """
    facts = None
    if connection is not None:
        schemas = {node.schema for node in project.nodes.values()}
        schemas |= {table.relation.schema for table in project.sources.values()}
        facts = read_facts(connection, {"raw", *schemas})
    return write_site(make_dictionary(project, contracts, facts), out)
