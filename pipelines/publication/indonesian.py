"""Writes numbers, dates and code words for reports, as Indonesian readers write them.

What belongs here: turning values into text. Not here: which values (publication/report/data.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from pipelines import numbers
from pipelines.errors import with_code
from pipelines.findings.catalogue import code_of, entry
from pipelines.publication.catalog import WITA

MONTH_NAMES = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des")
NONE = "\N{EN DASH}"
SOURCES = {"database": "Basis data", "api": "API", "upload": "Unggahan"}


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
    """The rule of rows that was broken, with its code: `Sel wajib kosong [GDK-B001]`. An unknown one has none."""
    try:
        found = entry(code_of(name))
    except KeyError:  # of an entry that an earlier version wrote
        return name.replace("_", " ")
    return with_code(found.title, found.code)
