"""The check `mutakhir` follows the ledger and the clock: not our last look, and also while nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from pipelines.contracts.model import Contract
from pipelines.quality.freshness import freshness
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.freshness import freshness_sensor
from tests.support.contracts import column, upload
from tests.support.loads import Loads

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def loads(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    made = Loads(module_warehouse_url, tmp_path_factory.mktemp("kontrak"))
    yield made
    made.connection.close()


class Ticks:
    """The sensor, with a clock that the test moves, and the results that it writes."""

    def __init__(self, loads: Loads, *contracts: Contract) -> None:
        self.now = datetime.now(UTC)
        self.sensor = freshness_sensor(contracts, clock=lambda: self.now)
        self.warehouse = Warehouse(url=loads.url)
        self.cursor: str | None = None

    def tick(self) -> list[tuple[bool, str]]:
        resources = {"warehouse": self.warehouse}
        with dg.build_sensor_context(cursor=self.cursor, resources=resources) as context:
            result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        events = [event for event in result.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
        assert all(event.check_name == "mutakhir" for event in events)
        return [(event.passed, event.description or "") for event in events]


def test_a_table_gets_late_without_a_load_and_reading_old_rows_again_changes_nothing(loads: Loads) -> None:
    columns = (column("tanggal", "date", required=True), column("harga", "integer"))
    contract = loads.contract(*columns, frequency={"value": 1, "unit": "d", "element": "data.tanggal"})
    loads.forget(contract)
    ticks = Ticks(loads, contract)
    assert ticks.tick() == [(False, "Belum pernah datang.")]
    assert ticks.tick() == [], "a result that is still true is not written again"
    day = (ticks.now + timedelta(hours=8)).date()
    loads.load(contract, lambda _contract, _since: [(str(day - DAY), "5")])
    ((passed, text),) = ticks.tick()
    assert passed and text.startswith(
        f"Data sampai {day - DAY} 23:59 WITA; yang baru dijanjikan paling lambat"
    )
    ticks.now += 2 * DAY
    ((passed, text),) = ticks.tick()
    assert not passed and text.startswith(f"Terlambat. Data sampai {day - DAY} 23:59 WITA")
    loads.load(contract, lambda _contract, _since: [(str(day - DAY), "6")])
    assert ticks.tick() == [], "a load that brought no newer day is late as before"


def test_an_upload_is_measured_on_its_arrival_and_not_on_the_last_read(loads: Loads) -> None:
    server = upload("uji/data", "csv")
    contract = loads.contract(
        column("id", "integer"),
        server=server,
        extract={"format": "csv", "pattern": "*.csv"},
        frequency={"value": 1, "unit": "m"},
    )
    loads.forget(contract)
    loads.load(contract, lambda _contract, _since: [("1",)], file="a.csv")
    loads.run("update ops.load_batch set started_at = started_at - interval '40 days'")
    loads.load(contract, lambda _contract, _since: [("1",)], file="a.csv")
    found = freshness(loads.connection, [contract])["uji/data"]
    assert not found.is_fresh and found.result.message.startswith("Terlambat. Berkas terakhir datang ")
    loads.load(contract, lambda _contract, _since: [("2",)], file="a.csv")
    assert freshness(loads.connection, [contract])["uji/data"].is_fresh


def test_a_dataset_without_a_promised_frequency_has_no_result(loads: Loads) -> None:
    assert freshness(loads.connection, [loads.contract(column("id", "integer"))]) == {}
