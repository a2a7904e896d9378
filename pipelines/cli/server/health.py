"""Declares `gudang health`, which looks at the installation from outside of Dagster, and starts nothing.

Not here: what it looks at (health/).
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.errors import GudangError
from pipelines.redaction.secrets import shown

if TYPE_CHECKING:
    from pipelines.health.check import Check

UNKNOWN = 3
"""The exit code if it could not look, as for plugins of Nagios. Python's own for a fault, 1, means a warning here."""


def health(
    as_json: Annotated[bool, typer.Option("--json", help="Satu objek JSON, untuk program.")] = False,
    prometheus: Annotated[bool, typer.Option("--prometheus", help="Bentuk teks Prometheus.")] = False,
    send: Annotated[
        bool, typer.Option("--send", help="Kirim kabar bila ada yang menjadi kritis, dan bila sudah beres.")
    ] = False,
) -> None:
    """Periksa dari luar Dagster apakah semuanya berjalan: daemon, malam terakhir, antrean, disk, cadangan, kabar.

    Tidak ada yang dijalankan atau diubah; --send mencatat di folder kerja apa yang sudah dikirim. Kode keluar: 0 baik,
    1 peringatan, 2 kritis, 3 tidak dapat memeriksa, seperti plugin Nagios. Batasnya disetel dengan GUDANG_HEALTH_*
    (docs/configuration.md).
    """
    try:
        state = _look_and_tell(as_json=as_json, prometheus=prometheus, send=send)
    except GudangError as error:
        print(shown(f"gudang: {error}"), file=sys.stderr)
        state = UNKNOWN
    except Exception:
        print(shown(traceback.format_exc()), end="", file=sys.stderr)
        state = UNKNOWN
    raise typer.Exit(state)


def _look_and_tell(*, as_json: bool, prometheus: bool, send: bool) -> int:
    from pipelines.health.check import as_json as write_json
    from pipelines.health.check import as_prometheus, as_text, worst
    from pipelines.health.checks import look
    from pipelines.health.limits import CRITICAL, load_limits
    from pipelines.health.place import Place
    from pipelines.runtime.embedded import EmbeddedServer
    from pipelines.runtime.environment import DAGSTER_URL, current_settings

    settings = current_settings()
    urls = EmbeddedServer(settings.home).urls
    dagster_url = os.environ.get(DAGSTER_URL) or (None if settings.warehouse_url else urls.dagster)
    if dagster_url is None:
        raise GudangError(DAGSTER_URL, "belum diisi", hint="wajib bersama GUDANG_WAREHOUSE_URL")
    checks = look(Place(settings, load_limits(), settings.warehouse_url or urls.warehouse, dagster_url))
    write = write_json if as_json else as_prometheus if prometheus else as_text
    print(write(checks).rstrip("\n"))
    if send:
        _send(checks, settings.home)
    return min(worst(checks), CRITICAL)


def _send(checks: Sequence[Check], home: Path) -> None:
    from pipelines.alerts.announce import addresses, make_channels
    from pipelines.alerts.watch import MEMORY, tell_of_health
    from pipelines.settings import load_alert_settings

    alerts = load_alert_settings()
    channels = make_channels(alerts)
    for line in tell_of_health(
        checks, channels, addresses(alerts, channels), home / MEMORY, datetime.now(UTC)
    ):
        print(shown(line), file=sys.stderr)
