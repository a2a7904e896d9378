"""Writes temuan.csv: one line for each finding, and collects the summary on the way.

The file is UTF-8 with a byte order mark and `;` between its cells, which a spreadsheet that is set to Indonesian opens.
No cell is a formula there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from pipelines.clock import TIMEZONE
from pipelines.feedback.entries import Finding
from pipelines.feedback.limits import MOST_LISTED
from pipelines.feedback.pack.cells import safe_text
from pipelines.feedback.pack.place import Layout
from pipelines.feedback.pack.summary import Summary
from pipelines.publication.indonesian import number

NAME = "temuan.csv"
COLUMNS = (
    "kode", "tingkat", "berkas", "lembar", "baris", "kolom", "sel", "kunci", "nilai", "pesan", "perbaikan",
    "pertama_terlihat", "status",
)  # fmt: skip


def write_findings(path: Path, summary: Summary, layout: Layout, findings: Iterable[Finding]) -> None:
    """Writes the findings, at most MOST_LISTED. All are counted in the summary, and what is left out is said there."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(TIMEZONE)
    left_out = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for finding in findings:
            summary.add(finding)
            if summary.listed == MOST_LISTED:
                left_out += 1
                continue
            summary.listed += 1
            place = finding.place
            row = place.number if place.number is not None else ""
            cells = (
                finding.code,
                finding.severity.value,
                summary.file or place.text,
                layout.sheet(place),
                row,
                finding.column,
                layout.address(place, finding.column),
                finding.key,
                finding.value,
                finding.message,
                finding.fix,
                f"{finding.since.astimezone(zone):%Y-%m-%d %H:%M}",
                finding.state,
            )
            writer.writerow([cell if isinstance(cell, int) else safe_text(cell) for cell in cells])
    if left_out:
        summary.notes.append(
            f"{NAME} memuat {number(summary.listed)} temuan yang pertama; {number(left_out)} lainnya hanya dihitung."
        )
