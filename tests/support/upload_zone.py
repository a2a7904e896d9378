"""An upload zone with one dataset, a warehouse, an instance of Dagster, and the upload sensor that uses them."""

from __future__ import annotations

import logging.handlers
import os
from pathlib import Path
from typing import Any

import dagster as dg
from psycopg import Connection

from pipelines.assets.naming import raw_key
from pipelines.assets.raw import raw_assets
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets
from pipelines.extract.upload.zone import upload_zone
from pipelines.jobs import jobs, upload_job
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.uploads import upload_sensor
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, document, make, upload

KEY = "dagang/pasar"
A = b"id,nama\n1,Pasar Pagi\n"
B = b"id,nama\n1,Pasar Pagi\n2,Pasar Segiri\n"
C = b"id,nama\n3,Pasar Baqa\n"
ROWS = {A: [(1, "Pasar Pagi")], B: [(1, "Pasar Pagi"), (2, "Pasar Segiri")], C: [(3, "Pasar Baqa")]}
BROKEN = b'id,nama\n1,"Pasar Pagi\n'


class Zone:
    def __init__(self, url: str, folder: Path, **custom: Any) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.settings = Settings(home=folder, project=folder, warehouse_url=self.url)
        self.instance = dg.DagsterInstance.ephemeral()
        self.connection: Connection[Any] = connect(self.url)
        self.cursor: str | None = None
        self.events: list[dg.AssetObservation] = []
        self.skip_message = ""
        self.log: list[str] = []
        self.waits: dict[str, float] = {}
        self.declare(**custom)

    def declare(self, **custom: Any) -> None:
        """Writes the contract, and makes the sensor from it."""
        custom.setdefault("extract", {"format": "csv", "pattern": "*.csv"})
        columns = [column("id", "integer", primaryKey=True), column("nama")]
        self.contract: Contract = make(
            self.settings.contracts_dir, document(KEY, columns, upload(KEY, "csv"), **custom)
        )
        self.sensor = self.sensor_of(self.contract)

    def sensor_of(self, *contracts: Contract) -> dg.SensorDefinition:
        named = {job.name: job for job in jobs(contracts)}
        return upload_sensor(Datasets(contracts), self.settings, named, **self.waits)

    def wait(self, **seconds: float) -> None:
        """Sets the waits of the sensor: read_wait, retry_wait."""
        self.waits = seconds
        self.sensor = self.sensor_of(self.contract)

    def forget(self) -> None:
        """Deletes the rows of the dataset and all records of loads and files."""
        self.connection.execute(
            "truncate ops.load_batch cascade; truncate ops.upload_seen, ops.check_result, ops.source_shape,"
            " quarantine.row; drop table if exists raw.dagang__pasar cascade"
        )

    @property
    def folder(self) -> Path:
        place = upload_zone(self.settings)
        assert isinstance(place, Path)
        return place / KEY

    def add_dataset(self, key: str) -> Path:
        """Makes another dataset, which the sensor lists after this one, and gives its folder."""
        columns = [column("id", "integer", primaryKey=True), column("nama")]
        other = make(
            self.settings.contracts_dir,
            document(key, columns, upload(key, "csv"), extract={"format": "csv", "pattern": "*.csv"}),
        )
        self.sensor = self.sensor_of(self.contract, other)
        folder = self.folder.parents[1] / key
        folder.mkdir(parents=True)
        return folder

    def put(self, content: bytes, name: str | bytes = "pasar.csv", *, own_time: float | None = None) -> Path:
        """Writes a file under another name, then renames it, as an OPD does. own_time: mtime, kept as by `cp -p`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / os.fsdecode(name)
        path.with_name(".baru").write_bytes(content)
        path.with_name(".baru").replace(path)
        if own_time is not None:
            os.utime(path, (own_time, own_time))
        return path

    def tick(self) -> list[dg.RunRequest]:
        """One tick of the sensor; its cursor is kept for the next one."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"warehouse": Warehouse(url=self.url)}
        )
        handler = logging.handlers.BufferingHandler(1000)
        context.log.addHandler(handler)
        result = self.sensor(context)
        self.log = [record.getMessage() for record in handler.buffer]
        assert isinstance(result, dg.SensorResult), result
        self.cursor = result.cursor
        self.events += [e for e in result.asset_events if isinstance(e, dg.AssetObservation)]
        self.skip_message = result.skip_reason.skip_message or "" if result.skip_reason else ""
        return list(result.run_requests or [])

    def tick_twice(self) -> list[dg.RunRequest]:
        """The runs that two ticks request, one for each run key. A file must be unchanged at both ticks to be loaded."""
        return list({request.run_key: request for request in [*self.tick(), *self.tick()]}.values())

    def run(self, request: dg.RunRequest) -> bool:
        """Runs the real asset as Dagster would for this request; whether it succeeded."""
        assets = raw_assets([self.contract], self.settings)
        name = upload_job(self.contract)
        job = dg.define_asset_job(name, [raw_key(self.contract)], executor_def=dg.in_process_executor)
        defs = dg.Definitions(assets=assets, jobs=[job], resources={"warehouse": Warehouse(url=self.url)})
        done = defs.resolve_job_def(name).execute_in_process(
            instance=self.instance, tags=request.tags, raise_on_error=False
        )
        return done.success

    def started(self, request: dg.RunRequest) -> dg.DagsterRun:
        """The run that Dagster would start for this request, before its first step."""
        run = dg.DagsterRun(
            job_name=upload_job(self.contract), tags=request.tags, status=dg.DagsterRunStatus.STARTED
        )
        self.instance.add_run(run)
        return run

    def kill(self, request: dg.RunRequest) -> None:
        self.instance.report_run_failed(self.started(request), "killed")

    def load_all(self) -> int:
        """Ticks and runs until no run is due any more. Gives the number of runs."""
        runs = 0
        while requests := self.tick_twice():
            for request in requests:
                self.run(request)
                runs += 1
            assert runs < 10, "the sensor starts runs without end"
        return runs

    def rows(self) -> list[tuple[Any, ...]]:
        return self.connection.execute("select id, nama from raw.dagang__pasar order by 1, 2").fetchall()

    def close(self) -> None:
        self.connection.close()
        self.instance.dispose()
