"""Rows of four upload files, header rows first.

They are Samarinda's population, the hatcheries, the form of SPBE with Pemdi, and that of EPSS.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from demo.calendar import generator
from demo.numbers import age_weights, apportion
from demo.regions import POPULATION, kabupaten, kecamatan, kelurahan, read_seed
from demo.tables import Row

AGES = 92
YEARS = {2022: 0.964, 2023: 0.978, 2024: 1.0}
"""Population by year as a part of that of 2024, which is POPULATION["64.72"] exactly."""
SPBE_YEARS = (2024, 2025, 2026)
PEMDI_YEAR = 2026
"""The form in force since June 2026; in that year the province assesses itself by both forms."""
EPSS_YEARS = (2024, 2025, 2026)
EPSS_OPD = ("diskominfo", "bappeda", "dinkes", "disdikbud", "disnakertrans", "dlh")
"""The agencies whose statistics are assessed."""
_FISH = {
    "Pembenihan Air Tawar": ("Lele", "Nila", "Mas", "Gurami", "Patin"),
    "Pembenihan Air Laut": ("Kakap", "Kerapu", "Udang Windu", "Ikan Lainnya"),
}
_INLAND = ("64.07", "64.11")


def samarinda() -> Iterator[Row]:
    """Two years write DADIMULYA, the last one DADI MULYA: 60 spellings of 59 kelurahan; no empty rows."""
    yield ("tahun", "kecamatan", "kelurahan", "kelamin", "umur", "jumlah")
    rng = generator("samarinda/penduduk")
    places = [(kec.name.upper(), kel.name) for kec in kecamatan("64.72") for kel in kelurahan(kec.code)]
    shares = [0.3 + rng.random() * 2 for _ in places]
    weights = age_weights(AGES)
    for year, scale in YEARS.items():
        by_sex = [apportion(round(total * scale), shares) for total in POPULATION["64.72"]]
        for index, (district, name) in enumerate(places):
            spelled = "DADIMULYA" if name == "Dadi Mulya" and year < 2024 else name.upper()
            for sex, people in zip("LP", by_sex, strict=True):
                for age, count in enumerate(apportion(people[index], weights)):
                    if count:
                        yield (year, district, spelled, sex, age, count)


def hatcheries() -> Iterator[Row]:
    """Names as hand-written forms have them, with known misspellings; one kabupaten is no longer Kaltim's."""
    yield ("id", "TAHUN", "PROVINSI", "JENIS_PEMBENIHAN", "KAB_KOTA", "KELOMPOK_IKAN", "VOLUME")
    rng = generator("dkp/pembenihan_ikan")
    spelled = {"64.02": "KUTAI KERTANEGARA", "64.71": "KOTA BALIKPAPAPN", "64.01": "KAB. PASIR"}
    for region in kabupaten():
        plain = region.name.upper().removeprefix("KABUPATEN ")
        for kind, fish in _FISH.items():
            if kind == "Pembenihan Air Laut" and region.code in _INLAND:
                continue
            for group in fish:
                if rng.random() < 0.6:
                    volume = rng.randint(5, 90_000) * 1000
                    yield ("", 2025, "KALIMANTAN TIMUR", kind, spelled.get(region.code, plain), group, volume)
    yield ("", 2025, "KALIMANTAN TIMUR", "Pembenihan Air Tawar", "KAB. NUNUKAN", "Nila", 250000)


def assessment() -> Iterator[Row]:
    """The form of SPBE and Pemdi: two rows of title, the header in the third.

    SPBE has 47 indicators a year, whose levels rise over the years. Then come those indicators of Pemdi that the
    province assesses itself.
    """
    yield ("FORMULIR PENILAIAN MANDIRI SPBE DAN PEMDI (DATA CONTOH)",)
    yield ("Pemerintah Provinsi Kalimantan Timur, PermenPANRB 59/2020 dan 8/2026",)
    yield ("Instrumen", "Peraturan", "Tahun", "No", "Indikator", "Tingkat", "Target", "Bukti", "Tautan Bukti")
    rng = generator("diskominfo/penilaian_spbe")
    indicators = [(int(row["no"]), row["indikator"]) for row in read_seed("ref_indikator_spbe")]
    level = {number: rng.choices((1, 2, 3, 4), (1, 4, 4, 1))[0] for number, _ in indicators}
    for year in SPBE_YEARS:
        for number, words in indicators:
            if year > SPBE_YEARS[0] and rng.random() < 0.3:
                level[number] = min(level[number] + 1, 5)
            yield _assessed(rng, "SPBE", "59/2020", year, number, words, level[number])
    for row in read_seed("ref_indikator_pemdi"):
        if not row["nilai_dari_indeks_lain"]:
            reached = rng.choices((1, 2, 3, 4), (1, 4, 4, 1))[0]
            yield _assessed(rng, "Pemdi", "8/2026", PEMDI_YEAR, int(row["no"]), row["indikator"], reached)


def _assessed(
    rng: random.Random, instrument: str, version: str, year: int, number: int, words: str, level: int
) -> Row:
    evidence: tuple[str | None, str | None] = (None, None)
    if level >= 2:
        link = f"https://bukti.contoh.example/{instrument.lower()}/{year}/{number:02d}.pdf"
        evidence = (f"Dokumen indikator {number}", link)
    target = min(level + rng.randint(0, 1), 5)
    return (instrument, version, year, number, words, level, target, *evidence)


def statistics_assessment() -> Iterator[Row]:
    """BPS's EPSS form: 38 indicators a year and agency; the agency of the last row does not exist."""
    yield ("FORMULIR EVALUASI PENYELENGGARAAN STATISTIK SEKTORAL (DATA CONTOH)",)
    yield ("Pemerintah Provinsi Kalimantan Timur, Peraturan BPS 3/2022",)
    yield ()
    yield (
        "Tahun",
        "Kode OPD",
        "Instansi",
        "Kode",
        "Indikator",
        "Tingkat Mandiri",
        "Tingkat",
        "Target",
        "Bukti",
        "Tautan Bukti",
    )
    rng = generator("bps/penilaian_epss")
    names = {row["kode_opd"]: row["nama"] for row in read_seed("ref_opd")}
    indicators = [(row["kode"], row["indikator"]) for row in read_seed("ref_indikator_ips")]
    first: Row = ()
    for opd in EPSS_OPD:
        level = {code: rng.choices((1, 2, 3, 4), (2, 5, 3, 1))[0] for code, _ in indicators}
        for year in EPSS_YEARS:
            for code, words in indicators:
                if year > EPSS_YEARS[0] and rng.random() < 0.25:
                    level[code] = min(level[code] + 1, 5)
                rated = level[code]
                own = min(rated + (rng.random() < 0.2), 5)
                link = f"https://bukti.contoh.example/epss/{year}/{opd}/{code}.pdf" if rated >= 2 else "-"
                evidence = (f"Dokumen {code}" if rated >= 2 else "-", link)
                target = min(rated + rng.randint(0, 1), 5)
                row = (year, opd, names[opd], code, words, own, rated, target, *evidence)
                first = first or row
                yield row
    yield (first[0], "dinas_statistik", "Dinas Statistik", *first[3:])
