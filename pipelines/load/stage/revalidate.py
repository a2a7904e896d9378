"""Quarantined rows whose rules have changed since: the contract, or a list that it refers to. They are read again.

A load that refuses rows keeps by what rules it did (ops.load_batch.rules). Where these are others now, an upload with
open rows is read although it is known, and an incremental read begins at the earliest open row's cursor value. One
reading for each change: what is still refused then is refused by the new rules, and what did not come is gone.
Rows of a window's past days wait for a backfill.
"""

from __future__ import annotations

import hashlib
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.model import Contract
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.rules import allowed, cleaned
from pipelines.load.watermark import cursor_column, possible


def rules_now(connection: Connection[Any], contract: Contract) -> str:
    """A mark of all that decides over a row: the contract's text, and the values that its references allow."""
    found = hashlib.sha256(contract.path.read_bytes() if contract.path.exists() else b"")
    for reference in dict.fromkeys(c.reference for c in contract.stored if c.reference):
        query = sql.SQL(
            "select coalesce(md5(string_agg(v, chr(31) order by v collate \"C\")), '') from ({}) x (v)"
        ).format(allowed(reference))
        (values,) = connection.execute(query).fetchone() or ("",)
        found.update(str(values).encode())
    return found.hexdigest()[:32]


def waiting(connection: Connection[Any], contract: Contract) -> bool:
    """Whether the dataset has open rows at all: then it is worth to ask by what rules they were refused."""
    row = connection.execute(
        "select exists (select from quarantine.row where dataset = %s and state = 'open')", [contract.key]
    ).fetchone()
    return bool(row and row[0])


def files(connection: Connection[Any], contract: Contract) -> set[str]:
    """Uploads with open rows that other rules refused."""
    if not waiting(connection, contract):
        return set()
    query = sql.SQL("select distinct b.source_name {}").format(
        _refused(contract, rules_now(connection, contract))
    )
    return {row[0] for row in connection.execute(query).fetchall() if row[0]}


def since(connection: Connection[Any], plan: LoadPlan) -> str | None:
    """`plan.since`, or where it is earlier the cursor value of the first row that other rules refused.

    None where such a row has a cursor value that cannot be asked for: all is read then.
    """
    if plan.since is None or not waiting(connection, plan.contract):
        return plan.since
    query = earliest_refused(plan, rules_now(connection, plan.contract))
    found, unknown = connection.execute(query).fetchone() or (plan.since, 0)
    return None if unknown else found


def earliest_refused(plan: LoadPlan, rules: str) -> sql.Composed:
    contract, column = plan.contract, cursor_column(plan)
    kind = sql.SQL(column.type)  # type: ignore[arg-type]  # checked by the contract
    usual = sql.SQL("{}::{}").format(sql.Literal(plan.since), kind)
    value = sql.SQL("{}::{}").format(sql.Identifier("k", "value"), kind)
    # An API may leave out what stands at the very value that it is asked from.
    if contract.server.kind == "api" and column.logical_type in ("date", "timestamp"):
        value = sql.SQL("({} - interval '1 day')::{}").format(value, kind)
    collate = sql.SQL(' collate "C"' if column.type == "text" else "")
    return sql.SQL(
        "select to_jsonb(least({usual}{c}, min({value}{c}) filter (where k.fits)))#>>'{{}}',"
        " count(*) filter (where not k.fits) from (select value, case when pg_input_is_valid(value, {type})"
        " then {possible} else false end as fits from (select {cleaned} as value from"
        " (select q.row ->> {name} as {cursor} {refused}) l) v) k"
    ).format(
        usual=usual,
        value=value,
        c=collate,
        type=sql.Literal(column.type),
        possible=possible(column, sql.SQL("v.value::{}").format(kind)),
        cleaned=cleaned(column),
        name=sql.Literal(column.name),
        cursor=sql.Identifier(column.name),
        refused=_refused(contract, rules),
    )


def superseded(plan: LoadPlan, rules: str) -> sql.Composed:
    """Open rows that came again with this load and are refused by `rules` too: their new entry says why now."""
    return sql.SQL(
        "update quarantine.row o set state = 'resolved', updated_at = clock_timestamp() where entry_id in"
        " (select q.entry_id {refused} and q.last_batch_id < {batch} and exists (select from quarantine.row n"
        " where n.dataset = q.dataset and n.state = 'open' and n.last_batch_id = {batch} and n.row = q.row"
        " and n.row_key is not distinct from q.row_key))"
    ).format(refused=_refused(plan.contract, rules), batch=sql.Literal(plan.batch_id))


def asked(plan: LoadPlan, rules: str, file: str | None) -> sql.Composed:
    """The open rows that this load looked for stand as refused by `rules`, whether they came again or not.

    file: the upload that it read.
    """
    whose = sql.SQL("true")
    if file is not None and not plan.full_refresh:
        whose = sql.SQL("b.source_name = {}").format(sql.Literal(file))
    return sql.SQL(
        "update quarantine.row set last_batch_id = {} where entry_id in (select q.entry_id {} and {})"
    ).format(sql.Literal(plan.batch_id), _refused(plan.contract, rules), whose)


def _refused(contract: Contract, rules: str) -> sql.Composed:
    """From here on: open rows that were refused by others than `rules`."""
    return sql.SQL(
        "from quarantine.row q join ops.load_batch b on b.batch_id = q.last_batch_id"
        " where q.dataset = {} and q.state = 'open' and b.rules is distinct from {}"
    ).format(sql.Literal(contract.key), sql.Literal(rules))


def keep(connection: Connection[Any], plan: LoadPlan, source: str | None, *, passed: bool) -> None:
    """In the publishing transaction, after the quarantine has its rows: by what rules they were refused."""
    if not waiting(connection, plan.contract):
        return
    rules = rules_now(connection, plan.contract)
    connection.execute("update ops.load_batch set rules = %s where batch_id = %s", [rules, plan.batch_id])
    connection.execute(superseded(plan, rules))
    if passed and plan.window is None:
        upload = plan.contract.server.kind == "upload"
        connection.execute(asked(plan, rules, source if upload else None))
