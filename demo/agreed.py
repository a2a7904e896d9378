"""bappeda/daftar_data: the datasets that the agencies agreed on, and who delivers each; nobody delivers a third.

In Kaltim's own list for 2024, 131 of 399 elements were not available (diskominfo.kaltimprov.go.id).
"""

from __future__ import annotations

from collections.abc import Iterator

from demo.calendar import generator
from demo.regions import read_seed
from demo.tables import Row

HEADER = (
    "Kode",
    "Judul Data",
    "Kode OPD",
    "Produsen Data",
    "Jenis Data",
    "Jadwal Pemutakhiran",
    "Data Prioritas",
    "Dataset Gudang",
    "Keterangan",
)
DELIVERED = (
    ("dkp3a/penduduk_agregat", "Penduduk menurut Kecamatan, Jenis Kelamin, dan Kelompok Umur", "Semesteran"),
    ("dinkes/puskesmas", "Daftar Puskesmas", "Bulanan"),
    ("dinkes/kunjungan", "Kunjungan Puskesmas", "Harian"),
    ("bapenda/pembayaran_pkb", "Penerimaan Pajak Kendaraan Bermotor", "Harian"),
    ("dpmptsp/izin", "Izin Usaha Terbit", "Harian"),
    ("disperindagkop/harga_pangan", "Harga Pangan di Pasar", "Harian"),
    ("diskominfo/aduan", "Aduan Masyarakat", "Harian"),
    ("diskominfo/penilaian_spbe", "Penilaian Mandiri SPBE dan Pemdi", "Tahunan"),
    ("diskominfo/inventaris_aplikasi", "Inventaris Aplikasi", "Tahunan"),
    ("dlh/ispu", "Indeks Standar Pencemar Udara", "Harian"),
    ("dkp/pembenihan_ikan", "Produksi Pembenihan Ikan", "Tahunan"),
    ("disdikbud/sma", "Daftar Sekolah Menengah Atas", "Tahunan"),
    ("disdikbud/sekolah", "Data Pokok Sekolah", "Semesteran"),
    ("bpkad/realisasi_apbd", "Realisasi APBD", "Bulanan"),
    ("bkd/pegawai", "Pegawai Negeri Sipil Daerah", "Bulanan"),
    ("dinsos/rekap_dtks", "Keluarga dalam Data Terpadu Kesejahteraan Sosial", "Semesteran"),
    ("disbun/produksi_sawit", "Luas Areal dan Produksi Kelapa Sawit", "Tahunan"),
    ("esdm/produksi_batubara", "Produksi dan Penjualan Batubara", "Bulanan"),
    ("dispar/kunjungan_wisata", "Kunjungan Wisatawan ke Destinasi Wisata", "Bulanan"),
    ("disnakertrans/pencari_kerja", "Pencari Kerja Terdaftar", "Bulanan"),
)
MISSING = (
    ("pupr", "Panjang Jalan Provinsi menurut Kondisi", "Statistik", "Tahunan", "pupr/jalan_provinsi"),
    ("disperkim", "Rumah Tidak Layak Huni", "Statistik", "Tahunan", "-"),
    ("dishut", "Tutupan Lahan Kawasan Hutan", "Geospasial", "Tahunan", "-"),
    ("dptph", "Luas Panen dan Produksi Padi menurut Kecamatan", "Statistik", "Triwulanan", "-"),
    ("dpkh", "Populasi Ternak menurut Jenis", "Statistik", "Tahunan", "-"),
    ("bpbd", "Kejadian Bencana dan Korban", "Statistik", "Insidental", "bpbd/kejadian_bencana"),
    ("dpmpd", "Status Perkembangan Desa", "Statistik", "Tahunan", "-"),
    ("dishub", "Penumpang dan Barang menurut Moda Angkutan", "Statistik", "Bulanan", "-"),
    ("dispusip", "Koleksi dan Pengunjung Perpustakaan", "Statistik", "Triwulanan", "-"),
    ("kesbangpol", "Organisasi Kemasyarakatan Terdaftar", "Statistik", "Semesteran", "-"),
)
"""Datasets without a contract; some of them have a name in the warehouse already."""
_SPELLED = {"Tahunan": ("Tahunan", "Tiap tahun"), "Bulanan": ("Bulanan", "bulanan", "Per bulan")}
_FINANCIAL = ("bapenda", "bpkad")


def agreed_list() -> Iterator[Row]:
    """Three rows of title, the header, the entries, then two for quarantine: an unknown OPD, one code twice."""
    yield ("DAFTAR DATA PROVINSI KALIMANTAN TIMUR 2026 (DATA CONTOH)",)
    yield ("Hasil Forum Satu Data, ditetapkan Bappeda",)
    yield ("Kolom Dataset Gudang diisi walidata",)
    yield HEADER
    rng = generator("bappeda/daftar_data")
    names = {row["kode_opd"]: row["nama"] for row in read_seed("ref_opd")}
    entries: list[tuple[str, str, str, str, str, str]] = []
    for dataset, title, schedule in DELIVERED:
        opd = dataset.split("/")[0]
        kind = "Keuangan Negara" if opd in _FINANCIAL else "Statistik"
        entries.append((opd, title, kind, schedule, dataset, ""))
    entries += [(*entry, "belum tersedia") for entry in MISSING]
    rows: list[Row] = []
    for number, (opd, title, kind, schedule, dataset, note) in enumerate(entries, 1):
        written = rng.choice(_SPELLED.get(schedule, (schedule,)))
        priority = rng.choice(("Ya", "Ya", "Tidak"))
        code = f"DDK-2026-{number:03d}"
        rows.append((code, title, opd, names[opd], kind, written, priority, dataset, note))
    yield from rows
    unknown = ("DDK-2026-901", "Data Uji", "dinas_uji", "Dinas Uji", *rows[0][4:7], "-", "")
    twice = (rows[-1][0], "Organisasi Kemasyarakatan", *rows[-1][2:])
    yield from (unknown, twice)
