"""Makes the documents that are sent: the digest of a night, its part for one OPD, a message about one problem.

What belongs here: what a document says, as JSON of a documented form (docs/configuration.md). Not here: its form in a
mail or a chat (text.py), to whom it goes (outbox.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipelines.alerts.problem import FAILED, HEADINGS, LATE, OF_DATASET, URGENT
from pipelines.alerts.register import Known
from pipelines.publication.indonesian import day, number

SCHEMA = "gudang-kabar/1"
"""The form of a document. A new key may be added; a change of meaning gets a new number."""
Document = dict[str, Any]
_COUNTED = {
    "mart_blocked": "mart terbit tertahan pemeriksaan",
    "key_missing": "kunci tidak ada",
    "disk_low": "disk hampir penuh",
    "night": "malam tidak selesai",
    "undecided": "dataset terlalu lama menunggu persetujuan",
    "drift": "perubahan struktur",
    "quarantine": "dataset dengan karantina baru",
    "model": "model gagal",
    "check": "mart terbit dengan peringatan",
    "run": "run gagal",
    "tick": "sensor atau jadwal gagal",
    "refused": "penerima kabar ditolak",
}


def digest(
    problems: Sequence[Known],
    resolved: Sequence[Known],
    datasets: Collection[str],
    waiting: Mapping[str, int],
    *,
    night: datetime,
    since: datetime,
    until: datetime,
    ui_url: str | None,
) -> Document:
    """The digest for the walidata. datasets: all keys. waiting: rows in quarantine by dataset. night: when it ended."""
    order = list(HEADINGS)
    sorted_problems = sorted(problems, key=lambda p: order.index(p.kind))
    return {
        "schema": SCHEMA,
        "kind": "digest",
        "audience": "walidata",
        "night": night.isoformat(),
        "since": since.isoformat(),
        "until": until.isoformat(),
        "headline": headline(sorted_problems, len(datasets), night),
        "problems": [_item(p, ui_url) for p in sorted_problems],
        "resolved": [_item(p, None) for p in resolved],
        "quarantine_waiting": {key: n for key, n in sorted(waiting.items()) if n},
    }


def for_opd(whole: Document, opd: str, datasets: Collection[str]) -> Document | None:
    """The part of a digest about some datasets of one OPD, without links; None if nothing of them is wrong or over."""
    problems, resolved = (
        [
            {**item, "run_url": None}
            for item in whole[name]
            if item["kind"] in OF_DATASET and item["dataset"] in datasets
        ]
        for name in ("problems", "resolved")
    )
    if not problems and not resolved:
        return None
    night = datetime.fromisoformat(whole["night"])
    counts = Counter(str(item["kind"]) for item in problems)
    return {
        **whole,
        "audience": opd,
        "headline": _headline(counts, len(datasets), night),
        "problems": problems,
        "resolved": resolved,
        "quarantine_waiting": {k: n for k, n in whole["quarantine_waiting"].items() if k in datasets},
    }


def urgent(problem: Known, ui_url: str | None) -> Document:
    """The message about one problem that can't wait."""
    assert problem.kind in URGENT
    return {
        "schema": SCHEMA,
        "kind": "urgent",
        "audience": "walidata",
        "headline": f"Segera: {HEADINGS[problem.kind]}: {problem.subject}",
        "problems": [_item(problem, ui_url)],
        "resolved": [],
        "quarantine_waiting": {},
    }


def health(problems: Sequence[Known], resolved: Sequence[Known]) -> Document:
    """The message about checks of `gudang health` that are critical, or are so no longer."""
    names = ", ".join(p.subject for p in problems)
    state = f"kritis: {names}" if names else "tidak ada yang kritis lagi"
    return {
        "schema": SCHEMA,
        "kind": "health",
        "audience": "walidata",
        "headline": f"Gudang Data Kaltim: {state}",
        "problems": [_item(p, None) for p in problems],
        "resolved": [_item(p, None) for p in resolved],
        "quarantine_waiting": {},
    }


def test_message(now: datetime) -> Document:
    """A message that says that it is a test."""
    return {
        "schema": SCHEMA,
        "kind": "test",
        "audience": "walidata",
        "headline": f"Uji kabar Gudang Data Kaltim, {day(now)}: saluran ini bekerja.",
        "problems": [],
        "resolved": [],
        "quarantine_waiting": {},
    }


def headline(problems: Sequence[Known], datasets: int, night: datetime) -> str:
    """The first line: how the night was."""
    return _headline(Counter(p.kind for p in problems), datasets, night)


def _headline(counts: Counter[str], datasets: int, night: datetime) -> str:
    parts: list[str] = []
    if counts[FAILED]:
        parts.append(f"{counts[FAILED]} dari {number(datasets)} dataset gagal")
    if counts[LATE]:
        parts.append(
            f"{counts[LATE]} terlambat" if parts else f"{counts[LATE]} dari {datasets} dataset terlambat"
        )
    parts += [f"{counts[kind]} {words}" for kind, words in _COUNTED.items() if counts[kind]]
    return f"Malam {day(night)}: {', '.join(parts) or f'baik, {number(datasets)} dataset'}."


def _item(problem: Known, ui_url: str | None) -> Mapping[str, Any]:
    url = f"{ui_url}/runs/{problem.run_id}" if ui_url and problem.run_id else None
    return {
        "kind": problem.kind,
        "title": HEADINGS[problem.kind],
        "subject": problem.subject,
        "message": problem.message,
        "dataset": problem.dataset,
        "since": problem.first_at.isoformat(),
        "times": problem.times,
        "resolved_at": problem.resolved_at.isoformat() if problem.resolved_at else None,
        "run_id": problem.run_id,
        "run_url": url,
    }
