"""One dataset's way from its OPD into raw: open the source, load, run its suite at the gate.

What belongs here: joining extract, load and quality into the one call that assets, benchmarks and tests make. Not here:
which files of the upload zone are read (load/incoming.py), one load (loads.py), what became of it (ingested.py).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import FileExtract
from pipelines.contracts.windows import Window
from pipelines.errors import GudangError, QualityError, SourceError
from pipelines.extract.upload.zone import upload_zone
from pipelines.ingest.ingested import MOST_SAID, Ingested, describe_batch, sum_of
from pipelines.ingest.loads import Loads
from pipelines.load.apply import periods
from pipelines.load.arrivals import Arrival
from pipelines.load.failures import KEYS_OF_OTHERS, describe_failure, is_of_the_source
from pipelines.load.incoming import Incoming, incoming_uploads
from pipelines.load.ledger import names_that_failed
from pipelines.load.stage import confirmations
from pipelines.load.waits import WAITS, Waits
from pipelines.quality.declared import declare_dataset
from pipelines.quality.suites import suite
from pipelines.settings import Settings

__all__ = ["Ingested", "Loads", "describe_batch", "ingest"]

log = logging.getLogger("gudang.muat")


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
    """Loads the contract's source into the warehouse at `url`. `connection` is a session of that warehouse.

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
        with suppress(QualityError):  # the gate meets the fault of a suite, too, and the ledger then has it
            declare_dataset(connection, contract, suite(contract, settings.expectations_dir))
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
                return sum_of(rejected, incoming.left)
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
        """Loads one file, and gives the error if that fails. In a full refresh the first file replaces all rows."""
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
    ingested = sum_of(done or [*rejected.values()], incoming.left)
    if done and (old := [*old, *rejected]) and ingested.batch:
        message = _names_of_old(old)
        ingested.batch.warnings.append(message)
        log.warning("%s: %s", loads.contract.key, message)
    return ingested


def _names_of_old(names: Sequence[str]) -> str:
    more = f" dan {len(names) - MOST_SAID} lagi" if len(names) > MOST_SAID else ""
    return f"sudah gagal sebelumnya dan belum diperbaiki: {', '.join(names[:MOST_SAID])}{more}"


def _failure_of(key: str, old: Sequence[str], failures: Sequence[GudangError], done: int) -> SourceError:
    """One error for all files that failed now, or before (old). done: the number of files that were loaded."""
    messages = [error.message for error in failures[:MOST_SAID]]
    if len(failures) > MOST_SAID:
        messages.append(f"{len(failures) - MOST_SAID} lagi, yang sebabnya ada di log run ini")
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
