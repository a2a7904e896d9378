"""The check of the upload zone: files that wait for a load.

Not here: which files a contract reads (datasets.py); `gudang status` tells that.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.upload import OUTBOX, read_marked_name, stem_of
from pipelines.extract.upload.files import UploadedFile
from pipelines.health.check import Check, span
from pipelines.health.disks import places
from pipelines.health.limits import OK, WARNING
from pipelines.health.place import Place

_NEWEST = """
select distinct on (u.dataset, u.name) u.dataset || '/' || u.name,
    array_agg(u.stamp) over (partition by u.dataset, u.name),
    -- The same content under another name is in raw already, and gets no load and no outcome.
    case when u.outcome is null and u.seen_id = u.newest and not exists (
        select from ops.load_batch as l
        where l.dataset = u.dataset and split_part(l.source_fingerprint, ':', 1) = u.sha256
            and l.state in ('loaded', 'unchanged') and l.window_start is null and not exists (
                select from ops.load_batch as n
                where n.dataset = l.dataset and n.source_name = l.source_name and n.state = 'loaded'
                    and n.batch_id > l.batch_id and split_part(n.source_fingerprint, ':', 1) <> u.sha256
            )
    ) then extract(epoch from %s - u.seen_at)::float8 end
from (select *, max(seen_id) over (partition by dataset) as newest from ops.upload_seen) as u
order by u.dataset, u.name, u.seen_id desc
"""


def waiting_uploads(place: Place, warehouse: Connection[Any]) -> Check:
    """Files that no load has judged: of each dataset the newest that was seen, and those that nobody has looked at.

    A file that was seen before is one that a contract takes. Another one may be none that a contract takes, so it is
    never critical.
    """
    now = place.now()
    known = {file: (stamps, age) for file, stamps, age in warehouse.execute(_NEWEST, [now]).fetchall()}
    zone = next((path for name, path in places(place.settings, None) if name == "zona unggah"), None)
    waiting = {file: age for file, (_, age) in known.items() if age is not None}
    unknown = dict[str, float]()
    if zone is not None:
        present = _by_original(dict(_files(zone)), known)
        waiting = {name: age for name, age in waiting.items() if name in present}
        for name, file in present.items():
            age = now.timestamp() - file.touched
            if name not in known:
                unknown[name] = age
            elif file.stamp not in known[name][0]:  # put there again since it was seen
                waiting[name] = age
    limit = place.limits.upload_hours
    late = {name: age for name, age in (waiting | unknown).items() if limit.state(age / 3600) != OK}
    oldest = max(late.values(), default=0.0)
    states = (
        min(limit.state(age / 3600), WARNING) if name in unknown else limit.state(age / 3600)
        for name, age in late.items()
    )
    named = ", ".join(sorted(late)[:3]) + (f", dan {len(late) - 3} lagi" if len(late) > 3 else "")
    return Check(
        "unggahan",
        max(states, default=OK),
        f"{len(late)} berkas menunggu, yang tertua {span(oldest)}: {named}"
        if late
        else "tidak ada yang menunggu",
        "jalankan `gudang ui`, yang memuatnya; `gudang status` menyebut berkas yang tidak diambil",
        len(late),
        "files",
    )


def _by_original(files: dict[str, UploadedFile], known: Container[str]) -> dict[str, UploadedFile]:
    """The files, of each upload and its marked copies the newest, under the name of the upload (inbox.list_uploads).

    known: the names that a contract has taken as they are.
    """
    copies = {
        place: copy for place, f in files.items() if place not in known and (copy := read_marked_name(f.name))
    }
    found = {place: file for place, file in files.items() if place not in copies}
    originals = {(place.rpartition("/")[0], stem_of(file.name)): place for place, file in found.items()}
    for place, (stem, suffix) in copies.items():
        folder = place.rpartition("/")[0]
        name = originals.get((folder, stem), f"{folder}/{stem}{suffix}")
        if name not in found or files[place].touched >= found[name].touched:
            found[name] = files[place]
    return found


def _files(zone: Path) -> Iterator[tuple[str, UploadedFile]]:
    """Each file of a dataset's folder, by its name below the zone."""
    for path in zone.glob("*/*/*"):
        try:
            ours = path.name.startswith(".") or OUTBOX in path.parts
            if path.is_file() and not path.is_symlink() and not ours:
                at = path.stat()
                file = UploadedFile(path, path.name, at.st_size, at.st_mtime, at.st_ctime)
                yield str(path.relative_to(zone)), file
        except OSError:
            continue
