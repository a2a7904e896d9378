"""Monthly datasets of a real database, loaded by Dagster: a range of months, one month again, two start dates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import psycopg
import pytest

# What Dagster's pages ask is not in its public interface.
from dagster._core.loader import LoadingContextForTest

from pipelines.assets.naming import raw_key
from pipelines.assets.raw import FULL_REFRESH, raw_assets
from pipelines.contracts.model import Contract
from pipelines.jobs import RANGE_END, RANGE_START, ingest_job, jobs, range_tags
from pipelines.load import prepare
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings
from tests.support.contracts import column, database, document, make

COLUMNS = [
    column("periode", "date", required=True, primaryKey=True, primaryKeyPosition=1),
    column("kode", required=True, primaryKey=True, primaryKeyPosition=2),
    column("nilai", "numeric(18,2)"),
]


class Books:
    """An OPD's table of monthly sums, and the datasets that are loaded from it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)
        self.settings = Settings(home=folder, project=folder, warehouse_url=None)
        self.warehouse = Warehouse(url=url.replace("postgresql://", "postgresql+psycopg://", 1))
        self.contracts = [
            self._contract("bpkad/buku", "2025-01-01"),
            self._contract("bpkad/buku_baru", "2025-04-01"),
        ]
        self.run("create table public.buku (periode date, kode text, nilai numeric(18,2))")
        with self.warehouse.connect() as connection:
            prepare.prepare(connection, self.contracts)
        assets = raw_assets(self.contracts, self.settings)
        self.definitions = dg.Definitions(
            assets=assets, jobs=jobs(self.contracts), resources={"warehouse": self.warehouse},
            executor=dg.in_process_executor,
        )  # fmt: skip
        self.instance = dg.DagsterInstance.ephemeral()

    def _contract(self, key: str, start: str) -> Contract:
        doc = document(
            key, COLUMNS, database("UJI_URL"), extract={"table": "buku"},
            partition={"column": "periode", "every": "monthly", "start": start},
        )  # fmt: skip
        return make(self.settings.contracts_dir, doc)

    def run(self, statement: str) -> list[Any]:
        cursor = self.connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def load(self, first: str, last: str, *datasets: Contract, **tags: str) -> dg.ExecuteInProcessResult:
        chosen = datasets or (self.contracts[0],)
        job = self.definitions.resolve_job_def(ingest_job(chosen[0]))
        return job.execute_in_process(
            instance=self.instance,
            tags={RANGE_START: first, RANGE_END: last, **tags},
            asset_selection=[raw_key(c) for c in chosen],
        )

    def load_and_check(self, month: str) -> dg.ExecuteInProcessResult:
        """Loads a month as the UI does, which plans all checks."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            partition_key=month,
            asset_selection=[raw_key(self.contracts[0])],
            raise_on_error=False,
        )

    def counted_checks(self) -> dict[str, tuple[bool, bool]]:
        """By check, whether its last result passed, and whether Dagster's page shows that result or "Not evaluated"."""
        graph = self.definitions.resolve_asset_graph()
        keys = [key for key in graph.asset_check_keys if key.asset_key == raw_key(self.contracts[0])]
        found = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        context = LoadingContextForTest(self.instance)
        return {
            key.name: (
                record.evaluation.passed,
                asyncio.run(record.targets_latest_materialization(context)),
            )
            for key, record in found.items()
            if record.evaluation
        }

    def months(self, table: str = "buku") -> list[tuple[str, int]]:
        """The months that raw has, and their sums."""
        query = "select to_char(periode, 'YYYY-MM'), sum(nilai)::int from raw.bpkad__{} group by 1 order by 1"
        return self.run(query.format(table))

    def shown(self, month: str) -> dict[str, Any]:
        """The metadata of the last materialisation of a month."""
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(raw_key(self.contracts[0]), asset_partitions=[month]), limit=1
        ).records
        materialization = records[0].asset_materialization
        assert materialization is not None
        return {name: value.value for name, value in materialization.metadata.items()}

    def close(self) -> None:
        self.connection.close()
        self.instance.dispose()


