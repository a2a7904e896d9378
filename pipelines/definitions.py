"""The one Dagster entry point: assembles, decides nothing. Tests make variants by `build_definitions`."""

from __future__ import annotations

import dagster as dg

from pipelines.assets.publication import publication_assets
from pipelines.assets.raw import raw_assets
from pipelines.assets.warehouse import model_assets
from pipelines.contracts import load_contracts
from pipelines.jobs import jobs, nightly_schedule
from pipelines.models.project import load_project
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.chain import chain_sensors
from pipelines.sensors.descendants import descendants_sensor
from pipelines.sensors.uploads import upload_sensor
from pipelines.settings import Settings, load_settings

# A step's start-up costs more than a small load: the forkserver imports once what every step needs.
_EXECUTOR = dg.multiprocess_executor.configured(
    {
        "max_concurrent": 2,
        "start_method": {"forkserver": {"preload_modules": ["pipelines.definitions", "great_expectations"]}},
    }
)


def build_definitions(settings: Settings, *, warehouse: Warehouse | None = None) -> dg.Definitions:
    """The code location of `settings`; opens no connection."""
    contracts = load_contracts(settings.contracts_dir)
    project = load_project(settings.models_dir, suites=settings.expectations_dir)
    named = {job.name: job for job in jobs(contracts)}
    return dg.Definitions(
        assets=[
            *raw_assets(contracts, settings),
            *model_assets(project),
            *publication_assets(project, settings),
        ],
        jobs=list(named.values()),
        schedules=[nightly_schedule(contracts)],
        sensors=[
            upload_sensor(contracts, settings),
            descendants_sensor(contracts, project),
            *chain_sensors(contracts, named),
        ],
        resources={"warehouse": warehouse or Warehouse(url=dg.EnvVar("GUDANG_WAREHOUSE_URL"))},
        executor=_EXECUTOR,
    )


defs = build_definitions(load_settings())
