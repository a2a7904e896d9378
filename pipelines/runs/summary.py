"""Summarises runs from the ledger: a table of loads, the failures, the number of models.

Not here: the runs (pipelines/nightly.py), the latest state of all datasets (cli/data/status.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from rich.table import Table

from pipelines.contracts.model import Contract
from pipelines.numbers import number
from pipelines.runtime.state_words import LOADS
from pipelines.runtime.terminal import styled


def datasets_table(
    connection: Connection[Any], contracts: Sequence[Contract], run_ids: Sequence[str]
) -> Table:
    """A row for each dataset: the state of its load in `run_ids`, counts of rows and of checks."""
    table = Table()
    table.add_column("dataset", no_wrap=True)
    table.add_column("keadaan", no_wrap=True)
    for name in ("dibaca", "dimuat", "sama", "karantina", "dihapus", "uji lulus", "uji gagal"):
        table.add_column(name, justify="right")
    batches = {
        row[0]: row
        for row in connection.execute(
            "select dataset, state, rows_read, rows_loaded, rows_unchanged, rows_quarantined, rows_deleted"
            " from ops.load_batch where run_id = any(%s) order by batch_id",
            [list(run_ids)],
        ).fetchall()
    }
    checks = {
        row[0]: row[1:]
        for row in connection.execute(
            "select asset, count(*) filter (where passed), count(*) filter (where not passed) from ops.check_result"
            " where run_id = any(%s) group by asset",
            [list(run_ids)],
        ).fetchall()
    }
    for contract in contracts:
        batch = batches.get(contract.key)
        passed, failed = checks.get(f"raw/{contract.key}", (0, 0))
        state = styled(*LOADS[batch[1] if batch else None])
        counts = [number(n) for n in batch[2:]] if batch else [""] * 5
        table.add_row(
            contract.key, state, *counts, str(passed or ""), styled(str(failed), "red") if failed else ""
        )
    return table


def failures(connection: Connection[Any], run_ids: Sequence[str]) -> list[str]:
    """A line for each load, model and check that failed, warnings included."""
    rows = connection.execute(
        "select dataset || ': ' || error from ops.load_batch where run_id = any(%(r)s) and error is not null"
        " union all select model || ': ' || state || ': ' || coalesce(error, '') from ops.model_run"
        " where run_id = any(%(r)s) and state not in ('ok', 'unchanged')"
        " union all select asset || ' [' || case severity when 'warn' then 'peringatan' else 'gagal' end || '] '"
        " || check_name || ': ' || coalesce(message, '') from ops.check_result"
        " where run_id = any(%(r)s) and not passed",
        {"r": list(run_ids)},
    ).fetchall()
    return [row[0] for row in rows]


def models_built(connection: Connection[Any], run_ids: Sequence[str], total: int | None = None) -> str:
    """How many models were built, left because nothing has changed, and failed or were skipped.

    total: of the project, where the runs selected only what was due.
    """
    row = connection.execute(
        "select count(*) filter (where state = 'ok'), count(*) filter (where state not in ('ok', 'unchanged')),"
        " count(*) from ops.model_run where run_id = any(%s)",
        [list(run_ids)],
    ).fetchone()
    assert row is not None
    built, bad, asked = row
    total = max(total or 0, asked)
    told = [f"{number(built)} dibangun", f"{number(total - built - bad)} tidak berubah"]
    if bad:
        told.append(f"{number(bad)} gagal atau dilewati")
    return f"{number(total)} model: {', '.join(told)}"
