"""The sensor `kabar_malam`: without a channel it does nothing, with one it sends, and a warehouse that is down is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from pipelines.datasets import Datasets
from pipelines.errors import LoadError
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.alerts import alerts_sensor
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.http_server import Server
from tests.support.servers import free_port


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    server = Server()
    yield server
    server.stop()


def tick(url: str, home: Path) -> str | None:
    sensor = alerts_sensor(Datasets(), Settings(home=home, project=PROJECT_ROOT, warehouse_url=None))
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, resources={"warehouse": Warehouse(url=url)})
        result = sensor(context)
    assert isinstance(result, dg.SkipReason)
    return result.skip_message


def test_a_tick(warehouse_url: str, http: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = warehouse_url.replace("postgresql://", "postgresql+psycopg://")
    down = f"postgresql+psycopg://gudang@127.0.0.1:{free_port()}/gudang"
    assert tick(down, tmp_path) == "Belum ada saluran kabar yang disetel (GUDANG_ALERT_*)."
    monkeypatch.setenv("GUDANG_ALERT_WEBHOOK_URL", http.url)
    monkeypatch.setenv("GUDANG_HEALTH_DISK_PERCENT", "0,0")
    assert tick(url, tmp_path) == "Tidak ada kabar baru."
    with psycopg.connect(warehouse_url) as connection:
        connection.execute("insert into ops.publication_log (mart, path, sha256) values ('m', 'm.csv', 'x')")
        connection.execute(
            "insert into ops.check_result (asset, check_name, severity, passed) values ('mart_satu_data/m', 'c', 'error', false)"
        )
    assert tick(url, tmp_path) == (
        "Terkirim ke webhook: Segera: Mart terbit yang tertahan pemeriksaan: mart_satu_data/m"
    )
    with pytest.raises(LoadError, match="tidak dapat terhubung"):
        tick(down, tmp_path)
