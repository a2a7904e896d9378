"""Old events of Dagster go, and what its UI reads of assets stays."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from pipelines.retention.policy import Policy
from pipelines.runs.prune import prune_compute_logs, prune_dagster
from pipelines.runtime.dagster_clock import keep_in_utc
from tests.support.slow_run import instance_at


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(["a", "b"]),
    check_specs=[dg.AssetCheckSpec("benar", asset="harian")],
)
def harian(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
    context.log.info("memuat")
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="benar", passed=True)])


@pytest.fixture
def instance(pg_url: str) -> Iterator[dg.DagsterInstance]:
    keep_in_utc(pg_url)
    with instance_at(pg_url) as made:
        yield made


def test_events_of_no_asset_go_and_what_is_known_of_assets_stays(
    instance: dg.DagsterInstance, pg_url: str
) -> None:
    for partition in ("a", "a", "b"):
        assert dg.materialize([harian], instance=instance, partition_key=partition).success
    key = harian.key
    before = instance.get_materialized_partitions(key)
    with psycopg.connect(pg_url, autocommit=True) as connection:

        def counted() -> dict[str, int]:
            rows = connection.execute(
                "select coalesce(dagster_event_type, 'log'), count(*) from event_logs group by 1"
            )
            return dict(rows.fetchall())

        first = counted()
        assert first["STEP_SUCCESS"] == 3 and first["ASSET_MATERIALIZATION"] == 3
        assert not [r for r in prune_dagster(pg_url, Policy(), dry_run=False) if r.count], "nothing is old"
        connection.execute("update event_logs set timestamp = timestamp - interval '91 days'")
        connection.execute(
            "update asset_check_executions set create_timestamp = create_timestamp - interval '91 days'"
        )
        expected = [r.count for r in prune_dagster(pg_url, Policy(), dry_run=True)]
        assert counted() == first, "a dry run deletes nothing"
        done = [r.count for r in prune_dagster(pg_url, Policy(), dry_run=False)]
        assert done == expected and done[1:] == [1, 2]
        assert counted() == {"ASSET_MATERIALIZATION": 3, "ASSET_MATERIALIZATION_PLANNED": 2}
    assert instance.get_materialized_partitions(key) == before == {"a", "b"}
    assert instance.get_latest_materialization_event(key) is not None
    check = dg.AssetCheckKey(key, "benar")
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([check])[check]
    assert latest.status.value == "SUCCEEDED"
    assert len(instance.get_runs()) == 3


def test_events_of_a_run_that_goes_on_stay(instance: dg.DagsterInstance, pg_url: str) -> None:
    run = instance.create_run_for_job(dg.define_asset_job("j", "*").resolve(
        asset_graph=dg.Definitions([harian]).resolve_asset_graph()), status=dg.DagsterRunStatus.STARTED)  # fmt: skip
    instance.report_engine_event("mulai", run)
    with psycopg.connect(pg_url, autocommit=True) as connection:
        connection.execute("update event_logs set timestamp = timestamp - interval '91 days'")
    assert not [r for r in prune_dagster(pg_url, Policy(), dry_run=False) if r.count]


def test_old_compute_logs_go_with_their_empty_folders(tmp_path: Path) -> None:
    old, new = tmp_path / "storage" / "lama" / "compute_logs", tmp_path / "storage" / "baru"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "x.out").write_bytes(b"12345")
    past = time.time() - 91 * 86_400
    for path in (old / "x.out", old, old.parent):
        os.utime(path, (past, past))
    assert prune_compute_logs(tmp_path, Policy(), dry_run=True).count == 1
    assert (old / "x.out").exists()
    done = prune_compute_logs(tmp_path, Policy(), dry_run=False)
    assert (done.count, done.size_before, done.size_after) == (1, 5, 0)
    assert (new / "x.out").exists() and not (old / "x.out").exists()
    assert prune_compute_logs(tmp_path / "tidak_ada", Policy(), dry_run=False).count == 0
