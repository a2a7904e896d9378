"""What integration tests share: a warehouse with nothing but its functions, and one for loads of a test's own rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.load import warehouse
from tests.support.loads import Loads
from tests.support.parsers import Warehouse


@pytest.fixture(scope="module")
def ops(module_pg_url: str) -> Iterator[Warehouse]:
    """Its functions; one database for a module's tests, which leave nothing in it."""
    connection = warehouse.connect(module_pg_url.replace("postgresql://", "postgresql+psycopg://"))
    warehouse.prepare(connection, [])
    yield Warehouse(connection)
    connection.close()


@pytest.fixture
def loads(pg_url: str, tmp_path: Path) -> Iterator[Loads]:
    """Loads of rows that the test holds in its hand."""
    made = Loads(pg_url, tmp_path)
    yield made
    made.connection.close()
