"""The failure of a run names the causes of all steps that failed: Dagster's own executors, wrapped as ours are."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from pipelines.errors import GudangError
from pipelines.runs.causes import StepError, says_its_cause
from pipelines.runs.launcher import with_lease


@dg.op
def dinkes() -> None:
    raise StepError("dinkes/kunjungan: sumber menutup koneksi\ndinkes/puskesmas: ditolak")


@dg.op(retry_policy=dg.RetryPolicy(max_retries=3))
@says_its_cause
def warehouse() -> Iterator[dg.Output[None]]:
    yield dg.Output(None)
    try:
        raise ConnectionError("sandi rahasia")
    except ConnectionError as error:
        raise GudangError("gudang data", "tidak menjawab", hint="jalankan servernya") from error


@dg.op
def bpkad() -> None:
    raise ZeroDivisionError("9900000000000001 dibagi nol")


@dg.op
def dishub() -> None: ...


@dg.job(executor_def=with_lease(dg.in_process_executor))
def ingest() -> None:
    dinkes()
    warehouse()
    bpkad()
    dishub()


UNREACHABLE = str(GudangError("gudang data", "tidak menjawab", hint="jalankan servernya"))


def test_the_failures_of_a_run_and_of_its_steps_name_every_cause_without_a_stack_trace() -> None:
    with dg.instance_for_test() as instance:
        with dg.execute_job(dg.reconstructable(_ingest), instance) as result:
            failure = result.get_run_failure_event()
            steps = result.filter_events(lambda event: event.is_step_failure)
        stored = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    error = failure.job_failure_data.error
    assert error and error.to_string().strip() == (
        "4 kegagalan:\n- bpkad: ZeroDivisionError; rinciannya pada langkah itu\n"
        "- dinkes/kunjungan: sumber menutup koneksi\n- dinkes/puskesmas: ditolak\n"
        f"- {UNREACHABLE}"
    )
    assert "['bpkad', 'dinkes', 'warehouse']" in (failure.message or "")
    assert {step.step_key for step in steps} == {"dinkes", "warehouse", "bpkad"}
    events = [entry.dagster_event for entry in stored if entry.dagster_event]
    errors = {event.step_key: event.step_failure_data.error for event in events}
    texts = {step: error.to_string() for step, error in errors.items() if error}
    assert texts["dinkes"] == "dinkes/kunjungan: sumber menutup koneksi\ndinkes/puskesmas: ditolak"
    assert texts["warehouse"] == UNREACHABLE
    assert "Stack Trace:" in texts["bpkad"], "a fault of the program keeps its trace"
    assert len(events) == 3, "what will fail again is not tried again"


def _ingest() -> dg.JobDefinition:
    return ingest
