"""Writes numbers, dates and code words for reports, as Indonesian readers write them.

What belongs here: turning values into text. Not here: which values (publication/report/data.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from pipelines import numbers
from pipelines.publication.catalog import WITA

MONTH_NAMES = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des")
NONE = "\N{EN DASH}"
SOURCES = {"database": "Basis data", "api": "API", "upload": "Unggahan"}
RULES = {
    "wajib": "wajib diisi",
    "tipe": "salah jenis isian",
    "jangkauan": "di luar jangkauan jenis isiannya",
    "ketelitian": "lebih teliti daripada kolomnya",
    "kelipatan": "bukan kelipatan yang diminta",
    "klasifikasi": "di luar klasifikasi isian",
    "minimum": "di bawah batas",
    "maximum": "di atas batas",
    "exclusive_minimum": "di bawah batas",
    "exclusive_maximum": "di atas batas",
    "panjang": "panjang tidak sesuai",
    "pola": "bentuk tidak sesuai",
    "format": "bentuk tidak sesuai",
    "sel_galat": "rumusnya gagal di lembar kerja",
    "notasi_ilmiah": "angka terpotong oleh Excel",
    "kunci_panjang": "kunci terlalu panjang",
    "rujukan": "tidak ada di kode referensi",
    "jendela": "di luar jendela tanggal",
    "kunci_ganda": "kunci ganda",
}


def number(value: float | Decimal | None, decimals: int = 0) -> str:
    """The number with so many decimals, as print sets it: with a true minus sign, and a dash for None."""
    return NONE if value is None else numbers.number(value, decimals).replace("-", "\N{MINUS SIGN}")


def per_cent(share: float) -> str:
    """0.956 is "95,6%"; only all of them is 100%."""
    shown = round(float(share) * 100, 1)
    if shown == 100 and share < 1:
        shown = 99.9
    return number(shown, 0 if shown.is_integer() else 1) + "%"


def day(at: datetime | None) -> str:
    """The date in WITA: `24 November 2026`."""
    return _date(at, MONTH_NAMES)


def short_day(at: datetime | None) -> str:
    """The date in WITA for tables: `24 Nov 2026`."""
    return _date(at, SHORT_MONTHS)


def short_month(year: int, month: int) -> str:
    """`Nov 2026`."""
    return f"{SHORT_MONTHS[month - 1]} {year}"


def _date(at: datetime | None, months: Sequence[str]) -> str:
    if at is None:
        return NONE
    local = at.astimezone(WITA)
    return f"{local.day} {months[local.month - 1]} {local.year}"


def moment(at: datetime) -> str:
    """Date and time in WITA: `24 November 2026, pukul 08.00 WITA`."""
    return f"{day(at)}, pukul {at.astimezone(WITA):%H.%M} WITA"


def period(days: Decimal | None) -> str:
    """The time between two promised deliveries: `hari`, `bulan`, `12 jam`, `45 hari`."""
    if days is None:
        return "tidak tetap"
    words = ((1, "hari"), (7, "minggu"), (30, "bulan"), (91, "triwulan"), (182, "semester"), (365, "tahun"))
    for length, word in words:
        if abs(float(days) - length) <= length * 0.04:
            return word
    if days < 1:
        return f"{number(days * 24)} jam"
    return f"{number(days)} hari"


def source(kind: str | None) -> str:
    """The kind of a source for readers; a dash if there is none yet."""
    return NONE if kind is None else SOURCES.get(kind, kind)


def rule(name: str) -> str:
    """The text about a cell that broke a rule of the quarantine."""
    return RULES.get(name, name.replace("_", " "))
