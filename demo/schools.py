"""Rows of two upload files: Balikpapan's schools in 46 columns, and the province's SMA; header rows first."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from demo.calendar import generator
from demo.regions import CENTRES, Region, kabupaten, kecamatan, kelurahan
from demo.tables import Cell, Row

SCHOOLS, HIGH_SCHOOLS = 160, 140
HEADER = tuple(
    name
    for line in (
        "Nama_Sekolah,Provinsi,Kota_Kabupaten,Kecamatan,NPSN,Status,Bentuk_Pendidikan,Status_Kepemilikan",
        "SK_Pendirian_Sekolah,Tanggal_SK_Pendirian,SK_Izin_Operasional,Tanggal_SK_Izin_Operasional",
        "Kebutuhan_Khusus_Dilayani,Status_BOS,Waktu_Penyelenggaraan,Sertifikasi_ISO,Sumber_Listrik,Daya_Listrik",
        "Kecepatan_Internet,Akreditasi,Kurikulum,Waktu,Alamat,RT_RW,Dusun,Desa_Kelurahan,Kode_Pos,Lintang,Bujur",
        "Guru_L,Guru_P,Guru_Total,Tendik_L,Tendik_P,Tendik_Total,PTK_L,PTK_P,PTK_Total,Peserta_Didik_L",
        "Peserta_Didik_P,Peserta_Didik_Total,Ruang_Kelas,Ruang_Perpus,Ruang_Lab,Ruang_Pratik,Rombel",
    )
    for name in line.split(",")
)
_FIRST_NPSN = 99900000
_EMPTY_DATE = "1910-01-01"
_FORMS = (("SD", 197), ("SMP", 79), ("SMA", 31), ("SMK", 34))
_STREETS = ("Jl. Contoh", "Jln. Pelita", "JL Merdeka", "Jl. Teratai")


def schools() -> Iterator[Row]:
    """Placeholder dates, "-" for empty, coordinates cut to integers; the last two rows are faulty."""
    yield HEADER
    rng = generator("balikpapan/sekolah")
    districts = kecamatan("64.71")
    rows = [_school(rng, number, districts[number % len(districts)]) for number in range(1, SCHOOLS + 1)]
    for column, value in (("Kecamatan", "Kec. Balikpapan Hulu"), ("Guru_L", "tiga")):
        cells = list(_school(rng, len(rows) + 1, districts[0]))
        cells[HEADER.index(column)] = value
        rows.append(tuple(cells))
    yield from rows


def _school(rng: random.Random, number: int, district: Region) -> Row:
    form = rng.choices([f for f, _ in _FORMS], [n for _, n in _FORMS])[0]
    public = rng.random() < 0.55
    founded = date(1975, 1, 1) + timedelta(days=rng.randrange(15000))
    licensed = founded + timedelta(days=rng.randrange(1, 2500))
    name = f"{form} {'NEGERI' if public else 'SWASTA CONTOH'} {900 + number} {district.name.upper()}"
    village = rng.choice(kelurahan(district.code)).name
    has_deed, has_licence = rng.random() < 0.88, rng.random() < 0.76
    return (
        name + (" " if rng.random() < 0.02 else ""),
        "Prov. Kalimantan Timur",
        "Kota Balikpapan",
        f"Kec. {district.name}",
        str(_FIRST_NPSN + number),
        "Negeri" if public else "Swasta",
        form,
        "Pemerintah Daerah" if public else rng.choice(("Yayasan", "Yayasan", "Lainnya")),
        f"188.45-{number}/{founded.year}" if has_deed else rng.choice(("-", "", "0")),
        str(founded) if has_deed else _EMPTY_DATE,
        f"420/{number}/Disdikbud" if has_licence else "-",
        str(licensed) if has_licence else _EMPTY_DATE,
        "Tidak ada",
        *("-",) * 4,
        "",
        "",
        rng.choices(("A", "B", "C", "Tidak diisi"), (70, 21, 5, 4))[0],
        rng.choices(("Kurikulum Merdeka", "Kurikulum 2013", "Tidak diisi"), (97, 1, 2))[0],
        "-",
        f"{rng.choice(_STREETS)} RT. {rng.randint(1, 60)}",
        rng.choice((f"{rng.randint(1, 60)} / 0", "0 / 0", "/")),
        rng.choice(("", "-", village)),
        rng.choice((village, village.upper())),
        f"761{rng.randint(11, 36)}" if rng.random() < 0.97 else "",
        *(("-1", "116") if rng.random() < 0.94 else ("0", "0")),
        *_heads(rng, form),
    )


def _heads(rng: random.Random, form: str) -> Iterator[Cell]:
    """Teachers, staff, both, pupils: men, women, total each; then rooms and classes."""
    classes = rng.randint(6, 24) if form == "SD" else rng.randint(3, 30)
    teachers = (rng.randint(0, classes), rng.randint(classes // 2 + 1, classes + 4))
    staff = (rng.randint(0, 4), rng.randint(0, 6))
    both = (teachers[0] + staff[0], teachers[1] + staff[1])
    pupils = (classes * 10 + rng.randint(0, classes * 5), classes * 10 + rng.randint(0, classes * 5))
    for men, women in (teachers, staff, both, pupils):
        yield from (men, women, men + women)
    rooms = (classes + rng.randint(-2, 2), rng.randint(0, 2), rng.randint(0, 5), rng.randint(0, 1))
    yield from (*rooms, classes)


def high_schools() -> Iterator[Row]:
    """Latitudes without their first zero (-.3497800); the longitude of the last row is ten times too small."""
    yield ("schoolId", "schoolName", "schoolAddress", "province", "school_level", "lat", "long")
    rng = generator("disdikbud/sma")
    regions = kabupaten()
    for number in range(1, HIGH_SCHOOLS + 2):
        region = regions[number % len(regions)]
        latitude, longitude = CENTRES[region.code]
        latitude += rng.uniform(-0.2, 0.2)
        longitude += rng.uniform(-0.2, 0.2)
        faulty = number > HIGH_SCHOOLS
        yield (
            str(_FIRST_NPSN + 10000 + number),
            f"SMA {'NEGERI' if number % 2 else 'SWASTA CONTOH'} {900 + number} {region.short_name.upper()}",
            f"{rng.choice(_STREETS).upper()} NO. {rng.randint(1, 90)}",
            "Prop. Kalimantan Timur",
            "SMA",
            f"{latitude:.7f}".replace("0.", ".", 1) if abs(latitude) < 1 else f"{latitude:.7f}",
            f"{longitude / 10:.7f}" if faulty else f"{longitude:.7f}",
        )
