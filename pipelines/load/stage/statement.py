"""Fills landing with the rows as they came; the parts of the stage's statement; one row of each key.

Pure SQL, run by loader.py, in this order: create landing, COPY, create stage (one_pass.py), add the primary key. If a
key comes more than once, one row of each key is kept, and the primary key is added again. If every column lands with
its final type and no row is refused, landing itself becomes the stage, so that each row is written only once.
"""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from pipelines.contracts.columns import Column
from pipelines.contracts.raw_table import DELETED, EXTRA, POSITION
from pipelines.contracts.windows import Window, period_begin, window_begin
from pipelines.extract.stream import SourceStream
from pipelines.load.plan import LoadPlan, identifiers
from pipelines.load.stage.cells import castable, cleaned_cell, sql_type, stored_value
from pipelines.load.stage.rules import OF_A_KEY, Rule, all_kept, rules
from pipelines.redaction import personal_shapes

REJECTED = sql.Identifier("pg_temp", "rejected_rows")
"""The landing rows that the stage left out (column rid, a tid). A connection has one load at a time."""

ONCE = sql.SQL(" offset '0'")
"""At the end of a subquery: PostgreSQL then computes its columns once, and not again at each use of a column.

With the quotes the planner sees a constant, and may run the subquery in parallel workers; `offset 0` prevents that.
"""


def create_landing(plan: LoadPlan) -> sql.Composed:
    """Creates landing: an unlogged table of text columns, which a recovery of PostgreSQL empties.

    An exact column (LoadPlan) has its own type. Where all columns are exact, landing may become the stage: then it is a
    logged table with the columns of raw.
    """
    contract = plan.contract
    columns = [
        (c.name, c.stored_type if c.name in plan.exact else "text", sql.SQL("")) for c in contract.stored
    ]
    if contract.evolves:
        columns.append((EXTRA, "text", sql.SQL("")))
    kind = sql.SQL("create unlogged table")
    if plan.direct:
        kind = sql.SQL("create table")
        columns += [(name, type_, sql.SQL("")) for name, type_ in (DELETED if contract.reconcile else ())]
        columns += [
            ("_batch_id", "bigint", sql.SQL(" default {}").format(sql.Literal(plan.batch_id))),
            ("_loaded_at", "timestamptz", sql.SQL(" default now()")),
        ]
    columns.append((POSITION, "text", sql.SQL("")))
    parts = [
        sql.SQL("{} {}{}").format(sql.Identifier(name), sql_type(type_), default)
        for name, type_, default in columns
    ]
    return sql.SQL("{} {} ({}) with (autovacuum_enabled = off)").format(
        kind, plan.landing, sql.SQL(", ").join(parts)
    )


def keep_out_of_statistics(plan: LoadPlan) -> sql.Composed:
    """Keeps an ANALYZE of the database from storing samples of landing's cells, which PostgreSQL would log."""
    names = [*(c.name for c in plan.contract.stored), *((EXTRA,) if plan.contract.evolves else ())]
    columns = [sql.SQL("alter column {} set statistics 0").format(sql.Identifier(name)) for name in names]
    return sql.SQL("alter table {} {}").format(plan.landing, sql.SQL(", ").join(columns))


def other_readers(plan: LoadPlan) -> sql.Composed:
    """Lists the roles besides its owner that have a right on landing. NULL is PUBLIC."""
    return sql.SQL(
        "select distinct (select rolname from pg_roles where oid = acl.grantee) from pg_class c,"
        " aclexplode(c.relacl) acl where c.oid = {}::regclass and acl.grantee <> c.relowner"
    ).format(sql.Literal(plan.landing.as_string(None)))


def revoke_landing(plan: LoadPlan, role: str | None) -> sql.Composed:
    """Takes all rights on landing from a role, or from PUBLIC (None)."""
    whom = sql.SQL("public") if role is None else sql.Identifier(role)
    return sql.SQL("revoke all on {} from {}").format(plan.landing, whom)


def copy_landing(plan: LoadPlan, stream: SourceStream) -> sql.Composed:
    """The COPY that takes the source's blocks: PostgreSQL's own text or binary format, or the source's CSV.

    Rows are written as frozen: nobody has to ask afterwards whether they are visible and mark them so, and no vacuum
    has to write those that become raw's once more. PostgreSQL allows that because the table is made in the same
    transaction.
    """
    columns = identifiers(stream.columns)
    options: list[sql.Composable] = [sql.SQL("freeze")]
    if stream.csv is not None:
        options.append(
            sql.SQL("format csv, delimiter {}, encoding {}, force_null ({})").format(
                sql.Literal(stream.csv.delimiter), sql.Literal(stream.csv.encoding), columns
            )
        )
    if stream.binary is not None:
        options.append(sql.SQL("format binary"))
    return sql.SQL("copy {} ({}) from stdin with ({})").format(
        plan.landing, columns, sql.SQL(", ").join(options)
    )


