"""Rows that break the suites of tables with hidden cells and of marts that leave, by table: statement and broken rules."""

from __future__ import annotations

AGGREGATE = """
insert into {table} ({keys}, {row}, {column}, baris_total, kolom_total, jumlah, disamarkan) values
    ({values}, 'a', 'x', false, false, 10, false), ({values}, 'a', 'y', false, false, null, true),
    ({values}, null, 'x', true, false, 10, false), ({values}, 'a', null, false, true, 17, false),
    ({values}, null, null, true, true, 17, false),
    ({values2}, 'a', 'x', false, false, 10, false), ({values2}, null, 'x', true, false, 10, false),
    ({values2}, 'a', null, false, true, 11, false), ({values2}, null, null, true, true, 10, false)
"""
"""A table whose only hidden cell follows from its row, and one whose rows add up to more than its total."""
Broken = dict[str, list[tuple[str, set[str]]]]

_OF_MONTHS = ("tahun, bulan", "2023, 1", "2023, 2")
_AGGREGATES = {
    "agg_aduan": ("tahun, triwulan", "2023, 1", "2023, 2", "kode_opd", "kategori"),
    "agg_izin_bulanan": (*_OF_MONTHS, "kode_kabupaten_kota", "jenis_izin"),
    "agg_keluarga_dtks": (
        "tahun, semester, kode_kabupaten_kota", "2023, 1, '64.72'", "2023, 2, '64.72'", "wilayah", "desil",
    ),
    "agg_kunjungan_wisata": (*_OF_MONTHS, "wilayah", "jenis_wisatawan"),
    "agg_pegawai": (*_OF_MONTHS, "kode_opd", "golongan"),
    "agg_pencari_kerja": (
        "tahun, bulan, kode_kabupaten_kota", "2023, 1, '64.72'", "2023, 2, '64.72'", "pendidikan", "jenis_kelamin",
    ),
    "agg_penerimaan_pkb": (*_OF_MONTHS, "kode_kabupaten_kota", "jenis_kendaraan"),
}  # fmt: skip
_PAIRS = {
    ("aduan_triwulanan", "aduan_jumlah"): ("jumlah_aduan", "triwulan"),
    ("izin_terbit_bulanan", "izin_terbit_jumlah"): ("jumlah_izin", "bulan"),
    ("keluarga_dtks", "keluarga_dtks_jumlah"): ("jumlah_keluarga", "semester"),
    ("kunjungan_wisata_bulanan", "kunjungan_wisata_jumlah"): ("jumlah_kunjungan", "bulan"),
    ("layanan_kesehatan_bulanan", "layanan_kesehatan_jumlah"): ("jumlah_kunjungan", "bulan"),
    ("pegawai_golongan", "pegawai_jumlah"): ("jumlah_pegawai", "bulan"),
    ("pencari_kerja_bulanan", "pencari_kerja_jumlah"): ("jumlah_terdaftar", "bulan"),
    ("penduduk_kelurahan", "penduduk_jumlah"): ("jumlah", ""),
    ("penerimaan_pkb_bulanan", "penerimaan_pkb_jumlah"): ("jumlah_kendaraan", "bulan"),
}
_WITH_DISTRICTS = ("keluarga_dtks", "layanan_kesehatan_bulanan", "penduduk_kelurahan")
_DISTRICT, _NAME = "kecamatan_di_kabupaten_kotanya", "nama_sesuai_kode_wilayah"
# 64.02 is Kutai Kartanegara to Kemendagri; Kutai Barat is 6402 to BPS.
_HIDDEN, _SAME = "sel_tersamar_tanpa_angka", "sama_dengan_tabel_tersamar"


def aggregates() -> Broken:
    """Totals that differ in one direction, and a hidden cell that follows from its row."""
    found: Broken = {}
    for name, (keys, values, values2, row, column) in _AGGREGATES.items():
        statement = AGGREGATE.format(
            table=f"core.{name}", keys=keys, values=values, values2=values2, row=row, column=column
        )
        if column == "desil":
            statement = statement.replace("'x'", "1").replace("'y'", "2")
        found[f"core/{name}"] = [(statement, {"jumlah_dua_arah_sama", "sel_tersamar_tidak_sendirian"})]
    return found


def pairs() -> Broken:
    """A hidden cell that has a number, which its table of hidden cells does not have."""
    found: Broken = {}
    for (detail, total), (measure, period) in _PAIRS.items():
        cells = {measure: "7", "tahun": "2023", "keterangan": "'disamarkan'"} | (
            {period: "1"} if period else {}
        )
        rules = {_HIDDEN, _SAME}
        if detail in _WITH_DISTRICTS:
            cells |= {"kode_kabupaten_kota": "'64.71'", "kode_kecamatan": "'64.72.01'"}
            rules.add(_DISTRICT)
        if detail == "penduduk_kelurahan":
            cells["kode_desa_kelurahan"] = "'64.02.01.1001'"
            rules.add("kelurahan_di_kecamatannya")
        if detail == "penerimaan_pkb_bulanan":
            cells["penerimaan"] = "9"
            rules.add("penerimaan_sama_dengan_tabel_tersamar")
        for name in (detail, total):
            columns, values = ", ".join(cells), ", ".join(cells.values())
            statement = f"insert into mart_satu_data.{name} ({columns}) values ({values})"  # noqa: S608
            found[f"mart_satu_data/{name}"] = [(statement, rules)]
    return found


