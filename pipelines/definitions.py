"""The only entry point of Dagster. It joins assets, jobs, sensors. Tests make variants with `build_definitions`."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from dagster_shared.check import (
    CheckError,
)  # what Dagster raises of values that it refuses; no name in dagster itself

from pipelines.assets.catalogue import DictionaryLinks
from pipelines.assets.publication import publication_assets
from pipelines.assets.raw import raw_assets
from pipelines.assets.set_aside import set_aside_assets, set_aside_key, unreadable_models
from pipelines.assets.warehouse import model_assets
from pipelines.contracts.model import Contract
from pipelines.datasets import read_datasets
from pipelines.errors import ModelError, PublicationError, QualityError
from pipelines.jobs import hourly_schedules, jobs, nightly_schedule
from pipelines.models.project.nodes import Project
from pipelines.models.project.project import load_project
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.launcher import with_lease
from pipelines.sensors.alerts import alerts_sensor
from pipelines.sensors.chain import chain_sensor
from pipelines.sensors.changed_files import changed_files_sensor, digests
from pipelines.sensors.descendants import descendants_sensor
from pipelines.sensors.freshness import freshness_sensor
from pipelines.sensors.maintenance import maintenance_job, maintenance_schedule
from pipelines.sensors.requested import request_jobs, requested_sensor
from pipelines.sensors.uploads import upload_sensor
from pipelines.settings import Settings, load_settings

# Starting a step takes longer than a small load. So the forkserver imports once the modules that every step needs.
_EXECUTOR = with_lease(dg.multiprocess_executor).configured(
    {
        "max_concurrent": 2,
        "start_method": {"forkserver": {"preload_modules": ["pipelines.definitions", "great_expectations"]}},
    }
)


def _warehouse(settings: Settings) -> Warehouse:
    return Warehouse(url=dg.EnvVar("GUDANG_WAREHOUSE_URL"), project=str(settings.project))


def build_definitions(settings: Settings, *, warehouse: Warehouse | None = None) -> dg.Definitions:
    """Makes the code location of `settings`, without a connection. Files with a fault become red assets."""
    files = digests(settings)  # before they are read: a change in between is then seen as one
    datasets = read_datasets(settings)
    contracts = datasets.contracts
    named = {job.name: job for job in jobs(contracts, [set_aside_key(s) for s in datasets.set_aside])}
    models, project = _models(settings, contracts)
    maintenance = maintenance_job()
    return dg.Definitions(
        assets=[*raw_assets(contracts, settings), *set_aside_assets(datasets.set_aside), *models],
        jobs=[*named.values(), *request_jobs(datasets), maintenance],
        schedules=[
            nightly_schedule(contracts),
            *hourly_schedules(contracts),
            maintenance_schedule(maintenance),
        ],
        sensors=[
            upload_sensor(datasets, settings),
            alerts_sensor(datasets, settings),
            *([descendants_sensor(contracts, project)] if project else []),
            chain_sensor(contracts, named, project),
            requested_sensor(datasets, named),
            changed_files_sensor(datasets, settings, files),
            freshness_sensor(contracts),
        ],
        resources={"warehouse": warehouse or _warehouse(settings)},
        executor=_EXECUTOR,
    )


def _models(
    settings: Settings, contracts: Sequence[Contract]
) -> tuple[list[dg.AssetsDefinition], Project | None]:
    """Makes the assets of models and publications; gives them, and the models' project if it can be read."""
    try:
        project = load_project(settings.models_dir, suites=settings.expectations_dir)
        models = model_assets(project, contracts, DictionaryLinks.of(settings))
    except (ModelError, QualityError, dg.DagsterError, CheckError) as error:
        return unreadable_models(["referensi", "core", "publikasi"], error), None
    try:
        published = publication_assets(project, settings)
    except PublicationError as error:
        published = unreadable_models(["publikasi"], error)
    return [*models, *published], project


defs = build_definitions(load_settings())
