"""Declares `gudang health`, which looks at the installation from outside of Dagster, and starts nothing.

Not here: what it looks at (health/).
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from pipelines.errors import GudangError


def health(
    as_json: Annotated[bool, typer.Option("--json", help="Satu objek JSON, untuk program.")] = False,
    prometheus: Annotated[bool, typer.Option("--prometheus", help="Bentuk teks Prometheus.")] = False,
) -> None:
    """Periksa dari luar Dagster apakah semuanya berjalan: daemon, malam terakhir, antrean, disk, cadangan, kabar.

    Tidak ada yang dijalankan atau diubah. Kode keluar: 0 baik, 1 peringatan, 2 kritis, seperti plugin Nagios. Batasnya
    disetel dengan GUDANG_HEALTH_* (docs/configuration.md).
    """
    from pipelines.health.check import as_json as write_json
    from pipelines.health.check import as_prometheus, as_text, worst
    from pipelines.health.checks import Place, look
    from pipelines.health.limits import CRITICAL, load_limits
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
    raise typer.Exit(min(worst(checks), CRITICAL))
