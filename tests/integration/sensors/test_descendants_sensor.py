"""Loaded uploads start one run of the models that read them. The ledger and Dagster's instance are real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection

from pipelines.definitions import build_definitions
from pipelines.jobs import UPLOAD, WAREHOUSE
from pipelines.load import prepare
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import PROJECT_ROOT, Settings
from pipelines.warehouse.connection import connect
from tests.support.repository import own_project

SCHOOLS = {
    "staging/stg_disdikbud__sma",
    "core/antrean_nama_wilayah",
    "core/dim_sekolah",
    "mart_satu_data/satuan_pendidikan",
}
PEOPLE = {
    "staging/stg_samarinda__penduduk",
    "core/antrean_nama_wilayah",
    "core/fct_penduduk_kelurahan",
    "core/agg_penduduk_kelurahan",
    "mart_satu_data/penduduk_kelurahan",
    "mart_satu_data/penduduk_jumlah",
}


PROJECT = own_project()


class Uploads:
    """A ledger and an instance with runs of uploads, and the sensor that reads both."""

    def __init__(self, url: str, definitions: dg.Definitions) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.connection: Connection[Any] = connect(self.url)
        self.instance = dg.DagsterInstance.ephemeral()
        self.sensor = definitions.resolve_sensor_def("warehouse_after_uploads")
        self.cursor: str | None = None
        self.skip_reason = ""

    def run(self, job: str, *, ended: bool = True) -> str:
        status = dg.DagsterRunStatus.SUCCESS if ended else dg.DagsterRunStatus.STARTED
        return self.instance.add_run(dg.DagsterRun(job_name=job, status=status)).run_id

    def loaded(self, dataset: str, run_id: str, *, ago: int = 60, state: str = "loaded") -> None:
        """Writes the ledger's entry of a load that ended `ago` seconds ago."""
        self.connection.execute(
            "insert into ops.load_batch (dataset, run_id, state, finished_at)"
            " values (%s, %s, %s, clock_timestamp() - %s * interval '1 s')",
            [dataset, run_id, state, ago],
        )

    def tick(self) -> set[str]:
        """The models of the run that the sensor requests; empty where it requests none."""
        resources = {"warehouse": Warehouse(url=self.url)}
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor, resources=resources)
        result = self.sensor(context)
        if isinstance(result, dg.SkipReason):
            self.skip_reason = result.skip_message or ""
            return set()
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        requests = result.run_requests or []
        assert len(requests) <= 1
        return {key.to_user_string() for request in requests for key in request.asset_selection or ()}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home = tmp_path_factory.mktemp("home")
    return build_definitions(Settings(home=home, project=PROJECT_ROOT, warehouse_url=None))


@pytest.fixture
def uploads(module_warehouse_url: str, definitions: dg.Definitions) -> Iterator[Uploads]:
    made = Uploads(module_warehouse_url, definitions)
    prepare.prepare(made.connection, [])
    made.connection.execute("truncate ops.load_batch cascade")
    for node in PROJECT.nodes.values():  # as after the first night
        made.connection.execute(f"create table if not exists {node.relation} ()".encode())
    yield made
    made.connection.close()
    made.instance.dispose()


def test_many_uploads_start_one_run_of_only_their_descendants(uploads: Uploads) -> None:
    for dataset in ("disdikbud/sma", "samarinda/penduduk", "disdikbud/sma"):
        uploads.loaded(dataset, uploads.run(UPLOAD))
    assert uploads.tick() == SCHOOLS | PEOPLE
    assert uploads.tick() == set()
    assert uploads.skip_reason == "Tidak ada unggahan yang baru dimuat."
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD))
    assert uploads.tick() == SCHOOLS
    assert uploads.sensor.job_name == WAREHOUSE
    assert uploads.sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_the_run_waits_for_running_and_very_recent_uploads(uploads: Uploads) -> None:
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD), ago=5)
    assert uploads.tick() == set() and "Menunggu 20 detik" in uploads.skip_reason
    running = uploads.run(UPLOAD, ended=False)
    assert (
        uploads.tick() == set()
        and f"Menunggu 1 pemuatan unggahan selesai, run {running[:8]}" in uploads.skip_reason
    )
    uploads.loaded("samarinda/penduduk", running, ago=700)
    assert uploads.tick() == SCHOOLS | PEOPLE  # the longest wait is over


def test_a_load_that_ends_after_later_ones_still_starts_its_models(uploads: Uploads) -> None:
    long = uploads.run(UPLOAD, ended=False)
    uploads.loaded("disdikbud/sma", long, ago=0, state="running")
    uploads.loaded("samarinda/penduduk", uploads.run(UPLOAD), ago=700)  # its longest wait is over
    assert uploads.tick() == PEOPLE
    assert uploads.tick() == set() and uploads.skip_reason == "Tidak ada unggahan yang baru dimuat."
    uploads.connection.execute(
        "update ops.load_batch set state = 'loaded', finished_at = clock_timestamp() - interval '700 s'"
        " where state = 'running'"
    )
    assert uploads.tick() == SCHOOLS
    assert uploads.tick() == set()
    uploads.loaded("samarinda/penduduk", uploads.run(UPLOAD), ago=700)
    assert uploads.tick() == PEOPLE
    assert (uploads.cursor or "").isdigit(), "the cursor keeps one number only"


def test_the_run_waits_for_a_running_build_of_models(uploads: Uploads) -> None:
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD))
    uploads.run(WAREHOUSE, ended=False)
    assert uploads.tick() == set() and "Menunggu 1 pembangunan model selesai" in uploads.skip_reason


def test_nightly_loads_and_unchanged_uploads_start_nothing(uploads: Uploads) -> None:
    uploads.loaded("disdikbud/sma", uploads.run("ingest"))
    uploads.loaded("samarinda/penduduk", uploads.run(UPLOAD), state="unchanged")
    uploads.loaded("dinkes/kunjungan", uploads.run(UPLOAD))  # not an upload dataset
    assert uploads.tick() == set()
    assert uploads.skip_reason == "Tidak ada unggahan yang baru dimuat."


def test_missing_relations_that_the_models_read_are_built_too(uploads: Uploads) -> None:
    uploads.connection.execute("drop table staging.stg_disdikbud__sekolah, core.dim_wilayah, core.dim_opd")
    uploads.loaded("disdikbud/sma", uploads.run(UPLOAD))
    read = {"staging/stg_disdikbud__sekolah", "core/dim_wilayah"}
    assert uploads.tick() == SCHOOLS | read


def test_a_warehouse_without_a_ledger_starts_nothing(pg_url: str, definitions: dg.Definitions) -> None:
    fresh = Uploads(pg_url, definitions)
    assert fresh.tick() == set() and fresh.skip_reason == "Tidak ada unggahan yang baru dimuat."
    fresh.connection.close()
    fresh.instance.dispose()
