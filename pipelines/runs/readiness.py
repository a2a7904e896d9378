"""Makes ready what Dagster's processes need: tables and reference data in the warehouse, and no dead runs.

What belongs here: the calls for `gudang ui`, `gudang prepare`, and a process that finds an empty warehouse.
Not here: servers and variables (runtime/environment.py), a night (nightly.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from pipelines.datasets import read_datasets
from pipelines.errors import ModelError
from pipelines.load import prepare
from pipelines.models.build.runner import build
from pipelines.models.project.project import load_project
from pipelines.redaction.database_urls import libpq_url
from pipelines.redaction.secrets import shown
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect


def make_ready(settings: Settings) -> None:
    """Creates ledger, functions, raw tables and reference tables of this version. It may be called at any time."""
    assert settings.warehouse_url is not None
    with connect(settings.warehouse_url) as connection:
        datasets = read_datasets(settings)
        prepare.prepare(connection, datasets.contracts, set_aside=[s.key for s in datasets.set_aside])
    try:
        project = load_project(settings.models_dir, suites=settings.expectations_dir)
        build(project, libpq_url(settings.warehouse_url), select=["tag:referensi"])
    except ModelError as error:  # the UI shows it red; loads that need no model still run
        print(shown(f"gudang: {error}"), file=sys.stderr)


def close_dead_runs(say: Callable[[str], None]) -> None:
    """Closes the runs of Dagster's instance whose worker is gone; `say` gets a line for each."""
    import dagster as dg

    from pipelines.runs.dead import close_dead_runs as close

    with dg.DagsterInstance.get() as instance:
        for run in close(instance):
            say(run.message)
