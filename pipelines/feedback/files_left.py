"""Tells each OPD of its files in the upload zone that no dataset takes: unknown names, wrong folders, no contract.

One folder per OPD lists all of them. It is written again when they change, and deleted when none is left. Not here:
which files these are (datasets.py).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.datasets import Datasets, files_left
from pipelines.extract.upload.inbox import LeftFile
from pipelines.extract.upload.zone import Zone
from pipelines.feedback import ledger, outbox
from pipelines.feedback.entries import Finding
from pipelines.feedback.pack.build import build_of_files, title_of_opd
from pipelines.feedback.pack.place import Place
from pipelines.findings.catalogue import Severity
from pipelines.redaction.personal_shapes import NUMBERS, masked
from pipelines.settings import Settings

UNPLACED = "GDK-F018"
"""The code of a file whose name or place no dataset takes."""


def tell_of_files(
    connection: Connection[Any], settings: Settings, datasets: Datasets, zone: Zone
) -> list[str]:
    """Writes what has changed, and returns a line for each folder that was written or deleted. Raises SourceError."""
    known = {c.opd for c in datasets.contracts} | {s.opd for s in datasets.set_aside}
    by_opd: dict[str, list[LeftFile]] = {}
    for file in files_left(settings, datasets):
        if not file.unfinished:
            opd = file.place.partition("/")[0]
            by_opd.setdefault(opd if opd in known and "/" in file.place else "", []).append(file)
    told = ledger.told_of_files(connection)
    lines: list[str] = []
    for opd, files in sorted(by_opd.items()):
        mark = mark_of(files)
        if opd in told and told[opd].mark == mark:
            continue
        folder = outbox.folder_of_files(opd or None)
        with tempfile.TemporaryDirectory(prefix="gudang-") as work:
            title = title_of_opd(opd, datasets.contracts) if opd else "berkas tanpa OPD"
            build_of_files(opd or "-", title, map(_finding, files), Path(work))
            outbox.put_folder(zone, folder, Path(work), opd or outbox.OUTBOX)
        ledger.note_files(connection, opd, folder, len(files), mark)
        lines.append(f"{folder}: {len(files)} berkas tidak diambil")
    for opd, before in sorted(told.items()):
        if opd not in by_opd:
            if before.folder:
                outbox.remove_folder(zone, before.folder, opd or outbox.OUTBOX)
            ledger.end_files(connection, opd)
            lines.append(f"{before.folder}: sudah tidak ada berkas yang tidak diambil")
    return lines


def mark_of(files: Sequence[LeftFile]) -> str:
    """A text that changes when other files are left, one has another content, or the reason is another."""
    text = "\n".join(sorted(f"{f.place} {f.stamp} {f.reason}" for f in files if not f.unfinished))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _finding(file: LeftFile) -> Finding:
    message, _, fix = file.reason.partition("; ")
    return Finding(
        UNPLACED,
        Severity.ERROR,
        Place(masked(file.place, NUMBERS)),
        "",
        "",
        "",
        message,
        fix,
        datetime.now(UTC),
    )
