"""Describes one load as a value: contract, batch and rows to read, and the tables that it uses.

What belongs here: names and columns of landing, stage and raw. Not here: the statements made from them
(load/stage/, load/apply/), running them (loader.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from psycopg import sql

from pipelines.clock import TIMEZONE
from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import DELETED, EXTRA, raw_columns, raw_key
from pipelines.contracts.windows import Window, period_begin, window_begin
from pipelines.load.stage.cells import sql_type
from pipelines.load.waits import WAITS, Waits


@dataclass(frozen=True, slots=True)
class Held:
    """What a load that waited for approval has kept of its landing, which is gone.

    cursor_text: the text that an API wrote for the highest cursor value. fingerprints: those of the keys of its
    pseudonyms, by purpose.
    """

    cursor_text: str | None
    fingerprints: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How one batch of one dataset goes from landing into raw.

    since: the cursor value from which an incremental read begins (ISO 8601); None if everything is read.
    since_text: the same value as the API writes it; None for other sources.
    full_refresh: everything is read, and replaces all rows of raw, whatever the disposition.
    file: the name of the upload that is read, if uploads are appended or replace periods.
    periods: the first day of each period that the upload replaces, and the number of its rows; None for other loads.
    newer: the first days of the periods that raw has from uploads that came after this one.
    exact: names of columns that land typed and need no cast: the source guarantees the type, or PostgreSQL accepted all
    values.
    numbers: names of columns that the source keeps as numbers: 1.234 is no thousand there.
    unbroken: the rules of rows that no cell breaks as it came.
    allow_empty: the source may give no row, or far fewer than before.
    oldest: the first day whose rows the contract's retention still keeps; None if age does not matter.
    held: what is known of a load that waited for approval; None for one whose landing is there.
    only_keys: only the source's keys are read; the cells of other columns are not checked.
    exceptions: by column and rule, the condition on a row that may break this rule, because the OPD has confirmed it.
    """

    contract: Contract
    batch_id: int
    window: Window | None = None
    since: str | None = None
    since_text: str | None = None
    full_refresh: bool = False
    file: str | None = None
    periods: Mapping[date, int] | None = None
    newer: Sequence[date] = ()
    exact: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    unbroken: frozenset[str] = frozenset()
    allow_empty: bool = False
    only_keys: bool = False
    oldest: date | None = None
    exceptions: Mapping[tuple[str, str], sql.Composable] = field(
        default_factory=dict[tuple[str, str], sql.Composable]
    )
    held: Held | None = None
    waits: Waits = WAITS

    def _name(self, what: str) -> str:
        """A table's name for this batch. The dataset's name in it is cut, because PostgreSQL allows 63 bytes."""
        return f"{self.contract.table[:40]}__{self.batch_id}_{what}"

    @property
    def private(self) -> bool:
        """Whether landing has unmasked personal values."""
        return any(c.personal for c in self.contract.stored)

    @property
    def direct(self) -> bool:
        """Whether landing may become the stage: every column lands with its final type, and none is unknown."""
        if self.private or self.contract.evolves:
            return False
        return self.exact.issuperset(c.name for c in self.contract.stored)

    @property
    def reads_everything(self) -> bool:
        """Whether the load reads everything that the source has.

        One of several merged files is not everything. In a history without a cursor it is, because there each file has
        all rows.
        """
        if self.full_refresh:
            return True
        if self.contract.server.kind == "upload" and self.contract.merges:
            return self.contract.keeps_history and self.contract.cursor is None
        return self.window is None and self.since is None and self.file is None

    @property
    def landing_name(self) -> str:
        """The name of the landing table."""
        return self._name("landing")

    @property
    def landing(self) -> sql.Identifier:
        """The table with the rows as they came."""
        return sql.Identifier("landing", self.landing_name)

    @property
    def stage_name(self) -> str:
        """The name of the stage."""
        return self._name("stage")

    @property
    def stage(self) -> sql.Identifier:
        """The table with the valid rows, cast to their types."""
        return sql.Identifier("landing", self.stage_name)

    @property
    def renewed_name(self) -> str:
        """The name of the new table that replaces a raw table without rows."""
        return self._name("baru")

    @property
    def duplicates(self) -> sql.Identifier:
        """The temporary table that lists the landing rows whose key comes more than once."""
        return sql.Identifier("pg_temp", self._name("duplicates"))

    @property
    def raw(self) -> sql.Identifier:
        """The dataset's table in raw."""
        return sql.Identifier("raw", self.contract.table)

    @property
    def content(self) -> tuple[str, ...]:
        """The names of the columns by which we see whether a row changed."""
        return tuple(c.name for c in self.contract.stored) + ((EXTRA,) if self.contract.evolves else ())

    @property
    def compared(self) -> tuple[str, ...]:
        """The content, and deleted_at if raw has it, so that a deleted row that comes back counts as changed."""
        marked = self.contract.reconcile and not self.contract.keeps_history
        return self.content + (tuple(n for n, _ in DELETED) if marked else ())

    def names(self, alias: str | None = None) -> sql.Composable:
        """The content columns as an SQL list, each with `alias` before it."""
        return identifiers(self.content, alias)

    def same_key(self, left: str, right: str) -> sql.Composable:
        """Whether the rows of two aliases have the same primary key."""
        return sql.SQL(" and ").join(
            sql.SQL("{} = {}").format(sql.Identifier(left, n), sql.Identifier(right, n))
            for n in self.contract.primary_key
        )

    def moment(self, alias: str) -> sql.Composable:
        """The day or moment of a row by which a partitioned dataset is divided."""
        assert self.contract.partition is not None
        column = self.contract.column(self.contract.partition.column)
        return period_begin(column, sql.Identifier(alias, column.name))

    def scope(self, alias: str) -> sql.Composable:
        """A condition for the rows of raw that this load replaces: those of its window, periods or file, or all."""
        if self.window:
            return self.window.condition(self.moment(alias))
        if self.periods is not None and self.contract.partition and not self.full_refresh:
            begin = window_begin(self.contract.partition.every, self.moment(alias))
            return sql.SQL("{} = any({}::date[])").format(begin, sql.Literal(sorted(self.periods)))
        if self.file is not None and not self.full_refresh:
            return sql.SQL(
                "{} in (select batch_id from ops.load_batch where dataset = {} and source_name = {})"
            ).format(
                sql.Identifier(alias, "_batch_id"), sql.Literal(self.contract.key), sql.Literal(self.file)
            )
        return sql.SQL("true")