@pytest.fixture
def books(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    monkeypatch.setenv("UJI_URL", warehouse_url)
    made = Books(warehouse_url, tmp_path)
    # Rows on the first and the last day of each month show whether a window covers the whole month.
    made.run("""
        insert into public.buku
        select day, kode, 1 from generate_series(date '2025-01-01', date '2025-06-30', interval '1 day') as t (day),
            (values ('a'), ('b')) as k (kode)
        where extract(day from day) = 1 or extract(day from day + interval '1 day') = 1
    """)
    yield made
    made.close()


def test_a_range_of_months_is_one_load_with_all_its_days(books: Books) -> None:
    assert books.load("2025-01", "2025-03").success
    assert books.months() == [("2025-01", 4), ("2025-02", 4), ("2025-03", 4)]
    assert books.run("select window_start, window_end, rows_read from ops.load_batch") == [
        (date(2025, 1, 1), date(2025, 3, 31), 12)
    ]
    done = books.instance.get_materialized_partitions(raw_key(books.contracts[0]))
    assert done == {"2025-01", "2025-02", "2025-03"}


def test_each_month_shows_its_own_numbers_and_those_of_a_range_are_a_text(books: Books) -> None:
    books.run("delete from public.buku where extract(month from periode) = 2 and kode = 'b'")
    books.run("update public.buku set nilai = 'NaN' where periode = '2025-03-31' and kode = 'a'")
    books.load("2025-01", "2025-03")
    shown = {month: books.shown(month) for month in ("2025-01", "2025-02", "2025-03")}
    assert [s["dagster/partition_row_count"] for s in shown.values()] == [4, 2, 3]
    assert [s["menunggu_di_karantina"] for s in shown.values()] == [0, 0, 1]
    february = shown["2025-02"]
    assert february["rentang"] == "2025-01 s.d. 2025-03"
    assert february["ringkasan_rentang"] == ("10 dibaca, 9 dimuat, 0 sama, 1 dikarantina, 0 dihapus (baris)")
    assert february["detik"].keys() == {"membaca", "memilah", "memeriksa", "menerapkan"}
    # Dagster plots each number. That of all rows in raw has a name of its own.
    plotted = {name for name, value in february.items() if isinstance(value, int | float)}
    assert plotted == {"dagster/row_count", "dagster/partition_row_count", "menunggu_di_karantina"}
    books.load("2025-02", "2025-02")
    books.run("update public.buku set nilai = 2 where nilai <> 'NaN'")
    books.load("2025-02", "2025-02")
    again = books.shown("2025-02")
    assert (again["baris_dimuat"], again["menunggu_di_karantina"], "rentang" in again) == (2, 0, False)


def test_checks_of_an_old_month_count_although_the_asset_has_a_newer_month(books: Books) -> None:
    books.load("2025-01", "2025-02")
    books.load("2025-03", "2025-03")
    rejected = "update public.buku set nilai = 'NaN' where periode = '2025-01-31'"
    books.run(rejected)
    time.sleep(1)  # Dagster's SQLite keeps the time of a result in whole seconds
    assert not books.load_and_check("2025-01").success
    counted = books.counted_checks()
    assert counted["karantina"] == (False, True)
    assert {count for _, count in counted.values()} == {True}


def test_a_check_shows_the_result_of_each_window(books: Books) -> None:
    books.load("2025-01", "2025-02")
    result = books.load("2025-03", "2025-03")
    (found,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "periode"]
    table = found.metadata["jendela"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [(r.data["jendela"], r.data["hasil"], r.data["menyimpang"]) for r in table.records] == [
        ("2025-03-01 s.d. 2025-03-31", "lulus", "0 dari 4"),
        ("2025-01-01 s.d. 2025-02-28", "lulus", "0 dari 8"),
    ]


def test_a_month_loaded_again_is_replaced_and_the_others_stay(books: Books) -> None:
    books.load("2025-01", "2025-06")
    books.run("update public.buku set nilai = 5")
    books.run("delete from public.buku where kode = 'b' and extract(month from periode) = 2")
    assert books.load("2025-02", "2025-02").success
    assert books.months()[:3] == [("2025-01", 4), ("2025-02", 10), ("2025-03", 4)]
    assert books.run(
        "select rows_read, rows_loaded, rows_deleted from ops.load_batch order by batch_id desc limit 1"
    ) == [(2, 2, 2)]
    assert books.load("2025-02", "2025-02").success
    assert books.run("select state from ops.load_batch order by batch_id desc limit 1") == [("unchanged",)]


def test_one_run_loads_each_dataset_from_its_own_start(books: Books) -> None:
    assert books.load("2025-03", "2025-05", *books.contracts).success
    assert [m for m, _ in books.months()] == ["2025-03", "2025-04", "2025-05"]
    assert [m for m, _ in books.months("buku_baru")] == ["2025-04", "2025-05"]


def test_a_full_refresh_loads_all_months_whatever_its_range(books: Books) -> None:
    books.load("2025-05", "2025-06")
    tags = range_tags(books.contracts[:1], ingest_job(books.contracts[0]), None, date(2025, 6, 20))
    assert books.load(tags[RANGE_START], tags[RANGE_END], **{FULL_REFRESH: "true"}).success
    assert len(books.months()) == 6


def test_the_current_month_is_a_partition_from_its_first_day(books: Books) -> None:
    node = books.definitions.resolve_asset_graph().get(raw_key(books.contracts[0]))
    assert isinstance(node.partitions_def, dg.TimeWindowPartitionsDefinition)
    assert node.backfill_policy == dg.BackfillPolicy.single_run()
    first = datetime(2026, 12, 1, 2, tzinfo=ZoneInfo("Asia/Makassar"))
    assert node.partitions_def.get_partition_keys(current_time=first)[-1] == "2026-12"
