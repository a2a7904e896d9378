"""The open mart of air quality: the daily mean of PM2.5 and its index, from hourly values made by hand."""

from __future__ import annotations

from decimal import Decimal

from tests.support.model_warehouse import ModelWarehouse

d = Decimal


HOURS = """
    insert into raw.dlh__ispu (stasiun, waktu, kode_bps, pm25, ispu)
    select '{station}', timestamptz '{day} 00:00+08' + hour * interval '1 hour', '6402',
        case when hour = 7 then {rush} else {level} end::numeric, 450
    from generate_series(0, {hours} - 1) hour
"""


def test_the_index_is_of_the_daily_mean_and_not_of_the_worst_hour(warehouse: ModelWarehouse) -> None:
    """PermenLHK 14/2020: the index is interpolated between the limits of its category.

    A, in Kutai Barat (BPS 6402): 23 hours at 10 and one at 400 have the mean 630 / 24 = 26.25, between 15.5 (50) and
       55.4 (100): 50 + 10.75 x 50 / 39.9 = 63.47 -> 63, Sedang. The worst hour alone would be Berbahaya.
    B: 15.5 is the upper limit of Baik, 50.
    C: 94 is 100 + 38.6 x 100 / 95 = 140.6 -> 141, Tidak Sehat.
    D: 250.41 is 300.01 -> 300, the upper limit of Sangat Tidak Sehat.
    E: 600 is above the table.
    F: 17 hours are too few for an index.
    G: a station without a measurement has no row. Nor has A on 2 September, whose last hour is missing.
    """
    for station, day, hours, level, rush in (
        ("A", "2026-09-01", 24, 10, 400),
        ("B", "2026-09-01", 24, 15.5, 15.5),
        ("C", "2026-09-01", 24, 94, 94),
        ("D", "2026-09-01", 24, 250.41, 250.41),
        ("E", "2026-09-01", 24, 600, 600),
        ("F", "2026-09-01", 17, 10, 10),
        ("G", "2026-09-01", 24, "null", "null"),
        ("A", "2026-09-02", 20, 30, 30),
    ):
        warehouse.run(HOURS.format(station=station, day=day, hours=hours, level=level, rush=rush))
    warehouse.built("kualitas_udara_harian")
    assert warehouse.run("""
        select stasiun, parameter, jumlah_pengukuran, konsentrasi, ispu, kategori, keterangan
        from mart_satu_data.kualitas_udara_harian order by stasiun
    """) == [
        ("A", "PM2.5", 24, d("26.25"), 63, "Sedang", None),
        ("B", "PM2.5", 24, d("15.50"), 50, "Baik", None),
        ("C", "PM2.5", 24, d("94.00"), 141, "Tidak Sehat", None),
        ("D", "PM2.5", 24, d("250.41"), 300, "Sangat Tidak Sehat", None),
        ("E", "PM2.5", 24, d("600.00"), 500, "Berbahaya", None),
        ("F", "PM2.5", 17, d("10.00"), None, None, "kurang dari 18 jam terukur"),
    ]
    assert warehouse.run("""
        select distinct nama_kabupaten_kota, tanggal::text, tahun, bulan, satuan from mart_satu_data.kualitas_udara_harian
    """) == [("Kabupaten Kutai Barat", "2026-09-01", 2026, 9, "indeks")]


def test_a_day_is_published_once_its_last_hour_is_there(warehouse: ModelWarehouse) -> None:
    """The last hour, from 23:00 in Kalimantan, lasts until midnight, which is 16:00 UTC."""
    warehouse.run(HOURS.format(station="A", day="2026-09-01", hours=24, level=10, rush=10))
    warehouse.built("kualitas_udara_harian")
    assert warehouse.run("select tanggal::text, ispu from mart_satu_data.kualitas_udara_harian") == [
        ("2026-09-01", 32)
    ]
