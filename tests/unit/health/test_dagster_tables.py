"""The names by which a night's runs are found are those that the night's jobs have."""

from __future__ import annotations

from pipelines import jobs
from pipelines.health import dagster_tables


def test_a_night_is_found_by_the_job_and_the_tag_that_it_has() -> None:
    assert (dagster_tables.NIGHT_JOB, dagster_tables.NIGHT_TAG) == (jobs.PUBLICATION, jobs.NIGHT)
