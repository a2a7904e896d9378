"""Describes the columns of a source's table or query, and chooses what a load reads of them.

What belongs here: families of types, columns that are missing, the limits of a read, as values. Not here: SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import floor
from typing import Literal
from zoneinfo import ZoneInfo

from pipelines.clock import TIMEZONE
from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.errors import ContractError, ShapeError
from pipelines.extract.source_names import redact_names
from pipelines.extract.stream import Wanted

Family = Literal[
    "integer", "number", "text", "date", "timestamp", "time", "boolean", "binary", "json", "other"
]
"""The kind of a column's type without its length: a change from varchar(50) to varchar(100) does not count."""

_FAMILIES: Mapping[str, Family] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "time": "time",
}
EARLIEST = "0002-01-01"
"""No read starts before this date. With a lag or a time zone, an earlier date could fall before the first date that the
source accepts."""
_NUMERIC = re.compile(r"numeric\((\d+),\s?(\d+)\)")
_NUMBERS = frozenset({"integer", "number"})
_TIMES = frozenset({"date", "timestamp"})


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a source.

    native: the dialect's name of its type. charset: its character set, if the dialect names one. warehouse: the types
    of the warehouse that accept the text of each of its values. usually: those that accept nearly all, as MariaDB's
    dates but for 0000-00-00. digits: precision and scale of a numeric.
    known: whether the source names the type (for a query not every driver does). kept_as_text: whether the source
    stores texts in any column, whatever the name of its type.
    output: the function of PostgreSQL itself that writes the text of its values. None if that function belongs to an
    extension: we may lack the right to call it.
    """

    family: Family
    native: str = ""
    charset: str | None = None
    warehouse: frozenset[str] = frozenset()
    usually: frozenset[str] = frozenset()
    digits: tuple[int, int] | None = None
    known: bool = True
    kept_as_text: bool = False
    output: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether every value is a number, and none a text that a person wrote."""
        return self.family in _NUMBERS and not self.kept_as_text

    def fits(self, kind: str) -> bool:
        """Whether every value of the column is valid in `kind`, a type as contracts write it: "numeric(18,2)"."""
        if kind == "text" or kind in self.warehouse:
            return True
        wanted = _NUMERIC.fullmatch(kind)
        if not (wanted and self.digits):
            return False
        (size, scale), (most, points) = self.digits, map(int, wanted.groups())
        return scale <= points and size - scale <= most - points


@dataclass(frozen=True, slots=True)
class Limit:
    """A condition on a source's column. value: a time in WITA (ISO 8601 with a blank instead of T), or a number.

    zoned: if times are texts, the bound for texts with a zone ("...Z", "...+07:00", "... WIB"). This bound is one day
    wider, because in WITA the text may belong to the day before or after. The same is true for "24:00" and for second
    60. The load removes the extra rows.
    like: the LIKE pattern of texts that are times; other texts ("kemarin", "01/10/2026") may sort anywhere.
    """

    name: str
    family: Family
    operator: Literal[">=", "<"]
    value: str
    zoned: str | None = None
    like: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """What one read takes from the source.

    names: the source's columns in the contract's order, None for a missing one, which is read as NULL.
    extra: the columns that the contract does not know and that go to EXTRA; None if the contract freezes.
    limits: the conditions on one column.
    """

    names: tuple[str | None, ...]
    extra: tuple[str, ...] | None
    limits: tuple[Limit, ...]

    @property
    def first_limit(self) -> Limit | None:
        """The first limit of a partial read, or None. Rows with an empty or invalid value there are not read."""
        return self.limits[0] if self.limits else None

    @property
    def wider(self) -> bool:
        """Whether the source may give rows outside of the requested range."""
        return any(limit.zoned is not None for limit in self.limits)


def choose_columns(
    contract: Contract, wanted: Wanted, found: Mapping[str, SourceColumn], warnings: list[str]
) -> Selection:
    """Chooses what to read of the columns `found`. Raises ShapeError for a missing column.

    If the contract freezes, every missing column raises ShapeError. If it evolves, only a missing required, key, cursor
    or partition column does; any other one adds a warning and is read as NULL.
    """
    missing = [c for c in contract.stored if c.source_name not in found]
    limiting = {contract.cursor, contract.partition.column if contract.partition else None}
    required = [c for c in missing if not contract.evolves or c.required or c.key or c.name in limiting]
    known = {c.source_name for c in contract.columns}
    unknown = {name: column for name, column in found.items() if name not in known}
    if required:
        raise _missing(contract, required, unknown, found)
    for column in missing:
        warnings.append(f"{column.source_name} tidak ada lagi di sumber: {column.name} kosong")
    return Selection(
        names=tuple(c.source_name if c.source_name in found else None for c in contract.stored),
        extra=tuple(unknown) if contract.evolves else None,
        limits=_limits(contract, wanted, found),
    )


