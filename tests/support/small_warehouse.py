"""An empty warehouse and a dbt folder beside it, for tests that write models of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from pipelines.contracts.windows import Window
from pipelines.models.build.results import NodeResult
from pipelines.models.build.runner import build
from tests.support.dbt_folder import DbtFolder


class SmallWarehouse:
    """A warehouse and a dbt folder beside it. On an empty database it has no ledger, so that no model is left."""

    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        self.folder = DbtFolder(root)
        self.connection = psycopg.connect(url, autocommit=True)
        self.run("create schema if not exists raw; create schema if not exists core; create schema laporan")

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def build(self, *select: str, window: Window | None = None, **more: Any) -> dict[str, NodeResult]:
        project = self.folder.project(window=window)
        results = build(project, self.url, select=select or None, **more)
        return {result.name: result for result in results}

    def model(self, name: str, query: str, *tests: str) -> None:
        """A table model of marts/ with generic tests on itself, each in YAML."""
        self.folder.write(f"models/marts/{name}.sql", query)
        listed = "".join(f"\n      - {test}" for test in tests)
        self.folder.write(
            f"models/marts/{name}.yml",
            f"models:\n  - name: {name}\n    description: Tabel {name}.\n"
            + (f"    data_tests:{listed}\n" if tests else "")
            + "    columns: [{name: n, description: Nilai.}]\n",
        )
