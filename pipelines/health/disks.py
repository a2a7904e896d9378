"""Measures the free space of the disks that this installation writes to.

Not here: which share is too little (limits.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.numbers import number
from pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class Disk:
    """One file system. names: what we have on it, in Indonesian. free, total: in bytes."""

    names: tuple[str, ...]
    place: Path
    free: int
    total: int

    @property
    def share(self) -> float:
        """The free share, 0 to 1."""
        return self.free / self.total if self.total else 1.0

    @property
    def seen(self) -> str:
        """What was seen, in Indonesian."""
        gigabytes = number(self.free / 1e9, 1)
        return f"{', '.join(self.names)} ({self.place}): sisa {gigabytes} GB, {self.share * 100:.0f}%"


def places(settings: Settings, connection: Connection[Any] | None) -> list[tuple[str, Path]]:
    """What we write and where: home, upload zone, publications, and PostgreSQL's data if they are on this machine."""
    found = [("folder kerja", settings.home), ("publikasi", settings.publication_dir)]
    zone = os.environ.get("GUDANG_UPLOAD_ZONE") or str(settings.home / "unggahan")
    if "://" not in zone:
        found.append(("zona unggah", Path(zone)))
    if connection is not None and (data := _data_directory(connection)):
        found.append(("data PostgreSQL", data))
    return found


def disks(places: Iterable[tuple[str, Path]]) -> list[Disk]:
    """The disk of each place, each disk once. Of a place that does not exist yet, the nearest folder above it."""
    by_device: dict[int, Disk] = {}
    for name, wanted in places:
        place = wanted
        while not place.exists() and place != place.parent:
            place = place.parent
        try:
            device, usage = place.stat().st_dev, shutil.disk_usage(place)
        except OSError:
            continue
        known = by_device.get(device)
        names = (*known.names, name) if known else (name,)
        by_device[device] = Disk(names, known.place if known else place, usage.free, usage.total)
    return list(by_device.values())


def who_may_not_ask(connection: Connection[Any]) -> str | None:
    """The role of this session, if PostgreSQL is on this machine and does not tell it where its data are; else None."""
    if not _is_local(connection) or _data_setting(connection) is not None:
        return None
    row = connection.execute("select current_user").fetchone()
    return row[0] if row else None


def _data_directory(connection: Connection[Any]) -> Path | None:
    """PostgreSQL's data folder; None if it is on another machine, or the user may not ask."""
    folder = _data_setting(connection) if _is_local(connection) else None
    try:
        return folder if folder and folder.exists() else None
    except OSError:
        return None


def _is_local(connection: Connection[Any]) -> bool:
    host = connection.info.host
    return not host or host.startswith("/") or host in ("localhost", "127.0.0.1", "::1")


def _data_setting(connection: Connection[Any]) -> Path | None:
    """What `data_directory` is. For a user without the right, pg_settings has no such row, and there is no error."""
    row = connection.execute("select setting from pg_settings where name = 'data_directory'").fetchone()
    return Path(row[0]) if row else None
