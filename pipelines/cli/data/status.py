"""Reads the state of each dataset: its latest load and checks, and files in the upload zone that no contract takes.

What belongs here: queries to the ledger, to contracts/ and the zone. Not here: how the answer is shown
(status_table.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg.rows import dict_row

from pipelines.datasets import Datasets, files_left
from pipelines.errors import GudangError
from pipelines.health.checks import failed_feedback, undelivered, undelivered_lines
from pipelines.load.approval.waiting import waiting_loads
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect

_STATUS = """
with batch as (
    select distinct on (dataset) dataset, state, error, started_at, finished_at,
        rows_read, rows_loaded, rows_unchanged, rows_quarantined, rows_deleted, found
    from ops.load_batch
    where by_retention is not true
    order by dataset, ops.applied_at(state, finished_at) desc, batch_id desc
),
good as (
    select dataset, max(finished_at) as good_at
    from ops.load_batch
    where state in ('loaded', 'unchanged') and by_retention is not true
    group by dataset
),
checks as (
    select asset,
        count(*) as checks,
        count(*) filter (where not passed and severity = 'error') as errors,
        count(*) filter (where not passed and severity = 'warn') as warnings
    from ops.check_in_force
    group by asset
)
select
    k.dataset, batch.state, batch.error, batch.started_at, batch.finished_at, good.good_at,
    here.arrived_at, here.rows_in_raw, coalesce(here.rows_quarantined, 0) as rows_waiting,
    batch.rows_read, batch.rows_loaded, batch.rows_unchanged, batch.rows_quarantined, batch.rows_deleted,
    batch.found,
    coalesce(checks.checks, 0) as checks,
    coalesce(checks.errors, 0) as errors,
    coalesce(checks.warnings, 0) as warnings
from unnest(%s::text[]) as k (dataset)
left join batch on batch.dataset = k.dataset
left join good on good.dataset = k.dataset
left join ops.dataset_state as here on here.dataset = k.dataset
left join checks on checks.asset = 'raw/' || k.dataset
order by k.dataset
"""


def dataset_status(url: str, keys: Iterable[str]) -> list[dict[str, Any]]:
    """Reads for each dataset in `keys` its latest load and checks, and the number of its rows in raw and in quarantine.

    A dataset that was never loaded has the state None. [] before the first night. Raises LoadError when the warehouse
    can't be reached.
    """
    with connect(url) as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("select to_regclass('ops.dataset_state') is not null as ok")
        there = cursor.fetchone()
        return cursor.execute(_STATUS, [sorted(keys)]).fetchall() if there and there["ok"] else []


def undelivered_alerts(url: str) -> list[str]:
    """Gives a line for each channel by which a message did not arrive; [] before the first night. Raises LoadError."""
    with connect(url) as connection:
        if connection.execute("select to_regclass('ops.alert_delivery')").fetchone() == (None,):
            return []
        return undelivered_lines(undelivered(connection))


def failed_feedback_lines(url: str) -> list[str]:
    """Gives a line for each feedback to an OPD that failed; [] before the first night. Raises LoadError."""
    with connect(url) as connection:
        if connection.execute("select to_regclass('ops.feedback')").fetchone() == (None,):
            return []
        return [f"{subject}: {error}" for subject, error in failed_feedback(connection)]


def waiting_lines(url: str, keys: Iterable[str]) -> list[str]:
    """Gives a line for each load that waits for approval; [] before the first night. Raises LoadError."""
    with connect(url) as connection:
        if connection.execute("select to_regclass('ops.load_approval')").fetchone() == (None,):
            return []
        return [
            f"{one.batch_id}: {one.subject}, sejak {one.waiting_since:%Y-%m-%d %H:%M}: {one.counts}"
            for one in waiting_loads(connection, [*keys])
        ]


SET_ASIDE = "set aside"


def with_set_aside(rows: list[dict[str, Any]], datasets: Datasets) -> list[dict[str, Any]]:
    """Gives `rows`, in which datasets whose contract has a fault have the state `set aside` and the fault as error."""
    faults = {s.key: "; ".join(s.describe()) for s in datasets.set_aside}
    return [
        {**row, "state": SET_ASIDE, "error": faults[key]} if (key := row["dataset"]) in faults else row
        for row in rows
    ]


def not_taken(settings: Settings, datasets: Datasets) -> list[str]:
    """Gives a line for each file in the upload zone that no contract takes, or why the zone can't be read."""
    try:
        return [str(file) for file in files_left(settings, datasets)]
    except GudangError as error:
        return [str(error)]
