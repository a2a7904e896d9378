"""The last check of a mart's values: numbers and addresses of persons, in one cell or in two. All are made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql

from pipelines.publication.mart import Clearance, MartColumn, OpenMart
from pipelines.publication.publish import publish_all
from tests.support.publishing import AT, CELLS, prepare

MART = replace(
    CELLS,
    name="uji",
    published_together=None,
    companions=(),
    clearance=Clearance(),
    columns=(MartColumn("a"), MartColumn("b")),
)
NIK, NIP = "6472014107900001", "199003212015031002"


@pytest.fixture(scope="module")
def warehouse(module_pg_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(module_pg_url, autocommit=True) as connection:
        prepare(connection)
        yield connection


def refusal(
    connection: Connection[Any],
    out: Path,
    rows: list[tuple[Any, Any]],
    kinds: str = "text text",
    mart: OpenMart = MART,
) -> str:
    """The reason why a mart with these rows is refused; "" if it is published."""
    left, right = kinds.split(" ")
    connection.execute("drop table if exists mart_satu_data.uji")
    table = "create table mart_satu_data.uji (a {}, b {})"
    connection.execute(sql.SQL(table).format(sql.SQL(left), sql.SQL(right)))  # type: ignore[arg-type]
    with connection.cursor() as cursor:
        cursor.executemany("insert into mart_satu_data.uji values (%s, %s)", rows)
    refused = publish_all(connection, [mart], out, AT).refused
    return str(refused[0]) if refused else ""


TEXTS = {
    "a NIK with separators": ("6472 01-410790/0001", "NIK"),
    "a NIK in full-width digits": (NIK.translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"}), "NIK"),
    "a NIP": (f"NIP {NIP}", "NIP"),
    "a mobile number": ("Hubungi Budi 0812-3456-7890", "nomor ponsel"),
    "an address": ("budi.uji@contoh.id", "alamat surel"),
    "an account": ("rekening BRI 1234 0100 1234 567", "nomor rekening"),
}


@pytest.mark.parametrize(("value", "shape"), TEXTS.values(), ids=TEXTS)
def test_a_personal_value_in_free_text_stops_the_mart(
    warehouse: Connection[Any], tmp_path: Path, value: str, shape: str
) -> None:
    reason = refusal(warehouse, tmp_path, [("aman", "x"), ("aman", value)])
    assert f"kolom b berisi nilai berbentuk {shape}" in reason
    assert value not in reason
    assert not list(tmp_path.rglob("*.csv"))


@pytest.mark.parametrize("kind", ["bytea", "jsonb", "text[]"])
def test_other_types_are_checked_as_their_published_text(
    warehouse: Connection[Any], tmp_path: Path, kind: str
) -> None:
    value = {"bytea": NIK.encode(), "jsonb": f'{{"a": "{NIK}"}}', "text[]": [NIK]}[kind]
    assert "kolom b berisi nilai berbentuk NIK" in refusal(
        warehouse, tmp_path, [("x", value)], f"text {kind}"
    )


SPLITS = {
    "texts": ("64720141", "07900001", "text text"),
    "the other way round": ("07900001", "64720141", "text text"),
    "a text and a number": ("647201", 4107900001, "text bigint"),
    "numbers": (64720141, 12900001, "bigint bigint"),
}


@pytest.mark.parametrize(("left", "right", "kinds"), SPLITS.values(), ids=SPLITS)
def test_a_nik_in_two_columns_stops_the_mart(
    warehouse: Connection[Any], tmp_path: Path, left: Any, right: Any, kinds: str
) -> None:
    reason = refusal(warehouse, tmp_path, [(left, right), (left, right)], kinds)
    assert "bersama-sama berisi nilai berbentuk NIK" in reason


@pytest.mark.parametrize(
    ("rows", "kinds"),
    [
        ([("64.72.05.1004", "202401")], "text text"),
        ([("2026", "6472")], "text text"),
        ([("Jl. Pahlawan No. 12", "Samarinda")], "text text"),
        # The counts of one row of many look like a NIK by chance.
        ([(64720141, 12900001), (1, 2), (3, 4)], "bigint bigint"),
    ],
)
def test_codes_counts_and_places_are_published(
    warehouse: Connection[Any], tmp_path: Path, rows: list[tuple[Any, Any]], kinds: str
) -> None:
    assert refusal(warehouse, tmp_path, rows, kinds) == ""


def test_contacts_of_offices_are_published_if_the_mart_declares_them(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    rows = [("puskesmas@contoh.id", "0812-3456-7890")]
    open_ = replace(MART, office_contacts=("a", "b"))
    assert refusal(warehouse, tmp_path, rows, mart=open_) == ""
    assert "kolom b" in refusal(warehouse, tmp_path, rows, mart=replace(MART, office_contacts=("a",)))
    assert "NIP" in refusal(warehouse, tmp_path, [("x", NIP)], mart=open_)
