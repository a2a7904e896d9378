"""Holds the words of the upload page: what became of an upload, whether a dataset is late, names, dates and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import SHEET
from pipelines.findings.catalogue import Entry, code_of, entry
from pipelines.publication import indonesian
from pipelines.quality.freshness import Freshness

STATES: Mapping[str, tuple[str, str, str]] = {
    "coming": ("tunggu", "Diterima", "Belum dilihat oleh gudang data; biasanya dalam setengah menit."),
    "due": ("tunggu", "Menunggu dimuat", "Dimuat dalam beberapa menit, atau malam ini."),
    "running": ("tunggu", "Sedang dimuat", ""),
    "waiting": ("tunggu", "Menunggu persetujuan", "Lulus pemeriksaan; walidata memutuskan sebelum dipakai."),
    "loaded": ("baik", "Dimuat", ""),
    "unchanged": ("netral", "Tidak ada yang baru", "Isinya sama dengan yang sudah dimuat."),
    "superseded": (
        "netral",
        "Digantikan",
        "Berkas yang lebih baru datang sebelum berkas ini dimuat atau disetujui.",
    ),
    "rejected": ("gagal", "Ditolak", "Data sebelumnya tetap dipakai."),
    "failed": ("gagal", "Gagal dimuat", "Data sebelumnya tetap dipakai."),
    "died": ("gagal", "Terputus", "Dicoba lagi pada pemuatan berikutnya."),
}
"""Per state of ledger.Sent: the class of its badge, the word, and what it means for the OPD."""
_MARKED = "Berkas Anda, sel yang perlu diperbaiki ditandai"
_SUFFIXES = {
    ".html": "Halaman temuan",
    ".csv": "Daftar temuan (CSV)",
    ".json": "Ringkasan untuk program (JSON)",
}


def returned(name: str) -> str:
    """What a file of the outbox is, by its name."""
    return _SUFFIXES.get(Path(name).suffix, _MARKED) if "-bertanda" not in name else _MARKED


def state(name: str) -> tuple[str, str, str]:
    """The class, word and meaning of a state; a state that is new to us is shown by its own name."""
    return STATES.get(name, ("netral", name, ""))


def freshness(of: Freshness) -> tuple[str, str]:
    """The class and word of a dataset's freshness."""
    if of.waiting_since and not of.is_fresh:
        return "tunggu", "Menunggu persetujuan"
    if of.arrived_at is None:
        return "tunggu", "Belum pernah datang"
    if of.due is None:
        return "netral", "Tanpa tenggat"
    return ("baik", "Mutakhir") if of.is_fresh else ("gagal", "Terlambat")


def column_names(contract: Contract) -> dict[str, str]:
    """What the columns are called where the OPD sees them: in its file, else by their titles."""
    of_file = contract.server.kind == "upload"
    return {
        c.name: c.source_name if of_file and c.source_name != SHEET else c.title for c in contract.columns
    }


def catalogued(rule: str) -> Entry | None:
    """The entry of a rule in the catalogue of findings; None for a rule of an earlier version."""
    try:
        return entry(code_of(rule))
    except KeyError:
        return None


def moment(at: datetime) -> str:
    """`24 Nov 2026, 08.00`, in WITA."""
    return f"{indonesian.short_day(at)}, {at.astimezone(indonesian.WITA):%H.%M}"


def size(count: int) -> str:
    """A size in bytes, as people read it: `1,4 MB`."""
    for unit, length in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= length:
            decimals = 0 if count % length == 0 else 1
            return f"{indonesian.number(count / length, decimals)} {unit}"
    return f"{count} byte"
