"""Declares `gudang approve`: decides about loads whose contract requires an approval.

Not here: what a decision does (load/approval/).
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.errors import GudangError
from pipelines.redaction.secrets import shown

if TYPE_CHECKING:
    from psycopg import Connection

    from pipelines.contracts.model import Contract


def approve(
    batches: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="KIRIMAN",
            help="Nomornya; tanpa nomor: sebut yang menunggu.",
            show_default=False,
        ),
    ] = None,
    reject: Annotated[
        str | None,
        typer.Option(
            "--reject", metavar="ALASAN", help="Tolak, dengan alasan yang dibaca OPD.", show_default=False
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="NAMA",
            help="Siapa yang memutuskan; bawaannya akun komputer.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Setujui kiriman yang menunggu persetujuan (approval: required di kontraknya), atau tolak dengan alasan.

    Yang diterapkan persis baris yang sudah diperiksa. Model turunannya dibangun oleh `gudang ui` yang terbuka, atau
    malam berikutnya. Kode keluar 1 bila satu kiriman tidak dapat diputuskan.
    """
    from pipelines.datasets import read_datasets
    from pipelines.runtime.environment import current_settings, prepare_environment
    from pipelines.settings import load_settings
    from pipelines.warehouse.connection import connect

    name = by or os.environ.get("SUDO_USER") or getpass.getuser()
    with prepare_environment(current_settings(), demo=False, command="approve"):
        settings = load_settings()
        contracts = read_datasets(settings).contracts
        assert settings.warehouse_url is not None
        with connect(settings.warehouse_url) as connection:
            if not batches:
                print_waiting(connection, contracts)
            elif not decide_each(connection, contracts, batches, name, reject):
                raise typer.Exit(1)


def print_waiting(connection: Connection[Any], contracts: Sequence[Contract]) -> None:
    """Prints the loads that wait, what each would change, and how to look at its rows."""
    from pipelines.load.approval.waiting import select_staged, waiting_loads

    by_key = {c.key: c for c in contracts}
    found = waiting_loads(connection, [*by_key])
    for one in found:
        since = f"menunggu sejak {one.waiting_since:%Y-%m-%d %H:%M}"
        print(shown(f"{one.batch_id}  {one.subject}, {since}"))
        print(shown(f"    {one.counts}"))
        print(shown(f"    gudang psql -c '{select_staged(by_key[one.dataset], one.batch_id)}'"))
    if not found:
        print("Tidak ada kiriman yang menunggu persetujuan.")


def decide_each(
    connection: Connection[Any],
    contracts: Sequence[Contract],
    batches: Sequence[int],
    name: str,
    reason: str | None,
) -> bool:
    """Approves the loads, or rejects them for a reason, and prints what became of each. False if one could not be."""
    from pipelines.ingest import describe_batch
    from pipelines.load.approval.decide import APPROVED, REJECTED, WORDS, Decision, decide

    all_done = True
    for number in batches:
        try:
            decision = Decision(number, APPROVED if reason is None else REJECTED, name, "cli", reason or "")
            done = decide(connection, contracts, decision)
        except GudangError as error:
            all_done = False
            print(shown(f"gagal: {error}"))
            continue
        what = done.done_before or f"{WORDS[decision.decision]} oleh {name}: {describe_batch(done.batch)}"
        print(shown(f"kiriman {number}: {what}"))
    return all_done
