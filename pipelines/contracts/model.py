"""Defines a contract as a typed value, which refuses every contradiction between its parts.

What belongs here: what a contract means, see docs/contracts/. Not here: reading its file (files.py, document.py), SQL,
connections, Dagster. Every other room may trust a `Contract` that exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from functools import partial
from pathlib import Path
from unicodedata import normalize

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import CLASSIFICATIONS, IDENTIFIER, Column
from pipelines.contracts.upload import SHEET, WORKBOOKS, FileExtract
from pipelines.contracts.windows import CADENCES, Partition
from pipelines.errors import ContractError
from pipelines.suggest import did_you_mean

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
LONGEST_HOURS = 100 * SLA_HOURS["year"]
"""The longest duration that a contract may name. Beyond it, a date that is computed from it need not exist."""
MOST_COLUMNS = 800
"""The most columns that a load stores. A query of PostgreSQL may name 1,664, and that of the stage names each twice."""
RESERVED = frozenset({"deleted_at", "valid_from", "valid_to", "is_current"})
"""Columns that every load adds; no property may have their names."""
SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Columns that every table of PostgreSQL has (manual, section 5.6)."""


class WriteDisposition(StrEnum):
    """What a load does with the rows in raw: replace all of them, append to them, or merge into them by key."""

    REPLACE = "replace"
    APPEND = "append"
    MERGE = "merge"


class MergeStrategy(StrEnum):
    """How rows are merged. upsert: one row per key, the latest. scd2: one row per version of a key, with its time."""

    UPSERT = "upsert"
    SCD2 = "scd2"


