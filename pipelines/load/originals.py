"""Keeps the original values of personal columns that the law allows us to keep, in schema `pribadi`.

What belongs here: the schema and its tables, storing originals, deleting those that nothing allows us to keep any more.
Not here: the pseudonyms in front of them (pseudonyms.py, stage/cells.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import pseudonym
from pipelines.load.stage.statement import cleaned_rows, valid
from pipelines.warehouse.roles import PERSONAL

ORIGINALS = "pribadi"


def _retained(contract: Contract) -> list[Column]:
    """The columns whose original values are kept."""
    return [c for c in contract.stored if c.retain_original]


def _originals(plan: LoadPlan) -> sql.Identifier:
    return sql.Identifier(ORIGINALS, plan.contract.table)


def prepare_originals(connection: Connection[Any], contracts: Iterable[Contract]) -> None:
    """Makes schema and role for original values, if a contract keeps some. Only the role may read the schema.

    Raises LoadError if the role can't be created.
    """
    if not any(_retained(c) for c in contracts):
        return
    try:
        with connection.transaction():
            if not connection.execute(
                "select 1 from pg_catalog.pg_roles where rolname = %s", [PERSONAL]
            ).fetchone():
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(PERSONAL)))
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(ORIGINALS)))
            connection.execute(
                sql.SQL("revoke all on schema {} from public").format(sql.Identifier(ORIGINALS))
            )
            connection.execute(
                sql.SQL("grant usage on schema {} to {}").format(
                    sql.Identifier(ORIGINALS), sql.Identifier(PERSONAL)
                )
            )
    except errors.InsufficientPrivilege:
        raise LoadError(
            "warehouse",
            f"ada kontrak yang menyimpan nilai asli kolom pribadi, tetapi role {PERSONAL} tidak dapat dibuat",
            hint=f"minta administrator menjalankan: create role {PERSONAL} nologin",
            code="GDK-M010",
        ) from None


def keep_originals(connection: Connection[Any], plan: LoadPlan) -> None:
    """Stores the original value of each pseudonym of this load, and deletes those of pseudonyms that raw no longer has.

    It runs in the transaction that applies the load, while the rows are in landing, or their originals are held.
    """
    retained = _retained(plan.contract)
    if not retained:
        return
    table = _create_originals(connection, _originals(plan))
    if plan.held:
        held = _held_originals(plan)
        connection.execute(
            sql.SQL("insert into {} select * from {} on conflict do nothing").format(table, held)
        )
        connection.execute(drop_held_originals(plan))
    else:
        _insert_originals(connection, plan, table)
    drop_unused_originals(connection, plan)


def hold_originals(connection: Connection[Any], plan: LoadPlan) -> None:
    """Stores the original values of a load that waits for approval in a table of its own, readable as the others."""
    if _retained(plan.contract):
        _insert_originals(connection, plan, _create_originals(connection, _held_originals(plan)))


def drop_held_originals(plan: LoadPlan) -> sql.Composed:
    """Drops the original values that `hold_originals` has stored."""
    return sql.SQL("drop table if exists {}").format(_held_originals(plan))


def _held_originals(plan: LoadPlan) -> sql.Identifier:
    return sql.Identifier(ORIGINALS, f"{plan.contract.table[:40]}__{plan.batch_id}_menunggu")


def _create_originals(connection: Connection[Any], table: sql.Identifier) -> sql.Identifier:
    connection.execute(
        sql.SQL(
            "create table if not exists {} (kolom text, pseudonim text, asli text not null,"
            " batch_id bigint not null, primary key (kolom, pseudonim))"
        ).format(table)
    )
    connection.execute(sql.SQL("grant select, delete on {} to {}").format(table, sql.Identifier(PERSONAL)))
    return table


def _insert_originals(connection: Connection[Any], plan: LoadPlan, table: sql.Identifier) -> None:
    for column in _retained(plan.contract):
        cell, name = sql.Identifier("b", column.name), sql.Literal(column.name)
        assert column.pseudonymise is not None
        connection.execute(
            sql.SQL(
                "insert into {table} select distinct {name}, {pseudonym}, {cell}, {batch}::bigint"
                " from {rows} where {cell} is not null and {valid} on conflict do nothing"
            ).format(
                table=table,
                name=name,
                cell=cell,
                pseudonym=pseudonym(cell, column.pseudonymise),
                batch=sql.Literal(plan.batch_id),
                rows=cleaned_rows(plan),
                valid=valid(plan),
            )
        )


def drop_unused_originals(connection: Connection[Any], plan: LoadPlan) -> None:
    """Deletes the original values of pseudonyms that raw no longer has."""
    for column in _retained(plan.contract):
        connection.execute(
            sql.SQL(
                "delete from {} o where kolom = {} and not exists (select from {} r where r.{} = o.pseudonim)"
            ).format(_originals(plan), sql.Literal(column.name), plan.raw, sql.Identifier(column.name))
        )


def count_without_basis(connection: Connection[Any], contract: Contract) -> dict[str, int]:
    """By column, how many original values are stored though the contract names no legal basis for them (any more)."""
    if contract.table not in tables(connection):
        return {}
    rows = connection.execute(
        sql.SQL("select kolom, count(*) from {} where kolom <> all(%s) group by kolom order by kolom").format(
            sql.Identifier(ORIGINALS, contract.table)
        ),
        [retained_columns(contract)],
    )
    return dict(rows.fetchall())


def delete_without_basis(connection: Connection[Any], contract: Contract) -> dict[str, int]:
    """Deletes the original values that `count_without_basis` counts, and gives their numbers. Call it in a transaction.

    An empty table stays, because a load must not wait for a backup that reads it (retention/originals.py drops it).
    """
    found = count_without_basis(connection, contract)
    if found:
        connection.execute(
            sql.SQL("delete from {} where kolom <> all(%s)").format(
                sql.Identifier(ORIGINALS, contract.table)
            ),
            [retained_columns(contract)],
        )
    return found


def tables(connection: Connection[Any]) -> list[str]:
    """The names of the tables with originals, but for those of loads that wait for approval."""
    rows = connection.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = to_regnamespace(%s)"
        " and relname !~ '__[0-9]+_menunggu$' order by relname",
        [ORIGINALS],
    )
    return [name for (name,) in rows.fetchall()]


def retained_columns(contract: Contract) -> list[str]:
    """The names of the columns whose original values the contract lets us keep."""
    return [column.name for column in _retained(contract)]
