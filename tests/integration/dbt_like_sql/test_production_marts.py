"""Open marts of oil palm, coal and puskesmas, and the inventory of applications, on small data made by hand."""

from __future__ import annotations

from decimal import Decimal

from tests.support.model_warehouse import ModelWarehouse

d = Decimal


def test_oil_palm_is_summed_by_kecamatan_and_yields_come_from_the_sums(warehouse: ModelWarehouse) -> None:
    """Two spellings of Kombeng are one kecamatan: 100 + 300 = 400 ha bear 1,500 + 4,500 = 6,000 t, which is
    6,000,000 / 400 = 15,000 kg per ha, and not the mean of the two reported yields. A kind of palms that nobody
    has (old ones) has no row. Sekolak Darat is in no list and keeps its spelling. Without bearing palms there is
    no yield.
    """
    warehouse.run("""
        insert into raw.disbun__produksi_sawit (tahun, kabupaten_kota, kecamatan, status_pengusahaan, luas_tbm, luas_tm,
            luas_tr, jumlah_luas, produksi, produktivitas, jumlah_pekebun)
        values (2025, 'Kutim', 'Kongbeng', 'rakyat', 10, 100, null, 110, 1500, 9, 3),
            (2025, 'Kutim', 'Kec. Kombeng', 'rakyat', 20.5, 300, null, 320.5, 4500, 9, 90),
            (2025, 'Kutai Barat', 'Sekolak Darat', 'swasta', 7, 0, null, 7, 0, null, null)
    """)
    warehouse.built("produksi_sawit")
    query = """
        select kode_kabupaten_kota, kode_kecamatan, nama_kecamatan, status_pengusahaan, uraian, nilai, satuan, tahun
        from mart_satu_data.produksi_sawit order by 1, 5
    """
    assert warehouse.run(query) == [
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
    # The number of families is personal data and must be no column.
    assert "pekebun" not in " ".join(c.name for c in warehouse.project.nodes["produksi_sawit"].columns)


def test_palms_of_few_families_are_hidden_with_three_more_cells(warehouse: ModelWarehouse) -> None:
    """In Kombeng 4 families own 12 ha and a company 500; in Bengalon 90 families own 200 ha and a company 600.

    The sums of the kabupaten would reveal the 12, so all four cells are hidden with all their figures. Rantau
    Pulung has 5 families and is shown. 2024 has no small count, and all of it is shown.
    """
    warehouse.run("""
        insert into raw.disbun__produksi_sawit (tahun, kabupaten_kota, kecamatan, status_pengusahaan, luas_tm, jumlah_luas,
            produksi, jumlah_pekebun)
        values (2025, 'Kutim', 'Kombeng', 'rakyat', 12, 12, 150, 4), (2025, 'Kutim', 'Kombeng', 'swasta', 500, 500, 8000, null),
            (2025, 'Kutim', 'Bengalon', 'rakyat', 200, 200, 3000, 90),
            (2025, 'Kutim', 'Bengalon', 'swasta', 600, 600, 9000, null),
            (2025, 'Kutim', 'Rantau Pulung', 'rakyat', 10, 10, 130, 5), (2024, 'Kutim', 'Kombeng', 'rakyat', 14, 14, 160, 6)
    """)
    warehouse.built("produksi_sawit")
    assert warehouse.run("""
        select tahun, nama_kecamatan, status_pengusahaan, count(nilai), count(keterangan), sum(nilai)
        from mart_satu_data.produksi_sawit where uraian in ('luas areal', 'produktivitas')
        group by 1, 2, 3 order by 1, 2, 3
    """) == [
        (2024, "Kombeng", "rakyat", 2, 0, d("11442.57")),
        (2025, "Bengalon", "rakyat", 0, 2, None),
        (2025, "Bengalon", "swasta", 0, 2, None),
        (2025, "Kombeng", "rakyat", 0, 2, None),
        (2025, "Kombeng", "swasta", 0, 2, None),
        (2025, "Rantau Pulung", "rakyat", 2, 0, d("13010.00")),
    ]


COAL = """
    insert into raw.esdm__produksi_batubara
        (kabupaten_kota, tahun, bulan, perusahaan, jenis_izin, nomor_izin, produksi, penjualan_domestik)
    values {}
"""


def test_coal_of_fewer_than_three_companies_is_hidden(warehouse: ModelWarehouse) -> None:
    """Berau: A and B with an IUP and C with a PKP2B dig 10.5 + 20 + 7 = 37.5 t in August, and 3 x 5 in September.
    Paser has 4 companies with 5 t each.

    Of PPU's two companies one has two permits. They are two companies, and each could compute the other's share, so
    both months are hidden. Berau is hidden with PPU, for its 3 companies are fewer than Paser's 4. Only two
    companies of Berau sell at home: they are hidden with Paser, the only other seller, in both months. A figure of
    0 is shown.
    """
    lines = [
        *(("Kab. Berau", 8, name, kind, tons, sold) for name, kind, tons, sold in
          (("PT A", "IUP", 10.5, 4), ("PT B", "IUP", 20, 6), ("PT C", "PKP2B", 7, 0))),
        *(("Berau", 9, name, "IUP", 5, 1 if name != "PT C" else 0) for name in ("PT A", "PT B", "PT C")),
        *(("Paser", month, f"PT P{n}", "IUP", 5, 2) for month in (8, 9) for n in range(4)),
        *(("Kab. PPU", month, name, "IUP", 9, 0) for month in (8, 9) for name in ("PT X", "PT X", "PT Y")),
    ]  # fmt: skip
    warehouse.run(
        COAL.format(
            ", ".join(
                f"('{place}', 2026, {month}, '{name}', '{kind}', '{n}', {tons}, {sold})"
                for n, (place, month, name, kind, tons, sold) in enumerate(lines)
            )
        )
    )
    warehouse.built("produksi_batubara")
    query = """
        select nama_kabupaten_kota, bulan, nilai, satuan, keterangan
        from mart_satu_data.produksi_batubara where uraian = '{}' order by 1, 2
    """
    hidden = (None, "ton", "disamarkan")
    assert warehouse.run(query.format("produksi")) == [
        ("Kabupaten Berau", 8, *hidden),
        ("Kabupaten Berau", 9, *hidden),
        ("Kabupaten Paser", 8, d("20.00"), "ton", None),
        ("Kabupaten Paser", 9, d("20.00"), "ton", None),
        ("Kabupaten Penajam Paser Utara", 8, *hidden),
        ("Kabupaten Penajam Paser Utara", 9, *hidden),
    ]
    assert warehouse.run(query.format("penjualan domestik")) == [
        ("Kabupaten Berau", 8, *hidden),
        ("Kabupaten Berau", 9, *hidden),
        ("Kabupaten Paser", 8, *hidden),
        ("Kabupaten Paser", 9, *hidden),
        ("Kabupaten Penajam Paser Utara", 8, d("0.00"), "ton", None),
        ("Kabupaten Penajam Paser Utara", 9, d("0.00"), "ton", None),
    ]
    assert (
        warehouse.run("select 1 from mart_satu_data.produksi_batubara where uraian = 'penjualan ekspor'")
        == []
    )


def test_spellings_of_one_company_are_one_company(warehouse: ModelWarehouse) -> None:
    """In 2024 A digs in Berau under four spellings, and B: two companies, which are hidden. In 2025 a third one digs,
    whose name differs in a digit.
    """
    names = ("PT Contoh A", "PT. CONTOH A", "P.T. Contoh-A, Tbk.", "CV Contoh  A (Persero)", "PT Contoh B")
    lines = [*((2024, name) for name in names), *((2025, name) for name in (*names, "PT Contoh B2"))]
    warehouse.run(
        COAL.format(
            ", ".join(
                f"('Kab. Berau', {year}, 8, '{name}', 'IUP', '{n}', 10, null)"
                for n, (year, name) in enumerate(lines)
            )
        )
    )
    warehouse.built("produksi_batubara")
    assert warehouse.run("""
        select tahun, nilai::int, keterangan from mart_satu_data.produksi_batubara where uraian = 'produksi' order by 1
    """) == [(2024, None, "disamarkan"), (2025, 60, None)]


def test_coal_is_summed_over_companies_whatever_their_permits(warehouse: ModelWarehouse) -> None:
    """10.5 + 20 + 7 = 37.5 t of three companies, by two spellings of Berau and two kinds of permit."""
    warehouse.run(
        COAL.format("""
            ('Kab. Berau', 2026, 9, 'PT A', 'IUP', '1', 10.5, null), ('Berau', 2026, 9, 'PT B', 'IUP', '2', 20, null),
            ('Kab. Berau', 2026, 9, 'PT C', 'PKP2B', '3', 7, null)
        """)
    )
    warehouse.built("produksi_batubara")
    assert warehouse.run("""
        select kode_kabupaten_kota, uraian, nilai, satuan, tahun, bulan, keterangan from mart_satu_data.produksi_batubara
    """) == [("64.03", "produksi", d("37.50"), "ton", 2026, 9, None)]


def test_the_list_of_puskesmas_has_no_year(warehouse: ModelWarehouse) -> None:
    """The year of the load is not a year of the list. The unit is puskesmas, not degrees."""
    warehouse.run("""
        insert into raw.dinkes__puskesmas (kode_puskesmas, nama, kode_kecamatan, jenis, lintang, bujur, aktif, _loaded_at)
        values ('P64720101', 'Puskesmas Palaran', '64.72.01', 'rawat_inap', -0.5, 117.1, true, '2026-12-31T17:00:00Z')
    """)
    warehouse.built("daftar_puskesmas")
    assert warehouse.run("""
        select nama_kabupaten_kota, nama_kecamatan, nama_puskesmas, jenis, lintang, bujur, satuan, tahun
        from mart_satu_data.daftar_puskesmas
    """) == [
        (
            "Kota Samarinda",
            "Palaran",
            "Puskesmas Palaran",
            "Rawat inap",
            d("-0.5000000"),
            d("117.1000000"),
            "puskesmas",
            None,
        )
    ]


def test_an_application_lists_its_gaps(warehouse: ModelWarehouse) -> None:
    """A is complete. B has five gaps: no outcome, no database, a level 3 that is not below its level 2, no legal
    basis, and no users though it is in use. C runs on a desktop and needs no address; its levels end at the
    second.
    """
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
        ("esdm", 0, 0, 0, 0, 0, 0, 0, 0),  # an agency that reported nothing has a row, too
    ]
