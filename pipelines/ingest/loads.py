"""One load of a source: of a table or an API, or of one file, whose outcome is kept with it.

Not here: several files (__init__.py), the load itself (load/loader.py), its checks (quality/).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.errors import GudangError, ShapeError
from pipelines.extract.source import open_source
from pipelines.extract.source_limits import WaitBudget
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.inbox import list_uploads
from pipelines.extract.upload.zone import upload_zone
from pipelines.ingest.ingested import Ingested, describe_batch
from pipelines.load import arrivals
from pipelines.load.approval.waiting import standing_load
from pipelines.load.arrivals import Arrival
from pipelines.load.failures import is_of_the_source
from pipelines.load.ledger import Batch, fingerprint
from pipelines.load.loader import Staged, load
from pipelines.load.waits import WAITS, Waits
from pipelines.quality import gate_basis
from pipelines.quality.gate import GateResult, check, source_shape, warning_checks, warning_results
from pipelines.quality.history import class_shares, row_counts
from pipelines.quality.raw_checks import ask_again
from pipelines.quality.results import CheckResult, record
from pipelines.quality.suites import suite
from pipelines.settings import Settings

log = logging.getLogger("gudang.muat")


@dataclass(frozen=True, slots=True)
class Loads:
    """What the loads of one call of `ingest` have in common.

    warehouse: its URL, or `connection` itself for loads in a transaction that is rolled back.
    """

    connection: Connection[Any]
    contract: Contract
    settings: Settings
    warehouse: str | Connection[Any]
    run_id: str
    window: Window | None = None
    allow_empty: bool = False
    waits: Waits = WAITS

    def load(
        self, upload: Arrival | None, *, full_refresh: bool, rehearsal: bool = False, again: bool = False
    ) -> Ingested:
        """One load, whose outcome is kept with the upload, unless it failed by no fault of the file's own.

        rehearsal: nothing is applied; there is a batch only where the load was rejected. again: somebody asks for it,
        so it is loaded although the same load waits for approval, or a person has rejected it.
        """
        outcome: str | None = None
        judged = upload
        try:
            stands = None
            if upload and self.contract.approval and not (full_refresh or rehearsal or again):
                mark = fingerprint(self.contract, upload.sha256)
                stands = standing_load(self.connection, self.contract, mark, self.window)
            file = upload.file if upload else None
            done = (
                Ingested(stands)
                if stands
                else self.load_file(file, full_refresh=full_refresh, rehearsal=rehearsal)
            )
            if done.batch:
                judged = upload and self._arrival_of(upload, done.batch)
                outcome = done.batch.state
            return done
        except GudangError as error:
            outcome = "failed" if is_of_the_source(error) else None
            raise
        finally:
            if judged and outcome and self.window is None and not self.connection.closed:
                with suppress(psycopg.Error):
                    arrivals.note_outcome(self.connection, self.contract, judged, outcome)

    def _arrival_of(self, upload: Arrival, batch: Batch) -> Arrival | None:
        """The arrival of what the load has read: a later one if the file was replaced after it was registered.

        None if the zone has another file now, or does not answer; then the next look at it finds the newer file.
        """
        read = (batch.fingerprint or upload.sha256).split(":")[0]
        if read == upload.sha256:
            return upload
        with suppress(GudangError, psycopg.Error):
            listing = list_uploads(upload_zone(self.settings), self.contract)
            files = [file for file in listing.files if file.name == upload.file.name]
            seen = arrivals.register_files(self.connection, self.contract, files)
            return next((arrival for arrival in seen.arrivals if arrival.sha256 == read), None)
        return None

    def load_file(
        self, file: UploadedFile | None, *, full_refresh: bool = False, rehearsal: bool = False
    ) -> Ingested:
        """One load of a file, or of another source (None), as `load` does it, wherever the file is."""
        contract, window = self.contract, self.window
        gates: list[GateResult] = []
        waiting = WaitBudget()

        def opener(of: Contract, since: str | None) -> SourceStream | None:
            wanted = Wanted(since, window.start if window else None, window.end if window else None)
            return open_source(of, wanted=wanted, upload=file, waiting=waiting)

        def gate(staged: Staged) -> GateResult:
            log.info("%s: %d baris dibaca, %d lolos; memeriksa", contract.key, staged.rows_read, staged.rows)
            gates.append(
                check(staged, self.settings.expectations_dir, self.warehouse, window, self.connection)
            )
            return gates[-1]

        try:
            batch = load(
                self.connection,
                contract,
                opener,
                gate,
                run_id=self.run_id,
                window=window,
                full_refresh=full_refresh,
                allow_empty=self.allow_empty,
                rehearsal=rehearsal,
                source_name=file.name if file else None,
                waits=self.waits,
            )
        except ShapeError as error:
            self._record(None, (source_shape(contract, [error.message]),))
            raise
        if batch is None:
            return Ingested(None)
        warnings = self._warnings(batch) if gates else ()
        checks: tuple[CheckResult, ...] = ()
        if gates:
            checks = (source_shape(contract, [str(d) for d in batch.drift]), *warnings, *gates[0].checks)
        self._record(batch.batch_id, checks)
        if contract.partition and batch.state == "loaded":
            self._ask_again(batch.batch_id)
        if gates and (basis := gates[0].basis):
            gate_basis.keep(self.connection, batch.batch_id, basis)
        if gates and batch.state in ("loaded", "waiting"):
            class_shares.keep(self.connection, contract, batch.batch_id, gates[0].shares)
        log.info("%s: %s", contract.key, describe_batch(batch))
        warning = {name for name, _ in warning_checks(contract)}
        odd = (c.message for c in checks if c.name in warning and not c.passed)
        for message in (*batch.warnings, *odd):
            log.warning("%s: %s", contract.key, message)
        return Ingested(batch, checks + (gates[0].standing if gates else ()))

    def _warnings(self, batch: Batch) -> tuple[CheckResult, ...]:
        """The checks of a load that only warn, without those of its gate."""
        found = warning_results(self.contract, batch)
        if not row_counts.is_counted(self.contract):
            return found
        now = datetime.now(UTC)
        return (*found, row_counts.row_counts(self.connection, self.contract, batch, self.window, now))

    def _ask_again(self, batch_id: int) -> None:
        """Records what raw says now of failures on other days of which this load has brought a part."""
        rules = suite(self.contract, self.settings.expectations_dir)
        for window, checks in ask_again(self.connection, self.contract, rules, batch_id):
            record(self.connection, f"raw/{self.contract.key}", self.run_id, None, checks, window)

    def _record(self, batch_id: int | None, checks: Sequence[CheckResult]) -> None:
        asset = f"raw/{self.contract.key}"
        record(self.connection, asset, self.run_id, batch_id, checks, self.window)
