"""Dimensions of time and organisation."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from pipelines.models.project.project import load_project
from tests.support.model_warehouse import ModelWarehouse
from tests.support.repository import MODELS


def test_an_agency_ends_only_when_its_reorganisation_is_certain(reference_url: str, tmp_path: Path) -> None:
    """By the seeds it is uncertain whether Bappeda and BRIDA became Bapperida. With a Perda of, for example, 2
    January 2027 for Bappeda, its last day is the day before.
    """
    warehouse = ModelWarehouse(reference_url)
    warehouse.build("+dim_opd")
    query = """
        select kode_opd, pendahulu, penerus, berlaku_mulai, berlaku_sampai, status from core.dim_opd
        where kode_opd in ('bappeda', 'bapperida', 'brida', 'dinkes') order by 1
    """
    assert warehouse.run(query) == [
        ("bappeda", None, "bapperida", None, None, "belum pasti"),
        ("bapperida", "bappeda, brida", None, None, None, "belum pasti"),
        ("brida", None, "bapperida", None, None, "belum pasti"),
        ("dinkes", None, None, None, None, "berlaku"),
    ]
    folder = tmp_path / "dbt"
    shutil.copytree(MODELS, folder)
    (folder / "seeds/opd/ref_opd_perubahan.csv").write_text(
        "kode_lama,kode_baru,jenis,tanggal,status,dasar\n"
        "bappeda,bapperida,ganti_nama,2027-01-02,pasti,Perda contoh\n"
    )
    warehouse.project = load_project(folder)
    warehouse.build("+dim_opd")
    assert warehouse.run(query) == [
        ("bappeda", None, "bapperida", None, date(2027, 1, 1), "berakhir"),
        ("bapperida", "bappeda", None, date(2027, 1, 2), None, "berlaku"),
        ("brida", None, None, None, None, "berlaku"),
        ("dinkes", None, None, None, None, "berlaku"),
    ]
    warehouse.connection.close()


def test_a_day_has_its_indonesian_names(reference_url: str) -> None:
    """22 November 2026 is a Sunday, in the fourth quarter and the second half of fiscal year 2026."""
    warehouse = ModelWarehouse(reference_url)
    warehouse.build("dim_tanggal")
    assert warehouse.run("""
        select tanggal_panjang, hari, akhir_pekan, nama_triwulan, nama_semester, tahun_anggaran, awal_bulan
        from core.dim_tanggal where tanggal = '2026-11-22'
    """) == [
        ("22 November 2026", "Minggu", True, "Triwulan IV", "Semester II", 2026, date(2026, 11, 1)),
    ]
    # 2015 to 2035 without a gap: 21 years, five of them leap years (2016, 2020, 2024, 2028, 2032).
    assert warehouse.run("select count(*), max(tanggal) - min(tanggal) + 1 from core.dim_tanggal") == [
        (21 * 365 + 5, 21 * 365 + 5)
    ]
    warehouse.connection.close()


def test_a_former_name_differs_from_the_current_one(reference_url: str) -> None:
    """A name in capitals or with another prefix is not a former name, nor is the last name of a code that ended.
    Sungai Siring has no former name.
    """
    warehouse = ModelWarehouse(reference_url)
    warehouse.built("dim_wilayah")
    assert (
        warehouse.run("""
        select kode_kemendagri, nama, nama_lama from core.dim_wilayah
        where exists (
            select from unnest(string_to_array(nama_lama, '; ')) as lama where ops.kunci_nama(lama) = ops.kunci_nama(nama)
        )
    """)
        == []
    )
    assert warehouse.run("""
        select nama, nama_lama from core.dim_wilayah where kode_kemendagri in ('64.01', '64.72.05.1004') order by 1
    """) == [("Kabupaten Paser", None), ("Sungai Siring", None)]
    assert warehouse.run("select count(nama_lama) > 20 from core.dim_wilayah") == [(True,)]
    warehouse.connection.close()
