"""The names that are looked for in Dagster's tables are those that our jobs and Dagster's daemons have."""

from __future__ import annotations

import dagster as dg
import yaml

from pipelines import jobs
from pipelines.health import dagster_tables
from pipelines.health.of_dagster import DAEMONS
from pipelines.settings import PROJECT_ROOT


def test_names_of_the_night_are_those_of_its_jobs() -> None:
    assert (dagster_tables.NIGHT_JOB, dagster_tables.NIGHT_TAG) == (jobs.PUBLICATION, jobs.NIGHT)


def test_the_daemons_that_are_watched_are_those_that_dagster_requires() -> None:
    document = yaml.safe_load((PROJECT_ROOT / "deploy" / "dagster.yaml").read_text("utf-8"))
    overrides = {name: document[name] for name in ("run_coordinator", "run_monitoring", "run_retries")}
    with dg.instance_for_test(overrides=overrides) as instance:
        assert set(instance.get_required_daemon_types()) == {*DAEMONS, "ASSET", "FRESHNESS_DAEMON"}
