"""How many faulty rows the demo's sources have on purpose; tests compare the warehouse with it (see README.md)."""

from __future__ import annotations

from collections.abc import Mapping

EXPECTED_QUARANTINE: Mapping[str, int] = {
    "dkp3a/penduduk_agregat": 3,
    "dinkes/puskesmas": 2,
    "dinkes/kunjungan": 14,
    "bapenda/pembayaran_pkb": 6,
    "bpkad/realisasi_apbd": 5,
    "bkd/pegawai": 4,
    "disdikbud/sekolah": 4,
    "dpmptsp/izin": 3,
    "disperindagkop/harga_pangan": 4,
    "diskominfo/aduan": 2,
    "diskominfo/inventaris_aplikasi": 3,
    "dlh/ispu": 2,
    "disnakertrans/pencari_kerja": 4,
    "bps/indikator_strategis": 2,
    "samarinda/penduduk": 0,
    "balikpapan/sekolah": 2,
    "dkp/pembenihan_ikan": 1,
    "disdikbud/sma": 1,
    "diskominfo/penilaian_spbe": 0,
    "bappeda/daftar_data": 2,
    "bps/penilaian_epss": 1,
    "dinsos/rekap_dtks": 2,
    "disbun/produksi_sawit": 3,
    "dispar/kunjungan_wisata": 6,
    "esdm/produksi_batubara": 4,
}
"""Rows that the first full load of each dataset puts into quarantine; every check of every suite passes."""
