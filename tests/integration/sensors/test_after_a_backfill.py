"""After a range of days was loaded again, the sensor's run builds exactly these days of the model that reads them.

Source, load, ledger, Dagster's evaluation of the sensor and the model are real.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from pipelines.definitions import build_definitions
from pipelines.errors import ModelError
from pipelines.jobs import AFTER, INGEST, PUBLICATION, RANGE_END, RANGE_START, WAREHOUSE
from pipelines.load import prepare
from pipelines.models.project.sources import render_sources
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings
from tests.support.contracts import column, database, document, make
from tests.support.dbt_folder import DbtFolder

ASSET = dg.AssetKey(["raw", "dinkes", "kunjungan"])
FACT_KEY = dg.AssetKey(["core", "fct_kunjungan"])
FACT = """
{{ config(schema='core', materialized='incremental', unique_key='id', meta={'partition': {
    'column': 'hari', 'every': 'daily', 'start': '2026-09-01'}}) }}
select id, hari, _loaded_at as dimuat_pada
from {{ source('dinkes', 'kunjungan') }}
{% if is_incremental() %}
where
    _loaded_at > (select max(dimuat_pada) from {{ this }})
    {% if var('window_start', none) %}
    or hari between '{{ var('window_start') }}' and '{{ var('window_end') }}'
    {% endif %}
{% endif %}
"""


class Visits:
    """A source with one visit a day of September, its dataset, and a fact that is built of it."""

    def __init__(self, url: str, root: Path) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.warehouse = Warehouse(url=url.replace("postgresql://", "postgresql+psycopg://", 1))
        self.settings = Settings(home=root / "home", project=root, warehouse_url=self.warehouse.url)
        columns = [
            column("id", "integer", required=True, primaryKey=True, primaryKeyPosition=1),
            column("hari", "date"),
        ]
        partition = {"column": "hari", "every": "daily", "start": "2026-09-01"}
        contract = make(
            self.settings.contracts_dir,
            document("dinkes/kunjungan", columns, database("UJI_URL"), extract={"table": "kunjungan"}, partition=partition),
        )  # fmt: skip
        self.settings.expectations_dir.mkdir(exist_ok=True)
        self.folder = folder = DbtFolder(self.settings.models_dir)
        folder.write("models/marts/fct_kunjungan.sql", FACT).write(
            "models/sources.yml", render_sources([contract])
        )
        self.run(
            "create table public.kunjungan as select n as id, date '2026-08-31' + n as hari"
            " from generate_series(1, 30) n"
        )
        with self.warehouse.connect() as connection:
            prepare.prepare(connection, [contract])
        self.definitions = build_definitions(self.settings, warehouse=self.warehouse)
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursors: dict[str, str | None] = {}

    def run(self, statement: str) -> list[tuple[object, ...]]:
        cursor = self.connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def backfill(self, first: str, last: str) -> None:
        """Runs what Dagster runs for a range of partitions of one asset."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        tags = {RANGE_START: first, RANGE_END: last, "dagster/backfill": "abc"}
        job.execute_in_process(instance=self.instance, tags=tags, asset_selection=[ASSET])
        # A minute later, in which nothing else was loaded.
        self.run(
            "update ops.load_batch set finished_at = finished_at - interval '1 minute'"
            " where batch_id = (select max(batch_id) from ops.load_batch)"
        )
        self.run("update ops.model_run set at = at - interval '1 minute'")

    def tick(self, sensor: str = "turunan_pemuatan") -> list[dg.RunRequest]:
        """The sensor's requests, as the daemon gets them: checked against job and assets."""
        context = dg.build_sensor_context(
            instance=self.instance, definitions=self.definitions, cursor=self.cursors.get(sensor),
            resources={"warehouse": self.warehouse},
        )  # fmt: skip
        tick = self.definitions.resolve_sensor_def(sensor).evaluate_tick(context)
        self.cursors[sensor] = tick.cursor
        return list(tick.run_requests or [])

    def night(self) -> dg.RunRequest:
        """The run that the chain's sensor starts after an `ingest` that has ended."""
        run = self.instance.add_run(dg.DagsterRun(job_name=INGEST, status=dg.DagsterRunStatus.STARTED))
        event = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=INGEST)
        self.instance.report_dagster_event(event, run_id=run.run_id)
        (request,) = [r for r in self.tick("rangkaian_malam") if r.tags[AFTER] == run.run_id]
        return request

    def build(self, request: dg.RunRequest) -> None:
        self.build_models(request.tags, list(request.asset_selection or []))

    def build_models(self, tags: Mapping[str, str], selection: list[dg.AssetKey] | None = None) -> None:
        job = self.definitions.resolve_job_def(WAREHOUSE)
        job.execute_in_process(instance=self.instance, tags=tags, asset_selection=selection)

    def close(self) -> None:
        self.connection.close()
        self.instance.dispose()


@pytest.fixture
def visits(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visits]:
    monkeypatch.setenv("UJI_URL", warehouse_url)
    made = Visits(warehouse_url, tmp_path / "proyek")
    yield made
    made.close()


def test_a_backfill_of_days_reaches_the_incremental_model_of_them(visits: Visits) -> None:
    visits.backfill("2026-09-01", "2026-09-30")
    (first,) = visits.tick()
    visits.build(first)
    assert visits.run("select count(*) from core.fct_kunjungan") == [(30,)]
    assert visits.tick() == []

    visits.build(visits.night())  # an increment is due once more, and changes nothing
    assert visits.night().job_name == PUBLICATION, "no model is due"

    visits.run("delete from public.kunjungan where id in (10, 11, 25)")  # the 25th is not loaded again
    visits.backfill("2026-09-08", "2026-09-14")
    assert visits.night().asset_selection == [FACT_KEY], "a night would build it, too"
    (request,) = visits.tick()
    assert request.asset_selection == [FACT_KEY]
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-09-08", "2026-09-14")
    visits.build(request)
    gone = "select array(select generate_series(1, 30) except select id from core.fct_kunjungan order by 1)"
    assert visits.run(gone) == [([10, 11],)]

    visits.backfill("2026-09-08", "2026-09-14")
    assert visits.tick() == [], "a load that changed no row builds nothing"

    visits.run("delete from public.kunjungan where id = 17")
    visits.backfill("2026-09-15", "2026-09-21")
    visits.build(visits.night())  # of other days: no sensor has seen the load, as when the daemon was down
    assert visits.run(gone) == [([10, 11, 17],)]


def test_files_that_dagster_has_not_read_yet_do_not_stop_the_sensors_and_faulty_ones_say_so(
    visits: Visits,
) -> None:
    visits.backfill("2026-09-01", "2026-09-30")
    visits.folder.write("models/marts/baru.sql", "select id from {{ ref('fct_kunjungan') }}")
    assert visits.night().asset_selection == [FACT_KEY]
    visits.folder.write("models/marts/rusak.sql", "select id from {{ ref('tidak_ada') }}")
    with pytest.raises(ModelError, match="tidak_ada"):
        visits.night()
    with pytest.raises(ModelError, match="tidak_ada"):
        visits.tick()
    (visits.settings.models_dir / "models/marts/rusak.sql").unlink()
    (request,) = visits.tick()
    assert request.asset_selection == [FACT_KEY], "nothing was lost"
