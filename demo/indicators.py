"""bps/indikator_strategis: strategic indicators as the Web API of BPS gives a dynamic table, a matrix.

Numbers of variables are the demo's, values are drawn; regions are BPS's codes, in which 6402 is Kutai Barat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from demo.calendar import generator
from demo.regions import kabupaten

YEARS = range(2015, 2026)
VARIABLES: Mapping[int, tuple[str, str, float, float]] = {
    9001: ("Persentase Penduduk Miskin", "Persen", 2.5, 12.0),
    9002: ("Jumlah Penduduk Miskin", "Ribu Jiwa", 2.0, 60.0),
    9003: ("Tingkat Pengangguran Terbuka", "Persen", 2.5, 10.0),
    9004: ("Tingkat Partisipasi Angkatan Kerja", "Persen", 58.0, 74.0),
    9005: ("Indeks Pembangunan Manusia", "Indeks", 66.0, 82.0),
    9006: ("Umur Harapan Hidup", "Tahun", 70.0, 76.0),
    9007: ("Rata-rata Lama Sekolah", "Tahun", 7.5, 11.0),
    9008: ("PDRB Atas Dasar Harga Berlaku", "Miliar Rupiah", 2500.0, 210000.0),
    9009: ("Laju Pertumbuhan PDRB", "Persen", -4.0, 8.0),
    9010: ("Gini Rasio", "Indeks", 0.24, 0.38),
}
"""By number of the variable: its name, its unit, the least and the greatest value that is drawn."""
_NO_DERIVED = 0
_FIRST_YEAR = 1900
_UNRELEASED, _UNKNOWN_REGION = 9010, 6499
_REFUSED = {"status": "Error", "message": "Key tidak dikenal"}


@cache
def _regions() -> Mapping[int, str]:
    """BPS code and label; the API marks the province with bold letters."""
    found = {int(r.bps): r.short_name for r in kabupaten()}
    return {6400: "<b>KALIMANTAN TIMUR</b>", **found}


@cache
def cells() -> Mapping[tuple[int, int, int], float | str]:
    """Value by variable, region and year: "-" where BPS has none; two are for quarantine."""
    rng = generator("bps/indikator_strategis")
    found: dict[tuple[int, int, int], float | str] = {}
    for variable, (_, _, low, high) in VARIABLES.items():
        for region in _regions():
            level = rng.uniform(low, high)
            for year in YEARS:
                level = min(max(level + (high - low) * rng.uniform(-0.03, 0.03), low), high)
                missing = region != 6400 and rng.random() < 0.01
                found[variable, region, year] = "-" if missing else round(level, 2)
    found[_UNRELEASED, 6472, YEARS[-1]] = "belum rilis"
    found[9001, _UNKNOWN_REGION, YEARS[0]] = 5.5
    return found


def refused() -> dict[str, Any]:
    """What BPS answers, with HTTP 200, to a key that it does not know."""
    return dict(_REFUSED)


def matrix(path: str) -> dict[str, Any]:
    """The answer to a path ".../var/9001;9002/th/115;116/": `th` counts years from 1900."""
    pairs = _pairs_of(path)
    variables = [v for v in VARIABLES if str(v) in pairs.get("var", ())]
    years = [y for y in YEARS if str(y - _FIRST_YEAR) in pairs.get("th", ())]
    if pairs.get("domain") != ["6400"] or not variables or not years:
        return {"status": "OK", "data-availability": "list-not-available"}
    chosen = {(v, r, y): n for (v, r, y), n in cells().items() if v in variables and y in years}
    labels = {**_regions(), _UNKNOWN_REGION: "LAINNYA"}
    regions = [r for r in labels if any(r == region for _, region, _ in chosen)]
    return {
        "status": "OK",
        "data-availability": "available",
        "last_update": None,
        "var": [
            {
                "val": v,
                "label": VARIABLES[v][0],
                "unit": VARIABLES[v][1],
                "subj": "Indikator Strategis",
                "note": "",
            }
            for v in variables
        ],
        "turvar": _dimension([(_NO_DERIVED, "Tidak ada")]),
        "labelvervar": "Kabupaten/Kota",
        "vervar": _dimension((r, labels[r]) for r in regions),
        "tahun": _dimension((y - _FIRST_YEAR, str(y)) for y in years),
        "turtahun": _dimension([(0, "Tahun")]),
        "datacontent": {f"{r}{v}{_NO_DERIVED}{y - _FIRST_YEAR}0": n for (v, r, y), n in chosen.items()},
    }


def _pairs_of(path: str) -> dict[str, list[str]]:
    """The pairs of a path: "domain/6400/var/1;2" as name and values."""
    parts = unquote(path).strip("/").split("/")
    parts = parts[parts.index("domain") :] if "domain" in parts else []
    return {name: values.split(";") for name, values in zip(parts[::2], parts[1::2], strict=False)}


def _dimension(items: Iterable[tuple[int, str]]) -> list[dict[str, Any]]:
    return [{"val": val, "label": label} for val, label in items]
