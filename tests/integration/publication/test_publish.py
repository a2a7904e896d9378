"""Publishing from a real PostgreSQL: files, catalogue, log and report. All data are made up."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from pipelines.errors import PublicationError
from pipelines.publication.catalog import PublishedFile
from pipelines.publication.mart import Clearance, MartColumn, OpenMart
from pipelines.publication.publish import data_modified, publish_all, write_report
from pipelines.publication.report.data import read_report
from pipelines.redaction import personal_shapes

AT = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
NIK = "6472014107900001"
SQL = Path(__file__).parent

HARGA = OpenMart(
    name="harga",
    schema="mart_satu_data",
    title="Harga pangan",
    description="Harga per pasar.",
    unit="rupiah",
    frequency="harian",
    keywords=("pangan",),
    columns=tuple(MartColumn(n) for n in ("kode", "pasar", "harga", "pada", "aktif", "tanggal")),
    clearance=Clearance(),
)
WARGA = replace(HARGA, name="warga", title="Warga", columns=(MartColumn("kode"), MartColumn("catatan")))


@pytest.fixture
def warehouse(pg_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(pg_url, autocommit=True) as connection:
        connection.execute((SQL / "schema.sql").read_bytes())
        for function in personal_shapes.functions():
            connection.execute(function)
        connection.execute(
            "create table mart_satu_data.harga (rahasia text, kode text, pasar text, harga numeric(12, 2),"
            " pada timestamptz, aktif boolean, tanggal date)"
        )
        connection.execute(
            "insert into mart_satu_data.harga values"
            " ('x', '64.10', 'Pasar \"Pagi\", blok A', -12500, '2026-11-23 20:15+00', true, '2026-11-23'),"
            " ('x', '64.02', '=1+1', 900.5, null, false, null),"
            " ('x', '64.02', '', 900.5, '2026-11-23 20:15:00.25+00', false, '2026-01-02')"
        )
        connection.execute("create table mart_satu_data.warga (kode text, catatan text)")
        connection.execute("insert into mart_satu_data.warga values ('64.72', 'baik')")
        yield connection


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def publish_mart(
    connection: Connection[Any], mart: OpenMart, out: Path, at: datetime, **more: Any
) -> PublishedFile:
    done = publish_all(connection, [mart], out, at, **more)
    if done.refused:
        raise done.refused[0]
    return done.published[0]


def logged(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    query = "select run_id, mart, rows from ops.publication_log where path not like '%.xlsx' order by at"
    return connection.execute(query).fetchall()


def test_a_mart_becomes_an_ordered_csv_of_its_described_columns(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    file = publish_mart(warehouse, HARGA, tmp_path, AT, run_id="r1")
    assert file.path == tmp_path / "csv" / "harga.csv"
    assert file.path.read_text("utf-8") == (
        "kode,pasar,harga,pada,aktif,tanggal\n"
        '64.02,"",900.50,2026-11-24T04:15:00.250000+08:00,false,2026-01-02\n'
        "64.02,'=1+1,900.50,,false,\n"
        '64.10,"Pasar ""Pagi"", blok A",-12500.00,2026-11-24T04:15:00+08:00,true,2026-11-23\n'
    )
    assert (file.rows, file.bytes) == (3, file.path.stat().st_size)
    assert file.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()
    assert file.changed
    assert logged(warehouse) == [("r1", "harga", 3)]


def test_only_a_mart_that_changed_is_modified_in_the_catalogue(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    """Something else was loaded in between. A harvester fetches again what was modified."""
    publish_all(warehouse, [HARGA, WARGA], tmp_path, AT)
    warehouse.execute("update mart_satu_data.warga set catatan = 'lain'")
    done = publish_all(warehouse, [HARGA, WARGA], tmp_path, AT + timedelta(days=1))
    package = json.loads(done.catalog.datapackage.path.read_text("utf-8"))
    assert {entry["name"]: entry["modified"][:10] for entry in package["resources"]} == {
        "harga": "2026-11-24",
        "harga-xlsx": "2026-11-24",
        "warga": "2026-11-25",
        "warga-xlsx": "2026-11-25",
    }
    again = publish_all(warehouse, [HARGA, WARGA], tmp_path, AT + timedelta(days=2))
    assert not again.catalog.changed


def test_nothing_is_rewritten_when_nothing_changed(warehouse: Connection[Any], tmp_path: Path) -> None:
    publish_mart(warehouse, HARGA, tmp_path, AT)
    stamps = {p: p.lstat().st_mtime_ns for p in tmp_path.rglob("*")}
    # Rows that lie in another order are the same data.
    warehouse.execute("update mart_satu_data.harga set rahasia = 'y' where kode = '64.02'")
    done = publish_all(warehouse, [HARGA], tmp_path, AT)
    assert [file.changed for file in done.published] == [False]
    assert not done.catalog.changed
    assert {p: p.lstat().st_mtime_ns for p in tmp_path.rglob("*") if p.name != "terbitan"} == {
        p: stamp for p, stamp in stamps.items() if p.name != "terbitan"
    }
    assert len(logged(warehouse)) == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}"])
def test_a_text_that_a_spreadsheet_would_run_is_disarmed(
    warehouse: Connection[Any], tmp_path: Path, start: str
) -> None:
    warehouse.execute("update mart_satu_data.warga set catatan = %s", [start + "cmd|' /C calc'!A0"])
    file = publish_mart(warehouse, WARGA, tmp_path, AT)
    assert rows(file.path)[1][1] == "'" + start + "cmd|' /C calc'!A0"


def test_a_nik_stops_its_mart_only_and_is_not_quoted(warehouse: Connection[Any], tmp_path: Path) -> None:
    publish_all(warehouse, [HARGA, WARGA], tmp_path, AT)
    kept = (tmp_path / "csv" / "warga.csv").read_bytes()
    warehouse.execute("insert into mart_satu_data.warga values ('64.72', %s)", [f"ibu {NIK} dari Ulu"])
    warehouse.execute("update mart_satu_data.harga set harga = 1")

    after = publish_all(warehouse, [WARGA, HARGA], tmp_path, AT + timedelta(days=1))

    assert [file.name for file in after.published] == ["harga"]
    (refusal,) = after.refused
    assert refusal.subject == "warga"
    assert "catatan" in refusal.message
    assert NIK not in str(refusal)
    assert (tmp_path / "csv" / "warga.csv").read_bytes() == kept
    entries = {e["name"]: e for e in json.loads(after.catalog.datapackage.path.read_text())["resources"]}
    assert entries["warga"]["hash"] == "sha256:" + hashlib.sha256(kept).hexdigest()
    assert entries["warga"]["modified"] < entries["harga"]["modified"]


def test_marts_that_are_published_together_change_together_or_not_at_all(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    harga = replace(HARGA, published_together="harga_dan_warga", companions=("warga",))
    warga = replace(WARGA, published_together="harga_dan_warga", companions=("harga",))
    first = publish_all(warehouse, [harga, warga], tmp_path, AT)
    assert [f.name for f in first.published] == ["harga", "warga"]
    kept = {p: p.read_bytes() for p in (tmp_path / "csv").iterdir()}
    assert len(kept) == 2

    warehouse.execute("update mart_satu_data.harga set harga = 1")
    warehouse.execute("update mart_satu_data.warga set catatan = %s", [NIK])
    second = publish_all(warehouse, [harga, warga], tmp_path, AT)
    assert (second.published, [e.subject for e in second.refused]) == ((), ["warga", "harga"])
    assert "menunggu warga" in str(second.refused[1])
    only_harga = publish_all(warehouse, [harga, warga], tmp_path, AT, selected={"harga"})
    assert only_harga.published == () and "pilih juga warga" in str(only_harga.refused[0])
    assert {p: p.read_bytes() for p in (tmp_path / "csv").iterdir()} == kept

    warehouse.execute("update mart_satu_data.warga set catatan = 'baik'")
    third = publish_all(warehouse, [harga, warga], tmp_path, AT)
    assert [(f.name, f.changed) for f in third.published] == [("harga", True), ("warga", False)]


@pytest.mark.parametrize("kind", ["bigint", "numeric", "double precision", "varchar(40)", "jsonb", "text[]"])
def test_a_nik_is_found_in_a_column_of_any_type(
    warehouse: Connection[Any], tmp_path: Path, kind: str
) -> None:
    value = {"jsonb": f'{{"a": "{NIK}"}}', "text[]": f"{{{NIK}}}"}.get(kind, NIK)
    statement = f"alter table mart_satu_data.warga alter catatan type {kind} using '{value}'::{kind}"
    warehouse.execute(statement.encode())
    with pytest.raises(PublicationError, match="catatan"):
        publish_mart(warehouse, WARGA, tmp_path, AT)
    assert not list(tmp_path.rglob("*.csv"))
    assert logged(warehouse) == []


def test_fractions_with_many_digits_are_not_taken_for_a_nik(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    warehouse.execute(f"alter table mart_satu_data.warga alter catatan type numeric using 1.{NIK}".encode())
    assert publish_mart(warehouse, WARGA, tmp_path, AT).rows == 1


def test_a_missing_described_column_is_named(warehouse: Connection[Any], tmp_path: Path) -> None:
    mart = replace(HARGA, columns=(*HARGA.columns, MartColumn("komoditas")))
    with pytest.raises(PublicationError, match="tidak memuat kolom komoditas"):
        publish_mart(warehouse, mart, tmp_path, AT)


def test_a_mart_that_was_never_built_is_told_from_one_that_is_gone(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    never = replace(HARGA, name="tiada")
    publish_all(warehouse, [HARGA, WARGA], tmp_path, AT)
    warehouse.execute("drop table mart_satu_data.warga")
    done = publish_all(warehouse, [HARGA, WARGA, never], tmp_path, AT)
    assert [file.name for file in done.published] == ["harga"]
    assert [error.subject for error in done.not_built] == ["tiada"]
    assert [error.message for error in done.refused] == ["mart_satu_data.warga belum ada"]


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_beside_it(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    publish_mart(warehouse, WARGA, tmp_path, AT)
    warehouse.execute("drop table mart_satu_data.warga")
    warehouse.execute(
        "create view mart_satu_data.warga as"
        " select n::text as kode, (1 / (n - 900)) = 0 as catatan"
        " from generate_series(1, 1000) as n"
    )
    with pytest.raises(PublicationError, match="DivisionByZero"):
        publish_mart(warehouse, WARGA, tmp_path, AT)
    assert [p.name for p in (tmp_path / "csv").iterdir()] == ["warga.csv"]
    assert rows(tmp_path / "csv" / "warga.csv") == [["kode", "catatan"], ["64.72", "baik"]]


@pytest.mark.parametrize(
    ("clearance", "message"),
    [
        (None, "silsilahnya belum diperiksa"),
        (
            Clearance(("core.warga.kode <- raw dinkes/kunjungan.nik (pribadi): ...",)),
            "raw dinkes/kunjungan.nik",
        ),
    ],
)
def test_a_mart_without_clearance_is_not_published_and_the_others_are(
    warehouse: Connection[Any], tmp_path: Path, clearance: Clearance | None, message: str
) -> None:
    done = publish_all(warehouse, [HARGA, replace(WARGA, clearance=clearance)], tmp_path, AT)
    assert [file.name for file in done.published] == ["harga"]
    (refusal,) = done.refused
    assert refusal.subject == "warga" and message in str(refusal)
    assert not (tmp_path / "csv" / "warga.csv").exists()


def test_a_connection_in_a_transaction_is_refused(warehouse: Connection[Any], tmp_path: Path) -> None:
    with warehouse.transaction(), pytest.raises(PublicationError, match="sedang dipakai"):
        publish_mart(warehouse, HARGA, tmp_path, AT)


def test_a_file_that_a_killed_run_left_unlogged_is_logged_by_the_next(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    publish_mart(warehouse, HARGA, tmp_path, AT)
    warehouse.execute("delete from ops.publication_log")
    assert not publish_mart(warehouse, HARGA, tmp_path, AT, run_id="r2").changed
    assert logged(warehouse) == [("r2", "harga", 3)]


def test_the_time_of_the_data_is_that_of_the_last_load(warehouse: Connection[Any]) -> None:
    assert data_modified(warehouse) is None
    warehouse.execute("insert into ops.load_batch values ('loaded', %s), ('unchanged', now())", [AT])
    assert data_modified(warehouse) == AT


def test_the_report_before_the_first_load_says_that_there_are_no_data(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    file = write_report(warehouse, tmp_path, AT)
    assert file.path.read_text("utf-8").count("Belum ada data") == 5


def test_the_report_has_its_figures_and_no_value_of_quarantine(
    warehouse: Connection[Any], tmp_path: Path
) -> None:
    warehouse.execute((SQL / "laporan.sql").read_bytes())
    file = write_report(warehouse, tmp_path, AT, run_id="r1")
    page = file.path.read_text("utf-8")
    assert "rahasia" not in page
    assert "Belum ada data" not in page
    for text in (
        "dari 5 butir yang disepakati (40%)",
        "73.248",
        "selain itu 1 gagal, 2 belum ada",
        "4 sudah dijanjikan OPD, 1 belum",
        '<th scope="row">Populasi ternak<span class="code">DDK-2026-005</span><span class="mark">Data prioritas</span></th>',
        "2 dataset pada Oktober 2026: 75,2 dari 100, dengan 81 temuan terbuka",
        "Nilai di luar klasifikasi isian [GDK-B005]",
        "bertambah 54.600 jiwa (4,6%) sejak 2022",
        "6 sel disamarkan agar orang tidak dapat dikenali, tetapi ikut dihitung dalam jumlah kecamatannya",
        "4 sel disamarkan agar orang tidak dapat dikenali",
        "Riwayat: Indeks SPBE 2026",
        "Indeks Pemdi 2026",
        "Laporan Hasil Evaluasi SPBE 2024",
        "Layanan Administrasi Pemerintahan Berbasis Elektronik",
    ):
        assert text in page
    assert page.count('role="img"') == 6
    assert not write_report(warehouse, tmp_path, AT).changed
    assert logged(warehouse) == [("r1", "laporan", None)]


def test_a_hidden_number_of_the_report_is_not_read_as_nought(warehouse: Connection[Any]) -> None:
    warehouse.execute((SQL / "laporan.sql").read_bytes())
    data = read_report(warehouse)
    people = {
        row.desa_kelurahan: row.jumlah
        for row in data.population
        if row.kecamatan == "Samarinda Ulu" and row.tahun == 2024
    }
    shown = {f"Samarinda Ulu {n}": 2 * (4200 + 3 * 830 + n * 310 + 2 * 165) for n in range(1, 7)}
    hidden = dict.fromkeys(("Samarinda Ulu 1", "Samarinda Ulu 2"))
    assert people == {**shown, **hidden, None: sum(shown.values())}
    assert [row.jumlah for row in data.visits if row.cara_bayar == "LAINNYA"] == [None]
