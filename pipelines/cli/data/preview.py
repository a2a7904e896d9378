"""`gudang upload --dry-run`: prints what a load of each file would do.

Not here: the preview itself (feedback/preview.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.errors import GudangError
from pipelines.extract.upload.inbox import file_outside
from pipelines.extract.upload.zone import upload_zone
from pipelines.feedback.preview import UNKNOWN, Preview, preview
from pipelines.numbers import number
from pipelines.redaction.secrets import shown
from pipelines.settings import Settings


def print_previews(
    connection: Connection[Any], contract: Contract, settings: Settings, files: Sequence[Path]
) -> bool:
    """Prints a preview of each file. False if a fault keeps one of them from being loaded or counted."""
    found: list[Preview] = []
    for file in files:
        try:
            outside = file_outside(upload_zone(settings), contract, file, file.name)
        except GudangError as error:
            found.append(Preview(file.name, "failed", why=str(error)))
        else:
            try:
                found.append(preview(connection, contract, settings, outside))
            except GudangError as error:
                found.append(Preview(file.name, UNKNOWN, why=str(error)))
        print(*(shown(line) for line in lines(found[-1])), sep="\n")
    if len(files) > 1:
        together = "yang dimuat hanya yang datang terakhir"
        if contract.takes_every_file:
            together = "masing-masing dihitung seakan-akan hanya berkas itu yang dikirim"
        print(f"Dari {len(files)} berkas ini {together}.")
    print("Ini hanya pratinjau: tidak ada yang diletakkan, dimuat, atau diubah.")
    return all(one.state not in ("failed", "rejected", UNKNOWN) for one in found)


def lines(found: Preview) -> list[str]:
    """The preview of a file, as a person reads it."""
    changes = found.changes
    counts = {
        "baru": changes.new,
        "berubah": changes.changed,
        "sama": changes.unchanged,
        "dihapus": changes.deleted,
        "dikarantina": found.refused,
    }
    said = ", ".join(f"{number(count)} {word}" for word, count in counts.items()) + " (baris)"
    if found.is_known:
        said = "isinya sudah dimuat, jadi tidak ada yang baru"
    elif found.state == "failed":
        said = f"TIDAK DAPAT DIMUAT: {found.why}"
    elif found.state == UNKNOWN:
        said = f"TIDAK DAPAT DIHITUNG: {found.why}"
    elif found.why:
        said = f"{found.why}; {number(found.refused)} baris dikarantina"
    elif found.state == "waiting":
        said += "; menunggu persetujuan walidata"
    cells = [f"  {one.code}  {number(one.count)} × {one.title} ({one.severity})" for one in found.found]  # noqa: RUF001
    return [f"{found.name}: {said}", *cells, *(f"  peringatan: {text}" for text in found.warnings)]
