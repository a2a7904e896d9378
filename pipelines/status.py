"""What the walidata asks first: how fresh is each dataset, and did it pass?

What belongs here: questions to the ledger. Not here: how the answer is shown (cli.py).
"""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from pipelines.load.warehouse import connect

_STATUS = """
with batch as (
    select distinct on (dataset) dataset, state, error, started_at, finished_at,
        rows_read, rows_loaded, rows_unchanged, rows_quarantined, rows_deleted, found
    from ops.load_batch
    order by dataset, batch_id desc
),
good as (
    select dataset, max(finished_at) as good_at
    from ops.load_batch
    where state in ('loaded', 'unchanged')
    group by dataset
),
latest_check as (
    select distinct on (asset, check_name) asset, severity, passed
    from ops.check_result
    order by asset, check_name, at desc
),
checks as (
    select asset,
        count(*) as checks,
        count(*) filter (where not passed and severity = 'error') as errors,
        count(*) filter (where not passed and severity = 'warn') as warnings
    from latest_check
    group by asset
)
select
    dataset, batch.state, batch.error, batch.started_at, batch.finished_at, good.good_at,
    batch.rows_read, batch.rows_loaded, batch.rows_unchanged, batch.rows_quarantined, batch.rows_deleted,
    batch.found,
    coalesce(checks.checks, 0) as checks,
    coalesce(checks.errors, 0) as errors,
    coalesce(checks.warnings, 0) as warnings
from batch
left join good using (dataset)
left join checks on checks.asset = 'raw/' || dataset
order by dataset
"""


def dataset_status(url: str) -> list[dict[str, Any]]:
    """The latest batch and the latest checks of every dataset that was ever loaded; [] before the first night.

    Raises LoadError when the warehouse can't be reached.
    """
    with connect(url) as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "select to_regclass('ops.load_batch') is not null and to_regclass('ops.check_result') is not null as ok"
        )
        there = cursor.fetchone()
        return cursor.execute(_STATUS).fetchall() if there and there["ok"] else []
