"""The regions of the demo: real names and codes, read from the seeds of dbt_like_sql."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SEEDS = Path(__file__).resolve().parent.parent / "dbt_like_sql" / "seeds"

POPULATION: Mapping[str, tuple[int, int]] = {
    "64.01": (160276, 149391),
    "64.02": (420744, 386220),
    "64.03": (158927, 140078),
    "64.07": (98069, 88512),
    "64.08": (240268, 208582),
    "64.09": (104765, 97302),
    "64.11": (21192, 18523),
    "64.71": (387112, 370306),
    "64.72": (448161, 433064),
    "64.74": (99151, 92660),
}
"""Men and women by kabupaten/kota, end of 2024: Kepmendagri 300.2.2-2430/2025 (cahyadsn/wilayah, MIT)."""

CENTRES: Mapping[str, tuple[float, float]] = {
    "64.01": (-1.80, 116.10),
    "64.02": (-0.40, 116.90),
    "64.03": (2.00, 117.40),
    "64.07": (-0.30, 115.70),
    "64.08": (0.90, 117.40),
    "64.09": (-1.30, 116.60),
    "64.11": (0.60, 114.80),
    "64.71": (-1.20, 116.88),
    "64.72": (-0.48, 117.15),
    "64.74": (0.13, 117.47),
}
"""A point in each kabupaten/kota, roughly its centre: latitude, longitude."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region. code: Kemendagri's, with dots. bps: BPS's code. level: such as kabupaten_kota or kecamatan.

    parent: code of the region that it lies in.
    """

    code: str
    bps: str
    level: str
    name: str
    parent: str

    @property
    def short_name(self) -> str:
        """The name without "Kabupaten" or "Kota"."""
        return self.name.removeprefix("Kabupaten ").removeprefix("Kota ")


def read_seed(name: str) -> list[dict[str, str]]:
    """The rows of the seed `name`, in whatever folder of seeds/ it is."""
    (path,) = SEEDS.rglob(f"{name}.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _all() -> tuple[Region, ...]:
    return tuple(
        Region(r["kode_kemendagri"], r["kode_bps"], r["level"], r["nama"], r["kode_induk"])
        for r in read_seed("ref_wilayah")
    )


def kabupaten() -> tuple[Region, ...]:
    """All kabupaten and kota."""
    return tuple(r for r in _all() if r.level == "kabupaten_kota")


def kecamatan(kabupaten_code: str = "") -> tuple[Region, ...]:
    """Kecamatan of one kabupaten/kota, or all."""
    return tuple(r for r in _all() if r.level == "kecamatan" and r.code.startswith(kabupaten_code))


def kelurahan(kecamatan_code: str) -> tuple[Region, ...]:
    """The kelurahan of one kecamatan, without its desa."""
    return tuple(r for r in _all() if r.level == "kelurahan" and r.parent == kecamatan_code)
