"""Which results of checks count: none of a check that is gone, and failures of other days until these are repaired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.cli.data.status import dataset_status
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.ingest import ingest
from pipelines.load import prepare
from pipelines.models.build.runner import build
from pipelines.publication.dictionary.facts import read_facts
from pipelines.publication.report.data import read_report
from pipelines.quality.results import CheckResult, record
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, database, document, make, upload
from tests.support.dbt_folder import DbtFolder, query
from tests.support.loads import Loads
from tests.support.small_warehouse import SmallWarehouse

DAILY = {"column": "hari", "every": "daily", "start": "2026-11-01"}
POSITIVE = query("positif", "select 1 from {batch} where n < 0", "warning")


def days(first: int, last: int) -> Window:
    return Window(date(2026, 11, first), date(2026, 11, last))


class Visits:
    """A table of days in a database, loaded by windows or as a whole, and a rule that only warns."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.url)
        self.connection = connect(self.url)
        doc = document(
            "dinkes/kunjungan",
            [
                column("id", "integer", primaryKey=True),
                column("hari", "date", required=True),
                column("n", "integer"),
            ],
            database("UJI_URL"),
            extract={"table": "kunjungan"},
            write_disposition="replace",
            partition=DAILY,
        )
        self.contract: Contract = make(folder / "contracts", doc)
        prepare.prepare(self.connection, [self.contract])
        self.source = psycopg.connect(url, autocommit=True)
        self.source.execute("create table public.kunjungan (id int, hari date, n int)")
        self.source.execute(
            "insert into kunjungan select d, date '2026-11-01' + d - 1, 1 from generate_series(1, 9) d"
        )
        self.models = DbtFolder(folder / "dbt_like_sql")
        self.models.suites = folder / "expectations"
        self.rules(POSITIVE)

    def rules(self, *written: Any) -> None:
        self.models.suite("dinkes/kunjungan", *written)

    def set(self, day: int, n: int) -> None:
        self.source.execute("update kunjungan set n = %s where id = %s", [n, day])

    def load(self, window: Window | None = None, *, full_refresh: bool = False) -> None:
        ingest(
            self.connection,
            self.contract,
            self.settings,
            self.url,
            run_id="uji",
            window=window,
            full_refresh=full_refresh,
        )

    def failed(self) -> list[str]:
        """The failed checks of the report. Status and data dictionary must agree with it."""
        with self.connection.transaction():
            found = [c.check_name for c in read_report(self.connection).failed_checks]
            told = read_facts(self.connection, []).checks[f"raw/{self.contract.key}"]
        (row,) = dataset_status(self.url, [self.contract.key])
        assert row["errors"] + row["warnings"] == len(found)
        assert sorted(name for name, outcome in told.items() if not outcome.passed) == found
        return found


@pytest.fixture
def visits(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visits]:
    monkeypatch.setenv("UJI_URL", warehouse_url)
    made = Visits(warehouse_url, tmp_path)
    yield made
    made.connection.close()
    made.source.close()


def test_a_failure_counts_while_its_rows_are_in_raw(visits: Visits) -> None:
    visits.set(2, -1)
    visits.load(days(1, 3))
    assert visits.failed() == ["positif"]
    visits.load(days(4, 5))
    assert visits.failed() == ["positif"], "a clean load of other days"
    visits.load(days(3, 4))
    assert visits.failed() == ["positif"], "a load of a part of its days"
    visits.set(2, 1)
    visits.load(days(2, 2))
    assert visits.failed() == [], "raw was asked again for the days that were not loaded"


def test_a_failure_of_the_whole_table_ends_when_the_table_is_clean(visits: Visits) -> None:
    visits.set(2, -1)
    visits.load(full_refresh=True)
    visits.load(days(8, 9))
    assert visits.failed() == ["positif"]
    visits.set(2, 1)
    visits.load(days(2, 2))
    assert visits.failed() == []


def test_a_full_refresh_ends_the_failures_of_all_days(visits: Visits) -> None:
    for day in (2, 4):
        visits.set(day, -1)
        visits.load(days(day, day))
        visits.set(day, 1)
    visits.load(full_refresh=True)
    assert visits.failed() == []


def test_a_check_that_was_renamed_counts_no_more(visits: Visits) -> None:
    visits.rules(query("selalu_salah", "select 1 from {batch}"), POSITIVE)
    visits.load(days(1, 2))
    assert visits.failed() == ["selalu_salah"]
    visits.rules(query("sekarang_benar", "select 1 from {batch} where n > 5"), POSITIVE)
    visits.load(days(1, 2))
    assert visits.failed() == []
    visits.rules(query("selalu_salah", "select 1 from {batch}"), POSITIVE)
    visits.load(days(1, 2))
    assert visits.failed() == ["selalu_salah"], "it is there again"


def test_a_rule_that_was_corrected_under_its_name_counts_anew(visits: Visits) -> None:
    visits.rules(query("banyak", "select 1 from {batch} where n < 5", "warning"))
    visits.load(days(1, 2))
    assert visits.failed() == ["banyak"]
    visits.rules(query("banyak", "select 1 from {batch} where n < 0", "warning"))
    visits.load(days(7, 8))
    assert visits.failed() == []


def test_a_failure_of_the_suite_ends_when_rows_of_before_come_again(visits: Visits) -> None:
    """The suite is not left for rows that have passed it before, because it has failed since."""
    visits.rules(query("positif", "select 1 from {batch} where n < 0"))
    visits.load(days(1, 2))
    visits.set(2, -1)
    visits.load(days(1, 2))
    assert visits.failed() == ["positif"]
    visits.set(2, 1)
    visits.load(days(1, 2))
    assert visits.failed() == []


