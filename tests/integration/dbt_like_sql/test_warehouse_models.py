"""The models of dbt_like_sql/ on small data: codes of regions, hidden cells, schedules and the SPBE index."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

from tests.support.model_warehouse import ModelWarehouse
from tests.support.repository import MODELS


def test_all_models_are_built_from_empty_raw_tables_twice_and_described(pg_url: str) -> None:
    warehouse = ModelWarehouse(pg_url)
    for _ in range(2):
        results = warehouse.build()
        assert {name: r.error for name, r in results.items() if r.state != "ok"} == {}
        assert [w.message for r in results.values() for w in r.warnings] == []
    undescribed = warehouse.run("""
        select format('%s.%s.%s', n.nspname, c.relname, a.attname)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where n.nspname in ('core', 'staging', 'mart_satu_data', 'mart_spbe') and c.relkind in ('r', 'v')
            and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)
    """)
    warehouse.connection.close()
    assert undescribed == []


def test_every_spelling_of_samarindas_villages_finds_its_code(warehouse: ModelWarehouse) -> None:
    """The city's file has the names in capitals, and Dadi Mulya in two spellings. A copy of the list of 2025 has
    another name for Sungai Siring. So 61 spellings are 59 kelurahan.
    """
    warehouse.build("tag:referensi")
    warehouse.run("""
        insert into raw.samarinda__penduduk (tahun, kecamatan, kelurahan, kelamin, umur, jumlah)
        select 2024, upper(kecamatan.nama), ejaan, kelamin, 30, 10
        from core.ref_wilayah as kelurahan
        join core.ref_wilayah as kecamatan on kecamatan.kode_kemendagri = kelurahan.kode_induk
        cross join lateral (
            select upper(kelurahan.nama)
            union all select 'DADIMULYA' where kelurahan.nama = 'Dadi Mulya'
            union all select 'SUNGAI SIRING PELITA' where kelurahan.nama = 'Sungai Siring'
        ) as ditulis (ejaan)
        cross join (values ('L'), ('P')) as k (kelamin)
        where kelurahan.level = 'kelurahan' and kelurahan.kode_kemendagri like '64.72.%'
    """)
    results = warehouse.build("+penduduk_kelurahan")
    assert {r.state for r in results.values()} == {"ok"}
    assert warehouse.run("""
        select count(distinct (kecamatan, kelurahan)), count(distinct kode_desa_kelurahan),
            count(*) filter (where kode_desa_kelurahan is null)
        from staging.stg_samarinda__penduduk
    """) == [(61, 59, 0)]
    assert warehouse.run("""
        select kode_desa_kelurahan, nama_desa_kelurahan, nama_kecamatan, jumlah, satuan
        from mart_satu_data.penduduk_kelurahan
        where jenis_kelamin = 'L' and nama_desa_kelurahan in ('Dadi Mulya', 'Sungai Siring') order by 1
    """) == [
        ("64.72.03.1007", "Dadi Mulya", "Samarinda Ulu", 20, "jiwa"),
        ("64.72.05.1004", "Sungai Siring", "Samarinda Utara", 20, "jiwa"),
    ]
    assert warehouse.run("select count(*) from mart_satu_data.penduduk_kelurahan") == [(118,)]


def test_an_unknown_village_stops_the_fact_and_keeps_the_mart(warehouse: ModelWarehouse) -> None:
    row = "insert into raw.samarinda__penduduk values (2024, '{}', '{}', 'L', 30, 10)"
    warehouse.run(row.format("Samarinda Ulu", "Jawa"))
    warehouse.build()
    warehouse.run(row.format("Samarinda Ulu", "Antah Berantah"))
    results = warehouse.build()
    assert {n: r.state for n, r in results.items() if r.state != "ok"} == {
        "fct_penduduk_kelurahan": "tests_failed",
        "agg_penduduk_kelurahan": "skipped",
        "penduduk_kelurahan": "skipped",
        "penduduk_jumlah": "skipped",
    }
    assert [w.name for w in results["stg_samarinda__penduduk"].warnings] == ["not_null_kode_desa_kelurahan"]
    assert warehouse.run("select nama_desa_kelurahan from mart_satu_data.penduduk_kelurahan") == [("Jawa",)]


def test_a_bps_code_is_translated_and_never_mistaken_for_the_other_system(warehouse: ModelWarehouse) -> None:
    """6402 is Kutai Barat to BPS (64.07), 64.02 is Kutai Kartanegara to Kemendagri (BPS 6403). 23:30 UTC is
    the next day in Kalimantan.
    """
    warehouse.run("""
        insert into raw.dlh__ispu (stasiun, waktu, kode_bps)
        values ('A', '2026-09-30T23:30:00Z', '6402'), ('B', '2026-09-30T01:00:00Z', '6403')
    """)
    warehouse.build("+stg_dlh__ispu")
    assert warehouse.run(
        "select stasiun, kode_kabupaten_kota, tanggal::text from staging.stg_dlh__ispu order by stasiun"
    ) == [("A", "64.07", "2026-10-01"), ("B", "64.02", "2026-09-30")]


def test_spellings_of_agencies_find_their_codes(warehouse: ModelWarehouse) -> None:
    warehouse.run("""
        insert into raw.dkp__pembenihan_ikan (tahun, kab_kota)
        values (1, 'BERAU'), (2, 'KOTA BALIKPAPAPN'), (3, 'KUTAI KERTANEGARA (KAB.)'), (4, 'Kab. Pasir');
        insert into raw.disdikbud__sma (npsn, provinsi) values ('1', 'Prop. Kalimantan Timur');
        insert into raw.balikpapan__sekolah (npsn, kota_kabupaten, kecamatan, desa_kelurahan) values
            ('1', 'Kota Balikpapan', 'Kec. Balikpapan Utara', 'Gunung Samarinda'),
            ('2', 'Kota Balikpapan', 'Kec. Balikpapan Utara', 'Jalan Entah')
    """)
    warehouse.build("tag:referensi", "tag:staging")
    assert warehouse.run(
        "select kode_kabupaten_kota from staging.stg_dkp__pembenihan_ikan order by tahun"
    ) == [
        ("64.03",),
        ("64.71",),
        ("64.02",),
        ("64.01",),
    ]
    assert warehouse.run("select kode_provinsi from staging.stg_disdikbud__sma") == [("64",)]
    schools = warehouse.run("""
        select kode_kabupaten_kota, kode_kecamatan, kode_desa_kelurahan is null
        from staging.stg_balikpapan__sekolah order by npsn
    """)
    assert schools == [("64.71", "64.71.03", False), ("64.71", "64.71.03", True)]


def test_an_unknown_name_keeps_its_spelling_and_has_no_code(warehouse: ModelWarehouse) -> None:
    warehouse.run("""
        insert into raw.dinsos__rekap_dtks (periode, kabupaten_kota, kecamatan, jumlah_keluarga) values
            ('2025 Smt 2', 'Kab. Pasir', 'Kec. Pasir Belengkong', 9), ('2025 Smt 2', 'Kab. Berau', 'Tanjung Redep', 9),
            ('2026 Smt 1', 'Kab. Kutai Kertanegara', 'Kec. Kota Bangun', 9), ('2026 Smt 1', 'Kab. Berau', 'Kuaro', 9);
        insert into raw.dispar__kunjungan_wisata (tanggal, kode_destinasi, jenis_wisatawan, kabupaten_kota) values
            ('2026-01-01', 'A', 'wisnus', 'Ibu Kota Nusantara'), ('2026-01-01', 'B', 'wisnus', 'Balik Papan'),
            ('2026-01-02', 'C', 'wisnus', 'Balik Papan');
        insert into raw.esdm__produksi_batubara (tahun, bulan, nomor_izin, perusahaan, produksi, kabupaten_kota)
        values (2026, 1, '1', 'PT Contoh', 5, 'Kab. PPU')
    """)
    results = warehouse.build("tag:referensi", "tag:staging")
    assert {r.state for r in results.values()} == {"ok"}
    assert warehouse.run("""
        select tahun, semester, kode_kabupaten_kota, kode_kecamatan, kecamatan
        from staging.stg_dinsos__rekap_dtks order by kecamatan
    """) == [
        (2026, 1, "64.02", "64.02.08", "Kec. Kota Bangun"),
        (2025, 2, "64.01", "64.01.03", "Kec. Pasir Belengkong"),
        (2026, 1, "64.03", None, "Kuaro"),  # Kuaro is a kecamatan of Paser, not of Berau
        (2025, 2, "64.03", None, "Tanjung Redep"),
    ]
    assert warehouse.run("""
        select kode_destinasi, kode_kabupaten_kota, kabupaten_kota
        from staging.stg_dispar__kunjungan_wisata order by 1
    """) == [("A", None, "Ibu Kota Nusantara"), ("B", "64.71", "Balik Papan"), ("C", "64.71", "Balik Papan")]
    assert warehouse.run("select kode_kabupaten_kota from staging.stg_esdm__produksi_batubara") == [
        ("64.09",)
    ]


def test_a_name_has_one_code_or_none(pg_url: str, tmp_path: Path) -> None:
    """Lama moved from kecamatan 01 to 02 and got another code. Two villages are called Kembar. Baru was called Tua."""
    folder = tmp_path / "dbt"
    shutil.copytree(MODELS, folder)
    wilayah = {
        "64": ("provinsi", "Kaltim"), "64.01": ("kabupaten_kota", "Kabupaten A"),
        "64.01.01": ("kecamatan", "Satu"), "64.01.02": ("kecamatan", "Dua"),
        "64.01.01.2002": ("desa", "Kembar"), "64.01.01.2003": ("desa", "KEMBAR"),
        "64.01.01.2004": ("desa", "Baru"), "64.01.02.2001": ("desa", "Lama"),
        "64.01.01.2005": ("desa", "Pindahan"),
    }  # fmt: skip
    rows = [f"{k},,none,{level},{name},{k.rpartition('.')[0]}" for k, (level, name) in wilayah.items()]
    header = "kode_kemendagri,kode_bps,kode_bps_basis,level,nama,kode_induk"
    (folder / "seeds/wilayah/ref_wilayah.csv").write_text("\n".join([header, *rows]) + "\n")
    former = {"64.01.01.2004": "Tua", "64.01.01.2001": "Lama", "64.01.01.2009": "Pindahan"}
    codes = dict.fromkeys(wilayah, "") | former
    years = "nama_2016,nama_2018,nama_2020,nama_2022,nama_2023,nama_2025"
    history = [f"{k},2016,{2025 if k in wilayah else 2020},,{name},,,,," for k, name in codes.items()]
    header = f"kode_kemendagri,vintage_awal,vintage_akhir,perubahan,{years}"
    (folder / "seeds/wilayah/ref_wilayah_riwayat.csv").write_text("\n".join([header, *history]) + "\n")
    alias = "alias,nama_baku,kode_kemendagri,kode_bps,dasar\nBarru,Baru,64.01.01.2004,,uji\n"
    (folder / "seeds/wilayah/ref_wilayah_alias.csv").write_text(alias)
    dapodik = "kode_dapodik,kode_kemendagri,dasar\n160000,64,uji\n"
    (folder / "seeds/wilayah/ref_wilayah_dapodik.csv").write_text(dapodik)
    moved = ["64.01.01.2001,64.01.02.2001", "64.01.01.2009,64.01.01.2005"]
    rows = [f"{codes},2022,pindah_kecamatan,cocok nama,uji" for codes in moved]
    header = "kode_lama,kode_baru,vintage,jenis,keandalan,dasar"
    (folder / "seeds/wilayah/ref_wilayah_perubahan.csv").write_text("\n".join([header, *rows]) + "\n")
    for real in ("wilayah_lengkap", "wilayah_dua_sistem"):
        (folder / f"tests/{real}.sql").unlink()
    warehouse = ModelWarehouse(pg_url, folder)
    results = warehouse.build("tag:referensi", "+dim_wilayah")
    assert {n: r.error for n, r in results.items() if r.state != "ok"} == {}
    villages = warehouse.run("""
        select kunci, kode_kecamatan, kode_kemendagri from core.ref_wilayah_nama
        where level = 'desa' order by 1, 2
    """)
    assert villages == [
        ("BARRU", "64.01.01", "64.01.01.2004"),
        ("BARU", "64.01.01", "64.01.01.2004"),
        ("LAMA", "64.01.01", "64.01.01.2001"),  # an ended code, but no other there has this name
        ("LAMA", "64.01.02", "64.01.02.2001"),
        ("PINDAHAN", "64.01.01", "64.01.01.2005"),  # the code in force, not the ended one
        ("TUA", "64.01.01", "64.01.01.2004"),
    ]
    assert warehouse.run("""
        select kode_kemendagri, nama, berlaku_mulai, berlaku_sampai, nama_kecamatan, kode_hari_ini
        from core.dim_wilayah where not aktif order by 1
    """) == [
        ("64.01.01.2001", "Lama", 2016, 2020, "Satu", "64.01.02.2001"),
        ("64.01.01.2009", "Pindahan", 2016, 2020, "Satu", "64.01.01.2005"),
    ]
    warehouse.connection.close()


def test_cells_under_five_are_hidden_with_those_that_would_reveal_them(warehouse: ModelWarehouse) -> None:
    warehouse.run("""
        insert into raw.dinkes__puskesmas (kode_puskesmas, kode_kecamatan)
        values ('P1', '64.72.01'), ('P2', '64.72.01');
        insert into raw.dinkes__kunjungan
            (id_kunjungan, tanggal_kunjungan, kode_puskesmas, nik, jenis_kelamin, cara_bayar)
        select
            n, date '2026-09-01' + n % 3, 'P' || 1 + n % 2, n, 'L', case when n <= 4 then 'UMUM' else 'BPJS' end
        from generate_series(1, 9) as n union all select 10, '2026-10-01', 'P1', 10, 'P', 'BPJS';
        insert into raw.samarinda__penduduk values
            (2024, 'Samarinda Ulu', 'Jawa', 'L', 30, 4), (2024, 'Samarinda Ulu', 'Jawa', 'P', 30, 0)
    """)
    warehouse.build()
    assert warehouse.run("""
        select nama_kabupaten_kota, nama_kecamatan, tahun, bulan, cara_bayar, jumlah_kunjungan, keterangan
        from mart_satu_data.layanan_kesehatan_bulanan order by cara_bayar
    """) == [
        ("Kota Samarinda", "Palaran", 2026, 9, "JKN (BPJS Kesehatan)", None, "disamarkan"),
        ("Kota Samarinda", "Palaran", 2026, 9, "Umum", None, "disamarkan"),
    ]
    # Hidden alone, the 4 would be 9 - 5. So BPJS is hidden, too, and the city's totals by payment, which are the same.
    assert warehouse.run("""
        select nama_kecamatan, cara_bayar, jumlah_kunjungan, keterangan
        from mart_satu_data.layanan_kesehatan_jumlah order by 1, 2
    """) == [
        ("Palaran", "SEMUA", 9, None),
        (None, "JKN (BPJS Kesehatan)", None, "disamarkan"),
        (None, "SEMUA", 9, None),
        (None, "Umum", None, "disamarkan"),
    ]
    assert warehouse.run(
        "select jenis_kelamin, jumlah, keterangan from mart_satu_data.penduduk_kelurahan order by 1"
    ) == [("L", None, "disamarkan"), ("P", 0, None)]
    assert warehouse.run(
        "select distinct jenis_kelamin, jumlah from mart_satu_data.penduduk_jumlah order by 1"
    ) == [
        ("L", None),
        ("P", 0),
        ("SEMUA", None),
    ]


def test_daftar_data_compares_deliveries_with_the_schedule(warehouse: ModelWarehouse) -> None:
    """A daily dataset may be 6 hours late: 29 hours ago is on time, 31 hours ago is late."""
    warehouse.run("""
        insert into ops.contract values
            ('a/tepat', 'Tepat', 'Dinas A', 'x', 'api', 1, 6, 'terbuka', true),
            ('a/telat', 'Telat', 'Dinas A', 'x', 'api', 1, 6, 'terbuka', true),
            ('a/rusak', 'Rusak', 'Dinas A', 'x', 'api', 1, 6, 'terbuka', true),
            ('a/tunggu', 'Tunggu', 'Dinas A', 'x', 'api', 1, 6, 'terbuka', true),
            ('a/tiada', 'Tiada', 'Dinas A', 'x', 'upload', 1, 6, 'terbuka', true),
            ('a/tetap', 'Tetap', 'Dinas A', 'x', 'upload', 1, 6, 'terbuka', true);
        insert into ops.load_batch (dataset, state, rows_in_raw, finished_at) values
            ('a/tepat', 'loaded', 90, now() - interval '29 hours'),
            ('a/tepat', 'failed', null, now()),
            ('a/telat', 'loaded', 80, now() - interval '31 hours'),
            ('a/telat', 'unchanged', null, now() - interval '1 hour'),
            ('a/rusak', 'loaded', 70, now() - interval '31 hours'),
            ('a/rusak', 'rejected', null, now()),
            ('a/tunggu', 'loaded', 50, now() - interval '31 hours'),
            ('a/tunggu', 'waiting', null, now() - interval '20 hours'),
            ('a/baru', 'running', null, null);
        insert into ops.load_batch
            (dataset, state, source_fingerprint, rows_in_raw, started_at, finished_at)
        values
            ('a/tetap', 'loaded', 'satu:kontrak', 60, now() - interval '40 hours', now() - interval '40 hours'),
            ('a/tetap', 'unchanged', 'satu:kontrak', null, now() - interval '1 hour', now() - interval '1 hour');
        insert into quarantine.row (dataset, first_batch_id, last_batch_id, row, reasons, row_hash, state) values
            ('a/tepat', 1, 1, '{}', '[]', 'x', 'open'),
            ('a/tepat', 1, 1, '{}', '[]', 'y', 'open'),
            ('a/tepat', 1, 1, '{}', '[]', 'z', 'resolved')
    """)
    assert warehouse.build("tag:referensi", "+daftar_data")["daftar_data"].state == "ok"
    assert warehouse.run("""
        select dataset, status, jumlah_baris, baris_karantina from mart_satu_data.daftar_data order by dataset
    """) == [
        ("a/rusak", "gagal", 70, 0),
        ("a/telat", "terlambat", 80, 0),
        ("a/tepat", "mutakhir", 90, 2),
        ("a/tetap", "terlambat", 60, 0),
        ("a/tiada", "belum_ada", None, None),
        ("a/tunggu", "menunggu_persetujuan", 50, 0),
    ]


def test_daftar_data_lists_agreed_data_that_nobody_delivers(warehouse: ModelWarehouse) -> None:
    """1 is delivered, 2 names a dataset that has no contract, 3 names none; a/lain is in no list.

    The agreed schedule counts: 1 came 300 days ago and is agreed for each year, whatever its contract promises. 4
    is delivered when there is something, and is never late.
    """
    warehouse.run("""
        insert into ops.contract values
            ('a/datang', 'Judul kontrak', 'Dinas A', 'x', 'api', 1, 6, 'terbuka', true),
            ('a/sewaktu', 'Sewaktu', 'Dinas A', 'x', 'api', 1, 6, 'terbuka', true),
            ('a/lain', 'Lain', 'Dinas A', 'x', 'api', 1, 6, 'terbuka', true);
        insert into ops.load_batch (dataset, state, rows_in_raw, finished_at) values
            ('a/datang', 'loaded', 90, now() - interval '300 days'),
            ('a/sewaktu', 'loaded', 4, now() - interval '3000 days'),
            ('a/lain', 'loaded', 5, now()),
            ('b/belum', 'loaded', 7, now());
        insert into raw.bappeda__daftar_data
            (kode_daftar, judul, kode_opd, produsen_data, jenis_data, jadwal, prioritas, dataset)
        values
            ('1', 'Judul daftar', 'dinkes', 'Dinas A', 'statistik', 'tahunan', true, 'a/datang'),
            ('2', 'Belum', 'pupr', 'Dinas B', 'statistik', 'bulanan', false, 'b/belum'),
            ('3', 'Tiada', 'dishut', 'Dinas C', 'geospasial', 'tahunan', true, null),
            ('4', 'Insidental', 'dinkes', 'Dinas A', 'statistik', 'insidental', false, 'a/sewaktu')
    """)
    results = warehouse.build("tag:referensi", "+daftar_data")
    assert {r.state for r in results.values()} == {"ok"}
    assert warehouse.run("""
        select kode_daftar, dataset, judul, jadwal, jadwal_hari, dijanjikan_tiap_hari::int, jumlah_baris, status,
            ada_kontrak, prioritas
        from mart_satu_data.daftar_data order by kode_daftar
    """) == [
        ("1", "a/datang", "Judul daftar", "tahunan", 365, 1, 90, "mutakhir", True, True),
        ("2", "b/belum", "Belum", "bulanan", 30, None, None, "belum_ada", False, False),
        ("3", None, "Tiada", "tahunan", 365, None, None, "belum_ada", False, True),
        ("4", "a/sewaktu", "Insidental", "insidental", None, 1, 4, "mutakhir", True, False),
        (None, "a/lain", "Lain", None, None, 1, 5, "mutakhir", True, None),
    ]


def test_the_spbe_index_follows_the_regulation(warehouse: ModelWarehouse) -> None:
    """PermenPANRB 59/2020: index = sum(weight x level) / 100, worked out by hand.

    2025: indicators 1-10 (13 % together) at level 3, indicator 43 (3 %) at level 5, the other 36 not
    assessed, so level 1: (13 x 3 + 3 x 5 + 84 x 1) / 100 = (39 + 15 + 84) / 100 = 1.38.
    Domain 1 (13 %): 3.00. Domain 4 (45.5 %): (3 x 5 + 42.5 x 1) / 45.5 = 57.5 / 45.5 = 1.2637 -> 1.26.
    Aspect 8 (18 %): (3 x 5 + 15 x 1) / 18 = 30 / 18 = 1.67. Targets: 4 where assessed, else 1:
    (16 x 4 + 84 x 1) / 100 = 1.48.
    2026: all at 4, but indicators 1-10 (13 %), 29-31 (4.5 %) and 11 (2.5 %), 20 % together, at 5:
    (80 x 4 + 20 x 5) / 100 = 4.20, just "Memuaskan".
    """
    warehouse.run("""
        insert into raw.diskominfo__penilaian_spbe (instrumen, versi, tahun, no_indikator, tingkat, target)
        select 'spbe', '59/2020', 2025, n, case when n = 43 then 5 else 3 end, 4
        from generate_series(1, 47) as n where n <= 10 or n = 43;
        insert into raw.diskominfo__penilaian_spbe (instrumen, versi, tahun, no_indikator, tingkat, target)
        select 'spbe', '59/2020', 2026, n, case when n <= 11 or n between 29 and 31 then 5 else 4 end, 5
        from generate_series(1, 47) as n
    """)
    warehouse.build("tag:referensi", "+indeks_spbe")

    def row(tahun: int, jenis: str, kode: str) -> tuple[object, ...]:
        (only,) = warehouse.run(
            """
            select indeks, target_indeks, selisih, predikat, jumlah_indikator, terisi, bobot
            from mart_spbe.indeks_spbe where tahun = %s and jenis = %s and kode = %s
            """,
            tahun, jenis, kode,
        )  # fmt: skip
        return only

    d = Decimal
    assert row(2025, "indeks", "SPBE") == (d("1.38"), d("1.48"), d("-0.10"), "Kurang", 47, 11, d("100"))
    assert row(2025, "domain", "1") == (d("3.00"), d("4.00"), d("-1.00"), "Baik", 10, 10, d("13.00"))
    assert row(2025, "domain", "4")[0] == d("1.26")
    assert row(2025, "aspek", "8")[0] == d("1.67")
    assert row(2026, "indeks", "SPBE")[:4] == (d("4.20"), d("5.00"), d("-0.80"), "Memuaskan")
    assert warehouse.run(
        "select jenis, count(*) from mart_spbe.indeks_spbe where tahun = 2026 group by 1 order by 1"
    ) == [
        ("aspek", 8),
        ("domain", 4),
        ("indeks", 1),
    ]


def test_prices_are_averaged_and_hatcheries_summed(warehouse: ModelWarehouse) -> None:
    """Onions at 30,000 and 33,000 in one market and 36,001 in another: 99,001 / 3 = 33,000.33, as rupiah 33,000.
    Two spellings of Kutai Kartanegara are one place.
    """
    warehouse.run("""
        insert into raw.disperindagkop__harga_pangan (tanggal, kode_kabupaten_kota, pasar, komoditas, satuan, harga)
        values ('2026-09-01', '64.72', 'A', 'Bawang', 'kg', 30000), ('2026-09-30', '64.72', 'A', 'Bawang', 'kg', 33000),
            ('2026-09-30', '64.72', 'B', 'Bawang', 'kg', 36001), ('2026-10-01', '64.72', 'B', 'Bawang', 'kg', 9);
        insert into raw.dkp__pembenihan_ikan (tahun, kab_kota, jenis_pembenihan, kelompok_ikan, volume) values
            (2024, 'KUTAI KERTANEGARA (KAB.)', 'Kolam', 'Nila', 5), (2024, 'Kutai Kartanegara', 'Kolam', 'Nila', 7)
    """)
    warehouse.build("+harga_pangan_bulanan", "+produksi_benih_ikan")
    assert warehouse.run("""
        select nama_kabupaten_kota, jumlah_pasar, harga_rata_rata, satuan, tahun, bulan
        from mart_satu_data.harga_pangan_bulanan order by bulan
    """) == [
        ("Kota Samarinda", 2, 33000, "rupiah per kg", 2026, 9),
    ]
    assert warehouse.run(
        "select kode_kabupaten_kota, volume, satuan from mart_satu_data.produksi_benih_ikan"
    ) == [("64.02", 12, "ekor")]