def cleaned_rows(plan: LoadPlan, landing: sql.Composable | None = None) -> sql.Composable:
    """A FROM item that joins each landing row as it came (`l`) with the row of its cleaned cells (`b`).

    landing: the FROM item to read instead of the landing table.
    """
    stored = plan.contract.stored
    cells = [
        sql.SQL("{} as {}").format(
            cleaned_cell(c, exact=c.name in plan.exact, is_number=c.name in plan.numbers),
            sql.Identifier(c.name),
        )
        for c in stored
    ]
    once = ONCE if any(c.parse for c in stored) else sql.SQL("")
    return sql.SQL("{} l cross join lateral (select {}{}) b").format(
        landing or plan.landing, sql.SQL(", ").join(cells), once
    )


def all_rules(plan: LoadPlan) -> tuple[Rule, ...]:
    """Gives the rules of the contract and of the window, or only the rules of the key if only keys are read."""
    found = rules(plan.contract, plan.exact) + _window_rule(plan) + _period_rule(plan)
    if plan.exceptions:
        found = tuple(_relaxed(plan, rule) for rule in found)
    return tuple(r for r in found if r.column.key and r.name in OF_A_KEY) if plan.only_keys else found


def _relaxed(plan: LoadPlan, rule: Rule) -> Rule:
    """The rule, kept also by the rows of its exception in the plan."""
    exception = plan.exceptions.get((rule.column.name, rule.name))
    if exception is None:
        return rule
    return replace(rule, predicate=sql.SQL("({} or {})").format(rule.predicate, exception))


def _window_rule(plan: LoadPlan) -> tuple[Rule, ...]:
    """The rule that a row lies in the window. Rows of another window belong to the load of that window."""
    if not (plan.window and plan.contract.partition):
        return ()
    column = plan.contract.column(plan.contract.partition.column)
    message = f"{column.name}: di luar jendela {plan.window.start} s.d. {plan.window.end}"
    return (Rule(column, "jendela", _in_window(plan, plan.window, column), message, "periksa tanggalnya"),)


def _period_rule(plan: LoadPlan) -> tuple[Rule, ...]:
    """The rule that a row of an upload which replaces periods has one, and that it has begun."""
    if not (plan.contract.replaces_periods and (partition := plan.contract.partition)):
        return ()
    column = plan.contract.column(partition.column)
    cell = value(plan, column)
    predicate = sql.SQL(
        "case when {castable} then coalesce({begin} between {start} and current_date, {cell} is null) else true end"
    ).format(
        castable=sql.SQL("true") if column.name in plan.exact else castable(column),
        begin=window_begin(partition.every, period_begin(column, cell)),
        start=sql.Literal(partition.start),
        cell=cell,
    )
    message = f"{column.name}: bukan periode antara {partition.start} dan hari ini"
    return (Rule(column, "periode", predicate, message, "periksa periodenya, atau partition di kontrak"),)


def _in_window(plan: LoadPlan, window: Window, column: Column) -> sql.Composable:
    """Whether a row lies in the window, by its value in raw. True also for a row without a date."""
    exact = column.name in plan.exact
    return sql.SQL("coalesce(case when {} then {} else true end, true)").format(
        sql.SQL("true") if exact else castable(column),
        window.condition(period_begin(column, value(plan, column))),
    )


def delete_other_windows(plan: LoadPlan) -> sql.Composed | None:
    """Deletes the landed rows that belong to other windows. None if the load has no window.

    It is needed if the source can only be asked for a longer span of days.
    """
    if not (plan.window and plan.contract.partition):
        return None
    column = plan.contract.column(plan.contract.partition.column)
    return sql.SQL("delete from {} where ctid in (select l.ctid from {} where not {})").format(
        plan.landing, cleaned_rows(plan), _in_window(plan, plan.window, column)
    )


