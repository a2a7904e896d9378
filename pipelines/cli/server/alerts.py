"""Declares `gudang alerts`: preview, send, test.

Not here: what is told and to whom (alerts/), whether all works (health.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from pipelines.cli.app import CommandGroup
from pipelines.errors import GudangError
from pipelines.redaction.secrets import shown

if TYPE_CHECKING:
    from pipelines.alerts.announce import Teller

app = CommandGroup(
    name="alerts",
    help="Kabar bagi yang mengoperasikan: ringkasan malam, dan segera bila ada yang tidak dapat menunggu. Salurannya"
    " disetel dengan GUDANG_ALERT_* (docs/configuration.md).",
)


@app.command()
def preview() -> None:
    """Tampilkan ringkasan malam seperti akan dikirim sekarang. Tidak ada yang dikirim atau dicatat."""
    from pipelines.alerts.text import plain

    with _teller("alerts preview") as teller:
        print(shown(plain(teller.preview())), end="")


@app.command()
def send() -> None:
    """Kirim sekarang apa yang perlu: ringkasan malam yang berakhir, kabar segera, dan yang tadi gagal dikirim.

    `gudang ui` dan `gudang nightly` melakukannya sendiri; yang gagal dicoba lagi sesudah jeda, dan perintah ini tidak
    menunggu jeda itu. Kode keluar 1 bila ada yang belum terkirim, atau proses lain sedang mengirim.
    """
    from pipelines.alerts.announce import make_channels
    from pipelines.health.checks import undelivered, undelivered_lines

    with _teller("alerts send") as teller:
        if not make_channels(teller.alerts):
            raise _no_channel()
        report = teller.announce(at_once=True)
        left = undelivered_lines(undelivered(teller.connection))
        print(shown("\n".join([*report.lines, *left]) or "Tidak ada kabar baru."))
        if report.busy or left or any(outcome.error for outcome in report.outcomes):
            raise typer.Exit(1)


@app.command()
def test() -> None:
    """Kirim satu pesan uji lewat tiap saluran, dan tampilkan mana yang sampai.

    Kode keluar 1 bila ada yang tidak sampai. Server dan gudang data tidak diperlukan.
    """
    from pipelines.alerts.announce import addresses, make_channels
    from pipelines.alerts.channel import DeliveryError, Message
    from pipelines.alerts.document import test_message
    from pipelines.runtime.environment import current_settings
    from pipelines.settings import load_alert_settings

    current_settings()  # reads .env
    alerts = load_alert_settings()
    channels = make_channels(alerts)
    if not channels:
        raise _no_channel()
    now = datetime.now(UTC)
    failed = False
    for name, recipient in addresses(alerts, channels):
        place = f"{name} {recipient}".rstrip()
        try:
            channels[name].send(Message(f"uji-{now.isoformat()}", test_message(now), recipient))
        except DeliveryError as error:
            failed = True
            print(shown(f"{place}: tidak sampai: {error.message} ({error.hint})"))
        else:
            print(shown(f"{place}: diterima server"))
    if failed:
        raise typer.Exit(1)


@contextmanager
def _teller(command: str) -> Iterator[Teller]:
    from pipelines.alerts.announce import Teller
    from pipelines.datasets import read_datasets
    from pipelines.runtime.environment import DAGSTER_URL, current_settings, prepare_environment
    from pipelines.settings import load_alert_settings, load_settings
    from pipelines.warehouse.connection import connect

    with prepare_environment(current_settings(), demo=False, command=command):
        settings = load_settings()
        assert settings.warehouse_url is not None
        with connect(settings.warehouse_url) as connection:
            yield Teller(
                connection, settings, read_datasets(settings), load_alert_settings(), os.environ[DAGSTER_URL]
            )


def _no_channel() -> GudangError:
    return GudangError(
        "kabar",
        "belum ada saluran yang disetel",
        hint="isi GUDANG_ALERT_MAIL_*, GUDANG_ALERT_WEBHOOK_URL, atau GUDANG_ALERT_TELEGRAM_* di .env",
    )
