"""Deletes old files of ours under hidden names in the upload zone, which no listing shows.

What belongs here: files that were put aside for a preview, and copies that a killed process did not complete. Not here:
writing them (extract/upload/files.py), files that were on the way to be deleted (uploads.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines.extract.upload.files import ASIDE, PARTIAL, dataset_folder, delete_hidden
from pipelines.extract.upload.zone import CALL_S, Zone, on_zone


def sweep_aside(zone: Zone, key: str, keep: Collection[str], before: float) -> int:
    """Deletes files that were put aside before a moment (seconds since the epoch). Gives their number.

    keep: names that are not deleted. Raises SourceError.
    """
    found = _hidden(dataset_folder(zone, key), key, ASIDE)
    late = [name for name, at in found if at < before and name not in keep]
    for name in late:
        delete_hidden(zone, key, name)
    return len(late)


def sweep_partial(zone: Zone, key: str, before: float, *, dry_run: bool) -> int:
    """Deletes copies that nobody has written to since a moment (seconds since the epoch). Gives their number.

    Their process was killed before it could give them their names. dry_run: they are only counted. Raises SourceError.
    """
    late = [name for name, at in _hidden(dataset_folder(zone, key), key, PARTIAL) if at < before]
    for name in () if dry_run else late:
        delete_hidden(zone, key, name)
    return len(late)


def _hidden(folder: Zone, key: str, names: re.Pattern[str]) -> Iterator[tuple[str, float]]:
    """Names of the files of a folder that match, and when each was written (seconds since the epoch)."""
    if isinstance(folder, Path):
        for path in folder.glob(".*"):
            if not names.fullmatch(path.name):
                continue
            with suppress(OSError):  # it is gone meanwhile
                yield path.name, path.lstat().st_mtime
        return
    infos: list[dict[str, Any]] = []
    with on_zone(key, folder, "isi zona unggah tidak dapat dibaca"), suppress(FileNotFoundError):
        infos = folder.fs.ls(folder.path, detail=True, refresh=True, timeout=CALL_S)
    for info in infos:
        name = str(info["name"]).rpartition("/")[2]
        changed = info.get("mtime") or info.get("LastModified")
        if names.fullmatch(name) and changed is not None:
            yield name, changed.timestamp()
