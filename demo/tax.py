"""bapenda/pembayaran_pkb: vehicle tax, its money as text "1.234.567", sometimes "Rp 1.234.567" or "-"."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

from demo.calendar import LAST_DAY, generator, moment
from demo.people import plate, rupiah
from demo.regions import POPULATION
from demo.tables import Row, SourceTable, column

PAYMENTS = 40000
_FIRST_DAY = date(2026, 1, 2)
_KINDS = {"R2": (120000, 600000, 35000), "R4": (900000, 6500000, 143000), "R6": (2000000, 9000000, 163000)}
_DIRTY_ID = 900001


def pembayaran_pkb() -> SourceTable:
    """Payments of 2026 in the order of their days, then the faulty rows, which are too old to be read again."""
    rng = generator("bapenda/pembayaran_pkb")
    codes = list(POPULATION)
    weights = [sum(people) for people in POPULATION.values()]
    length = (LAST_DAY - _FIRST_DAY).days + 1
    offsets = sorted(rng.randrange(length) for _ in range(PAYMENTS))
    rows: list[Row] = []
    for number, offset in enumerate(offsets, start=1):
        code = rng.choices(codes, weights)[0]
        rows.append(_payment(rng, number, _FIRST_DAY + timedelta(days=offset), code))
    rows += _dirt(rows[:6])
    return SourceTable(
        "demo_bapenda",
        "pembayaran_pkb",
        (
            column("id_pembayaran", "bigint"),
            column("nomor_polisi", "varchar(15)"),
            column("tanggal_bayar", "date"),
            column("kode_kabupaten_kota", "varchar(10)"),
            column("jenis_kendaraan", "varchar(5)"),
            column("pkb", "varchar(30)"),
            column("swdkllj", "varchar(30)"),
            column("denda", "varchar(30)"),
            column("updated_at", "timestamp", "datetime"),
        ),
        rows,
    )


def _payment(rng: random.Random, number: int, day: date, code: str) -> Row:
    kind = rng.choices(list(_KINDS), (70, 27, 3))[0]
    low, high, insurance = _KINDS[kind]
    tax = rng.randrange(low, high, 500)
    fine = round(tax * 0.02 * rng.randint(1, 12)) if rng.random() < 0.12 else 0
    changed = moment(rng, day)
    if rng.random() < 0.05:
        last = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, 21)
        changed = min(changed + timedelta(days=rng.randint(1, 10)), last)
    written = f"Rp {rupiah(tax)}" if rng.random() < 0.03 else rupiah(tax)
    owed = rupiah(fine) if fine or rng.random() < 0.9 else "-"
    return (number, plate(rng), str(day), code, kind, written, rupiah(insurance), owed, str(changed))


def _dirt(samples: list[Row]) -> list[Row]:
    """Six rows for quarantine: two unknown regions, two amounts in words, one R5, one number twice."""
    faults = ({3: "64.99"}, {3: "64.99"}, {5: "belum dihitung"}, {5: "belum dihitung"}, {4: "R5"})
    found: list[Row] = []
    for step, fault in enumerate(faults):
        cells = list(samples[step])
        cells[0] = _DIRTY_ID + step
        for position, value in fault.items():
            cells[position] = value
        found.append(tuple(cells))
    again = samples[5]
    # Of two rows with one number, the later one by updated_at stays.
    older = datetime.fromisoformat(str(again[8])) - timedelta(minutes=5)
    return [*found, (*again[:7], "0", str(older))]