@dataclass(frozen=True, slots=True)
class Server:
    """The server from which a dataset comes, and how much we may burden it.

    kind: "database", "api" or "upload".
    location: its URL, which may contain ${ENV_NAME}; for an upload the folder in the zone.
    rows_per_second: the most rows that we read in a second; None for no limit.
    load_hours: first and last time of day (WITA) when a load may begin, also over midnight; None for always.
    statement_timeout: seconds that one of our statements may run in a database.
    wait_limit: seconds that one load may wait for an API without an answer (extract/source_limits.py).
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
    """Says what to read from a database: a table or view, or a SELECT. where: a condition on its rows."""

    table: str | None = None
    schema: str | None = None
    where: str | None = None
    query: str | None = None

    def __post_init__(self) -> None:
        if (self.table is None) == (self.query is None):
            raise ValueError("tulis table atau query, tepat satu")
        if self.query and self.schema:
            raise ValueError("schema tidak dipakai bersama query; sebut schema di dalam query")


Extract = DatabaseExtract | ApiExtract | FileExtract


@dataclass(frozen=True, slots=True)
class Contract:
    """What one OPD promises about one dataset. mail: addresses to which alerts about it may be sent.

    approval: a person approves each load. Raises ContractError if two parts contradict each other, with the place in
    `at`.
    """

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
    approval: bool = False
    publish: bool = False
    sla: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    period: str | None = None
    mail: tuple[str, ...] = ()

    @property
    def period_column(self) -> Column | None:
        """The column whose newest value shows up to which time there are data, or None.

        It is the column that the SLA's frequency names, else the partition's column, else a cursor that is a time.
        """
        if self.period:
            return self.column(self.period)
        name = self.partition.column if self.partition else self.cursor
        found = self.column(name) if name else None
        return found if found and found.logical_type in ("date", "timestamp") else None

    @property
    def key(self) -> str:
        """The dataset's name in every room: "dinkes/kunjungan"."""
        return f"{self.opd}/{self.dataset}"

    @property
    def table(self) -> str:
        """The table's name in schema raw."""
        return f"{self.opd}__{self.dataset}"

    @property
    def classification(self) -> str:
        """The strictest class of its columns."""
        return max((c.classification for c in self.columns), key=CLASSIFICATIONS.index)

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that are stored in raw."""
        return tuple(c for c in self.columns if not c.dropped)

    @property
    def evolves(self) -> bool:
        """Whether columns that the contract does not know are kept as text in `_extra`."""
        return self.schema_contract == "evolve"

    @property
    def keeps_history(self) -> bool:
        """Whether raw has a row per version of a key (SCD2)."""
        return self.merges and self.merge_strategy is MergeStrategy.SCD2

    @property
    def merges(self) -> bool:
        """Whether a load merges its rows into raw by key."""
        return self.disposition is WriteDisposition.MERGE

    @property
    def appends(self) -> bool:
        """Whether a load adds its rows to those of raw."""
        return self.disposition is WriteDisposition.APPEND

    @property
    def takes_every_file(self) -> bool:
        """Whether every upload adds to the earlier ones; else the newest upload replaces them."""
        return self.appends or self.merges or self.replaces_periods

    @property
    def replaces_periods(self) -> bool:
        """Whether each upload replaces the periods that its rows have, and leaves the others."""
        return self.partition is not None and self.server.kind == "upload"

    @property
    def windows(self) -> Partition | None:
        """The windows that the source is asked for; None if it is read in another way."""
        return None if self.replaces_periods else self.partition

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The names of the key's columns, in their order."""
        return tuple(c.name for c in self.columns if c.key)

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns whose values identify a row of one reading: the key, and the cursor of a history."""
        if self.keeps_history and self.cursor and self.cursor not in self.primary_key:
            return (*self.primary_key, self.cursor)
        return self.primary_key

    def column(self, name: str) -> Column:
        """Returns the column of this name. Raises StopIteration if there is none."""
        return next(c for c in self.columns if c.name == name)

    def sla_hours(self, prop: str) -> float | None:
        """Returns a property of the SLA in hours; None if the contract does not promise it."""
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
            self._fail(f"dua properti bernama {twice}", "ganti nama salah satunya", twice)
        if len(self.stored) > MOST_COLUMNS:
            self._fail(
                f"{len(self.stored)} kolom melebihi batas {MOST_COLUMNS} kolom per tabel",
                "tulis drop: true pada kolom yang tidak perlu, atau bagi menjadi dua dataset dengan kunci sama",
            )
        if taken := sorted(RESERVED.intersection(names)):
            self._fail(
                f"{', '.join(taken)}: pemuatan menambah kolom dengan nama itu",
                "ganti nama properti",
                taken[0],
            )
        if self.merges and not self.primary_key:
            self._fail("merge memerlukan kunci utama", "tulis primaryKey: true", "write_disposition")
        if self.partition:
            self._check_partition(self.partition)
        if self.merge_strategy is MergeStrategy.SCD2 and not self.merges:
            self._fail(
                "merge_strategy memerlukan write_disposition: merge",
                "hapus merge_strategy, atau pakai merge",
                "merge_strategy",
            )
        self._check_cursor()
        if self.period:
            self._check_column(self.period, "frequency: element", None)
        if self.reconcile and not self.merges:
            self._fail(
                "reconcile memerlukan write_disposition: merge",
                "hapus reconcile; replace sudah menghapus baris yang hilang di sumber",
                "reconcile",
            )
        if self.reconcile and self.server.kind == "upload":
            self._fail(
                "reconcile memerlukan sumber yang dapat dibaca kuncinya",
                "hapus reconcile; hanya untuk basis data atau API",
                "reconcile",
            )

    def _check_partition(self, partition: Partition) -> None:
        def fail(message: str, hint: str) -> None:
            self._fail(message, hint, "partition")

        if self.disposition is not WriteDisposition.REPLACE:
            fail("dataset berpartisi diganti per jendela", "pakai write_disposition: replace")
        if self.server.kind == "api":
            fail("hanya basis data dan unggahan yang dapat dimuat per jendela", "hapus partition")
        name, upload = partition.column, self.replaces_periods
        self._check_column(name, "partition: column", "partition", personal=not upload)
        kind = self.column(name).logical_type
        if kind not in CADENCES or not (upload or kind in ("date", "timestamp")):
            known = "date, timestamp, tahun (integer), atau teks YYYY-MM" if upload else "date atau timestamp"
            fail(f"partition: column {name} bukan waktu", f"pakai {known}")
        if partition.every not in CADENCES[kind]:
            shortest = CADENCES[kind][0]
            fail(f"partition: {name} membedakan jendela paling pendek {shortest}", f"pakai every: {shortest}")
        if upload and not self.column(name).required:
            fail(f"partition: {name} boleh kosong, jadi baris dapat tidak berperiode", "tulis required: true")

    def _check_cursor(self) -> None:
        if isinstance(self.extract, ApiExtract) and self.extract.incremental_param and not self.cursor:
            self._fail(
                "incremental_param memerlukan cursor, karena meminta rekaman sejak nilai terakhirnya",
                "tulis cursor",
                "extract",
            )
        if self.lag and not self.cursor:
            self._fail("lag memerlukan cursor", "tulis cursor, atau hapus lag", "lag")
        if not self.cursor:
            return
        if self.disposition is WriteDisposition.REPLACE:
            self._fail(
                "cursor memerlukan write_disposition: merge atau append",
                "hapus cursor, atau pakai merge atau append",
                "cursor",
            )
        self._check_column(self.cursor, "cursor", "cursor")
        if not self.column(self.cursor).required:
            self._fail(
                f"cursor {self.cursor} boleh kosong, dan baris seperti itu tidak akan dibaca lagi",
                "tulis required: true pada kolom itu",
                "cursor",
            )
        kind = self.column(self.cursor).logical_type
        a_time = kind in ("date", "timestamp")
        if self.lag and (kind == "string" or self.lag.startswith("P") != a_time):
            self._fail(
                f"lag {self.lag} tidak dapat dikurangkan dari cursor {self.cursor} yang bertipe {kind}",
                "tulis durasi (P1D) untuk date atau timestamp, angka (1000) untuk angka",
                "lag",
            )
        if self.keeps_history and not a_time:
            self._fail(
                f"scd2 mengambil valid_from dari cursor, tetapi {self.cursor} bukan waktu",
                "pakai date atau timestamp, atau hapus cursor: valid_from lalu menjadi waktu pemuatan",
                "cursor",
            )

    def _check_personal(self) -> None:
        fail = partial(self._fail, code="GDK-K018")
        for column in self.columns:
            if column.personal and not (column.pseudonymise or column.dropped):
                fail(
                    f"{column.name}: kolom {column.classification} akan tersimpan apa adanya",
                    "tulis pseudonymise: <tujuan> atau drop: true",
                    column.name,
                )
            if column.pseudonymise and not IDENTIFIER.fullmatch(column.pseudonymise):
                fail(
                    f"{column.name}: pseudonymise {column.pseudonymise!r} bukan nama tujuan yang sah",
                    "huruf kecil, angka, dan garis bawah, misalnya pajak_kendaraan",
                    column.name,
                )
            if column.key and column.dropped:
                fail(f"{column.name}: kolom kunci utama memakai drop", "pakai pseudonymise", column.name)
            if column.retain_original and not column.pseudonymise:
                fail(
                    f"{column.name}: retain_original menyimpan nilai asli di balik pseudonim",
                    "tulis pseudonymise: <tujuan>",
                    column.name,
                )
        if self.evolves and any(c.personal for c in self.columns):
            fail(
                "dataset dengan kolom pribadi harus freeze: kolom baru dapat memuat data pribadi tanpa diketahui",
                "tulis schema_contract: freeze",
                "schema_contract",
            )

    def _check_upload(self) -> None:
        """Refuses names that only an upload, or only a workbook, gives. Other sources may have columns named "@..."."""
        if not isinstance(self.extract, FileExtract):
            return
        if self.extract.format not in WORKBOOKS and any(c.source_name == SHEET for c in self.columns):
            self._fail(
                f"{SHEET} adalah nama lembar buku kerja",
                f"berkas {self.extract.format} tidak mempunyai lembar",
                code="GDK-K016",
            )
        known = {_plain(c.source_name): c.source_name for c in self.columns}
        for word, names in (("fill_down", self.extract.fill_down), ("totals", self.extract.totals)):
            lost = next((name for name in names if _plain(name) not in known), None)
            if lost is not None and not self.evolves:
                hint = did_you_mean(lost, known.values()) or "tulis salah satu physicalName"
                self._fail(f"{word}: {lost!r} bukan kolom kontrak", hint, "extract", code="GDK-K016")

    def _check_column(self, name: str, what: str, at: str | None, *, personal: bool = False) -> None:
        """Raises ContractError unless `name` is a stored column. It may be personal only if `personal` says so."""
        if name in {c.name for c in self.stored if personal or not c.personal}:
            return
        column = next((c for c in self.columns if c.name == name), None)
        why = "bukan properti" if column is None else "dibuang (drop)" if column.dropped else "kolom pribadi"
        hint = did_you_mean(name, (c.name for c in self.stored)) if column is None else ""
        self._fail(f"{what} {name} {why}", hint or "tulis nama salah satu properti lain", at)

    def _fail(self, message: str, hint: str, at: str | None = None, *, code: str = "GDK-K017") -> None:
        raise ContractError(self.key, message, hint=hint, at=at, code=code)


def _plain(name: str) -> str:
    """Returns a name in the form in which its spellings are equal: NFC, single blanks."""
    return " ".join(normalize("NFC", name).split())
