"""Registers uploads in the order in which they were first seen (ops.upload_seen), and the outcome of each.

A file's own time does not say when it came: `cp -p` and SFTP keep an old one, and a wrong clock gives one in the
future. So the sensor and the loads register new files whenever they look into the zone. Not here: what lies in the zone
(extract/upload/inbox.py), the ledger of loads (ledger.py).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.inbox import Listing
from pipelines.load import ledger
from pipelines.warehouse import locks


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file as it was put into the zone.

    outcome: how its load ended (`note_outcome`); None if it was not loaded under today's contract.
    """

    seen_id: int
    file: UploadedFile
    sha256: str
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The files of a dataset, in the order in which they came.

    unreadable: files that could not be read, with the reason. unread: files that were left because time was over.
    """

    arrivals: tuple[Arrival, ...]
    unreadable: tuple[tuple[UploadedFile, SourceError], ...] = ()
    unread: tuple[UploadedFile, ...] = ()


class Patience:
    """A limit on the time in which one look at the zone reads files of all datasets. One file is always read."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._has_read = False

    def is_over(self) -> bool:
        """Whether no further file may be read. Call it before each file."""
        over = self._has_read and time.monotonic() > self._until
        self._has_read = True
        return over


@dataclass(frozen=True, slots=True)
class _Known:
    seen_id: int
    sha256: str
    mtime: float
    stamp: str
    outcome: str | None


def take_last_arrived(connection: Connection[Any], contract: Contract, listing: Listing) -> Listing:
    """Of each original and its marked copies, takes the one whose content came last by ops.upload_seen.

    The file system's clock does not say which that is: a chmod and a restore of the zone set it. It only orders files
    that somebody has put there since the last look.
    """
    if not listing.superseded:
        return listing
    groups: dict[str, list[UploadedFile]] = {file.name: [] for file in listing.superseded}
    for file in (*listing.files, *listing.superseded):
        if file.name in groups:
            groups[file.name].append(file)
    rows: dict[str, list[_Known]] = {name: [] for name in groups}
    for name, *rest in connection.execute(
        "select name, seen_id, sha256, mtime, stamp, outcome from ops.upload_seen"
        " where dataset = %s and name = any(%s) order by seen_id",
        [contract.key, [*groups]],
    ):
        rows[name].append(_Known(*rest))
    taken = {name: _last_arrived(connection, files, rows[name]) for name, files in groups.items()}
    files = [*(f for f in listing.files if f.name not in groups), *taken.values()]
    rest = [f for name, group in groups.items() for f in group if f is not taken[name]]
    return replace(
        listing, files=tuple(sorted(files, key=lambda f: (f.mtime, f.name))), superseded=tuple(rest)
    )


def register_files(
    connection: Connection[Any],
    contract: Contract,
    files: Sequence[UploadedFile],
    *,
    patience: Patience | None = None,
) -> Seen:
    """Registers the new files in ops.upload_seen, and gives all files in the order in which they came.

    A file is new if its name is new, or its content or its time has changed. A file with a known stamp is not read
    again. An original that counts again because its marked copy is gone keeps its old place. If several files are new,
    those whose content we already know under their name come first, in their old order. The others follow by time and
    name; a time in the future counts as now.
    """
    known = _known(connection, contract)
    read: dict[str, str] = {}
    unreadable: list[tuple[UploadedFile, SourceError]] = []
    new = [f for f in files if f.name not in known or known[f.name].stamp != f.stamp]
    uncovered = _uncovered(connection, contract, [f for f in new if f.name in known])
    new = [f for f in new if f.name not in uncovered]
    unread: list[UploadedFile] = []
    for file in sorted(new, key=lambda f: (f.mtime, f.name)):
        if patience and patience.is_over():
            unread.append(file)
            continue
        try:
            read[file.name] = file.sha256
        except SourceError as error:
            unreadable.append((file, error))
    if read:
        known = _note(connection, contract, [f for f in files if f.name in read], read)
    bad = {file.name for file, _ in unreadable} | {file.name for file in unread}
    known |= uncovered
    arrivals = [
        Arrival(known[f.name].seen_id, f, known[f.name].sha256, known[f.name].outcome)
        for f in files
        if f.name not in bad
    ]
    return Seen(tuple(sorted(arrivals, key=lambda a: a.seen_id)), tuple(unreadable), tuple(unread))


def changed_arrivals(
    connection: Connection[Any], contract: Contract, arrivals: Sequence[Arrival]
) -> list[Arrival]:
    """The files whose content is not in raw, in their order; only the newest file if files replace each other.

    A file whose content went back to an earlier one counts, too, and is loaded again.
    """
    if contract.merges or contract.replaces_periods:
        # Of each name the content that was merged last: what another content has come over may come again.
        of_name = dict(ledger.merged_files(connection, contract))
        known = {*of_name.values()}
        return [
            a for a in arrivals if a.sha256 not in known or of_name.get(a.file.name, a.sha256) != a.sha256
        ]
    in_raw = {f.split(":")[0] for f in ledger.fingerprints_in_raw(connection, contract)}
    candidates = arrivals if contract.appends else arrivals[-1:]
    return [a for a in candidates if a.sha256 not in in_raw]


def content_since(connection: Connection[Any], contract: Contract) -> dict[str, int]:
    """By file name, the `seen_id` with which the file first had its present content.

    Putting the same content there again does not change it.
    """
    rows = connection.execute(
        "select name, min(seen_id) from ops.upload_seen s where dataset = %s and not exists (select from"
        " ops.upload_seen o where o.dataset = s.dataset and o.name = s.name and o.seen_id > s.seen_id"
        " and o.sha256 <> s.sha256) group by name",
        [contract.key],
    )
    return dict(rows.fetchall())


