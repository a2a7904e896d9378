"""One dataset's way from its OPD into raw: open the source, load, run its suite at the gate.

What belongs here: joining extract, load and quality into the one call that assets, benchmarks and tests make. Not here:
which files of the upload zone are read (load/incoming.py), the steps of one load (load/loader.py).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import FileExtract
from pipelines.contracts.windows import Window
from pipelines.errors import GudangError, ShapeError, SourceError
from pipelines.extract.source import open_source
from pipelines.extract.source_limits import WaitBudget
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.inbox import LeftFile, list_uploads
from pipelines.extract.upload.zone import upload_zone
from pipelines.load import arrivals
from pipelines.load.apply import periods
from pipelines.load.approval.waiting import standing_load
from pipelines.load.arrivals import Arrival
from pipelines.load.failures import KEYS_OF_OTHERS, describe_failure, is_of_the_source
from pipelines.load.incoming import Incoming, incoming_uploads
from pipelines.load.ledger import Batch, fingerprint, names_that_failed
from pipelines.load.loader import Staged, load
from pipelines.load.stage import confirmations
from pipelines.load.waits import WAITS, Waits
from pipelines.quality import gate_basis
from pipelines.quality.gate import GateResult, check, source_shape, warning_checks, warning_results
from pipelines.quality.history import class_shares, row_counts
from pipelines.quality.results import CheckResult, record
from pipelines.settings import Settings

log = logging.getLogger("gudang.muat")
_MOST_SAID = 10
"""Of so many files that failed the error says cause or name. The log has all causes."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one call of `ingest`.

    batch: the ledger entry; None for an upload that has not come yet. Of several files it has the sums of their loads.
    checks: of the staged rows, and of the source. left: files in the dataset's folder that its contract does not take.
    """

    batch: Batch | None
    checks: tuple[CheckResult, ...] = ()
    left: tuple[LeftFile, ...] = ()
    several: tuple[Batch, ...] = ()
    """The loads of several files, of which `batch` has the sums."""

    @property
    def waiting(self) -> tuple[Batch, ...]:
        """The loads that wait for approval, each with its own number."""
        loads = self.several or ((self.batch,) if self.batch else ())
        return tuple(one for one in loads if one.state == "waiting")

    @property
    def summary(self) -> str:
        """What became of it, as an operator reads it; each load that waits is named."""
        if self.batch is None or self.batch.state != "waiting":
            return describe_batch(self.batch) if self.batch else ""
        more = len(self.waiting) - _MOST_SAID
        lines = [describe_batch(one) for one in self.waiting[:_MOST_SAID]]
        return "; ".join([*lines, f"dan {more} kiriman lagi"] if more > 0 else lines)


def ingest(
    connection: Connection[Any],
    contract: Contract,
    settings: Settings,
    url: str,
    *,
    run_id: str,
    window: Window | None = None,
    full_refresh: bool = False,
    allow_empty: bool = False,
    waits: Waits = WAITS,
) -> Ingested:
    """Loads the contract's source into the warehouse at `url`; `connection` is a session there.

    window: the days of a partitioned dataset that are loaded; of uploads, their periods are read from the newest files
    that have them, after the new files. full_refresh, allow_empty: see load/loader.py `load`.

    Whatever goes wrong is raised as a GudangError, after the ledger has it. Where files are appended or merged, a file
    that fails does not stop the others: the error is raised when all were tried. A file that failed or was
    rejected before, and is again, is only a warning of a load that brings other files: the ledger has it, and a load
    without others says it.
    """
    asked = window if contract.replaces_periods else None
    loads = Loads(connection, contract, settings, url, run_id, None if asked else window, allow_empty, waits)
    try:
        confirmations.reopen_withdrawn(connection, contract)
        incoming = Incoming([None])
        if isinstance(contract.extract, FileExtract):
            zone = upload_zone(settings)
            incoming = incoming_uploads(
                connection, contract, zone, full_refresh=full_refresh, only_new=asked is not None
            )
        if not (incoming.uploads or incoming.failures or asked):
            log.info("%s: belum ada berkas", contract.key)
            return Ingested(None, left=incoming.left)
        if full_refresh:
            rejected = _rehearse(loads, incoming)
            if rejected:
                return _sum(rejected, incoming.left)
        return _load_each(loads, incoming, full_refresh=full_refresh, asked=asked)
    except GudangError:
        raise
    except Exception as error:
        raise describe_failure(contract.key, error) from None


def _rehearse(loads: Loads, incoming: Incoming) -> list[Ingested]:
    """The files that a full refresh of several files would reject; raises the error of one that would fail.

    The first file takes the place of everything, so each must be known to be good before.
    """
    if incoming.failures:
        # The full refresh would take away the rows of a file that is there and cannot be read just now.
        raise incoming.failures[0]
    if len(incoming.uploads) == 1:
        return []
    rehearsed = [loads.load(upload, full_refresh=True, rehearsal=True) for upload in incoming.uploads]
    return [one for one in rehearsed if one.batch]


@dataclass
class _Tries:
    """The loads of several files one after the other, and what became of them.

    failures: of files that failed now. known: by name, of those that failed before, too. rejected: by name, those that
    were rejected before, too. tried_again: names of files that had been left out.
    """

    loads: Loads
    full_refresh: bool
    failures: list[GudangError]
    done: list[Ingested] = field(default_factory=list[Ingested])
    known: dict[str, GudangError] = field(default_factory=dict[str, GudangError])
    rejected: dict[str, Ingested] = field(default_factory=dict[str, Ingested])
    tried_again: set[str] = field(default_factory=set[str])

    def load_all(self, uploads: Sequence[Arrival | None], not_mended: Sequence[Arrival] = ()) -> None:
        """Loads the files. Where a load took rows out of raw, files whose keys others had are tried once more.

        not_mended: files that failed before and are left out; those of them whose keys others had are tried, too.
        """
        window, due = self.loads.window, list(uploads)
        while due:
            before = len(self.done)
            tried = [(upload, self.load(upload, window, again=window is not None)) for upload in due]
            due = []
            if any(one.batch and one.batch.deleted for one in self.done[before:]):
                due = [upload for upload, error in tried if error and error.code == KEYS_OF_OTHERS]
                due += self._whose_keys_others_had(not_mended)
            again = {upload.seen_id for upload in due if upload}
            for upload, error in tried:
                if error and not (upload and upload.seen_id in again):
                    self.note(upload, error)
            not_mended = ()

    def _whose_keys_others_had(self, not_mended: Sequence[Arrival]) -> list[Arrival]:
        if not not_mended:
            return []
        names = names_that_failed(self.loads.connection, self.loads.contract, KEYS_OF_OTHERS)
        found = [upload for upload in not_mended if upload.file.name in names]
        self.tried_again |= {upload.file.name for upload in found}
        return found

    def load(self, upload: Arrival | None, window: Window | None, *, again: bool) -> GudangError | None:
        """Loads one file; of a full refresh the first takes the place of everything. Gives the error if it fails."""
        try:
            one = replace(self.loads, window=window).load(
                upload, full_refresh=self.full_refresh and not self.done, again=again
            )
        except GudangError as error:
            log.error("%s", error)
            return error
        if upload and one.batch and upload.outcome == one.batch.state == "rejected":
            self.rejected[upload.file.name] = one
        else:
            self.done.append(one)
        return None

    def note(self, upload: Arrival | None, error: GudangError) -> None:
        """Keeps the error of a file."""
        if upload and upload.outcome == "failed" and is_of_the_source(error):
            self.known[upload.file.name] = error
        else:
            self.failures.append(error)


def _load_each(
    loads: Loads, incoming: Incoming, *, full_refresh: bool, asked: Window | None = None
) -> Ingested:
    """Loads one file after the other; of a full refresh the first takes the place of everything.

    asked: the days of the periods that are read in any case, of files that replace periods.
    """
    tries = _Tries(loads, full_refresh, [*incoming.failures])
    tries.load_all(incoming.uploads, incoming.not_mended)
    not_mended = [a.file.name for a in incoming.not_mended if a.file.name not in tries.tried_again]
    if loads.contract.replaces_periods:
        for upload, window in periods.files_to_read(loads.connection, loads.contract, incoming.zone, asked):
            if error := tries.load(upload, window, again=asked is not None):
                tries.note(upload, error)
    done, failures, rejected = tries.done, tries.failures, tries.rejected
    old = [*tries.known, *not_mended]
    if not (done or rejected or failures or old):
        return Ingested(None, left=incoming.left)
    if failures or (old and not done):
        failures += tries.known.values()
        if len(failures) == 1 and not not_mended:
            raise failures[0]
        raise _failure_of(loads.contract.key, not_mended, failures, len(done))
    ingested = _sum(done or [*rejected.values()], incoming.left)
    if done and (old := [*old, *rejected]) and ingested.batch:
        message = _names_of_old(old)
        ingested.batch.warnings.append(message)
        log.warning("%s: %s", loads.contract.key, message)
    return ingested


def _names_of_old(names: Sequence[str]) -> str:
    more = f" dan {len(names) - _MOST_SAID} lagi" if len(names) > _MOST_SAID else ""
    return f"sudah gagal sebelumnya dan belum diperbaiki: {', '.join(names[:_MOST_SAID])}{more}"


def _failure_of(key: str, old: Sequence[str], failures: Sequence[GudangError], done: int) -> SourceError:
    """One error for all files that failed now, or before (old). done: the number of files that were loaded."""
    messages = [error.message for error in failures[:_MOST_SAID]]
    if len(failures) > _MOST_SAID:
        messages.append(f"{len(failures) - _MOST_SAID} lagi, yang sebabnya ada di log run ini")
    if old:
        messages.append(_names_of_old(old))
    failed = len(failures) + len(old)
    count = failed + done
    return SourceError(
        key,
        f"{failed} dari {count} berkas gagal: {'; '.join(messages)}",
        hint="perbaiki satu per satu",
        code="GDK-F021",
    )


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

    def _record(self, batch_id: int | None, checks: Sequence[CheckResult]) -> None:
        asset = f"raw/{self.contract.key}"
        record(self.connection, asset, self.run_id, batch_id, checks, self.window)


def _sum(done: Sequence[Ingested], left: tuple[LeftFile, ...]) -> Ingested:
    """The loads of several files as one: counts are added, and of each check the failure is taken, else the last."""
    if len(done) == 1:
        return replace(done[0], left=left)
    batches = [d.batch for d in done if d.batch]
    states = {b.state for b in batches}
    checks: dict[str, CheckResult] = {}
    for found in (c for d in done for c in d.checks):
        if found.name not in checks or checks[found.name].passed:
            checks[found.name] = found
    total = replace(
        batches[-1],
        state=next(s for s in ("rejected", "waiting", "loaded", "unchanged") if s in states),
        source_name=", ".join(b.source_name or "" for b in batches),
        error="; ".join(b.error for b in batches if b.error) or None,
        warnings=[w for b in batches for w in b.warnings],
        **{
            name: sum(getattr(b, name) for b in batches)
            for name in (
                "read",
                "loaded",
                "new",
                "unchanged",
                "quarantined",
                "confirmed",
                "deleted",
                "damaged",
            )
        },
    )
    return Ingested(total, tuple(checks.values()), left, tuple(batches))


def describe_batch(batch: Batch) -> str:
    """The batch in one line, as an operator reads it."""
    if batch.state == "unchanged":
        return (
            f"tidak ada yang baru ({batch.unchanged} baris sama)"
            if batch.unchanged
            else "tidak ada yang baru"
        )
    if batch.state == "rejected" and batch.code == "GDK-M013":
        return f"DITOLAK: {batch.error}"
    if batch.state == "rejected":
        return f"DITOLAK oleh pemeriksaan: {batch.error}"
    if batch.state == "waiting" and (preview := batch.preview):
        return (
            f"MENUNGGU PERSETUJUAN, kiriman {batch.batch_id}: {preview.new} baris baru, {preview.changed} berubah,"
            f" {preview.unchanged} sama, {preview.deleted} dihapus, {batch.quarantined} dikarantina"
            f" (`gudang approve {batch.batch_id}`)"
        )
    counts = {
        "dimuat": batch.loaded,
        "sama": batch.unchanged,
        "dikarantina": batch.quarantined,
        "dihapus": batch.deleted,
    }
    if batch.confirmed:
        counts["diterima atas konfirmasi"] = batch.confirmed
    return ", ".join(f"{n} {word}" for word, n in counts.items()) + " (baris)"
