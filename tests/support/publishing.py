"""Two small marts that are published together, for tests of publications."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from pipelines.publication.mart import Clearance, MartColumn, OpenMart
from pipelines.redaction.personal_shapes import functions

AT = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
SCHEMA = Path(__file__).parents[1] / "integration/publication/schema.sql"

CELLS = OpenMart(
    name="rincian",
    schema="mart_satu_data",
    title="Rincian",
    description="Kunjungan per kecamatan.",
    unit="kunjungan",
    frequency="bulanan",
    keywords=(),
    columns=tuple(MartColumn(name, description=f"Arti {name}.") for name in ("bulan", "kode", "jumlah")),
    published_together="rincian_dan_jumlah",
    companions=("jumlah",),
    clearance=Clearance(basis={"jumlah": "penyamaran"}),
)
TOTALS = replace(CELLS, name="jumlah", title="Jumlah", companions=("rincian",))


def prepare(connection: Connection[Any]) -> None:
    """Makes what a publication needs, and both marts for month 1."""
    connection.execute(SCHEMA.read_bytes())
    for function in functions():
        connection.execute(function)
    for mart in (CELLS, TOTALS):
        statement = "create table {} (bulan integer, kode text, jumlah numeric(12, 2))"
        connection.execute(sql.SQL(statement).format(sql.Identifier(mart.schema, mart.name)))
    set_month(connection, 1)


def set_month(connection: Connection[Any], month: int) -> None:
    with connection.transaction():
        for mart in (CELLS, TOTALS):
            name = sql.Identifier(mart.schema, mart.name)
            connection.execute(sql.SQL("delete from {}").format(name))
            statement = "insert into {} values (%s, '64.72', %s), (%s, '64.74', 5)"
            connection.execute(sql.SQL(statement).format(name), [month, 1000 * month, month])


def months(folder: Path) -> tuple[str, ...]:
    """The distinct months of the file of cells, then of the file of totals, in `folder`."""
    found: list[str] = []
    for mart in (CELLS, TOTALS):
        with (folder / "csv" / f"{mart.name}.csv").open(encoding="utf-8", newline="") as file:
            found += {row["bulan"] for row in csv.DictReader(file)}
    return tuple(found)
