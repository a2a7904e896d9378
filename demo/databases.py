"""The demo OPD's databases: the same tables in PostgreSQL or MariaDB, made anew at each call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from demo.budget import realisasi_apbd
from demo.dapodik import sekolah
from demo.dukcapil import penduduk_agregat
from demo.health import kunjungan, puskesmas
from demo.staff import pegawai
from demo.tables import Row, SourceTable
from demo.tax import pembayaran_pkb
from demo.variables import with_driver

OF_DATABASE: Mapping[str, tuple[Callable[[], SourceTable], ...]] = {
    "demo_dkp3a": (penduduk_agregat,),
    "demo_dinkes": (puskesmas, kunjungan),
    "demo_bapenda": (pembayaran_pkb,),
    "demo_bpkad": (realisasi_apbd,),
    "demo_bkd": (pegawai,),
    "demo_disdikbud": (sekolah,),
}
"""What makes the tables of each database."""

TABLES: tuple[Callable[[], SourceTable], ...] = tuple(
    make for of_one in OF_DATABASE.values() for make in of_one
)
_BLOCK = 5000


def seed_database(url: str, tables: Sequence[SourceTable] = ()) -> dict[str, int]:
    """Makes the databases on the server of `url` (PostgreSQL or MariaDB); gives the rows of each table.

    `url` names any database of the server that the user may connect to. Each table is replaced in one go, so
    the call can be repeated; other tables there are left alone.

    tables: these instead of all tables of the demo.
    """
    server = _server(url)
    tables = tables or [make() for make in TABLES]
    _create_databases(server, sorted({table.database for table in tables}))
    counts: dict[str, int] = {}
    for table in tables:
        _put(server.set(database=table.database), table)
        counts[f"{table.database}.{table.name}"] = len(table.rows)
    return counts


def put_table(url: str, table: SourceTable) -> None:
    """Makes `table` in the database of `url`, and drops one that has its name."""
    _put(_server(url), table)


def _put(url: URL, table: SourceTable) -> None:
    seed = _seed_postgresql if url.get_backend_name() == "postgresql" else _seed_mysql
    seed(url, table)


def _server(url: str) -> URL:
    return make_url(with_driver(url))


@contextmanager
def _connection(url: URL) -> Iterator[Any]:
    """The driver's own connection."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with closing(engine.raw_connection()) as raw:
        yield raw.driver_connection


def _create_databases(server: URL, names: Sequence[str]) -> None:
    with _connection(server) as connection:
        if server.get_backend_name() == "mysql":
            with connection.cursor() as cursor:
                for name in names:
                    cursor.execute(f"create database if not exists {_quoted(name)} character set utf8mb4")
            return
        connection.autocommit = True
        there = {row[0] for row in connection.execute("select datname from pg_database")}
        for name in names:
            if name not in there:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def _seed_postgresql(url: URL, table: SourceTable) -> None:
    parts = [sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.postgresql)) for c in table.columns]
    if table.primary_key:
        parts.append(sql.SQL("primary key ({})").format(sql.Identifier(table.primary_key)))
    name = sql.Identifier(table.name)
    with _connection(url) as connection:
        connection.execute(sql.SQL("drop table if exists {}").format(name))
        connection.execute(sql.SQL("create table {} ({})").format(name, sql.SQL(", ").join(parts)))
        with connection.cursor() as cursor, cursor.copy(sql.SQL("copy {} from stdin").format(name)) as copy:
            for row in table.rows:
                copy.write_row(row)
        connection.execute(sql.SQL("analyze {}").format(name))
        connection.commit()


def _seed_mysql(url: URL, table: SourceTable) -> None:
    """Fills another table and renames it once it has all rows, since MariaDB commits each DDL statement at once."""
    aside, name = _quoted(f"{table.name}_baru"), _quoted(table.name)
    parts = [f"{_quoted(c.name)} {c.mysql}" for c in table.columns]
    if table.primary_key:
        parts.append(f"primary key ({_quoted(table.primary_key)})")
    places = ", ".join(["%s"] * len(table.columns))
    with _connection(url) as connection, connection.cursor() as cursor:
        # The demo needs zero dates, which the server's default mode may refuse.
        cursor.execute("set session sql_mode = 'STRICT_TRANS_TABLES'")
        cursor.execute(f"drop table if exists {aside}")
        cursor.execute(f"create table {aside} ({', '.join(parts)}) character set utf8mb4")
        rows = iter(table.rows)
        while block := list[Row](islice(rows, _BLOCK)):
            cursor.executemany(f"insert into {aside} values ({places})", block)  # noqa: S608  # our own names
        connection.commit()
        cursor.execute(f"drop table if exists {name}")
        cursor.execute(f"rename table {aside} to {name}")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