def note_outcome(connection: Connection[Any], contract: Contract, arrival: Arrival, outcome: str) -> None:
    """Notes the outcome of a file's load: loaded, unchanged, rejected or failed (by a fault of the file itself)."""
    connection.execute(
        "update ops.upload_seen set outcome = %s, contract_mark = %s where seen_id = %s",
        [outcome, contract_mark(contract), arrival.seen_id],
    )


def contract_mark(contract: Contract) -> str:
    """A hash of the contract's text. If it has changed, a file that was refused is tried again."""
    text = contract.path.read_bytes() if contract.path.exists() else b""
    return hashlib.sha256(text).hexdigest()[:16]


def _known(connection: Connection[Any], contract: Contract) -> dict[str, _Known]:
    """The newest row of ops.upload_seen for each file name."""
    rows = connection.execute(
        "select distinct on (name) name, seen_id, sha256, mtime, stamp,"
        " case when contract_mark = %s then outcome end"
        " from ops.upload_seen where dataset = %s order by name, seen_id desc",
        [contract_mark(contract), contract.key],
    )
    return {name: _Known(*rest) for name, *rest in rows.fetchall()}


def _last_arrived(
    connection: Connection[Any], files: Sequence[UploadedFile], rows: Sequence[_Known]
) -> UploadedFile:
    """Of an original and its copies, the file that came last. rows: what came under their name, the oldest first."""
    by_stamp = {row.stamp: row for row in rows}
    untouched = {file: by_stamp[file.stamp] for file in files if file.stamp in by_stamp}
    newest = max(files, key=lambda f: f.touched)
    if newest in untouched and untouched[newest] == max(untouched.values(), key=lambda row: row.seen_id):
        return newest  # a file that changed before it was not put there later
    places = untouched | {f: seen for f in files if f not in untouched and (seen := _seen_content(f, rows))}
    put = [file for file in files if file not in places or places[file].mtime != file.mtime]
    if len(places) < len(files):
        # Another content is there. The clock of a known file counts only if nothing has touched it since.
        return max((f for f in files if f in put or f in untouched), key=lambda f: f.touched)
    # If all have another time and none another content, the zone was copied from elsewhere.
    was_copied = len(put) == len(files)
    for file, seen in places.items():
        if seen.stamp != file.stamp and (was_copied or file not in put):
            connection.execute(
                "update ops.upload_seen set stamp = %s, mtime = %s where seen_id = %s",
                [file.stamp, file.mtime, seen.seen_id],
            )
    if put and not was_copied:
        return max(put, key=lambda f: f.touched)
    return max(files, key=lambda f: places[f].seen_id)


def _seen_content(file: UploadedFile, rows: Sequence[_Known]) -> _Known | None:
    """The newest of the rows with the file's content and, if there is one, its time."""
    try:
        same = [row for row in rows if row.sha256 == file.sha256]
    except SourceError:
        return None  # it is said when the file is registered
    return max(same, key=lambda row: (row.mtime == file.mtime, row.seen_id), default=None)


def _uncovered(
    connection: Connection[Any], contract: Contract, files: Sequence[UploadedFile]
) -> dict[str, _Known]:
    """By name, the row of a file that lay in the zone all the time, while a marked copy was read in place of it.

    Only this machine's clock (ctime) shows that nobody has put it there again.
    """
    stamps = {file.name: file.stamp for file in files if file.changed is not None}
    if not stamps:
        return {}
    rows = connection.execute(
        "select distinct on (s.name) s.name, s.seen_id, s.sha256, s.mtime, s.stamp,"
        " case when s.contract_mark = %s then s.outcome end from ops.upload_seen as s"
        " join unnest(%s::text[], %s::text[]) as f (name, stamp) on f.name = s.name and f.stamp = s.stamp"
        " where s.dataset = %s order by s.name, s.seen_id desc",
        [contract_mark(contract), [*stamps], [*stamps.values()], contract.key],
    )
    return {name: _Known(*rest) for name, *rest in rows.fetchall()}


def _note(
    connection: Connection[Any], contract: Contract, files: Iterable[UploadedFile], read: dict[str, str]
) -> dict[str, _Known]:
    """Writes the files to ops.upload_seen, and gives the newest row of each name. read: SHA-256 by name."""
    now = time.time()
    with connection.transaction():
        locks.lock_until_commit(connection, f"unggahan:{contract.key}")
        known = _known(connection, contract)

        def order(file: UploadedFile) -> tuple[int, float, str]:
            before = known.get(file.name)
            if before and before.sha256 == read[file.name]:
                return before.seen_id, 0.0, file.name
            return _LAST, min(file.mtime, now), file.name

        for file in sorted(files, key=order):
            before = known.get(file.name)
            if before and (before.sha256, before.mtime) == (read[file.name], file.mtime):
                # Only its rights or the like have changed. Nobody put the file there again.
                connection.execute(
                    "update ops.upload_seen set stamp = %s where seen_id = %s", [file.stamp, before.seen_id]
                )
            else:
                connection.execute(
                    "insert into ops.upload_seen (dataset, name, sha256, mtime, stamp) values (%s, %s, %s, %s, %s)",
                    [contract.key, file.name, read[file.name], file.mtime, file.stamp],
                )
        return _known(connection, contract)


_LAST = 1 << 62
