"""Open marts of spending, civil servants, vehicle tax, permits, schools and indicators, on small data."""

from __future__ import annotations

from decimal import Decimal

from tests.support.model_warehouse import ModelWarehouse

SPENDING = """
    insert into raw.bpkad__realisasi_apbd
        (periode, kode_skpd, nama_skpd, kode_sub_kegiatan, kode_rekening, anggaran, realisasi)
    values {}
"""


def test_spending_is_monthly_and_its_share_is_of_the_year_so_far(warehouse: ModelWarehouse) -> None:
    """Dinkes spends on goods and services (5.1.02) from two accounts with budgets of 600 and 400 a year.

    January: 100 of 1,000 are 10 %. February: nothing more. March: 250 - 50 = 200, and the budget is raised to
    1,200: (100 + 200) / 1,200 = 25 %. The share of January 2026 starts again. Without a budget there is no share.
    """
    name = "Dinas Kesehatan"
    lines = [
        ("2025-01-01", "5.1.02.01.01.0001", 600, "100"),
        ("2025-01-01", "5.1.02.02.01.0002", 400, "null"),
        ("2025-02-01", "5.1.02.01.01.0001", 600, "null"),
        ("2025-02-01", "5.1.02.02.01.0002", 400, "null"),
        ("2025-03-01", "5.1.02.01.01.0001", 800, "250"),
        ("2025-03-01", "5.1.02.02.01.0002", 400, "-50"),
        ("2025-03-01", "5.2.02.05.01.0003", 0, "7"),
        ("2026-01-01", "5.1.02.01.01.0001", 500, "5"),
    ]
    values = ", ".join(f"('{d}', '1', '{name}', 'a', '{account}', {b}, {s})" for d, account, b, s in lines)
    warehouse.run(SPENDING.format(values))
    warehouse.built("realisasi_apbd_bulanan")
    d = Decimal
    assert warehouse.run("""
        select tahun, bulan, kode_jenis_belanja, anggaran::int, realisasi::int, realisasi_kumulatif::int, persen
        from mart_satu_data.realisasi_apbd_bulanan order by 1, 2, 3
    """) == [
        (2025, 1, "5.1.02", 1000, 100, 100, d("10.00")),
        (2025, 2, "5.1.02", 1000, 0, 100, d("10.00")),
        (2025, 3, "5.1.02", 1200, 200, 300, d("25.00")),
        (2025, 3, "5.2.02", 0, 7, 7, None),
        (2026, 1, "5.1.02", 500, 5, 5, d("1.00")),
    ]
    assert warehouse.run("""
        select distinct kode_provinsi, nama_provinsi, kode_kabupaten_kota, kode_opd, nama_opd, satuan
        from mart_satu_data.realisasi_apbd_bulanan
    """) == [("64", "Kalimantan Timur", None, "dinkes", name, "rupiah")]


def test_an_unknown_kind_of_spending_keeps_the_mart_of_yesterday(warehouse: ModelWarehouse) -> None:
    """The row is neither guessed nor left out of the sums, so fact and mart stay as they were."""
    warehouse.run(SPENDING.format("('2025-01-01', '1', 'Dinas Sosial', 'a', '5.1.01.01.01.0001', 9, 3)"))
    warehouse.built("realisasi_apbd_bulanan")
    warehouse.run(SPENDING.format("('2025-01-01', '1', 'Dinas Sosial', 'a', '5.9.01.01.01.0001', 9, 3)"))
    results = warehouse.build("+realisasi_apbd_bulanan")
    assert {n: r.state for n, r in results.items() if r.state != "ok"} == {
        "fct_realisasi_apbd": "tests_failed",
        "realisasi_apbd_bulanan": "skipped",
    }
    assert warehouse.run(
        "select jenis_belanja, realisasi::int from mart_satu_data.realisasi_apbd_bulanan"
    ) == [("Belanja Pegawai", 3)]


