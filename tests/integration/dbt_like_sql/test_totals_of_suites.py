"""Suites that compare totals: a total or a part that is missing is a difference, too."""

# ruff: noqa: S608  # our own names

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pipelines.settings import PROJECT_ROOT

SUITES = PROJECT_ROOT / "expectations"
TWO_WAYS = sorted(p.stem for p in SUITES.glob("core/agg_*.json") if "jumlah_dua_arah_sama" in p.read_text())
CELLS = {"isi": "false, false", "kolom": "true, false", "baris": "false, true", "semua": "true, true"}
PARTS = {"luas areal": 30, "luas tanaman menghasilkan": 20, "luas tanaman tua atau rusak": 10}


@pytest.fixture
def session(module_pg_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session whose work is rolled back."""
    with psycopg.connect(module_pg_url) as connection:
        yield connection
        connection.rollback()


def query_of(suite: str, name: str) -> str:
    expectations = json.loads((SUITES / f"{suite}.json").read_text())["expectations"]
    return next(e["kwargs"]["unexpected_rows_query"] for e in expectations if e["meta"]["nama"] == name)


def deviates(session: psycopg.Connection[Any], query: str) -> bool:
    return bool(session.execute(query.format(batch="uji").encode()).fetchall())


def skipped(session: psycopg.Connection[Any], model: str) -> tuple[int, int]:
    """How many rows and columns of the table the rule skips, and how many there are."""
    expectations = json.loads((SUITES / f"core/{model}.json").read_text())["expectations"]
    meta = next(e["meta"] for e in expectations if e["meta"]["nama"] == "jumlah_dua_arah_sama")
    found = session.execute(meta["dilewati"]["query"].format(batch="uji").encode()).fetchone()
    assert found is not None
    return found


def make_cells(session: psycopg.Connection[Any], query: str) -> tuple[str, str]:
    """Makes a table of one cell and its totals; gives the names of the columns that its rows and columns are about."""
    found = re.match(r"select (.+), (\w+), baris_total, (\w+), kolom_total from", query)
    assert found
    keys, row, column = found.groups()
    columns = ", ".join(f"1 as {key}" for key in keys.split(", "))
    cells = " union all ".join(
        f"select '{n}' as sel, {totals}, {'null' if totals.startswith('true') else chr(39) + '1' + chr(39)}::text,"
        f" {'null' if totals.endswith('true') else chr(39) + '1' + chr(39)}::text"
        for n, totals in CELLS.items()
    )
    session.execute(
        f"create temp table uji as select {columns}, 7 as jumlah, 7 as penerimaan, false as disamarkan, sel.*"
        f" from ({cells}) as sel (sel, baris_total, kolom_total, {row}, {column})".encode()
    )
    return row, column


@pytest.mark.parametrize("model", TWO_WAYS)
def test_a_table_without_one_of_its_totals_deviates(session: psycopg.Connection[Any], model: str) -> None:
    query = query_of(f"core/{model}", "jumlah_dua_arah_sama")
    make_cells(session, query)
    assert not deviates(session, query)
    for missing in CELLS:
        with session.transaction(force_rollback=True):
            session.execute("delete from uji where sel = %s", [missing])
            assert deviates(session, query), missing


@pytest.mark.parametrize("model", TWO_WAYS)
def test_a_hidden_cell_hides_only_the_faults_of_its_own_row_and_column(
    session: psycopg.Connection[Any], model: str
) -> None:
    query = query_of(f"core/{model}", "jumlah_dua_arah_sama")
    row, column = make_cells(session, query)
    # A second row and column without a hidden cell: 7 more in each, and in the totals.
    session.execute(
        f"insert into uji select * from (select uji.* from uji where sel in ('isi', 'baris', 'kolom')) as a;"
        f" update uji set {row} = '2' where ctid in (select max(ctid) from uji where sel in ('isi', 'baris') group by sel);"
        f" update uji set {column} = '2' where ctid in (select max(ctid) from uji where sel in ('isi', 'kolom') group by sel);"
        " update uji set jumlah = 14, penerimaan = 14 where sel = 'semua'".encode()
    )
    assert not deviates(session, query) and skipped(session, model) == (0, 6)
    hide = f"sel = 'isi' and {row} = '1'"
    session.execute(
        f"update uji set jumlah = null, penerimaan = null, disamarkan = true where {hide}".encode()
    )
    assert not deviates(session, query) and skipped(session, model) == (2, 6)
    for wrong in (f"sel = 'isi' and {row} = '2'", f"sel = 'baris' and {row} = '2'", "sel = 'semua'"):
        with session.transaction(force_rollback=True):
            session.execute(f"update uji set jumlah = jumlah + 1 where {wrong}".encode())
            assert deviates(session, query), wrong


def test_an_area_without_its_total_or_its_parts_deviates(session: psycopg.Connection[Any]) -> None:
    query = query_of("mart_satu_data/produksi_sawit", "luas_berjumlah")
    session.execute(
        "create temp table uji (tahun int, kode_kabupaten_kota text, nama_kecamatan text, status_pengusahaan text,"
        " keterangan text, uraian text, nilai numeric)"
    )
    rows = [(2026, "64.02", "Loa Kulu", "rakyat", None, *part) for part in PARTS.items()]
    session.cursor().executemany("insert into uji values (%s, %s, %s, %s, %s, %s, %s)", rows)
    assert not deviates(session, query)
    for missing in ("luas areal", "luas tanaman%"):
        with session.transaction(force_rollback=True):
            session.execute("delete from uji where uraian like %s", [missing])
            assert deviates(session, query), missing


def test_a_closed_month_of_the_budget_that_is_missing_deviates(session: psycopg.Connection[Any]) -> None:
    query = query_of("mart_satu_data/realisasi_apbd_bulanan", "sama_dengan_fakta")
    session.execute("create schema core")
    session.execute("create table core.fct_realisasi_apbd (periode date, realisasi numeric)")
    session.execute("insert into core.fct_realisasi_apbd values ('2024-01-01', 5), ('2024-02-01', 6)")
    session.execute("insert into core.fct_realisasi_apbd values ((now() + '1 day'::interval)::date, 7)")
    session.execute("create temp table uji (tahun int, bulan int, realisasi numeric)")
    session.execute("insert into uji values (2024, 1, 5), (2024, 2, 6)")
    assert not deviates(session, query)  # this month is not closed yet
    session.execute("delete from uji where bulan = 2")
    assert deviates(session, query)


def test_a_closed_month_of_visits_that_is_missing_deviates(session: psycopg.Connection[Any]) -> None:
    query = query_of("core/agg_kunjungan_bulanan", "sama_dengan_sumber")
    session.execute("create schema staging")
    session.execute(
        "create table staging.stg_dinkes__kunjungan (tanggal_kunjungan date, kode_puskesmas text);"
        "create table staging.stg_dinkes__puskesmas (kode_puskesmas text, kode_kabupaten_kota text);"
        "insert into staging.stg_dinkes__kunjungan select day::date, place from (values ('2024-01-05', 'P9', 5),"
        " ('2024-01-06', 'P1', 6), ('2024-02-01', 'P1', 7)) as k (day, place, n), generate_series(1, n);"
        "insert into staging.stg_dinkes__puskesmas values ('P1', '64.72')"
    )
    session.execute(
        "create temp table uji (tahun int, bulan int, kode_kabupaten_kota text, baris_total bool, kolom_total bool,"
        " jumlah int, disamarkan bool);"
        "insert into uji values (2024, 1, null, true, true, null, true), (2024, 1, '64.72', true, true, 6, false)"
    )
    # Of the last month days may still come, and a hidden total is not known.
    assert not deviates(session, query)
    for change in ("delete from uji where jumlah = 6", "update uji set jumlah = 8 where jumlah = 6"):
        with session.transaction(force_rollback=True):
            session.execute(change.encode())
            assert deviates(session, query), change
