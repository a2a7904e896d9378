"""Finds the models that hold made-up rows: those that read a source of the demo OPD.

What belongs here: reading the ledger, and finding the models that read such a dataset. Not here: how a source is known
to be made up (extract/samples.py), how a page or a catalogue says so (publication/report/report.py, catalog.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from pipelines.publication.mart import OpenMart

if TYPE_CHECKING:
    from pipelines.models.project.nodes import Project

NOTE = "DATA CONTOH untuk peragaan, bukan data sebenarnya."
"""The text in front of a description."""
KEYWORD = "data contoh"


def marked(marts: Sequence[OpenMart], connection: Connection[Any], project: Project) -> tuple[OpenMart, ...]:
    """Gives the marts, each with whether it holds made-up rows."""
    names = sample_models(connection, project)
    return tuple(replace(mart, sample=mart.name in names) for mart in marts)


def sample_models(connection: Connection[Any], project: Project) -> frozenset[str]:
    """Names of the models that read a dataset with made-up rows, directly or not; none before the first load."""
    there = connection.execute("select to_regclass('ops.dataset_state') is not null").fetchone()
    if there != (True,):
        return frozenset()
    rows = connection.execute("select dataset from ops.dataset_state where has_sample").fetchall()
    readers = project.readers((opd, dataset) for opd, dataset in (row[0].split("/") for row in rows))
    return readers | project.descendants(readers)