def test_civil_servants_are_counted_as_of_today_and_small_counts_hidden(warehouse: ModelWarehouse) -> None:
    """Dinkes has 6 of class III and 2 of IV. Disdikbud has 7, 8, and 5 PPPK, whose III is not the class III of PNS.

    One of Dinkes was at Disdikbud before and counts once. The 2 would follow from its row (8 - 6) and its column
    (10 - 8), so the four cells of PNS are hidden. The totals stay: 8 and 20 by agency; 13, 10 and 5 by class; 28 in
    all. The last change, at 18:00 UTC of 31 October, was in November in Kalimantan.
    """
    warehouse.run("""
        insert into raw.bkd__pegawai (nip, kode_opd, status_kepegawaian, golongan, valid_from, valid_to, is_current)
        select
            kode || status || golongan || n, kode, status, golongan,
            timestamptz '2026-03-01', null::timestamptz, true
        from (values ('dinkes', 'PNS', 'III/a', 5), ('dinkes', 'CPNS', 'III/b', 1), ('dinkes', 'PNS', 'IV/a', 2),
            ('disdikbud', 'PNS', 'III/d', 7), ('disdikbud', 'PNS', 'IV/b', 8), ('disdikbud', 'PPPK', 'III', 5)
        ) as k (kode, status, golongan, banyak), generate_series(1, banyak) as n
        union all
        select 'dinkesPNSIV/a1', 'disdikbud', 'PNS', 'III/d', '2020-01-01', '2026-03-01', false;
        update raw.bkd__pegawai set valid_from = '2026-10-31 18:00+00' where nip = 'dinkesPNSIV/a2'
    """)
    warehouse.built("pegawai_golongan", "pegawai_jumlah")
    assert warehouse.run("""
        select nama_opd, golongan, jumlah_pegawai, keterangan from mart_satu_data.pegawai_golongan order by 1, 2
    """) == [
        ("Dinas Kesehatan", "III", None, "disamarkan"),
        ("Dinas Kesehatan", "IV", None, "disamarkan"),
        ("Dinas Pendidikan dan Kebudayaan", "III", None, "disamarkan"),
        ("Dinas Pendidikan dan Kebudayaan", "IV", None, "disamarkan"),
        ("Dinas Pendidikan dan Kebudayaan", "PPPK", 5, None),
    ]
    assert warehouse.run("""
        select kode_opd, golongan, jumlah_pegawai, tahun, bulan from mart_satu_data.pegawai_jumlah order by 1, 2
    """) == [
        ("dinkes", "SEMUA", 8, 2026, 11),
        ("disdikbud", "SEMUA", 20, 2026, 11),
        (None, "III", 13, 2026, 11),
        (None, "IV", 10, 2026, 11),
        (None, "PPPK", 5, 2026, 11),
        (None, "SEMUA", 28, 2026, 11),
    ]


