"""The sensor that says when Dagster's definitions are older than the project's files."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.datasets import digests, read_datasets
from pipelines.sensors.changed_files import changed_files_sensor
from pipelines.settings import Settings
from tests.support.contracts import column, database, document, write


def contract(key: str, title: str = "Data") -> dict[str, object]:
    return document(key, [column("id", "integer")], database("UJI_URL"), extract={"table": title})


def test_changed_contracts_are_named_and_noted_once_on_their_asset(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", project=tmp_path, warehouse_url=None)
    for folder in (settings.expectations_dir, settings.models_dir):
        folder.mkdir(parents=True)
    write(settings.contracts_dir, contract("dinkes/a"))
    write(settings.contracts_dir, contract("dinkes/b"))
    datasets = read_datasets(settings)
    assert len(datasets.contracts) == 2
    sensor = changed_files_sensor(datasets, settings, digests(settings))
    cursor: str | None = None

    def tick() -> tuple[str, list[dg.AssetKey]]:
        nonlocal cursor
        result = sensor(dg.build_sensor_context(cursor=cursor))
        assert isinstance(result, dg.SensorResult) and result.skip_reason
        cursor = result.cursor
        return result.skip_reason.skip_message or "", [event.asset_key for event in result.asset_events]

    assert tick() == ("Definisi sama dengan berkasnya.", [])
    write(settings.contracts_dir, contract("dinkes/a", "lain"))
    write(settings.contracts_dir, contract("dinkes/baru"))
    message, noted = tick()
    assert "2 berkas berubah" in message and "contracts/dinkes/a.odcs.yaml, contracts/dinkes/baru" in message
    assert noted == [dg.AssetKey(["raw", "dinkes", "a"])]
    assert tick() == (message, []), "a change is noted once"
    write(settings.contracts_dir, contract("dinkes/a", "lain lagi"))
    assert tick()[1] == [dg.AssetKey(["raw", "dinkes", "a"])]
    write(settings.contracts_dir, contract("dinkes/a"))
    (settings.contracts_dir / "dinkes" / "baru.odcs.yaml").unlink()
    assert tick() == ("Definisi sama dengan berkasnya.", [])
