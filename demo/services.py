"""The records of four APIs of the demo OPD (permits, prices, complaints, air quality), as their JSON has them."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from demo.calendar import LAST_DAY, WITA, days, generator, moment
from demo.people import name, rupiah
from demo.regions import POPULATION, kabupaten, read_seed

Record = dict[str, Any]
PERMITS, COMPLAINTS = 3000, 2000
_PRICE_DAYS, _AIR_HOURS = 50, 600
_YEAR_START = date(2026, 1, 2)
_KBLI = ("47111", "56101", "46339", "01262", "03111", "43299", "49431", "62019", "86201", "10710")
_RISKS = ("Risiko Rendah", "Risiko Menengah Rendah", "Risiko Menengah Tinggi", "Risiko Tinggi")
_SCALES = {"Mikro": (5, 900), "Kecil": (1_000, 4_900), "Menengah": (5_100, 9_900), "Besar": (10_500, 400_000)}
_FOODS = (
    ("Beras Medium", "kg", 14000),
    ("Beras Premium", "kg", 16500),
    ("Gula Pasir", "kg", 18000),
    ("Minyak Goreng Curah", "liter", 17000),
    ("Minyak Goreng Kemasan", "liter", 20500),
    ("Telur Ayam", "butir", 2200),
    ("Daging Ayam", "kg", 38000),
    ("Daging Sapi", "kg", 150000),
    ("Cabai Rawit", "kg", 65000),
    ("Cabai Merah", "kg", 55000),
    ("Bawang Merah", "kg", 42000),
    ("Bawang Putih", "kg", 40000),
    ("Ikan Bandeng", "kg", 40000),
    ("Kangkung", "ikat", 5000),
    ("Tepung Terigu", "kg", 13000),
)
_CHANNELS = ("lapor", "lapor", "whatsapp", "telepon", "loket")
_TOPICS = ("Jalan rusak", "Layanan kesehatan", "Bantuan sosial", "Perizinan", "Pajak kendaraan", "Sampah")
_AGENCIES = ("pupr", "dinkes", "dinsos", "dpmptsp", "bapenda", "dlh", "disdikbud", "dishub")
# PM2.5 in µg/m³ to ISPU, linear between the bounds: PermenLHK 14/2020, annex.
_BREAKPOINTS = ((0.0, 0), (15.5, 50), (55.4, 100), (150.4, 200), (250.4, 300), (500.0, 500))
_CATEGORIES = (
    (50, "Baik"),
    (100, "Sedang"),
    (200, "Tidak Sehat"),
    (300, "Sangat Tidak Sehat"),
    (500, "Berbahaya"),
)


def permits() -> list[Record]:
    """dpmptsp/izin by time of change, then three faulty ones that changed long ago."""
    rng = generator("dpmptsp/izin")
    codes = list(POPULATION)
    weights = [sum(people) for people in POPULATION.values()]
    length = (LAST_DAY - _YEAR_START).days + 1
    records = [
        _permit(rng, number, _YEAR_START + timedelta(days=offset), rng.choices(codes, weights)[0])
        for number, offset in enumerate(sorted(rng.randrange(length) for _ in range(PERMITS)), start=1)
    ]
    faulty = [_permit(rng, PERMITS + n, _YEAR_START, "64.71") for n in (1, 2, 3)]
    faulty[0]["lokasi"]["kode_wilayah"] = "64.99"
    faulty[1]["nib"] = faulty[1]["nib"][:12]
    faulty[2]["status"] = "dibekukan"
    return sorted(records + faulty, key=lambda r: (r["diperbarui_pada"], r["nomor_izin"]))


def _permit(rng: random.Random, number: int, issued: date, code: str) -> Record:
    scale = rng.choices(list(_SCALES), (62, 25, 9, 4))[0]
    low, high = _SCALES[scale]
    status = rng.choices(("terbit", "dicabut", "kedaluwarsa"), (93, 4, 3))[0]
    later = rng.randint(1, 60) if status != "terbit" else 0
    changed = moment(rng, min(issued + timedelta(days=later), LAST_DAY))
    return {
        "nomor_izin": f"IZIN-{issued.year}-{number:06d}",
        "nib": f"99{rng.randrange(10**11):011d}",
        "pemohon": {"nama": name(rng)},
        "kbli": rng.choice(_KBLI),
        "jenis_izin": rng.choices(_RISKS, (50, 25, 15, 10))[0],
        "skala_usaha": scale,
        "lokasi": {"kode_wilayah": code},
        "investasi": rng.randint(low, high) * 1_000_000,
        "tanggal_terbit": str(issued),
        "status": status,
        "diperbarui_pada": changed.replace(tzinfo=WITA).isoformat(),
    }


def prices() -> list[Record]:
    """disperindagkop/harga_pangan: two markets per kabupaten/kota, 15 foods, 50 days; four faulty rows."""
    rng = generator("disperindagkop/harga_pangan")
    kinds = ("Induk", "Pagi")
    markets = [(region.code, f"Pasar {kind} {region.short_name}") for region in kabupaten() for kind in kinds]
    level = {(m, food): base * rng.uniform(0.92, 1.12) for _, m in markets for food, _, base in _FOODS}
    records: list[Record] = []
    for day in days(LAST_DAY - timedelta(days=_PRICE_DAYS - 1), LAST_DAY):
        for code, market in markets:
            for food, unit, base in _FOODS:
                drift = level[market, food] * rng.uniform(0.985, 1.016)
                level[market, food] = min(max(drift, base * 0.75), base * 1.5)
                price = rupiah(round(level[market, food] / 100) * 100)
                records.append(_price(day, code, market, food, unit, price))
    first, second, third, fourth = (dict(r) for r in records[:4])
    first |= {"pasar": "Pasar Uji", "harga": "kosong"}
    second |= {"pasar": "Pasar Uji", "harga": "0"}
    third |= {"pasar": "Pasar Uji", "kode_kabupaten_kota": "64.2"}
    return [*records, first, second, third, fourth]


def _price(day: date, code: str, market: str, food: str, unit: str, price: str) -> Record:
    return {
        "tanggal": str(day),
        "kode_kabupaten_kota": code,
        "pasar": market,
        "komoditas": food,
        "satuan": unit,
        "harga": price,
    }


def complaints() -> list[Record]:
    """diskominfo/aduan by time of change, with two faulty ones that changed long ago."""
    rng = generator("diskominfo/aduan")
    known = {row["kode_opd"] for row in read_seed("ref_opd")}
    agencies = [code for code in _AGENCIES if code in known]
    length = (LAST_DAY - _YEAR_START).days + 1
    records = [
        _complaint(rng, number, _YEAR_START + timedelta(days=offset), rng.choice(agencies))
        for number, offset in enumerate(sorted(rng.randrange(length) for _ in range(COMPLAINTS)), start=1)
    ]
    faulty = [_complaint(rng, COMPLAINTS + n, _YEAR_START, agencies[0]) for n in (1, 2)]
    faulty[0]["kode_opd"] = "dinas_antah_berantah"
    faulty[1]["status"] = "hilang"
    return sorted(records + faulty, key=lambda r: (r["updated_at"], r["id_aduan"]))


def _complaint(rng: random.Random, number: int, day: date, agency: str) -> Record:
    age = (LAST_DAY - day).days
    status = rng.choices(("diterima", "diproses", "selesai"), (8, 3, 1) if age < 7 else (1, 2, 20))[0]
    later = 0 if status == "diterima" else rng.randint(0, 20)
    changed = moment(rng, min(day + timedelta(days=later), LAST_DAY), 20, 23)
    return {
        "id_aduan": f"ADU-{day.year}-{number:06d}",
        "tanggal": str(day),
        "kanal": rng.choice(_CHANNELS),
        "kategori": rng.choice(_TOPICS),
        "kode_opd": agency,
        "status": status,
        "nama_pelapor": name(rng),
        "updated_at": changed.replace(tzinfo=WITA).isoformat(),
    }


def air_quality() -> list[Record]:
    """dlh/ispu: one station per kabupaten/kota, 600 hours, BPS region codes; then two faulty rows."""
    rng = generator("dlh/ispu")
    midnight = datetime.combine(LAST_DAY + timedelta(days=1), time(), WITA)
    records: list[Record] = []
    for region in kabupaten():
        level = rng.uniform(8, 35)
        station = f"Stasiun {region.short_name}"
        for hours in range(_AIR_HOURS, 0, -1):
            level = min(max(level * rng.uniform(0.85, 1.18), 3), 170)
            at = midnight - timedelta(hours=hours)
            records.append(_measurement(station, at, region.bps, round(level, 2)))
    first, second = (dict(r) for r in records[:2])
    first |= {"stasiun": "Stasiun Uji", "kode_bps": "6499"}
    second |= {"stasiun": "Stasiun Uji", "ispu": -5}
    return [*records, first, second]


def _measurement(station: str, at: datetime, bps: str, pm25: float) -> Record:
    index = ispu(pm25)
    category = next(words for bound, words in _CATEGORIES if index <= bound)
    return {
        "stasiun": station,
        "waktu": at.isoformat(),
        "kode_bps": bps,
        "pm25": pm25,
        "ispu": index,
        "kategori": category,
    }


def ispu(pm25: float) -> int:
    """The ISPU index of a PM2.5 concentration in µg/m³."""
    for (low, below), (high, above) in pairwise(_BREAKPOINTS):
        if pm25 <= high:
            return round(below + (pm25 - low) / (high - low) * (above - below))
    return _BREAKPOINTS[-1][1]
