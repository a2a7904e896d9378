"""The JSON schema of ringkas.json is published as it is in the package."""

from __future__ import annotations

from pathlib import Path

from pipelines.feedback.pack.summary import SCHEMA

ROOT = Path(__file__).parents[3]


def test_schema_in_the_documentation_is_that_of_the_package() -> None:
    published = ROOT / "docs/assets" / SCHEMA
    assert published.read_text("utf-8") == (ROOT / "pipelines/feedback/pack" / SCHEMA).read_text("utf-8")
