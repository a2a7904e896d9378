"""Tells operators what is wrong: looks every minute whether there is something to tell. The work is in alerts/."""

from __future__ import annotations

import os

import dagster as dg

from pipelines.alerts.announce import Teller, make_channels
from pipelines.datasets import Datasets
from pipelines.resources.warehouse import Warehouse
from pipelines.runtime.environment import DAGSTER_URL
from pipelines.settings import Settings, load_alert_settings


def alerts_sensor(datasets: Datasets, settings: Settings) -> dg.SensorDefinition:
    """The sensor that sends urgent messages, the digest of a night that has ended, and what failed to be sent before.

    It starts no run. If it can't do its work, its tick fails, so that it is seen.
    """

    @dg.sensor(
        name="kabar_malam",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Mengirim kabar: ringkasan malam, dan segera bila ada yang tidak dapat menunggu.",
    )
    def tell(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SkipReason:
        alerts = load_alert_settings()
        if not make_channels(alerts):
            return dg.SkipReason("Belum ada saluran kabar yang disetel (GUDANG_ALERT_*).")
        with warehouse.connect() as connection:
            report = Teller(connection, settings, datasets, alerts, os.environ.get(DAGSTER_URL)).announce()
        for line in report.lines:
            context.log.info(line)
        return dg.SkipReason("\n".join(report.lines) or "Tidak ada kabar baru.")

    return tell