MARTS: Broken = {
    "mart_satu_data/penduduk_umur": [
        (
            """insert into mart_satu_data.penduduk_umur (kode_kabupaten_kota, kode_kecamatan, tahun, semester, jumlah, keterangan)
            values ('64.71', '64.72.01', 2026, 1, 100, 'disamarkan'), ('64.71', null, 2025, 1, 100, null),
            ('64.71', null, 2025, 2, 200, null)""",
            {_HIDDEN, _SAME, _DISTRICT, "tidak_melonjak"},
        )
    ],
    "mart_satu_data/produksi_batubara": [
        (
            """insert into mart_satu_data.produksi_batubara (kode_kabupaten_kota, nama_kabupaten_kota, tahun, bulan, nilai, keterangan)
            values ('64.02', 'Kutai Barat', 2026, 1, 100, 'disamarkan')""",
            {_HIDDEN, _SAME, _NAME},
        )
    ],
    "mart_satu_data/produksi_sawit": [
        (
            """insert into mart_satu_data.produksi_sawit (kode_kabupaten_kota, nama_kabupaten_kota, kode_kecamatan, tahun, uraian, nilai, keterangan)
            values ('64.02', 'Kutai Barat', '64.72.01', 2026, 'produktivitas', 100, 'disamarkan'),
            ('64.01', null, null, 2026, 'luas areal', 10, null), ('64.01', null, null, 2026, 'luas tanaman menghasilkan', 9, null)""",
            {_HIDDEN, "luas_berjumlah", "produktivitas_wajar", _DISTRICT, _NAME},
        )
    ],
    "mart_satu_data/produksi_benih_ikan": [
        (
            """insert into mart_satu_data.produksi_benih_ikan (kode_kabupaten_kota, nama_kabupaten_kota, tahun, volume)
            values ('64.02', 'Kutai Barat', 2026, 100)""",
            {"sama_dengan_sumber", _NAME},
        )
    ],
    "mart_satu_data/satuan_pendidikan": [
        (
            """insert into mart_satu_data.satuan_pendidikan (kode_kabupaten_kota, nama_kabupaten_kota, kode_kecamatan, jumlah_sekolah)
            values ('64.02', 'Kutai Barat', '64.72.01', 5)""",
            {"sama_dengan_sekolah", _DISTRICT, _NAME},
        )
    ],
    "mart_satu_data/daftar_puskesmas": [
        (
            """insert into mart_satu_data.daftar_puskesmas (kode_kabupaten_kota, nama_kabupaten_kota, kode_kecamatan, kode_puskesmas, lintang, bujur)
            values ('64.02', 'Kutai Barat', '64.72.01', 'P1', 117, -0.5);
            insert into core.fct_kunjungan_puskesmas (kode_puskesmas, jumlah) values ('P2', 1)""",
            {"koordinat_di_kalimantan_timur", "kunjungan_punya_puskesmas", _DISTRICT, _NAME},
        )
    ],
    "mart_satu_data/daftar_data": [
        (
            """delete from mart_satu_data.daftar_data;
            insert into ops.contract (dataset, title, producer, domain, source_kind, classification, publish)
            values ('uji/hilang', 'Uji', 'Uji', 'uji', 'upload', 'terbuka', false);
            insert into mart_satu_data.daftar_data (dataset, status) values ('a/b', 'mutakhir'), ('a/b', 'mutakhir')""",
            {"satu_baris_per_dataset", "semua_kontrak_ada", "mutakhir_pernah_datang"},
        )
    ],
    "mart_satu_data/indikator_strategis": [
        (
            """insert into mart_satu_data.indikator_strategis (kode_kabupaten_kota, nama_kabupaten_kota, kode_indikator, tahun, satuan, nilai)
            values ('64.02', 'Kutai Barat', '1', 2025, 'Persen', 101), (null, null, '2', 2024, 'Jiwa', 1), (null, null, '2', 2025, 'Jiwa', 9)""",
            {_NAME, "persen_wajar", "tidak_melonjak"},
        )
    ],
    "mart_satu_data/realisasi_apbd_bulanan": [
        (
            """insert into mart_satu_data.realisasi_apbd_bulanan (tahun, bulan, kode_opd, anggaran, realisasi, realisasi_kumulatif, persen)
            values (2026, 1, 'a', 100, 10, 110, 50)""",
            {"sama_dengan_fakta", "kumulatif_berjumlah", "persen_sesuai", "tidak_melebihi_anggaran"},
        )
    ],
    "mart_spbe/ringkasan_aplikasi": [
        (
            """insert into mart_spbe.ringkasan_aplikasi (kode_opd, jumlah_aplikasi, operasional, pengembangan, tidak_aktif,
                aplikasi_umum, aplikasi_khusus, arsitektur_lengkap, lengkap)
            values ('a', 5, 1, 1, 1, 1, 1, 1, 2)""",
            {"status_berjumlah", "lengkap_bagian_dari_jumlah", "sama_dengan_inventaris"},
        )
    ],
    "mart_spbe/indeks_instrumen": [
        (
            """insert into mart_spbe.indeks_instrumen (asal, jenis, jumlah_indikator, terisi, indeks, target_indeks, selisih)
            values ('formulir', 'indeks', 3, 4, 6, 3, 1), ('formulir', 'indeks', 3, 0, 2, 2, 0)""",
            {"terisi_paling_banyak_semua", "tanpa_isian_tanpa_indeks", "selisih_sesuai", "indeks_wajar"},
        )
    ],
}  # fmt: skip