def test_a_removed_check_of_an_upload_counts_no_more_though_its_file_stays(
    warehouse_url: str, tmp_path: Path
) -> None:
    """The file is not loaded again, so no result says that the check is gone."""
    url = warehouse_url.replace("postgresql://", "postgresql+psycopg://", 1)
    settings = Settings(home=tmp_path / "home", project=tmp_path, warehouse_url=url)
    file = tmp_path / "home/unggahan/dagang/pasar/pasar.csv"
    file.parent.mkdir(parents=True)
    file.write_text("id,nama\n1,Pagi\n")
    columns = [column("id", "integer", primaryKey=True), column("nama")]
    server = upload("dagang/pasar", "csv")
    contract = make(
        tmp_path / "contracts",
        document("dagang/pasar", columns, server, extract={"format": "csv", "pattern": "*.csv"}),
    )
    suites = DbtFolder(tmp_path / "dbt_like_sql")
    suites.suite("dagang/pasar", query("salah", "select 1 from {batch}", "warning"))
    with connect(url) as connection:
        prepare.prepare(connection, [contract])
        for warnings, rules in ((1, ()), (0, ())):
            ingest(connection, contract, settings, url, run_id="uji")
            (row,) = dataset_status(url, [contract.key])
            assert row["warnings"] == warnings
            suites.suite("dagang/pasar", *rules)
        (row,) = dataset_status(url, [contract.key])
        assert row["state"] == "unchanged"


def test_failed_tests_of_deleted_models_and_deleted_tests_count_no_more(
    small_warehouse: SmallWarehouse,
) -> None:
    with connect(small_warehouse.url.replace("postgresql://", "postgresql+psycopg://", 1)) as connection:
        prepare.prepare(connection, [])
    bad = "accepted_values: {arguments: {column_name: n, values: [2]}, config: {severity: warn}}"

    def failed() -> list[str]:
        build(small_warehouse.folder.project(), small_warehouse.url, run_id="uji")
        with small_warehouse.connection.transaction():
            return [c.asset for c in read_report(small_warehouse.connection).failed_checks]

    for name in ("a", "b", "c"):
        small_warehouse.model(name, "select 1 as n", bad)
    assert failed() == ["core/a", "core/b", "core/c"]
    small_warehouse.model("b", "select 1 as n")
    for file in small_warehouse.folder.root.glob("models/marts/c.*"):
        file.unlink()
    assert failed() == ["core/a"]


class Ledger:
    """Results of one check of a dataset that is loaded by days, written by hand."""

    def __init__(self, loads: Loads) -> None:
        self.loads = loads

    def batch(self, state: str, **more: Any) -> int:
        names = "".join(f", {name}" for name in more)
        values = "".join(f", '{value}'" for value in more.values())
        ((batch,),) = self.loads.run(
            f"insert into ops.load_batch (dataset, state, finished_at{names})"  # noqa: S608
            f" values ('uji/data', '{state}', clock_timestamp(){values}) returning batch_id"
        )
        return int(batch)

    def found(self, passed: bool, batch: int | None, *of: int, name: str = "r") -> None:
        result = CheckResult(name, "warn", passed)
        window = days(of[0], of[-1]) if of else None
        record(self.loads.connection, "raw/uji/data", "uji", batch, [result], window)

    def failing(self) -> bool:
        ((passed,),) = self.loads.run("select passed from ops.check_in_force where check_name = 'r'")
        return not passed


@pytest.fixture
def ledger(loads: Loads) -> Ledger:
    return Ledger(loads)


def test_a_refused_delivery_repairs_nothing_that_is_in_raw(ledger: Ledger) -> None:
    ledger.found(False, ledger.batch("loaded"), 2)
    ledger.found(True, ledger.batch("rejected"), 2)
    assert ledger.failing()
    ledger.found(True, ledger.batch("loaded"), 2)
    assert not ledger.failing()


def test_a_refused_delivery_is_repaired_by_a_later_one(ledger: Ledger) -> None:
    ledger.found(False, ledger.batch("rejected"), 2)
    ledger.found(True, ledger.batch("loaded"), 3)
    assert ledger.failing()
    ledger.found(True, ledger.batch("rejected"), 2)
    assert not ledger.failing()


def test_a_failure_ends_when_its_days_are_over_their_retention(ledger: Ledger) -> None:
    ledger.found(False, ledger.batch("loaded"), 2, 3)
    ledger.found(True, ledger.batch("loaded"), 9)
    gone = {"by_retention": True, "window_start": "2026-11-01"}
    ledger.batch("loaded", window_end="2026-11-02", **gone)
    assert ledger.failing()
    ledger.batch("loaded", window_end="2026-11-03", **gone)
    assert not ledger.failing()


def test_a_file_of_other_periods_repairs_nothing(ledger: Ledger) -> None:
    def file(month: int, passed: bool) -> None:
        batch = ledger.batch("loaded")
        ledger.loads.run(
            f"insert into ops.load_period (batch_id, days, rows) values ({batch}, '[2026-{month:02}-01,2026-{month:02}-28]', 1)"  # noqa: S608
        )
        ledger.found(passed, batch)

    file(1, False)
    file(2, True)
    assert ledger.failing()
    file(1, True)
    assert not ledger.failing()


def test_what_a_load_says_of_its_source_is_answered_by_the_next_load(ledger: Ledger) -> None:
    ledger.found(False, None, 2, name="bentuk_sumber")
    ledger.found(True, ledger.batch("loaded"), 3, name="bentuk_sumber")
    assert ledger.loads.run("select passed from ops.check_in_force") == [(True,)]
