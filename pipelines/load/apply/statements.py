"""Statements that replace, append or upsert the staged rows in raw. Pure SQL, run by dispositions.py.

Not here: versions of a history (history.py), rows that are gone at the source (reconcile.py).
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.raw_table import raw_columns
from pipelines.contracts.windows import window_begin
from pipelines.load.plan import LoadPlan, identifiers
from pipelines.load.stage.cells import sql_type
from pipelines.load.watermark import is_possible


def is_empty(plan: LoadPlan) -> sql.Composed:
    """Whether raw has no row at all."""
    return sql.SQL("select not exists (select from {})").format(plan.raw)


def count_changes(plan: LoadPlan) -> sql.Composed:
    """Counts the staged rows that raw lacks or has otherwise, those that it lacks, and the rows that would go.

    Only rows of raw in the load's scope are compared. With a primary key, a changed row counts only as changed. Without
    one, it counts as lacking, and its old version as gone.
    """
    if not plan.contract.primary_key:
        missing = sql.SQL("(select {} from {} r where {} except all select {} from {})").format(
            plan.names(), plan.raw, plan.scope("r"), plan.names(), plan.stage
        )
        added = sql.SQL("(select {} from {} except all select {} from {} r where {})").format(
            plan.names(), plan.stage, plan.names(), plan.raw, plan.scope("r")
        )
        return sql.SQL(
            "select added, added, (select count(*) from {} m) from (select count(*) from {} a) a (added)"
        ).format(missing, added)
    first_key = plan.contract.primary_key[0]
    return sql.SQL(
        "select count(*) filter (where {s_key} is not null and ({r_key} is null or ({r}) is distinct from ({s}))),"
        " count(*) filter (where {r_key} is null), count(*) filter (where {s_key} is null)"
        " from {stage} s full join (select * from {raw} r where {scope}) r on {same}"
    ).format(
        r_key=sql.Identifier("r", first_key),
        s_key=sql.Identifier("s", first_key),
        r=identifiers(plan.compared, "r"),
        s=identifiers(plan.compared, "s"),
        stage=plan.stage,
        raw=plan.raw,
        scope=plan.scope("r"),
        same=plan.same_key("s", "r"),
    )


def count_new(plan: LoadPlan) -> sql.Composed:
    """Counts the staged rows whose key raw does not have."""
    return sql.SQL("select count(*) from {} s where not exists (select from {} r where {})").format(
        plan.stage, plan.raw, plan.same_key("s", "r")
    )


def replaces_all(plan: LoadPlan) -> sql.Composed:
    """Whether raw has no row outside of the load's scope, so that the stage may replace the whole table."""
    return sql.SQL("select not exists (select from {} r where ({}) is not true)").format(
        plan.raw, plan.scope("r")
    )


def move_stage(plan: LoadPlan) -> sql.Composed:
    """Moves the stage into schema raw, under its own name, because an exchange needs both tables in one schema."""
    return sql.SQL("alter table {} set schema raw").format(plan.stage)


def delete_scope(plan: LoadPlan) -> sql.Composed:
    """Deletes the rows of raw that the staged rows replace."""
    return sql.SQL("delete from {} r where {}").format(plan.raw, plan.scope("r"))


def delete_moved(plan: LoadPlan) -> sql.Composed:
    """Deletes rows outside of the scope whose key is staged: the source has them in the scope now."""
    return sql.SQL("delete from {} r using {} s where {} and ({}) is not true").format(
        plan.raw, plan.stage, plan.same_key("s", "r"), plan.scope("r")
    )


def drop_overtaken(plan: LoadPlan) -> sql.Composed:
    """Deletes the staged rows whose key raw has outside of the scope, in a period of a newer upload."""
    assert plan.contract.partition is not None
    begin = window_begin(plan.contract.partition.every, plan.moment("r"))
    return sql.SQL(
        "delete from {} s using {} r where {} and ({}) is not true and {} = any({}::date[])"
    ).format(
        plan.stage, plan.raw, plan.same_key("s", "r"), plan.scope("r"), begin, sql.Literal([*plan.newer])
    )


