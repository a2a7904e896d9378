"""Uploads that replace periods: which file's rows raw has of each period, and what the ledger knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.windows import Window
from pipelines.ingest import Ingested, ingest
from pipelines.load import prepare
from pipelines.load.approval.decide import APPROVED, Decision, decide
from tests.support.contracts import column, document, make, upload
from tests.support.upload_zone import KEY, Zone

COLUMNS = [
    column("tahun", "integer", primaryKey=True, primaryKeyPosition=1, required=True),
    column("kode", primaryKey=True, primaryKeyPosition=2, required=True),
    column("nilai", "integer", required=True),
]
KODE_ALONE = column("kode", primaryKey=True, primaryKeyPosition=1, required=True)
YEARLY = {"column": "tahun", "every": "yearly", "start": "2020-01-01"}


class Years:
    """A dataset of yearly figures whose files replace their years."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.declare()
        prepare.prepare(zone.connection, [self.contract])
        zone.forget()
        self.runs = 0

    def declare(self, version: str = "1.0.0", columns: list[dict[str, Any]] = COLUMNS, **custom: Any) -> None:
        custom = {"partition": YEARLY, "extract": {"format": "csv", "pattern": "*.csv"}} | custom
        made = document(KEY, columns, upload(KEY, "csv"), **custom)
        made["version"] = version
        self.contract = make(self.zone.settings.contracts_dir, made)

    def put(self, name: str, *rows: tuple[object, str, object]) -> None:
        lines = ["tahun,kode,nilai", *(",".join(map(str, row)) for row in rows)]
        self.zone.put("\n".join([*lines, ""]).encode(), name)

    def load(self, window: Window | None = None, **how: Any) -> Ingested:
        self.runs += 1
        z = self.zone
        return ingest(
            z.connection, self.contract, z.settings, z.url, run_id=f"run {self.runs}", window=window, **how
        )

    def raw(self) -> dict[int, str]:
        """By year, the codes and values."""
        rows = self.run(
            "select tahun, string_agg(kode || nilai, ' ' order by kode) from raw.dagang__pasar group by 1 order by 1"
        )
        return dict(rows)

    def periods(self) -> list[tuple[Any, ...]]:
        """Of each load: its file, the year, and its rows."""
        return self.run(
            "select b.source_name, extract(year from lower(p.days))::int, p.rows, b.window_start is not null"
            " from ops.load_period p join ops.load_batch b using (batch_id) order by p.batch_id, p.days"
        )

    def run(self, statement: str) -> list[Any]:
        return self.zone.connection.execute(statement.encode()).fetchall()


@pytest.fixture
def years(module_warehouse_url: str, tmp_path: Path) -> Iterator[Years]:
    zone = Zone(module_warehouse_url, tmp_path)
    yield Years(zone)
    zone.close()


def year(first: int, last: int | None = None) -> Window:
    return Window(date(first, 1, 1), date(last or first, 12, 31))


def test_a_file_replaces_the_periods_of_its_rows_and_no_others(years: Years) -> None:
    years.put("dua.csv", (2022, "a", 1), (2022, "b", 2), (2023, "a", 3))
    years.load()
    years.put("satu.csv", (2023, "c", 4), (2024, "a", 5))
    done = years.load()
    assert years.raw() == {2022: "a1 b2", 2023: "c4", 2024: "a5"}
    assert done.batch is not None and (done.batch.loaded, done.batch.deleted) == (2, 1)
    assert years.periods() == [
        ("dua.csv", 2022, 2, False), ("dua.csv", 2023, 1, False),
        ("satu.csv", 2023, 1, False), ("satu.csv", 2024, 1, False),
    ]  # fmt: skip
    again = years.load()
    assert again.batch is not None and again.batch.state == "unchanged"


def test_several_files_are_loaded_in_the_order_in_which_they_came(years: Years) -> None:
    years.put("b.csv", (2022, "a", 1))
    years.zone.tick_twice()
    years.put("a.csv", (2022, "a", 2), (2023, "a", 2))
    years.load()
    assert years.raw() == {2022: "a2", 2023: "a2"}


def test_a_row_without_a_usable_period_is_quarantined_and_nothing_else_is_lost(years: Years) -> None:
    good = [(2022, f"a{n}", n) for n in range(30)]
    bad = [("", "b", 1), ("2o22", "c", 1), (2019, "d", 1), (2199, "e", 1), (99999, "f", 1)]
    years.put("x.csv", *good, *bad)
    done = years.load()
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (30, 5)
    reasons = years.run(
        "select row ->> 'kode', r ->> 'aturan' from quarantine.row, jsonb_array_elements(reasons) r order by 1"
    )
    assert reasons == [("b", "wajib"), ("c", "tipe"), ("d", "periode"), ("e", "periode"), ("f", "periode")]


