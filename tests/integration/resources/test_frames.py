"""`Warehouse.frame`: types, missing values and parameters of a pandas DataFrame, and a session that cannot write."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pandas as pd
import psycopg
import pytest

from pipelines.errors import LoadError
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def warehouse(module_pg_url: str) -> Warehouse:
    with psycopg.connect(module_pg_url) as connection:
        connection.execute(
            "create table hasil (kode text, tahun int, jumlah bigint, nilai numeric(12, 2), aktif boolean,"
            " tanggal date, pukul timestamptz, dicatat timestamp, rasio float8, isi jsonb)"
        )
        connection.execute(
            "insert into hasil values ('64.02', 2025, 9007199254740993, 12.50, true, '0001-01-01',"
            " '2026-01-01 00:00+00', '2026-01-01 07:30:00.25', 0.5, '{\"a\": 1}'),"
            " (null, null, null, null, null, '9999-12-31', null, null, null, null)"
        )
    return Warehouse(url=module_pg_url.replace("postgresql://", "postgresql+psycopg://"))


def test_columns_have_the_types_of_the_tables(warehouse: Warehouse) -> None:
    frame = warehouse.frame("select * from hasil order by tahun")
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "kode": "string",
        "tahun": "Int32",
        "jumlah": "Int64",
        "nilai": "Float64",
        "aktif": "boolean",
        "tanggal": "datetime64[s]",
        "pukul": "datetime64[us, Asia/Makassar]",
        "dicatat": "datetime64[us]",
        "rasio": "Float64",
        "isi": "object",
    }


def test_values_are_exact_and_null_is_missing(warehouse: Warehouse) -> None:
    frame = warehouse.frame("select * from hasil order by tahun")
    first = frame.iloc[0]
    assert first["kode"] == "64.02" and first["jumlah"] == 9007199254740993 and first["nilai"] == 12.5
    assert first["tanggal"] == pd.Timestamp("0001-01-01").as_unit("s")
    assert str(first["pukul"]) == "2026-01-01 08:00:00+08:00"
    assert str(first["dicatat"]) == "2026-01-01 07:30:00.250000" and first["isi"] == {"a": 1}
    assert frame.iloc[1].drop("tanggal").isna().all()
    assert frame["tanggal"].dt.year.tolist() == [1, 9999]


def test_parameters_are_passed_to_the_server(warehouse: Warehouse) -> None:
    named = warehouse.frame("select kode from hasil where tahun = %(tahun)s", {"tahun": 2025})
    placed = warehouse.frame("select kode from hasil where kode = %s", ["64.02' or true --"])
    assert named["kode"].tolist() == ["64.02"] and placed.empty


def test_an_empty_result_with_a_repeated_name_keeps_its_columns(warehouse: Warehouse) -> None:
    frame = warehouse.frame("select tahun, tahun, kode from hasil where false")
    assert list(frame.columns) == ["tahun", "tahun", "kode"]
    assert [str(dtype) for dtype in frame.dtypes] == ["Int32", "Int32", "string"]


def test_a_statement_that_writes_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        warehouse.frame("delete from hasil returning kode")
    assert len(warehouse.frame("select kode from hasil")) == 2


@pytest.mark.parametrize("parameters", [None, [], {"a": 1}])
@pytest.mark.parametrize("end", ["commit", "rollback", "commit; begin read write"])
def test_several_statements_are_refused(warehouse: Warehouse, end: str, parameters: Any) -> None:
    with pytest.raises(psycopg.errors.SyntaxError, match="multiple commands"):
        warehouse.frame(f"{end}; create table public.zz (a int); select 1 as a", parameters)
    assert warehouse.frame("select to_regclass('public.zz') as ada")["ada"].tolist() == [None]


def test_a_do_block_cannot_make_the_session_writable(warehouse: Warehouse) -> None:
    for query in (
        "do $$ begin commit; create table public.zz (a int); end $$",
        "do $$ begin set transaction read write; create table public.zz (a int); end $$",
    ):
        with pytest.raises(psycopg.Error):
            warehouse.frame(query)
    assert warehouse.frame("select to_regclass('public.zz') as ada")["ada"].tolist() == [None]


def test_without_parameters_a_percent_sign_is_literal(warehouse: Warehouse) -> None:
    assert warehouse.frame("select '5%' as a, 7 % 4 as b").iloc[0].tolist() == ["5%", 3]


def test_a_query_that_fails_says_where(warehouse: Warehouse) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn, match="tiada"):
        warehouse.frame("select tiada from hasil")


def test_an_unreachable_warehouse_is_named() -> None:
    with pytest.raises(LoadError, match=r"127\.0\.0\.1:1"):
        Warehouse(url="postgresql+psycopg://u:rahasia@127.0.0.1:1/g").frame("select 1")


def test_pandas_is_imported_only_when_a_frame_is_made() -> None:
    code = "import sys, pipelines.definitions; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=False).returncode == 0
