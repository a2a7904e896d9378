"""An executor that runs several steps of a run at a time, in threads of the run's own process.

What belongs here: which steps run now, in which thread, and how they are interrupted. Not here: what a step does
(assets/), the pools of sources (slots.py), the run's lease (launcher.py).

A step that loads waits most of its time for PostgreSQL or its source, without Python's lock. A process for each step
would pay for the imports again (adr/046). Everything that Dagster keeps about steps is changed by the run's main thread
alone; a thread only executes its step, and stores the step's events. Hooks of Dagster are not supported.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import dagster as dg

# Dagster has no public interface for an executor of one's own that works in its process.
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.compute_logs import create_compute_log_file_key
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.execute_plan import dagster_event_sequence_for_step
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.execution.retries import RetryMode
from dagster._core.execution.step_dependency_config import StepDependencyConfig
from dagster._utils.error import serializable_error_info_from_exc_info

if TYPE_CHECKING:
    from dagster._core.execution.context.system import (
        PlanExecutionContext,
        PlanOrchestrationContext,
        StepExecutionContext,
    )
    from dagster._core.execution.plan.active import ActiveExecution
    from dagster._core.execution.plan.plan import ExecutionPlan

SOURCE_TAG = "gudang/sumber"
"""The tag of an op with the name of its pool. Of the steps with the same value one runs at a time."""

LOOK_SECONDS = 10.0
"""How often we ask again for steps whose pool another run holds, while steps of this run are at work."""

GRACE_SECONDS = 10.0
"""How long an interrupted run waits for its threads. A thread that is still at work then ends with the process, and
PostgreSQL rolls back what it did."""

_POLL_SECONDS = 0.2


def cores() -> int:
    """The number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dg.executor(name="threads", config_schema={})
def threaded_executor(_: dg.InitExecutorContext) -> dg.Executor:
    """Runs as many steps at a time as the machine has cores, and at least two: one waits while the other computes."""
    return ThreadedExecutor(max(2, cores()))


class ThreadedExecutor(dg.Executor):
    """Runs up to `at_once` steps at a time. grace: see GRACE_SECONDS."""

    def __init__(self, at_once: int, *, grace: float = GRACE_SECONDS) -> None:
        self._at_once, self._grace = at_once, grace

    @property
    def retries(self) -> RetryMode:
        """Steps are retried if their policy says so."""
        return RetryMode.ENABLED

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        """A step begins when the steps before it have ended."""
        return StepDependencyConfig.default()

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Runs the steps of the plan, and gives their events."""

        def work(
            job_context: PlanExecutionContext, execution_plan: ExecutionPlan
        ) -> Iterator[dg.DagsterEvent]:
            return _Steps(job_context, execution_plan, self._at_once, self._grace).run()

        yield from ExecuteRunWithPlanIterable(
            execution_plan=execution_plan,
            iterator=work,
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=plan_context.retry_mode,
                execution_plan=execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=self.step_dependency_config,
            ),
        )


@dataclass(frozen=True, slots=True)
class _Ended:
    """A step's thread has ended. error: what it raised that is no failure of the step."""

    step: str
    error: BaseException | None


@dataclass(slots=True)
class _Step:
    """A step that is at work in a thread."""

    context: StepExecutionContext
    thread: threading.Thread = field(init=False)
    judged: bool = False
    """Whether Dagster knows that it has succeeded or failed."""
    retry: dg.DagsterEvent | None = None
    """The event by which it asks for another try. Dagster gets to know of it when the thread of this try has ended."""