def test_a_correction_of_the_same_name_takes_its_period_away(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1), (2023, "a", 1))
    years.load()
    years.put("a.csv", (2023, "a", 2))
    done = years.load()
    assert years.raw() == {2023: "a2"}
    assert done.batch is not None and "a.csv tidak lagi memuat periode 2022-01-01" in done.batch.warnings[-1]
    assert years.periods()[2:] == [("a.csv", 2022, 0, False), ("a.csv", 2023, 1, False)]


def test_a_file_of_another_name_takes_no_period_away(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1), (2023, "a", 1))
    years.load()
    years.put("a_revisi.csv", (2023, "a", 2))
    done = years.load()
    assert years.raw() == {2022: "a1", 2023: "a2"} and done.batch and not done.batch.warnings


def test_a_correction_leaves_a_period_that_another_file_has_brought_since(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1), (2023, "a", 1))
    years.load()
    years.put("b.csv", (2022, "b", 2))
    years.load()
    years.put("a.csv", (2023, "a", 3))
    years.load()
    assert years.raw() == {2022: "b2", 2023: "a3"}


def test_a_period_that_a_correction_drops_comes_back_from_the_file_before(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1))
    years.load()
    years.put("b.csv", (2022, "b", 2), (2023, "b", 2))
    years.load()
    years.put("b.csv", (2023, "b", 3))
    years.load()
    assert years.raw() == {2022: "a1", 2023: "b3"}
    assert years.periods()[-1] == ("a.csv", 2022, 1, True)


def test_a_correction_with_refused_rows_takes_no_period_away(years: Years) -> None:
    years.put("a.csv", *[(2022, f"a{n}", 1) for n in range(2)], *[(2023, f"a{n}", 1) for n in range(20)])
    years.load()
    years.put("a.csv", ("2O22", "a0", 1), *[(2023, f"a{n}", 2) for n in range(20)])
    years.load()
    assert years.raw()[2022] == "a01 a11"


def test_an_earlier_file_that_is_loaded_late_leaves_the_periods_of_later_files(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1), (2023, "a", 1))
    years.load()
    years.put("b.csv", (2023, "b", 2))
    years.load()
    # As if the first load of a.csv had failed.
    years.zone.connection.execute("delete from ops.load_batch where source_name = 'a.csv'")
    years.load()
    assert years.raw() == {2022: "a1", 2023: "b2"}
    assert years.periods()[-1] == ("b.csv", 2023, 1, True)


def test_a_row_that_a_later_file_moved_stays_there_when_the_older_file_is_read_again(years: Years) -> None:
    years.declare(columns=[column("tahun", "integer", required=True), KODE_ALONE, COLUMNS[2]])
    years.zone.connection.execute("drop table if exists raw.dagang__pasar")
    prepare.prepare(years.zone.connection, [years.contract])
    years.put("a.csv", (2022, "k", 1), (2022, "m", 1))
    years.load()
    years.put("b.csv", (2023, "k", 2))
    years.load()
    moved = {2022: "m1", 2023: "k2"}
    assert years.raw() == moved
    done = years.load(year(2022))
    assert years.raw() == moved
    assert done.batch and "memindahkannya ke periode lain" in done.batch.warnings[-1]
    assert (done.batch.read, done.batch.unchanged) == (2, 1), "what is left out is not the same"
    # As if the first load of a.csv had failed.
    years.zone.connection.execute("delete from ops.load_batch where source_name = 'a.csv'")
    years.load()
    assert years.raw() == moved
    years.put("a.csv", (2022, "k", 3), (2022, "m", 1))  # a correction came last
    years.load()
    assert years.raw() == {2022: "k3 m1"}


def test_the_row_counts_of_the_periods_that_a_file_brought_are_judged(years: Years) -> None:
    years.declare(partition=YEARLY | {"start": "2010-01-01"})
    years.put("a.csv", *((year, code, 1) for year in range(2010, 2020) for code in "abc"))
    years.load()
    years.put("b.csv", *((2018, f"x{n}", 1) for n in range(40)))
    found = {check.name: check for check in years.load().checks}["jumlah_baris_wajar"]
    assert not found.passed
    assert "2018: 40 baris" in found.message and "2019" not in found.message


