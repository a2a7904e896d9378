"""Uploads that replace periods, in Dagster: the partitions that a file's run, a night and a backfill materialise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.assets.naming import raw_key
from pipelines.assets.raw import raw_assets
from pipelines.contracts.model import Contract
from pipelines.jobs import NIGHT, RANGE_END, RANGE_START, ingest_job, jobs, upload_job
from pipelines.load import prepare
from pipelines.resources.warehouse import Warehouse
from tests.support.contracts import column, document, make, upload
from tests.support.upload_zone import KEY, Zone

COLUMNS = [
    column("bulan", primaryKey=True, primaryKeyPosition=1, required=True),
    column("kode", primaryKey=True, primaryKeyPosition=2, required=True),
]


class Months:
    """A dataset whose files replace their months, and the definitions of Dagster for it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.zone = Zone(url, folder)
        made = document(
            KEY, COLUMNS, upload(KEY, "csv"), extract={"format": "csv", "pattern": "*.csv"},
            partition={"column": "bulan", "every": "monthly", "start": "2026-01-01"},
        )  # fmt: skip
        self.contract: Contract = make(self.zone.settings.contracts_dir, made)
        prepare.prepare(self.zone.connection, [self.contract])
        self.zone.forget()
        self.key = raw_key(self.contract)
        self.definitions = dg.Definitions(
            assets=raw_assets([self.contract], self.zone.settings), jobs=jobs([self.contract]),
            resources={"warehouse": Warehouse(url=self.zone.url)}, executor=dg.in_process_executor,
        )  # fmt: skip
        self.instance = dg.DagsterInstance.ephemeral()

    def put(self, name: str, *rows: str) -> None:
        self.zone.put("\n".join(["bulan,kode", *rows, ""]).encode(), name)

    def run(self, job: str, **tags: str) -> dg.ExecuteInProcessResult:
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, tags=tags, asset_selection=[self.key], raise_on_error=False
        )

    def asked(self, first: str, last: str) -> dg.ExecuteInProcessResult:
        return self.run(ingest_job(self.contract), **{RANGE_START: first, RANGE_END: last})

    def shown(self) -> dict[str, tuple[object, str]]:
        """By partition, the rows and the data version of its last materialisation."""
        records = self.instance.fetch_materializations(self.key, limit=100).records
        found: dict[str, tuple[object, str]] = {}
        for record in reversed(records):
            event = record.asset_materialization
            assert event is not None
            if event.partition:
                rows = event.metadata["dagster/partition_row_count"].value
                found[event.partition] = (rows, (event.tags or {})["dagster/data_version"])
        return found

    def raw(self) -> list[Any]:
        return self.zone.connection.execute(
            "select bulan, kode from raw.dagang__pasar order by 1, 2"
        ).fetchall()


@pytest.fixture
def months(module_warehouse_url: str, tmp_path: Path) -> Iterator[Months]:
    made = Months(module_warehouse_url, tmp_path)
    yield made
    made.instance.dispose()
    made.zone.close()


def test_the_run_of_a_file_materialises_the_periods_of_its_rows(months: Months) -> None:
    months.put("a.csv", "2026-01,a", "2026-01,b", "2026-03,a")
    assert months.run(upload_job(months.contract)).success
    first = months.shown()
    assert {month: rows for month, (rows, _) in first.items()} == {"2026-01": 2, "2026-03": 1}
    months.put("b.csv", "2026-01,b", "2026-01,a", "2026-03,c")
    assert months.run(upload_job(months.contract)).success
    second = months.shown()
    # The version of a period is that of its rows.
    assert second["2026-01"] == first["2026-01"] and second["2026-03"] != first["2026-03"]
    assert months.instance.get_materialized_partitions(months.key) == {"2026-01", "2026-03"}


def test_a_night_loads_new_files_whatever_its_windows_are(months: Months) -> None:
    months.put("a.csv", "2026-01,a")
    tags = {RANGE_START: "2026-10", RANGE_END: "2026-11", NIGHT: "2026-11-26"}
    assert months.run(ingest_job(months.contract), **tags).success
    assert months.instance.get_materialized_partitions(months.key) == {"2026-01"}


def test_a_backfill_reads_the_newest_files_of_its_periods(months: Months) -> None:
    months.put("a.csv", "2026-01,a", "2026-02,a")
    months.run(upload_job(months.contract))
    months.put("b.csv", "2026-02,b")
    months.run(upload_job(months.contract))
    months.zone.connection.execute("delete from raw.dagang__pasar")
    assert months.asked("2026-01", "2026-02").success
    assert months.raw() == [("2026-01", "a"), ("2026-02", "b")]


def test_a_backfill_names_the_periods_that_no_file_has_and_loads_the_others(months: Months) -> None:
    months.put("a.csv", "2026-01,a")
    done = months.asked("2026-01", "2026-03")
    assert not done.success and months.raw() == [("2026-01", "a")]
    failure = done.get_step_failure_events()[0].step_failure_data.error
    assert failure is not None
    assert "tidak ada berkas di zona unggah yang memuat periode 2026-02, 2026-03" in failure.to_string()
    assert months.instance.get_materialized_partitions(months.key) == {"2026-01"}


def test_the_sensor_starts_the_job_of_the_periods(months: Months) -> None:
    zone = months.zone
    zone.contract = months.contract
    zone.sensor = zone.sensor_of(months.contract)
    months.put("a.csv", "2026-01,a")
    (request,) = zone.tick_twice()
    assert request.job_name == "upload_monthly" and request.partition_key is None
    assert zone.run(request) and months.raw() == [("2026-01", "a")]
    assert zone.tick_twice() == []
