"""bpkad/realisasi_apbd: spending by budget line and month, its money as the text of an old bookkeeping system.

Codes have the form of the national list of programmes and accounts (Permendagri 90/2019); their digits are drawn, and
no amount is the province's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from demo.calendar import LAST_DAY, generator
from demo.people import rupiah
from demo.regions import read_seed
from demo.tables import Row, SourceTable, column

FIRST_MONTH = date(2025, 1, 1)
"""The start of the monthly partition."""
_ACTIVITIES, _ACCOUNTS = 100, 5
_NOT_SKPD = ("pemerintah_kota", "rsud", "uptd")
_KINDS = (
    ("5.1.01.01.01", "Belanja Gaji dan Tunjangan", 400, 4000),
    ("5.1.02.01.01", "Belanja Barang Pakai Habis", 5, 120),
    ("5.1.02.02.01", "Belanja Jasa Kantor", 20, 400),
    ("5.1.02.03.02", "Belanja Pemeliharaan Peralatan", 10, 250),
    ("5.1.02.04.01", "Belanja Perjalanan Dinas", 30, 600),
    ("5.2.02.05.01", "Belanja Modal Peralatan Kantor", 50, 1500),
    ("5.2.03.01.01", "Belanja Modal Bangunan Gedung", 300, 9000),
)
_MATTERS = (
    "Perencanaan",
    "Penyusunan Laporan",
    "Pengadaan",
    "Pemeliharaan",
    "Pembinaan",
    "Pengawasan",
    "Pelatihan",
)
# Which part of a year's budget is spent by the end of each month.
_SPENT = (0.01, 0.04, 0.09, 0.16, 0.24, 0.34, 0.44, 0.53, 0.63, 0.74, 0.85, 0.97)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the budget: who, for what, on which account; its budget of a year in thousands of rupiah."""

    agency: tuple[str, str, str, str]
    activity: tuple[str, str, str, str]
    account: tuple[str, str]
    budget: tuple[int, int]


def realisasi_apbd() -> SourceTable:
    """23 months of every line, then five faulty rows of early months."""
    rng = generator("bpkad/realisasi_apbd")
    rows: list[Row] = []
    for line in list(_lines(rng)):
        rows += _months(rng, line)
    rows += _dirt(rows)
    return SourceTable(
        "demo_bpkad",
        "realisasi_apbd",
        (
            column("periode", "date"),
            column("kode_urusan", "varchar(5)"),
            column("kode_bidang_urusan", "varchar(10)"),
            column("kode_skpd", "varchar(30)"),
            column("nama_skpd", "varchar(120)"),
            column("kode_program", "varchar(15)"),
            column("kode_kegiatan", "varchar(20)"),
            column("kode_sub_kegiatan", "varchar(25)"),
            column("nama_sub_kegiatan", "varchar(200)"),
            column("kode_rekening", "varchar(25)"),
            column("uraian", "varchar(200)"),
            column("anggaran", "varchar(30)"),
            column("realisasi", "varchar(30)"),
        ),
        rows,
    )


def _lines(rng: random.Random) -> Iterator[Line]:
    agencies = [row["nama"] for row in read_seed("ref_opd") if row["jenis"] not in _NOT_SKPD]
    for number, name in enumerate(agencies, start=1):
        matter = str(number % 8 + 1)
        field = f"{matter}.{number % 29 + 1:02d}"
        agency = (matter, field, f"{field}.0.00.0.00.{number:02d}.0000", name)
        for step in range(_ACTIVITIES):
            programme = f"{field}.{step // 10 + 1:02d}"
            activity = f"{programme}.1.{step // 5 % 2 + 1:02d}"
            titled = f"{rng.choice(_MATTERS)} {step + 1}"
            named = (programme, activity, f"{activity}.{step + 1:04d}", titled)
            for code, title, low, high in rng.sample(_KINDS, _ACCOUNTS):
                first = rng.randint(low, high) * 1000
                account = (f"{code}.{rng.randint(1, 99):04d}", title)
                yield Line(agency, named, account, (first, round(first * rng.uniform(0.9, 1.15))))


def _months(rng: random.Random, line: Line) -> Iterator[Row]:
    spread = rng.uniform(0.75, 1.0)
    for offset in range((LAST_DAY.year - FIRST_MONTH.year) * 12 + LAST_DAY.month):
        year, month = divmod(offset, 12)
        budget = line.budget[year]
        if month >= 9:  # the amended budget
            budget = round(budget * 1.05)
        share = _SPENT[month] - (_SPENT[month - 1] if month else 0)
        spent = round(line.budget[year] * spread * share * rng.uniform(0.7, 1.0))
        chance = rng.random()
        if chance < 0.25:
            written = "-"
        elif chance < 0.253:
            written = f"({_money(max(1, spent // 20))})"  # money given back
        else:
            written = _money(spent)
        yield (
            f"{FIRST_MONTH.year + year}-{month + 1:02d}-01",
            *line.agency,
            *line.activity,
            *line.account,
            _money(budget),
            written,
        )


def _money(thousands: int) -> str:
    return f"{rupiah(thousands * 1000)},00"


def _dirt(rows: list[Row]) -> list[Row]:
    """Five rows of the first month for quarantine.

    An SKPD that nobody knows, a code that lost its zeros, a code that lost parts, an amount in words, one line twice.
    """
    faults = (
        {4: "Dinas Antah Berantah", 3: "9.99.0.00.0.00.99.0000"},
        {7: "1.1.1.1.1.1"},
        {9: "5.1.2"},
        {12: "seratus juta"},
    )
    found: list[Row] = []
    for step, fault in enumerate(faults, start=1):
        cells = list(rows[step * 2300])
        cells[9] = f"{str(cells[9])[:-4]}99{step:02d}"  # a line of its own
        for position, value in fault.items():
            cells[position] = value
        found.append(tuple(cells))
    return [*found, rows[0]]
