"""Declares the night's jobs, their schedule and chain: ingest, then warehouse, then publication.

A night is a chain of runs, not one run: inside one run a dataset that fails would take every later multi-asset step
down with it. Each link starts when the one before has ENDED, whether it succeeded or not. Datasets of months,
semesters or years are a link of their own each, because a Dagster run knows windows of one kind. Not here: what starts
the next link (sensors/chain.py), the jobs by which an engineer asks for loads (sensors/requested.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines.clock import TIMEZONE
from pipelines.contracts import windows
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Cadence
from pipelines.runs.launcher import with_lease

if TYPE_CHECKING:
    # Dagster has no public name for the type of a job by `define_asset_job`; only the type checker needs one.
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition as AssetJob,
    )

INGEST, WAREHOUSE, PUBLICATION, UPLOAD = "ingest", "warehouse", "publication", "upload"
INGEST_JOBS: Mapping[Cadence, str] = {
    Cadence.DAILY: INGEST,
    Cadence.MONTHLY: "ingest_monthly",
    Cadence.SEMESTER: "ingest_semester",
    Cadence.YEARLY: "ingest_yearly",
}
"""The job that loads the datasets of a cadence. Datasets without windows are in the first job."""
UPLOAD_JOBS: Mapping[Cadence | None, str] = {
    None: UPLOAD,
    **{every: f"{UPLOAD}_{every}" for every in Cadence},
}
"""The job that loads new uploads, by the cadence of their periods; None for uploads that are not partitioned."""
_CADENCES: Mapping[str, Cadence] = {job: every for every, job in INGEST_JOBS.items()} | {
    WAREHOUSE: Cadence.DAILY
}
"""The cadence of a job's windows: models are rebuilt for the days that ingest reads."""
WALKED = "gudang/chain"
"""Marks a run of `gudang nightly` or `gudang reload`, which run their jobs by themselves."""
NIGHT = "gudang/malam"
"""The night of a run: its date, or the id of its first run if somebody started the chain by hand."""
REQUESTED = "gudang/permintaan"
"""Marks a run that loads only what somebody asked for. It belongs to no night. The value names the request."""
PUBLISHED_FROM = "gudang/terbitan_dari"
"""The hash of what a run of `publication` publishes (publication/unchanged.py); UNCHANGED if that is shown already."""
UNCHANGED = "tetap"
AFTER = "gudang/after"
"""The runs after which a run was started, by their ids."""
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def ingest_job(contract: Contract) -> str:
    """The job that loads a dataset."""
    return INGEST_JOBS[contract.partition.every] if contract.partition else INGEST


def upload_job(contract: Contract) -> str:
    """The job that loads new uploads of a dataset."""
    return UPLOAD_JOBS[contract.partition.every if contract.partition else None]


def ingest_jobs(contracts: Sequence[Contract]) -> tuple[str, ...]:
    """The jobs that together load all datasets, in their order."""
    used = {INGEST, *(ingest_job(c) for c in contracts)}
    return tuple(job for job in INGEST_JOBS.values() if job in used)


def chain(contracts: Sequence[Contract]) -> tuple[str, ...]:
    """The jobs of a night, in their order."""
    return (*ingest_jobs(contracts), WAREHOUSE, PUBLICATION)


def _ingest_selection(
    contracts: Sequence[Contract], job: str, set_aside: Sequence[dg.AssetKey]
) -> dg.AssetSelection:
    keys = [dg.AssetKey(["raw", c.opd, c.dataset]) for c in contracts if ingest_job(c) == job]
    if job != INGEST:
        return dg.AssetSelection.assets(*keys)
    return dg.AssetSelection.assets(*keys, *set_aside) | dg.AssetSelection.groups("referensi")


def warehouse_selection() -> dg.AssetSelection:
    """Selects all models except the reference data."""
    return dg.AssetSelection.groups("staging", "core", "mart_satu_data", "mart_spbe")


_INGESTED = {
    "ingest": ", seluruhnya atau menurut hari",
    "ingest_monthly": " menurut bulan",
    "ingest_semester": " menurut semester",
    "ingest_yearly": " menurut tahun",
}


