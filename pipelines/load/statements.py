"""The statements of one load, made from its contract. Pure: they are built here and run in loader.py.

Order of a load: landing, (COPY), stage, primary key, [duplicates, stage again], quarantine, compare, publish.
Columns of raw beside the contract's: `_batch_id`, `_loaded_at`, `_source_position`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from psycopg import sql

from pipelines.contracts import Contract, WriteDisposition
from pipelines.extract.stream import POSITION
from pipelines.load.rules import MASK, Rule, cleaned, declared, repaired, rules, typed

ORIGIN: tuple[tuple[str, str], ...] = (
    ("_batch_id", "bigint"),
    ("_loaded_at", "timestamptz"),
    (POSITION, "text"),
)


@dataclass(frozen=True, slots=True)
class Window:
    """A range of days, both ends in it, of the contract's partition column."""

    start: date
    end: date

    def condition(self, contract: Contract, alias: str) -> sql.Composable:
        assert contract.partition is not None
        return sql.SQL("{0} >= {1} and {0} < ({2}::date + 1)").format(
            sql.Identifier(alias, contract.partition.column), sql.Literal(self.start), sql.Literal(self.end)
        )


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How one batch of one dataset goes from landing into raw."""

    contract: Contract
    batch_id: int
    window: Window | None = None

    @property
    def landing(self) -> sql.Identifier:
        return sql.Identifier("landing", f"{self.contract.table[:40]}__{self.batch_id}_landing")

    @property
    def stage_name(self) -> str:
        return f"{self.contract.table[:40]}__{self.batch_id}_stage"

    @property
    def stage(self) -> sql.Identifier:
        return sql.Identifier("landing", self.stage_name)

    @property
    def duplicates(self) -> sql.Identifier:
        return sql.Identifier("landing", f"{self.contract.table[:40]}__{self.batch_id}_duplicates")

    @property
    def raw(self) -> sql.Identifier:
        return sql.Identifier("raw", self.contract.table)

    @property
    def merges(self) -> bool:
        return self.contract.disposition is WriteDisposition.MERGE

    def _names(self, alias: str | None = None) -> sql.Composable:
        parts = [(alias, c.name) if alias else (c.name,) for c in self.contract.stored]
        return sql.SQL(", ").join(sql.Identifier(*p) for p in parts)

    def _origin(self) -> sql.Composable:
        return sql.SQL("{}::bigint as _batch_id, statement_timestamp() as _loaded_at, l.{} as {}").format(
            sql.Literal(self.batch_id), sql.Identifier(POSITION), sql.Identifier(POSITION)
        )

    # -- landing ---------------------------------------------------------------------------------------------

    def create_raw(self) -> sql.Composed:
        columns = [(c.name, c.stored_type) for c in self.contract.stored] + list(ORIGIN)
        key = self.contract.primary_key
        parts = [sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in columns]  # type: ignore[arg-type]
        if key:
            parts.append(sql.SQL("primary key ({})").format(_identifiers(key)))
        return sql.SQL("create table if not exists {} ({})").format(self.raw, sql.SQL(", ").join(parts))

    def create_landing(self) -> sql.Composed:
        names = [c.name for c in self.contract.stored] + [POSITION]
        columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(n)) for n in names)
        return sql.SQL("create unlogged table {} ({}) with (autovacuum_enabled = off)").format(
            self.landing, columns
        )

    def copy_landing(self, columns: tuple[str, ...]) -> sql.Composed:
        return sql.SQL("copy {} ({}) from stdin").format(self.landing, _identifiers(columns))

    # -- stage -----------------------------------------------------------------------------------------------

    def _cleaned(self) -> sql.Composable:
        """The landing rows with cleaned cells beside them: `l` is the row as it came, `b` its cleaned text."""
        cells = [sql.SQL("{} as {}").format(cleaned(c), sql.Identifier(c.name)) for c in self.contract.stored]
        # "offset 0" keeps the planner from repeating a parser in every predicate that reads its cell.
        once = sql.SQL(" offset 0" if any(c.parse for c in self.contract.stored) else "")
        return sql.SQL("{} l cross join lateral (select {}{}) b").format(
            self.landing, sql.SQL(", ").join(cells), once
        )

    def _all_rules(self) -> tuple[Rule, ...]:
        return rules(self.contract) + self._window_rule()

    def _window_rule(self) -> tuple[Rule, ...]:
        """A row outside the window that was asked for would be doubled by the next one."""
        if not (self.window and self.contract.partition):
            return ()
        column = self.contract.column(self.contract.partition.column)
        text = sql.Identifier("b", column.name)
        predicate = sql.SQL(
            "({0} is null or not pg_input_is_valid({0}, 'timestamp') or {0}::timestamp::date between {1} and {2})"
        ).format(text, sql.Literal(self.window.start), sql.Literal(self.window.end))
        message = f"{column.name}: di luar jendela {self.window.start} s.d. {self.window.end}"
        return (Rule(column, "jendela", predicate, message, "periksa tanggalnya"),)

    def _valid(self) -> sql.Composable:
        predicates = [r.predicate for r in self._all_rules()]
        return sql.SQL(" and ").join(predicates) if predicates else sql.SQL("true")

    def create_stage(self, *, deduplicate: bool = False) -> sql.Composed:
        values = [sql.SQL("{} as {}").format(typed(c), sql.Identifier(c.name)) for c in self.contract.stored]
        condition = self._valid()
        if deduplicate:
            condition = sql.SQL("{} and l.ctid not in (select rid from {})").format(
                condition, self.duplicates
            )
        return sql.SQL("create table {} as select {}, {} from {} where {}").format(
            self.stage, sql.SQL(", ").join(values), self._origin(), self._cleaned(), condition
        )

    def add_primary_key(self) -> sql.Composed:
        return sql.SQL("alter table {} add constraint {} primary key ({})").format(
            self.stage,
            sql.Identifier(f"{self.contract.table[:40]}__{self.batch_id}_pkey"),
            _identifiers(self.contract.primary_key),
        )

    def find_duplicates(self) -> sql.Composed:
        """Of the valid rows with one key, all but one: the latest by cursor, else the first that came, stays."""
        key = sql.SQL(", ").join(typed(self.contract.column(n)) for n in self.contract.primary_key)
        order: sql.Composable = sql.SQL("l.ctid")
        if self.contract.cursor:
            order = sql.SQL("{} desc nulls last, l.ctid").format(
                typed(self.contract.column(self.contract.cursor))
            )
        return sql.SQL(
            "create unlogged table {} as select rid from (select l.ctid as rid, row_number() over"
            " (partition by {} order by {}) as n from {} where {}) numbered where n > 1"
        ).format(self.duplicates, key, order, self._cleaned(), self._valid())

    def count_repairs(self) -> sql.Composed | None:
        """One row a declared repair: its column, its name, and how many cells it changed."""
        found: list[tuple[str, str]] = []
        changed: list[sql.Composable] = []
        source: sql.Composable = sql.SQL("{} r0").format(self.landing)
        depth = 0
        while now := [c for c in self.contract.stored if len(declared(c)) > depth]:
            cells: list[sql.Composable] = []
            for column in now:
                repair = declared(column)[depth]
                before = sql.Identifier(f"r{depth}", column.name)
                after = sql.Identifier(f"r{depth + 1}", column.name)
                cells.append(
                    sql.SQL("{} as {}").format(repaired(column, repair, before), sql.Identifier(column.name))
                )
                changed.append(
                    sql.SQL("count(*) filter (where {} is distinct from {})").format(before, after)
                )
                found.append((column.name, repair))
            depth += 1
            # Each repair sees what the one before it left; "offset 0" keeps it from being computed twice.
            source = sql.SQL("{} cross join lateral (select {} offset 0) {}").format(
                source, sql.SQL(", ").join(cells), sql.Identifier(f"r{depth}")
            )
        if not found:
            return None
        return sql.SQL("select unnest({}::text[]), unnest({}::text[]), unnest(array[{}]) from {}").format(
            sql.Literal([column for column, _ in found]),
            sql.Literal([repair for _, repair in found]),
            sql.SQL(", ").join(changed),
            source,
        )

    def comments(self) -> list[sql.Composed]:
        statements = [
            sql.SQL("comment on table {} is {}").format(
                self.stage, sql.Literal(f"{self.contract.title} ({self.contract.producer})")
            )
        ]
        for column in self.contract.stored:
            statements.append(
                sql.SQL("comment on column {}.{} is {}").format(
                    self.stage, sql.Identifier(column.name), sql.Literal(column.description)
                )
            )
        return statements

    # -- quarantine ------------------------------------------------------------------------------------------

    def quarantine(self, *, deduplicated: bool) -> sql.Composed:
        """Rejected rows into quarantine.row, once each however often they come; gives the number of rows."""
        rejected: sql.Composable = sql.SQL("not ({})").format(self._valid())
        reasons = [_reason(r) for r in self._all_rules()]
        if deduplicated:
            rejected = sql.SQL("{} or l.ctid in (select rid from {})").format(rejected, self.duplicates)
            reasons.append(self._duplicate_reason())
        return sql.SQL(
            "with rejected as ("
            " select {position} as position, {key} as key, {row} as row,"
            "  (select jsonb_agg(r.reason) from unnest(array[{reasons}]::jsonb[]) as r(reason)"
            "   where r.reason is not null) as reasons"
            " from {source} where {rejected}),"
            " hashed as (select *, md5(row::text || coalesce(reasons::text, '')) as row_hash from rejected),"
            " numbered as (select *, count(*) over () as total,"
            "  row_number() over (partition by row_hash order by position) as n from hashed),"
            " kept as (insert into quarantine.row (dataset, first_batch_id, last_batch_id, source_position, row_key,"
            "  row, reasons, row_hash) select {dataset}, {batch}, {batch}, position, key, row, reasons, row_hash"
            "  from numbered where n = 1 on conflict (dataset, row_hash) where state = 'open' do update set"
            "  last_batch_id = excluded.last_batch_id, source_position = excluded.source_position,"
            "  updated_at = clock_timestamp() returning 1)"
            " select coalesce(max(total), 0), (select count(*) from kept) from numbered"
        ).format(
            position=self._position(),
            key=self._row_key(),
            row=self._masked_row(),
            reasons=sql.SQL(", ").join(reasons),
            source=self._cleaned(),
            rejected=rejected,
            dataset=sql.Literal(self.contract.key),
            batch=sql.Literal(self.batch_id),
        )

    def _row_key(self, alias: str = "b") -> sql.Composable:
        """The key as text, comparable between a rejected row and a row of raw; pseudonyms where it is personal."""
        if not self.contract.primary_key:
            return sql.SQL("null::text")
        parts: list[sql.Composable] = []
        for name in self.contract.primary_key:
            column = self.contract.column(name)
            cell: sql.Composable = sql.Identifier(alias, name)
            if column.pseudonymise and alias == "b":
                cell = sql.SQL("ops.pseudonim({}, {})").format(cell, sql.Literal(column.pseudonymise))
            parts.append(sql.SQL("{}::text").format(cell))
        return sql.SQL("concat_ws('|', {})").format(sql.SQL(", ").join(parts))

    def _position(self) -> sql.Composable:
        position = sql.Identifier("l", POSITION)
        if not self.contract.primary_key:
            return position
        return sql.SQL("coalesce({}, 'kunci ' || {})").format(position, self._row_key())

    def _masked_row(self) -> sql.Composable:
        parts: list[sql.Composable] = []
        for column in self.contract.stored:
            cell: sql.Composable = sql.Identifier("l", column.name)
            if column.personal:
                cell = sql.SQL("case when {} is null then null else {} end").format(cell, sql.Literal(MASK))
            parts.append(sql.SQL("{}, {}").format(sql.Literal(column.name), cell))
        pairs = [sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(c)) for c in _chunks(parts, 40)]
        return sql.SQL(" || ").join(pairs)

    def _duplicate_reason(self) -> sql.Composable:
        key = ", ".join(self.contract.primary_key)
        built = sql.SQL(
            "jsonb_build_object('kolom', {}, 'aturan', 'kunci_ganda', 'pesan', {}, 'perbaikan', {})"
        ).format(
            sql.Literal(key),
            sql.Literal(f"{key}: kunci sudah dipakai baris lain pada kiriman yang sama"),
            sql.Literal("hapus salah satu, atau perbaiki kuncinya"),
        )
        return sql.SQL("case when l.ctid in (select rid from {}) then {} end").format(self.duplicates, built)

    def resolve_quarantine(self) -> sql.Composed:
        """Open entries that this load mended: those a full read no longer shows, or whose key is now in raw."""
        start = sql.SQL(
            "update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()"
            " where q.dataset = {} and q.state = 'open' and q.last_batch_id < {}"
        ).format(sql.Literal(self.contract.key), sql.Literal(self.batch_id))
        if not self.merges and self.window is None:
            return start
        if not self.contract.primary_key:
            return sql.SQL("{} and false").format(start)
        return sql.SQL("{} and exists (select from {} s where {} = q.row_key)").format(
            start, self.stage, self._row_key("s")
        )

    # -- publish ---------------------------------------------------------------------------------------------

    def count_new(self) -> sql.Composed:
        """How many staged rows are not in raw exactly so, and how many of raw are not in stage."""
        where = self.window.condition(self.contract, "r") if self.window else sql.SQL("true")
        missing = sql.SQL("(select {} from {} r where {} except all select {} from {})").format(
            self._names(), self.raw, where, self._names(), self.stage
        )
        added = sql.SQL("(select {} from {} except all select {} from {} r where {})").format(
            self._names(), self.stage, self._names(), self.raw, where
        )
        return sql.SQL("select (select count(*) from {} a), (select count(*) from {} m)").format(
            added, missing
        )

    def count_deleted(self) -> sql.Composed:
        """Rows of raw (in the window) whose key is gone from the source."""
        where = self.window.condition(self.contract, "r") if self.window else sql.SQL("true")
        same = sql.SQL(" and ").join(
            sql.SQL("s.{0} = r.{0}").format(sql.Identifier(n)) for n in self.contract.primary_key
        )
        return sql.SQL(
            "select count(*) from {} r where {} and not exists (select from {} s where {})"
        ).format(self.raw, where, self.stage, same)

    def delete_window(self) -> sql.Composed:
        assert self.window is not None
        return sql.SQL("delete from {} r where {}").format(
            self.raw, self.window.condition(self.contract, "r")
        )

    def insert_stage(self) -> sql.Composed:
        names = sql.SQL(", ").join([self._names(), *(sql.Identifier(n) for n, _ in ORIGIN)])
        return sql.SQL("insert into {} ({}) select {} from {}").format(self.raw, names, names, self.stage)

    def merge_stage(self) -> sql.Composed:
        """Upsert by primary key: a row changes only where one of the contract's columns does."""
        changing = [c.name for c in self.contract.stored] + [n for n, _ in ORIGIN]
        assignments = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(n))
            for n in changing
            if n not in self.contract.primary_key
        )
        stale: sql.Composable = sql.SQL("")
        if self.contract.cursor:
            stale = sql.SQL(" and t.{0} is not distinct from least(t.{0}, excluded.{0})").format(
                sql.Identifier(self.contract.cursor)
            )
        return sql.SQL("{} on conflict ({}) do update set {} where ({}) is distinct from ({}){}").format(
            sql.SQL("insert into {} as t ({}) select {} from {}").format(
                self.raw, _identifiers(changing), _identifiers(changing), self.stage
            ),
            _identifiers(self.contract.primary_key),
            assignments,
            self._names("t"),
            self._names("excluded"),
            stale,
        )

    def advance_watermark(self) -> sql.Composed:
        assert self.contract.cursor is not None
        column = self.contract.column(self.contract.cursor)
        return sql.SQL(
            "insert into ops.watermark (dataset, value, batch_id)"
            " select {dataset}, to_jsonb(max({cursor}))#>>'{{}}', {batch} from {stage} having max({cursor}) is not null"
            " on conflict (dataset) do update set value = to_jsonb(greatest(ops.watermark.value::{type},"
            " excluded.value::{type}))#>>'{{}}', batch_id = excluded.batch_id"
        ).format(
            dataset=sql.Literal(self.contract.key),
            cursor=sql.Identifier(column.name),
            batch=sql.Literal(self.batch_id),
            stage=self.stage,
            type=sql.SQL(column.type),  # type: ignore[arg-type]
        )


