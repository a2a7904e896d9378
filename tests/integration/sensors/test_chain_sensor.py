"""The end of each job of a night starts the next one once, whatever happened to the daemon and to runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import dagster as dg
import pytest

from pipelines.definitions import build_definitions
from pipelines.jobs import AFTER, NIGHT, REQUESTED, WALKED, chain
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.ended_runs import OLDEST_S, ended_runs
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.repository import own_contracts

AWAY = Warehouse(url="postgresql+psycopg://gudang@127.0.0.1:1/gudang")
"""A warehouse that does not answer. The job `warehouse` then takes all models."""
STEPS = list(pairwise(chain(own_contracts())))
SUCCESS, FAILURE, CANCELED = (
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
)


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home = tmp_path_factory.mktemp("home")
    return build_definitions(Settings(home=home, project=PROJECT_ROOT, warehouse_url=None))


class Night:
    """An instance with runs, and the sensor that follows them."""

    def __init__(self, definitions: dg.Definitions) -> None:
        self.instance = dg.DagsterInstance.ephemeral()
        self.sensor = definitions.resolve_sensor_def("rangkaian_malam")
        self.cursor: str | None = None
        self.skip_reason = ""

    def ended(self, job: str, how: dg.DagsterEventType = SUCCESS, **tags: str) -> str:
        """The id of a run that has ended as Dagster records it."""
        run = self.instance.add_run(
            dg.DagsterRun(job_name=job, tags=tags, status=dg.DagsterRunStatus.STARTED)
        )
        event = dg.DagsterEvent(event_type_value=how.value, job_name=job)
        self.instance.report_dagster_event(event, run_id=run.run_id)
        return run.run_id

    def tick(self) -> list[dg.RunRequest]:
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"warehouse": AWAY}
        )
        result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.skip_reason = result.skip_reason.skip_message or "" if result.skip_reason else ""
        return list(result.run_requests or [])


@pytest.fixture
def night(definitions: dg.Definitions) -> Iterator[Night]:
    made = Night(definitions)
    yield made
    made.instance.dispose()


@pytest.mark.parametrize("how", [SUCCESS, FAILURE])
@pytest.mark.parametrize(("before", "after"), STEPS)
def test_a_job_that_succeeded_or_failed_starts_the_next_one(
    night: Night, before: str, after: str, how: dg.DagsterEventType
) -> None:
    run_id = night.ended(before, how, **{NIGHT: "2026-11-23"})
    (request,) = night.tick()
    assert (request.job_name, request.run_key) == (after, f"{after}:{run_id}")
    assert (request.tags[NIGHT], request.tags[AFTER]) == ("2026-11-23", run_id)
    assert request.asset_selection is None
    assert night.tick() == [] and night.skip_reason == "Tidak ada mata rantai yang baru berakhir."


def test_the_sensor_is_running_from_the_start(night: Night) -> None:
    assert night.sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert {target.job_name for target in night.sensor.targets} == {after for _, after in STEPS}


def test_a_night_that_was_started_by_hand_is_named_by_its_first_run(night: Night) -> None:
    run_id = night.ended("ingest")
    (request,) = night.tick()
    assert request.tags[NIGHT] == run_id
    first = night.instance.get_run_by_id(run_id)
    assert first and first.tags[NIGHT] == run_id
    assert night.tick() == [], "the tag changed the run, which is not followed again"


@pytest.mark.parametrize(
    ("how", "tags", "reason"),
    [
        (SUCCESS, {WALKED: "walked"}, "dijalankan `gudang` sendiri"),
        (SUCCESS, {REQUESTED: "reload"}, "memuat hanya yang diminta"),
        (CANCELED, {}, "dibatalkan"),
        (FAILURE, {"dagster/will_retry": "true"}, "akan diulang Dagster"),
    ],
)
def test_requested_canceled_and_retried_runs_start_nothing(
    night: Night, how: dg.DagsterEventType, tags: dict[str, str], reason: str
) -> None:
    night.ended("ingest", how, **tags)
    assert night.tick() == [] and reason in night.skip_reason


def test_changed_and_deleted_runs_start_nothing_twice(night: Night) -> None:
    """Runs are deleted in the UI, tagged again, and others end in the same moment."""
    first = night.ended("ingest")
    assert len(night.tick()) == 1
    second = night.ended("ingest")
    night.instance.add_run_tags(first, {"catatan": "a"})
    assert [request.tags[AFTER] for request in night.tick()] == [second]
    night.instance.delete_run(second)
    assert night.tick() == []
    third = night.ended("warehouse")
    assert [request.tags[AFTER] for request in night.tick()] == [third]


def test_after_a_stop_of_the_daemon_a_run_of_the_last_day_is_followed_once(night: Night) -> None:
    old = night.ended("ingest")
    record = night.instance.get_run_record_by_id(old)
    assert record and record.end_time
    late = ended_runs(night.instance, None, {"ingest"}, record.end_time + OLDEST_S + 1)
    assert late.records == ()
    hours = ended_runs(night.instance, None, {"ingest"}, record.end_time + OLDEST_S - 60)
    assert [r.dagster_run.run_id for r in hours.records] == [old]
    assert ended_runs(night.instance, hours.cursor, {"ingest"}, record.end_time + 60).records == ()


def test_without_a_cursor_a_followed_run_is_not_followed_again(night: Night) -> None:
    run_id = night.ended("ingest")
    night.instance.add_run(dg.DagsterRun(job_name="warehouse", tags={AFTER: run_id}))
    assert night.tick() == [] and "sudah dilanjutkan" in night.skip_reason


def test_a_failed_run_is_followed_once_dagster_has_said_whether_it_retries() -> None:
    """A tick between the end of the run and Dagster's tag would follow both the run and its retry."""
    with dg.DagsterInstance.local_temp(overrides={"run_retries": {"enabled": True}}) as instance:
        run = instance.add_run(dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED))
        event = dg.DagsterEvent(event_type_value=FAILURE.value, job_name="ingest")
        end = datetime.now(UTC)
        instance.run_storage.handle_run_event(run.run_id, event, end)
        early = ended_runs(instance, None, ["ingest"], end.timestamp() + 1)
        assert early.records == ()
        assert ended_runs(instance, early.cursor, ["ingest"], end.timestamp() + 61).records, "nobody says it"
        instance.add_run_tags(run.run_id, {"dagster/will_retry": "false"})
        (record,) = ended_runs(instance, early.cursor, ["ingest"], end.timestamp() + 11).records
        assert record.dagster_run.run_id == run.run_id


def test_an_end_in_the_future_hides_no_run(night: Night) -> None:
    night.ended("ingest")
    (record,) = ended_runs(night.instance, None, {"ingest"}, time.time() - 3600).records
    cursor = ended_runs(night.instance, None, {"ingest"}, time.time() - 3600).cursor
    assert record.end_time and json.loads(cursor)["sampai"] < record.end_time
