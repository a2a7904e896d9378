"""Declares `gudang profile`: figures of a dataset's columns, and a suite that they suggest.

What belongs here: arguments, and how figures are printed. Not here: the sample, the figures, the suite
(quality/profile/).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.errors import GudangError
from pipelines.numbers import number
from pipelines.suggest import did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from psycopg import Connection

    from pipelines.contracts.model import Contract
    from pipelines.load.loader import Staged
    from pipelines.quality.profile.figures import ColumnFigures, Frequent
    from pipelines.runtime.terminal import Terminal
    from pipelines.settings import Settings

_MOST_SHOWN = 3
"""So many frequent values and shapes are printed of a column."""


def profile(
    dataset: Annotated[
        str, typer.Argument(metavar="OPD/DATASET", help="Dataset yang mana, misalnya dlh/ispu.")
    ],
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", help="Banyak baris contoh, diambil acak.", min=1)
    ] = 100_000,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="BERKAS",
            help="Lihat isi berkas ini, yang belum dimuat, dan bukan raw.",
            show_default=False,
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            "--batch",
            metavar="KIRIMAN",
            help="Lihat baris kiriman yang menunggu persetujuan, dan bukan raw.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="BERKAS",
            help="Tulis usulan suite ke berkas baru; berkas yang sudah ada tidak pernah diganti.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Cetak hanya usulan suite, sebagai JSON.")] = False,
) -> None:
    """Lihat isi tiap kolom sebuah dataset, dan usulkan suite pemeriksaan untuk disunting.

    Per kolom: bagian yang kosong, banyak nilai berbeda, terkecil, tengah, terbesar, nilai tersering, dan pola (9 sebuah
    angka, A dan a huruf). Nilai hanya dibaca dari kolom berkelas terbuka; dari kolom lain hanya bagian yang kosong.
    Dari berkas dilihat baris yang akan dimuat, sesudah perbaikan; baris yang akan dikarantina hanya dihitung.

    Usulannya berbentuk expectations/<opd>/<dataset>.json, semuanya peringatan, dan hanya yang belum dikatakan kontrak.
    Contoh memperlihatkan yang ada, bukan yang seharusnya: hapus yang kebetulan, lalu tambah hubungan antarkolom.
    Contoh: gudang profile dlh/ispu --out ispu-usulan.json
    """
    from pipelines.datasets import read_datasets
    from pipelines.quality.profile.figures import figures
    from pipelines.quality.profile.proposal import proposed_suite
    from pipelines.runtime.environment import current_settings, warehouse_url
    from pipelines.warehouse.connection import connect

    if out is not None and out.exists():
        raise GudangError(str(out), "sudah ada dan tidak diganti", hint="sebut nama berkas yang baru")
    settings = current_settings()
    contracts = {contract.key: contract for contract in read_datasets(settings).contracts}
    if dataset not in contracts:
        hint = did_you_mean(dataset, contracts) or "`gudang status` menyebut semuanya"
        raise GudangError(dataset, "tidak ada kontrak yang sah untuk dataset ini", hint=hint)
    contract = contracts[dataset]
    if file and batch:
        raise GudangError(dataset, "--file dan --batch tidak dapat dipakai bersama", hint="pilih salah satu")
    with connect(warehouse_url()) as connection:
        frame, said = read_rows(connection, contract, settings, rows, file=file, batch=batch)
    found = figures(contract, frame)
    text = json.dumps(proposed_suite(contract, found, frame), indent=2, ensure_ascii=False)
    if not as_json:
        print(f"{dataset}: {number(len(frame))} dari {said}")
        print_figures(found)
    if out is None:
        print(text)
    else:
        _write_new(out, f"{text}\n")
        print(f"Usulan suite ditulis ke {out}. Sunting, lalu letakkan di expectations/{dataset}.json.")


def read_rows(
    connection: Connection[Any],
    contract: Contract,
    settings: Settings,
    rows: int,
    *,
    file: Path | None = None,
    batch: int | None = None,
) -> tuple[pd.DataFrame, str]:
    """A sample of a file, of a load that waits, or of the rows in force; and a text about how many rows there are.

    Raises GudangError if there are none to look at.
    """
    from pipelines.contracts.upload import FileExtract
    from pipelines.extract.upload.inbox import file_outside
    from pipelines.extract.upload.zone import upload_zone
    from pipelines.feedback.preview import look_at_stage
    from pipelines.load.approval.waiting import waiting_loads
    from pipelines.load.plan import LoadPlan
    from pipelines.quality.profile.sample import read_sample
    from pipelines.warehouse.relation import Relation

    if file:
        if not isinstance(contract.extract, FileExtract):
            raise GudangError(contract.key, "dataset ini tidak dibaca dari berkas", hint="tanpa --file")

        def look(staged: Staged) -> tuple[pd.DataFrame, str]:
            relation = Relation(staged.schema, staged.table)
            frame, count = read_sample(connection, contract, rows, relation)
            refused = f"; {number(staged.rows_quarantined)} baris lain akan dikarantina"
            return frame, f"{number(count)} baris {file.name}{refused if staged.rows_quarantined else ''}"

        outside = file_outside(upload_zone(settings), contract, file, file.name)
        return look_at_stage(connection, contract, outside, look)
    if batch is not None:
        if all(one.batch_id != batch for one in waiting_loads(connection, [contract.key])):
            hint = "`gudang approve` menyebut kiriman yang menunggu"
            raise GudangError(contract.key, f"kiriman {batch} tidak menunggu persetujuan", hint=hint)
        stage = Relation("landing", LoadPlan(contract, batch).stage_name)
        frame, count = read_sample(connection, contract, rows, stage)
        return frame, f"{number(count)} baris kiriman {batch}, yang menunggu persetujuan"
    if connection.execute("select to_regclass(%s)", [f"raw.{contract.table}"]).fetchone() == (None,):
        raise GudangError(contract.key, "belum pernah dimuat", hint="`gudang nightly`, atau `gudang reload`")
    frame, count = read_sample(connection, contract, rows)
    return frame, f"{number(count)} baris yang berlaku"


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise GudangError(
            str(path), f"tidak dapat ditulis: {error.strerror}", hint="sebut tempat lain"
        ) from None


def print_figures(figures: Sequence[ColumnFigures], console: Terminal | None = None) -> None:
    """Prints a row for each column. A column whose values may not be looked at has a class instead of figures."""
    from rich.table import Table

    from pipelines.runtime.terminal import Terminal

    console = console or Terminal(at_least=100)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("kolom", overflow="fold")
    table.add_column("kosong", justify="right", no_wrap=True)
    for heading in ("berbeda", "terkecil", "tengah", "terbesar"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("tersering, atau pola", overflow="fold")
    for one in figures:
        empty = number(round(100 * one.empty / one.rows, 1)) + "%" if one.rows else "-"
        if one.open:
            median = number(round(one.quantiles[2], 2)) if one.quantiles else ""
            cells = [number(one.distinct or 0), _bound(one.low), median, _bound(one.high), _most(one)]
        else:
            cells = ["", "", "", "", f"({one.column.classification}: tidak dilihat)"]
        table.add_row(one.column.name, empty, *cells)
    console.print(table)


def _bound(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else number(round(value, 2))


def _most(one: ColumnFigures) -> str:
    """The most frequent values; of a column with many values the shapes of its texts."""
    many = one.distinct is not None and one.distinct > len(one.frequent)
    listed: Sequence[Frequent] = one.shapes if many else one.frequent
    return ", ".join(f"{f.text} ({number(round(100 * f.rows / one.filled))}%)" for f in listed[:_MOST_SHOWN])