def test_tax_of_few_vehicles_is_hidden_with_their_number(warehouse: ModelWarehouse) -> None:
    """Samarinda in September: 6 motorcycles pay 100 each, one of them pays twice and a fine of 10, together 710; 2
    cars pay 1,000 each. Balikpapan: 9 motorcycles pay 100 each and 5 cars 1,000 each. A sixth car owes nothing
    and is not counted.

    The 2 cars are hidden with three more cells, and their tax with them. The totals stay: 710 + 2,000 and 900 +
    5,000 by city; 1,610 and 7,000 by kind; 8,610 in all. SWDKLLJ is not income of the province. August: five
    payments are of one lorry. October is not over.
    """
    warehouse.run("""
        insert into raw.bapenda__pembayaran_pkb
            (id_pembayaran, nomor_polisi, tanggal_bayar, kode_kabupaten_kota, jenis_kendaraan, pkb, swdkllj, denda)
        select row_number() over (), kode || jenis || banyak || '-' || n % banyak, tanggal::date, kode, jenis,
            pkb, 35, denda
        from (values
            ('2026-09-01', '64.72', 'R2', 6, 7, 100, null), ('2026-09-09', '64.72', 'R4', 2, 2, 1000, 0),
            ('2026-09-09', '64.71', 'R2', 9, 9, 100, null), ('2026-09-30', '64.71', 'R4', 5, 5, 1000, null),
            ('2026-09-30', '64.71', 'R4', 99, 1, 0, 0), ('2026-08-30', '64.03', 'R6', 1, 5, 500, null),
            ('2026-10-01', '64.72', 'R2', 50, 50, 100, null)
        ) as k (tanggal, kode, jenis, banyak, pembayaran, pkb, denda), generate_series(1, pembayaran) as n;
        update raw.bapenda__pembayaran_pkb set denda = 10 where id_pembayaran = 1
    """)
    warehouse.built("penerimaan_pkb_bulanan", "penerimaan_pkb_jumlah")
    assert warehouse.run("""
        select bulan, nama_kabupaten_kota, jenis_kendaraan, jumlah_kendaraan, penerimaan, keterangan
        from mart_satu_data.penerimaan_pkb_bulanan order by 1, 2, 3
    """) == [
        (8, "Kabupaten Berau", "R6", None, None, "disamarkan"),
        (9, "Kota Balikpapan", "R2", None, None, "disamarkan"),
        (9, "Kota Balikpapan", "R4", None, None, "disamarkan"),
        (9, "Kota Samarinda", "R2", None, None, "disamarkan"),
        (9, "Kota Samarinda", "R4", None, None, "disamarkan"),
    ]
    assert warehouse.run("""
        select bulan, kode_kabupaten_kota, jenis_kendaraan, jumlah_kendaraan, penerimaan::int
        from mart_satu_data.penerimaan_pkb_jumlah order by 1, 2, 3
    """) == [
        (8, "64.03", "SEMUA", None, None),
        (8, None, "R6", None, None),
        (8, None, "SEMUA", None, None),
        (9, "64.71", "SEMUA", 14, 5900),
        (9, "64.72", "SEMUA", 8, 2710),
        (9, None, "R2", 15, 1610),
        (9, None, "R4", 7, 7000),
        (9, None, "SEMUA", 22, 8610),
    ]
    assert warehouse.run(
        "select distinct kode_provinsi, satuan from mart_satu_data.penerimaan_pkb_jumlah"
    ) == [("64", "rupiah")]


def test_permits_are_counted_in_months_that_are_over(warehouse: ModelWarehouse) -> None:
    """September: Samarinda has 7 permits of low risk, one of them revoked since, and 1 of high risk; Balikpapan has
    9 and 6.

    The 1 is hidden with three more cells. The totals stay: 8 and 15 by city; 16 and 7 by risk; 23 in all. October
    is not published, for no later permit shows that it is over.
    """
    warehouse.run("""
        insert into raw.dpmptsp__izin
            (nomor_izin, nib, kode_kabupaten_kota, jenis_izin, skala_usaha, tanggal_terbit, status, investasi)
        select
            kode || jenis || n, kode || n, kode, jenis, 'Mikro', tanggal::date + n,
            case when n = 3 then 'dicabut' else 'terbit' end, 5
        from (values
            ('2026-09-01', '64.72', 'Risiko Rendah', 7), ('2026-09-01', '64.72', 'Risiko Tinggi', 1),
            ('2026-09-01', '64.71', 'Risiko Rendah', 9), ('2026-09-01', '64.71', 'Risiko Tinggi', 6),
            ('2026-10-01', '64.71', 'Risiko Sedang', 1)
        ) as k (tanggal, kode, jenis, banyak), generate_series(1, banyak) as n
    """)
    warehouse.built("izin_terbit_bulanan", "izin_terbit_jumlah")
    assert warehouse.run("""
        select nama_kabupaten_kota, jenis_izin, jumlah_izin, satuan, tahun, bulan, keterangan
        from mart_satu_data.izin_terbit_bulanan order by 1, 2
    """) == [
        (city, risk, None, "izin", 2026, 9, "disamarkan")
        for city in ("Kota Balikpapan", "Kota Samarinda")
        for risk in ("Risiko Rendah", "Risiko Tinggi")
    ]
    assert warehouse.run("""
        select nama_kabupaten_kota, jenis_izin, jumlah_izin from mart_satu_data.izin_terbit_jumlah order by 1, 2
    """) == [
        ("Kota Balikpapan", "SEMUA", 15),
        ("Kota Samarinda", "SEMUA", 8),
        (None, "Risiko Rendah", 16),
        (None, "Risiko Tinggi", 7),
        (None, "SEMUA", 23),
    ]


