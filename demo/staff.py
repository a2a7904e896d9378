"""bkd/pegawai: the civil servants as a personnel system has them; nobody in it is real.

A NIP holds the days of birth and appointment. All of these were appointed between 1900 and 1909, before they were born:
no living person has such a number.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

from demo.calendar import LAST_DAY, generator, moment
from demo.people import name
from demo.regions import read_seed
from demo.tables import Row, SourceTable, column

EMPLOYEES = 20000
_RANKS = {
    "I": ("I/c", "I/d"),
    "II": ("II/a", "II/b", "II/c", "II/d"),
    "III": ("III/a", "III/b", "III/c", "III/d"),
    "IV": ("IV/a", "IV/b", "IV/c", "IV/d", "IV/e"),
}
_CONTRACT_RANKS = ("V", "VII", "IX", "X")
_SCHOOLING = {
    "I": ("SMP", "SD"),
    "II": ("SMA", "SLTA", "D-III", "D3"),
    "III": ("S-1", "S1", "D-IV", "S-1"),
    "IV": ("S-2", "S2", "S-1", "S-3"),
}
_POSTS = (
    ("Guru Ahli Pertama", "Fungsional"),
    ("Perawat Mahir", "Fungsional"),
    ("Penyuluh Ahli Muda", "Fungsional"),
    ("Pengelola Keuangan", "Pelaksana"),
    ("Pengadministrasi Umum", "Pelaksana"),
    ("Analis Data", "Pelaksana"),
)
_LEADERS = (
    ("Kepala Dinas", "Pimpinan Tinggi", "II.a", "IV/d"),
    ("Sekretaris", "Administrator", "III.a", "IV/b"),
    ("Kepala Bidang", "Administrator", "III.b", "IV/a"),
    ("Kepala Seksi", "Pengawas", "IV.a", "III/d"),
)
_UNITS = (
    "Sekretariat",
    "Bidang Pelayanan",
    "Bidang Program",
    "Bidang Pembinaan",
    "UPTD Wilayah I",
    "UPTD Wilayah II",
)
_FIRST_CHANGE = date(2022, 1, 3)


def pegawai() -> SourceTable:
    """All in the order of their serial, then four faulty rows and an earlier version that changed long ago."""
    rng = generator("bkd/pegawai")
    agencies = [r["kode_opd"] for r in read_seed("ref_opd") if r["jenis"] != "pemerintah_kota"]
    # Two agencies have most of the people: teachers and nurses.
    weights = [12 if code in ("disdikbud", "dinkes") else 1 for code in agencies]
    rows = [_employee(rng, number, rng.choices(agencies, weights)[0]) for number in range(EMPLOYEES)]
    rows += _dirt(rows)
    return SourceTable(
        "demo_bkd",
        "pegawai",
        (
            column("nip", "varchar(20)"),
            column("nama", "varchar(100)"),
            column("tanggal_lahir", "varchar(10)"),
            column("jenis_kelamin", "varchar(10)"),
            column("status_kepegawaian", "varchar(10)"),
            column("golongan", "varchar(10)"),
            column("tmt_golongan", "varchar(10)"),
            column("jabatan", "varchar(100)"),
            column("jenis_jabatan", "varchar(20)"),
            column("eselon", "varchar(10)"),
            column("kode_opd", "varchar(30)"),
            column("unit_kerja", "varchar(100)"),
            column("pendidikan", "varchar(10)"),
            column("diubah_pada", "timestamp", "datetime"),
        ),
        rows,
    )


def nip(born: date, sex: str, serial: int) -> str:
    """A NIP that nobody has, unique by `serial`: day of birth, month of appointment in 1900 to 1909, sex, serial."""
    appointed = f"190{serial % 10}{serial // 10 % 12 + 1:02d}"
    return f"{born:%Y%m%d}{appointed}{1 if sex == 'L' else 2}{serial // 120 % 999 + 1:03d}"


def _employee(rng: random.Random, serial: int, agency: str) -> Row:
    sex = rng.choice("LP")
    born = date(1967, 1, 1) + timedelta(days=rng.randrange(12500))
    level = rng.choices(list(_RANKS), (1, 22, 58, 19))[0]
    contract = rng.random() < 0.15
    post, kind = rng.choice(_POSTS)
    rank, unit, echelon = rng.choice(_RANKS[level]), rng.choice(_UNITS), "-"
    if contract:
        rank = rng.choice(_CONTRACT_RANKS)
    elif rng.random() < 0.04:
        post, kind, echelon, rank = rng.choices(_LEADERS, (1, 2, 6, 16))[0]
        level = rank.split("/")[0]
    since = date(2018, 4, 1) + timedelta(days=rng.randrange(2500))
    later = (LAST_DAY - timedelta(days=3) - _FIRST_CHANGE).days
    changed = moment(rng, max(_FIRST_CHANGE + timedelta(days=rng.randrange(later)), since))
    return (
        nip(born, sex, serial),
        name(rng),
        f"{born:%d-%m-%Y}",
        rng.choices((sex, {"L": "Pria", "P": "Wanita"}[sex]), (19, 1))[0],
        "PPPK" if contract else "PNS",
        rank.replace("/", "-") if rng.random() < 0.02 else rank,
        "0000-00-00" if contract and rng.random() < 0.1 else f"{since:%d-%m-%Y}",
        post,
        kind,
        echelon,
        agency,
        unit,
        rng.choice(_SCHOOLING[level]),
        str(changed),
    )


def _dirt(rows: list[Row]) -> list[Row]:
    """Four rows for quarantine, and an earlier version of one person.

    A rank that does not exist, a day that does not exist, a NIP that lost a digit, an agency that nobody knows. The
    fifth row is a person as of long ago.
    """
    faults = ({5: "IV/f"}, {6: "31-04-2024"}, {0: "19850101190001100"}, {10: "dinas_lama"})
    long_ago = str(datetime(2021, 6, 1, 9))
    found: list[Row] = []
    for step, fault in enumerate(faults):
        cells = list(rows[step])
        cells[0] = nip(date(1980, 2, 1 + step), "L", EMPLOYEES + step)
        cells[13] = long_ago
        for position, value in fault.items():
            cells[position] = value
        found.append(tuple(cells))
    return [*found, (*rows[9][:13], long_ago)]
