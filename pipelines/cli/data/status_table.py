"""Prints `gudang status` for people: a table that fits 80 columns, and below it a line for each fault.

Not here: what is asked of the ledger (status.py). Nothing that comes from outside (a cell in an error, a name) is read
as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from pipelines.numbers import number
from pipelines.runtime.state_words import LOADS
from pipelines.runtime.terminal import Terminal, styled

_NUMBERS = {"baris": "rows_in_raw", "ditahan": "rows_waiting", "dihapus": "rows_deleted"}
_NOTE = (
    "baris: yang kini berlaku di gudang; ditahan: menunggu di karantina; dihapus: pada pemuatan terakhir;"
    " uji: yang lulus dari semua."
)


def print_status(rows: Sequence[dict[str, Any]], console: Terminal | None = None) -> None:
    """Prints the table of `rows`, as dataset_status gives them, and below it a line for each fault."""
    console = console or Terminal()
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("dataset", overflow="fold")
    table.add_column("keadaan", no_wrap=True)
    table.add_column("datang", no_wrap=True)
    for heading in (*_NUMBERS, "uji"):
        table.add_column(heading, no_wrap=True, justify="right")
    for row in rows:
        word, colour = _state(row)
        counts = [_number(row.get(name)) for name in _NUMBERS.values()]
        arrived = row.get("arrived_at")
        table.add_row(
            styled(row["dataset"], ""),
            styled(word, colour),
            f"{arrived:%Y-%m-%d}" if arrived else "-",
            *counts,
            _checks(row),
        )
    console.print(table)
    console.print(Text(_NOTE, "dim"))
    if concerns := [line for row in rows for line in _concerns(row)]:
        console.print(Text("\nPerlu perhatian:", "bold"))
        for line in concerns:
            console.print(styled(f"  {line}", ""))


def _state(row: dict[str, Any]) -> tuple[str, str]:
    state = row["state"]
    return LOADS.get(state, (str(state), "red"))


def _number(value: int | None) -> str:
    return "-" if value is None else number(value)


def _checks(row: dict[str, Any]) -> Text:
    asked, failed = row["checks"], row["errors"] + row["warnings"]
    if not asked:
        return Text("-")
    return Text(f"{asked - failed}/{asked}", "red" if row["errors"] else "yellow" if failed else "")


def _concerns(row: dict[str, Any]) -> list[str]:
    found: list[str] = []
    if row["error"]:
        reason = row["error"].splitlines()[0].removeprefix(f"{row['dataset']}: ")
        found.append(f"{row['dataset']}: {_state(row)[0]}: {reason}")
    if row["errors"] or row["warnings"]:
        found.append(f"{row['dataset']}: uji: {row['errors']} gagal, {row['warnings']} peringatan")
    return found
