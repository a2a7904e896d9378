"""The warehouse as a Dagster resource. Not here: SQL, bootstrap (load/warehouse.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from psycopg import Connection

from pipelines.load import warehouse


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The province's data warehouse. `url` is SQLAlchemy's, driver psycopg."""

    url: str

    @contextmanager
    def connect(self) -> Iterator[Connection[Any]]:
        """A session in autocommit, closed at the end."""
        connection = warehouse.connect(self.url)
        try:
            yield connection
        finally:
            connection.close()
