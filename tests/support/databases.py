"""Reads a dataset of a database without the loader, and gives its cells, for the tests of extract/database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, time
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract, DatabaseExtract, Server, WriteDisposition
from pipelines.contracts.windows import Partition
from pipelines.extract.database import open_database
from pipelines.extract.database.session import Timing
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.runtime.embedded import Urls
from tests.support.extracts import column, decode_binary, decode_copy
from tests.support.servers import fresh_name

Row = list[str | None]


@dataclass(frozen=True)
class Source:
    """An empty database of a server. kind: postgresql or mariadb; url: for SQLAlchemy; run: runs statements."""

    kind: str
    url: str
    run: Callable[..., None]


def contract(
    *columns: Column | str,
    table: str | None = None,
    query: str | None = None,
    schema: str | None = None,
    where: str | None = None,
    key: str | None = None,
    cursor: str | None = None,
    partition: str | None = None,
    schema_contract: str = "freeze",
    statement_timeout: int = 60,
    rows_per_second: int | None = None,
    load_hours: tuple[time, time] | None = None,
) -> Contract:
    """A dataset of the database at ${UJI_URL}. A column that is given by its name is a text column."""
    made = [column(c) if isinstance(c, str) else c for c in columns]
    if key:
        made = [replace(c, key=c.name == key, required=c.required or c.name == key) for c in made]
    if cursor:
        made = [replace(c, required=True) if c.name == cursor else c for c in made]
    server = Server(
        "uji", "database", "${UJI_URL}", rows_per_second, load_hours, statement_timeout=statement_timeout
    )
    return Contract(
        opd="uji", dataset="data", title="", domain="uji", purpose="", usage="", limitations="", producer="",
        contact="", server=server, extract=DatabaseExtract(table, schema, where, query), columns=tuple(made),
        disposition=WriteDisposition.APPEND if cursor else WriteDisposition.REPLACE, path=Path("uji"),
        cursor=cursor, partition=Partition(partition, "daily", date(2020, 1, 1)) if partition else None,
        schema_contract=schema_contract,
    )  # fmt: skip


def typed(name: str, logical_type: str, kind: str, source_name: str | None = None) -> Column:
    return replace(column(name, source_name), logical_type=logical_type, type=kind)


@dataclass
class Read:
    rows: list[Row]
    stream: SourceStream

    @property
    def cells(self) -> Row:
        """The cell of every row; each row has one."""
        return [cell for (cell,) in self.rows]


def read(made: Contract, url: str, wanted: Wanted | None = None, timing: Timing | None = None) -> Read:
    """Reads the source to its end, and asserts that the stream counted its rows right."""
    stream = open_database(made, wanted or Wanted(), {"UJI_URL": url}, timing=timing)
    rows = rows_of(stream, *(c.type if stream.lands_typed(c) else "text" for c in made.stored))
    assert stream.rows == len(rows)
    assert {len(row) for row in rows} <= {len(stream.columns)}
    return Read(rows, stream)


def rows_of(stream: SourceStream, *kinds: str) -> list[Row]:
    """The rows of a stream that nobody has read. kinds: the types of its first columns as they land; then text."""
    blocks = list(stream.blocks)
    if stream.binary:
        return decode_binary(blocks, kinds)
    assert all(block.endswith(b"\n") for block in blocks)
    return decode_copy(blocks) if blocks else []


@contextmanager
def database_with_encoding(urls: Urls, encoding: str) -> Iterator[str]:
    """The URL of an empty database with this encoding."""
    name = fresh_name()
    with psycopg.connect(urls.libpq("postgres"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} encoding {} locale 'C' template template0").format(
                sql.Identifier(name), sql.Literal(encoding)
            )
        )
        yield urls.libpq(name)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def sqlalchemy_url(pg_url: str) -> str:
    return pg_url.replace("postgresql://", "postgresql+psycopg://", 1)


def run_postgresql(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]


def run_mariadb(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        with raw.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        raw.commit()
