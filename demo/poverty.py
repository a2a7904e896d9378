"""dinsos/rekap_dtks: families of the social register by kecamatan, as the form of the agency has them.

A sheet per semester, a header of three rows with merged cells, a total below each kabupaten/kota and one below all.
Aggregates only; in small kecamatan there are cells below five, which must not leave the warehouse as they are.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from demo.calendar import generator
from demo.numbers import apportion
from demo.regions import POPULATION, Region, kabupaten, kecamatan
from demo.tables import Cell
from demo.workbook import Formula, Sheet, column_letters

SEMESTERS = ("2025 Smt 1", "2025 Smt 2", "2026 Smt 1")
HEADER_ROW = 5
MERGED = (
    "A5:A7",
    "B5:B7",
    "C5:C7",
    "D5:G5",
    "D6:D7",
    "E6:G6",
    "H5:K5",
    "H6:H7",
    "I6:I7",
    "J6:J7",
    "K6:K7",
    "L5:L7",
)
"""Merged ranges of the header: columns over all three rows, "Jumlah" over four columns, "Jiwa" over three of these."""
_DECILES = ("Desil 1", "Desil 2", "Desil 3", "Desil 4")
_HEADER: tuple[Sequence[Cell], ...] = (
    (
        "No",
        "Kabupaten/Kota",
        "Kecamatan",
        "Jumlah",
        *[None] * 3,
        "Keluarga menurut Desil",
        *[None] * 3,
        "Keterangan",
    ),
    (None, None, None, "Keluarga", "Jiwa", None, None, *_DECILES),
    (None, None, None, None, "L", "P", "L+P"),
)
_SPELLED = {"64.02": "Kab. Kutai Kertanegara", "64.01": "Kab. Pasir", "64.09": "Penajam Paser Utama"}
_DISTRICTS = {"Kombeng": "Kongbeng", "Tanjung Redeb": "Tanjung Redep"}
"""BPS's spelling, which a list knows, and a mistake that no list knows: its rows stay without a code."""
_COUNTED = range(3, 11)
Line = Sequence[Cell | Formula]


def social_register() -> Iterator[Sheet]:
    """One sheet for each semester, then a sheet of notes without data."""
    rng = generator("dinsos/rekap_dtks")
    districts = [(region, district) for region in kabupaten() for district in kecamatan(region.code)]
    families = [_families(rng, region) for region, _ in districts]
    for semester in SEMESTERS:
        families = [round(count * rng.uniform(0.92, 1.05)) for count in families]
        rows = [_district(rng, *place, count) for place, count in zip(districts, families, strict=True)]
        if semester == SEMESTERS[0]:
            rows = _with_dirt(rows)
        yield Sheet(semester, [*_above(semester), *_with_totals(rows)], MERGED)
    yield Sheet("Catatan", [("Sumber: verifikasi dan validasi kabupaten/kota (data contoh).",)])


def _above(semester: str) -> Iterator[Line]:
    yield ("REKAPITULASI KELUARGA DALAM DATA TERPADU KESEJAHTERAAN SOSIAL (DATA CONTOH)",)
    yield ("PROVINSI KALIMANTAN TIMUR",)
    yield (f"KEADAAN {semester.upper()}",)
    yield ()
    yield from _HEADER


def _families(rng: random.Random, region: Region) -> int:
    """Families of one kecamatan: a few per cent of its people, in some only a handful."""
    people = sum(POPULATION[region.code]) / len(kecamatan(region.code))
    return max(6, round(people / 4 * rng.choice((0.002, 0.03, 0.06, 0.09, 0.12))))


def _district(rng: random.Random, region: Region, district: Region, families: int) -> list[Cell]:
    people = round(families * rng.uniform(2.6, 3.9))
    men = round(people * rng.uniform(0.47, 0.53))
    deciles = apportion(families, [rng.uniform(0.05, 0.3), rng.uniform(0.2, 0.5), 0.6, rng.uniform(0.3, 0.7)])
    spelled = _DISTRICTS.get(district.name, district.name)
    note = "belum seluruhnya diverifikasi" if rng.random() < 0.05 else "-"
    return [
        _SPELLED.get(region.code, region.name),
        "   " + spelled,
        families,
        men,
        people - men,
        people,
        *deciles,
        note,
    ]


def _with_dirt(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Two rows for quarantine: a kabupaten that is no longer Kaltim's, and a number in words."""
    words = list(rows[-1])
    words[3] = "tiga puluh dua"
    elsewhere = list(rows[0])
    elsewhere[:2] = ["Kab. Malinau", "   Malinau Kota"]
    return [*rows[:-1], words, elsewhere]


def _with_totals(rows: Sequence[Sequence[Cell]]) -> Iterator[Line]:
    """The rows numbered, L+P as a formula, below each kabupaten/kota its total, below all the grand total."""
    first = line = HEADER_ROW + len(_HEADER)
    for place, group in groupby(rows, key=itemgetter(0)):
        members = list(group)
        for number, (_, district, families, men, women, people, *rest) in enumerate(members, 1):
            both = Formula(f"E{line}+F{line}", float(people or 0))
            yield (number, place, district, families, men, women, both, *rest)
            line += 1
        yield _total(f"Jumlah {place}", members, line - len(members), line - 1)
        line += 1
    yield _total("JUMLAH", rows, first, line - 1)


def _total(label: str, rows: Sequence[Sequence[Cell]], first: int, last: int) -> Line:
    """SUBTOTAL leaves out what other SUBTOTALs have summed, so that the grand total counts nobody twice."""
    columns = [column_letters(i) for i in _COUNTED]
    sums = [sum(cell for row in rows if isinstance(cell := row[i - 1], int)) for i in _COUNTED]
    cells = [Formula(f"SUBTOTAL(9,{c}{first}:{c}{last})", n) for c, n in zip(columns, sums, strict=True)]
    return (None, label, None, *cells)
