"""A load is compared with the dataset's own history: rows per period in raw, rows by class of the last load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.contracts.windows import Window
from pipelines.ingest import Ingested, ingest
from pipelines.load import prepare
from pipelines.load.approval.decide import APPROVED, REJECTED, Decision, decide
from pipelines.load.ledger import Batch
from pipelines.quality.history.row_counts import row_counts
from pipelines.quality.results import CheckResult
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, database, document, make
from tests.support.loads import Loads

YEAR = Window(date(2025, 1, 1), date(2025, 12, 31))
DECEMBER = Window(date(2025, 12, 1), date(2025, 12, 31))
SEX = [{"value": "L"}, {"value": "P"}]


class Births:
    """A table of a database, loaded by months: 100 rows a month in 2025, half of each class."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.url)
        self.connection = connect(self.url)
        doc = document(
            "dukcapil/lahir",
            [
                column("id", "integer", primaryKey=True),
                column("hari", "date"),
                column("jk", enum=SEX, required=True),
            ],
            database("UJI_URL"),
            extract={"table": "lahir"},
            partition={"column": "hari", "every": "monthly", "start": "2025-01-01"},
        )
        self.contract = make(folder / "contracts", doc)
        prepare.prepare(self.connection, [self.contract])
        self.source = psycopg.connect(url, autocommit=True)
        self.source.execute("create table public.lahir (id int, hari date, jk text)")
        self.source.execute(
            "insert into lahir select n, make_date(2025, n % 12 + 1, 1 + n / 12 % 28),"
            " case when n / 12 % 2 = 0 then 'L' else 'P' end from generate_series(0, 1199) n"
        )

    def load(self, window: Window) -> Ingested:
        return ingest(self.connection, self.contract, self.settings, self.url, run_id="uji", window=window)

    def checks(self, window: Window) -> dict[str, CheckResult]:
        return {check.name: check for check in self.load(window).checks}

    def approval(self, decision: str = "") -> None:
        """From now on each load waits. decision: what is decided about the one that does."""
        self.contract = replace(self.contract, approval=True)
        for (waiting,) in self.connection.execute(
            "select batch_id from ops.load_batch where state = 'waiting'"
        ):
            decide(self.connection, [self.contract], Decision(waiting, decision, "siti", "cli", "salah"))

    def kept(self) -> list[tuple[Any, ...]]:
        return self.connection.execute("select class, rows from ops.class_share order by 1").fetchall()


@pytest.fixture
def births(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Births]:
    monkeypatch.setenv("UJI_URL", warehouse_url)
    made = Births(warehouse_url, tmp_path)
    yield made
    made.source.close()
    made.connection.close()


def test_a_year_is_judged_by_itself_and_a_doubled_month_is_a_warning(births: Births) -> None:
    first = births.checks(YEAR)
    assert first["jumlah_baris_wajar"].message == "0 dari 6 periode menyimpang dari riwayatnya"
    assert first["sebaran_kelas"].message == "Belum ada pemuatan sebelumnya untuk dibandingkan."
    births.source.execute(
        "insert into lahir select id + 10000, hari, 'L' from lahir where extract(month from hari) = 12"
    )
    doubled = births.load(DECEMBER)
    assert doubled.batch and doubled.batch.state == "loaded"
    checks = {check.name: check for check in doubled.checks}
    assert "2025-12: 200 baris (biasanya 60 sampai 140)" in checks["jumlah_baris_wajar"].message
    assert "jk: L dari 50% menjadi 75%" in checks["sebaran_kelas"].message
    recorded = births.connection.execute(
        "select check_name, code, severity from ops.check_result where not passed order by 1"
    ).fetchall()
    assert recorded == [
        ("jumlah_baris_wajar", "GDK-T019", "warn"),
        ("sebaran_kelas", "GDK-T020", "warn"),
    ]


def test_only_an_accepted_load_is_what_the_next_is_compared_with(births: Births) -> None:
    births.load(YEAR)
    assert births.kept() == [("L", 600), ("P", 600)]
    births.source.execute("update lahir set jk = 'X' where extract(month from hari) = 12 and jk = 'P'")
    rejected = births.load(DECEMBER)
    assert rejected.batch and rejected.batch.state == "rejected"
    assert births.kept() == [("L", 600), ("P", 600)]
    assert {check.name for check in rejected.checks} >= {"jumlah_baris_wajar", "sebaran_kelas"}


