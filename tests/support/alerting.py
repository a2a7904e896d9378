"""A warehouse and a Dagster database in which a test puts faults, and servers that take the messages about them over.

As a program: `python -m tests.support.alerting <warehouse> <dagster> <webhook> <home>` tells once and is killed after the
webhook has answered.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG
from dagster._core.test_utils import create_run_for_test
from psycopg import Connection
from psycopg.types.json import Jsonb

from pipelines.alerts.announce import Report, Teller
from pipelines.alerts.channel import Channel, Message
from pipelines.alerts.http import Webhook
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets, SetAside
from pipelines.jobs import NIGHT, PUBLICATION
from pipelines.settings import PROJECT_ROOT, AlertSettings, MailServer, Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, database, document, make

NIK = "6472015203900001"
"""A made-up number in the form of a real one."""


@dataclass
class Clock:
    """The time now, moved on by a test."""

    moved: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def move(self, **by: float) -> None:
        self.moved += timedelta(**by)


@dataclass
class House:
    """What is told of. alerts: replaced by `tell_to`."""

    connection: Connection[Any]
    dagster_url: str
    instance: dg.DagsterInstance
    folder: Path
    clock: Clock = field(default_factory=Clock)
    contracts: tuple[Contract, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    alerts: AlertSettings = field(default_factory=AlertSettings)
    env: dict[str, str] = field(default_factory=dict[str, str])

    def tell_to(self, *, smtp: int | None = None, **more: Any) -> None:
        mail = MailServer("127.0.0.1", smtp, "tanpa", "gudang@dinas.example") if smtp else None
        self.alerts = AlertSettings(mail=mail, timeout=3, **more)

    def contract(self, key: str, *, mail: str | None = None, **of_column: Any) -> Contract:
        """A contract with a daily promise; mail: the address in its `support`."""
        made = document(key, [column("isi", **of_column)], database("UJI_URL"), extract={"table": "data"})
        made["slaProperties"] = [{"property": "frequency", "value": 1, "unit": "d"}]
        if mail:
            made["support"] = [{"channel": "pengelola data", "url": f"mailto:{mail}"}]
        contract = make(self.folder, made)
        self.contracts += (contract,)
        self.run(
            "insert into ops.contract (dataset, title, producer, domain, source_kind, frequency_days, classification,"
            " publish) values (%s, 'x', 'x', 'x', 'database', 1, 'terbuka', false)",
            key,
        )
        return contract

    def run(self, statement: Any, *values: Any) -> list[Any]:
        cursor = self.connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def load(self, key: str, state: str = "loaded", error: str | None = None, run_id: str = "r1") -> int:
        ((batch,),) = self.run(
            "insert into ops.load_batch (dataset, run_id, state, error, finished_at) values (%s, %s, %s, %s,"
            " clock_timestamp()) returning batch_id",
            key, run_id, state, error,
        )  # fmt: skip
        return batch

    def quarantine(self, key: str, batch: int, column_name: str, rule: str) -> None:
        """A refused row; its cells hold personal values, which no loader would leave there."""
        reasons = [{"kolom": column_name, "aturan": rule, "nilai": NIK, "pesan": NIK}]
        self.run(
            "insert into quarantine.row (dataset, first_batch_id, last_batch_id, row, reasons, row_hash)"
            " values (%s, %s, %s, %s, %s, md5(random()::text))",
            key, batch, batch, Jsonb({"nik": NIK}), Jsonb(reasons),
        )  # fmt: skip

    def publish(self, mart: str) -> None:
        self.run(
            "insert into ops.publication_log (mart, path, sha256) values (%s, %s, 'x')",
            mart,
            f"csv/{mart}.csv",
        )

    def check(
        self, asset: str, name: str, *, passed: bool, severity: str = "error", run_id: str = "r1"
    ) -> None:
        self.run(
            "insert into ops.check_result (run_id, asset, check_name, severity, passed, unexpected, total, message)"
            " values (%s, %s, %s, %s, %s, 5, 192, %s)",
            run_id, asset, name, severity, passed, f"ada {NIK}",
        )  # fmt: skip

    def night(self, name: str, *, ends: str = "PIPELINE_SUCCESS", parent: str | None = None) -> str:
        """The last run of a night, which has ended. parent: the run that a person executed again by this one."""
        again = {PARENT_RUN_ID_TAG: parent, ROOT_RUN_ID_TAG: parent} if parent else {}
        return self.ended_run(PUBLICATION, ends, {NIGHT: name, **again})

    def ended_run(self, job: str, ends: str, tags: dict[str, str] | None = None) -> str:
        run = create_run_for_test(self.instance, job, tags=tags or {})
        event = dg.DagsterEvent(event_type_value=ends, job_name=job, message="x")
        self.instance.report_dagster_event(event, run.run_id)
        return run.run_id

    def teller(self, channels: dict[str, Channel] | None = None) -> Teller:
        settings = Settings(home=self.folder, project=PROJECT_ROOT, warehouse_url=None)
        datasets = Datasets(self.contracts, self.set_aside)
        return Teller(
            self.connection, settings, datasets, self.alerts, self.dagster_url, self.env, channels, self.clock
        )

    def announce(self) -> Report:
        return self.teller().announce()


class Deadly:
    """A channel whose process is killed when the server has taken the message over."""

    name = "webhook"

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, message: Message) -> None:
        self._channel.send(message)
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    warehouse, dagster, webhook, home = sys.argv[1:]
    alerts = AlertSettings(when="always", webhook_url=webhook)
    settings = Settings(home=Path(home), project=PROJECT_ROOT, warehouse_url=None)
    with connect(warehouse) as connection:
        channels: dict[str, Channel] = {"webhook": Deadly(Webhook(webhook, None, 5))}
        Teller(connection, settings, Datasets(), alerts, dagster, {}, channels).announce()


if __name__ == "__main__":
    main()