def test_a_full_refresh_reads_every_file(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1), (2023, "a", 1))
    years.load()
    years.put("b.csv", (2023, "b", 2))
    years.load()
    years.run("update raw.dagang__pasar set nilai = 7 returning 1")
    years.load(full_refresh=True)
    assert years.raw() == {2022: "a1", 2023: "b2"}
    (years.zone.folder / "a.csv").unlink()
    years.load(full_refresh=True)
    assert years.raw() == {2023: "b2"}


def test_periods_that_somebody_asks_for_are_read_from_their_newest_files(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1), (2023, "a", 1), (2024, "a", 1))
    years.load()
    years.put("b.csv", (2023, "b", 2))
    years.load()
    years.run("update raw.dagang__pasar set nilai = 7 returning 1")
    years.load(year(2023, 2024))
    assert years.raw() == {2022: "a7", 2023: "b2", 2024: "a1"}
    assert years.periods()[-2:] == [("a.csv", 2024, 1, True), ("b.csv", 2023, 1, True)]
    # A load of some periods does not count as a load of the file.
    assert (done := years.load()).batch and done.batch.state == "unchanged"


def test_asking_for_a_period_loads_new_files_first(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1), (2023, "a", 1))
    years.load(year(2022))
    assert years.raw() == {2022: "a1", 2023: "a1"}


def test_a_period_stays_when_its_file_is_taken_out_of_the_zone(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1))
    years.load()
    years.put("b.csv", (2022, "b", 2))
    years.load()
    (years.zone.folder / "b.csv").unlink()
    years.load()
    assert years.raw() == {2022: "b2"}
    assert years.load(year(2022)).batch is None and years.raw() == {2022: "b2"}


def test_a_rejected_file_brings_no_period(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1))
    years.load()
    years.put("b.csv", (2022, "b", 1), (2022, "c", "x"))
    done = years.load()
    assert done.batch is not None and done.batch.state == "rejected"
    assert years.raw() == {2022: "a1"} and len(years.periods()) == 1


def test_a_new_version_of_the_contract_reads_every_file_again(years: Years) -> None:
    years.put("a.csv", (2022, "a", 1), (2023, "a", 1))
    years.load()
    years.put("b.csv", (2023, "b", 2))
    years.load()
    years.declare(version="1.1.0")
    assert years.run("select count(*) from ops.load_batch") == [(2,)]
    years.load()
    assert years.raw() == {2022: "a1", 2023: "b2"}
    names = years.run("select source_name from ops.load_batch order by batch_id offset 2")
    assert names == [("a.csv",), ("b.csv",)]


def test_a_period_that_is_read_again_waits_once(years: Years) -> None:
    years.declare(approval="required")

    def approve_all() -> None:
        for (number,) in years.run("select batch_id from ops.load_batch where state = 'waiting' order by 1"):
            decide(years.zone.connection, [years.contract], Decision(number, APPROVED, "siti", "cli"))

    years.put("a.csv", (2023, "A", 1), (2024, "A", 1))
    years.load()
    years.put("b.csv", (2024, "B", 2))
    years.load()
    approve_all()
    years.put("b.csv", (2025, "B", 2))  # now 2024 is only in a.csv
    years.load()
    approve_all()
    first, second = years.load().batch, years.load().batch
    assert first is not None and second is not None
    assert (first.state, second.state) == ("waiting", "waiting") and first.batch_id == second.batch_id
    approve_all()
    assert years.raw() == {2023: "A1", 2024: "A1", 2025: "B2"}


def test_a_file_that_waits_replaces_its_periods_when_it_is_approved(years: Years) -> None:
    years.put("lama.csv", (2023, "A", 1), (2024, "A", 1))
    years.load()
    years.declare(approval="required")
    years.put("baru.csv", (2024, "A", 2), (2024, "B", 1))
    years.load()
    years.put("lain.csv", (2025, "A", 1))
    batch = years.load().batch
    assert batch is not None and batch.state == "waiting"
    assert years.raw() == {2023: "A1", 2024: "A1"}
    waiting = years.run("select batch_id from ops.load_batch where state = 'waiting' order by 1")
    for (number,) in waiting:
        decide(years.zone.connection, [years.contract], Decision(number, APPROVED, "siti", "cli"))
    assert years.raw() == {2023: "A1", 2024: "A2 B1", 2025: "A1"}
    assert years.run("select distinct outcome from ops.upload_seen where name <> 'lama.csv'") == [("loaded",)]
