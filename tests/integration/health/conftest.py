"""An installation whose health is asked about."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.health.limits import Limit, Limits
from pipelines.health.place import Place
from pipelines.settings import Settings
from tests.support.alerting import House
from tests.support.dagster_records import tick
from tests.support.health import beat, note_backup


@pytest.fixture
def place(house: House, warehouse_url: str) -> Place:
    """An installation in which all is well."""
    beat(house.instance)
    tick(house.instance)
    house.night("2026-11-26")
    note_backup(house.folder, datetime.now(UTC))
    # Without a contract: reading all of ours at each look would take longer than everything else.
    project = house.folder / "proyek"
    for name in ("contracts", "expectations"):
        (project / name).mkdir(parents=True)
    settings = Settings(home=house.folder, project=project, warehouse_url=None)
    limits = Limits(disk_percent=Limit(0.1, 0, falling=True))
    return Place(settings, limits, warehouse_url, house.dagster_url, renewal=0.1)
