"""dinkes/puskesmas and dinkes/kunjungan: health centres, with zero dates and cut coordinates, and visits to them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

from demo.calendar import FIRST_DAY, LAST_DAY, days, generator
from demo.people import Person, person
from demo.regions import CENTRES, kecamatan
from demo.tables import Cell, Row, SourceTable, column

PATIENTS = 24000
_PER_DAY = 762
_BY_WEEKDAY = (1.35, 1.12, 1.12, 1.08, 0.95, 0.8, 0.25)
_DIAGNOSES = {
    "J06.9": 18,
    "I10": 14,
    "K30": 9,
    "M79.1": 9,
    "E11.9": 7,
    "R50.9": 7,
    "A09": 6,
    "J45.9": 4,
    "L30.9": 4,
}
_ANTENATAL = "Z34.9"
_PAYERS = ("BPJS", "BPJS", "BPJS", "BPJS", "UMUM", "UMUM", "ASURANSI")
_STREETS = ("Pelita", "Merdeka", "Sehat", "Anggrek", "Teratai", "Poros", "Pahlawan")


@cache
def puskesmas_rows() -> tuple[Row, ...]:
    """One or two per kecamatan, then two that no visit refers to: an unknown region, swapped coordinates."""
    rng = generator("dinkes/puskesmas")
    rows: list[Row] = []
    for region in kecamatan():
        numbers = (1, 2) if rng.random() < 0.8 else (1,)
        rows += [_puskesmas(rng, region.code, region.name, number) for number in numbers]
    rows += [
        ("P64999901", "Puskesmas Antah", "64.99.99", "rawat_inap", "-", "-0.5", "117.1", "2016-03-01", 1),
        ("P64720199", "Puskesmas Terbalik", "64.72.01", "rawat_inap", "-", "117.15", "-0.5", "2016-03-01", 1),
    ]
    return tuple(rows)


def _puskesmas(rng: random.Random, code: str, name: str, number: int) -> Row:
    place = [f"{centre + rng.uniform(-0.12, 0.12):.7f}" for centre in CENTRES[code[:5]]]
    kind = rng.random()
    if kind < 0.1:
        place = [cell.split(".")[0] for cell in place]
    elif kind < 0.2:
        place = [cell.replace(".", ",") for cell in place]
    licensed = date(2010, 1, 1) + timedelta(days=rng.randrange(5000))
    return (
        f"P{code.replace('.', '')}{number:02d}",
        f"Puskesmas {name}" + ("" if number == 1 else "  II"),
        code,
        rng.choice(("rawat_inap", "non_rawat_inap", "non_rawat_inap")),
        f"Jl. {rng.choice(_STREETS)} No. {rng.randint(1, 200)}",
        *place,
        "0000-00-00" if rng.random() < 0.06 else str(licensed),
        1 if number == 1 or rng.random() < 0.97 else 0,
    )


def puskesmas() -> SourceTable:
    """The table of health centres."""
    return SourceTable(
        "demo_dinkes",
        "puskesmas",
        (
            column("kode_puskesmas", "varchar(12)"),
            column("nama", "varchar(100)"),
            column("kode_kecamatan", "varchar(20)"),
            column("jenis", "varchar(20)"),
            column("alamat", "varchar(200)"),
            column("lintang", "varchar(20)"),
            column("bujur", "varchar(20)"),
            # MariaDB keeps a zero date in a date column; PostgreSQL has no such date, there it is text.
            column("tanggal_izin", "varchar(10)", "date"),
            column("aktif", "smallint", "tinyint(1)"),
        ),
        puskesmas_rows(),
        "kode_puskesmas",
    )


def kunjungan() -> SourceTable:
    """About 60,000 visits from FIRST_DAY to LAST_DAY, fewer on Sundays; no primary key in the source."""
    rng = generator("dinkes/kunjungan")
    patients = [person(rng, serial) for serial in range(PATIENTS)]
    codes = [str(row[0]) for row in puskesmas_rows()[:-2]]
    homes = [rng.choice(codes) for _ in patients]
    rows: list[Row] = []
    for day in days(FIRST_DAY, LAST_DAY):
        for _ in range(round(_PER_DAY * _BY_WEEKDAY[day.weekday()] * rng.uniform(0.93, 1.07))):
            index = rng.randrange(PATIENTS)
            rows.append(_visit(rng, len(rows) + 1, day, patients[index], homes[index]))
    rows += _dirt(rows)
    return SourceTable(
        "demo_dinkes",
        "kunjungan",
        (
            column("id_kunjungan", "bigint"),
            column("tanggal_kunjungan", "date"),
            column("kode_puskesmas", "varchar(12)"),
            column("nik", "varchar(20)"),
            column("nama_pasien", "varchar(100)"),
            column("jenis_kelamin", "varchar(5)"),
            column("umur", "varchar(20)"),
            column("kode_icd10", "varchar(10)"),
            column("cara_bayar", "varchar(20)"),
        ),
        rows,
    )


def _visit(rng: random.Random, number: int, day: date, patient: Person, home: str) -> Row:
    age = patient.age(day)
    diagnosis = rng.choices(list(_DIAGNOSES), list(_DIAGNOSES.values()))[0]
    if patient.sex == "P" and 17 <= age <= 42 and rng.random() < 0.15:
        diagnosis = _ANTENATAL
    payer = rng.choice(_PAYERS)
    return (number, str(day), home, patient.nik, patient.name, patient.sex, str(age), diagnosis, payer)


def _dirt(rows: list[Row]) -> list[Row]:
    """Fourteen rows for quarantine, each on another ordinary day: a copy of a row with one fault."""
    faults: tuple[Mapping[int, Cell], ...] = (
        *({6: "dua puluh"},) * 3,
        *({6: "135"},) * 2,
        *({5: "X"},) * 3,
        *({8: "KARTU SEHAT"},) * 2,
        *({3: "99000012345678"},) * 2,
    )
    number, found = len(rows), list[Row]()
    for step, fault in enumerate(faults, start=1):
        cells = list(rows[step * 4000])
        cells[0] = number + step
        for position, value in fault.items():
            cells[position] = value
        found.append(tuple(cells))
    # The same number twice on one day: the application has no primary key.
    return [*found, rows[30000], rows[45000]]
