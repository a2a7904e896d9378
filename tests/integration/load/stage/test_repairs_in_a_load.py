"""Declared repairs and formats in a load: the loaded values, the counts, and the refused rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.ingest import ingest
from pipelines.load import prepare
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, database, document, make

CLASSES = [
    {"value": "L", "label": "Laki-laki", "customProperties": [{"property": "alias", "value": ["Pria"]}]},
    {"value": "P", "label": "Perempuan"},
]


def contract(folder: Path) -> Contract:
    columns = [
        column("id", "integer", primaryKey=True),
        column("panen", "numeric(12,3)", satuan="kg", parse=["kira_kira", "satuan"], missing_values=["-"]),
        column("anggaran", "bigint", parse=["angka_id", "bilangan_bulat"]),
        column("tanggal", "date", parse=["tanggal_nol", "tanggal_id"]),
        column("aktif", "boolean", parse="boolean_id"),
        column("kelamin", enum=CLASSES, parse="klasifikasi"),
        column("npsn", parse=["petik_excel", "kode"], logicalTypeOptions={"minLength": 8, "maxLength": 8, "format": "npsn"}),
        column("unit", parse="kode", logicalTypeOptions={"minLength": 4, "maxLength": 4}),
        column("nik", classification="pribadi", pseudonymise="uji", logicalTypeOptions={"format": "nik"}),
    ]  # fmt: skip
    doc = document(
        "dinas/uji", columns, database("UJI_URL"), extract={"table": "sumber"}, max_quarantine_share=0.6
    )
    return make(folder / "contracts", doc)


NIK = "9901010101900001"
ROWS = [
    ("1", "± 1,5 ton", "Rp 1.500.000,00", "31 Desember 2024", "Ya", "pria", "'30401540", "12", NIK),
    ("2", "-", "2000000", "2024-01-05", "true", "P", "30401541", "12", NIK),
    ("3", "12,5 kg", "1.500", "0000-00-00", "T", "Perempuan", "'30401542", "12", NIK),
    ("4", "3 ha", "lima juta", "31/02/2024", "x", "W", "3,04E+07", "0012", "9901014501900001"),
    ("5", None, None, None, None, None, None, None, "1111111111111111"),
]  # fmt: skip


@pytest.fixture
def loaded(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads the rows, and gives a function that queries the warehouse."""
    url = warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    monkeypatch.setenv("UJI_URL", url)
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    with connect(url) as connection:
        prepare.prepare(connection, [])
        names = "id panen anggaran tanggal aktif kelamin npsn unit nik".split()  # noqa: SIM905
        connection.execute(f"create table sumber ({', '.join(f'{n} text' for n in names)})".encode())
        with connection.cursor() as cursor:
            cursor.executemany("insert into sumber values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", ROWS)
        settings = Settings(home=tmp_path / "home", project=tmp_path, warehouse_url=url)
        done = ingest(connection, contract(tmp_path), settings, url, run_id="uji", window=None)
        assert done.batch is not None and done.batch.state == "loaded", done.batch
        yield lambda query: connection.execute(query.encode()).fetchall()


def test_repaired_cells_arrive_typed(loaded: Any) -> None:
    found = loaded(
        "select id, panen::text, anggaran, tanggal::text, aktif, kelamin, npsn, unit from raw.dinas__uji order by id"
    )
    assert found == [
        (1, "1500.000", 1500000, "2024-12-31", True, "L", "30401540", "0012"),
        (2, None, 2000000, "2024-01-05", True, "P", "30401541", "0012"),
        (3, "12.500", 1500, None, False, "P", "30401542", "0012"),
    ]


def test_each_repair_is_counted_only_for_cells_that_it_changed(loaded: Any) -> None:
    counted = loaded("select column_name, repair, rows from ops.load_repair order by 1, 2")
    assert counted == [
        ("aktif", "boolean_id", 2),
        ("anggaran", "angka_id", 2),
        ("anggaran", "bilangan_bulat", 1),
        ("kelamin", "klasifikasi", 2),
        ("npsn", "petik_excel", 2),
        ("panen", "kira_kira", 1),
        ("panen", "missing_values", 1),
        ("panen", "satuan", 2),
        ("tanggal", "tanggal_id", 1),
        ("tanggal", "tanggal_nol", 1),
        ("unit", "kode", 3),
    ]


def test_cells_that_no_repair_reads_are_quarantined_with_every_reason(loaded: Any) -> None:
    four, five = loaded("select row, reasons from quarantine.row order by source_position")
    assert {(r["kolom"], r["aturan"]) for r in four[1]} == {
        ("panen", "tipe"),
        ("anggaran", "tipe"),
        ("tanggal", "tipe"),
        ("aktif", "tipe"),
        ("kelamin", "klasifikasi"),
        ("npsn", "format"),
        ("npsn", "notasi_ilmiah"),
    }
    # The contract has a personal column, so a cell that breaks its rule may be a value of that column.
    assert four[0]["anggaran"] == four[0]["npsn"] == "***"
    assert [(r["kolom"], r["aturan"], r["nilai"]) for r in five[1]] == [("nik", "format", "***")]
    assert "1111111111111111" not in str(five)
