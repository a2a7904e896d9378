"""Loads into a real warehouse, from sources that are lists of Python rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.extract.samples import FOUND
from pipelines.extract.stream import SourceStream, encode_rows
from pipelines.load import prepare
from pipelines.load.ledger import Batch
from pipelines.load.loader import Gate, load
from pipelines.load.waits import Waits
from pipelines.quality.gate import GateResult
from pipelines.warehouse.connection import connect
from pipelines.warehouse.locks import LockPatience
from tests.support.contracts import database, document, make

Row = Sequence[str | None]
Rows = Callable[[Contract, str | None], Iterable[Row]]
"""Gives the rows of a contract's columns from a cursor value on."""


AT_ONCE = Waits(retries=(0.0, 0.0))
"""Retries come without a wait."""
IMPATIENT = Waits(retries=(0.0, 0.0), locks=LockPatience(total=0.5, attempt=0.1, pause=0.05))
"""Retries come without a wait, and a lock is waited for half a second at most."""


def passes(_: Any) -> GateResult:
    return GateResult(())


def before_migrations(connection: Connection[Any]) -> None:
    """Undoes all numbered migrations. Whoever adds a migration undoes it here, too."""
    connection.execute(
        "drop view ops.check_in_force, ops.check_history; drop table ops.declared_check;"
        " alter table ops.pseudonym_key drop column column_names;"
        " alter table ops.load_batch drop column rows_new; alter table ops.contract drop column column_count;"
        " drop view quarantine.confirmed; drop table quarantine.withdrawal, quarantine.confirmation, ops.upload_preview; alter table ops.load_batch drop column rows_confirmed;"
        " alter table ops.load_batch drop column code; alter table ops.check_result drop column code;"
        " drop table ops.migration; drop table ops.model_state; drop view ops.quarantine_reason, ops.dataset_state, ops.arrival;"
        " drop table ops.publication_state, ops.load_period, ops.class_share, ops.load_approval, ops.load_decision;"
        " alter table ops.load_batch drop column gate_basis;"
        " drop table ops.feedback; drop index quarantine.row_resolved;"
        " alter table ops.load_batch drop column failure;"
        " drop table ops.alert_delivery, ops.alert_message, ops.alert;"
        " alter table ops.check_result drop column expectation, drop column observed, drop column query,"
        " drop column window_start, drop column window_end, drop column rule;"
        " create view ops.quarantine_reason as select entry_id, dataset, state, updated_at, 'x' as kolom,"
        " 'x' as aturan, 'dulu' as nilai from quarantine.row;"
        " drop index ops.load_batch_finished; drop table ops.upload_by;"
        " drop index quarantine.row_first_batch, quarantine.row_last_batch;"
        " alter table ops.load_batch drop column by_retention;"
        " alter table ops.load_batch rename full_refresh to whole;"
        " alter table ops.contract rename title to judul; alter table ops.contract rename producer to produsen;"
        " alter table ops.contract rename source_kind to jenis_sumber;"
        " alter table ops.contract rename frequency_days to frekuensi_hari;"
        " alter table ops.contract rename latency_hours to latensi_jam;"
        " alter table ops.contract rename classification to klasifikasi;"
        " alter table ops.contract rename publish to publikasi;"
        " alter table ops.publication_log drop column event, drop column basis, drop column reason"
    )


class Loads:
    """A warehouse of the test's own, and loads into it."""

    def __init__(self, pg_url: str, folder: Path, *, prepared: bool = False) -> None:
        """prepared: the database is a warehouse already."""
        self.url = pg_url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.folder = folder
        self.connection: Connection[Any] = connect(self.url)
        if not prepared:
            prepare.prepare(self.connection, [])
        self.contracts: dict[str, Contract] = {}

    def contract(
        self,
        *columns: dict[str, Any],
        key: str = "uji/data",
        server: dict[str, Any] | None = None,
        frequency: dict[str, Any] | None = None,
        **custom: Any,
    ) -> Contract:
        """The contract, read from its file. It is made once, because hypothesis asks for it a hundred times.

        frequency: value, unit and element of its promise.
        """
        custom.setdefault("extract", {"table": "data"})
        made = document(key, list(columns), server or database("UJI_URL"), **custom)
        if frequency:
            made["slaProperties"] = [{"property": "frequency", **frequency}]
        name = json.dumps(made, sort_keys=True)
        if name not in self.contracts:
            self.contracts[name] = make(self.folder, made)
        return self.contracts[name]

    def run(self, statement: str) -> list[Any]:
        cursor = self.connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def before_migrations(self) -> None:
        """Makes the warehouse as it was before there were numbered migrations."""
        before_migrations(self.connection)

    def forget(self, contract: Contract) -> None:
        """Deletes the rows of the dataset and all records of loads."""
        self.run(f"drop table if exists raw.{contract.table} cascade")
        self.run(
            "truncate ops.load_batch cascade; truncate ops.watermark, ops.reconciliation, ops.empty_window,"
            " quarantine.row, quarantine.confirmation, quarantine.withdrawal"
        )

    def load(
        self,
        contract: Contract,
        rows: Rows,
        *,
        gate: Gate = passes,
        window: Window | None = None,
        full_refresh: bool = False,
        file: str | None = None,
        allow_empty: bool = False,
        sample: bool = False,
        exact: Sequence[str] = (),
        waits: Waits = AT_ONCE,
        today: date | None = None,
    ) -> Batch:
        """One load of `rows`; `file` names the upload that they came in, and its content is its identity.

        sample: the source marks its rows as made up. exact: columns whose type the source guarantees.
        """

        def opener(of: Contract, since: str | None) -> SourceStream:
            found: Iterable[Row] = rows(of, since)
            stream = SourceStream(tuple(c.name for c in of.stored), iter(()), file or "data")
            if file is not None:
                found = [tuple(row) for row in found]
                stream.fingerprint = str(hash(tuple(found)))
            stream.exact = frozenset(exact)
            if sample:
                stream.found = {FOUND: "ya"}
            stream.blocks = encode_rows(found, stream)
            return stream

        batch = load(
            self.connection,
            contract,
            opener,
            gate,
            run_id="uji",
            window=window,
            full_refresh=full_refresh,
            allow_empty=allow_empty,
            waits=waits,
            today=today,
        )
        assert batch is not None
        return batch

    def state(self, contract: Contract, *columns: str) -> tuple[Any, ...]:
        """These columns of the dataset's row in ops.dataset_state."""
        names = ", ".join(columns)
        (found,) = self.run(f"select {names} from ops.dataset_state where dataset = '{contract.key}'")  # noqa: S608
        return found

    def raw(self, contract: Contract, *columns: str) -> list[tuple[Any, ...]]:
        names = ", ".join(columns) or "*"
        order = "1, 2" if len(columns) != 1 else "1"
        return self.run(f"select {names} from raw.{contract.table} order by {order}")  # noqa: S608


def only(contract: Contract, names: Sequence[str], rows: Iterable[Row]) -> list[Row]:
    """The cells of `rows`, whose columns are `names`, that the contract stores."""
    picks = [names.index(c.name) for c in contract.stored]
    return [[row[i] for i in picks] for row in rows]
