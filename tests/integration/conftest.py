"""What integration tests share: a warehouse with nothing but its functions."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from pipelines.embedded import Urls
from pipelines.load import warehouse
from tests.support.parsers import Warehouse
from tests.support.servers import fresh_name


@pytest.fixture(scope="module")
def ops(server_urls: Urls) -> Iterator[Warehouse]:
    name = fresh_name()
    with psycopg.connect(server_urls.libpq("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        connection = warehouse.connect(
            server_urls.libpq(name).replace("postgresql://", "postgresql+psycopg://")
        )
        warehouse.prepare(connection, [])
        yield Warehouse(connection)
        connection.close()
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
