"""The jobs with which an engineer requests loads: what they refuse, and the runs that the sensor starts for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection

from pipelines.contracts.windows import begin
from pipelines.datasets import Datasets
from pipelines.definitions import build_definitions
from pipelines.errors import ContractError
from pipelines.jobs import RANGE_END, RANGE_START, REQUESTED, today
from pipelines.load import prepare
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.requested import MOST_HOLES, empty_accepted, full_refresh, holes
from pipelines.settings import PROJECT_ROOT, Settings
from pipelines.warehouse.connection import connect
from tests.support.repository import own_contracts

DATASETS = Datasets(own_contracts())
VISITS, BUDGET, SCHOOLS = "dinkes/kunjungan", "bpkad/realisasi_apbd", "disdikbud/sma"


@pytest.fixture
def ledger(module_warehouse_url: str) -> Iterator[Connection[Any]]:
    with connect(module_warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)) as connection:
        prepare.prepare(connection, [])
        connection.execute("truncate ops.load_batch cascade")
        yield connection


def loaded(
    ledger: Connection[Any], dataset: str, first: str | None, last: str | None, *, state: str = "loaded"
) -> None:
    """Writes a load of a window into the ledger; without a window, a full refresh of the 1st of October."""
    ledger.execute(
        "insert into ops.load_batch (dataset, run_id, state, window_start, window_end, full_refresh, started_at)"
        " values (%s, 'x', %s, %s, %s, %s, '2026-10-01')",
        [dataset, state, first, last, first is None],
    )


def test_an_unknown_dataset_is_refused_with_the_most_similar_one() -> None:
    with pytest.raises(
        ContractError, match=r"dinkes/kunjungn: tidak ada .* \(maksudnya dinkes/kunjungan\?\)"
    ):
        list(full_refresh(DATASETS, dataset=["dinkes/kunjungn"]))
    with pytest.raises(ContractError, match="belum diisi"):
        list(full_refresh(DATASETS, dataset=[]))


def test_a_full_refresh_is_a_run_per_dataset_with_all_its_windows() -> None:
    visits, schools = full_refresh(DATASETS, dataset=[VISITS, SCHOOLS, VISITS])
    assert visits.tags["gudang/full_refresh"] == "true"
    assert visits.tags[RANGE_START] == "2026-09-01"
    assert schools.tags == {"gudang/full_refresh": "true"}


@pytest.mark.parametrize(
    ("dataset", "first", "last", "expected"),
    [
        (VISITS, "2026-09-05", "", ("2026-09-05", "2026-09-05")),
        (BUDGET, "2026-03", "2026-04", ("2026-03", "2026-04")),
        (BUDGET, "2026-03-15", "", ("2026-03", "2026-03")),
    ],
)
def test_an_empty_window_is_given_by_days_or_by_its_name(
    dataset: str, first: str, last: str, expected: tuple[str, str]
) -> None:
    (wanted,) = empty_accepted(DATASETS, dataset=[dataset], mulai=first, sampai=last)
    assert (wanted.tags[RANGE_START], wanted.tags[RANGE_END]) == expected
    assert wanted.tags["gudang/empty_window"] == "true"


@pytest.mark.parametrize(
    ("dataset", "first", "last", "message"),
    [
        (VISITS, "", "", "mulai belum diisi"),
        (VISITS, "kemarin", "", '"kemarin" bukan hari dan bukan nama jendela .tulis seperti 2026-09-01'),
        (VISITS, "2026-08-31", "2026-09-02", "tidak ada jendela .*jendelanya dari 2026-09-01 sampai"),
        (VISITS, "2026-09-02", "2026-09-01", "tidak ada jendela"),
        (VISITS, "2026-09-02", "2999-01-01", "tidak ada jendela"),
        (SCHOOLS, "2026-09-02", "", "tidak punya jendela"),
    ],
)
def test_windows_that_a_dataset_does_not_have_are_refused(
    dataset: str, first: str, last: str, message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        list(empty_accepted(DATASETS, dataset=[dataset], mulai=first, sampai=last))


def test_holes_are_the_days_that_no_load_has_covered(ledger: Connection[Any]) -> None:
    loaded(ledger, VISITS, "2026-09-03", "2026-09-10")
    loaded(ledger, VISITS, "2026-09-12", "2026-09-20", state="unchanged")
    loaded(ledger, VISITS, "2026-09-11", "2026-09-11", state="failed")
    loaded(ledger, BUDGET, "2026-01-01", "2026-02-28")
    found = holes(DATASETS, ledger, dataset=[VISITS], sampai="2026-09-22")
    assert [wanted.name for wanted in found] == [
        f"{VISITS} 2026-09-01 s.d. 2026-09-02",
        f"{VISITS} 2026-09-11 s.d. 2026-09-11",
        f"{VISITS} 2026-09-21 s.d. 2026-09-22",
    ]
    (budget,) = holes(DATASETS, ledger, dataset=[BUDGET], mulai="2026-01", sampai="2026-05")
    assert budget.name == f"{BUDGET} 2026-03 s.d. 2026-05"


def test_a_full_refresh_leaves_no_hole_before_it(ledger: Connection[Any]) -> None:
    loaded(ledger, VISITS, None, None)
    (wanted,) = holes(DATASETS, ledger, dataset=[VISITS], sampai="2026-10-03")
    assert wanted.name == f"{VISITS} 2026-10-01 s.d. 2026-10-03"


def test_many_holes_are_one_run(ledger: Connection[Any]) -> None:
    for day in range(2, 2 * MOST_HOLES + 4, 2):
        loaded(ledger, VISITS, f"2026-09-{day:02}", f"2026-09-{day:02}")
    (wanted,) = holes(DATASETS, ledger, dataset=[VISITS], sampai="2026-09-30")
    assert wanted.name == f"{VISITS} 2026-09-01 s.d. 2026-09-30"


def test_without_a_config_the_holes_of_all_datasets_up_to_the_last_full_window(
    ledger: Connection[Any],
) -> None:
    with_windows = [c for c in DATASETS.contracts if c.windows]
    found = list(holes(DATASETS, ledger))
    assert {wanted.contract.key for wanted in found} == {c.key for c in with_windows}
    for wanted in found:
        assert wanted.contract.partition
        assert wanted.tags[RANGE_END] < begin(wanted.contract.partition.every, today()).isoformat()


def test_a_dataset_whose_first_window_is_not_over_does_not_hold_up_the_others(
    ledger: Connection[Any],
) -> None:
    visits, budget = (next(c for c in DATASETS.contracts if c.key == key) for key in (VISITS, BUDGET))
    assert budget.partition
    new = replace(budget, partition=replace(budget.partition, start=begin(budget.partition.every, today())))
    assert [wanted.contract.key for wanted in holes(Datasets((new, visits)), ledger)] == [VISITS]
    with pytest.raises(ContractError, match="tidak ada jendela"):
        list(holes(Datasets((new, visits)), ledger, dataset=[BUDGET]))


def test_the_sensor_starts_a_requested_load_once(
    ledger: Connection[Any], module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    warehouse = Warehouse(url=module_warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1))
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, project=PROJECT_ROOT, warehouse_url=None)
    definitions = build_definitions(settings, warehouse=warehouse)
    loaded(ledger, VISITS, "2026-09-02", "2026-09-20")
    config_of_holes = {"dataset": [VISITS], "sampai": "2026-09-20"}
    with dg.DagsterInstance.ephemeral() as instance:

        def run(job: str, config: dict[str, Any]) -> dg.ExecuteInProcessResult:
            definition = definitions.resolve_job_def(job)
            return definition.execute_in_process(config, instance=instance, raise_on_error=False)

        refused = run("muat_ulang_penuh", {"dataset": ["bukan/dataset"]})
        assert not refused.success
        run_id = run("tutup_bolong", config_of_holes).run_id
        sensor = definitions.resolve_sensor_def("pemuatan_diminta")
        cursor: str | None = None
        requests: list[dg.RunRequest] = []
        for _ in range(2):
            context = dg.build_sensor_context(
                instance=instance, cursor=cursor, resources={"warehouse": warehouse},
                repository_def=definitions.get_repository_def(),
            )  # fmt: skip
            tick = sensor.evaluate_tick(context)  # checks each request against the jobs
            cursor, requests = tick.cursor, requests + list(tick.run_requests or [])
    (request,) = requests
    assert request.job_name == "ingest"
    assert request.asset_selection == [dg.AssetKey(["raw", "dinkes", "kunjungan"])]
    assert request.tags[REQUESTED] == run_id
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-09-01", "2026-09-01")
