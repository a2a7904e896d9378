"""Fixtures of integration tests: warehouses for SQL functions, for loads and for models, and an embedded server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from pipelines.runs.slots import make_pools
from pipelines.runtime.dagster_clock import keep_in_utc
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.warehouse.connection import connect
from tests.support.alerting import House
from tests.support.loads import Loads
from tests.support.parsers import Warehouse
from tests.support.sent_files import SentFiles
from tests.support.servers import short_folder
from tests.support.slow_run import POOL, instance_at
from tests.support.small_warehouse import SmallWarehouse


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A started embedded server, which a module's tests share and may stop or kill."""
    with short_folder() as folder:
        made = EmbeddedServer(folder / "home")
        made.ensure()
        yield made
        made.stop()


@pytest.fixture(scope="module")
def dagster_url(module_pg_url: str) -> str:
    """The URL of a database for Dagster's storage, which a module's tests share."""
    keep_in_utc(module_pg_url)
    return module_pg_url


@pytest.fixture(scope="module")
def stored_instance(dagster_url: str) -> Iterator[dg.DagsterInstance]:
    """The instance of that database. Tests take `instance`."""
    with instance_at(dagster_url) as made:
        make_pools(made, [POOL])
        yield made


@pytest.fixture
def instance(stored_instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in PostgreSQL. What a test leaves in it is deleted afterwards."""
    yield stored_instance
    for run in stored_instance.get_runs():
        stored_instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        stored_instance.delete_run(run.run_id)
    stored_instance.run_storage.wipe_daemon_heartbeats()
    stored_instance.schedule_storage.wipe()


@pytest.fixture
def house(
    warehouse_url: str, dagster_url: str, instance: dg.DagsterInstance, tmp_path: Path
) -> Iterator[House]:
    """A warehouse and a Dagster instance in which a test puts faults."""
    with connect(warehouse_url.replace("postgresql://", "postgresql+psycopg://")) as connection:
        yield House(connection, dagster_url, instance, tmp_path)


@pytest.fixture(scope="module")
def ops(module_warehouse_url: str) -> Iterator[Warehouse]:
    """Calls SQL functions of a warehouse. A module's tests share it and write nothing into it."""
    connection = connect(module_warehouse_url.replace("postgresql://", "postgresql+psycopg://"))
    yield Warehouse(connection)
    connection.close()


@pytest.fixture
def loads(warehouse_url: str, tmp_path: Path) -> Iterator[Loads]:
    """Loads rows that the test gives into a warehouse of its own."""
    made = Loads(warehouse_url, tmp_path)
    yield made
    made.connection.close()


@pytest.fixture(scope="module")
def shared_loads(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    """The same with one warehouse for a module's tests, for hypothesis runs a test a hundred times."""
    made = Loads(module_warehouse_url, tmp_path_factory.mktemp("kontrak"))
    yield made
    made.connection.close()


@pytest.fixture(scope="module")
def files(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentFiles]:
    """Loads files as an OPD sends them. A module's tests share the warehouse; each load is a dataset of its own."""
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
    """Creates roles, which belong to the whole server, and drops them at the end."""
    made: list[str] = []

    def make(name: str) -> str:
        small_warehouse.run(f"create role {name}")
        made.append(name)
        return name

    yield make
    for name in made:
        small_warehouse.run(f"drop owned by {name}; drop role {name}")
