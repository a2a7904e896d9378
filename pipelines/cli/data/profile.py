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
    from pipelines.quality.profile.figures import ColumnFigures, Frequent
    from pipelines.runtime.terminal import Terminal

_MOST_SHOWN = 3
"""So many frequent values and shapes are printed of a column."""


def profile(
    dataset: Annotated[
        str, typer.Argument(metavar="OPD/DATASET", help="Dataset yang mana, misalnya dlh/ispu.")
    ],
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", help="Banyak baris contoh, diambil acak dari raw.", min=1)
    ] = 100_000,
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

    Usulannya berbentuk expectations/<opd>/<dataset>.json, semuanya peringatan, dan hanya yang belum dikatakan kontrak.
    Contoh memperlihatkan yang ada, bukan yang seharusnya: hapus yang kebetulan, lalu tambah hubungan antarkolom.
    Contoh: gudang profile dlh/ispu --out ispu-usulan.json
    """
    from pipelines.datasets import read_datasets
    from pipelines.quality.profile.figures import figures
    from pipelines.quality.profile.proposal import proposed_suite
    from pipelines.quality.profile.sample import read_sample
    from pipelines.runtime.environment import current_settings, warehouse_url
    from pipelines.warehouse.connection import connect

    if out is not None and out.exists():
        raise GudangError(str(out), "sudah ada dan tidak diganti", hint="sebut nama berkas yang baru")
    contracts = {contract.key: contract for contract in read_datasets(current_settings()).contracts}
    if dataset not in contracts:
        hint = did_you_mean(dataset, contracts) or "`gudang status` menyebut semuanya"
        raise GudangError(dataset, "tidak ada kontrak yang sah untuk dataset ini", hint=hint)
    contract = contracts[dataset]
    with connect(warehouse_url()) as connection:
        if connection.execute("select to_regclass(%s)", [f"raw.{contract.table}"]).fetchone() == (None,):
            raise GudangError(dataset, "belum pernah dimuat", hint="`gudang nightly`, atau `gudang reload`")
        frame, in_force = read_sample(connection, contract, rows)
    found = figures(contract, frame)
    text = json.dumps(proposed_suite(contract, found, frame), indent=2, ensure_ascii=False)
    if not as_json:
        print(f"{dataset}: {number(len(frame))} dari {number(in_force)} baris yang berlaku")
        print_figures(found)
    if out is None:
        print(text)
    else:
        _write_new(out, f"{text}\n")
        print(f"Usulan suite ditulis ke {out}. Sunting, lalu letakkan di expectations/{dataset}.json.")


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
