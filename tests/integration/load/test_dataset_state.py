"""The state of a dataset (ops.dataset_state): when it arrived, and how many current rows it has.

Not here: histories of each disposition (apply/), the Daftar Data (dbt_like_sql/test_warehouse_models.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.load.ledger import loaded_until
from pipelines.quality.gate import GateResult
from pipelines.quality.results import CheckResult
from tests.support.contracts import column, upload
from tests.support.loads import Loads, Row, Rows

WITA = timedelta(hours=8)
ROWS = "rows_in_raw"


@pytest.fixture(scope="module")
def loads(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    made = Loads(module_warehouse_url, tmp_path_factory.mktemp("kontrak"))
    yield made
    made.connection.close()


def source_of(*rows: Row) -> Rows:
    return lambda _contract, _since: list(rows)


def rejects(_: Any) -> GateResult:
    return GateResult((CheckResult("uji", "error", False, 1, 1, "tidak lulus"),))


def fresh(loads: Loads, contract: Contract) -> Contract:
    loads.forget(contract)
    return contract


def at(*parts: int) -> datetime:
    """A moment in the time of Kalimantan."""
    return datetime(*parts, tzinfo=UTC) - WITA  # type: ignore[misc,arg-type]


def before(*parts: int) -> datetime:
    """The last second before a moment."""
    return at(*parts) - timedelta(seconds=1)


def prices(loads: Loads, **frequency: Any) -> Contract:
    columns = (column("tanggal", "date", required=True), column("harga", "integer"))
    return fresh(loads, loads.contract(*columns, frequency=frequency or None))


def test_a_table_with_a_period_arrived_at_the_end_of_its_newest_day(loads: Loads) -> None:
    """It is read today and has days that ended long ago. A day lasts to its last second."""
    contract = prices(loads, value=1, unit="d", element="data.tanggal")
    loads.load(contract, source_of(("2026-03-01", "5"), ("2026-03-04", "6")))
    assert loads.state(contract, "arrived_at", ROWS) == (before(2026, 3, 5), 2)
    loads.load(contract, source_of(("2026-03-01", "7"), ("2026-03-04", "6")))
    assert loads.state(contract, "arrived_at") == (before(2026, 3, 5),)
    loads.load(contract, source_of(("2026-03-05", "7")))
    assert loads.state(contract, "arrived_at", ROWS) == (before(2026, 3, 6), 1)


def test_a_day_in_the_future_is_ignored(loads: Loads) -> None:
    contract = prices(loads, value=1, unit="d", element="data.tanggal")
    loads.load(contract, source_of(("2026-03-04", "6"), ("2926-03-04", "6")))
    assert loads.state(contract, "arrived_at") == (before(2026, 3, 5),)


def test_the_first_day_of_a_month_means_the_whole_promised_period(loads: Loads) -> None:
    for unit, value, end in (
        ("m", 1, before(2025, 5, 1)),
        ("m", 3, before(2025, 7, 1)),
        ("y", 1, before(2026, 4, 1)),
    ):
        contract = prices(loads, value=value, unit=unit, element="data.tanggal")
        loads.load(contract, source_of(("2025-04-01", "6")))
        assert loads.state(contract, "arrived_at") == (end,)


@pytest.mark.parametrize(
    ("kind", "values", "unit", "end"),
    [
        ("text", ("2025-04", "2025-03", "lainnya"), "m", before(2025, 5, 1)),
        ("integer", ("2024", "2023", "9999"), "y", before(2025, 1, 1)),
        ("timestamp", ("2025-04-01 10:00", "2025-03-01 10:00"), "d", at(2025, 4, 1, 10)),
        ("timestamptz", ("2025-04-01T10:00+00:00",), "h", datetime(2025, 4, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_period_may_be_a_text_a_year_or_a_moment(
    loads: Loads, kind: str, values: tuple[str, ...], unit: str, end: datetime
) -> None:
    promise = {"value": 1, "unit": unit, "element": "data.periode"}
    contract = fresh(loads, loads.contract(column("periode", kind), frequency=promise))
    loads.load(contract, source_of(*((v,) for v in values)))
    assert loads.state(contract, "data_until", "arrived_at") == (end, end)


def test_without_a_period_a_table_arrived_with_its_last_change(loads: Loads) -> None:
    """A load that finds no change is not an arrival."""
    contract = prices(loads)
    loads.load(contract, source_of(("2026-03-04", "6")))
    first = loads.state(contract, "arrived_at")
    assert loads.load(contract, source_of(("2026-03-04", "6"))).state == "unchanged"
    assert loads.state(contract, "arrived_at") == first
    loads.load(contract, source_of(("2026-03-04", "7")))
    assert loads.state(contract, "arrived_at") > first


def test_a_file_arrived_when_its_content_was_first_seen(loads: Loads) -> None:
    """Later loads of the same content do not change that: another night, another contract, after a rejection."""
    server = upload("uji/data", "csv")
    contract = fresh(
        loads, loads.contract(column("isi"), server=server, extract={"format": "csv", "pattern": "*.csv"})
    )

    def seen(number: int) -> datetime:
        return loads.run("select started_at from ops.load_batch order by batch_id")[number][0]

    loads.load(contract, source_of(("a",)), file="satu.csv")
    assert loads.load(contract, source_of(("a",)), file="satu.csv").state == "unchanged"
    assert loads.state(contract, "arrived_at", ROWS) == (seen(0), 1)
    loads.load(contract, source_of(("a",), ("b",)), file="dua.csv", gate=rejects)
    assert loads.state(contract, "arrived_at", ROWS, "last_state") == (seen(0), 1, "rejected")
    loads.load(contract, source_of(("a",), ("b",)), file="dua.csv")
    assert loads.state(contract, "arrived_at", ROWS) == (seen(2), 2)
    loads.load(contract, source_of(("a",)), file="satu.csv")
    assert loads.state(contract, "arrived_at", ROWS) == (seen(2), 1)


def test_a_file_seen_before_its_load_arrived_when_it_was_seen(loads: Loads) -> None:
    server = upload("uji/data", "csv")
    extract = {"format": "csv", "pattern": "*.csv"}
    contract = fresh(loads, loads.contract(column("isi"), server=server, extract=extract))
    loads.load(contract, source_of(("a",)), file="satu.csv")
    loads.run(
        "insert into ops.upload_seen (dataset, name, sha256, mtime, stamp, seen_at)"
        " select dataset, source_name, split_part(source_fingerprint, ':', 1), 0, '', t::timestamptz"
        " from ops.load_batch, unnest(array['2026-03-01 08:00+08', '2026-03-02 08:00+08']) as t"
    )
    assert loads.state(contract, "arrived_at") == (at(2026, 3, 1, 8),)


def test_rows_of_all_windows_and_all_appends_are_counted(loads: Loads) -> None:
    day = column("hari", "date", required=True)
    partition = {"column": "hari", "every": "daily", "start": "2026-01-01"}
    contract = fresh(loads, loads.contract(day, column("isi"), partition=partition))
    for number, rows in ((1, 2), (2, 3), (1, 1)):
        window = Window(date(2026, 1, number), date(2026, 1, number))
        loads.load(contract, source_of(*((f"2026-01-0{number}", str(n)) for n in range(rows))), window=window)
    assert loads.state(contract, ROWS, "arrived_at") == (4, before(2026, 1, 3))

    monthly = fresh(loads, loads.contract(day, column("isi"), partition={**partition, "every": "monthly"}))
    month = Window(date(2026, 1, 1), date(2026, 1, 31))
    loads.load(monthly, source_of(("2026-01-01", "a")), window=month)
    assert loads.state(monthly, ROWS, "arrived_at") == (1, before(2026, 2, 1))

    added = fresh(loads, loads.contract(column("isi", primaryKey=True), write_disposition="append"))
    loads.load(added, source_of(("a",), ("b",)))
    loads.load(added, source_of(("b",), ("c",)))
    assert loads.state(added, ROWS) == (3,)


@pytest.mark.parametrize("strategy", ["upsert", "scd2"])
def test_deleted_rows_and_former_versions_are_not_counted(loads: Loads, strategy: str) -> None:
    more = {"reconcile": "P1D"} if strategy == "upsert" else {}
    key = column("kunci", primaryKey=True, required=True)
    contract = fresh(
        loads,
        loads.contract(key, column("isi"), write_disposition="merge", merge_strategy=strategy, **more),
    )
    loads.load(contract, source_of(("a", "1"), ("b", "1"), ("c", "1")))
    loads.load(contract, source_of(("a", "2"), ("b", "1")))
    assert loads.state(contract, ROWS) == (2,)


def test_a_ledger_without_numbers_of_rows_gets_them_at_the_next_load(loads: Loads) -> None:
    server = upload("uji/data", "csv")
    contract = fresh(
        loads, loads.contract(column("isi"), server=server, extract={"format": "csv", "pattern": "*.csv"})
    )
    loads.load(contract, source_of(("a",)), file="satu.csv")
    loads.run("update ops.load_batch set rows_in_raw = null")
    assert loads.state(contract, ROWS) == (None,)
    assert loads.load(contract, source_of(("a",)), file="satu.csv").state == "unchanged"
    assert loads.state(contract, ROWS) == (1,)


def test_days_loaded_until_are_those_of_windows(loads: Loads) -> None:
    """A reload of the whole dataset, or a partition that a contract got later, leaves loads without a window."""
    columns = (column("id", required=True), column("tanggal", "date", required=True))
    partition = {"column": "tanggal", "every": "daily", "start": "2024-05-01"}
    one, other = (
        loads.contract(*columns, key=f"uji/{name}", partition=partition) for name in ("satu", "dua")
    )
    loads.forget(one)
    keys = [one.key, other.key]
    loads.load(one, source_of(["a", "2024-05-01"]), full_refresh=True)
    assert loaded_until(loads.connection, keys) is None
    loads.load(other, source_of(["a", "2024-05-03"]), window=Window(date(2024, 5, 3), date(2024, 5, 3)))
    assert loaded_until(loads.connection, keys) is None
    assert loaded_until(loads.connection, [other.key]) == date(2024, 5, 3)
    loads.load(one, source_of(["b", "2024-05-02"]), window=Window(date(2024, 5, 2), date(2024, 5, 2)))
    assert loaded_until(loads.connection, keys) == date(2024, 5, 2)
