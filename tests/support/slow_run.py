"""A Dagster run that reads from one source and does not end by itself. Run it as a program, and kill it.

python -m tests.support.slow_run <URL of Dagster's database>. Prints the run's id once its step is at work.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pipelines.runs.launcher import LeasedRunLauncher, with_lease

POOL = "sumber_uji"


class QuickLauncher(LeasedRunLauncher):
    """The launcher with short waits for a lease."""

    grace, wait = 0.0, 0.6


@contextmanager
def instance_at(url: str) -> Iterator[dg.DagsterInstance]:
    """An instance as deploy/dagster.yaml makes it, with short waits: its storage, its launcher, one slot per pool."""
    url = url.replace("postgresql://", "postgresql+psycopg2://")
    overrides = {
        "storage": {"postgres": {"postgres_url": url}},
        "run_launcher": {"module": "tests.support.slow_run", "class": "QuickLauncher"},
        "concurrency": {"pools": {"granularity": "op", "default_limit": 1}},
        "telemetry": {"enabled": False},
    }
    with dg.instance_for_test(overrides=overrides) as instance:
        yield instance


@dg.op(pool=POOL)
def read(context: dg.OpExecutionContext) -> None:
    print(context.run_id, flush=True)
    time.sleep(600)


@dg.job(executor_def=with_lease(dg.in_process_executor))
def slow() -> None:
    read()


if __name__ == "__main__":
    with instance_at(sys.argv[1]) as instance:
        dg.execute_job(dg.reconstructable(slow), instance)
