"""Declares `gudang confirm`: the walidata confirms that unusual values of quarantined rows are right, or takes it back.

Not here: what is recorded (pipelines/feedback/confirm.py), how the next load uses it (load/stage/confirmations.py).
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.errors import GudangError
from pipelines.redaction.secrets import shown
from pipelines.suggest import did_you_mean

if TYPE_CHECKING:
    from pipelines.feedback.confirm import Confirmation

_SHOWN = 100


def confirm(
    dataset: Annotated[str, typer.Argument(metavar="OPD/DATASET", show_default=False)],
    entries: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="ENTRI",
            help="Nomor entri karantina, dengan --withdraw nomor konfirmasi; tanpa nomor semuanya disebut.",
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
    take_back: Annotated[
        bool,
        typer.Option("--withdraw", help="Tarik konfirmasi: nilainya ternyata tidak benar."),
    ] = False,
) -> None:
    """Terima nilai tak lazim yang menurut OPD memang benar, bila aturannya perlu konfirmasi menurut kontrak.

    Tanpa nomor entri: menyebut sel yang menunggu konfirmasi. Baris yang dikonfirmasi diterima bila dibaca lagi. Dengan
    --withdraw dan tanpa nomor: menyebut konfirmasi yang berlaku. Yang ditarik dinilai lagi bila dibaca lagi.
    """
    from pipelines.datasets import read_datasets
    from pipelines.feedback.confirm import confirm as record
    from pipelines.feedback.confirm import confirmed, waiting, when_accepted, when_judged, withdraw
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
            name = by or getpass.getuser()
            if take_back:
                if entries:
                    withdraw(connection, contract, entries, by=name, via="command", reason=reason)
                    print(f"{len(entries)} konfirmasi ditarik; {when_judged(contract)}")
                else:
                    print_confirmed(confirmed(connection, contract, _SHOWN))
                return
            if entries:
                count = record(connection, contract, entries, by=name, via="command", reason=reason)
                print(f"{count} sel dikonfirmasi; {when_accepted(contract)}")
                return
            found = waiting(connection, contract, _SHOWN)
        more = f" (hanya {_SHOWN} yang pertama)" if len(found) == _SHOWN else ""
        print(f"{len(found)} sel menunggu konfirmasi{more}")
        for one in found:
            print(shown(f"  {one.entry_id}  {one.place or '-'}  {one.message}: {one.value or '(kosong)'}"))


def print_confirmed(found: Sequence[Confirmation]) -> None:
    """Prints the confirmations in force, each with its number."""
    more = f" (hanya {_SHOWN} yang terbaru)" if len(found) == _SHOWN else ""
    print(f"{len(found)} konfirmasi berlaku{more}")
    for one in found:
        cell = f"{one.place or '-'}  {one.column_name}, {one.rule}: {one.value or '(tidak tersimpan lagi)'}"
        print(shown(f"  {one.confirmation_id}  {cell}; oleh {one.confirmed_by}: {one.reason}"))
