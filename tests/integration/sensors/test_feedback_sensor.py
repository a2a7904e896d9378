"""The sensor starts the job `umpan_balik` where a load has no feedback yet, and the job tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from pipelines.datasets import Datasets
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.feedback import feedback_job, feedback_sensor
from pipelines.settings import MailServer
from tests.support.contracts import column
from tests.support.feedback import ToldOpd


@pytest.fixture
def opd(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToldOpd]:
    made = ToldOpd(warehouse_url, tmp_path)
    monkeypatch.setenv("GUDANG_HOME", str(made.settings.home))
    monkeypatch.setenv("GUDANG_PROJECT", str(tmp_path))
    yield made
    made.loads.connection.close()


def test_load_without_feedback_starts_the_job_once(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", column("kode", required=True), column("jumlah", "integer"))
    file = tmp_path / "data.csv"
    file.write_text("kode,jumlah\nA,1\nB,x\n")
    opd.send(contract, file)
    opd.loads.run("update ops.load_batch set finished_at = finished_at - interval '1 minute'")
    warehouse = Warehouse(url=opd.loads.url)
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> dg.RunRequest | dg.SkipReason:
            datasets = Datasets((contract,))
            sensor = feedback_sensor(datasets, opd.settings)
            context = dg.build_sensor_context(instance=instance, resources={"warehouse": warehouse})
            found = sensor(context)
            assert isinstance(found, dg.RunRequest | dg.SkipReason)
            return found

        # Mails are wanted, and this dataset has nobody who gets one: its letter waits for nothing.
        mail = MailServer("127.0.0.1", 1, "tanpa", "gudang@uji.example")
        opd.alerts = replace(opd.alerts, mail=mail, feedback="on_change")
        first, second = tick(), tick()
        assert isinstance(first, dg.RunRequest) and isinstance(second, dg.RunRequest)
        assert first.run_key == second.run_key
        opd.tell()
        assert isinstance(tick(), dg.SkipReason)
        (folder,) = opd.folders()
        assert (folder / "index.html").exists()
        done = feedback_job().execute_in_process(instance=instance, resources={"warehouse": warehouse})
        # The project of the job has no contract, so it tells of the file itself.
        assert done.success and opd.states() == ["open", "open"]


def test_files_that_no_dataset_takes_start_the_job_until_they_are_told(opd: ToldOpd) -> None:
    contract = opd.dataset("uji/data", "csv", column("kode"), extract={"pattern": "data*.csv"})
    sensor = feedback_sensor(Datasets((contract,)), opd.settings)
    warehouse = Warehouse(url=opd.loads.url)
    left = Path(str(opd.zone)) / "uji/data/lain.csv"
    left.parent.mkdir(parents=True)
    keys: list[str | None] = []
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> dg.RunRequest | dg.SkipReason:
            found = sensor(dg.build_sensor_context(instance=instance, resources={"warehouse": warehouse}))
            assert isinstance(found, dg.RunRequest | dg.SkipReason)
            return found

        for _ in range(2):
            for change in (left.touch, left.unlink):
                change()
                for _ in range(2):  # a run that has not begun, or failed, changes nothing
                    found = tick()
                    assert isinstance(found, dg.RunRequest)
                keys.append(found.run_key)
                opd.tell()
                assert isinstance(tick(), dg.SkipReason)
    assert len({*keys}) == 4, "Dagster starts no second run of the same key"