def test_a_load_that_waits_counts_only_when_it_is_approved(births: Births) -> None:
    births.load(YEAR)
    births.approval()
    births.source.execute("update lahir set jk = 'L' where extract(month from hari) = 12")
    changed = "jk: L dari 50% menjadi 100%"
    for decision in (REJECTED, APPROVED):
        births.connection.execute("update lahir set id = id + 10000 where id = 11")
        waiting = births.load(DECEMBER)
        assert waiting.batch and waiting.batch.state == "waiting"
        assert changed in {c.name: c for c in waiting.checks}["sebaran_kelas"].message
        births.approval(decision)
    births.source.execute("update lahir set id = id + 10000 where id = 23")
    message = births.checks(DECEMBER)["sebaran_kelas"].message
    assert message == "0 dari 1 kolom berkelas berubah sebarannya"


def test_a_dataset_without_periods_compares_its_delivery_with_the_loads_before(loads: Loads) -> None:
    contract = loads.contract(column("isi"))
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def result(batch: Batch) -> CheckResult:
        return row_counts(loads.connection, contract, batch, None, now)

    for n in range(6):
        batch = loads.load(contract, lambda *_, n=n: [(f"{n} {row}",) for row in range(100)])
        assert result(batch).message == "Riwayatnya belum cukup: perlu 6 kiriman sebelumnya."
    usual = loads.load(contract, lambda *_: [(f"lain {row}",) for row in range(120)])
    assert result(usual).message == "0 dari 1 kiriman menyimpang dari riwayatnya"
    doubled = loads.load(contract, lambda *_: [(f"ganda {row}",) for row in range(200)])
    assert "kiriman ini: 200 baris (biasanya 60 sampai 140)" in result(doubled).message


class Arrivals:
    """Loads of a table by its cursor, of which the ledger says that they came on days of our own."""

    def __init__(self, loads: Loads, per_day: int) -> None:
        self.loads, self.total = loads, 0
        self.contract = loads.contract(
            column("id", "integer", primaryKey=True), column("diubah", "timestamp", required=True),
            write_disposition="merge", cursor="diubah",
        )  # fmt: skip
        self.load(day=0, rows=100 * per_day)
        for day in range(1, 9):
            self.load(day=day, rows=per_day)

    def load(self, *, day: int, rows: int, full_refresh: bool = False) -> CheckResult:
        first, self.total = self.total, self.total + rows
        found = [(str(n), f"2026-01-01 00:{n // 60 % 60:02}:{n % 60:02}.{n}") for n in range(self.total)]
        wanted = found if full_refresh else found[first:]
        batch = self.loads.load(self.contract, lambda *_: wanted, full_refresh=full_refresh)
        self.loads.run(
            "update ops.load_batch set started_at = timestamptz '2026-01-01 02:00+08'"  # noqa: S608
            f" + {day} * interval '1 day' where batch_id = {batch.batch_id}"
        )
        return row_counts(self.loads.connection, self.contract, batch, None, datetime.now(UTC))


def test_new_rows_of_loads_by_cursor_are_compared_per_day(loads: Loads) -> None:
    arrivals = Arrivals(loads, per_day=20)
    usual = arrivals.load(day=9, rows=23)
    assert (usual.passed, usual.message) == (True, "0 dari 1 muatan menyimpang dari riwayatnya")
    # Two nights failed: three days of rows came at once.
    assert arrivals.load(day=12, rows=62).passed
    many = arrivals.load(day=13, rows=90)
    assert not many.passed
    assert (
        "baru atau berubah per hari sejak muatan sebelumnya: 90 baris (biasanya 2 sampai 38)" in many.message
    )
    assert not arrivals.load(day=14, rows=0).passed
    full = arrivals.load(day=15, rows=20, full_refresh=True)
    assert full.passed and full.message.startswith("Muatan penuh")
    # The first load and the full refresh are no days of the history.
    assert arrivals.load(day=16, rows=22).passed


def test_of_a_table_that_seldom_changes_no_number_is_unusual(loads: Loads) -> None:
    arrivals = Arrivals(loads, per_day=0)
    rare = arrivals.load(day=9, rows=500)
    assert rare.passed and rare.message.startswith("Sebagian besar muatan tidak membawa baris")
