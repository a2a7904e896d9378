"""Deletes original values of persons for which no contract names a legal basis any more, and their empty tables.

A load deletes those of its own dataset. Here go those of a dataset that is not loaded any more, or whose contract is
gone. Not here: originals of rows that are gone (load/originals.py, raw.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.model import Contract
from pipelines.load import ledger, originals
from pipelines.load.originals import ORIGINALS
from pipelines.retention.tables import Pruned
from pipelines.warehouse import locks
from pipelines.warehouse.locks import PATIENCE, LockPatience

WHAT = "nilai asli data pribadi yang dasar hukumnya tidak lagi disebut kontrak"


def prune_originals(
    connection: Connection[Any], contract: Contract, *, dry_run: bool, patience: LockPatience = PATIENCE
) -> Pruned:
    """Deletes the originals of columns for which the contract names no legal basis.

    connection: in autocommit. dry_run: they are only counted. Raises LoadError if a load of the dataset does not end,
    psycopg.Error if a lock on the table cannot be had.
    """
    place = f"{ORIGINALS}.{contract.table}"
    if dry_run or contract.table not in originals.tables(connection):
        return Pruned(place, WHAT, sum(originals.count_without_basis(connection, contract).values()))
    with ledger.dataset_lock(connection, contract.key):
        if not originals.retained_columns(contract):
            return prune_gone(connection, contract.table, dry_run=False, patience=patience)
        with connection.transaction():
            locks.limit_waiting(connection, patience.total)
            count = sum(originals.delete_without_basis(connection, contract).values())
    return Pruned(place, WHAT, count)


def gone_tables(connection: Connection[Any], datasets: Sequence[str]) -> list[str]:
    """The tables of originals that belong to none of these datasets, which are keys such as `dinkes/kunjungan`."""
    known = {key.replace("/", "__", 1) for key in datasets}
    return [table for table in originals.tables(connection) if table not in known]


def prune_gone(
    connection: Connection[Any], table: str, *, dry_run: bool, patience: LockPatience = PATIENCE
) -> Pruned:
    """Drops a table of originals of which no contract lets us keep any. dry_run: its rows are only counted.

    connection: in autocommit. Raises psycopg.Error if a lock on the table cannot be had.
    """
    name = sql.Identifier(ORIGINALS, table)
    row = connection.execute(sql.SQL("select count(*) from {}").format(name)).fetchone()
    if not dry_run:
        drop = sql.SQL("drop table {}").format(name)
        locks.retry_until_locked(connection, lambda: _execute(connection, drop), patience)
    return Pruned(f"{ORIGINALS}.{table}", WHAT, row[0] if row else 0)


def _execute(connection: Connection[Any], statement: sql.Composed) -> None:
    connection.execute(statement)
