"""Runs all that deletes old data, and shows what it did: `gudang prune` and the job of the same work.

What belongs here: the order of the parts. Not here: what may go (retention/, runs/prune.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.backup.write import megabytes
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets, read_datasets
from pipelines.errors import GudangError
from pipelines.extract.upload.zone import upload_zone
from pipelines.feedback.prune import prune_feedback
from pipelines.load.failures import describe_failure
from pipelines.load.originals import ORIGINALS
from pipelines.retention.originals import WHAT, gone_tables, prune_gone, prune_originals
from pipelines.retention.policy import Policy
from pipelines.retention.raw import prune_dataset
from pipelines.retention.tables import WAREHOUSE_RULES, Pruned, prune_tables
from pipelines.retention.uploads import prune_leftovers, prune_uploads
from pipelines.runs.prune import prune_compute_logs, prune_dagster
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from pipelines.warehouse.locks import PATIENCE, LockPatience


def prune(
    settings: Settings, dagster_url: str, policy: Policy, today: date, run_id: str, *, dry_run: bool
) -> list[Pruned]:
    """Deletes what the policy and the contracts no longer keep, and gives a result for each kind.

    dry_run: everything is counted, and nothing is deleted. A dataset that fails does not stop the others: its result
    says so. Raises GudangError if a database cannot be reached. A process that is killed has deleted a part; the next
    call deletes the rest.
    """
    assert settings.warehouse_url is not None
    datasets = read_datasets(settings)
    contracts = datasets.contracts
    zone = upload_zone(settings)
    with connect(settings.warehouse_url) as connection:
        of_datasets = [_prune_dataset(connection, c, today, run_id, dry_run=dry_run) for c in contracts]
        of_originals = prune_all_originals(connection, datasets, dry_run=dry_run)
        of_uploads = [prune_uploads(connection, c, zone, policy.uploads, dry_run=dry_run) for c in contracts]
        left = [prune_leftovers(c, zone, dry_run=dry_run) for c in contracts]
        of_feedback = prune_feedback(connection, zone, policy.feedback, dry_run=dry_run)
        of_tables = prune_tables(connection, WAREHOUSE_RULES, policy, dry_run=dry_run)
    return [
        *(result for result in (*of_datasets, *of_originals, *of_uploads, *left) if result),
        of_feedback,
        *of_tables,
        *prune_dagster(dagster_url, policy, dry_run=dry_run),
        prune_compute_logs(settings.dagster_home, policy, dry_run=dry_run),
    ]


def _prune_dataset(
    connection: Connection[Any], contract: Contract, today: date, run_id: str, *, dry_run: bool
) -> Pruned | None:
    return _noting_failure(
        connection,
        contract.key,
        Pruned(f"raw.{contract.table}", "masa simpan kontrak", 0),
        lambda: prune_dataset(connection, contract, today, run_id, dry_run=dry_run),
    )


def prune_all_originals(
    connection: Connection[Any], datasets: Datasets, *, dry_run: bool, patience: LockPatience = PATIENCE
) -> list[Pruned | None]:
    """Deletes the original values of persons for which no contract names a legal basis, and gives a result per table.

    A contract that is set aside is not gone: its originals stay. Where there is no contract at all, the folder may be
    the wrong one, and nothing is deleted. connection: in autocommit.
    """
    results = [
        _noting_failure(
            connection,
            contract.key,
            Pruned(f"{ORIGINALS}.{contract.table}", WHAT, 0),
            lambda contract=contract: prune_originals(
                connection, contract, dry_run=dry_run, patience=patience
            ),
        )
        for contract in datasets.contracts
    ]
    for table in gone_tables(connection, [d.key for d in (*datasets.contracts, *datasets.set_aside)]):
        place = Pruned(f"{ORIGINALS}.{table}", WHAT, 0)
        if not datasets.contracts:
            results.append(replace(place, note="tidak ada satu kontrak pun yang terbaca"))
            continue
        results.append(
            _noting_failure(
                connection,
                table,
                place,
                lambda table=table: prune_gone(connection, table, dry_run=dry_run, patience=patience),
            )
        )
    return results


def _noting_failure(
    connection: Connection[Any], subject: str, nothing: Pruned, act: Callable[[], Pruned | None]
) -> Pruned | None:
    """What `act` gives. If it fails, `nothing` with the reason, so that the others go on."""
    try:
        return act()
    except (GudangError, psycopg.Error) as error:
        if connection.broken:
            raise
        return replace(nothing, note=describe_failure(subject, error).message, failed=True)


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
