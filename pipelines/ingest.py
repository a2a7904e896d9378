"""One dataset's way from its OPD into raw: open the source, load, run its suite at the gate.

What belongs here: joining extract, load and quality into the one call that assets, benchmarks and tests make.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from pipelines.contracts import Contract, FileExtract
from pipelines.errors import ContractError, GudangError, ShapeError, SourceError
from pipelines.extract.courtesy import Waiting
from pipelines.extract.source import open_source
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.load import ledger, mended
from pipelines.load.failures import told
from pipelines.load.ledger import Batch
from pipelines.load.loader import Staged, load
from pipelines.load.plan import Window
from pipelines.quality.gate import GateResult, check, record, source_shape
from pipelines.quality.run import CheckResult
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.extract.uploads import UploadedFile

log = logging.getLogger("gudang")


@dataclass(frozen=True, slots=True)
class Ingested:
    """A batch and its checks; `batch` is None for an upload that has not come yet."""

    batch: Batch | None
    checks: tuple[CheckResult, ...] = ()


def ingest(
    connection: Connection[Any],
    contract: Contract,
    settings: Settings,
    url: str,
    *,
    run_id: str,
    window: Window | None = None,
    whole: bool = False,
    allow_empty: bool = False,
) -> Ingested:
    """Loads `contract`'s source into the warehouse at `url`; `connection` is a session there.

    window: the days of a partitioned dataset that are loaded. whole, allow_empty: see `load`.
    Whatever goes wrong is raised as a GudangError, after the ledger says so. Where files are appended or merged, one
    that fails leaves the others alone, and is told of when all were tried.
    """
    try:
        one = partial(_ingest, connection, contract, settings, url, run_id)
        uploads = _uploads(connection, contract, settings, whole=whole)
        if not uploads:
            log.info("%s: belum ada berkas", contract.key)
            return Ingested(None)
        if whole and len(uploads) > 1:
            # The first takes the place of all: so each must be known to be good before.
            refused = [r for u in uploads if (r := one(u, whole=True, rehearsal=True)).batch]
            if refused:
                return _together(refused)
        return _one_by_one(
            contract, uploads, partial(one, window=window, allow_empty=allow_empty), whole=whole
        )
    except GudangError:
        raise
    except Exception as error:
        raise told(contract.key, error) from error


def _one_by_one(
    contract: Contract, uploads: Sequence[UploadedFile | None], one: Callable[..., Ingested], *, whole: bool
) -> Ingested:
    done: list[Ingested] = []
    failures: list[GudangError] = []
    for upload in uploads:
        try:
            done.append(one(upload, whole=whole and not done))
        except GudangError as error:
            failures.append(error)
            log.error("%s", error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        messages = "; ".join(e.message for e in failures)
        raise SourceError(
            contract.key, f"{len(failures)} of {len(uploads)} files: {messages}", hint="each by itself"
        )
    return _together(done)


def _uploads(
    connection: Connection[Any], contract: Contract, settings: Settings, *, whole: bool
) -> list[UploadedFile | None]:
    """The uploads to load, oldest first: every one that is not in raw yet, or the newest where it stands for all.

    One None for a source that is no upload. Raises ContractError for a full refresh of versions from several files.
    """
    if not isinstance(contract.extract, FileExtract):
        return [None]
    from pipelines.extract.uploads import find_uploads

    files = find_uploads(settings.upload_zone, contract)
    if not contract.takes_every_file:
        return [*files[-1:]]
    if whole and contract.keeps_history and len(files) > 1:
        raise ContractError(
            contract.key,
            f"the upload zone has {len(files)} files, and a full refresh would end and begin versions with each",
            hint="leave only the one there that has every row as it is now",
        )
    if whole:
        return [*files]
    if contract.merges:
        merged = ledger.merged(connection, contract)
        known, of_name = {sha for _, sha in merged}, dict(merged)
        # A name that says again what it said before its last change is news, too.
        # With a cursor an earlier file undoes nothing; without one only the last may come again.
        again = mended.files(connection, contract) if contract.cursor else set[str]()
        fresh = [
            f
            for f in files
            if f.sha256 not in known or of_name.get(f.name, f.sha256) != f.sha256 or f.name in again
        ]
        # Nothing new: the file that came last, for the contract may have changed since.
        last = [f for f in files if f.sha256 == merged[-1][1]] if merged else []
        return [*(fresh or last[-1:] or files[-1:])]
    standing = ledger.standing_fingerprints(connection, contract)
    again = mended.files(connection, contract)
    fresh = [f for f in files if f.name in again or ledger.fingerprint(contract, f.sha256) not in standing]
    return [*(fresh or files[-1:])]


def _ingest(
    connection: Connection[Any],
    contract: Contract,
    settings: Settings,
    url: str,
    run_id: str,
    upload: UploadedFile | None,
    *,
    window: Window | None = None,
    whole: bool = False,
    allow_empty: bool = False,
    rehearsal: bool = False,
) -> Ingested:
    """rehearsal: no batch, where it would have been published."""
    results: list[GateResult] = []
    waiting = Waiting()

    def opener(of: Contract, since: str | None) -> SourceStream | None:
        wanted = Wanted(since, window.start if window else None, window.end if window else None)
        return open_source(of, wanted=wanted, upload=upload, waiting=waiting)

    def gate(staged: Staged) -> GateResult:
        log.info("%s: %d baris dibaca, %d lolos; memeriksa", contract.key, staged.rows_read, staged.rows)
        result = check(staged, settings.expectations_dir, url)
        results.append(result)
        return result

    asset = f"raw/{contract.key}"
    try:
        batch = load(
            connection,
            contract,
            opener,
            gate,
            run_id=run_id,
            window=window,
            whole=whole,
            allow_empty=allow_empty,
            rehearsal=rehearsal,
        )
    except ShapeError as error:
        record(connection, asset, run_id, None, [source_shape(contract, [error.message])])
        raise
    if batch is None:
        return Ingested(None)
    checks = (source_shape(contract, [str(d) for d in batch.drift]), *results[0].checks) if results else ()
    record(connection, asset, run_id, batch.batch_id, checks)
    log.info("%s: %s", contract.key, words(batch))
    for warning in batch.warnings:
        log.warning("%s: %s", contract.key, warning)
    return Ingested(batch, checks)


def _together(done: Sequence[Ingested]) -> Ingested:
    """Several files' loads as one: sums, and of each check the failure, else the last."""
    if len(done) == 1:
        return done[0]
    batches = [d.batch for d in done if d.batch]
    states = {b.state for b in batches}
    checks: dict[str, CheckResult] = {}
    for found in (c for d in done for c in d.checks):
        if found.name not in checks or checks[found.name].passed:
            checks[found.name] = found
    total = replace(
        batches[-1],
        state=next(s for s in ("rejected", "loaded", "unchanged") if s in states),
        source_name=", ".join(b.source_name or "" for b in batches),
        error="; ".join(b.error for b in batches if b.error) or None,
        warnings=[w for b in batches for w in b.warnings],
        **{
            name: sum(getattr(b, name) for b in batches)
            for name in ("read", "loaded", "unchanged", "quarantined", "deleted")
        },
    )
    return Ingested(total, tuple(checks.values()))


def words(batch: Batch) -> str:
    """The batch in a line of Indonesian."""
    if batch.state == "unchanged":
        return (
            f"tidak ada yang baru ({batch.unchanged} baris sama)"
            if batch.unchanged
            else "tidak ada yang baru"
        )
    if batch.state == "rejected":
        return f"DITOLAK oleh pemeriksaan: {batch.error}"
    counts = {
        "dimuat": batch.loaded,
        "sama": batch.unchanged,
        "dikarantina": batch.quarantined,
        "dihapus": batch.deleted,
    }
    return ", ".join(f"{n} {word}" for word, n in counts.items()) + " (baris)"
