"""The job that deletes old data every week, and its schedule. Not here: what it deletes (pipelines/maintenance.py)."""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines.clock import TIMEZONE
from pipelines.maintenance import lines, prune
from pipelines.retention.policy import read_policy
from pipelines.runs.causes import StepError
from pipelines.runs.launcher import with_lease
from pipelines.settings import load_settings

MAINTENANCE = "pemeliharaan"


_CONFIG = {
    "hanya_hitung": dg.Field(
        bool,
        default_value=False,
        is_required=False,
        description="Hanya menghitung apa yang akan dihapus; tidak menghapus apa pun.",
    )
}
"""The config that the launchpad offers and explains."""


@dg.op(
    name="hapus_yang_lama",
    config_schema=_CONFIG,
    pool="gudang",
    description="Menghapus kejadian, log, catatan, karantina, unggahan, dan baris yang melewati masa simpannya.",
)
def prune_op(context: dg.OpExecutionContext) -> None:
    """Deletes old data, and logs what it deleted."""
    dry_run = context.op_config["hanya_hitung"]
    results = prune(
        load_settings(),
        os.environ["GUDANG_DAGSTER_URL"],
        read_policy(),
        datetime.now(ZoneInfo(TIMEZONE)).date(),
        context.run_id,
        dry_run=dry_run,
    )
    for line in lines(results, dry_run=dry_run) or ["Tidak ada yang melewati masa simpannya."]:
        context.log.info(line)
    if failed := [f"{result.place}: {result.note}" for result in results if result.failed]:
        raise StepError("\n".join(failed))


def maintenance_job() -> dg.JobDefinition:
    """The job `pemeliharaan`."""

    @dg.config_mapping(config_schema=_CONFIG)
    def at_the_top(config: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ops": {prune_op.name: {"config": config}}}

    @dg.job(
        name=MAINTENANCE,
        config=at_the_top,
        description="Menghapus data lama menurut masa simpannya; baris raw menurut kontrak.",
        executor_def=with_lease(dg.in_process_executor),
    )
    def job() -> None:
        prune_op()

    return job


def maintenance_schedule(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """The schedule that starts the job at noon on Sundays (WITA), when no night runs."""
    return dg.ScheduleDefinition(
        name="pemeliharaan_mingguan",
        job=job,
        cron_schedule="0 12 * * 0",
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Menghapus data lama setiap Minggu pukul 12.00 WITA.",
    )