def test_permits_of_few_holders_are_hidden_however_many_they_are(warehouse: ModelWarehouse) -> None:
    """One micro-business has 6 permits of high risk in Samarinda, and 4 businesses of Balikpapan have 8. Of low risk 5
    businesses in each city have 6.

    Both cells of high risk are of fewer than five holders, and the square around them is the whole table. All its
    totals have five holders: 12 and 14 by city, 12 and 14 by risk, 26 in all. In August 5 permits of one business in
    5 cities are five permits in all, and still of one holder.
    """
    warehouse.run("""
        insert into raw.dpmptsp__izin
            (nomor_izin, nib, kode_kabupaten_kota, jenis_izin, skala_usaha, tanggal_terbit, status)
        select tanggal || kode || jenis || n, awalan || n % usaha, kode, jenis, 'Mikro', tanggal::date, 'terbit'
        from (values
            ('2026-09-01', 'a', '64.72', 'Risiko Tinggi', 1, 6), ('2026-09-02', 'b', '64.71', 'Risiko Tinggi', 4, 8),
            ('2026-09-03', 'c', '64.72', 'Risiko Rendah', 5, 6), ('2026-09-04', 'd', '64.71', 'Risiko Rendah', 5, 6),
            ('2026-08-01', 'e', '64.01', 'Risiko Rendah', 1, 1), ('2026-08-01', 'e', '64.02', 'Risiko Rendah', 1, 1),
            ('2026-08-01', 'e', '64.03', 'Risiko Rendah', 1, 1), ('2026-08-01', 'e', '64.71', 'Risiko Rendah', 1, 1),
            ('2026-08-01', 'e', '64.72', 'Risiko Rendah', 1, 1), ('2026-10-01', 'f', '64.71', 'Risiko Sedang', 1, 1)
        ) as k (tanggal, awalan, kode, jenis, usaha, banyak), generate_series(1, banyak) as n
    """)
    warehouse.built("izin_terbit_bulanan", "izin_terbit_jumlah")
    assert warehouse.run("""
        select bulan, count(*), count(jumlah_izin), count(keterangan)
        from mart_satu_data.izin_terbit_bulanan group by 1 order by 1
    """) == [(8, 5, 0, 5), (9, 4, 0, 4)]
    totals = """
        select nama_kabupaten_kota, jenis_izin, jumlah_izin from mart_satu_data.izin_terbit_jumlah
        where bulan = %s order by 1, 2
    """
    assert warehouse.run(totals, 9) == [
        ("Kota Balikpapan", "SEMUA", 14),
        ("Kota Samarinda", "SEMUA", 12),
        (None, "Risiko Rendah", 12),
        (None, "Risiko Tinggi", 14),
        (None, "SEMUA", 26),
    ]
    assert {number for _, _, number in warehouse.run(totals, 8)} == {None}


def test_tax_of_one_vehicle_in_many_cities_is_hidden_in_the_totals(warehouse: ModelWarehouse) -> None:
    """A lorry pays in 5 cities in August: five cells of one vehicle, and one vehicle in all."""
    warehouse.run("""
        insert into raw.bapenda__pembayaran_pkb
            (id_pembayaran, nomor_polisi, tanggal_bayar, kode_kabupaten_kota, jenis_kendaraan, pkb)
        select row_number() over (), 'truk', '2026-08-30'::date, kode, 'R6', 500
        from unnest(array['64.01', '64.02', '64.03', '64.71', '64.72']) as kode
        union all select 99, 'lain', '2026-09-01', '64.72', 'R6', 1
    """)
    warehouse.built("penerimaan_pkb_bulanan", "penerimaan_pkb_jumlah")
    for mart in ("penerimaan_pkb_bulanan", "penerimaan_pkb_jumlah"):
        query = f"select distinct penerimaan, keterangan from mart_satu_data.{mart} where bulan = 8"  # noqa: S608
        assert warehouse.run(query) == [(None, "disamarkan")], mart


