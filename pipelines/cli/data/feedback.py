"""Declares `gudang feedback`: what OPD are told of their loads, now and on request.

Not here: what they are told (pipelines/feedback/).
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.errors import GudangError
from pipelines.redaction.secrets import shown
from pipelines.suggest import did_you_mean


def feedback(
    dataset: Annotated[
        str | None,
        typer.Argument(
            metavar="[OPD/DATASET]", help="Hanya dataset ini; bawaannya semua.", show_default=False
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option("--batch", metavar="N", help="Hanya pemuatan dengan nomor ini.", show_default=False),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Buat lagi, juga bila sudah pernah dibuat atau terlalu sering gagal."),
    ] = False,
) -> None:
    """Beri OPD umpan balik atas pemuatannya: berkas bertanda dan semua temuan, di zona unggah dan lewat surel.

    `gudang ui` dan `gudang nightly` melakukannya sendiri. Yang sudah dikabarkan tidak diulang, kecuali dengan --again
    atau --batch. Kode keluar 1 bila ada yang gagal.
    """
    from pipelines.datasets import Datasets, read_datasets
    from pipelines.feedback.loads import due_loads, load_of, newest_load
    from pipelines.feedback.send import send
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_alert_settings, load_settings
    from pipelines.warehouse.connection import connect

    with prepare_environment(current_settings(), demo=False, command="feedback"):
        settings = load_settings()
        datasets: Datasets = read_datasets(settings)
        chosen = [c for c in datasets.contracts if dataset in (None, c.key)]
        if not chosen:
            hint = (
                did_you_mean(dataset or "", [c.key for c in datasets.contracts])
                or "`gudang status` menyebut semuanya"
            )
            raise GudangError(dataset or "kontrak", "tidak ada kontrak untuk dataset ini", hint=hint)
        assert settings.warehouse_url is not None
        with connect(settings.warehouse_url) as connection:
            if batch is not None:
                loads = [load_of(connection, chosen, batch)]
            elif again:
                loads = [load for contract in chosen if (load := newest_load(connection, contract))]
            else:
                loads = due_loads(connection, chosen)
            sent = send(
                connection, settings, datasets, load_alert_settings(), loads, again=again or batch is not None
            )
        print(sent.headline)
        for line in sent.lines:
            print(shown(f"  {line}"))
        for line in sent.failures:
            print(shown(f"  gagal: {line}"))
        if sent.failures or sent.busy:
            raise typer.Exit(1)