class _Steps:
    """The steps of one run."""

    def __init__(
        self, context: PlanExecutionContext, plan: ExecutionPlan, at_once: int, grace: float
    ) -> None:
        self._context, self._plan, self._at_once, self._grace = context, plan, at_once, grace
        self._news: SimpleQueue[dg.DagsterEvent | _Ended] = SimpleQueue()
        self._running: dict[str, _Step] = {}
        self._threads: set[int] = set()
        self._error: BaseException | None = None

    def run(self) -> Iterator[dg.DagsterEvent]:
        context = self._context
        with (
            InstanceConcurrencyContext(context.instance, context.dagster_run) as slots,
            self._plan.start(
                retry_mode=context.retry_mode,
                max_concurrent=self._at_once,
                tag_concurrency_limits=[
                    {"key": SOURCE_TAG, "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
                ],
                instance_concurrency_context=slots,
                step_dependency_config=context.step_dependency_config,
            ) as active,
            ExitStack() as captured,
        ):
            yield self._capture_output(captured)
            try:
                try:
                    yield from self._work(active)
                except Exception:  # what ends the run lets the steps end that are at work
                    while self._running:
                        yield from self._listen(active, LOOK_SECONDS)
                    raise
            except DagsterExecutionInterruptedError:
                active.mark_interrupted()
                yield from self._interrupt(active)
                raise

    def _work(self, active: ActiveExecution) -> Iterator[dg.DagsterEvent]:
        while not active.is_complete:
            for step in active.get_steps_to_execute():
                self._start(self._context.for_step(step, active.get_known_state()))
            yield from active.concurrency_event_iterator(self._context)
            # Steps that were skipped or abandoned are also the end of a run whose last step has failed.
            yield from active.plan_events_iterator(self._context)
            if self._running:
                yield from self._listen(active, LOOK_SECONDS)
                if self._error is not None:
                    raise self._error
            else:
                _raise_if_interrupted(active)
                active.sleep_til_ready()

    def _listen(
        self, active: ActiveExecution, seconds: float, *, interruptible: bool = True
    ) -> Iterator[dg.DagsterEvent]:
        """Gives the events of the steps until one of them ends, or for `seconds`. Dagster gets to know of them."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if interruptible:
                _raise_if_interrupted(active)
            try:
                news = self._news.get(timeout=_POLL_SECONDS)
            except Empty:
                continue
            if isinstance(news, _Ended):
                step = self._running.pop(news.step)
                if step.retry:
                    active.handle_event(step.retry)
                active.verify_complete(self._context, news.step)
                self._error = self._error or news.error
                return
            yield news
            step = self._running[news.step_key or ""]
            step.judged = step.judged or news.is_step_success or news.is_step_failure
            if news.is_step_up_for_retry:
                step.retry = news
            else:
                active.handle_event(news)

    def _start(self, context: StepExecutionContext) -> None:
        step = self._running[context.step.key] = _Step(context)
        # A daemon: a thread that can't be interrupted does not keep the process.
        step.thread = threading.Thread(
            target=self._execute, args=(context,), name=f"step {context.step.key}", daemon=True
        )
        step.thread.start()

    def _execute(self, context: StepExecutionContext) -> None:
        """Executes a step; the body of a thread."""
        error: BaseException | None = None
        own = threading.get_ident()
        self._threads.add(own)
        try:
            _keep_apart(context, own, self._threads)
            for event in dagster_event_sequence_for_step(context):
                self._news.put(event)
        except BaseException as raised:  # the main thread says what it means for the run
            error = raised
        finally:
            self._threads.discard(own)
            self._news.put(_Ended(context.step.key, error))

    def _interrupt(self, active: ActiveExecution) -> Iterator[dg.DagsterEvent]:
        """Interrupts the threads, and gives the last events of their steps."""
        error = serializable_error_info_from_exc_info(sys.exc_info())
        for step in self._running.values():
            # It arrives with the thread's next instruction of Python.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(step.thread.ident or 0), ctypes.py_object(DagsterExecutionInterruptedError)
            )
        end = time.monotonic() + self._grace
        while self._running and time.monotonic() < end:
            yield from self._listen(active, end - time.monotonic(), interruptible=False)
        for step in (step for step in self._running.values() if not step.judged):
            failed = dg.DagsterEvent.step_failure_event(step.context, StepFailureData(error, None))
            yield failed
            active.handle_event(failed)

    def _capture_output(self, captured: ExitStack) -> dg.DagsterEvent:
        """Begins to capture what the process writes, for the run's page; gives the event that says where it is."""
        manager = self._context.instance.compute_log_manager
        key = manager.build_log_key_for_run(self._context.run_id, create_compute_log_file_key())
        place = captured.enter_context(manager.capture_logs(key))
        steps = [step.key for step in self._plan.get_steps_to_execute_in_topo_order()]
        return dg.DagsterEvent.capture_logs(self._context, steps, key, place)


def _raise_if_interrupted(active: ActiveExecution) -> None:
    if active.check_for_interrupts():
        raise DagsterExecutionInterruptedError


def _keep_apart(context: StepExecutionContext, own: int, threads: set[int]) -> None:
    """Lets the step's log take no line of another step's thread.

    While a step is at work, Dagster adds a handler of this step to the loggers that it manages, and these are the same
    for all steps. A thread that a step has started itself belongs to no step, so its lines go to any of them.
    """
    for handler in context.log.handlers:
        passes = handler.filter

        def filtered(record: Any, passes: Callable[[Any], Any] = passes) -> Any:
            return (record.thread == own or record.thread not in threads) and passes(record)

        handler.filter = filtered
