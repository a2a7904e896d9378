"""Reads quarantined rows again when what refused them has changed: the contract, a reference list, a confirmation.

Each load that refuses rows records the hash of its rules (ops.load_batch.rules). If today's hash differs, a file with
open rows is read again, even if it was loaded before, and an incremental read begins at the lowest cursor value of the
open rows. After that, each row is either refused under the new rules, or no longer in the source, so once is enough.
Rows of past windows are read again only by a backfill.
"""

from __future__ import annotations

import hashlib
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.contracts.soft_rules import has_soft_rules
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import cleaned_cell, sql_type
from pipelines.load.stage.rules import allowed_values
from pipelines.load.watermark import cursor_column, is_possible


def rules_hash(connection: Connection[Any], contract: Contract) -> str:
    """A hash of today's rules: the contract's text, what its reference tables allow, what is confirmed or withdrawn."""
    found = hashlib.sha256(contract.path.read_bytes() if contract.path.exists() else b"")
    for reference in dict.fromkeys(c.reference for c in contract.stored if c.reference):
        query = sql.SQL(
            "select coalesce(md5(string_agg(v, chr(31) order by v collate \"C\")), '') from ({}) x (v)"
        ).format(allowed_values(reference))
        (values,) = connection.execute(query).fetchone() or ("",)
        found.update(str(values).encode())
    if has_soft_rules(contract):
        # What was taken back counts, too: without it the rules would be those of before the confirmation.
        query = (
            "select coalesce(md5(string_agg(concat_ws(' ', column_name, rule, cell_hash, withdrawn_at is null), ','"
            " order by cell_hash, column_name, rule, confirmation_id)), '') from quarantine.confirmation"
            " left join quarantine.withdrawal using (confirmation_id) where dataset = %s"
        )
        (confirmed,) = connection.execute(query, [contract.key]).fetchone() or ("",)
        found.update(str(confirmed).encode())
    return found.hexdigest()[:32]


def has_open_rows(connection: Connection[Any], contract: Contract) -> bool:
    """Whether the dataset has open rows in quarantine. Only then is the hash of its rules worth computing."""
    row = connection.execute(
        "select exists (select from quarantine.row where dataset = %s and state = 'open')", [contract.key]
    ).fetchone()
    return bool(row and row[0])


def files_to_read_again(connection: Connection[Any], contract: Contract) -> set[str]:
    """Names of the uploads with open rows that were refused by other rules than today's."""
    if not has_open_rows(connection, contract):
        return set()
    query = sql.SQL("select distinct b.source_name {}").format(
        _refused_by_other_rules(contract, rules_hash(connection, contract))
    )
    return {row[0] for row in connection.execute(query).fetchall() if row[0]}


def since(connection: Connection[Any], plan: LoadPlan) -> str | None:
    """The cursor value at which an incremental read begins: `plan.since`, or that of a row that other rules refused.

    None means: read everything. It is returned if such a row has a cursor value that we cannot ask the source for.
    """
    if plan.since is None or not has_open_rows(connection, plan.contract):
        return plan.since
    query = earliest_refused(plan, rules_hash(connection, plan.contract))
    earliest, unusable = connection.execute(query).fetchone() or (plan.since, 0)
    return None if unusable else earliest


def earliest_refused(plan: LoadPlan, rules: str) -> sql.Composed:
    """Finds the cursor value from which to read, so that the rows come again that other rules than `rules` refused.

    Gives one row: the lowest of `plan.since` and of these rows' cursor values, and the number of these rows whose
    cursor value is unusable.
    """
    column = cursor_column(plan)
    kind = sql_type(column.type)
    return sql.SQL(
        "with refused as (select q.row ->> {name} as {cursor} {refused}),"
        " cleaned as (select {cleaned} as value from refused l),"
        " judged as (select value, case when pg_input_is_valid(value, {type}) then {possible} else false end as usable"
        " from cleaned)"
        " select to_jsonb(least({since}::{kind}{collate}, min({read_from}{collate}) filter (where usable)))#>>'{{}}',"
        " count(*) filter (where not usable) from judged"
    ).format(
        name=sql.Literal(column.name),
        cursor=sql.Identifier(column.name),
        refused=_refused_by_other_rules(plan.contract, rules),
        cleaned=cleaned_cell(column),
        type=sql.Literal(column.type),
        possible=is_possible(column, sql.SQL("value::{}").format(kind)),
        since=sql.Literal(plan.since),
        kind=kind,
        read_from=_read_from(plan.contract, column, sql.SQL("value::{}").format(kind)),
        collate=sql.SQL(' collate "C"' if column.type == "text" else ""),
    )


