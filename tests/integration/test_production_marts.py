"""Open marts of oil palm, coal and puskesmas, and the inventory of applications; on small data by hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.support.model_warehouse import ModelWarehouse

d = Decimal


@pytest.fixture
def warehouse(pg_url: str) -> Iterator[ModelWarehouse]:
    made = ModelWarehouse(pg_url)
    yield made
    made.connection.close()


def test_oil_palm_is_of_the_kecamatan_and_yields_are_of_its_sums(warehouse: ModelWarehouse) -> None:
    """Two spellings of Kombeng are one kecamatan: 100 + 300 = 400 ha bear 1,500 + 4,500 = 6,000 t, that is 6,000,000 /
    400 = 15,000 kg per ha, and not the mean of what the two lines say. What nobody has is no row: no old palms.
    Sekolak Darat is in no list and stays, with its spelling; where no palm bears, there is no yield."""
    warehouse.run("""
        insert into raw.disbun__produksi_sawit (tahun, kabupaten_kota, kecamatan, status_pengusahaan, luas_tbm, luas_tm,
            luas_tr, jumlah_luas, produksi, produktivitas, jumlah_pekebun)
        values (2025, 'Kutim', 'Kongbeng', 'rakyat', 10, 100, null, 110, 1500, 9, 3),
            (2025, 'Kutim', 'Kec. Kombeng', 'rakyat', 20.5, 300, null, 320.5, 4500, 9, 90),
            (2025, 'Kutai Barat', 'Sekolak Darat', 'swasta', 7, 0, null, 7, 0, null, null)
    """)
    warehouse.built("produksi_sawit")
    asked = """
        select kode_kabupaten_kota, kode_kecamatan, nama_kecamatan, status_pengusahaan, uraian, nilai, satuan, tahun
        from mart_satu_data.produksi_sawit order by 1, 5
    """
    assert warehouse.run(asked) == [
        ("64.07", None, "Sekolak Darat", "swasta", "luas areal", d("7.00"), "ha", 2025),
        ("64.07", None, "Sekolak Darat", "swasta", "luas tanaman belum menghasilkan", d("7.00"), "ha", 2025),
        ("64.07", None, "Sekolak Darat", "swasta", "luas tanaman menghasilkan", d("0.00"), "ha", 2025),
        ("64.07", None, "Sekolak Darat", "swasta", "produksi tandan buah segar", d("0.00"), "ton", 2025),
        ("64.08", "64.08.08", "Kombeng", "rakyat", "luas areal", d("430.50"), "ha", 2025),
        ("64.08", "64.08.08", "Kombeng", "rakyat", "luas tanaman belum menghasilkan", d("30.50"), "ha", 2025),
        ("64.08", "64.08.08", "Kombeng", "rakyat", "luas tanaman menghasilkan", d("400.00"), "ha", 2025),
        ("64.08", "64.08.08", "Kombeng", "rakyat", "produksi tandan buah segar", d("6000.00"), "ton", 2025),
        ("64.08", "64.08.08", "Kombeng", "rakyat", "produktivitas", d("15000.00"), "kg per ha", 2025),
    ]
    # Families that own palms are people: 3 of them must not come out by another way.
    assert "pekebun" not in " ".join(c.name for c in warehouse.project.nodes["produksi_sawit"].columns)


def test_coal_is_summed_over_companies_by_kind_of_permit(warehouse: ModelWarehouse) -> None:
    """September in Berau: two IUP dig 10.5 + 20 = 30.5 t and sell 4 + 6 = 10 t at home; abroad only one says what."""
    warehouse.run("""
        insert into raw.esdm__produksi_batubara (kabupaten_kota, tahun, bulan, perusahaan, jenis_izin, nomor_izin, produksi,
            penjualan_domestik, penjualan_ekspor, penjualan)
        values ('Kab. Berau', 2026, 9, 'PT A', 'IUP', '1', 10.5, 4, 5, 9), ('Berau', 2026, 9, 'PT B', 'IUP', '2', 20, 6, null, 6),
            ('Kab. Berau', 2026, 9, 'PT C', 'PKP2B', '3', 7, null, null, null)
    """)
    warehouse.built("produksi_batubara")
    assert warehouse.run("""
        select kode_kabupaten_kota, jenis_izin, uraian, nilai, satuan, tahun, bulan
        from mart_satu_data.produksi_batubara order by jenis_izin, uraian
    """) == [
        ("64.03", "IUP", "penjualan domestik", d("10.00"), "ton", 2026, 9),
        ("64.03", "IUP", "penjualan ekspor", d("5.00"), "ton", 2026, 9),
        ("64.03", "IUP", "produksi", d("30.50"), "ton", 2026, 9),
        ("64.03", "PKP2B", "produksi", d("7.00"), "ton", 2026, 9),
    ]


def test_the_list_of_puskesmas_is_of_the_year_that_it_came(warehouse: ModelWarehouse) -> None:
    """17:00 UTC on New Year's Eve is the new year in Kalimantan."""
    warehouse.run("""
        insert into raw.dinkes__puskesmas (kode_puskesmas, nama, kode_kecamatan, jenis, lintang, bujur, aktif, _loaded_at)
        values ('P64720101', 'Puskesmas Palaran', '64.72.01', 'rawat_inap', -0.5, 117.1, true, '2026-12-31T17:00:00Z')
    """)
    warehouse.built("daftar_puskesmas")
    assert warehouse.run("""
        select nama_kabupaten_kota, nama_kecamatan, nama_puskesmas, lintang, bujur, satuan, tahun
        from mart_satu_data.daftar_puskesmas
    """) == [
        ("Kota Samarinda", "Palaran", "Puskesmas Palaran", d("-0.5000000"), d("117.1000000"), "derajat", 2027)
    ]