def delete_expired(plan: LoadPlan) -> sql.Composed | None:
    """Deletes the landed rows whose retention is over. None if the load can have no such row.

    Otherwise a source that still has them would bring back what retention has deleted from raw.
    """
    column = plan.contract.period_column
    if plan.oldest is None or column is None or (plan.window and plan.window.start >= plan.oldest):
        return None
    exact = column.name in plan.exact
    return sql.SQL(
        "delete from {landing} where ctid in (select l.ctid from {landing} l"
        " cross join lateral (select {cell} as {name}) b"
        " where case when {castable} then {begin} < {oldest} end)"
    ).format(
        landing=plan.landing,
        cell=cleaned_cell(column, exact=exact, is_number=column.name in plan.numbers),
        name=sql.Identifier(column.name),
        castable=sql.SQL("true") if exact else castable(column),
        begin=period_begin(column, stored_value(column, exact=exact)),
        oldest=sql.Literal(plan.oldest),
    )


def delete_expired_staged(plan: LoadPlan) -> sql.Composed | None:
    """Deletes the staged rows whose retention ended while they waited for approval. None if there is no such row."""
    column = plan.contract.period_column
    if plan.oldest is None or column is None:
        return None
    begin = period_begin(column, sql.Identifier("s", column.name))
    return sql.SQL("delete from {} s where {} < {}").format(plan.stage, begin, sql.Literal(plan.oldest))


def valid(plan: LoadPlan) -> sql.Composable:
    """Whether a row of `cleaned_rows` keeps all rules."""
    return all_kept(_asked(plan))


def _asked(plan: LoadPlan) -> list[Rule]:
    """The rules that a row may break. One that no cell breaks as it came is asked of repaired cells only."""
    return [r for r in all_rules(plan) if r.name not in plan.unbroken or r.column.parse]


def any_rejected(plan: LoadPlan) -> sql.Composed | None:
    """Whether a landed row breaks a rule; None if only empty keys could, which the primary key refuses.

    `exists` would end at the first, but PostgreSQL plans no parallel workers for it, and most loads have none.
    """
    asked = [r for r in _asked(plan) if r.name != "wajib" or r.column.name not in plan.contract.identity]
    if not asked:
        return None
    return sql.SQL("select count(*) > 0 from {} where not ({})").format(cleaned_rows(plan), all_kept(asked))


def value(plan: LoadPlan, column: Column) -> sql.Composable:
    """The value that is stored in `column`, as an expression over `cleaned_rows`.

    If only keys are read, a cell of another column that cannot be cast gives NULL.
    """
    exact = column.name in plan.exact
    if exact or column.key or not plan.only_keys:
        return stored_value(column, exact=exact)
    return sql.SQL("case when {} then {} end").format(castable(column), stored_value(column))


def create_rejected() -> sql.Composed:
    """Creates the table of the landing rows that the stage leaves out."""
    return sql.SQL("create temporary table {} (rid tid)").format(REJECTED)


def stage_values(
    plan: LoadPlan, *, kept: sql.Composable | None = None, place: sql.Composable | None = None
) -> sql.Composable:
    """The select list of the stage, over `cleaned_rows`.

    kept, place: for a query that also gives refused rows, whether a row is kept, and what it has as its position
    otherwise. There POSITION and EXTRA belong to `b`.
    """

    def null(kind: str) -> sql.Composable:
        return sql.SQL("null::{}").format(sql_type(kind))

    def only_kept(value: sql.Composable, otherwise: sql.Composable) -> sql.Composable:
        if kept is None:
            return value
        return sql.SQL("case when {} then {} else {} end").format(kept, value, otherwise)

    contract = plan.contract
    # The type of each NULL has its precision, without which the whole expression would lose it.
    values = [(only_kept(value(plan, c), null(c.stored_type)), c.name) for c in contract.stored]
    if contract.evolves:
        unknown = unknown_columns() if kept is None else sql.Identifier("b", EXTRA)
        values.append((only_kept(unknown, null("jsonb")), EXTRA))
    if contract.reconcile and not contract.keeps_history:
        values += [(null(kind), name) for name, kind in DELETED]
    values += [
        (sql.SQL("{}::bigint").format(sql.Literal(plan.batch_id)), "_batch_id"),
        (sql.SQL("statement_timestamp()"), "_loaded_at"),
        (only_kept(sql.Identifier("l" if kept is None else "b", POSITION), place or null("text")), POSITION),
    ]
    return sql.SQL(", ").join(sql.SQL("{} as {}").format(cell, sql.Identifier(name)) for cell, name in values)


