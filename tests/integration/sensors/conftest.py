"""Fixtures of the tests of sensors: an upload zone, and a dataset whose files it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.load import prepare
from tests.support.upload_zone import Zone


@pytest.fixture
def zone(module_warehouse_url: str, tmp_path: Path) -> Iterator[Zone]:
    """An empty zone, and a warehouse that never loaded its dataset."""
    made = Zone(module_warehouse_url, tmp_path)
    prepare.prepare(made.connection, [made.contract])
    made.forget()
    yield made
    made.close()


@pytest.fixture
def appending(zone: Zone) -> Zone:
    zone.declare(write_disposition="append")
    return zone
