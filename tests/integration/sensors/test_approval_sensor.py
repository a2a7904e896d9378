"""The job `setujui_kiriman` carries out a decision, and the sensor starts it for those of the upload page."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.assets.naming import raw_key
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.datasets import Datasets
from pipelines.load.approval.decide import APPROVED, Decision, decide
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.approval import APPROVE, approval_job, approval_sensor
from tests.support.contracts import column
from tests.support.loads import Loads

ID = column("id", "integer", primaryKey=True)


@pytest.fixture
def held(loads: Loads) -> Contract:
    return loads.contract(ID, approval="required")


def run(
    loads: Loads, contract: Contract, instance: dg.DagsterInstance, **config: Any
) -> dg.ExecuteInProcessResult:
    return approval_job(Datasets((contract,))).execute_in_process(
        run_config=config,
        instance=instance,
        resources={"warehouse": Warehouse(url=loads.url)},
        raise_on_error=False,
        tags=config.pop("tags", None),
    )


def tick(
    loads: Loads,
    contract: Contract,
    instance: dg.DagsterInstance,
    cursor: str | None = None,
    *,
    retry_wait: float = 0.0,
) -> Any:
    context = dg.build_sensor_context(
        instance=instance, resources={"warehouse": Warehouse(url=loads.url)}, cursor=cursor
    )
    return approval_sensor(Datasets((contract,)), retry_wait=retry_wait)(context)


def test_an_engineer_approves_in_the_launchpad(loads: Loads, held: Contract) -> None:
    batch = loads.load(held, lambda *_: [("1",), ("2",)])
    with dg.DagsterInstance.ephemeral() as instance:
        assert not run(loads, held, instance, kiriman=batch.batch_id).success  # nobody says who it is
        assert run(loads, held, instance, kiriman=batch.batch_id, oleh="siti").success
        event = instance.get_latest_materialization_event(raw_key(held))
    assert event is not None and event.asset_materialization is not None
    assert event.asset_materialization.description == f"Kiriman {batch.batch_id} disetujui oleh siti."
    assert event.asset_materialization.metadata["baris_dimuat"].value == 2
    assert loads.raw(held, "id") == [(1,), (2,)]
    assert loads.run("select decided_by, via from ops.load_decision") == [("siti", "dagster")]


def test_who_is_logged_in_counts_more_than_what_is_written(loads: Loads, held: Contract) -> None:
    batch = loads.load(held, lambda *_: [("1",)])
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(
            loads,
            held,
            instance,
            kiriman=batch.batch_id,
            tolak_karena="dobel",
            oleh="orang lain",
            tags={"user": "siti"},
        ).success
    assert loads.run("select decided_by, decision, reason from ops.load_decision") == [
        ("siti", "rejected", "dobel")
    ]
    assert loads.run("select state, error from ops.load_batch") == [
        ("rejected", "ditolak walidata: dobel [GDK-M013]")
    ]


def test_a_decision_of_the_upload_page_is_carried_out_once(loads: Loads, held: Contract) -> None:
    loads.load(held, lambda *_: [("1",)])
    loads.run(
        "insert into ops.load_decision (batch_id, decision, decided_by)"
        " select batch_id, 'approved', 'petugas-walidata' from ops.load_batch"
    )
    with dg.DagsterInstance.ephemeral() as instance:
        (request,) = tick(loads, held, instance).run_requests
        assert run(loads, held, instance, **request.run_config).success
        assert not tick(loads, held, instance).run_requests
    assert loads.run("select decided_by, via, done_at is not null, error from ops.load_decision") == [
        ("petugas-walidata", "loket", True, None)
    ]
    assert loads.raw(held, "id") == [(1,)]


@pytest.mark.parametrize("left", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])
def test_a_decision_that_a_run_left_open_gets_another_run(
    loads: Loads, held: Contract, left: dg.DagsterRunStatus
) -> None:
    loads.load(held, lambda *_: [("1",)])
    loads.run(
        "insert into ops.load_decision (batch_id, decision, decided_by)"
        " select batch_id, 'approved', 'wati' from ops.load_batch"
    )
    with dg.DagsterInstance.ephemeral() as instance:
        (first,) = tick(loads, held, instance).run_requests
        job = approval_job(Datasets((held,)))
        lost = instance.create_run_for_job(job, tags=first.tags, status=dg.DagsterRunStatus.STARTED)
        assert not tick(loads, held, instance).run_requests  # it runs
        event = dg.DagsterEventType.RUN_FAILURE
        if left is dg.DagsterRunStatus.CANCELED:
            event = dg.DagsterEventType.RUN_CANCELED
        instance.report_dagster_event(dg.DagsterEvent(event.value, APPROVE), lost.run_id)
        assert not tick(loads, held, instance, retry_wait=60).run_requests
        (second,) = tick(loads, held, instance).run_requests
        assert second.run_key != first.run_key  # Dagster starts no second run with the same key
        assert run(loads, held, instance, **second.run_config, tags=second.tags).success
    assert loads.raw(held, "id") == [(1,)]


def test_blanks_are_no_reason_and_no_approval(loads: Loads, held: Contract) -> None:
    batch = loads.load(held, lambda *_: [("1",)])
    with dg.DagsterInstance.ephemeral() as instance:
        asked = {"kiriman": batch.batch_id, "tolak_karena": "   ", "oleh": "siti"}
        assert not run(loads, held, instance, **asked).success
    assert loads.run("select state from ops.load_batch") == [("waiting",)]


def test_a_decision_that_cannot_be_carried_out_keeps_its_error(loads: Loads, held: Contract) -> None:
    loads.load(held, lambda *_: [("1",)])
    loads.run(
        "insert into ops.load_decision (batch_id, decision, decided_by) values (999, 'approved', 'siti')"
    )
    with dg.DagsterInstance.ephemeral() as instance:
        (request,) = tick(loads, held, instance).run_requests
        assert not run(loads, held, instance, **request.run_config).success
        assert not tick(loads, held, instance).run_requests
    ((error,),) = loads.run("select error from ops.load_decision")
    assert "tidak ada" in error


def test_an_approval_by_command_is_shown_on_the_assets_page_once(loads: Loads, held: Contract) -> None:
    batch = loads.load(held, lambda *_: [("1",)])
    decide(loads.connection, [held], Decision(batch.batch_id, APPROVED, "siti", "cli"))
    with dg.DagsterInstance.ephemeral() as instance:
        first = tick(loads, held, instance)
        (event,) = first.asset_events
        assert event.asset_key == raw_key(held)
        assert not tick(loads, held, instance, first.cursor).asset_events


def test_an_approval_of_windows_is_shown_on_each_of_them(loads: Loads) -> None:
    month = {"column": "hari", "every": "monthly", "start": "2026-01-01"}
    held = loads.contract(ID, column("hari", "date", required=True), approval="required", partition=month)
    asked = Window(date(2026, 1, 1), date(2026, 2, 28))
    batch = loads.load(held, lambda *_: [("1", "2026-01-05"), ("2", "2026-02-05")], window=asked)
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(loads, held, instance, kiriman=batch.batch_id, oleh="siti").success
        assert instance.get_materialized_partitions(raw_key(held)) == {"2026-01", "2026-02"}


def test_without_such_a_contract_the_sensor_asks_nothing(loads: Loads, tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert isinstance(tick(loads, loads.contract(ID), instance), dg.SkipReason)
