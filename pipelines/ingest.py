"""One dataset's way from its OPD into raw: open the source, load, run its suite at the gate.

What belongs here: joining extract, load and quality into the one call that assets, benchmarks and tests make.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import FileExtract
from pipelines.contracts.windows import Window
from pipelines.errors import ContractError, GudangError, ShapeError, SourceError
from pipelines.extract.courtesy import Waiting
from pipelines.extract.source import open_source
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.inbox import LeftFile, list_uploads
from pipelines.extract.upload.zone import upload_zone
from pipelines.load import arrivals, ledger
from pipelines.load.apply.shrinking import ShrunkError
from pipelines.load.arrivals import Arrival
from pipelines.load.failures import describe_failure
from pipelines.load.ledger import Batch
from pipelines.load.loader import Staged, load
from pipelines.load.stage import revalidate
from pipelines.quality.gate import GateResult, check, notice, source_shape
from pipelines.quality.results import CheckResult, record
from pipelines.settings import Settings

log = logging.getLogger("gudang")


@dataclass(frozen=True, slots=True)
class Ingested:
    """A batch and its checks; `batch` is None for an upload that has not come yet.

    left: files in the dataset's folder that its contract does not take.
    """

    batch: Batch | None
    checks: tuple[CheckResult, ...] = ()
    left: tuple[LeftFile, ...] = ()


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
) -> Ingested:
    """Loads `contract`'s source into the warehouse at `url`; `connection` is a session there.

    window: the days of a partitioned dataset that are loaded. full_refresh, allow_empty: see `load`.
    Whatever goes wrong is raised as a GudangError, after the ledger says so. Where files are appended or merged, one
    that fails leaves the others alone, and is told of when all were tried.
    """
    try:
        one = partial(_judged, connection, contract, settings, url, run_id)
        incoming = _incoming(connection, contract, settings, full_refresh=full_refresh)
        if not (incoming.uploads or incoming.failures):
            log.info("%s: belum ada berkas", contract.key)
            return Ingested(None, left=incoming.left)
        if full_refresh and incoming.failures:
            # A full refresh takes away the rows of a file that is there and cannot be read just now.
            raise incoming.failures[0]
        if full_refresh and len(incoming.uploads) > 1:
            # The first takes the place of all: so each must be known to be good before.
            refused = [r for u in incoming.uploads if (r := one(u, full_refresh=True, rehearsal=True)).batch]
            if refused:
                return _together(refused, incoming.left)
        return _one_by_one(
            contract,
            incoming,
            partial(one, window=window, allow_empty=allow_empty),
            full_refresh=full_refresh,
        )
    except GudangError:
        raise
    except Exception as error:
        raise describe_failure(contract.key, error) from None


@dataclass(frozen=True, slots=True)
class _Incoming:
    """What a load is to read: uploads in the order in which they came, or one None for a source that is no upload."""

    uploads: Sequence[Arrival | None]
    failures: Sequence[GudangError] = ()
    left: tuple[LeftFile, ...] = ()


def _one_by_one(
    contract: Contract, incoming: _Incoming, one: Callable[..., Ingested], *, full_refresh: bool
) -> Ingested:
    done: list[Ingested] = []
    failures = [*incoming.failures]
    for upload in incoming.uploads:
        try:
            done.append(one(upload, full_refresh=full_refresh and not done))
        except GudangError as error:
            failures.append(error)
            log.error("%s", error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        messages = "; ".join(e.message for e in failures)
        of = len(incoming.uploads) + len(incoming.failures)
        raise SourceError(
            contract.key, f"{len(failures)} dari {of} berkas gagal: {messages}", hint="perbaiki satu per satu"
        )
    return _together(done, incoming.left)


def _incoming(
    connection: Connection[Any], contract: Contract, settings: Settings, *, full_refresh: bool
) -> _Incoming:
    """Every upload that is not in raw yet, or the newest where it stands for all.

    Raises ContractError for a full refresh of versions from several files.
    """
    if not isinstance(contract.extract, FileExtract):
        return _Incoming([None])
    listing = list_uploads(upload_zone(settings), contract)
    for left in listing.left:
        log.warning("%s", left)
    seen = arrivals.see(connection, contract, listing.files)
    if not contract.takes_every_file:
        return _newest(seen, listing.left)
    if full_refresh and contract.keeps_history and len(listing.files) > 1:
        raise ContractError(
            contract.key,
            f"zona unggah berisi {len(listing.files)} berkas, dan muat ulang penuh akan mengakhiri dan memulai versi"
            " dengan setiap berkas",
            hint="sisakan hanya berkas yang memuat semua baris menurut keadaan sekarang",
        )
    files = seen.arrivals if full_refresh else _not_in_raw(connection, contract, seen.arrivals)
    return _Incoming(files, [error for _, error in seen.unreadable], listing.left)


def _newest(seen: arrivals.Seen, left: tuple[LeftFile, ...]) -> _Incoming:
    newest = seen.arrivals[-1:]
    since = newest[0].file.touched if newest else 0.0
    # Nobody can tell when a file came that cannot be read; one that was changed last may be the newest.
    failures = [error for file, error in seen.unreadable if file.touched >= since]
    if len(seen.arrivals) > 1:
        log.info(
            "%s datang terakhir; %d berkas lain digantikannya", newest[0].file.name, len(seen.arrivals) - 1
        )
    return _Incoming([] if failures else newest, failures, left)


def _not_in_raw(
    connection: Connection[Any], contract: Contract, seen: Sequence[Arrival]
) -> Sequence[Arrival]:
    """The files that a load adds; where there is none, the one that came last, for the contract may have changed."""
    if contract.merges:
        new = {a.seen_id for a in arrivals.changed_arrivals(connection, contract, seen)}
        merged = ledger.merged(connection, contract)
        if contract.cursor:
            again = revalidate.files_to_read_again(connection, contract)
        else:
            since = arrivals.since(connection, contract)
            seen = sorted(seen, key=lambda a: a.seen_id if a.seen_id in new else since[a.file.name])
            again = _overtaken(seen, new, merged)
        last = [a for a in seen if a.sha256 == merged[-1][1]] if merged else []
    else:
        again = revalidate.files_to_read_again(connection, contract)
        standing = ledger.standing_fingerprints(connection, contract)
        new = {a.seen_id for a in seen if ledger.fingerprint(contract, a.sha256) not in standing}
        last = []
    return [a for a in seen if a.seen_id in new or a.file.name in again] or last[-1:] or seen[-1:]


def _overtaken(seen: Sequence[Arrival], new: Set[int], merged: Sequence[tuple[str, str]]) -> set[str]:
    """Merged files that an earlier one is merged after, now or in a load before: they have to come after it again.

    Without a cursor nothing else says whose row is the newer one. A file that its own fault keeps out merges nothing.
    """
    turns = {of: turn for turn, of in enumerate(merged)}
    latest = -1.0
    names: set[str] = set()
    for arrival in seen:
        if arrival.seen_id in new:
            latest = latest if arrival.outcome else math.inf
            continue
        turn = turns.get((arrival.file.name, arrival.sha256))
        if turn is not None and turn < latest:
            names.add(arrival.file.name)
        elif turn is not None:
            latest = turn
    return names


def _judged(
    connection: Connection[Any],
    contract: Contract,
    settings: Settings,
    url: str,
    run_id: str,
    upload: Arrival | None,
    **how: Any,
) -> Ingested:
    """One load; what became of an upload is kept with it, unless what went wrong was not the file's own fault."""
    outcome: str | None = None
    try:
        done = _ingest(connection, contract, settings, url, run_id, upload.file if upload else None, **how)
        outcome = done.batch.state if done.batch else None
        return done
    except ShrunkError:
        outcome = "failed"
        raise
    except SourceError as error:
        outcome = None if error.transient else "failed"
        raise
    finally:
        if upload and outcome and not connection.closed:
            with suppress(psycopg.Error):
                arrivals.judge(connection, contract, upload, outcome)


