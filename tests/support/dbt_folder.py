"""Small dbt projects, written file by file, for tests that need one of their own."""

from __future__ import annotations

from pathlib import Path

from pipelines.load.plan import Window
from pipelines.models.nodes import Project
from pipelines.models.project import load_project

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
    """A folder that grows by `write` and is read by `project`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("dbt_project.yml", PROJECT_FILE)
        self.write("macros/generate_schema_name.sql", SCHEMA_MACRO)

    def write(self, path: str, text: str) -> DbtFolder:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.lstrip("\n"), encoding="utf-8")
        return self

    def project(self, target_schema: str = "public", window: Window | None = None) -> Project:
        return load_project(self.root, target_schema=target_schema, window=window)
