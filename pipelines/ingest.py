"""One dataset's way from its OPD into raw: open the source, load, run its suite at the gate.

What belongs here: joining extract, load and quality into the one call that assets, benchmarks and tests make.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from pipelines.contracts import Contract
from pipelines.errors import ShapeError
from pipelines.extract.source import open_source
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.load.ledger import Batch
from pipelines.load.loader import Staged, load
from pipelines.load.plan import Window
from pipelines.quality.gate import CheckResult, GateResult, check, record, source_shape
from pipelines.settings import Settings

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
) -> Ingested:
    """Loads `contract`'s source into the warehouse at `url`; `connection` is a session there.

    window: the days of a partitioned dataset that are loaded. whole: a full refresh, see `load`.
    Raises SourceError, LoadError, ContractError or QualityError after the ledger says so.
    """
    results: list[GateResult] = []

    def opener(of: Contract, since: str | None) -> SourceStream | None:
        wanted = Wanted(since, window.start if window else None, window.end if window else None)
        return open_source(of, wanted=wanted, upload_zone=settings.upload_zone)

    def gate(staged: Staged) -> GateResult:
        log.info("%s: %d baris dibaca, %d lolos; memeriksa", contract.key, staged.rows_read, staged.rows)
        result = check(staged, settings.expectations_dir, url)
        results.append(result)
        return result

    asset = f"raw/{contract.key}"
    try:
        batch = load(connection, contract, opener, gate, run_id=run_id, window=window, whole=whole)
    except ShapeError as error:
        record(connection, asset, run_id, None, [source_shape(contract, [error.message])])
        raise
    if batch is None:
        log.info("%s: belum ada berkas", contract.key)
        return Ingested(None)
    checks = (source_shape(contract, [str(d) for d in batch.drift]), *results[0].checks) if results else ()
    record(connection, asset, run_id, batch.batch_id, checks)
    log.info("%s: %s", contract.key, words(batch))
    for warning in batch.warnings:
        log.warning("%s: %s", contract.key, warning)
    return Ingested(batch, checks)


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
