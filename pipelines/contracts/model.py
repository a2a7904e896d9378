"""contracts/ as typed objects; the only reader of those files.

What belongs here: the vocabulary of docs/contracts.md and every contradiction that it forbids. Not here: SQL,
connections, Dagster. A contract that loads is one that the rest of the house can trust.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from pathlib import Path
from unicodedata import normalize

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import IDENTIFIER, Column
from pipelines.contracts.upload import SHEET, WORKBOOKS, FileExtract
from pipelines.errors import ContractError
from pipelines.identifiers import LONGEST_TABLE

STATEMENT_TIMEOUT_S = 900
CHECK_TIMEOUT_S = 1800
WAIT_LIMIT_S = 900
SLA_HOURS: Mapping[str, int] = {
    unit: hours
    for units, hours in {
        "h hour hours": 1,
        "d day days": 24,
        "w week weeks": 168,
        "m month months": 730,
        "y year years": 8760,
    }.items()
    for unit in units.split()
}
MOST_COLUMNS = 800
"""Columns that a load stores. A query of PostgreSQL names at most 1,664, and that of a stage names each twice."""
RESERVED = frozenset({"deleted_at", "valid_from", "valid_to", "is_current"})
"""Columns that a load adds by itself; no property may be called so."""
SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Columns that every table of PostgreSQL has by itself (manual, section 5.6)."""


class WriteDisposition(StrEnum):
    REPLACE = "replace"
    APPEND = "append"
    MERGE = "merge"


class Cadence(StrEnum):
    """How long a window of a partitioned dataset is."""

    DAILY = "daily"
    MONTHLY = "monthly"


class MergeStrategy(StrEnum):
    """upsert: one row a key, the latest. scd2: a row per version of a key, with the time that it was valid."""

    UPSERT = "upsert"
    SCD2 = "scd2"


@dataclass(frozen=True, slots=True)
class Server:
    """Where a dataset comes from, and what is owed to it.

    location: may hold ${ENV_NAME}; for an upload it is the folder in the zone.
    rows_per_second: the most that we read, None for as fast as it gives.
    load_hours: from and to (WITA) when we may read, over midnight too; None for always.
    statement_timeout: seconds that one statement of ours may run in a database.
    wait_limit: seconds that one load may wait in vain for an API, see transport.Waiting.
    """

    name: str
    kind: str
    location: str
    rows_per_second: int | None = None
    load_hours: tuple[time, time] | None = None
    statement_timeout: int = STATEMENT_TIMEOUT_S
    wait_limit: int = WAIT_LIMIT_S


@dataclass(frozen=True, slots=True)
class DatabaseExtract:
    """A table or view, or a SELECT of the OPD's own. where: a condition on what these give."""

    table: str | None = None
    schema: str | None = None
    where: str | None = None
    query: str | None = None

    def __post_init__(self) -> None:
        for name in ("table", "schema", "where", "query"):
            value: object = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise ValueError(f"{name} {value!r} is no text")
        if (self.table is None) == (self.query is None):
            raise ValueError("name a table, or write a query, and not both")
        if self.query and self.schema:
            raise ValueError("a query names the schema by itself")


Extract = DatabaseExtract | ApiExtract | FileExtract


