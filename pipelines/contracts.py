"""contracts/ as typed objects; the only reader of those files.

What belongs here: the vocabulary of docs/contracts.md and every contradiction that it forbids. Not here: SQL,
connections, Dagster. A contract that loads is one that the rest of the house can trust.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipelines.errors import ContractError

PERSONAL = frozenset({"pribadi", "pribadi_spesifik"})
CLASSIFICATIONS = ("terbuka", "terbatas", "pribadi", "pribadi_spesifik")
PARSERS = ("angka_id", "tanggal_id", "tanggal_nol", "koordinat", "teks", "bilangan_bulat")
PHYSICAL_TYPE = re.compile(
    r"text|smallint|integer|bigint|numeric(\(\d{1,3},\s?\d{1,3}\))?|double precision|boolean"
    r"|date|time|timestamp|timestamptz"
)
LOGICAL_TYPES: Mapping[str, tuple[str, ...]] = {
    "string": ("text",),
    "integer": ("smallint", "integer", "bigint"),
    "number": ("numeric", "double precision"),
    "boolean": ("boolean",),
    "date": ("date",),
    "time": ("time",),
    "timestamp": ("timestamp", "timestamptz"),
}
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}")


class WriteDisposition(StrEnum):
    REPLACE = "replace"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Reference:
    """A column's value must stand in `core.<table>.<column>`, among the rows that match `where`."""

    table: str
    column: str
    where: tuple[tuple[str, str], ...] = ()
    normalise: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One property of the contract: a column of the warehouse and the source's column behind it."""

    name: str
    source_name: str
    type: str
    logical_type: str
    title: str
    description: str
    classification: str
    required: bool = False
    unique: bool = False
    key: bool = False
    enum: tuple[tuple[str, str], ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    exclusive_minimum: str | None = None
    exclusive_maximum: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    reference: Reference | None = None
    missing_values: tuple[str, ...] = ()
    parse: str | None = None
    unit: str | None = None
    measure: str | None = None
    synonyms: tuple[str, ...] = ()
    pseudonymise: str | None = None
    dropped: bool = False

    @property
    def personal(self) -> bool:
        return self.classification in PERSONAL

    @property
    def stored_type(self) -> str:
        """The type in raw: a pseudonym is text whatever its source was."""
        return "text" if self.pseudonymise else self.type


@dataclass(frozen=True, slots=True)
class Server:
    """Where a dataset comes from. `location` may hold ${ENV_NAME}; for an upload it is the folder in the zone."""

    name: str
    kind: str
    location: str


@dataclass(frozen=True, slots=True)
class DatabaseExtract:
    table: str
    schema: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class ApiExtract:
    path: str
    records: str = ""
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    auth: Mapping[str, str] | None = None
    pagination: Mapping[str, Any] | None = None
    incremental_param: str | None = None


@dataclass(frozen=True, slots=True)
class FileExtract:
    format: str
    pattern: str
    header_row: int = 1
    delimiter: str = ","
    encoding: str = "utf-8"
    sheet: str | None = None


Extract = DatabaseExtract | ApiExtract | FileExtract


@dataclass(frozen=True, slots=True)
class Partition:
    """Windows by which a dataset is loaded: days of `column`, from `start`."""

    column: str
    every: str
    start: date


@dataclass(frozen=True, slots=True)
class Contract:
    """What one OPD promised of one dataset."""

    opd: str
    dataset: str
    title: str
    domain: str
    purpose: str
    usage: str
    limitations: str
    producer: str
    contact: str
    server: Server
    extract: Extract
    columns: tuple[Column, ...]
    disposition: WriteDisposition
    path: Path
    cursor: str | None = None
    lag: str | None = None
    partition: Partition | None = None
    schema_contract: str = "freeze"
    max_quarantine_share: float = 0.2
    publish: bool = False
    sla: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    @property
    def key(self) -> str:
        """The dataset's name everywhere: "dinkes/kunjungan"."""
        return f"{self.opd}/{self.dataset}"

    @property
    def table(self) -> str:
        """The table's name in schema raw."""
        return f"{self.opd}__{self.dataset}"

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that reach raw."""
        return tuple(c for c in self.columns if not c.dropped)

    @property
    def primary_key(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.key)

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    def sla_hours(self, prop: str) -> float | None:
        """The SLA property in hours, or None where the contract does not promise it."""
        if prop not in self.sla:
            return None
        value, unit = self.sla[prop]
        hours = {
            "h": 1,
            "hour": 1,
            "hours": 1,
            "d": 24,
            "day": 24,
            "days": 24,
            "m": 730,
            "month": 730,
            "y": 8760,
        }
        return float(value) * hours.get(unit, 24)

    def __post_init__(self) -> None:
        self._check_load()
        if self.disposition is WriteDisposition.REPLACE and self.cursor:
            self._fail("a cursor needs write_disposition merge", "drop the cursor or merge by a primary key")
        if self.partition and self.partition.column not in {c.name for c in self.stored}:
            self._fail(
                f"partition column {self.partition.column} is no stored column", "name one of the properties"
            )
        for column in self.columns:
            if column.personal and not (column.pseudonymise or column.dropped):
                self._fail(
                    f"column {column.name} is {column.classification} and would be stored as it is",
                    "give it pseudonymise: <purpose> or drop: true",
                )
            if column.key and column.dropped:
                self._fail(f"primary key column {column.name} is dropped", "pseudonymise it instead")

    def _check_load(self) -> None:
        names = [c.name for c in self.columns]
        if len(set(names)) != len(names):
            self._fail("two properties have the same name", "rename one of them")
        if self.disposition is WriteDisposition.MERGE and not self.primary_key:
            self._fail("merge needs a primary key", "mark a property primaryKey: true")
        if self.disposition is WriteDisposition.MERGE and self.partition:
            self._fail(
                "a partitioned dataset is replaced by window, not merged", "use write_disposition replace"
            )
        if self.cursor and self.cursor not in {c.name for c in self.stored if not c.personal}:
            self._fail(
                f"cursor {self.cursor} is no stored, non-personal column", "name one of the properties"
            )

    def _fail(self, message: str, hint: str) -> None:
        raise ContractError(self.key, message, hint=hint)


def load_contracts(folder: Path) -> tuple[Contract, ...]:
    """All contracts below `folder`, by key. Raises ContractError for the first faulty one."""
    from pipelines.contract_files import read_contract

    found: list[Contract] = []
    for path in contract_paths(folder):
        contract, faults = read_contract(path)
        if contract is None:
            raise ContractError(str(path), f"line {faults[0].line}: {faults[0].message}", hint=faults[0].hint)
        found.append(contract)
    return tuple(found)


def contract_paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.odcs.yaml"))


def by_key(contracts: Iterable[Contract]) -> dict[str, Contract]:
    return {c.key: c for c in contracts}
