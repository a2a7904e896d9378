"""Prepares the warehouse for loads: its own schema, an empty table per dataset, and ops.contract.

What belongs here: creating all that must exist before the first load. Not here: the scripts that make the schema
(warehouse/upgrade.py), a load (loader.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from pipelines.load import ledger, originals
from pipelines.load.approval.waiting import supersede_abandoned
from pipelines.load.plan import create_raw
from pipelines.redaction import personal_shapes
from pipelines.warehouse import locks, roles
from pipelines.warehouse.connection import first_line
from pipelines.warehouse.upgrade import SUBJECT, is_current, upgrade

LOCK = "persiapan"
PERSONAL_SHAPES = "redaction/personal_shapes.py"
"""The name in ops.migration of the functions for personal shapes, whose SQL that module makes."""


def is_prepared(connection: Connection[Any]) -> bool:
    """Whether this version has nothing to prepare here: no migration is due, and the functions are its own.

    It does not look at single tables. Raises LoadError if the warehouse is newer than this version.
    """
    return is_current(connection, _more())


@cache
def _more() -> Mapping[str, str]:
    """Scripts that Python makes, by their names in ops.migration."""
    return {PERSONAL_SHAPES: "\n".join(f"{s.as_string(None)};" for s in personal_shapes.functions())}


def prepare(
    connection: Connection[Any],
    contracts: Iterable[Contract],
    *,
    set_aside: Sequence[str] = (),
    patience: locks.LockPatience = locks.PATIENCE,
) -> None:
    """Brings the schema to this version, makes missing raw tables and roles, renews ops.contract.

    It runs at every start, sweeps after dead runs, and ends waiting loads whose contract is gone; if nothing is
    missing, it changes only ops.contract. It makes missing schemas and raw tables again, but no table of ops or
    quarantine, because the loss of its rows must not go unnoticed. A dataset that was never loaded gets an empty table,
    so that a model that also reads other datasets can be built.

    set_aside: keys of datasets whose contract can't be read now; their earlier rows of ops.contract stay.

    Raises LoadError if a right is missing, a lock can't be had, or a table of ops is missing, and as `upgrade` does.
    """
    contracts = tuple(contracts)
    with locks.queued(connection, LOCK, SUBJECT, "proses lain yang menyiapkan gudang data"):
        try:
            upgrade(connection, more=_more(), patience=patience)
            locks.retry_until_locked(connection, lambda: _make(connection, contracts, set_aside), patience)
            roles.ensure_roles(connection)
        except errors.InsufficientPrivilege as error:
            user, database = connection.info.user, connection.info.dbname
            raise LoadError(
                SUBJECT,
                f"pengguna {user} tidak berhak membuat yang diperlukan gudang data: {first_line(error)}",
                hint=f"sebagai pemilik atau superuser: alter database {database} owner to {user}; untuk schema milik"
                f" pengguna sebelumnya: reassign owned by ... to {user}",
                code="GDK-M010",
            ) from None
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            raise LoadError(
                SUBJECT,
                f"sesi lain memegang tabel gudang data sendiri lebih dari {patience.total:g} detik, dan tabel itu harus"
                " diubah untuk versi ini",
                hint="lihat pg_stat_activity, akhiri transaksi yang terbuka itu, lalu jalankan lagi",
                code="GDK-M003",
            ) from error
    originals.prepare_originals(connection, contracts)
    ledger.sweep_all(connection)
    if contracts:
        supersede_abandoned(connection)


def _make(connection: Connection[Any], contracts: Sequence[Contract], set_aside: Sequence[str]) -> None:
    """Creates missing raw tables, and writes ops.contract anew."""
    for contract in contracts:
        for statement in create_raw(contract):
            connection.execute(statement)
    connection.execute("delete from ops.contract where dataset <> all(%s)", [list(set_aside)])
    promises = [promised_row(contract) for contract in contracts]
    if promises:
        with connection.cursor() as cursor:
            cursor.executemany(
                sql.SQL("insert into ops.contract ({}) values ({})").format(
                    sql.SQL(", ").join(map(sql.Identifier, promises[0])),
                    sql.SQL(", ").join(map(sql.Placeholder, promises[0])),
                ),
                promises,
            )


def promised_row(contract: Contract) -> dict[str, Any]:
    """The contract's row of ops.contract, by the names of its columns."""
    frequency = contract.sla_hours("frequency")
    return {
        "dataset": contract.key,
        "title": contract.title,
        "producer": contract.producer,
        "domain": contract.domain,
        "source_kind": contract.server.kind,
        "frequency_days": frequency / 24 if frequency else None,
        "latency_hours": contract.sla_hours("latency"),
        "classification": contract.classification,
        "publish": contract.publish,
        "column_count": len(contract.columns),
    }
