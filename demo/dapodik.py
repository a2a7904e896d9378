"""disdikbud/sekolah: the province's schools as Dapodik has them, with regions in a numbering of its own.

Of Dapodik's numbering only 160000, Kalimantan Timur, is known here. The codes of kabupaten/kota below are made up:
they begin with 169, and dbt_like_sql/seeds/wilayah/ref_wilayah_dapodik.csv says of each that it is the demo's.
"""

from __future__ import annotations

import random
from uuid import UUID

from demo.calendar import LAST_DAY, days, generator, moment
from demo.regions import CENTRES, POPULATION, kecamatan, read_seed
from demo.tables import Row, SourceTable, column

SCHOOLS = 4200
_FIRST_NPSN = 99950000
_FORMS = {
    "TK": (32, 20, 70),
    "SD": (42, 60, 420),
    "SMP": (15, 60, 700),
    "SMA": (5, 80, 1100),
    "SMK": (5, 80, 1300),
    "SLB": (1, 10, 120),
}
_CURRICULA = ("Kurikulum Merdeka", "Merdeka", "Kurikulum 2013", "K-13", "K13")
_FIRST_CHANGE = LAST_DAY.replace(month=1, day=5)


def sekolah() -> SourceTable:
    """By NPSN, then four faulty rows."""
    rng = generator("disdikbud/sekolah")
    codes = {r["kode_kemendagri"]: r["kode_dapodik"] for r in read_seed("ref_wilayah_dapodik")}
    homes = rng.choices(list(POPULATION), [sum(p) for p in POPULATION.values()], k=SCHOOLS)
    rows = [_school(rng, number, home, codes[home]) for number, home in enumerate(homes, start=1)]
    rows += _dirt(rng, codes["64.72"])
    return SourceTable(
        "demo_disdikbud",
        "sekolah",
        (
            column("sekolah_id", "uuid", "char(36)"),
            column("npsn", "varchar(8)"),
            column("nama", "varchar(100)"),
            column("bentuk_pendidikan", "varchar(10)"),
            column("status_sekolah", "numeric(1)"),
            column("kode_wilayah", "char(8)"),
            column("kecamatan", "varchar(60)"),
            column("alamat_jalan", "varchar(120)"),
            column("kode_pos", "char(5)"),
            column("kurikulum", "varchar(30)"),
            column("jumlah_siswa", "integer"),
            column("jumlah_guru", "integer"),
            column("jumlah_rombel", "integer"),
            column("lintang", "varchar(20)"),
            column("bujur", "varchar(20)"),
            column("last_update", "timestamp", "datetime"),
        ),
        rows,
        "sekolah_id",
    )


def _school(rng: random.Random, number: int, home: str, code: str) -> Row:
    form = rng.choices(list(_FORMS), [weight for weight, *_ in _FORMS.values()])[0]
    _, low, high = _FORMS[form]
    public = rng.random() < {"TK": 0.1, "SD": 0.85}.get(form, 0.5)
    district = rng.choice(kecamatan(home)).name
    pupils = rng.randint(low, high)
    place = [f"{centre + rng.uniform(-0.12, 0.12):.6f}" for centre in CENTRES[home]]
    if rng.random() < 0.05:
        place = ["-", "-"] if rng.random() < 0.5 else [cell.replace(".", ",") for cell in place]
    return (
        str(UUID(int=rng.getrandbits(128), version=4)),
        str(_FIRST_NPSN + number),
        f"{form} {'Negeri' if public else 'Swasta Contoh'} {number} {district}"
        + (" " if rng.random() < 0.02 else ""),
        form,
        1 if public else 2,
        # A CHAR(8) column for codes of six digits adds two blanks at the end.
        f"{code:<8}",
        rng.choice((district, district.upper(), f"Kec. {district}")),
        f"Jl. Contoh No. {rng.randint(1, 200)}",
        f"75{rng.randint(111, 999)}" if rng.random() < 0.95 else None,
        rng.choices(_CURRICULA, (80, 8, 6, 4, 2))[0],
        pupils,
        max(2, pupils // rng.randint(12, 22)),
        max(1, pupils // 28),
        *place,
        str(moment(rng, rng.choice(_DAYS))),
    )


_DAYS = list(days(_FIRST_CHANGE, LAST_DAY))


def _dirt(rng: random.Random, code: str) -> list[Row]:
    """Four rows for quarantine.

    Another province's region, an NPSN that lost a digit, a form of school that does not exist, and a latitude in the
    place of the longitude and the other way round (two reasons).
    """
    faults = ({5: "170000  "}, {1: "9995999"}, {3: "MADRASAH"}, {13: "117.15", 14: "-0.5"})
    found: list[Row] = []
    for step, fault in enumerate(faults, start=1):
        cells = list(_school(rng, SCHOOLS + step, "64.72", code))
        for position, value in fault.items():
            cells[position] = value
        found.append(tuple(cells))
    return found