def unknown_columns() -> sql.Composable:
    """The unknown columns of a landing row as jsonb.

    They are not classified yet, so what looks like a person's number is masked.
    """
    name, text, cell = (sql.SQL(word) for word in ("e.key", "e.value #>> '{}'", "e.value"))
    return sql.SQL(
        "case when pg_input_is_valid(l.{extra}, 'jsonb') then (select jsonb_object_agg("
        "case when {odd_name} then {mask} else {name} end,"
        " case when {odd_cell} then to_jsonb({mask}::text) else {cell} end) from jsonb_each(l.{extra}::jsonb) e)"
        " when l.{extra} is not null then"
        " jsonb_build_object('_teks', case when {odd_text} then {mask} else l.{extra} end)"
        " end"
    ).format(
        odd_text=personal_shapes.contains_shape(
            sql.SQL("l.{}").format(sql.Identifier(EXTRA)), personal_shapes.ALL
        ),
        extra=sql.Identifier(EXTRA),
        odd_name=personal_shapes.contains_shape(name, personal_shapes.ALL),
        odd_cell=personal_shapes.contains_shape(text, personal_shapes.ALL),
        name=name,
        cell=cell,
        mask=sql.Literal(personal_shapes.MASK),
    )


def adopt_landing(plan: LoadPlan) -> list[sql.Composed]:
    """Renames landing to the stage, and removes the defaults and the setting that only landing has."""
    return [
        sql.SQL(
            "alter table {} alter column _batch_id drop default, alter column _loaded_at drop default"
        ).format(plan.landing),
        sql.SQL("alter table {} reset (autovacuum_enabled)").format(plan.landing),
        sql.SQL("alter table {} rename to {}").format(plan.landing, sql.Identifier(plan.stage_name)),
    ]


def add_primary_key(plan: LoadPlan, table: sql.Identifier) -> sql.Composed:
    """Adds the primary key to the stage, or to landing before it becomes the stage."""
    return sql.SQL("alter table {} add constraint {} primary key ({})").format(
        table,
        sql.Identifier(f"{plan.contract.table[:40]}__{plan.batch_id}_pkey"),
        identifiers(plan.contract.identity),
    )


def keep_one_row_per_key(plan: LoadPlan) -> list[sql.Composed]:
    """Keeps one of the staged rows with the same key: the latest by cursor, or the first if there is no cursor.

    `plan.duplicates` lists the landing rows whose key comes more than once (rid), and says which of them is kept.
    """
    contract = plan.contract
    names = identifiers(plan.contract.identity)
    key = sql.SQL(", ").join(value(plan, contract.column(n)) for n in plan.contract.identity)
    doubled = sql.SQL("select {0} from {1} group by {0} having count(*) > 1").format(names, plan.stage)
    order: sql.Composable = sql.SQL("l.ctid")
    if contract.cursor:
        order = sql.SQL("{} desc nulls last, l.ctid desc").format(
            value(plan, contract.column(contract.cursor))
        )
    # Only staged rows can be cast. Without ONCE the planner might cast the others, too.
    staged = sql.SQL(
        "(select ctid, * from {0} where not exists (select from {1} r where r.rid = {0}.ctid){2})"
    ).format(plan.landing, REJECTED, ONCE)
    return [
        sql.SQL(
            "create temporary table {} as select rid, n = 1 as kept from (select l.ctid as rid, row_number() over"
            " (partition by {key} order by {}) as n from {} where ({key}) in ({})) numbered"
        ).format(
            plan.duplicates,
            order,
            cleaned_rows(plan, staged),
            doubled,
            key=key,
        ),
        sql.SQL("delete from {} where ({}) in ({})").format(plan.stage, names, doubled),
        sql.SQL("insert into {} select {} from {} where l.ctid in (select rid from {} where kept)").format(
            plan.stage, stage_values(plan), cleaned_rows(plan), plan.duplicates
        ),
    ]


def count_duplicates(plan: LoadPlan) -> sql.Composed:
    """Counts the landing rows that are left out because another row with their key is kept."""
    return sql.SQL("select count(*) from {} where not kept").format(plan.duplicates)


def comments(plan: LoadPlan) -> list[sql.Composed]:
    """The statements that set the contract's descriptions as comments on the stage, from which raw gets them."""
    statements = [
        sql.SQL("comment on table {} is {}").format(
            plan.stage, sql.Literal(f"{plan.contract.title} ({plan.contract.producer})")
        )
    ]
    described = [(c.name, c.description) for c in plan.contract.stored]
    if plan.contract.evolves:
        described.append((EXTRA, "Kolom sumber yang belum dikenal kontrak, sebagai teks."))
    for name, description in described:
        statements.append(
            sql.SQL("comment on column {}.{} is {}").format(
                plan.stage, sql.Identifier(name), sql.Literal(description)
            )
        )
    return statements


def temporaries(plan: LoadPlan) -> tuple[sql.Identifier, ...]:
    """The tables that are dropped at the end of a load."""
    return (plan.landing, plan.stage, plan.duplicates, REJECTED)
