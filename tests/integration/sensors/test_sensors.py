"""The end of each job of a night starts the next one, unless `gudang nightly` runs the jobs itself."""

from __future__ import annotations

from itertools import pairwise

import dagster as dg
import pytest

from pipelines.definitions import build_definitions
from pipelines.jobs import WALKED, chain
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.repository import own_contracts

RUN = "7" * 32
CONTRACTS = own_contracts()
STEPS = list(pairwise(chain(CONTRACTS)))
EVENTS = {dg.DagsterRunStatus.SUCCESS: "PIPELINE_SUCCESS", dg.DagsterRunStatus.FAILURE: "PIPELINE_FAILURE"}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home = tmp_path_factory.mktemp("home")
    return build_definitions(Settings(home=home, project=PROJECT_ROOT, warehouse_url=None))


def answer(
    definitions: dg.Definitions, sensor: str, job: str, status: dg.DagsterRunStatus, **tags: str
) -> dg.RunRequest | dg.SkipReason:
    """The answer of `sensor` to a run of `job` with this end and these tags."""
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.DagsterRun(job_name=job, run_id=RUN, tags=tags, status=status)
        context = dg.build_run_status_sensor_context(
            sensor_name=sensor,
            dagster_event=dg.DagsterEvent(event_type_value=EVENTS[status], job_name=job),
            dagster_instance=instance,
            dagster_run=run,
        )
        result = definitions.resolve_sensor_def(sensor)(context)
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


@pytest.mark.parametrize("status", list(EVENTS))
@pytest.mark.parametrize(("before", "after"), STEPS)
def test_a_job_that_succeeded_or_failed_starts_the_next_one(
    definitions: dg.Definitions, before: str, after: str, status: dg.DagsterRunStatus
) -> None:
    name = f"{after}_after_{before}_{status.value.lower()}"
    request = answer(definitions, name, before, status)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == f"{after}:{RUN}"
    sensor = definitions.resolve_sensor_def(name)
    assert sensor.job_name == after
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


@pytest.mark.parametrize("status", list(EVENTS))
def test_jobs_of_a_nightly_run_start_no_next_one(
    definitions: dg.Definitions, status: dg.DagsterRunStatus
) -> None:
    for before, after in STEPS:
        name = f"{after}_after_{before}_{status.value.lower()}"
        skipped = answer(definitions, name, before, status, **{WALKED: "walked"})
        assert isinstance(skipped, dg.SkipReason)
