"""Marts publish only months and quarters that are over, even where a source has a mistyped date in the future."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.model_warehouse import ModelWarehouse

ROWS = """
    insert into raw.dinkes__kunjungan
        (id_kunjungan, tanggal_kunjungan, kode_puskesmas, nik, jenis_kelamin, cara_bayar, _loaded_at)
    select extract(epoch from date '{day}')::bigint * 100 + n, '{day}', 'P1', n, 'L', 'UMUM',
        greatest(clock_timestamp(), date '{day}' + interval '1 day')
    from generate_series(1, {n}) n;
    insert into raw.dispar__kunjungan_wisata (tanggal, kode_destinasi, jenis_wisatawan, kabupaten_kota, jumlah_kunjungan)
    values ('{day}', 'A', 'wisnus', 'Berau', {n});
    insert into raw.bapenda__pembayaran_pkb
        (id_pembayaran, nomor_polisi, tanggal_bayar, kode_kabupaten_kota, jenis_kendaraan, pkb)
    select extract(epoch from date '{day}')::bigint * 100 + n, '{day}' || n, '{day}', '64.72', 'R2', 9
    from generate_series(1, {n}) n;
    insert into raw.dpmptsp__izin (nomor_izin, nib, kode_kabupaten_kota, jenis_izin, skala_usaha, tanggal_terbit, status)
    select '{day}' || n, n, '64.72', 'Risiko Rendah', 'Mikro', '{day}', 'terbit' from generate_series(1, {n}) n;
    insert into raw.diskominfo__aduan (id_aduan, tanggal, kategori, kode_opd)
    select '{day}' || n, '{day}', 'Sampah', 'dlh' from generate_series(1, {n}) n;
    insert into raw.disnakertrans__pencari_kerja
        (bulan, kode_wilayah, nama_wilayah, jenis_kelamin, pendidikan, kelompok_umur, terdaftar, ditempatkan)
    values (left('{day}', 7), '6472', 'x', 'L', 'SD', '{day}', {n}, 0);
    insert into raw.disperindagkop__harga_pangan (tanggal, kode_kabupaten_kota, pasar, komoditas, satuan, harga)
    values ('{day}', '64.72', 'A', 'Beras', 'kg', {n});
    insert into raw.bpkad__realisasi_apbd
        (periode, kode_skpd, nama_skpd, kode_sub_kegiatan, kode_rekening, anggaran, realisasi)
    values (date_trunc('month', date '{day}'), '1', 'Dinas Sosial', '{day}', '5.1.01.01.01.0001', 900, {n});
    insert into raw.esdm__produksi_batubara (kabupaten_kota, tahun, bulan, perusahaan, jenis_izin, nomor_izin, produksi)
    select 'Berau', left('{day}', 4)::int, substr('{day}', 6, 2)::int, 'PT ' || n, 'IUP', '{day}' || n, 1
    from generate_series(1, {n}) n
"""
MONTHLY = {
    "layanan_kesehatan_bulanan": "jumlah_kunjungan",
    "kunjungan_wisata_bulanan": "jumlah_kunjungan",
    "penerimaan_pkb_bulanan": "jumlah_kendaraan",
    "izin_terbit_bulanan": "jumlah_izin",
    "pencari_kerja_bulanan": "jumlah_terdaftar",
    "harga_pangan_bulanan": "harga_rata_rata",
    "realisasi_apbd_bulanan": "realisasi",
    "produksi_batubara": "nilai",
}
REPORTED_BY_MONTH = {"pencari_kerja_bulanan", "realisasi_apbd_bulanan", "produksi_batubara"}
"""Marts whose source reports each month in one record."""
TODAY = "(current_timestamp at time zone 'Asia/Makassar')::date"


@pytest.fixture(scope="module")
def warehouse(module_reference_url: str) -> Iterator[ModelWarehouse]:
    """Rows up to the last day of March, and of the first two days of April."""
    made = ModelWarehouse(module_reference_url)
    made.run("insert into raw.dinkes__puskesmas (kode_puskesmas, kode_kecamatan) values ('P1', '64.72.01')")
    for day, n in (("2026-03-31", 24), ("2026-04-01", 6), ("2026-04-02", 7)):
        made.run(ROWS.format(day=day, n=n))
    made.built(*MONTHLY, "aduan_triwulanan")
    yield made
    made.connection.close()


def published(warehouse: ModelWarehouse, mart: str) -> list[tuple[int, int, int]]:
    value = MONTHLY[mart]
    return [
        (year, month, int(number))
        for year, month, number in warehouse.run(
            f"select tahun, bulan, {value} from mart_satu_data.{mart} order by 1, 2"  # noqa: S608  # our own names
        )
    ]


@pytest.mark.parametrize("mart", sorted(MONTHLY.keys() - REPORTED_BY_MONTH))
def test_a_month_without_its_last_days_is_not_published(warehouse: ModelWarehouse, mart: str) -> None:
    """March has its last day. April has 13 by its second day, and more would come."""
    assert published(warehouse, mart) == [(2026, 3, 24)]


@pytest.mark.parametrize("mart", sorted(REPORTED_BY_MONTH))
def test_a_month_reported_in_one_record_is_published_once_it_is_over(
    warehouse: ModelWarehouse, mart: str
) -> None:
    """Both months are over, and each record is of a whole month."""
    assert [month for _, month, _ in published(warehouse, mart)] == [3, 4]


def test_a_quarter_is_published_once_it_is_over(warehouse: ModelWarehouse) -> None:
    assert warehouse.run("select tahun, triwulan, jumlah_aduan from mart_satu_data.aduan_triwulanan") == [
        (2026, 1, 24)
    ]


def test_neither_this_month_nor_a_mistyped_date_is_published(warehouse: ModelWarehouse) -> None:
    """Rows of today and of 400 days ahead do not end the month that runs. Earlier months are published."""
    ((today, far),) = warehouse.run(f"select {TODAY}::text, ({TODAY} + 400)::text")
    warehouse.run(ROWS.format(day=today, n=8) + ";" + ROWS.format(day=far, n=9))
    warehouse.built(*MONTHLY, "aduan_triwulanan")
    for mart in MONTHLY:
        assert [month for _, month, _ in published(warehouse, mart)] == [3, 4], mart
    assert warehouse.run("select tahun, triwulan from mart_satu_data.aduan_triwulanan order by 1, 2") == [
        (2026, 1),
        (2026, 2),
    ]
