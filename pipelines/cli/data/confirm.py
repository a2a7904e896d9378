"""Declares `gudang confirm`: the walidata confirms that unusual values of quarantined rows are right.

Not here: what is recorded (pipelines/feedback/confirm.py), how the next load uses it (load/stage/confirmations.py).
"""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from pipelines.errors import GudangError
from pipelines.redaction.secrets import shown
from pipelines.suggest import did_you_mean

_SHOWN = 100


def confirm(
    dataset: Annotated[str, typer.Argument(metavar="OPD/DATASET", show_default=False)],
    entries: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="ENTRI",
            help="Nomor entri karantina; bawaannya menyebut yang menunggu.",
            show_default=False,
        ),
    ] = None,
    reason: Annotated[
        str,
        typer.Option("--reason", metavar="ALASAN", help="Mengapa nilainya memang benar.", show_default=False),
    ] = "",
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="NAMA",
            help="Siapa yang memastikan; bawaannya Anda.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Terima nilai tak lazim yang menurut OPD memang benar, bila aturannya perlu konfirmasi menurut kontrak.

    Tanpa nomor entri: menyebut sel yang menunggu konfirmasi. Baris yang dikonfirmasi diterima bila dibaca lagi.
    """
    from pipelines.datasets import read_datasets
    from pipelines.feedback.confirm import confirm as record
    from pipelines.feedback.confirm import waiting, when_accepted
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_settings
    from pipelines.warehouse.connection import connect

    with prepare_environment(current_settings(), demo=False, command="confirm"):
        settings = load_settings()
        contracts = {c.key: c for c in read_datasets(settings).contracts}
        if dataset not in contracts:
            hint = did_you_mean(dataset, list(contracts)) or "`gudang status` menyebut semuanya"
            raise GudangError(dataset, "tidak ada kontrak untuk dataset ini", hint=hint)
        contract = contracts[dataset]
        assert settings.warehouse_url is not None
        with connect(settings.warehouse_url) as connection:
            if entries:
                name = by or getpass.getuser()
                count = record(connection, contract, entries, by=name, via="command", reason=reason)
                print(f"{count} sel dikonfirmasi; {when_accepted(contract)}")
                return
            found = waiting(connection, contract, _SHOWN)
        more = f" (hanya {_SHOWN} yang pertama)" if len(found) == _SHOWN else ""
        print(f"{len(found)} sel menunggu konfirmasi{more}")
        for one in found:
            print(shown(f"  {one.entry_id}  {one.place or '-'}  {one.message}: {one.value or '(kosong)'}"))