def test_a_school_in_several_lists_is_counted_once(warehouse: ModelWarehouse) -> None:
    """Seven lines name five schools: 1 is in all three lists, 2 only in Dapodik (with a kecamatan of another
    regency), 3 and 5 only in the city's list, and 4 only in the SMA list, which gives neither place nor status.
    """
    warehouse.run("""
        insert into raw.disdikbud__sekolah
            (npsn, nama, kode_wilayah, kecamatan, bentuk_pendidikan, status_sekolah, diperbarui_pada)
        values
            ('1', 'SMA A', '169700', 'Kec. Balikpapan Utara', 'SMA', '1', '2026-05-01'),
            ('2', 'SD B', '169800', 'Balikpapan Utara', 'SD', '2', '2025-05-01');
        insert into raw.balikpapan__sekolah (npsn, nama_sekolah, kota_kabupaten, kecamatan, bentuk_pendidikan, status)
        values
            ('1', 'SMAN A', 'Kota Balikpapan', 'Kec. Balikpapan Kota', 'SMA', 'Negeri'),
            ('3', 'SMP C', 'Kota Balikpapan', 'Kec. Balikpapan Kota', 'SMP', 'Swasta'),
            ('5', 'SMP E', 'Kota Balikpapan', 'Kec. Balikpapan Kota', 'SMP', 'Swasta');
        insert into raw.disdikbud__sma (npsn, nama, provinsi, jenjang)
        values ('1', 'SMA A', 'Prov. Kalimantan Timur', 'SMA'), ('4', 'SMA D', 'Prov. Kalimantan Timur', 'SMA')
    """)
    warehouse.built("satuan_pendidikan")
    assert warehouse.run("select npsn, nama, asal, jumlah_daftar from core.dim_sekolah order by 1") == [
        ("1", "SMA A", "Dapodik", 3),
        ("2", "SD B", "Dapodik", 1),
        ("3", "SMP C", "Daftar Kota Balikpapan", 1),
        ("4", "SMA D", "Daftar SMA", 1),
        ("5", "SMP E", "Daftar Kota Balikpapan", 1),
    ]
    assert warehouse.run("""
        select nama_kabupaten_kota, nama_kecamatan, bentuk_pendidikan, status_sekolah, asal, jumlah_sekolah, tahun
        from mart_satu_data.satuan_pendidikan order by 1, 2
    """) == [
        ("Kota Balikpapan", "Balikpapan Kota", "SMP", "Swasta", "Daftar Kota Balikpapan", 2, None),
        ("Kota Balikpapan", "Balikpapan Utara", "SMA", "Negeri", "Dapodik", 1, 2026),
        ("Kota Samarinda", None, "SD", "Swasta", "Dapodik", 1, 2026),
        (None, None, "SMA", "Tidak diketahui", "Daftar SMA", 1, None),
    ]


def test_bps_indicators_belong_to_the_region_of_the_bps_code(warehouse: ModelWarehouse) -> None:
    """6402 of BPS is Kutai Barat (64.07), 6400 is the province. A missing value keeps its row."""
    warehouse.run("""
        insert into raw.bps__indikator_strategis
            (kode_bps, kode_indikator, indikator, satuan, rincian, tahun, periode, nilai)
        values ('6402', '9001', 'Miskin', 'Persen', 'Tidak ada', 2025, 'Tahun', 9.25),
            ('6400', '9001', 'Miskin', 'Persen', 'Tidak ada', 2025, 'Tahun', 5.5),
            ('6472', '9001', 'Miskin', 'Persen', 'Tidak ada', 2025, 'Tahun', null)
    """)
    warehouse.built("indikator_strategis")
    assert warehouse.run("""
        select kode_provinsi, kode_kabupaten_kota, nama_kabupaten_kota, nilai::text, satuan, tahun
        from mart_satu_data.indikator_strategis order by 2
    """) == [
        ("64", "64.07", "Kabupaten Kutai Barat", "9.2500", "Persen", 2025),
        ("64", "64.72", "Kota Samarinda", None, "Persen", 2025),
        ("64", None, None, "5.5000", "Persen", 2025),
    ]
