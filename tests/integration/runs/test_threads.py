"""Steps of one run side by side, in threads: pools, faults, logs and interrupts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from signal import SIGINT, raise_signal

import dagster as dg
import pytest
from dagster import DagsterEventType as Event
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.execute_in_process import core_execute_in_process

from pipelines.runs.threads import SOURCE_TAG, ThreadedExecutor

log = logging.getLogger("uji.langkah")
MANAGED = {"python_logs": {"managed_python_loggers": ["uji"], "python_log_level": "INFO"}}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    pools = {"concurrency": {"pools": {"granularity": "op", "default_limit": 1}}}
    with dg.instance_for_test(overrides=MANAGED | pools) as made:
        yield made


def run(instance: dg.DagsterInstance, job: dg.JobDefinition, grace: float = 5.0) -> list[dg.DagsterEvent]:
    executor = dg.executor(name="uji")(lambda _: ThreadedExecutor(2, grace=grace))
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    result = core_execute_in_process(
        quiet, InMemoryJob(job.with_executor_def(executor)), instance,
        output_capturing_enabled=False, raise_on_error=False,
    )  # fmt: skip
    return list(result.all_events)


def steps(events: list[dg.DagsterEvent], kind: Event) -> list[str | None]:
    return [event.step_key for event in events if event.event_type == kind]


def test_two_sources_are_read_at_the_same_time(instance: dg.DagsterInstance) -> None:
    both = threading.Barrier(2, timeout=20)

    @dg.op
    def bapenda() -> None:
        both.wait()

    @dg.op
    def dinkes() -> None:
        both.wait()

    @dg.job
    def night() -> None:
        bapenda()
        dinkes()

    events = run(instance, night)
    assert events[-1].event_type == Event.RUN_SUCCESS
    assert sorted(filter(None, steps(events, Event.STEP_SUCCESS))) == ["bapenda", "dinkes"]


def test_steps_of_one_source_take_turns_and_never_wait_for_their_own_slot(
    instance: dg.DagsterInstance,
) -> None:
    reading: list[str] = []
    most: list[int] = []

    def step(name: str, source: str) -> dg.OpDefinition:
        @dg.op(name=name, pool=source, tags={SOURCE_TAG: source})
        def read() -> None:
            reading.append(source)
            most.append(reading.count("satu"))
            time.sleep(0.2)
            reading.remove(source)

        return read

    @dg.job
    def night() -> None:
        for name, source in (("a", "satu"), ("b", "satu"), ("c", "dua"), ("d", "satu")):
            step(name, source)()

    events = run(instance, night)
    assert events[-1].event_type == Event.RUN_SUCCESS
    assert max(most) == 1
    assert not [e for e in events if e.message and "blocked" in e.message]


def test_a_step_that_fails_stops_neither_its_neighbour_nor_the_next(instance: dg.DagsterInstance) -> None:
    @dg.op
    def broken() -> None:
        raise dg.Failure("sumber tidak menjawab", allow_retries=False)

    @dg.op
    def slow() -> None:
        time.sleep(0.3)

    @dg.op
    def later() -> None:
        pass

    @dg.op(ins={"before": dg.In(dg.Nothing)})
    def after_broken() -> None:
        pass

    @dg.job
    def night() -> None:
        slow()
        later()
        after_broken(broken())

    events = run(instance, night)
    assert events[-1].event_type == Event.RUN_FAILURE
    assert steps(events, Event.STEP_FAILURE) == ["broken"]
    assert set(steps(events, Event.STEP_SUCCESS)) == {"slow", "later"}


def test_a_step_that_asks_for_a_retry_gets_it(instance: dg.DagsterInstance) -> None:
    tries: list[int] = []

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
    def shaky() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError

    @dg.job
    def night() -> None:
        shaky()

    assert run(instance, night)[-1].event_type == Event.RUN_SUCCESS
    assert len(tries) == 3


def test_every_line_is_of_the_step_that_wrote_it(instance: dg.DagsterInstance) -> None:
    both = threading.Barrier(2, timeout=20)

    def step(name: str) -> dg.OpDefinition:
        @dg.op(name=name)
        def load() -> None:
            for number in range(20):
                both.wait()  # so that both write at the same moment
                log.info("%s %d", name, number)

        return load

    @dg.job
    def night() -> None:
        step("bkd")()
        step("dlh")()

    run(instance, night)
    run_id = instance.get_runs()[0].run_id
    lines = [
        (entry.step_key, entry.user_message.split()[0])
        for entry in instance.all_logs(run_id)
        if not entry.is_dagster_event
    ]
    assert sorted(lines) == [("bkd", "bkd")] * 20 + [("dlh", "dlh")] * 20


def test_an_interrupted_run_ends_its_steps_and_says_so(instance: dg.DagsterInstance) -> None:
    """As by Ctrl-C, or by "terminate" in the UI. A step that cannot be interrupted does not keep the run."""
    released = threading.Event()
    ended: list[str] = []

    @dg.op
    def loads() -> None:
        try:
            while True:
                time.sleep(0.01)
        except BaseException as error:
            ended.append(type(error).__name__)
            raise

    @dg.op
    def in_the_database() -> None:
        threading.Timer(0.3, raise_signal, [SIGINT]).start()
        released.wait(30)

    @dg.op
    def never_begun() -> None:
        raise AssertionError

    @dg.job
    def night() -> None:
        loads()
        in_the_database()
        never_begun()

    begin = time.monotonic()
    try:
        events = run(instance, night, grace=1.0)
    finally:
        released.set()
    assert time.monotonic() - begin < 15
    assert ended == ["DagsterExecutionInterruptedError"]
    assert set(steps(events, Event.STEP_FAILURE)) == {"loads", "in_the_database"}
    assert events[-1].event_type == Event.RUN_FAILURE
