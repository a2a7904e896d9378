"""Deletes files in the upload zone that a newer file of the same dataset has replaced.

What belongs here: which files may go. Not here: listing the zone (extract/upload/inbox.py), the order in which files
came (load/arrivals.py).

Only a dataset whose newest file replaces all earlier ones loses files. Where files are appended or merged, a full
refresh reads all of them again, so they stay. A file that was never judged, was rejected or failed stays, too.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.disk import os_reason
from pipelines.errors import SourceError
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.inbox import list_uploads
from pipelines.extract.upload.zone import Zone, on_zone
from pipelines.load.arrivals import take_last_arrived
from pipelines.retention.tables import Pruned

_WHAT = "unggahan yang sudah digantikan"
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
    # The OPD may put another file there just now. Under a name of ours we see which of the two we have.
    ours = path.with_name(f".{path.name}.hapus")
    try:
        path.rename(ours)
        there = ours.stat()
        if (there.st_size, there.st_mtime) != (file.size, file.mtime):
            with suppress(FileExistsError):
                os.link(ours, path)
        ours.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise SourceError(subject, f"{failed}: {os_reason(error)}", code="GDK-F019") from None
