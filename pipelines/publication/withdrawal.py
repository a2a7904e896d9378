"""Removes files that may no longer be published from the next edition.

What belongs here: which files are removed, and why. Not here: what is published (publish.py), the folder (edition.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from pipelines.publication import publication_log
from pipelines.publication.edition import Edition
from pipelines.publication.files import CSV, XLSX
from pipelines.publication.mart import OpenMart
from pipelines.publication.publication_log import Event

_log = logging.getLogger("gudang")


def withdraw(edition: Edition, marts: Sequence[OpenMart], out_dir: Path) -> list[Event]:
    """Removes the files of marts that are no longer open, or that a contract closes. Gives an event for each."""
    forbidden = forbidden_marts(marts)
    known = {mart.name for mart in marts}
    withdrawn: list[Event] = []
    for name in edition.names():
        path = PurePosixPath(name)
        if path.parent.name not in (CSV, XLSX) or (path.stem in known and path.stem not in forbidden):
            continue
        why = forbidden.get(path.stem, "tidak lagi terbuka")
        withdrawn.append(_withdrawn(edition, out_dir, path.stem, name, why))
    return withdrawn


def withdraw_report(edition: Edition, marts: Iterable[OpenMart], out_dir: Path) -> list[Event]:
    """Removes the report if a contract closes a mart that it reads, because it shows figures of the mart."""
    forbidden = forbidden_marts(marts)
    if not forbidden:
        return []
    from pipelines.publication.report.report import REPORT

    if not edition.has(REPORT):
        return []
    return [_withdrawn(edition, out_dir, publication_log.REPORT, REPORT, "; ".join(forbidden.values()))]


def forbidden_marts(marts: Iterable[OpenMart]) -> dict[str, str]:
    """The marts that a contract closes, by name, with the reasons."""
    return {m.name: "; ".join(m.clearance.refusals) for m in marts if m.clearance and m.clearance.forbidden}


def _withdrawn(edition: Edition, out_dir: Path, mart: str, name: str, why: str) -> Event:
    _log.warning("%s: %s ditarik: %s", mart, name, why)
    return Event(mart, out_dir / name, edition.drop(name), what=publication_log.WITHDRAWN, why=why)