def expected_shape(contract: Contract) -> list[tuple[str, str]]:
    """Name and type of every column of raw, as PostgreSQL's format_type writes them, without blanks."""
    long = {
        "timestamp": "timestampwithouttimezone",
        "timestamptz": "timestampwithtimezone",
        "time": "timewithouttimezone",
    }
    columns = [(c.name, c.stored_type) for c in contract.stored] + list(ORIGIN)
    return [(name, long.get(kind, kind.replace(" ", ""))) for name, kind in columns]


RAW_SHAPE = sql.SQL(
    "select attname, replace(format_type(atttypid, atttypmod), ' ', '') from pg_attribute"
    " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum"
)


def read_since(contract: Contract) -> sql.Composed:
    """Where the next incremental read begins: the watermark less the contract's lag, in ISO 8601."""
    assert contract.cursor is not None
    column = contract.column(contract.cursor)
    return sql.SQL(
        "select to_jsonb(value::{} - {}::interval)#>>'{{}}' from ops.watermark where dataset = {}"
    ).format(
        sql.SQL(column.type),  # type: ignore[arg-type]
        sql.Literal(contract.lag or "PT0S"),
        sql.Literal(contract.key),
    )


def _identifiers(names: tuple[str, ...] | list[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _reason(rule: Rule) -> sql.Composable:
    value: sql.Composable = sql.Identifier("l", rule.column.name)
    if rule.column.personal:
        value = sql.SQL("case when {} is null then null else {} end").format(value, sql.Literal(MASK))
    return sql.SQL(
        "case when not {} then jsonb_build_object("
        "'kolom', {}, 'aturan', {}, 'nilai', {}, 'pesan', {}, 'perbaikan', {}) end"
    ).format(
        rule.predicate,
        sql.Literal(rule.column.name),
        sql.Literal(rule.name),
        value,
        sql.Literal(rule.message),
        sql.Literal(rule.hint),
    )


def _chunks(parts: list[sql.Composable], size: int) -> list[list[sql.Composable]]:
    return [parts[i : i + size] for i in range(0, len(parts), size)]