def oldest_kept(contract: Contract, today: date | None = None) -> date | None:
    """The first day whose rows the contract's retention still keeps; None if rows are kept whatever their age is.

    A row's age is that of its period. A history keeps its versions. A reconciliation compares all keys of the source,
    so it would read the older rows again and again. today: by default the day in WITA.
    """
    hours = contract.sla_hours("retention")
    if hours is None or contract.period_column is None or contract.keeps_history or contract.reconcile:
        return None
    return (today or datetime.now(ZoneInfo(TIMEZONE)).date()) - timedelta(hours=hours)


def create_raw(contract: Contract, table: str | None = None) -> list[sql.Composed]:
    """The statements that create the raw table if it does not exist.

    table: another name than the dataset's.
    """
    raw = sql.Identifier("raw", table or contract.table)
    parts = [sql.SQL("{} {}").format(sql.Identifier(n), sql_type(t)) for n, t in raw_columns(contract)]
    if key := raw_key(contract):
        parts.append(sql.SQL("primary key ({})").format(identifiers(key)))
    statements = [sql.SQL("create table if not exists {} ({})").format(raw, sql.SQL(", ").join(parts))]
    if contract.keeps_history:
        name = current_index(table or contract.table)
        index = sql.SQL("create unique index {} on {} ({}) where is_current").format(
            sql.Identifier(name), raw, identifiers(contract.primary_key)
        )
        # "create index if not exists" would wait for a session that writes into the table, even if the index exists. If
        # the table is older than the contract's history, it lacks is_current and stays as it is: the load raises an
        # error that says what to do.
        statements.append(
            sql.SQL("do {}").format(
                sql.Literal(
                    f"begin if to_regclass('raw.{name}') is null and exists (select from pg_attribute where attrelid"
                    f" = {sql.Literal(raw.as_string()).as_string()}::regclass and attname = 'is_current')"
                    f" then {index.as_string()}; end if; end"
                )
            )
        )
    return statements


def current_index(table: str) -> str:
    """The name of the unique index that allows only one current version of a key."""
    return f"{table}_current"


RAW_SHAPE = sql.SQL(
    "select attname, replace(format_type(atttypid, atttypmod), ' ', '') from pg_attribute"
    " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum"
)
"""Name and type of every column of a table, whose name is the parameter; types as `expected_shape` writes them."""


def expected_shape(contract: Contract) -> list[tuple[str, str]]:
    """Name and type of every column of raw, as PostgreSQL's format_type writes them, without blanks."""
    long = {
        "timestamp": "timestampwithouttimezone",
        "timestamptz": "timestampwithtimezone",
        "time": "timewithouttimezone",
    }
    return [(name, long.get(kind, kind.replace(" ", ""))) for name, kind in raw_columns(contract)]


def identifiers(names: Sequence[str], alias: str | None = None) -> sql.Composable:
    """Column names as an SQL list, each with `alias` before it."""
    return sql.SQL(", ").join(sql.Identifier(*((alias, n) if alias else (n,))) for n in names)
