"""What Dagster's daemon would write into its database: ticks, and the origin of runs."""

from __future__ import annotations

import time

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster_shared.error import SerializableErrorInfo

ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("127.0.0.1", 1), "gudang"), "ingest"
)
"""The origin of a run, as one that was launched from a code location has it."""


def tick(
    instance: dg.DagsterInstance,
    ago: float = 0,
    status: TickStatus = TickStatus.SKIPPED,
    error: str = "x",
) -> None:
    """A tick of a sensor that is on. ago: seconds. error: the message of a tick that failed."""
    origin = RemoteInstigatorOrigin(ORIGIN.repository_origin, "unggahan_baru")
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE)
    if not instance.all_instigator_state():
        instance.add_instigator_state(state)
    failed = status is TickStatus.FAILURE
    instance.create_tick(
        TickData(
            state.instigator_origin_id,
            state.instigator_name,
            state.instigator_type,
            status,
            time.time() - ago,
            selector_id=state.selector_id,
            error=SerializableErrorInfo(error, [], "ValueError") if failed else None,
        )
    )
