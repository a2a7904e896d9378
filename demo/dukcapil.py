"""dkp3a/penduduk_agregat: population by kecamatan, sex and age group; no key, numbers as text "1.234"."""

from __future__ import annotations

from demo.calendar import generator
from demo.numbers import age_weights, apportion
from demo.people import rupiah
from demo.regions import POPULATION, kabupaten, kecamatan
from demo.tables import Row, SourceTable, column

SEMESTERS = ((2024, 2), (2025, 1), (2025, 2), (2026, 1))
GROUPS = (*(f"{age:02d}-{age + 4:02d}" for age in range(0, 75, 5)), "75+")
_GROWTH = 0.008


def group_weights() -> list[float]:
    """The pyramid by age group."""
    single = age_weights(96)
    return [sum(single[a : a + 5]) for a in range(0, 75, 5)] + [sum(single[75:])]


def penduduk_agregat() -> SourceTable:
    """The rows of four semesters; the first sums to POPULATION, the next ones grow by 0.8 % each."""
    rng = generator("dkp3a/penduduk_agregat")
    weights = group_weights()
    rows: list[Row] = []
    for region in kabupaten():
        parts = kecamatan(region.code)
        shares = [0.4 + rng.random() * 2 for _ in parts]
        for step, (year, semester) in enumerate(SEMESTERS):
            for sex, base in zip("LP", POPULATION[region.code], strict=True):
                people = apportion(round(base * (1 + _GROWTH) ** step), shares)
                for part, number in zip(parts, people, strict=True):
                    ages = zip(GROUPS, apportion(number, weights), strict=True)
                    rows += [(year, semester, part.code, sex, group, rupiah(count)) for group, count in ages]
    year, semester, code, sex, group, count = rows[-1]
    rows += [
        (year, semester, "64.99.99", sex, group, "12"),  # no such kecamatan
        (year, semester, code, "X", group, "3"),  # no such sex
        (year, semester, code, sex, group, count),  # the same key again
    ]
    return SourceTable(
        "demo_dkp3a",
        "penduduk_agregat",
        (
            column("tahun", "integer"),
            column("semester", "integer"),
            column("kode_kecamatan", "varchar(20)"),
            column("jenis_kelamin", "varchar(5)"),
            column("kelompok_umur", "varchar(10)"),
            column("jumlah", "varchar(20)"),
        ),
        rows,
    )
