"""From stage into raw: replace (the table, a window, a file's rows), append, upsert. Pure SQL, run by apply.py.

Not here: history of versions (history.py), rows that are gone at the source (reconcile.py).
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.raw_table import raw_columns
from pipelines.load.plan import LoadPlan, identifiers
from pipelines.load.watermark import possible


def count_changes(plan: LoadPlan) -> sql.Composed:
    """How many staged rows raw does not have exactly so, and how many of its rows (in scope) the stage lacks.

    With a primary key a changed row is not a lacking one.
    """
    if not plan.contract.primary_key:
        missing = sql.SQL("(select {} from {} r where {} except all select {} from {})").format(
            plan.names(), plan.raw, plan.scope("r"), plan.names(), plan.stage
        )
        added = sql.SQL("(select {} from {} except all select {} from {} r where {})").format(
            plan.names(), plan.stage, plan.names(), plan.raw, plan.scope("r")
        )
        return sql.SQL("select (select count(*) from {} a), (select count(*) from {} m)").format(
            added, missing
        )
    key = sql.Identifier("r", plan.contract.primary_key[0]), sql.Identifier("s", plan.contract.primary_key[0])
    return sql.SQL(
        "select count(*) filter (where {s_key} is not null and ({r_key} is null or ({r}) is distinct from ({s}))),"
        " count(*) filter (where {s_key} is null)"
        " from {stage} s full join (select * from {raw} r where {scope}) r on {same}"
    ).format(
        r_key=key[0],
        s_key=key[1],
        r=identifiers(plan.compared, "r"),
        s=identifiers(plan.compared, "s"),
        stage=plan.stage,
        raw=plan.raw,
        scope=plan.scope("r"),
        same=plan.same_key("s", "r"),
    )


def replaces_all(plan: LoadPlan) -> sql.Composed:
    """Whether raw has no row that this load leaves as it is."""
    return sql.SQL("select not exists (select from {} r where ({}) is not true)").format(
        plan.raw, plan.scope("r")
    )


def delete_scope(plan: LoadPlan) -> sql.Composed:
    return sql.SQL("delete from {} r where {}").format(plan.raw, plan.scope("r"))


def delete_moved(plan: LoadPlan) -> sql.Composed:
    """Rows of raw outside of the scope whose key is staged: the source has them in the scope now."""
    return sql.SQL("delete from {} r using {} s where {} and ({}) is not true").format(
        plan.raw, plan.stage, plan.same_key("s", "r"), plan.scope("r")
    )


def insert_stage(plan: LoadPlan) -> sql.Composed:
    """All staged rows; a key that raw has outside of the scope is a UniqueViolation."""
    names = identifiers([n for n, _ in raw_columns(plan.contract)])
    return sql.SQL("insert into {} ({}) select {} from {}").format(plan.raw, names, names, plan.stage)


def append_stage(plan: LoadPlan) -> sql.Composed:
    """The staged rows that raw does not have yet.

    With a key: those whose key is new. Without: as many of each row as the source has more than raw, from
    plan.since on, for rows at the boundary of an incremental read come again (and a source may give more than that).
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
        came=_from(plan, "s"),
        known=_from(plan, "r"),
    )


def count_contradictions(plan: LoadPlan) -> sql.Composed:
    """Staged rows whose key raw has with another content; an append never changes a row."""
    return sql.SQL("select count(*) from {} s join {} r on {} where ({}) is distinct from ({})").format(
        plan.stage, plan.raw, plan.same_key("s", "r"), plan.names("r"), plan.names("s")
    )


def _from(plan: LoadPlan, alias: str) -> sql.Composable:
    cursor = plan.contract.cursor
    if cursor is None or plan.since is None:
        return sql.SQL("true")
    kind = plan.contract.column(cursor).type
    return sql.SQL("{} >= {}::{}").format(
        sql.Identifier(alias, cursor),
        sql.Literal(plan.since),
        sql.SQL(kind),  # type: ignore[arg-type]  # checked by the contract
    )


def upsert_stage(plan: LoadPlan) -> sql.Composed:
    """Upsert by primary key: a row changes only where one of the contract's columns does, or it had been deleted.

    A database tells its present state, so what it says last holds, also when its clock went back. An API or a file
    may bring an older version late: that one changes nothing, unless the row has a time that cannot be.
    """
    contract = plan.contract
    columns = [n for n, _ in raw_columns(contract)]
    assignments = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(n))
        for n in columns
        if n not in contract.primary_key
    )
    late: sql.Composable = sql.SQL("")
    if contract.cursor and contract.server.kind != "database":
        cursor = sql.Identifier("t", contract.cursor)
        late = sql.SQL(" and (excluded.{} >= {} or not {})").format(
            sql.Identifier(contract.cursor), cursor, possible(contract.column(contract.cursor), cursor)
        )
    return sql.SQL(
        "insert into {raw} as t ({names}) select {names} from {stage} on conflict ({key})"
        " do update set {assignments} where ({old}) is distinct from ({new}){late}"
    ).format(
        raw=plan.raw,
        names=identifiers(columns),
        stage=plan.stage,
        key=identifiers(contract.primary_key),
        assignments=assignments,
        old=identifiers(plan.compared, "t"),
        new=identifiers(plan.compared, "excluded"),
        late=late,
    )
