"""The failure of a run names the causes of all steps that failed: Dagster's own executors, wrapped as ours are."""

from __future__ import annotations

import dagster as dg

from pipelines.runs.launcher import with_lease


@dg.op
def dinkes() -> None:
    raise dg.Failure(
        "dinkes/kunjungan: sumber menutup koneksi\ndinkes/puskesmas: ditolak", allow_retries=False
    )


@dg.op
def bpkad() -> None:
    raise ZeroDivisionError("9900000000000001 dibagi nol")


@dg.op
def dishub() -> None: ...


@dg.job(executor_def=with_lease(dg.in_process_executor))
def ingest() -> None:
    dinkes()
    bpkad()
    dishub()


def test_the_failure_of_a_run_names_every_cause_without_a_stack_trace() -> None:
    with dg.instance_for_test() as instance:
        with dg.execute_job(dg.reconstructable(_ingest), instance) as result:
            failure = result.get_run_failure_event()
            steps = result.filter_events(lambda event: event.is_step_failure)
        stored = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    error = failure.job_failure_data.error
    assert error and error.to_string().strip() == (
        "3 kegagalan:\n- bpkad: ZeroDivisionError; rinciannya pada langkah itu\n"
        "- dinkes/kunjungan: sumber menutup koneksi\n- dinkes/puskesmas: ditolak"
    )
    assert "['bpkad', 'dinkes']" in (failure.message or "")
    assert {step.step_key for step in steps} == {"dinkes", "bpkad"}
    traces = [entry.dagster_event.step_failure_data.error for entry in stored if entry.dagster_event]
    assert all(trace and trace.stack for trace in traces), "the steps keep theirs"


def _ingest() -> dg.JobDefinition:
    return ingest
