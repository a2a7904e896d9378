"""What became of the loads of a source, and how an operator reads it. Not here: loading (loads.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.extract.upload.inbox import LeftFile
from pipelines.load.ledger import Batch
from pipelines.quality.results import CheckResult

MOST_SAID = 10
"""Of so many files the result says cause or name. The log has all causes."""


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
        more = len(self.waiting) - MOST_SAID
        lines = [describe_batch(one) for one in self.waiting[:MOST_SAID]]
        return "; ".join([*lines, f"dan {more} kiriman lagi"] if more > 0 else lines)


def sum_of(done: Sequence[Ingested], left: tuple[LeftFile, ...]) -> Ingested:
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
