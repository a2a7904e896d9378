"""Tells each OPD of its files in the upload zone that no dataset takes: unknown names, wrong folders, no contract.

One folder per OPD lists all of them. It is written again when they change, and deleted when none is left. Not here:
which files these are (datasets.py).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.datasets import Datasets, files_left
from pipelines.disk import os_reason
from pipelines.errors import GudangError
from pipelines.extract.upload.inbox import LeftFile
from pipelines.extract.upload.zone import Zone
from pipelines.feedback import ledger, outbox
from pipelines.feedback.entries import Finding
from pipelines.feedback.pack.build import build_of_files, title_of_opd
from pipelines.feedback.pack.place import Place
from pipelines.findings.catalogue import Severity
from pipelines.load.failures import message_of
from pipelines.redaction.personal_shapes import NUMBERS, masked
from pipelines.settings import Settings

UNPLACED = "GDK-F018"
"""The code of a file whose name or place no dataset takes."""


def tell_of_files(
    connection: Connection[Any], settings: Settings, datasets: Datasets, zone: Zone
) -> tuple[list[str], list[str]]:
    """Writes what has changed. Gives a line for each folder that was written or deleted, and one for each that failed.

    What failed is tried again in the next call. Raises SourceError if the zone can't be listed.
    """
    by_opd = _by_opd(files_left(settings, datasets), datasets)
    told = ledger.told_of_files(connection)
    lines: list[str] = []
    failures: list[str] = []
    for opd in sorted({*by_opd, *told}):
        try:
            lines += _tell(connection, zone, datasets, opd, by_opd.get(opd, []), told.get(opd))
        except (GudangError, OSError) as error:
            why = os_reason(error) if isinstance(error, OSError) else message_of(error)
            failures.append(f"{opd or outbox.OUTBOX}, berkas yang tidak diambil: {why}")
    return lines, failures


def _tell(
    connection: Connection[Any],
    zone: Zone,
    datasets: Datasets,
    opd: str,
    files: Sequence[LeftFile],
    before: ledger.Told | None,
) -> list[str]:
    """Tells one OPD. opd: "" for files in no OPD's folder. before: what stands."""
    if not files:
        if before and before.folder:
            outbox.remove_folder(zone, before.folder, opd or outbox.OUTBOX)
        ledger.end_files(connection, opd)
        return [f"{before.folder}: sudah tidak ada berkas yang tidak diambil"] if before else []
    mark = mark_of(files)
    if before and before.mark == mark:
        return []
    folder = outbox.folder_of_files(opd or None)
    with tempfile.TemporaryDirectory(prefix="gudang-") as work:
        title = title_of_opd(opd, datasets.contracts) if opd else "berkas tanpa OPD"
        build_of_files(opd or "-", title, map(_finding, files), Path(work))
        outbox.put_folder(zone, folder, Path(work), opd or outbox.OUTBOX)
    ledger.note_files(connection, opd, folder, len(files), mark)
    return [f"{folder}: {len(files)} berkas tidak diambil"]


def untold_files(connection: Connection[Any], settings: Settings, datasets: Datasets) -> list[str]:
    """A text for each OPD whose files have changed since it was told, which changes with them and with what was told.

    Raises SourceError.
    """
    marks = {opd: mark_of(files) for opd, files in _by_opd(files_left(settings, datasets), datasets).items()}
    told = ledger.told_of_files(connection)
    return [
        f"berkas {opd}:{marks.get(opd, '')}:{told[opd].feedback_id if opd in told else ''}"
        for opd in sorted({*marks, *told})
        if opd not in told or told[opd].mark != marks.get(opd)
    ]


def _by_opd(files: Iterable[LeftFile], datasets: Datasets) -> dict[str, list[LeftFile]]:
    """The files by OPD; "" for those in the folder of none. Those that are still on their way are left out."""
    known = {c.opd for c in datasets.contracts} | {s.opd for s in datasets.set_aside}
    found: dict[str, list[LeftFile]] = {}
    for file in files:
        if not file.unfinished:
            opd = file.place.partition("/")[0]
            found.setdefault(opd if opd in known and "/" in file.place else "", []).append(file)
    return found


def mark_of(files: Sequence[LeftFile]) -> str:
    """A text that changes when other files are left, one has another content, or the reason is another."""
    text = "\n".join(sorted(f"{f.place} {f.stamp} {f.reason}" for f in files))
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