def test_an_application_says_what_is_missing(warehouse: ModelWarehouse) -> None:
    """A is whole. B has no outcome, no database and a level 3 that is not below its level 2; no legal basis, and nobody
    uses it though it is in use: five gaps. C runs on a desktop and needs no address; its levels end at the second."""
    warehouse.run("""
        insert into raw.diskominfo__inventaris_aplikasi (id_aplikasi, nama, uraian, fungsi, luaran, basis_aplikasi,
            tipe_lisensi, basis_data, bahasa_pemrograman, raa_level_1, raa_level_2, raa_level_3, raa_level_4, kode_opd,
            unit_pengembang, unit_operasional, status, url, jumlah_pengguna, dasar_hukum, data_terkait)
        values
            ('A', 'A', 'u', 'f', 'l', 'web', 'open_source', 'MySQL', 'PHP', '01', '01.02', '01.02.03', '01.02.03.04',
                'dinkes', 'x', 'y', 'Operasional', 'https://a.contoh.example', 9, 'Perkada', '["kesehatan"]'),
            ('B', 'B', 'u', 'f', null, 'web', 'open_source', null, 'PHP', '02', '02.01', '02.02.03', '02.02.03.04',
                'dinkes', 'x', 'y', 'Operasional', 'https://b.contoh.example', 0, null, '["kesehatan"]'),
            ('C', 'C', 'u', 'f', 'l', 'desktop', 'proprietary', 'MySQL', 'PHP', '02', '02.01', null, null,
                'dlh', 'x', 'y', 'Tidak Aktif', null, 0, 'Perkada', '["udara"]')
    """)
    warehouse.built("ringkasan_aplikasi")
    assert warehouse.run("""
        select id_aplikasi, nama_opd, kode_domain, jenis_aplikasi, kekurangan_arsitektur, kekurangan_tata_kelola,
            jumlah_kekurangan
        from mart_spbe.inventaris_aplikasi order by 1
    """) == [
        ("A", "Dinas Kesehatan", "DAA 01.02.03.04", "umum", None, None, 0),
        ("B", "Dinas Kesehatan", "DAA 02.02.03.04", "khusus", "luaran, basis data, RAA yang bersambung",
            "dasar hukum, pengguna", 5),
        ("C", "Dinas Lingkungan Hidup", "DAA 02.01", "khusus", "RAA tingkat 3, RAA tingkat 4", None, 2),
    ]  # fmt: skip
    assert warehouse.run("""
        select kode_opd, jumlah_aplikasi, operasional, pengembangan, tidak_aktif, aplikasi_umum, aplikasi_khusus,
            arsitektur_lengkap, lengkap
        from mart_spbe.ringkasan_aplikasi where kode_opd in ('dinkes', 'dlh', 'esdm') order by 1
    """) == [
        ("dinkes", 2, 2, 0, 0, 1, 1, 1, 1),
        ("dlh", 1, 0, 0, 1, 0, 1, 0, 0),
        ("esdm", 0, 0, 0, 0, 0, 0, 0, 0),  # reported nothing, and is not hidden for it
    ]
