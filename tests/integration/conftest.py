"""Warehouses that integration tests share: one to ask its functions, one for loads, one for models of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.warehouse.connection import connect
from tests.support.loads import Loads
from tests.support.parsers import Warehouse
from tests.support.sent_files import SentFiles
from tests.support.small_warehouse import SmallWarehouse


@pytest.fixture(scope="module")
def ops(module_warehouse_url: str) -> Iterator[Warehouse]:
    """Its functions; one database for a module's tests, which leave nothing in it."""
    connection = connect(module_warehouse_url.replace("postgresql://", "postgresql+psycopg://"))
    yield Warehouse(connection)
    connection.close()


@pytest.fixture
def loads(warehouse_url: str, tmp_path: Path) -> Iterator[Loads]:
    """Loads of rows that the test holds in its hand."""
    made = Loads(warehouse_url, tmp_path)
    yield made
    made.connection.close()


@pytest.fixture(scope="module")
def shared_loads(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """The same with one warehouse for a module's tests: hypothesis asks for it a hundred times."""
    made = Loads(module_warehouse_url, tmp_path_factory.mktemp("kontrak"))
    yield made
    made.connection.close()


@pytest.fixture(scope="module")
def files(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentFiles]:
    """Files that an OPD sends; one warehouse for a module's tests, each load a dataset of its own."""
    made = SentFiles(module_warehouse_url, tmp_path_factory.mktemp("kiriman"))
    yield made
    made.loads.connection.close()


@pytest.fixture
def small_warehouse(pg_url: str, tmp_path: Path) -> Iterator[SmallWarehouse]:
    """An empty warehouse and a dbt folder of the test's own."""
    made = SmallWarehouse(pg_url, tmp_path / "contoh")
    yield made
    made.connection.close()


@pytest.fixture
def role(small_warehouse: SmallWarehouse) -> Iterator[Callable[[str], str]]:
    """Makes roles, which belong to the whole server, and takes them away again."""
    made: list[str] = []

    def make(name: str) -> str:
        small_warehouse.run(f"create role {name}")
        made.append(name)
        return name

    yield make
    for name in made:
        small_warehouse.run(f"drop owned by {name}; drop role {name}")
