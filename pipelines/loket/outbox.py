"""Finds the files that an OPD gets back about a load, in the outbox of the upload zone.

What belongs here: which of the files that lie there are handed out. Not here: making them, and where they are put
(feedback/).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.contracts.model import Contract
from pipelines.extract.upload.files import is_hidden, leads_outside
from pipelines.extract.upload.zone import SUBJECT, Zone, on_zone
from pipelines.feedback.outbox import folder_of_load

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The kinds of files that are handed out; any other is not."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A file that an OPD gets back. size: in bytes."""

    path: Zone
    name: str
    size: int

    @property
    def suffix(self) -> str:
        """The end of its name, which says its kind."""
        return Path(self.name).suffix.lower()


def returned_files(zone: Zone, contract: Contract, batch_id: int, source_name: str | None) -> list[Returned]:
    """The files about a load, by name; none if there are none. Raises SourceError if the zone does not answer."""
    place = zone / folder_of_load(contract.opd, contract.dataset, batch_id, source_name)
    if isinstance(place, Path):
        return [] if leads_outside(place.parent, place) else _listed(place)
    with on_zone(SUBJECT, place, "umpan balik tidak dapat dibaca"):
        return _listed(place)


def _listed(place: Zone) -> list[Returned]:
    if not place.is_dir():
        return []
    found: list[Returned] = []
    for path in place.iterdir():
        if isinstance(path, Path) and isinstance(place, Path) and leads_outside(place, path):
            continue
        one = Returned(path, path.name, path.stat().st_size) if path.is_file() else None
        if one and one.suffix in MEDIA_TYPES and not is_hidden(one.name):
            found.append(one)
    return sorted(found, key=lambda one: (one.suffix != ".html", one.name))
