"""The suites of the real models: each expectation fails on rows that break it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pipelines.models.build.runner import run_tests
from pipelines.quality.run import instantiate
from pipelines.settings import PROJECT_ROOT
from tests.support.broken_rows import AGGREGATE, MARTS, Broken, aggregates, pairs
from tests.support.model_warehouse import ModelWarehouse

SUITES = PROJECT_ROOT / "expectations"
BROKEN: Broken = {
    **aggregates(),
    **pairs(),
    **MARTS,
    "core/fct_kunjungan_puskesmas": [
        (
            """insert into core.fct_kunjungan_puskesmas (tanggal, kode_kabupaten_kota, jumlah, dimuat_pada) values
            ('2026-09-01', null, 1, '2026-08-31 15:59+00'), ('2026-09-06', '64.72', 1, '2026-09-06 00:00+08'),
            ('2026-10-01', '64.72', 100, now())""",
            {"wilayah_terisi", "dimuat_sesudah_kunjungan", "hari_tidak_terputus", "kunjungan_per_hari_tidak_melonjak"},
        )
    ],
    "core/fct_penduduk_kelurahan": [
        (
            """insert into core.fct_penduduk_kelurahan (tahun, kode_desa_kelurahan, jenis_kelamin, umur, jumlah) values
            (2023, '64.72.01.1001', 'L', 30, 2000), (2023, '64.72.01.1001', 'P', 30, 1000),
            (2024, '64.72.01.1001', 'L', 30, 2500), (2024, '64.72.01.1001', 'P', 30, 1000);
            insert into raw.dkp3a__penduduk_agregat (tahun, semester, kode_kecamatan, jenis_kelamin, kelompok_umur, jumlah)
            values (2024, 2, '64.72.01', 'L', '30-34', 3600)""",
            {"perubahan_antartahun", "sama_dengan_dkp3a", "susunan_umur", "rasio_jenis_kelamin_kelurahan"},
        )
    ],
    "core/agg_penduduk_kelurahan": [
        (
            AGGREGATE.format(
                table="core.agg_penduduk_kelurahan",
                keys="tahun, kode_kabupaten_kota, kode_kecamatan",
                values="2023, '64.72', '64.72.01'",
                values2="2024, '64.72', '64.72.01'",
                row="kode_desa_kelurahan",
                column="jenis_kelamin",
            ),
            {"jumlah_dua_arah_sama", "sel_tersamar_tidak_sendirian"},
        ),
        (
            """insert into core.agg_penduduk_kelurahan (tahun, kode_kabupaten_kota, kode_kecamatan, kode_desa_kelurahan,
                jenis_kelamin, baris_total, kolom_total, disamarkan)
            select 2024, '64.72', '64.72.01', d, k, false, false, true from (values ('a'), ('b')) d (d), (values ('L'), ('P')) k (k)""",
            {"sedikit_yang_tersamar"},
        ),
    ],
    "core/agg_penduduk_umur": [
        (
            AGGREGATE.format(
                table="core.agg_penduduk_umur",
                keys="tahun, semester, kode_kabupaten_kota, jenis_kelamin",
                values="2023, 1, '64.72', 'L'",
                values2="2023, 1, '64.72', 'P'",
                row="kode_kecamatan",
                column="kelompok_umur",
            ),
            {"jumlah_dua_arah_sama", "sel_tersamar_tidak_sendirian", "kabupaten_kota_lengkap", "kedua_jenis_kelamin_seimbang"},
        )
    ],
    "core/agg_kunjungan_bulanan": [
        (
            AGGREGATE.format(  # noqa: S608  # our own names
                table="core.agg_kunjungan_bulanan",
                keys="tahun, bulan, kode_kabupaten_kota",
                values="2026, 9, '64.72'",
                values2="2026, 10, '64.72'",
                row="kode_kecamatan",
                column="cara_bayar",
            )
            + "; insert into raw.dinkes__kunjungan (id_kunjungan, tanggal_kunjungan) values (1, '2026-10-02')",
            {"jumlah_dua_arah_sama", "sel_tersamar_tidak_sendirian", "sama_dengan_sumber"},
        ),
        (
            """insert into core.agg_kunjungan_bulanan (tahun, bulan, kode_kecamatan, cara_bayar, baris_total, kolom_total, disamarkan)
            select 2026, 9, d, k, false, false, true from (values ('a'), ('b')) d (d), (values ('BPJS'), ('umum')) k (k)""",
            {"sedikit_yang_tersamar"},
        ),
    ],
    "mart_spbe/indeks_spbe": [
        (
            """insert into mart_spbe.indeks_spbe (tahun, jenis, kode, bobot, indeks, jumlah_indikator, terisi) values
            (2025, 'indeks', 'SPBE', 100, 2.00, 47, 47), (2026, 'indeks', 'SPBE', 100, 3.50, 47, 46),
            (2026, 'domain', '1', 50, 3.00, 10, 10), (2026, 'domain', '2', 50, 3.96, 10, 10),
            (2026, 'aspek', '1', 50, 3.00, 10, 10), (2026, 'aspek', '2', 50, 4.04, 10, 10)""",
            {"tiga_belas_baris_per_tahun", "domain_membentuk_indeks", "aspek_membentuk_indeks", "indeks_tidak_melonjak", "semua_indikator_dinilai"},
        )
    ],
    "mart_satu_data/harga_pangan_bulanan": [
        (
            """insert into mart_satu_data.harga_pangan_bulanan (kode_kabupaten_kota, komoditas, satuan, tahun, bulan, harga_rata_rata, jumlah_pasar)
            values ('64.72', 'beras', 'rupiah per kg', 2026, 9, 15000, 1), ('64.72', 'beras', 'rupiah per kg', 2026, 10, 1500, 1),
            ('64.71', 'beras', 'rupiah per kg', 2026, 10, 15000, 2)""",
            {"kabupaten_kota_lengkap", "harga_dekat_median_provinsi", "perubahan_antarbulan", "lebih_dari_satu_pasar"},
        ),
        (
            """insert into mart_satu_data.harga_pangan_bulanan (kode_kabupaten_kota, nama_kabupaten_kota) values
            ('64.02', 'Kutai Barat')""",
            {"nama_sesuai_kode_wilayah"},
        ),
    ],
    "mart_satu_data/kualitas_udara_harian": [
        (
            """insert into mart_satu_data.kualitas_udara_harian (stasiun, tanggal, jumlah_pengukuran) values
            ('A', '2026-10-01', 48), ('B', '2026-10-01', 24), ('A', '2026-10-02', 17)""",
            {"paling_banyak_24_pengukuran", "pengukuran_memadai", "stasiun_tetap_melapor"},
        )
    ],
    "mart_satu_data/kualitas_data": [
        (
            """insert into mart_satu_data.kualitas_data (dataset, dimensi, tahun, bulan, skor, perubahan, baris_karantina)
            values ('a/b', 'kelengkapan', 2026, 10, 100, 0, 80), ('a/b', 'gabungan', 2026, 10, 60, -20.1, 80)""",
            {"karantina_menurunkan_skor", "enam_dimensi_dan_gabungan", "skor_tidak_anjlok"},
        )
    ],
    "core/fct_penerimaan_pkb": [
        (
            """insert into core.fct_penerimaan_pkb (tanggal, kode_kabupaten_kota, jenis_kendaraan, jumlah_pembayaran, pkb, denda)
            values ('2026-09-01', null, 'R2', 1, 90000000, 90000001), ('2026-10-01', '64.72', 'R4', 3, 3000000, 0)""",
            {"rata_rata_pkb_wajar", "wilayah_terisi", "denda_di_bawah_pokok", "roda_dua_di_bawah_roda_empat", "pembayaran_per_hari_tidak_melonjak"},
        )
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def built(module_reference_url: str) -> Iterator[ModelWarehouse]:
    """A warehouse with all models, built from empty raw tables."""
    made = ModelWarehouse(module_reference_url)
    results = made.build()
    assert {name: r.error for name, r in results.items() if r.state != "ok"} == {}
    yield made
    made.connection.close()


def failed_expectations(warehouse: ModelWarehouse, of: str) -> set[str]:
    node = warehouse.project.nodes[of.split("/")[1]]
    (result,) = run_tests(warehouse.project, warehouse.url, select=[node.name])
    own = {e.name for e in node.suite}
    not_run = [t.message for t in result.tests if t.name in own and "tidak dapat dijalankan" in t.message]
    assert not_run == []
    return {t.name for t in result.tests if t.name in own and not t.passed}


@pytest.mark.parametrize("of", BROKEN)
def test_each_expectation_fails_on_broken_rows_and_passes_without_rows(
    built: ModelWarehouse, of: str
) -> None:
    found: set[str] = set()
    for statement, expected in BROKEN[of]:
        assert failed_expectations(built, of) == set()
        built.run(statement)
        assert failed_expectations(built, of) >= expected
        found |= expected
        built.run(
            f"truncate {of.replace('/', '.')}, core.fct_kunjungan_puskesmas, raw.dkp3a__penduduk_agregat,"
            " raw.dinkes__kunjungan"
        )
    assert found == {e.name for e in built.project.nodes[of.split("/")[1]].suite}


def test_every_model_with_a_suite_has_broken_rows_here(built: ModelWarehouse) -> None:
    assert {f"{n.schema}/{n.name}" for n in built.project.nodes.values() if n.suite} == set(BROKEN)


@pytest.mark.parametrize("of", BROKEN)
def test_a_suite_has_its_models_name_and_known_expectations(built: ModelWarehouse, of: str) -> None:
    document = json.loads((SUITES / f"{of}.json").read_text("utf-8"))
    assert document["name"] == of.replace("/", ".")
    for expectation in built.project.nodes[of.split("/")[1]].suite:
        instantiate(of, expectation)
        assert expectation.message.endswith("."), expectation.name
