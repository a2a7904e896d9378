"""Lets Dagster's daemon see by a lease whether a run's worker is alive.

What belongs here: the run launcher of deploy/dagster.yaml and the executors of the code location. Not here: leases
(runtime/lease.py).

Dagster's own launcher can't distinguish a dead worker from a busy one, so its run monitoring leaves a killed run
"started" for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

# What a launcher gives for `check_run_worker_health` has no public name in Dagster.
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from pipelines.runs.causes import with_all_causes
from pipelines.runs.dead import GRACE_SECONDS, Closed, must_have_lease, storage_url, subject
from pipelines.runs.slots import limit_pool_waits, make_pools
from pipelines.runtime import lease

if TYPE_CHECKING:
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.retries import RetryMode
    from dagster._core.execution.step_dependency_config import StepDependencyConfig


class LeasedRunLauncher(dg.DefaultRunLauncher):
    """Dagster's default launcher, which also checks by the lease of a run whether the run's worker is alive."""

    grace = GRACE_SECONDS
    wait = lease.GONE_SECONDS

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True: the daemon asks `check_run_worker_health` about every run that has not ended."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """NOT_FOUND if no process holds the run's lease any more, else RUNNING."""
        url = storage_url(self._instance)
        record = self._instance.get_run_record_by_id(run.run_id)
        if url is None or record is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "run ini tidak memakai sewa")
        late = must_have_lease(record, datetime.now(UTC), self.grace)
        if not late or not lease.wait_and_find_gone(url, [subject(run.run_id)], wait=self.wait):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "proses yang mengerjakan run ini sudah tidak ada")


class _LeasedExecutor(dg.Executor):
    """Wraps an executor of Dagster: holds the run's lease while it works, and names all causes of a failure."""

    def __init__(self, executor: dg.Executor) -> None:
        self._executor = executor

    @property
    def retries(self) -> RetryMode:
        return self._executor.retries

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        return self._executor.step_dependency_config

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        url = storage_url(plan_context.instance)
        if url is None:
            yield from with_all_causes(self._executor.execute(plan_context, execution_plan))
            return
        instance, say = plan_context.instance, plan_context.log.info
        with (
            lease.hold(url, subject(plan_context.run_id), linger=True),
            limit_pool_waits(instance, say, lambda runs: _say_closed(say, runs), limit=None),
        ):
            make_pools(instance, plan_context.job.get_definition().graph.pools)
            yield from with_all_causes(self._executor.execute(plan_context, execution_plan))


def _say_closed(say: Callable[[str], None], runs: Sequence[Closed]) -> None:
    for run in runs:
        say(run.message)


def with_lease(definition: dg.ExecutorDefinition) -> dg.ExecutorDefinition:
    """Gives an executor that holds the lease of the run that it executes. Call it before `.configured(...)`."""
    create = definition.executor_creation_fn
    assert create is not None

    def create_with_lease(context: dg.InitExecutorContext) -> dg.Executor:
        return _LeasedExecutor(create(context))

    return dg.ExecutorDefinition(
        name=definition.name,
        config_schema=cast(Any, definition.config_schema),
        requirements=definition.get_requirements,
        executor_creation_fn=create_with_lease,
        description=definition.description,
    )
