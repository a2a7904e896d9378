"""The only entry point of Dagster. It joins assets, jobs, sensors. Tests make variants with `build_definitions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg
from dagster_shared.check import (
    CheckError,
)  # what Dagster raises of values that it refuses; no name in dagster itself

from pipelines.assets.catalogue import PageLinks
from pipelines.assets.publication import publication_assets
from pipelines.assets.raw import raw_assets
from pipelines.assets.set_aside import set_aside_assets, set_aside_key, unreadable_models
from pipelines.assets.warehouse import model_assets
from pipelines.datasets import Datasets, digests, read_datasets
from pipelines.errors import ModelError, PublicationError, QualityError
from pipelines.jobs import hourly_schedules, jobs, nightly_schedule
from pipelines.models.lineage import lineage
from pipelines.models.project.nodes import Project
from pipelines.models.project.project import load_project
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.launcher import with_lease
from pipelines.runs.threads import threaded_executor
from pipelines.sensors.alerts import alerts_sensor
from pipelines.sensors.approval import approval_job, approval_sensor
from pipelines.sensors.chain import chain_sensor
from pipelines.sensors.changed_files import changed_files_sensor
from pipelines.sensors.descendants import descendants_sensor
from pipelines.sensors.feedback import feedback_job, feedback_sensor
from pipelines.sensors.freshness import freshness_sensor
from pipelines.sensors.maintenance import maintenance_job, maintenance_schedule
from pipelines.sensors.previews import previews_job, previews_sensor
from pipelines.sensors.requested import request_jobs, requested_sensor
from pipelines.sensors.uploads import look_seconds, upload_sensor
from pipelines.settings import Settings, load_settings
from pipelines.warehouse import query_reads


def _warehouse(settings: Settings) -> Warehouse:
    return Warehouse(url=dg.EnvVar("GUDANG_WAREHOUSE_URL"), project=str(settings.project))


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """What contracts, suites and models say.

    digests: the files, with the hash of each. models: the SQL models, or the error that says why they cannot be read.
    """

    digests: Mapping[str, str]
    datasets: Datasets
    models: Project | ModelError | QualityError


def read_files(settings: Settings) -> ProjectFiles:
    """Reads the project of `settings`. It takes about a second, so a process does it once."""
    for room in (query_reads, lineage):
        room.remember(settings.home / "cache")
    found = digests(settings)  # before they are read: a change in between is then seen as one
    datasets = read_datasets(settings)
    try:
        models = load_project(settings.models_dir, suites=settings.expectations_dir)
    except (ModelError, QualityError) as error:
        return ProjectFiles(found, datasets, error)
    return ProjectFiles(found, datasets, models)


def build_definitions(
    settings: Settings, *, warehouse: Warehouse | None = None, files: ProjectFiles | None = None
) -> dg.Definitions:
    """Makes the code location of `settings`, without a connection. Files with a fault become red assets.

    files: the project of `settings`, if it was read already.
    """
    files = files or read_files(settings)
    datasets = files.datasets
    contracts = datasets.contracts
    named = {job.name: job for job in jobs(contracts, [set_aside_key(s) for s in datasets.set_aside])}
    models, project = _models(settings, files)
    maintenance = maintenance_job()
    return dg.Definitions(
        assets=[
            *raw_assets(contracts, settings),
            *set_aside_assets(datasets.set_aside, PageLinks.of(settings)),
            *models,
        ],
        jobs=[
            *named.values(),
            *request_jobs(datasets),
            maintenance,
            feedback_job(),
            approval_job(datasets),
            previews_job(),
        ],
        schedules=[
            nightly_schedule(contracts),
            *hourly_schedules(contracts),
            maintenance_schedule(maintenance),
        ],
        sensors=[
            upload_sensor(datasets, settings, named),
            alerts_sensor(datasets, settings),
            *([descendants_sensor(contracts, project, look=look_seconds(settings))] if project else []),
            chain_sensor(contracts, named, project, settings, files.digests),
            requested_sensor(datasets, named),
            changed_files_sensor(datasets, settings, files.digests),
            freshness_sensor(contracts),
            feedback_sensor(datasets, settings),
            approval_sensor(datasets),
            previews_sensor(),
        ],
        resources={"warehouse": warehouse or _warehouse(settings)},
        executor=with_lease(threaded_executor),
    )


def _models(settings: Settings, files: ProjectFiles) -> tuple[list[dg.AssetsDefinition], Project | None]:
    """Makes the assets of models and publications; gives them, and the models' project if it can be read."""
    project = files.models
    try:
        if not isinstance(project, Project):
            raise project
        models = model_assets(project, files.datasets.contracts, PageLinks.of(settings))
    except (ModelError, QualityError, dg.DagsterError, CheckError) as error:
        return unreadable_models(["referensi", "core", "publikasi"], error), None
    try:
        published = publication_assets(project, settings)
    except PublicationError as error:
        published = unreadable_models(["publikasi"], error)
    return [*models, *published], project


project_files = read_files(load_settings())
defs = build_definitions(load_settings(), files=project_files)
