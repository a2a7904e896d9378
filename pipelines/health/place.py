"""What the checks are given: the settings, the limits, the URLs of both databases, the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from pipelines.health.limits import Limits
from pipelines.runtime import lease
from pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """What is looked at: the settings, the limits, and the URLs of both databases.

    statement_seconds: how long a statement on the warehouse may take. now: gives the time with a zone. renewal:
    seconds in which a living worker has renewed a lost lease.
    """

    settings: Settings
    limits: Limits
    warehouse_url: str
    dagster_url: str
    statement_seconds: float = 10
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    renewal: float = lease.BEAT_SECONDS + 1


def installed_at(connection: Connection[Any]) -> datetime | None:
    """When this warehouse was first prepared. What never happened is as old as that."""
    row = connection.execute("select min(applied_at) from ops.migration").fetchone()
    return row[0] if row else None