def _read_from(contract: Contract, column: Column, value: sql.Composable) -> sql.Composable:
    """The cursor value from which the source must be read so that it gives the row with this `value`.

    An API may leave out rows at exactly the value from which we read, so we read it from a day earlier.
    """
    if contract.server.kind == "api" and column.logical_type in ("date", "timestamp"):
        return sql.SQL("({} - interval '1 day')::{}").format(value, sql_type(column.type))
    return value


def resolve_superseded(plan: LoadPlan, rules: str) -> sql.Composed:
    """Resolves open entries of other rules if their row came again with this load, and `rules` refused it, too.

    The row has a new entry then, with today's reasons.
    """
    return sql.SQL(
        "update quarantine.row o set state = 'resolved', updated_at = clock_timestamp() where entry_id in"
        " (select q.entry_id {refused} and q.last_batch_id < {batch} and exists (select from quarantine.row n"
        " where n.dataset = q.dataset and n.state = 'open' and n.last_batch_id = {batch} and n.row = q.row"
        " and n.row_key is not distinct from q.row_key))"
    ).format(refused=_refused_by_other_rules(plan.contract, rules), batch=sql.Literal(plan.batch_id))


def mark_as_read_again(plan: LoadPlan, rules: str, file: str | None) -> sql.Composed:
    """Sets this load as the last one of the remaining open entries of other rules, so that they are not read again.

    file: the upload that the load read.
    """
    whose = sql.SQL("true")
    if file is not None and not plan.full_refresh:
        whose = sql.SQL("b.source_name = {}").format(sql.Literal(file))
    return sql.SQL(
        "update quarantine.row set last_batch_id = {} where entry_id in (select q.entry_id {} and {})"
    ).format(sql.Literal(plan.batch_id), _refused_by_other_rules(plan.contract, rules), whose)


def _refused_by_other_rules(contract: Contract, rules: str) -> sql.Composed:
    """FROM and WHERE of a query for the open entries (q) whose last load (b) had other rules than `rules`."""
    return sql.SQL(
        "from quarantine.row q join ops.load_batch b on b.batch_id = q.last_batch_id"
        " where q.dataset = {} and q.state = 'open' and b.rules is distinct from {}"
    ).format(sql.Literal(contract.key), sql.Literal(rules))


def record_rules(connection: Connection[Any], plan: LoadPlan) -> None:
    """Records the hash of the rules by which this load refused rows, and resolves what a new entry stands for.

    It runs in the transaction that ends the load, after the load's refused rows were put into quarantine.
    """
    if not has_open_rows(connection, plan.contract):
        return
    rules = rules_hash(connection, plan.contract)
    connection.execute("update ops.load_batch set rules = %s where batch_id = %s", [rules, plan.batch_id])
    connection.execute(resolve_superseded(plan, rules))


def keep_from_rereading(connection: Connection[Any], plan: LoadPlan, source_name: str | None) -> None:
    """Sets the rules of this load, which is applied now, for the remaining open entries of what it has read."""
    if plan.window is not None:
        return
    (rules,) = connection.execute(
        "select rules from ops.load_batch where batch_id = %s", [plan.batch_id]
    ).fetchone() or (None,)
    if rules is not None:
        file = source_name if plan.contract.server.kind == "upload" else None
        connection.execute(mark_as_read_again(plan, rules, file))
