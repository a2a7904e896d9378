"""The warehouse before the first load: schemas, ledger, parsers, empty tables, the contracts' promises as a table.

What belongs here: connections and bootstrap. Not here: a load (loader.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from psycopg import Connection, errors

from pipelines.contracts.columns import strictest
from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from pipelines.load import ledger, pseudonyms
from pipelines.load.plan import create_raw
from pipelines.redaction import personal_shapes
from pipelines.warehouse import locks
from pipelines.warehouse.connection import first_line

BOOTSTRAP_LOCK = 7_640_001
SCRIPTS = ("bootstrap.sql", "parsers.sql", "checks.sql")


def is_prepared(connection: Connection[Any]) -> bool:
    """Whether this warehouse has its ledger: some version prepared it."""
    row = connection.execute("select to_regclass('ops.load_batch') is not null").fetchone()
    return row is not None and bool(row[0])


def prepare(
    connection: Connection[Any], contracts: Iterable[Contract], *, set_aside: Sequence[str] = ()
) -> None:
    """Makes what is missing, renews ops.contract, and sweeps what dead runs left. Safe to run at every start.

    A dataset that never came is an empty table: a model over several datasets is not held up by one of them.
    set_aside: keys of datasets whose contract can't be read now; what it promised before still stands.
    """
    contracts = tuple(contracts)
    scripts = [resources.files("pipelines.load").joinpath(name).read_text("utf-8") for name in SCRIPTS]

    def make() -> None:
        connection.execute("\n".join(scripts).encode())
        for statement in personal_shapes.functions():
            connection.execute(statement)
        for contract in contracts:
            for statement in create_raw(contract):
                connection.execute(statement)
        connection.execute("delete from ops.contract where dataset <> all(%s)", [list(set_aside)])
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into ops.contract values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [_promise(c) for c in contracts],
            )

    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [BOOTSTRAP_LOCK])
        try:
            locks.come_between(connection, make)
        except errors.InsufficientPrivilege as error:
            raise LoadError(
                "warehouse",
                f"the user {connection.info.user} may not make what the warehouse needs: {first_line(error)}",
                hint=f"as its owner or a superuser: alter database {connection.info.dbname} owner to"
                f" {connection.info.user}; schemas of an earlier owner: reassign owned by ... to"
                f" {connection.info.user}",
            ) from None
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            raise LoadError(
                "warehouse",
                f"another session held a table of the warehouse's own for longer than {locks.PATIENCE_S:g} s, and it"
                " has to be changed for this version",
                hint="see pg_stat_activity for the open transaction, end it, and start again",
            ) from error
    pseudonyms.prepare_originals(connection, contracts)
    ledger.sweep_all(connection, contracts)


def _promise(contract: Contract) -> tuple[Any, ...]:
    frequency = contract.sla_hours("frequency")
    return (
        contract.key,
        contract.title,
        contract.producer,
        contract.domain,
        contract.server.kind,
        frequency / 24 if frequency else None,
        contract.sla_hours("latency"),
        strictest(contract.columns),
        contract.publish,
    )
