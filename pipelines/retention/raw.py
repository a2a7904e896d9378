"""Deletes rows of raw that are older than the contract's own retention (`slaProperties`, ODCS 3.2).

What belongs here: which datasets can keep this promise, and the deletion as a load of the ledger. Not here: the ledger
and the quarantine (tables.py).

A row's age is that of its period (`Contract.period_column`). The deletion stands in ops.load_batch, so that models see
a change and are built anew. A dataset whose source would bring the rows back with the next load is left, and the
result says so.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.model import Contract, WriteDisposition
from pipelines.load import ledger, raw_summary
from pipelines.load.plan import LoadPlan
from pipelines.retention.tables import Pruned

_WHAT = "baris yang melewati masa simpan kontrak"


def prune_dataset(
    connection: Connection[Any], contract: Contract, today: date, run_id: str, *, dry_run: bool
) -> Pruned | None:
    """Deletes the dataset's rows whose retention is over, with its quarantined rows of that age.

    Gives None if the contract promises no retention. connection: in autocommit. dry_run: rows are only counted.
    """
    hours = contract.sla_hours("retention")
    if hours is None:
        return None
    if reason := why_not(contract):
        return Pruned(f"raw.{contract.table}", _WHAT, 0, note=reason)
    first = today - timedelta(hours=hours)
    if dry_run:
        count = _count(connection, contract, first)
        return Pruned(f"raw.{contract.table}", _WHAT, count)
    with ledger.dataset_lock(connection, contract.key):
        # A load that is due for nothing leaves no trace in the ledger.
        if not _count(connection, contract, first):
            return Pruned(f"raw.{contract.table}", _WHAT, 0)
        batch = ledger.open_batch(connection, contract, run_id, None, full_refresh=False)
        with connection.transaction():
            batch.deleted = connection.execute(_old(contract, first, "delete")).rowcount
            batch.state, batch.source_name = "loaded", "masa simpan"
            ledger.close_batch(connection, batch)
            connection.execute(raw_summary.record(LoadPlan(contract, batch.batch_id), sample=False))
    return Pruned(f"raw.{contract.table}", _WHAT, batch.deleted)


def why_not(contract: Contract) -> str:
    """Why rows of this dataset cannot be deleted by their age, in Indonesian; "" if they can."""
    if contract.period_column is None:
        return "kontrak tidak menyebut kolom periode (frequency.element, partition, atau cursor berupa waktu)"
    if contract.keeps_history:
        return "dataset ini menyimpan riwayat versi"
    if contract.reconcile:
        return "rekonsiliasi akan membaca baris itu lagi dari sumber"
    if contract.disposition is WriteDisposition.REPLACE and contract.partition is None:
        return "setiap pemuatan mengganti semua baris dengan isi sumber"
    return ""


def _count(connection: Connection[Any], contract: Contract, first: date) -> int:
    if connection.execute("select to_regclass(%s)", [f"raw.{contract.table}"]).fetchone() == (None,):
        return 0
    row = connection.execute(_old(contract, first, "select count(*)")).fetchone()
    return int(row[0]) if row else 0


def _old(contract: Contract, first: date, action: str) -> sql.Composed:
    column = contract.period_column
    assert column is not None
    return sql.SQL("{} from raw.{} where {} < {}").format(
        sql.SQL("delete") if action == "delete" else sql.SQL("select count(*)"),
        sql.Identifier(contract.table),
        raw_summary.period_begin(column),
        sql.Literal(first),
    )
