"""A prepared warehouse with an empty raw table for every contract, for tests of models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from pipelines.contracts.raw_table import raw_columns
from pipelines.load.prepare import prepare
from pipelines.models.build.results import NodeResult
from pipelines.models.build.runner import build
from pipelines.models.project.nodes import Project
from pipelines.models.project.project import load_project
from pipelines.models.project.selection import select
from pipelines.settings import PROJECT_ROOT
from tests.support.repository import own_contracts, own_project, reference_models


class ModelWarehouse:
    """A database with an empty raw table for every contract, and the real models, or those of `folder`.

    url: of an empty database, or of one with the reference data, which is faster.
    """

    def __init__(self, url: str, folder: Path | None = None) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)
        self.project: Project = (
            load_project(folder, suites=PROJECT_ROOT / "expectations") if folder else own_project(suites=True)
        )
        prepare(self.connection, [])
        for contract in own_contracts():
            columns = ", ".join(f"{name} {type_}" for name, type_ in raw_columns(contract))
            self.run(f"create table raw.{contract.table} ({columns})")

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def build(self, *select: str) -> dict[str, NodeResult]:
        return {result.name: result for result in build(self.project, self.url, select=select or None)}

    def built(self, *models: str) -> None:
        """Builds these models and all that they read, except the reference data, which must be there.

        Fails if a model is not built.
        """
        wanted = {node.name for node in select(self.project, [f"+{name}" for name in models])}
        results = self.build(*wanted.difference(reference_models()))
        failed = {name: r.error or r.state for name, r in results.items() if r.state != "ok"}
        assert failed == {}, failed
