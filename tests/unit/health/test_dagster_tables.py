"""The names by which a night's runs are found are those that the night's jobs have."""

from __future__ import annotations

from pipelines import jobs
from pipelines.health import dagster_tables


def test_names_of_the_night_are_those_of_its_jobs() -> None:
    assert (dagster_tables.NIGHT_JOB, dagster_tables.NIGHT_TAG) == (jobs.PUBLICATION, jobs.NIGHT)
