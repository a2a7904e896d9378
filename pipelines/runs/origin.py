"""Files the runs of this process below the code location, so that the UI shows them in its timeline and on job pages.

Dagster's UI knows a run's code location by the origin of its job. `execute_in_process` leaves it out, and has no
parameter for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

# What a run says of its code location has no public name in Dagster.
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.load_target import WorkspaceFileTarget

_REPOSITORY = "__repository__"
"""The name that Dagster gives to the repository of a module with one `Definitions`."""


def job_origin(workspace: Path, job: str) -> RemoteJobOrigin:
    """Gives the origin of a job in the code location of `workspace`, a workspace.yaml with one location."""
    (location,) = WorkspaceFileTarget([str(workspace)]).create_origins()
    return RemoteRepositoryOrigin(location, _REPOSITORY).get_job_origin(job)


@contextmanager
def filed_below_location(instance: dg.DagsterInstance, workspace: Path, job: str) -> Iterator[None]:
    """While the context lasts, runs that this process creates have the origin of `job`."""
    create = instance.create_run_for_job
    filed: Any = partial(create, remote_job_origin=job_origin(workspace, job))
    instance.create_run_for_job = filed
    try:
        yield
    finally:
        instance.create_run_for_job = create