def _ingest(
    connection: Connection[Any],
    contract: Contract,
    settings: Settings,
    url: str,
    run_id: str,
    upload: UploadedFile | None,
    *,
    window: Window | None = None,
    full_refresh: bool = False,
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
            full_refresh=full_refresh,
            allow_empty=allow_empty,
            rehearsal=rehearsal,
        )
    except ShapeError as error:
        record(connection, asset, run_id, None, [source_shape(contract, [error.message])])
        raise
    if batch is None:
        return Ingested(None)
    checks: tuple[CheckResult, ...] = ()
    told = notice(contract, batch) if results else ()
    if results:
        checks = (source_shape(contract, [str(d) for d in batch.drift]), *told, *results[0].checks)
    record(connection, asset, run_id, batch.batch_id, checks)
    log.info("%s: %s", contract.key, describe_batch(batch))
    for warning in (*batch.warnings, *(c.message for c in told if not c.passed)):
        log.warning("%s: %s", contract.key, warning)
    return Ingested(batch, checks)


def _together(done: Sequence[Ingested], left: tuple[LeftFile, ...]) -> Ingested:
    """Several files' loads as one: sums, and of each check the failure, else the last."""
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
        state=next(s for s in ("rejected", "loaded", "unchanged") if s in states),
        source_name=", ".join(b.source_name or "" for b in batches),
        error="; ".join(b.error for b in batches if b.error) or None,
        warnings=[w for b in batches for w in b.warnings],
        **{
            name: sum(getattr(b, name) for b in batches)
            for name in ("read", "loaded", "unchanged", "quarantined", "deleted", "damaged")
        },
    )
    return Ingested(total, tuple(checks.values()), left)


def describe_batch(batch: Batch) -> str:
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
