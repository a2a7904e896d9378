"""disbun/produksi_sawit: oil palm by kecamatan, year and kind of estate, as a spreadsheet saved as CSV writes it.

Windows-1252 with semicolons and Indonesian numbers; "-" or an en dash for none. No figure is of a real estate.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from demo.calendar import generator
from demo.numbers import decimal_id
from demo.regions import Region, kabupaten, kecamatan
from demo.tables import Cell, Row

YEARS = range(2021, 2026)
DASH = "\N{EN DASH}"
HEADER = (
    "Tahun",
    "Kabupaten/Kota",
    "Kecamatan",
    "Status Pengusahaan",
    "Luas TBM (Ha)",
    "Luas TM (Ha)",
    "Luas TR (Ha)",
    "Jumlah Luas (Ha)",
    "Produksi TBS (Ton)",
    "Produktivitas (Kg/Ha)",
    "Pekebun (KK)",
    "Keterangan",
)
_WITHOUT_PALMS = ("64.71", "64.72", "64.74")
_ESTATES = {"PR": 0.85, "PBN": 0.12, "PBS": 0.6}
"""Kind of estate as the agency abbreviates it, and the share of kecamatan that have one."""
_SPELLED = {"64.02": "KUTAI KERTANEGARA", "64.01": "KAB. PASIR", "64.11": "MAHAKAM HULU"}
_DISTRICTS = {
    "Kombeng": "Kongbeng",
    "Paser Belengkong": "Pasir Belengkong",
    "Siluq Ngurai": "Siluq\N{NO-BREAK SPACE}Ngurai",
    "Sekolaq Darat": "Sekolak Darat",
}
"""Spellings: BPS's, former ones, one with a no-break space, and one that no list knows."""
_NOTES = ("“replanting” tahap II", f"sebagian HGU belum dilaporkan {DASH} dikonfirmasi ulang")


def oil_palm() -> Iterator[Row]:
    """Header, rows with a total below each kabupaten, the grand total, then three rows for quarantine."""
    yield HEADER
    rng = generator("disbun/produksi_sawit")
    estates = {region: _estates(rng, region) for region in kabupaten() if region.code not in _WITHOUT_PALMS}
    first: Row = ()
    sums = [0.0] * 5
    for year in YEARS:
        for region, members in estates.items():
            place = _SPELLED.get(region.code, region.name.upper())
            of_region = [0.0] * 5
            for district, estate in members:
                figures = _figures(rng, estate, year)
                row = (year, place, *_written(rng, district, estate, figures))
                first = first or row
                yield row
                of_region = [a + b for a, b in zip(of_region, figures, strict=True)]
            yield _total(f"JUMLAH {place}", year, of_region)
            sums = [a + b for a, b in zip(sums, of_region, strict=True)]
    yield _total("JUMLAH SELURUHNYA", None, sums)
    yield from _dirt(first)


def _estates(rng: random.Random, region: Region) -> list[tuple[Region, str]]:
    """Kecamatan and kind of each estate of a kabupaten, the same in every year."""
    places = [(district, estate) for district in kecamatan(region.code) for estate in _ESTATES]
    return [(district, estate) for district, estate in places if rng.random() < _ESTATES[estate]]


def _figures(rng: random.Random, estate: str, year: int) -> tuple[float, float, float, float, float]:
    """Hectares of young, bearing and old palms, tons of fruit, families that own them."""
    size = rng.lognormvariate(6.2 if estate == "PR" else 7.8, 0.7) * (0.9 + 0.03 * (year - YEARS[0]))
    young, old = size * rng.uniform(0.08, 0.3), size * rng.choice((0, 0, 0.01, 0.03))
    bearing = size - young - old
    tons = bearing * rng.uniform(11, 19)
    families = round(size / rng.uniform(1.6, 2.4)) if estate == "PR" else 0
    return round(young, 2), round(bearing, 2), round(old, 2), round(tons, 1), families


def _written(
    rng: random.Random, district: Region, estate: str, figures: tuple[float, float, float, float, float]
) -> tuple[Cell, ...]:
    young, bearing, old, tons, families = figures
    name = _DISTRICTS.get(district.name, district.name)
    produced = decimal_id(tons, 1) + (" ton" if rng.random() < 0.04 else "")
    return (
        f"Kec. {name}" if rng.random() < 0.1 else name,
        estate,
        decimal_id(young, 2),
        decimal_id(bearing, 2),
        decimal_id(old, 2) if old else rng.choice(("-", DASH)),
        decimal_id(young + bearing + old, 2),
        produced,
        decimal_id(tons * 1000 / bearing, 2),
        decimal_id(families, 0) if families else "-",
        rng.choice(_NOTES) if rng.random() < 0.05 else "",
    )


def _total(label: str, year: int | None, figures: list[float]) -> Row:
    young, bearing, old, tons, families = figures
    written = [decimal_id(n, 2) for n in (young, bearing, old, young + bearing + old)]
    return (year, label, None, None, *written, decimal_id(tons, 1), None, decimal_id(families, 0), "")


def _dirt(sample: Row) -> Iterator[Row]:
    """A kabupaten that is no longer Kaltim's, a kind of estate that does not exist, a production in words."""
    for faults in ({1: "KAB. BULUNGAN"}, {3: "PMA"}, {0: 2020, 8: "belum panen"}):
        yield tuple(faults.get(i, cell) for i, cell in enumerate(sample))
