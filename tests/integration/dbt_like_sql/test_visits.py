"""Open marts of visits to a puskesmas: hidden by patients, and at the place of today."""

from __future__ import annotations

from tests.support.model_warehouse import ModelWarehouse


def test_visits_of_few_patients_are_hidden_however_often_they_came(warehouse: ModelWarehouse) -> None:
    """September, with BPJS: in Palaran one patient came 6 times and 7 others once; in Samarinda Kota 8 came once. By
    UMUM 6 patients came to Palaran 2 times each, and one patient came to Samarinda Kota 6 times.

    The 6 visits to Samarinda Kota are those of one person, and hidden with the square around them, which here is the
    whole table. All totals stay, for each has 5 persons or more: BPJS 13 + 8, UMUM 12 + 6, Palaran 13 + 12, Samarinda
    Kota 8 + 6. In August one patient came 6 times to each: 12 visits in all, and everything is hidden. In July 9 visits
    of nobody known count as one person. So they do in June beside 3 others, and in May beside 4 others, who make five.
    """
    warehouse.run("""
        insert into raw.dinkes__puskesmas (kode_puskesmas, kode_kecamatan)
        values ('P1', '64.72.01'), ('P2', '64.72.09');
        insert into raw.dinkes__kunjungan
            (id_kunjungan, tanggal_kunjungan, kode_puskesmas, nik, jenis_kelamin, cara_bayar)
        select row_number() over (), tanggal::date, kode, awalan || n % pasien, 'L', bayar
        from (values
            ('2026-09-01', 'P1', 'a', 'BPJS', 1, 6), ('2026-09-02', 'P1', 'b', 'BPJS', 7, 7),
            ('2026-09-02', 'P2', 'c', 'BPJS', 8, 8), ('2026-09-03', 'P1', 'd', 'UMUM', 6, 12),
            ('2026-09-04', 'P2', 'e', 'UMUM', 1, 6), ('2026-10-01', 'P1', 'f', 'BPJS', 9, 9),
            ('2026-08-03', 'P1', 'g', 'UMUM', 1, 6), ('2026-08-09', 'P2', 'g', 'UMUM', 1, 6),
            ('2026-07-01', 'P1', null, 'UMUM', 1, 9),
            ('2026-06-01', 'P1', null, 'UMUM', 1, 9), ('2026-06-02', 'P1', 'h', 'UMUM', 3, 3),
            ('2026-05-01', 'P1', null, 'UMUM', 1, 9), ('2026-05-02', 'P1', 'i', 'UMUM', 4, 4)
        ) as k (tanggal, kode, awalan, bayar, pasien, kunjungan), generate_series(1, kunjungan) as n
    """)
    warehouse.built("layanan_kesehatan_bulanan", "layanan_kesehatan_jumlah")
    assert warehouse.run("""
        select bulan, nama_kecamatan, cara_bayar, jumlah_kunjungan, keterangan
        from mart_satu_data.layanan_kesehatan_bulanan order by 1, 2, 3
    """) == [
        (5, "Palaran", "Umum", 13, None),
        *((month, "Palaran", "Umum", None, "disamarkan") for month in (6, 7, 8)),
        (8, "Samarinda Kota", "Umum", None, "disamarkan"),
        *(
            (9, place, payer, None, "disamarkan")
            for place in ("Palaran", "Samarinda Kota")
            for payer in ("JKN (BPJS Kesehatan)", "Umum")
        ),
    ]
    totals = """
        select nama_kecamatan, cara_bayar, jumlah_kunjungan from mart_satu_data.layanan_kesehatan_jumlah
        where bulan = %s order by 1, 2
    """
    assert warehouse.run(totals, 9) == [
        ("Palaran", "SEMUA", 25),
        ("Samarinda Kota", "SEMUA", 14),
        (None, "JKN (BPJS Kesehatan)", 21),
        (None, "SEMUA", 39),
        (None, "Umum", 18),
    ]
    assert {number for _, _, number in warehouse.run(totals, 8)} == {None}


def test_a_puskesmas_that_moved_takes_its_months_with_it(warehouse: ModelWarehouse) -> None:
    """The daily fact keeps the place of when a day was built. That does not stop the months, which have today's."""
    warehouse.run("""
        insert into raw.dinkes__puskesmas (kode_puskesmas, kode_kecamatan) values ('P1', '64.71.01');
        insert into raw.dinkes__kunjungan
            (id_kunjungan, tanggal_kunjungan, kode_puskesmas, nik, jenis_kelamin, cara_bayar)
        select n, date '2026-09-01' + n, 'P1', n, 'L', 'UMUM' from generate_series(1, 40) as n
    """)
    warehouse.built("layanan_kesehatan_bulanan", "fct_kunjungan_puskesmas")
    warehouse.run("update raw.dinkes__puskesmas set kode_kecamatan = '64.72.01'")
    warehouse.built("layanan_kesehatan_bulanan", "fct_kunjungan_puskesmas")
    assert warehouse.run("""
        select nama_kabupaten_kota, jumlah_kunjungan from mart_satu_data.layanan_kesehatan_bulanan
    """) == [("Kota Samarinda", 29)]