@dataclass(frozen=True, slots=True)
class Partition:
    """Windows by which a dataset is loaded: days or months of `column`, from `start`."""

    column: str
    every: Cadence
    start: date

    def __post_init__(self) -> None:
        if self.every is Cadence.MONTHLY and self.start.day != 1:
            raise ValueError(f"start {self.start} is no first day of a month")


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
    version: str = "1.0.0"
    merge_strategy: MergeStrategy = MergeStrategy.UPSERT
    cursor: str | None = None
    lag: str | None = None
    reconcile: str | None = None
    partition: Partition | None = None
    schema_contract: str = "freeze"
    max_quarantine_share: float = 0.2
    max_shrink_share: float = 0.5
    check_timeout: int = CHECK_TIMEOUT_S
    publish: bool = False
    sla: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    period: str | None = None

    @property
    def period_column(self) -> Column | None:
        """The column whose newest value says up to when the data go; None where only a change can say that.

        What the SLA's frequency names, else the column of the windows, else a cursor that is a time.
        """
        if self.period:
            return self.column(self.period)
        name = self.partition.column if self.partition else self.cursor
        found = self.column(name) if name else None
        return found if found and found.logical_type in ("date", "timestamp") else None

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
    def evolves(self) -> bool:
        """Whether columns that the contract does not know are kept as text in `_extra`."""
        return self.schema_contract == "evolve"

    @property
    def keeps_history(self) -> bool:
        return self.merges and self.merge_strategy is MergeStrategy.SCD2

    @property
    def merges(self) -> bool:
        return self.disposition is WriteDisposition.MERGE

    @property
    def appends(self) -> bool:
        return self.disposition is WriteDisposition.APPEND

    @property
    def takes_every_file(self) -> bool:
        """Whether each upload adds to what earlier ones brought; else the newest stands for all."""
        return self.appends or self.merges

    @property
    def primary_key(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.key)

    @property
    def identity(self) -> tuple[str, ...]:
        """What no two rows of one reading may share: the key, or of a history with a clock a version of it."""
        if self.keeps_history and self.cursor and self.cursor not in self.primary_key:
            return (*self.primary_key, self.cursor)
        return self.primary_key

    def name_faults(self) -> Iterator[tuple[str, str]]:
        """What PostgreSQL would make of the dataset's name: message and mend; with none its table is its own."""
        if any("__" in part for part in (self.opd, self.dataset)):
            yield (
                f"the table raw.{self.table} could be another dataset's: two underscores part OPD and dataset",
                "one underscore in a name",
            )
        if len(self.table) > LONGEST_TABLE:
            yield (
                f"the table raw.{self.table} has a name of {len(self.table)} characters, and PostgreSQL would cut what"
                " is called after it",
                f"OPD and dataset may have {LONGEST_TABLE - 2} characters together",
            )

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    def sla_hours(self, prop: str) -> float | None:
        """The SLA property in hours, or None where the contract does not promise it."""
        if prop not in self.sla:
            return None
        value, unit = self.sla[prop]
        return float(value) * SLA_HOURS[unit]

    def __post_init__(self) -> None:
        self._check_load()
        self._check_personal()
        self._check_upload()

    def _check_load(self) -> None:
        names = [c.name for c in self.columns]
        if twice := next((name for name in names if names.count(name) > 1), None):
            self._fail(f"two properties have the name {twice}", "rename one of them", twice)
        if len(self.stored) > MOST_COLUMNS:
            self._fail(
                f"{len(self.stored)} columns are more than the {MOST_COLUMNS} that one table may have here",
                "drop: true for what nobody needs, or two datasets with the same key",
            )
        if taken := sorted(RESERVED.intersection(names)):
            self._fail(
                f"{', '.join(taken)}: loads add a column of that name", "rename the property", taken[0]
            )
        if self.merges and not self.primary_key:
            self._fail("merge needs a primary key", "mark a property primaryKey: true", "write_disposition")
        if self.partition and self.disposition is not WriteDisposition.REPLACE:
            self._fail(
                "a partitioned dataset is replaced by window", "use write_disposition replace", "partition"
            )
        if self.partition and self.server.kind != "database":
            self._fail("only a database can be asked for a window", "drop the partition", "partition")
        if self.partition and self.partition.column not in {c.name for c in self.stored}:
            self._fail(
                f"partition column {self.partition.column} is no stored column",
                "name one of the properties",
                "partition",
            )
        if self.partition and self.column(self.partition.column).logical_type not in ("date", "timestamp"):
            self._fail(
                f"partition column {self.partition.column} is no time", "a date or timestamp", "partition"
            )
        if self.merge_strategy is MergeStrategy.SCD2 and not self.merges:
            self._fail("merge_strategy needs write_disposition merge", "drop it, or merge", "merge_strategy")
        self._check_cursor()
        if self.period and self.period not in {c.name for c in self.stored if not c.personal}:
            self._fail(
                f"frequency: element {self.period} is no stored, non-personal column",
                "name one of the properties",
            )
        if self.reconcile and not self.merges:
            self._fail(
                "reconcile needs write_disposition merge",
                "a replace notices what is gone by itself",
                "reconcile",
            )
        if self.reconcile and self.server.kind == "upload":
            self._fail(
                "reconcile needs a source that can be asked for its keys", "a database or an API", "reconcile"
            )

    def _check_cursor(self) -> None:
        if isinstance(self.extract, ApiExtract) and self.extract.incremental_param and not self.cursor:
            self._fail(
                "incremental_param needs a cursor, whose last value it asks from",
                "name the cursor",
                "extract",
            )
        if self.lag and not self.cursor:
            self._fail("a lag needs a cursor", "name the cursor, or drop the lag", "lag")
        if not self.cursor:
            return
        if self.disposition is WriteDisposition.REPLACE:
            self._fail(
                "a cursor needs write_disposition merge or append",
                "drop the cursor, merge or append",
                "cursor",
            )
        if self.cursor not in {c.name for c in self.stored if not c.personal}:
            self._fail(
                f"cursor {self.cursor} is no stored, non-personal column",
                "name one of the properties",
                "cursor",
            )
        if not self.column(self.cursor).required:
            self._fail(
                f"cursor {self.cursor} may be empty, and such rows would never be read again",
                "mark it required: true",
                "cursor",
            )
        kind = self.column(self.cursor).logical_type
        a_time = kind in ("date", "timestamp")
        if self.lag and (kind == "string" or self.lag.startswith("P") != a_time):
            self._fail(
                f"lag {self.lag} can't be taken from the cursor {self.cursor}, which is a {kind}",
                "a duration (P1D) from a date or timestamp, a number (1000) from a number",
                "lag",
            )
        if self.keeps_history and not a_time:
            self._fail(
                f"scd2 takes valid_from from the cursor, and {self.cursor} is no time",
                "a date or timestamp, or no cursor: then valid_from is the time of the load",
                "cursor",
            )

    def _check_personal(self) -> None:
        for column in self.columns:
            if column.personal and not (column.pseudonymise or column.dropped):
                self._fail(
                    f"column {column.name} is {column.classification} and would be stored as it is",
                    "give it pseudonymise: <purpose> or drop: true",
                    column.name,
                )
            if column.pseudonymise and not IDENTIFIER.fullmatch(column.pseudonymise):
                self._fail(
                    f"column {column.name}: {column.pseudonymise!r} is no purpose of a pseudonym",
                    "lower snake case, such as pajak_kendaraan",
                    column.name,
                )
            if column.key and column.dropped:
                self._fail(
                    f"primary key column {column.name} is dropped", "pseudonymise it instead", column.name
                )
            if column.retain_original and not column.pseudonymise:
                self._fail(
                    f"column {column.name}: retain_original keeps what stands behind a pseudonym",
                    "give it pseudonymise: <purpose>",
                    column.name,
                )
        if self.evolves and any(c.personal for c in self.columns):
            self._fail(
                "a dataset with personal columns must freeze: a new column could hold persons too, unseen",
                "schema_contract: freeze",
                "schema_contract",
            )

    def _check_upload(self) -> None:
        """What only an upload, or only a workbook, has. A column "@..." elsewhere is one of the source's own."""
        if not isinstance(self.extract, FileExtract):
            return
        if self.extract.format not in WORKBOOKS and any(c.source_name == SHEET for c in self.columns):
            self._fail(f"{SHEET} is the name of a workbook's sheet", f"a {self.extract.format} file has none")
        known = {_plain(c.source_name) for c in self.columns}
        for word, names in (("fill_down", self.extract.fill_down), ("totals", self.extract.totals)):
            lost = next((name for name in names if _plain(name) not in known), None)
            if lost is not None and not self.evolves:
                self._fail(f"{word} names {lost!r}, which is no column of the contract", "a physicalName")

    def _fail(self, message: str, hint: str, at: str | None = None) -> None:
        raise ContractError(self.key, message, hint=hint, at=at)


def _plain(name: str) -> str:
    """A name as two spellings of it are compared within a contract."""
    return " ".join(normalize("NFC", name).split())
