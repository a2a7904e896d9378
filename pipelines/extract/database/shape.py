"""What a source's table is made of, and what a load takes from it.

What belongs here: families of types, promised columns that vanished, the limits of a read, as values. Not here: SQL.
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
"""What kind of type a column has, whatever its length: varchar(50) that becomes varchar(100) is no other shape."""

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
"""No time before it is asked for: a lag or a zone would lead out of the calendar that sources know."""
_NUMERIC = re.compile(r"numeric\((\d+),\s?(\d+)\)")
_NUMBERS = frozenset({"integer", "number"})
_TIMES = frozenset({"date", "timestamp"})


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column as its source has it.

    native: the dialect's word for its type; charset: where the dialect says so. warehouse: the types of the warehouse
    that hold every value of it, as their own text. digits: of a numeric, all and those after the point.
    known: whether the source says what its type is (of a query not every driver does). kept_as_text: its times are
    texts, whatever the type is called.
    """

    family: Family
    native: str = ""
    charset: str | None = None
    warehouse: frozenset[str] = frozenset()
    digits: tuple[int, int] | None = None
    known: bool = True
    kept_as_text: bool = False

    def fits(self, kind: str) -> bool:
        """Whether every value of the column is one of `kind`, a type as contracts write them, "numeric(18,2)"."""
        if kind == "text" or kind in self.warehouse:
            return True
        wanted = _NUMERIC.fullmatch(kind)
        if not (wanted and self.digits):
            return False
        (size, scale), (most, points) = self.digits, map(int, wanted.groups())
        return scale <= points and size - scale <= most - points


@dataclass(frozen=True, slots=True)
class Limit:
    """A condition on a source's column. value: ISO 8601 with a blank for the T, in Kalimantan's time; or a number.

    zoned: of times that are texts there, the bound for a text with a zone of its own ("...Z", "...+07:00", "... WIB").
    It is a day wider, for its date may be the one before or after (so is that of "24:00" and of a second 60); the load
    leaves out what is too much.
    like: what texts that are times look like; others ("kemarin", "01/10/2026") sort anywhere.
    """

    name: str
    family: Family
    operator: Literal[">=", "<"]
    value: str
    zoned: str | None = None
    like: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """What one read takes.

    names: the source's columns in the contract's order, None for one that vanished (it is read as NULL).
    extra: columns that the contract does not know and that go to EXTRA; None where the contract freezes.
    asked_by: the column that `limits` are of; a row that is empty or no date there is in no such read.
    """

    names: tuple[str | None, ...]
    extra: tuple[str, ...] | None
    limits: tuple[Limit, ...]

    @property
    def asked_by(self) -> Limit | None:
        return self.limits[0] if self.limits else None

    @property
    def wider(self) -> bool:
        """Whether the source may give rows outside of what was asked for."""
        return any(limit.zoned is not None for limit in self.limits)


def select(
    contract: Contract, wanted: Wanted, found: Mapping[str, SourceColumn], warnings: list[str]
) -> Selection:
    """The contract's columns among those `found`. Raises ShapeError when one that must be there is not."""
    gone = [c for c in contract.stored if c.source_name not in found]
    asked_by = {contract.cursor, contract.partition.column if contract.partition else None}
    bound = [c for c in gone if not contract.evolves or c.required or c.key or c.name in asked_by]
    known = {c.source_name for c in contract.columns}
    unknown = {name: column for name, column in found.items() if name not in known}
    if bound:
        raise _vanished(contract, bound, unknown, found)
    for column in gone:
        warnings.append(f"{column.source_name} is no longer there: {column.name} is empty")
    return Selection(
        names=tuple(c.source_name if c.source_name in found else None for c in contract.stored),
        extra=tuple(unknown) if contract.evolves else None,
        limits=_limits(contract, wanted, found),
    )


def place(contract: Contract) -> str:
    extract = contract.extract
    assert isinstance(extract, DatabaseExtract)
    return f"table {extract.table}" if extract.table else "the query"


def no_such_table(contract: Contract, table: str) -> ShapeError:
    return ShapeError(
        contract.key,
        f"database {contract.server.name} has no table {table}, or none that we may see",
        hint="ask the OPD, or mend extract.table or extract.schema in the contract",
    )


def _vanished(
    contract: Contract,
    gone: list[Column],
    unknown: Mapping[str, SourceColumn],
    found: Mapping[str, SourceColumn],
) -> ShapeError:
    message = f"{place(contract)} has no column {', '.join(c.source_name for c in gone)}"
    if unknown:
        message += (
            f"; it has {redact_names(contract, list(unknown), found)}, which the contract does not know"
        )
    renamed: list[str] = []
    for column in gone:
        alike = [name for name, there in unknown.items() if _alike(column, there.family)]
        if len(alike) == 1:
            renamed.append(f"{column.source_name} renamed to {redact_names(contract, alike, found)}?")
    hint = " ".join(renamed) + " Then mend physicalName in the contract" if renamed else "ask the OPD"
    return ShapeError(contract.key, message, hint=hint)


def _alike(column: Column, family: Family) -> bool:
    """Whether a column of `family` may be what the contract's column was; one that is parsed comes as text too."""
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
    """Makes limits of a column. Raises ContractError where the source can't compare it as the warehouse would."""
    there = found[column.source_name]
    family: Family = there.family if there.known else _FAMILIES[column.logical_type]
    a_time = column.logical_type in ("date", "timestamp")
    as_text = a_time and (family == "text" or there.kept_as_text)
    comparable = family in (_TIMES if a_time else _NUMBERS) or as_text or column.logical_type == "string"
    if not comparable:
        what = f"{there.native or family} (no {column.logical_type})"
        if family == "text":
            what = "text at the source, where 9 comes after 10"
        raise ContractError(
            contract.key,
            f"{column.source_name} is {what}: no column to read from on",
            hint="extract.query with a cast, or another column as cursor or partition",
        )

    def limit(operator: Literal[">=", "<"], value: str, wider: int) -> Limit:
        """wider: days to add to the bound of texts with a zone."""
        if not a_time:
            # A mark of numeric(10,2) is "5.00", which no server and no driver compares with a whole number.
            bound = str(floor(Decimal(value))) if family == "integer" else value
            return Limit(column.source_name, family, operator, bound)
        local = _local(value)
        zoned = (date.fromisoformat(local[:10]) + timedelta(days=wider)).isoformat() if as_text else None
        # From a time on also months and days of one digit are found: "2026-9-1" sorts after "2026-09-".
        like = "____-__-__%" if contract.partition else "____-%"
        return Limit(column.source_name, "text" if as_text else family, operator, local, zoned, like)

    return limit


def _local(text: str) -> str:
    """An ISO time as sources that compare texts need it: a blank sorts before a T, and no part before any."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo:
        moment = moment.astimezone(ZoneInfo(TIMEZONE)).replace(tzinfo=None)
    elif "T" not in text and " " not in text:
        return text
    whole, _, fraction = moment.isoformat(sep=" ").partition(".")
    if fraction:
        return f"{whole}.{fraction.rstrip('0')}"
    return whole.removesuffix(":00").removesuffix(" 00:00")
