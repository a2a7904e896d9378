"""Runs the night's chain of jobs: when one has ended, with success or failure, starts the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.contracts.model import Contract
from pipelines.jobs import WALKED, chain, scheduled_tags, today

if TYPE_CHECKING:
    from pipelines.jobs import AssetJob

_ENDS = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)


def chain_sensors(contracts: Sequence[Contract], jobs: Mapping[str, AssetJob]) -> list[dg.SensorDefinition]:
    """Makes a sensor for each link of the chain and each way to end.

    A run of `gudang nightly`, which runs the chain itself, starts nothing.
    """
    links = pairwise(chain(contracts))
    return [_sensor(contracts, jobs[before], jobs[after], end) for before, after in links for end in _ENDS]


def _sensor(
    contracts: Sequence[Contract], before: AssetJob, after: AssetJob, end: dg.DagsterRunStatus
) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        name=f"{after.name}_after_{before.name}_{end.value.lower()}",
        run_status=end,
        monitored_jobs=[before],
        request_job=after,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=10,
        description=f"Memulai {after.name} setelah {before.name} berakhir ({end.value}).",
    )
    def start_next(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if WALKED in run.tags:
            return dg.SkipReason(f"Run {run.run_id} milik malam yang dijalankan `gudang nightly` sendiri.")
        windows = scheduled_tags(contracts, after.name, today())
        return dg.RunRequest(
            run_key=f"{after.name}:{run.run_id}", tags={"gudang/after": run.run_id, **windows}
        )

    return start_next
