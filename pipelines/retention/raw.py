"""Deletes rows of raw that are older than the contract's own retention (`slaProperties`, ODCS 3.2).

What belongs here: which datasets can keep this promise, and the deletion, which the ledger has as a load. Not here:
the ledger and the quarantine (tables.py).

A row's age is that of its period (`Contract.period_column`). The deletion stands in ops.load_batch, so that models see
a change and are built anew. Loads leave out rows of that age (load/stage/statement.py), so a source that still has them
does not bring them back. A dataset that cannot keep the promise is left, and the result says so.
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date, timedelta
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window, period_begin
from pipelines.load import ledger, originals, raw_summary
from pipelines.load.plan import LoadPlan, oldest_kept
from pipelines.retention.tables import Pruned

_WHAT = "baris yang melewati masa simpan kontrak"


def prune_dataset(
    connection: Connection[Any], contract: Contract, today: date, run_id: str, *, dry_run: bool
) -> Pruned | None:
    """Deletes the dataset's rows whose retention is over, their originals, and rows that were refused before that day.

    Gives None if the contract promises no retention. connection: in autocommit. dry_run: rows are only counted. Raises
    LoadError if a load of the dataset does not end, psycopg.Error if raw does not fit the contract.
    """
    if contract.sla_hours("retention") is None:
        return None
    place = f"raw.{contract.table}"
    first = oldest_kept(contract, today)
    if first is None:
        return Pruned(place, _WHAT, 0, note=_why_not(contract))
    with ledger.dataset_lock(connection, contract.key) if not dry_run else nullcontext():
        oldest, count = _old_rows(connection, contract, first)
        if dry_run or oldest is None:
            return Pruned(place, _WHAT, count)
        # Models that are built by days learn from this window which days are gone.
        window = Window(oldest, first - timedelta(days=1))
        batch = ledger.open_batch(connection, contract, run_id, window, full_refresh=False)
        plan = LoadPlan(contract, batch.batch_id)
        with connection.transaction():
            batch.deleted = connection.execute(delete_old(contract, first)).rowcount
            batch.state, batch.source_name = "loaded", "masa simpan"
            connection.execute(
                "delete from quarantine.row where dataset = %s and created_at < %s", [contract.key, first]
            )
            originals.drop_unused_originals(connection, plan)
            ledger.close_batch(connection, batch)
            connection.execute(
                "update ops.load_batch set by_retention = true where batch_id = %s", [batch.batch_id]
            )
            raw_summary.record(connection, plan, sample=False)
    return Pruned(place, _WHAT, batch.deleted)


def _why_not(contract: Contract) -> str:
    """Why rows of this dataset cannot be deleted by their age, in Indonesian."""
    if contract.period_column is None:
        return "kontrak tidak menyebut kolom periode (frequency.element, partition, atau cursor berupa waktu)"
    if contract.keeps_history:
        return "dataset ini menyimpan riwayat versi"
    return "rekonsiliasi akan membaca baris itu lagi dari sumber"


def _old_rows(connection: Connection[Any], contract: Contract, first: date) -> tuple[date | None, int]:
    """The oldest day and the number of rows that are too old."""
    if connection.execute("select to_regclass(%s)", [f"raw.{contract.table}"]).fetchone() == (None,):
        return None, 0
    row = connection.execute(count_old(contract, first)).fetchone()
    return (row[0], row[1]) if row else (None, 0)


def count_old(contract: Contract, first: date) -> sql.Composed:
    """The query for the oldest day and the number of rows whose period begins before `first`."""
    return sql.SQL("select min({begin})::date, count(*) from {raw} where {begin} < {first}").format(
        **_parts(contract, first)
    )


def delete_old(contract: Contract, first: date) -> sql.Composed:
    """The statement that deletes the rows whose period begins before `first`."""
    return sql.SQL("delete from {raw} where {begin} < {first}").format(**_parts(contract, first))


def _parts(contract: Contract, first: date) -> dict[str, sql.Composable]:
    column = contract.period_column
    assert column is not None
    return {
        "begin": period_begin(column),
        "raw": sql.Identifier("raw", contract.table),
        "first": sql.Literal(first),
    }
