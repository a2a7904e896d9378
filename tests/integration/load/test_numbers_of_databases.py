"""What a database keeps as a number is no text that a person wrote: 1.234 is no thousand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from tests.support.clocks import Nights, Table
from tests.support.contracts import column

COLUMNS = (
    column("id", "bigint", primaryKey=True),
    column("pas", "numeric(12,3)", parse=["angka_id"]),
    column("lebar", "numeric(6,3)", parse=["angka_id"]),
    column("bulat", "numeric(9,2)", parse=["angka_id", "bulatkan"]),
    column("persentase", "double precision", parse=["persen_pecahan"]),
    column("berat", "numeric(12,3)", parse=["satuan"], satuan="kg"),
    column("kosong", "bigint", parse=["angka_id"], missing_values=["-999"]),
    column("tulisan", "numeric(12,3)", parse=["angka_id"]),
)
MADE = (
    "id int, pas decimal(10,3), lebar decimal(10,3), bulat decimal(10,4), persentase double precision,"
    " berat decimal(10,3), kosong int, tulisan varchar(20)"
)
ROWS = [
    (1, "1.234", "1.234", "1.2345", "0.125", "2.500", "1234", "1.234"),
    (2, "-0.500", "123.456", "1000.0050", "1.5", "0.001", "-999", "1.234,5"),
]


@pytest.fixture
def nights(warehouse_url: str, tmp_path: Path) -> Iterator[Nights]:
    made = Nights(warehouse_url, tmp_path)
    yield made
    made.connection.close()


def load(nights: Nights, url: str, monkeypatch: pytest.MonkeyPatch) -> Contract:
    table = Table(url, monkeypatch)
    table.make(MADE)
    table.add(ROWS)
    contract = nights.contract(*COLUMNS)
    batch = nights.load(contract).batch
    assert batch is not None and (batch.state, batch.loaded) == ("loaded", 2)
    return contract


def source(pg_url: str, monkeypatch: pytest.MonkeyPatch, columns: str, rows: str) -> None:
    """Makes the table `sumber` of a PostgreSQL source."""
    table = Table(pg_url.replace("postgresql://", "postgresql+psycopg://", 1), monkeypatch)
    table.make(columns)
    table.run(f"insert into sumber values {rows}")  # noqa: S608


def raw(nights: Nights) -> list[Any]:
    return nights.run(
        "select id, pas, lebar, bulat, persentase, berat, kosong, tulisan from raw.uji__data order by id"
    )


EXPECTED = [
    (1, *map(Decimal, ["1.234", "1.234", "1.23"]), 0.125, Decimal("2.500"), 1234, Decimal(1234)),
    (2, *map(Decimal, ["-0.500", "123.456", "1000.01"]), 1.5, Decimal("0.001"), None, Decimal("1234.5")),
]


@pytest.mark.parametrize("kind", ["postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def test_numbers_of_a_database_are_not_read_as_texts(
    nights: Nights, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the type of the contract, with a wider one, before a rounding, and beside a text that is read."""
    url = request.getfixturevalue("pg_url" if kind == "postgresql" else "mariadb_url")
    load(nights, url.replace("postgresql://", "postgresql+psycopg://", 1), monkeypatch)
    assert raw(nights) == EXPECTED
    repaired = nights.run("select column_name, repair, rows from ops.load_repair order by 1, 2")
    assert repaired == [("bulat", "bulatkan", 2), ("kosong", "missing_values", 1), ("tulisan", "angka_id", 2)]


def test_a_number_column_of_sqlite_may_hold_texts_that_are_read(
    nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/sumber.db"
    table = Table(url, monkeypatch)
    table.make("id int, nilai numeric")
    table.run("insert into sumber values (1, '1.234,5'), (2, 7)")
    nights.load(
        nights.contract(
            column("id", "bigint", primaryKey=True), column("nilai", "numeric", parse=["angka_id"])
        )
    )
    table.engine.dispose()
    assert nights.run("select id, nilai from raw.uji__data order by id") == [(1, Decimal("1234.5")), (2, 7)]


def test_nan_of_a_number_column_is_refused(
    nights: Nights, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source(
        pg_url,
        monkeypatch,
        "id int, nilai float8, pas numeric",
        "(1, 'NaN', 1), (2, 0.5, 'NaN'), (3, 'Infinity', 1), (4, 1, 1.234)",
    )
    columns = (
        column("nilai", "double precision", parse=["angka_id"]),
        column("pas", "numeric", parse=["angka_id"]),
    )
    nights.load(nights.contract(column("id", "bigint", primaryKey=True), *columns, max_quarantine_share=1))
    assert nights.run("select id, nilai, pas from raw.uji__data") == [(4, 1.0, Decimal("1.234"))]
    found = nights.run("select row_key, reasons->0->>'aturan' from quarantine.row order by row_key")
    assert found == [("1", "tipe"), ("2", "tipe"), ("3", "tipe")]


def test_a_large_floating_point_number_is_an_integer(
    nights: Nights, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL writes a large `real` with an exponent. An integer column accepts no exponent."""
    source(pg_url, monkeypatch, "id int, satu real, dua float8", "(1, 1500000, 2e15), (2, 7, -3)")
    kinds = (column("satu", "bigint", parse=["angka_id"]), column("dua", "bigint", parse=["angka_id"]))
    nights.load(nights.contract(column("id", "bigint", primaryKey=True), *kinds))
    assert nights.run("select id, satu, dua from raw.uji__data order by id") == [
        (1, 1_500_000, 2_000_000_000_000_000),
        (2, 7, -3),
    ]


def test_no_reading_of_texts_is_proposed_for_a_number(
    nights: Nights, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source(pg_url, monkeypatch, "id int, nilai numeric(10,3), tulisan text", "(1, 1.234, '1.234')")
    kinds = (column("nilai", "integer"), column("tulisan", "integer"))
    batch = nights.load(nights.contract(column("id", "bigint", primaryKey=True), *kinds)).batch
    assert batch is not None and batch.state == "rejected" and batch.error is not None
    assert "tulisan: bukan bilangan bulat, 1 baris (parse: angka_id?)" in batch.error
    assert "nilai: bukan bilangan bulat, 1 baris;" in batch.error + ";"
