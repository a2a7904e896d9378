"""Small dbt projects for tests that need one of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.contracts.windows import Window
from pipelines.models.project.nodes import Project
from pipelines.models.project.project import load_project

PROJECT_FILE = """
name: contoh
vars: {ambang: 5}
seeds:
  contoh: {+schema: core}
models:
  contoh:
    +schema: core
    staging: {+schema: staging, +materialized: view, +tags: [staging]}
    marts: {+materialized: table, +tags: [mart]}
"""

SCHEMA_MACRO = """
{% macro generate_schema_name(custom_schema_name, node) -%}
{{ custom_schema_name if target.schema == 'public' else target.schema ~ '_' ~ custom_schema_name }}
{%- endmacro %}
"""


class DbtFolder:
    """A dbt project: `write` adds a file, `project` reads the folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.suites = root.parent / "expectations"
        self.write("dbt_project.yml", PROJECT_FILE)
        self.write("macros/generate_schema_name.sql", SCHEMA_MACRO)

    def write(self, path: str, text: str) -> DbtFolder:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.lstrip("\n"), encoding="utf-8")
        return self

    def suite(self, of: str, *expectations: dict[str, Any]) -> Path:
        """Writes the suite of a model or dataset (`schema/name`) beside the folder. expectations: from `expect`."""
        path = self.suites / f"{of}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({"name": of.replace("/", "."), "expectations": expectations}, indent=2),
            encoding="utf-8",
        )
        return path

    def project(self, target_schema: str = "public", window: Window | None = None) -> Project:
        return load_project(self.root, target_schema=target_schema, window=window, suites=self.suites)


def expect(name: str, type_: str, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    """An expectation of a suite file."""
    meta = {"nama": name, "notes": f"Ada yang salah dengan {name}."}
    return {"type": type_, "kwargs": kwargs, "severity": severity, "meta": meta}


def query(name: str, unexpected: str, severity: str = "critical") -> dict[str, Any]:
    """An expectation of a suite file that a query finds no row."""
    return expect(name, "unexpected_rows_expectation", severity, unexpected_rows_query=unexpected)
