"""The demo's upload files, of the shape of the real ones: their bytes, and how they reach the zone."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from demo.schools import high_schools, schools
from demo.sheets import assessment, hatcheries, samarinda
from demo.tables import Cell
from demo.workbook import xlsx_bytes


def csv_bytes(rows: Iterable[Sequence[Cell]], *, quote_all: bool = False) -> bytes:
    """CSV as Excel writes it, UTF-8 with CRLF."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL).writerows(rows)
    return text.getvalue().encode()


FILES: Mapping[str, Callable[[], bytes]] = {
    "samarinda/penduduk/penduduk_2022_2024.xlsx": lambda: xlsx_bytes("Data", samarinda()),
    "balikpapan/sekolah/sekolah.csv": lambda: csv_bytes(schools()),
    "dkp/pembenihan_ikan/pembenihan_2025.csv": lambda: csv_bytes(hatcheries()),
    "disdikbud/sma/sma.csv": lambda: csv_bytes(high_schools(), quote_all=True),
    "diskominfo/penilaian_spbe/penilaian_spbe.xlsx": lambda: xlsx_bytes("Penilaian", assessment()),
}
"""Path below the upload zone, and what makes its bytes."""


def write_files(zone: Path) -> list[Path]:
    """Writes all files below `zone`; each appears whole, under its name, or not at all."""
    written: list[Path] = []
    for name, make in FILES.items():
        path = zone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        aside.write_bytes(make())
        aside.replace(path)
        written.append(path)
    return written
