"""Deletes old events of Dagster that belong to no asset, and old compute logs. Dagster keeps both for ever.

What belongs here: what may go of Dagster's own database and folder. Not here: ticks, which Dagster deletes itself
(`retention` in deploy/dagster.yaml); the warehouse (retention/).

Events of assets stay, because the state of partitions and the history of an asset are read from them; so do runs with
their tags. Of a check the newest execution of each partition stays. The tables are those of Dagster 1.13
(dagster/_core/storage/event_log/schema.py); `tests/integration/runs/test_prune.py` meets a change of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from pipelines.redaction.database_urls import libpq_url
from pipelines.retention.policy import Policy
from pipelines.retention.tables import Pruned, Rule, prune_tables

_ENDED = (
    "not exists (select from runs as r where r.run_id = t.run_id"
    " and r.status not in ('SUCCESS', 'FAILURE', 'CANCELED'))"
)
DAGSTER_RULES = (
    Rule(
        ("public", "event_logs"),
        "kejadian Dagster yang bukan milik asset",
        # Dagster keeps its times in UTC, without a zone.
        "t.asset_key is null and t.timestamp < (%(before)s at time zone 'UTC')",
        lambda policy: policy.events,
        _ENDED,
    ),
    Rule(
        ("public", "event_logs"),
        "rencana materialisasi yang sudah diikuti yang baru",
        "t.dagster_event_type = 'ASSET_MATERIALIZATION_PLANNED'"
        " and t.timestamp < (%(before)s at time zone 'UTC')"
        " and exists (select from event_logs as n where n.asset_key = t.asset_key"
        " and n.dagster_event_type = t.dagster_event_type and n.partition is not distinct from t.partition"
        " and n.id > t.id)",
        lambda policy: policy.events,
        _ENDED,
    ),
    Rule(
        ("public", "asset_check_executions"),
        "pemeriksaan asset yang sudah diikuti yang baru",
        "t.create_timestamp < (%(before)s at time zone 'UTC')"
        " and exists (select from asset_check_executions as n where n.asset_key = t.asset_key"
        " and n.check_name = t.check_name and n.partition is not distinct from t.partition and n.id > t.id)"
        "",
        lambda policy: policy.events,
        _ENDED,
    ),
)


def prune_dagster(url: str, policy: Policy, *, dry_run: bool) -> list[Pruned]:
    """Deletes old rows of Dagster's database at `url`, and gives a result for each rule. dry_run: rows are counted."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        return prune_tables(connection, DAGSTER_RULES, policy, dry_run=dry_run)


def prune_compute_logs(dagster_home: Path, policy: Policy, *, dry_run: bool) -> Pruned:
    """Deletes old files of runs and ticks below `storage/` of Dagster's folder, and folders that are then empty."""
    storage = dagster_home / "storage"
    before = time.time() - policy.events * 86_400
    old = [(path, size) for path, size, changed in _files(storage) if changed < before]
    size = sum(size for _, size in old)
    if not dry_run:
        for path, _ in old:
            path.unlink(missing_ok=True)
        for folder in sorted((p for p in storage.rglob("*") if p.is_dir()), reverse=True):
            if not any(folder.iterdir()) and folder.stat().st_mtime < before:
                folder.rmdir()
    return Pruned(str(storage), "log keluaran run dan tick", len(old), size, size if dry_run else 0)


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """Each file below `folder`, its size and the time of its last change."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            there = path.stat()
            yield path, there.st_size, there.st_mtime