def _place(contract: Contract) -> str:
    """Names the table or query of a contract in messages."""
    extract = contract.extract
    assert isinstance(extract, DatabaseExtract)
    return f"tabel {extract.table}" if extract.table else "kueri"


def no_such_table(contract: Contract, table: str) -> ShapeError:
    """Returns the error for a table that is missing or that we may not see."""
    return ShapeError(
        contract.key,
        f"basis data {contract.server.name} tidak punya tabel {table}, atau kita tidak berhak melihatnya",
        hint="tanyakan kepada OPD, atau perbaiki extract.table atau extract.schema di kontrak",
        code="GDK-S006",
    )


def _missing(
    contract: Contract,
    missing: list[Column],
    unknown: Mapping[str, SourceColumn],
    found: Mapping[str, SourceColumn],
) -> ShapeError:
    message = f"{_place(contract)} tidak punya kolom {', '.join(c.source_name for c in missing)}"
    if unknown:
        message += f"; yang ada tetapi tidak dikenal kontrak: {redact_names(contract, list(unknown), found)}"
    renamed: list[str] = []
    for column in missing:
        alike = [name for name, candidate in unknown.items() if _alike(column, candidate.family)]
        if len(alike) == 1:
            renamed.append(
                f"{column.source_name} berganti nama menjadi {redact_names(contract, alike, found)}?"
            )
    hint = " ".join(renamed) + " Jika ya, ubah physicalName di kontrak" if renamed else "tanyakan kepada OPD"
    return ShapeError(contract.key, message, hint=hint, code="GDK-S005")


def _alike(column: Column, family: Family) -> bool:
    """Whether a source's column of `family` may hold the contract's column; one with `parse` may also be text."""
    promised = _FAMILIES[column.logical_type]
    return family == promised or {family, promised} <= _NUMBERS or (family == "text" and bool(column.parse))


def _limits(contract: Contract, wanted: Wanted, found: Mapping[str, SourceColumn]) -> tuple[Limit, ...]:
    if contract.cursor and contract.cursor in {c.name for c in contract.stored}:
        limit = _limit_of(contract, contract.column(contract.cursor), found)
        if wanted.since:
            return (limit(">=", wanted.since, -1),)
    if contract.partition:
        limit = _limit_of(contract, contract.column(contract.partition.column), found)
        if wanted.start and wanted.end:
            end = wanted.end + timedelta(days=1)
            return limit(">=", wanted.start.isoformat(), -1), limit("<", end.isoformat(), 1)
    return ()


def _limit_of(
    contract: Contract, column: Column, found: Mapping[str, SourceColumn]
) -> Callable[[Literal[">=", "<"], str, int], Limit]:
    """Returns a function that makes limits on a column.

    Raises ContractError if the source would compare the column in another order than the warehouse.
    """
    source_column = found[column.source_name]
    family: Family = source_column.family if source_column.known else _FAMILIES[column.logical_type]
    a_time = column.logical_type in ("date", "timestamp")
    as_text = a_time and (family == "text" or source_column.kept_as_text)
    comparable = family in (_TIMES if a_time else _NUMBERS) or as_text or column.logical_type == "string"
    if not comparable:
        what = f"bertipe {source_column.native or family}, bukan {column.logical_type}"
        if family == "text":
            what = "berupa teks di sumber, sehingga 9 sesudah 10"
        raise ContractError(
            contract.key,
            f"{column.source_name} {what}: tidak dapat menjadi batas pembacaan",
            hint="pakai extract.query dengan cast, atau kolom lain sebagai kursor atau partisi",
            code="GDK-K017",
        )

    def limit(operator: Literal[">=", "<"], value: str, wider: int) -> Limit:
        """Makes a limit. wider: the days that are added to the bound of texts with a zone."""
        if not a_time:
            # A watermark of numeric(10,2) is "5.00", which no server and no driver compares with a whole number.
            bound = str(floor(Decimal(value))) if family == "integer" else value
            return Limit(column.source_name, family, operator, bound)
        local = _local(value)
        zoned = (date.fromisoformat(local[:10]) + timedelta(days=wider)).isoformat() if as_text else None
        # A cursor also finds months and days of one digit: "2026-9-1" sorts after "2026-09-".
        like = "____-__-__%" if contract.partition else "____-%"
        return Limit(column.source_name, "text" if as_text else family, operator, local, zoned, like)

    return limit


def _local(text: str) -> str:
    """Returns an ISO time in WITA for sources that compare texts: with a blank instead of T, without trailing zeros."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo:
        moment = moment.astimezone(ZoneInfo(TIMEZONE)).replace(tzinfo=None)
    elif "T" not in text and " " not in text:
        return text
    seconds, _, fraction = moment.isoformat(sep=" ").partition(".")
    if fraction:
        return f"{seconds}.{fraction.rstrip('0')}"
    return seconds.removesuffix(":00").removesuffix(" 00:00")
