"""The night's jobs, their schedule and chain: ingest, then warehouse, then publication.

A night is a chain of runs, not one run: inside one run a dataset that fails would take every later multi-asset step
down with it. Each link starts when the one before has ENDED, whether it succeeded or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from pipelines.contracts import Contract
from pipelines.settings import TIMEZONE

INGEST, WAREHOUSE, PUBLICATION, UPLOAD = "ingest", "warehouse", "publication", "upload"
CHAIN = (INGEST, WAREHOUSE, PUBLICATION)
WALKED = "gudang/chain"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def ingest_selection() -> dg.AssetSelection:
    return dg.AssetSelection.key_prefixes("raw") | dg.AssetSelection.groups("referensi")


def warehouse_selection() -> dg.AssetSelection:
    return dg.AssetSelection.groups("staging", "core", "mart_satu_data", "mart_spbe")


def jobs(contracts: Sequence[Contract]) -> list[AssetJob]:
    """The chain's jobs and `upload`. Only ingest has steps that are worth a process each."""
    uploads = [["raw", c.opd, c.dataset] for c in contracts if c.server.kind == "upload"]

    def single(name: str, selection: dg.AssetSelection, description: str) -> AssetJob:
        return dg.define_asset_job(
            name, selection, description=description, executor_def=dg.in_process_executor
        )

    return [
        dg.define_asset_job(INGEST, ingest_selection(), description="Semua sumber OPD ke raw."),
        single(UPLOAD, dg.AssetSelection.assets(*uploads), "Berkas unggahan OPD ke raw."),
        single(WAREHOUSE, warehouse_selection(), "Model SQL: staging, core, mart."),
        single(PUBLICATION, dg.AssetSelection.groups("publikasi"), "Berkas terbuka, katalog, laporan."),
    ]


def today() -> date:
    return datetime.now(ZoneInfo(TIMEZONE)).date()


def range_tags(contracts: Sequence[Contract], loaded_until: date | None, day: date) -> dict[str, str]:
    """The daily window of a night: from the last loaded day on (it is read again), up to yesterday."""
    starts = [c.partition.start for c in contracts if c.partition]
    if not starts:
        return {}
    last = day - timedelta(days=1)
    first = min(max(min(starts), loaded_until or min(starts)), last)
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}


def nightly_schedule(contracts: Sequence[Contract]) -> dg.ScheduleDefinition:
    """02:00 WITA: a full ingest of yesterday's window. The chain's sensors start the rest."""

    @dg.schedule(
        job_name=INGEST,
        cron_schedule="0 2 * * *",
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = (context.scheduled_execution_time or datetime.now(UTC)).astimezone(ZoneInfo(TIMEZONE)).date()
        tags = range_tags(contracts, day - timedelta(days=2), day)
        return dg.RunRequest(run_key=day.isoformat(), tags=tags)

    return nightly
