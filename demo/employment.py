"""disnakertrans/pencari_kerja: registered job seekers as an API gives them.

They are counted by kabupaten/kota, sex, schooling, age and month. Regions are Kemendagri's codes without the dots: 6402
is Kutai Kartanegara here, while BPS's 6402 is Kutai Barat.
"""

from __future__ import annotations

import random
from typing import Any

from demo.calendar import LAST_DAY, generator
from demo.regions import POPULATION, Region, kabupaten

Record = dict[str, Any]
MONTHS = 42
"""Months that are over on the demo's last day."""
_SCHOOLING = {
    "Tidak Sekolah": 1,
    "SD": 5,
    "SMP": 9,
    "SMA": 34,
    "SMK": 28,
    "D-I/II/III": 8,
    "D-IV/S-1": 14,
    "S-2/S-3": 1,
}
_AGES = {"15-19": 18, "20-24": 34, "25-29": 22, "30-39": 16, "40-49": 7, "50+": 3}
_PER_THOUSAND = 0.9
"""Job seekers a month for each thousand people."""


def job_seekers() -> list[Record]:
    """Each cell of each month by its region, then four faulty records."""
    rng = generator("disnakertrans/pencari_kerja")
    records: list[Record] = []
    last = LAST_DAY.year * 12 + LAST_DAY.month - 2
    for index in range(last - MONTHS + 1, last + 1):
        year, month = divmod(index, 12)
        for region in kabupaten():
            records += [
                _cell(rng, region, f"{year}-{month + 1:02d}", sex, schooling, age)
                for sex in ("L", "P")
                for schooling in _SCHOOLING
                for age in _AGES
            ]
    faults: tuple[Record, ...] = (
        {"wilayah": {"kode": "6499", "nama": "KAB. ANTAH BERANTAH"}},
        {"kelompok_umur": "15-20"},
        {"pencari_kerja": {"terdaftar": -3, "ditempatkan": 0}},
        {"bulan": "2026-13"},
    )
    return records + [records[step] | fault for step, fault in enumerate(faults)]


def _cell(rng: random.Random, region: Region, month: str, sex: str, schooling: str, age: str) -> Record:
    people = POPULATION[region.code][0 if sex == "L" else 1]
    share = _SCHOOLING[schooling] / sum(_SCHOOLING.values()) * _AGES[age] / sum(_AGES.values())
    registered = round(people / 1000 * _PER_THOUSAND * share * rng.uniform(0.4, 1.6))
    placed = round(registered * rng.uniform(0.1, 0.6))
    return {
        "bulan": month,
        "wilayah": {"kode": region.code.replace(".", ""), "nama": _written(region)},
        "jenis_kelamin": sex,
        "pendidikan": schooling,
        "kelompok_umur": age,
        "pencari_kerja": {"terdaftar": registered, "ditempatkan": placed},
    }


def _written(region: Region) -> str:
    """The name as the application writes it: in capitals, "Kab." before a kabupaten."""
    return region.name.replace("Kabupaten", "Kab.").upper()
