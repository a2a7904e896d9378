"""What users of Dagster see (assets, checks, jobs, schedules, sensors) is written in tests/unit/definitions.txt.

The diff of a change then shows what users will see. `make snapshot` writes the file anew.
"""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path

import pytest

from pipelines.definitions import build_definitions
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import load_settings
from tests.support.definitions_text import definitions_text

SNAPSHOT = Path(__file__).with_name("definitions.txt")
RENEW = "RENEW_SNAPSHOT"


def test_definitions_are_those_of_the_snapshot() -> None:
    defs = build_definitions(load_settings({}), warehouse=Warehouse(url="postgresql+psycopg://tiada"))
    found = definitions_text(defs)
    if os.environ.get(RENEW):
        SNAPSHOT.write_text(found, "utf-8")
    known = SNAPSHOT.read_text("utf-8")
    if found != known:
        diff = unified_diff(known.splitlines(), found.splitlines(), SNAPSHOT.name, "now", lineterm="", n=8)
        pytest.fail(
            "\n".join([*diff, "", "If that is meant: `make snapshot`, and commit the file."]), pytrace=False
        )
