"""esdm/produksi_batubara: coal by permit and month, a sheet per kabupaten/kota; companies and permits are made up.

Sales are formulas, a few numbers are stored as text, each year ends with a total. Two sheets hold no data of the
dataset: the notes, and a copy that is hidden.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from demo.calendar import LAST_DAY, generator
from demo.people import name
from demo.tables import Cell
from demo.workbook import Formula, Sheet

SHEETS: Mapping[str, int] = {
    "Kab. Kutai Kertanegara": 12,
    "Kab. Kutai Timur": 10,
    "Kab. Berau": 7,
    "Kab. Kutai Barat": 6,
    "Kab. Paser": 4,
    "Kab. PPU": 2,
    "Kota Samarinda": 5,
}
"""By sheet, as the agency spells its name: its permits."""
FIRST_YEAR = 2024
HEADER_ROW = 4
MERGED = ("A4:A5", "B4:B5", "C4:C5", "D4:D5", "E4:E5", "F4:F5", "G4:I4", "J4:J5")
_HEADER: tuple[Sequence[Cell], ...] = (
    (
        "Tahun",
        "Bulan",
        "Perusahaan",
        "Jenis Izin",
        "Nomor Izin",
        "Produksi (Ton)",
        "Penjualan (Ton)",
        None,
        None,
        "Keterangan",
    ),
    (*[None] * 6, "Domestik", "Ekspor", "Jumlah", None),
)
_MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
_KINDS = ("IUP", "IUP", "IUP", "IUPK", "PKP2B")
Line = Sequence[Cell | Formula]


def coal() -> Iterator[Sheet]:
    """The sheets, then one of a kabupaten that is no longer Kaltim's, the notes and the hidden copy."""
    rng = generator("esdm/produksi_batubara")
    number = 0
    for sheet, permits in SHEETS.items():
        rows: list[Line] = []
        companies = []
        for _ in range(permits):
            number += 1
            kind = rng.choice(_KINDS)
            companies.append(
                (f"PT Contoh {name(rng)}", kind, f"{kind}/CONTOH/{number:03d}", rng.uniform(2e4, 6e5))
            )
        for year in range(FIRST_YEAR, LAST_DAY.year + 1):
            rows += _year(rng, year, companies, len(_above(sheet)) + len(rows) + 1)
        if sheet == "Kab. Berau":
            rows += _dirt(rng)
        yield Sheet(sheet, [*_above(sheet), *rows], MERGED)
    yield Sheet("Kab. Bulungan", [*_above("Kab. Bulungan"), *_elsewhere()], MERGED)
    yield Sheet("Petunjuk", [("Satu lembar per kabupaten/kota. Isi angka sebagai angka.",)])
    yield Sheet("Kab. Berau (salinan)", [*_above("Kab. Berau"), *_elsewhere()], MERGED, hidden=True)


def _above(sheet: str) -> list[Line]:
    return [("LAPORAN PRODUKSI DAN PENJUALAN BATUBARA (DATA CONTOH)",), (sheet.upper(),), (), *_HEADER]


def _year(
    rng: random.Random, year: int, companies: Sequence[tuple[str, str, str, float]], first: int
) -> Iterator[Line]:
    """Rows of one year from sheet row `first` on, month by month, and their total."""
    months = LAST_DAY.month - 1 if year == LAST_DAY.year else 12
    line = first
    sums = [0.0, 0.0, 0.0]
    for month in range(months):
        for company, kind, permit, size in companies:
            produced = round(size * rng.uniform(0.6, 1.3), 2) if rng.random() < 0.96 else 0.0
            domestic = round(produced * rng.uniform(0.1, 0.4), 2)
            exported = round(produced * rng.uniform(0.4, 0.6), 2)
            sold = round(domestic + exported, 2)
            sums = [a + b for a, b in zip(sums, (produced, domestic, exported), strict=True)]
            yield (
                year,
                _MONTHS[month] if rng.random() < 0.9 else _MONTHS[month][:3].upper(),
                company,
                kind,
                permit,
                _stored(rng, produced),
                domestic,
                exported,
                Formula(f"G{line}+H{line}", sold),
                None if produced else "tidak berproduksi",
            )
            line += 1
    totals = [
        Formula(f"SUM({c}{first}:{c}{line - 1})", round(n, 2)) for c, n in zip("FGH", sums, strict=True)
    ]
    sold = Formula(f"G{line}+H{line}", round(sums[1] + sums[2], 2))
    yield (None, None, f"JUMLAH {year}", None, None, *totals, sold)


def _stored(rng: random.Random, number: float) -> Cell:
    """The number; sometimes as text, with the apostrophe that means text to Excel, or with blanks around it."""
    chance = rng.random()
    if chance < 0.03:
        return f"'{number}"
    return f" {number}\N{NO-BREAK SPACE}" if chance < 0.06 else number


def _dirt(rng: random.Random) -> Iterator[Line]:
    """Two rows for quarantine: an Indonesian number as text, and a kind of permit that no longer exists."""
    company = f"PT Contoh {name(rng)}"
    yield (
        2026,
        "Oktober",
        company,
        "IUP",
        "IUP/CONTOH/901",
        "12.345,6",
        3000,
        8000,
        Formula("3000+8000", 11000),
    )
    yield (2026, "Oktober", company, "KP", "KP/CONTOH/902", 5100.5, 1000, 4000, Formula("1000+4000", 5000))


def _elsewhere() -> Iterator[Line]:
    for month in ("September", "Oktober"):
        sold = Formula("100+200", 300)
        yield (2026, month, "PT Contoh Utara", "IUP", "IUP/CONTOH/903", 450.25, 100, 200, sold)
