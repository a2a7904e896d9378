"""The workbook beside each CSV, and texts that a spreadsheet could read as a formula."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from openpyxl import load_workbook
from psycopg import Connection

from pipelines.publication.mart import MartColumn, OpenMart
from pipelines.publication.publish import publish_all
from tests.support.publishing import AT, CELLS, prepare

SHEET = replace(
    CELLS,
    name="lembar",
    title="Lembar",
    published_together=None,
    companions=(),
    columns=tuple(
        MartColumn(n, description=f"Arti {n}.")
        for n in ("kode", "tahun", "uang", "jumlah", "nomor", "tanggal", "pada", "aktif", "catatan")
    ),
)


@pytest.fixture
def warehouse(pg_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(pg_url, autocommit=True) as connection:
        prepare(connection)
        connection.execute(
            "create table mart_satu_data.lembar (kode text, tahun integer, uang numeric(14, 2), jumlah bigint,"
            " nomor numeric(20), tanggal date, pada timestamptz, aktif boolean, catatan text)"
        )
        connection.execute(
            "insert into mart_satu_data.lembar values"
            " ('64.10', 2026, 1250000.50, 12345, 12345678901234567890, '2026-11-23', '2026-11-23 20:15+00', true, '=1+1'),"
            " ('64.72', 2025, null, 0, 7, '1899-12-31', null, false, '')"
        )
        yield connection


def publish(connection: Connection[Any], out: Path, mart: OpenMart = SHEET) -> None:
    assert publish_all(connection, [mart], out, AT).refused == ()


def test_a_workbook_has_the_rows_as_numbers_codes_and_dates(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    publish(warehouse, tmp_path)
    book = load_workbook(tmp_path / "xlsx" / "lembar.xlsx")
    assert book.sheetnames == ["Data", "Keterangan"]
    heading, first, second = book["Data"].iter_rows()
    assert [cell.value for cell in heading] == [c.name for c in SHEET.columns]
    assert [(cell.value, cell.data_type, cell.number_format) for cell in first] == [
        ("64.10", "s", "@"),
        (2026, "n", "0"),
        (1250000.5, "n", "[$-421]#,##0.00"),
        (12345, "n", "[$-421]#,##0"),
        ("12345678901234567890", "s", "@"),
        (datetime(2026, 11, 23), "d", "[$-421]dd/mm/yyyy"),
        (datetime(2026, 11, 24, 4, 15), "d", "[$-421]dd/mm/yyyy hh:mm:ss"),
        (True, "b", "General"),
        ("=1+1", "s", "@"),
    ]
    assert [cell.value for cell in second][2:6] == [None, 0, 7, "1899-12-31"]
    about = {row[0].value: row[1].value for row in book["Keterangan"].iter_rows() if row[0].value}
    assert (about["Judul"], about["Satuan"], about["kode"]) == ("Lembar", "kunjungan", "Arti kode.")


def test_every_kind_of_cell_is_read_back_from_the_workbook(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    texts = ["a < b & c > d", '"x"', "  di tengah  ", " ", "dua\nbaris", "\x01kendali", "é 😀", "12", "#N/A"]
    warehouse.execute(
        "create table mart_satu_data.macam (urut integer, teks text, pecahan double precision, jam time, hari date)"
    )
    with warehouse.cursor() as cursor:
        cursor.executemany(
            "insert into mart_satu_data.macam values (%s, %s, %s, %s, %s)",
            [(n, text, 0.1 + n, "07:30", "2026-02-28") for n, text in enumerate(texts)],
        )
    warehouse.execute("insert into mart_satu_data.macam values (99, null, 'NaN', null, null)")
    mart = replace(
        SHEET, name="macam", columns=tuple(map(MartColumn, ("urut", "teks", "pecahan", "jam", "hari")))
    )
    publish(warehouse, tmp_path, mart)
    _, *rows = load_workbook(tmp_path / "xlsx" / "macam.xlsx")["Data"].iter_rows()
    read = [text.replace("\x01", "\ufffd") for text in texts]
    assert [[cell.value for cell in row] for row in rows] == [
        *([n, text, 0.1 + n, time(7, 30), datetime(2026, 2, 28)] for n, text in enumerate(read)),
        [99, None, "nan", None, None],
    ]
    assert [cell.number_format for cell in rows[0]] == [
        "[$-421]#,##0", "@", "General", "hh:mm:ss", "[$-421]dd/mm/yyyy",
    ]  # fmt: skip
    assert [cell.coordinate for cell in rows[-1]] == ["A11", "B11", "C11", "D11", "E11"]


def test_the_same_rows_give_the_same_workbook_wherever_it_is_written(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    publish(warehouse, tmp_path / "a")
    publish(warehouse, tmp_path / "b")
    first, second = ((tmp_path / place / "xlsx" / "lembar.xlsx") for place in "ab")
    assert first.read_bytes() == second.read_bytes()
    before = first.lstat()
    warehouse.execute("update mart_satu_data.lembar set jumlah = 1 where kode = '64.72'")
    publish(warehouse, tmp_path / "a")
    assert first.read_bytes() != second.read_bytes()
    assert second.lstat().st_ino != before.st_ino


@pytest.mark.parametrize("left", [0, 100])
def test_a_workbook_that_was_damaged_on_the_disk_is_written_again(
    warehouse: Connection[Any], tmp_path: Path, left: int
) -> None:
    """Neither its rows nor its explanations changed. The damage is that of a power cut: an empty or a cut file."""
    publish(warehouse, tmp_path)
    path = tmp_path / "xlsx" / "lembar.xlsx"
    whole = path.read_bytes()
    os.truncate(path, left)
    publish(warehouse, tmp_path)
    assert path.read_bytes() == whole
    package = json.loads((tmp_path / "datapackage.json").read_text("utf-8"))
    digests = {entry["path"]: entry["hash"] for entry in package["resources"]}
    assert digests["xlsx/lembar.xlsx"] == f"sha256:{hashlib.sha256(whole).hexdigest()}"


def test_a_new_description_is_in_the_workbook_though_no_row_changed(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    publish(warehouse, tmp_path)
    publish(warehouse, tmp_path, replace(SHEET, unit="orang"))
    about = {
        row[0].value: row[1].value for row in load_workbook(tmp_path / "xlsx" / "lembar.xlsx")["Keterangan"]
    }
    assert about["Satuan"] == "orang"


def test_both_forms_are_in_the_package_and_in_the_catalogue(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    publish(warehouse, tmp_path)
    package = json.loads((tmp_path / "datapackage.json").read_text("utf-8"))
    assert [(e["name"], e["format"], e["rows"]) for e in package["resources"]] == [
        ("lembar", "csv", 2),
        ("lembar-xlsx", "xlsx", 2),
    ]
    (dataset,) = json.loads((tmp_path / "dcat.jsonld").read_text("utf-8"))["dcat:dataset"]
    assert [d["dcat:downloadURL"]["@id"] for d in dataset["dcat:distribution"]] == [
        "csv/lembar.csv",
        "xlsx/lembar.xlsx",
    ]


def test_rows_that_a_sheet_cannot_hold_have_a_csv_only(warehouse: Connection[Any], tmp_path: Path) -> None:
    publish(warehouse, tmp_path)
    warehouse.execute("update mart_satu_data.lembar set catatan = repeat('a', 40000) where kode = '64.72'")
    publish(warehouse, tmp_path)
    assert not list(tmp_path.glob("xlsx/*"))
    assert (tmp_path / "csv" / "lembar.csv").stat().st_size > 40000
    package = json.loads((tmp_path / "datapackage.json").read_text("utf-8"))
    assert [e["name"] for e in package["resources"]] == ["lembar"]


DANGEROUS = (
    "=1+1", ";=1+1", "baik;=1+1", "baik; =1+1", 'baik;"=1+1"', "baik\t=1+1", "baik\n=1+1", "baik\r\n=1+1", "a|@SUM(1)",
    "baik;;+1", 'x"\n"=1', " =1+1", '"=1+1"', "\ufeff=1+1", "baik;\N{FULLWIDTH EQUALS SIGN}1+1", "a;-1+cmd|' /C calc'!A0",
    "'=1+1", "baik;'=1+1", "a\v=1", "a\f=1", "a;\u00a0=1",
)  # fmt: skip


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_part_of_a_published_text_is_read_as_a_formula(
    warehouse: Connection[Any], tmp_path: Path, text: str
) -> None:
    mart = replace(SHEET, columns=(MartColumn("catatan"), MartColumn("kode")))
    warehouse.execute("update mart_satu_data.lembar set catatan = %s where kode = '64.10'", [text])
    publish(warehouse, tmp_path, mart)
    content = (tmp_path / "csv" / "lembar.csv").read_bytes().decode()
    for piece in re.split("[;|\t\r\n\v\f]", content):
        # A spreadsheet reads a formula also behind a blank or a quote, but not behind an apostrophe at the start.
        assert not re.match('[\\s\ufeff"]*[=+@＝＋－＠-]', piece)  # noqa: RUF001
    with (tmp_path / "csv" / "lembar.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 3
    assert rows[2][0].replace("'", "") == text.replace("'", "") or rows[1][0].replace(
        "'", ""
    ) == text.replace("'", "")


@pytest.mark.parametrize("text", ["a-b", "a = b", "suhu 5; 6", "harga @ 5", "1;2;3", "a\nb"])
def test_other_texts_are_published_unchanged(warehouse: Connection[Any], tmp_path: Path, text: str) -> None:
    mart = replace(SHEET, columns=(MartColumn("catatan"),))
    warehouse.execute("update mart_satu_data.lembar set catatan = %s", [text])
    publish(warehouse, tmp_path, mart)
    with (tmp_path / "csv" / "lembar.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1:] == [[text], [text]]


def test_a_date_before_march_1900_is_a_text(warehouse: Connection[Any], tmp_path: Path) -> None:
    mart = replace(SHEET, columns=(MartColumn("tanggal"),))
    warehouse.execute("update mart_satu_data.lembar set tanggal = '1900-02-28'")
    publish(warehouse, tmp_path, mart)
    cells = [
        row[0].value for row in load_workbook(tmp_path / "xlsx" / "lembar.xlsx")["Data"].iter_rows(min_row=2)
    ]
    assert cells == ["1900-02-28", "1900-02-28"]
