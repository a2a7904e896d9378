"""The demo's upload files, shaped like real ones: their bytes, and how they get into the zone."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from demo.agreed import agreed_list
from demo.mining import coal
from demo.plantations import oil_palm
from demo.poverty import social_register
from demo.schools import high_schools, schools
from demo.sheets import assessment, hatcheries, samarinda, statistics_assessment
from demo.tables import Cell
from demo.tourism import packed, visits
from demo.workbook import Sheet, xlsx_bytes

_NOTE = (
    "Ekspor aplikasi kunjungan wisata (data contoh). Satu baris per hari, destinasi, dan jenis wisatawan.\r\n"
)


def csv_bytes(
    rows: Iterable[Sequence[Cell]],
    *,
    quote_all: bool = False,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> bytes:
    """CSV as Excel writes it, with CRLF; "utf-8-sig" begins with a byte order mark."""
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(text, quoting=quoting, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


FILES: Mapping[str, Callable[[], bytes]] = {
    "samarinda/penduduk/penduduk_2022_2024.xlsx": lambda: xlsx_bytes(Sheet("Data", samarinda())),
    "balikpapan/sekolah/sekolah.csv": lambda: csv_bytes(schools()),
    "dkp/pembenihan_ikan/pembenihan_2025.csv": lambda: csv_bytes(hatcheries()),
    "disdikbud/sma/sma.csv": lambda: csv_bytes(high_schools(), quote_all=True),
    "diskominfo/penilaian_spbe/penilaian_spbe.xlsx": lambda: xlsx_bytes(Sheet("Penilaian", assessment())),
    "dinsos/rekap_dtks/rekap_dtks.xlsx": lambda: xlsx_bytes(*social_register()),
    "disbun/produksi_sawit/sawit_2021_2025.csv": lambda: csv_bytes(
        oil_palm(), delimiter=";", encoding="cp1252"
    ),
    "esdm/produksi_batubara/batubara_2024_2026.xlsx": lambda: xlsx_bytes(*coal()),
    "dispar/kunjungan_wisata/kunjungan_wisata.zip": lambda: packed(
        "kunjungan_harian.csv", csv_bytes(visits()), _NOTE
    ),
    "bappeda/daftar_data/daftar_data_2026.csv": lambda: csv_bytes(
        agreed_list(), delimiter=";", encoding="utf-8-sig"
    ),
    "bps/penilaian_epss/penilaian_epss.xlsx": lambda: xlsx_bytes(Sheet("EPSS", statistics_assessment())),
}
"""Path below the upload zone, and what makes its bytes."""


def write_files(zone: Path) -> list[Path]:
    """Writes all files below `zone`; each gets its name only once it has all its bytes.

    It writes nothing into a folder that has another file, for that dataset has a real source.
    """
    written: list[Path] = []
    for name, make in FILES.items():
        path = zone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if any(other.name != path.name for other in path.parent.iterdir()):
            continue
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        aside.write_bytes(make())
        aside.replace(path)
        written.append(path)
    return written
