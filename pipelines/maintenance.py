"""Runs all that deletes old data, and shows what it did: `gudang prune` and the job of the same work.

What belongs here: the order of the parts. Not here: what may go (retention/, runs/prune.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.backup.write import megabytes
from pipelines.contracts.model import Contract
from pipelines.datasets import read_datasets
from pipelines.errors import GudangError
from pipelines.extract.upload.zone import upload_zone
from pipelines.feedback.prune import prune_feedback
from pipelines.load.failures import describe_failure
from pipelines.retention.policy import Policy
from pipelines.retention.raw import prune_dataset
from pipelines.retention.tables import WAREHOUSE_RULES, Pruned, prune_tables
from pipelines.retention.uploads import prune_uploads
from pipelines.runs.prune import prune_compute_logs, prune_dagster
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect


def prune(
    settings: Settings, dagster_url: str, policy: Policy, today: date, run_id: str, *, dry_run: bool
) -> list[Pruned]:
    """Deletes what the policy and the contracts no longer keep, and gives a result for each kind.

    dry_run: everything is counted, and nothing is deleted. A dataset that fails does not stop the others: its result
    says so. Raises GudangError if a database cannot be reached. A process that is killed has deleted a part; the next
    call deletes the rest.
    """
    assert settings.warehouse_url is not None
    contracts = read_datasets(settings).contracts
    zone = upload_zone(settings)
    with connect(settings.warehouse_url) as connection:
        of_datasets = [_prune_dataset(connection, c, today, run_id, dry_run=dry_run) for c in contracts]
        of_uploads = [prune_uploads(connection, c, zone, policy.uploads, dry_run=dry_run) for c in contracts]
        of_feedback = prune_feedback(connection, zone, policy.feedback, dry_run=dry_run)
        of_tables = prune_tables(connection, WAREHOUSE_RULES, policy, dry_run=dry_run)
    return [
        *(result for result in (*of_datasets, *of_uploads) if result),
        of_feedback,
        *of_tables,
        *prune_dagster(dagster_url, policy, dry_run=dry_run),
        prune_compute_logs(settings.dagster_home, policy, dry_run=dry_run),
    ]


def _prune_dataset(
    connection: Connection[Any], contract: Contract, today: date, run_id: str, *, dry_run: bool
) -> Pruned | None:
    try:
        return prune_dataset(connection, contract, today, run_id, dry_run=dry_run)
    except (GudangError, psycopg.Error) as error:
        if connection.broken:
            raise
        reason = describe_failure(contract.key, error).message
        return Pruned(f"raw.{contract.table}", "masa simpan kontrak", 0, note=reason, failed=True)


def lines(results: Iterable[Pruned], *, dry_run: bool) -> list[str]:
    """A line for each result that deletes something, with the sizes; and one for each reason why others delete nothing.

    The lines are Indonesian.
    """
    found: list[str] = []
    refused: dict[str, list[str]] = {}
    for result in results:
        if result.note:
            refused.setdefault(f"{result.what} tidak dihapus: {result.note}", []).append(result.place)
        elif result.count:
            found.append(f"{result.place}: {result.count} {result.what} {_sizes(result, dry_run=dry_run)}")
    return [
        *found,
        *(f"{len(places)} x {reason} ({', '.join(places)})" for reason, places in refused.items()),
    ]


def _sizes(result: Pruned, *, dry_run: bool) -> str:
    verb = "akan dihapus" if dry_run else "dihapus"
    if result.size_before is None or result.size_after is None:
        return verb
    if dry_run:
        return f"{verb} (sekarang {megabytes(result.size_before)})"
    return f"{verb} ({megabytes(result.size_before)} menjadi {megabytes(result.size_after)})"