def insert_stage(plan: LoadPlan) -> sql.Composed:
    """Adds all staged rows. PostgreSQL raises UniqueViolation if raw has one of the keys outside of the scope."""
    names = identifiers([n for n, _ in raw_columns(plan.contract)])
    return sql.SQL("insert into {} ({}) select {} from {}").format(plan.raw, names, names, plan.stage)


def append_stage(plan: LoadPlan) -> sql.Composed:
    """Adds the staged rows that raw does not have yet.

    With a key, those are the rows whose key is new. Without a key, equal rows are counted: if the stage has more of
    them than raw, the difference is added. Only rows from `plan.since` on are counted, because an incremental read
    gives the rows at its boundary again, and a source may also give earlier ones.
    """
    names = identifiers([n for n, _ in raw_columns(plan.contract)])
    if plan.contract.primary_key:
        return sql.SQL("insert into {} ({}) select {} from {} on conflict do nothing").format(
            plan.raw, names, names, plan.stage
        )
    return sql.SQL(
        "insert into {raw} ({content}, _batch_id, _loaded_at) select {content}, {batch}, statement_timestamp()"
        " from (select {content} from {stage} s where {came} except all select {content} from {raw} r where {known})"
        " added"
    ).format(
        raw=plan.raw,
        content=plan.names(),
        batch=sql.Literal(plan.batch_id),
        stage=plan.stage,
        came=_since(plan, "s"),
        known=_since(plan, "r"),
    )


def count_contradictions(plan: LoadPlan) -> sql.Composed:
    """Counts the staged rows whose key raw has with another content. An append never changes a row."""
    return sql.SQL("select count(*) from {} s join {} r on {} where ({}) is distinct from ({})").format(
        plan.stage, plan.raw, plan.same_key("s", "r"), plan.names("r"), plan.names("s")
    )


def _since(plan: LoadPlan, alias: str) -> sql.Composable:
    """Whether the row's cursor value is not before `plan.since`."""
    cursor = plan.contract.cursor
    if cursor is None or plan.since is None:
        return sql.SQL("true")
    return sql.SQL("{} >= {}::{}").format(
        sql.Identifier(alias, cursor), sql.Literal(plan.since), sql_type(plan.contract.column(cursor).type)
    )


def upsert_stage(plan: LoadPlan) -> sql.Composed:
    """Inserts or updates by primary key. A row is updated only if a column of the contract differs.

    deleted_at is compared, too, so that a row comes back that was marked as deleted. A database gives its present
    state, so its row is taken even if its cursor went back. An API or a file may bring an older version late: it is
    ignored, unless the cursor value in raw is impossible.
    """
    contract = plan.contract
    columns = [n for n, _ in raw_columns(contract)]
    assignments = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(n))
        for n in columns
        if n not in contract.primary_key
    )
    not_older: sql.Composable = sql.SQL("")
    if contract.cursor and contract.server.kind != "database":
        cursor = sql.Identifier("t", contract.cursor)
        not_older = sql.SQL(" and (excluded.{} >= {} or not {})").format(
            sql.Identifier(contract.cursor), cursor, is_possible(contract.column(contract.cursor), cursor)
        )
    return sql.SQL(
        "insert into {raw} as t ({names}) select {names} from {stage} on conflict ({key})"
        " do update set {assignments} where ({old}) is distinct from ({new}){not_older}"
    ).format(
        raw=plan.raw,
        names=identifiers(columns),
        stage=plan.stage,
        key=identifiers(contract.primary_key),
        assignments=assignments,
        old=identifiers(plan.compared, "t"),
        new=identifiers(plan.compared, "excluded"),
        not_older=not_older,
    )