def jobs(contracts: Sequence[Contract], set_aside: Sequence[dg.AssetKey] = ()) -> list[AssetJob]:
    """The chain's jobs and those of uploads. Only steps of ingest jobs run in processes of their own.

    They plan no checks, because each planned check costs two events more; the steps give all results themselves
    (assets/check_events.py).

    set_aside: datasets whose contract has a fault; they are in the job, so that the night ends red.
    """
    uploads: dict[str, list[list[str]]] = {UPLOAD: []}
    for c in (c for c in contracts if c.server.kind == "upload"):
        uploads.setdefault(upload_job(c), []).append(["raw", c.opd, c.dataset])

    def single(name: str, selection: dg.AssetSelection, description: str) -> AssetJob:
        return dg.define_asset_job(
            name,
            selection.without_checks(),
            description=description,
            executor_def=with_lease(dg.in_process_executor),
        )

    return [
        *(
            dg.define_asset_job(
                job,
                _ingest_selection(contracts, job, set_aside).without_checks(),
                description=f"Memuat sumber OPD ke raw{_INGESTED[job]}.",
            )
            for job in ingest_jobs(contracts)
        ),
        *(
            single(job, dg.AssetSelection.assets(*keys), "Memuat berkas unggahan OPD ke raw.")
            for job, keys in uploads.items()
        ),
        single(WAREHOUSE, warehouse_selection(), "Membangun model SQL: staging, core, mart."),
        single(
            PUBLICATION,
            dg.AssetSelection.groups("publikasi"),
            "Menerbitkan berkas terbuka, katalog, dan laporan.",
        ),
    ]


def today() -> date:
    """The date in WITA."""
    return datetime.now(ZoneInfo(TIMEZONE)).date()


def range_tags(
    contracts: Sequence[Contract], job: str, loaded_until: date | None, day: date
) -> dict[str, str]:
    """The tags with the windows of `job` in the night of `day`, if its datasets have any; see `windows.night`."""
    every = _CADENCES.get(job)
    start = windows.starts(c.windows for c in contracts).get(every) if every else None
    if every is None or start is None:
        return {}
    first, last = windows.night(every, start, loaded_until, day)
    return {RANGE_START: windows.key(every, first), RANGE_END: windows.key(every, last)}


def scheduled_tags(contracts: Sequence[Contract], job: str, day: date) -> dict[str, str]:
    """The tags with a night's windows if we do not know what was loaded: two days, or two months."""
    return range_tags(contracts, job, day - timedelta(days=2), day)


def nightly_schedule(contracts: Sequence[Contract]) -> dg.ScheduleDefinition:
    """The schedule that starts the first job at 02:00 WITA. The chain's sensor starts the other jobs."""

    @dg.schedule(
        job_name=INGEST,
        cron_schedule="0 2 * * *",
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Mulai malam pada pukul 02.00 WITA; sensor rangkaian_malam memulai job sesudahnya.",
    )
    def malam(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = (context.scheduled_execution_time or datetime.now(UTC)).astimezone(ZoneInfo(TIMEZONE)).date()
        tags = {NIGHT: day.isoformat(), **scheduled_tags(contracts, INGEST, day)}
        return dg.RunRequest(run_key=day.isoformat(), tags=tags)

    return malam


def hourly_schedules(contracts: Sequence[Contract]) -> list[dg.ScheduleDefinition]:
    """The schedule that loads datasets which promise data more often than daily; none if there are no such datasets.

    Each is loaded as often as the `frequency` of its SLA says, in whole hours. Uploads have their sensor, and windows
    of days are complete only at night, so both are left out. Their models follow (sensors/descendants.py).
    """
    often = [(c, max(1, int(c.sla_hours("frequency") or 24))) for c in contracts if _is_hourly(c)]
    if not often:
        return []

    @dg.schedule(
        job_name=INGEST,
        cron_schedule="0 * * * *",
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Memuat dataset yang menurut kontraknya diperbarui lebih sering daripada sekali sehari: "
        + ", ".join(f"{c.key} tiap {hours} jam" for c, hours in often),
    )
    def tiap_jam(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = (context.scheduled_execution_time or datetime.now(UTC)).astimezone(ZoneInfo(TIMEZONE))
        keys = [dg.AssetKey(["raw", c.opd, c.dataset]) for c, hours in often if now.hour % hours == 0]
        if not keys:
            return dg.SkipReason("Tidak ada dataset yang gilirannya pada jam ini.")
        name = f"tiap_jam {now:%Y-%m-%dT%H}"
        return dg.RunRequest(run_key=name, asset_selection=keys, tags={REQUESTED: name})

    return [tiap_jam]


def _is_hourly(contract: Contract) -> bool:
    hours = contract.sla_hours("frequency")
    return (
        hours is not None and hours < 24 and contract.server.kind != "upload" and contract.partition is None
    )
