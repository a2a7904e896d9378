"""diskominfo/inventaris_aplikasi: the province's applications in the fields of the SPBE reference architecture."""

from __future__ import annotations

import random
from typing import Any

from demo.calendar import LAST_DAY, WITA, days, generator, moment
from demo.regions import read_seed

Record = dict[str, Any]
APPLICATIONS = 320
_SHARED = {
    "SRIKANDI": ("01.01", "Kearsipan dinamis terintegrasi"),
    "SP4N-LAPOR!": ("01.02", "Pengelolaan pengaduan pelayanan publik"),
    "SPSE": ("01.01", "Pengadaan secara elektronik"),
    "SIASN": ("01.01", "Layanan manajemen aparatur sipil negara"),
}
"""Applications that the central government provides to all (aplikasi umum)."""
_PURPOSES = (
    "Pelayanan",
    "Pemantauan",
    "Pelaporan",
    "Perizinan",
    "Keuangan",
    "Kepegawaian",
    "Arsip",
    "Perencanaan",
)
_OUTPUTS = ("Laporan bulanan", "Surat keterangan", "Rekap data", "Dasbor pimpinan", "Bukti layanan")
_BASES = ("web", "web", "web", "mobile", "cloud", "desktop")
_STORES = ("MySQL", "MariaDB", "PostgreSQL", "SQL Server", "-")
_LANGUAGES = ("PHP", "PHP", "Java", "Python", "JavaScript", "-")
_TOPICS = ("kependudukan", "kesehatan", "pendidikan", "keuangan daerah", "kepegawaian", "perizinan")
_DAYS = list(days(LAST_DAY.replace(year=LAST_DAY.year - 2, month=1, day=6), LAST_DAY))


def applications() -> list[Record]:
    """Those of the central government, then each agency's own, then three faulty ones."""
    rng = generator("diskominfo/inventaris_aplikasi")
    agencies = [r["kode_opd"] for r in read_seed("ref_opd") if r["jenis"] != "pemerintah_kota"]
    records: list[Record] = []
    for number in range(1, APPLICATIONS + 4):
        shared = list(_SHARED.items())[number - 1] if number <= len(_SHARED) else None
        agency = "diskominfo" if shared else rng.choice(agencies)
        records.append(_application(rng, number, agency, shared))
    records[-3]["opd"] = "dinas_antah_berantah"
    records[-2]["raa"]["level_2"] = "03.01"
    records[-1]["jumlah_pengguna"] = -1
    return records


def _application(
    rng: random.Random, number: int, agency: str, shared: tuple[str, tuple[str, str]] | None
) -> Record:
    purpose = rng.choice(_PURPOSES)
    if shared:
        title, (level, about) = shared
    else:
        title, about = f"SI-{purpose.upper()} {number:03d}", f"{purpose} pada {agency}"
        level = rng.choice(("02.01", "02.02", "02.02"))
    third = f"{level}.{rng.randint(1, 9):02d}"
    status = rng.choices(("Operasional", "Pengembangan", "Tidak Aktif"), (82, 8, 10))[0]
    bases = rng.choice(_BASES)
    host = f"{title.lower().replace(' ', '-').rstrip('!')}.contoh.invalid"
    return {
        "id": f"APL-{number:04d}",
        "nama": title,
        "uraian": f"Aplikasi untuk {about.lower()}.",
        "fungsi": about,
        "luaran": rng.choice(_OUTPUTS),
        "basis_aplikasi": bases.capitalize() if rng.random() < 0.1 else bases,
        "tipe_lisensi": rng.choices(("open_source", "proprietary", "Open Source"), (60, 35, 5))[0],
        "basis_data": rng.choice(_STORES),
        "bahasa_pemrograman": rng.choice(_LANGUAGES),
        "raa": {
            "level_1": level[:2],
            "level_2": level,
            "level_3": third,
            "level_4": f"{third}.{rng.randint(1, 20):02d}",
        },
        "opd": agency,
        "unit_pengembang": rng.choice(("Diskominfo", "Pihak ketiga", agency)),
        "unit_operasional": agency,
        "status": status,
        "url": f"https://{host}" if bases != "desktop" else "",
        "jumlah_pengguna": rng.randint(5, 9000) if status == "Operasional" else 0,
        "dasar_hukum": f"Keputusan Kepala {number}/{2018 + number % 8}" if rng.random() < 0.6 else "-",
        "aplikasi_terkait": rng.choice(("", "SRIKANDI", "SIASN")),
        "data_terkait": rng.sample(_TOPICS, rng.randint(0, 3)),
        "diperbarui_pada": moment(rng, rng.choice(_DAYS)).replace(tzinfo=WITA).isoformat(),
    }
