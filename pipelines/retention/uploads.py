"""Deletes files in the upload zone that a newer file of the same dataset has replaced, and what killed processes left.

What belongs here: which files may go. Not here: listing the zone (extract/upload/inbox.py), the order in which files
came (load/arrivals.py), finding copies that were not completed (hidden.py).

Only a dataset whose newest file replaces all earlier ones loses files. Where files are appended or merged, a full
refresh reads all of them again, so they stay. A file that was never judged, was rejected or failed stays, too.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.disk import os_reason
from pipelines.errors import SourceError
from pipelines.extract.upload.files import UploadedFile, dataset_folder
from pipelines.extract.upload.inbox import list_uploads
from pipelines.extract.upload.zone import Zone, on_zone
from pipelines.load.arrivals import take_last_arrived
from pipelines.retention.hidden import sweep_partial
from pipelines.retention.tables import Pruned

LEFT_S = 86_400
"""What a process left is touched only when it is so old: no process works at one file for a day."""
_WHAT, _LEFT = "unggahan yang sudah digantikan", "sisa proses yang terhenti"
_ON_ITS_WAY = ".hapus"
_OURS = re.compile(rf"\.[0-9a-f]{{16}}-(\d+)-(-?[0-9.]+(?:e[+-]?\d+)?){re.escape(_ON_ITS_WAY)}")
"""A folder with a file that is being deleted; its name says the size and the time of the file that was meant."""
_REPLACED = """
with standing as (
    select max(seen_id) as seen_id from ops.upload_seen
    where dataset = %(dataset)s and outcome in ('loaded', 'unchanged')
)
select distinct on (u.name) u.name, u.stamp,
    u.seen_id < standing.seen_id and u.outcome in ('loaded', 'unchanged')
    and u.seen_at < clock_timestamp() - make_interval(days => %(days)s) as is_replaced
from ops.upload_seen as u, standing
where u.dataset = %(dataset)s
order by u.name, u.seen_id desc
"""


def prune_uploads(
    connection: Connection[Any], contract: Contract, zone: Zone, days: int, *, dry_run: bool
) -> Pruned | None:
    """Deletes the dataset's files that were replaced and are older than `days`. Gives None for other datasets.

    dry_run: files are only counted. A zone that does not answer is said in the result's note.
    """
    if contract.server.kind != "upload" or contract.takes_every_file:
        return None
    rows = connection.execute(_REPLACED, {"dataset": contract.key, "days": days}).fetchall()
    replaced = {name: stamp for name, stamp, is_replaced in rows if is_replaced}
    place = f"unggahan/{contract.key}"
    if not replaced:
        return Pruned(place, _WHAT, 0)
    try:
        # A file that has changed since we looked is another file.
        listing = take_last_arrived(connection, contract, list_uploads(zone, contract))
        files = [f for f in listing.files if replaced.get(f.name) == f.stamp]
        # First those in place of which it was read, which would count again without it.
        names = {file.name for file in files}
        files = [*(f for f in listing.superseded if f.name in names), *files]
        size = sum(file.size for file in files)
        if not dry_run:
            for file in files:
                _delete(contract.key, file)
    except SourceError as error:
        return Pruned(place, _WHAT, 0, note=error.message)
    return Pruned(place, _WHAT, len(files), size, size if dry_run else 0)


def _delete(subject: str, file: UploadedFile) -> None:
    """Deletes a file of the zone; one that is gone already is no error. Raises SourceError."""
    failed = "unggahan lama tidak dapat dihapus"
    path = file.path
    if not isinstance(path, Path):
        with on_zone(subject, path, failed):
            path.unlink(missing_ok=True)
        return
    # The OPD may put another file there just now. In a folder of ours we see which of the two we have.
    ours = path.with_name(f".{secrets.token_hex(8)}-{file.size}-{file.mtime!r}{_ON_ITS_WAY}")
    try:
        ours.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            path.rename(ours / path.name)
        _finish(ours, file.size, file.mtime)
    except OSError as error:
        raise SourceError(subject, f"{failed}: {os_reason(error)}", code="GDK-F019") from None


def _finish(ours: Path, size: int, mtime: float) -> None:
    """Deletes the file in a folder of ours. Another one than was to be deleted gets its name back. Raises OSError.

    size, mtime: of the file that was to be deleted. If its name was taken meanwhile, the file there has replaced it.
    """
    for path in [*ours.iterdir()]:
        there, place = path.lstat(), ours.with_name(path.name)
        if stat.S_ISDIR(there.st_mode):
            path.rename(place)
            continue
        if stat.S_ISREG(there.st_mode) and (there.st_size, there.st_mtime) != (size, mtime):
            with suppress(FileExistsError):
                os.link(path, place)
        path.unlink()
    ours.rmdir()


def prune_leftovers(contract: Contract, zone: Zone, *, dry_run: bool) -> Pruned | None:
    """Deletes what killed processes have left under hidden names in a dataset's folder. Gives None for other datasets.

    A deletion that was cut off is finished: if it had caught a file that the OPD had just put, the OPD gets it back.
    dry_run: it is only counted. A zone that does not answer is said in the result's note.
    """
    if contract.server.kind != "upload":
        return None
    place, before = f"unggahan/{contract.key}", time.time() - LEFT_S
    try:
        count = sweep_partial(zone, contract.key, before, dry_run=dry_run)
        if isinstance(zone, Path):
            count += _finish_old(dataset_folder(zone, contract.key), before, dry_run=dry_run)
    except SourceError as error:
        return Pruned(place, _LEFT, 0, note=error.message)
    except OSError as error:
        return Pruned(place, _LEFT, 0, note=os_reason(error))
    return Pruned(place, _LEFT, count)


def _finish_old(folder: Path, before: float, *, dry_run: bool) -> int:
    """Finishes deletions that began before a moment (seconds since the epoch). Gives their number. Raises OSError."""
    count = 0
    for ours in folder.glob(f".*{_ON_ITS_WAY}"):
        expected = _OURS.fullmatch(ours.name)
        if expected is None or ours.is_symlink() or ours.stat().st_mtime >= before:
            continue
        count += 1
        if not dry_run:
            _finish(ours, int(expected[1]), float(expected[2]))
    return count
