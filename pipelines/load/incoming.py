"""Which uploads a load reads: one function for each policy.

| the contract says | what is read |
|---|---|
| each file replaces the one before | `newest_file` |
| files are appended | `appended_files` |
| files are merged, and rows have a cursor | `files_merged_by_cursor` |
| files are merged, and rows have no cursor | `files_merged_by_arrival` |

A full refresh of appended or merged files reads all of them. Where no file is new, the last one is read again, because
the contract may have changed.

Not here: what lies in the zone (extract/upload/inbox.py), in which order the files came (arrivals.py), loading them
(pipelines/ingest.py).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.errors import ContractError, GudangError
from pipelines.extract.upload.inbox import LeftFile, list_uploads
from pipelines.extract.upload.zone import Zone
from pipelines.load import arrivals, ledger
from pipelines.load.arrivals import Arrival, Seen
from pipelines.load.stage import revalidate

log = logging.getLogger("gudang")


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a load is to read.

    uploads: in the order in which they are loaded; one None for a source that is no upload.
    failures: of files that could not be read. left: files in the dataset's folder that its contract does not take.
    """

    uploads: Sequence[Arrival | None]
    failures: Sequence[GudangError] = ()
    left: tuple[LeftFile, ...] = ()


def incoming_uploads(
    connection: Connection[Any], contract: Contract, zone: Zone, *, full_refresh: bool
) -> Incoming:
    """The uploads of the zone that a load is to read.

    Raises ContractError for a full refresh of versions from several files.
    """
    listing = list_uploads(zone, contract)
    for left in listing.left:
        log.warning("%s", left)
    seen = arrivals.register_files(connection, contract, listing.files)
    if not contract.takes_every_file:
        return newest_file(seen, listing.left)
    if full_refresh:
        _require_one_picture(contract, len(listing.files))
        files: Sequence[Arrival] = seen.arrivals
    elif contract.appends:
        files = appended_files(
            contract,
            seen.arrivals,
            in_raw=ledger.fingerprints_in_raw(connection, contract),
            again=revalidate.files_to_read_again(connection, contract),
        )
    else:
        changed = {a.seen_id for a in arrivals.changed_arrivals(connection, contract, seen.arrivals)}
        merged = ledger.merged_files(connection, contract)
        if contract.cursor:
            again = revalidate.files_to_read_again(connection, contract)
            files = files_merged_by_cursor(seen.arrivals, changed, merged, again=again)
        else:
            content_since = arrivals.content_since(connection, contract)
            files = files_merged_by_arrival(seen.arrivals, changed, merged, content_since=content_since)
    return Incoming(files, [error for _, error in seen.unreadable], listing.left)


def _require_one_picture(contract: Contract, files: int) -> None:
    if contract.keeps_history and files > 1:
        raise ContractError(
            contract.key,
            f"zona unggah berisi {files} berkas, dan muat ulang penuh akan mengakhiri dan memulai versi dengan setiap"
            " berkas",
            hint="sisakan hanya berkas yang memuat semua baris menurut keadaan sekarang",
        )


def newest_file(seen: Seen, left: tuple[LeftFile, ...] = ()) -> Incoming:
    """The file that came last. If a file that may have come later cannot be read, nothing but its failure."""
    newest = seen.arrivals[-1:]
    touched = newest[0].file.touched if newest else 0.0
    # Nobody knows when a file came that cannot be read. One that was touched last may be the newest.
    failures = [error for file, error in seen.unreadable if file.touched >= touched]
    if len(seen.arrivals) > 1:
        log.info(
            "%s datang terakhir; %d berkas lain digantikannya", newest[0].file.name, len(seen.arrivals) - 1
        )
    return Incoming([] if failures else newest, failures, left)


def appended_files(
    contract: Contract, seen: Sequence[Arrival], *, in_raw: Set[str], again: Set[str]
) -> Sequence[Arrival]:
    """The files whose content, as the contract reads it today, raw does not have; else the one that came last.

    in_raw: the fingerprints that raw has. again: names of files that are read again because of changed rules.
    """
    due = [a for a in seen if ledger.fingerprint(contract, a.sha256) not in in_raw or a.file.name in again]
    return due or seen[-1:]


def files_merged_by_cursor(
    seen: Sequence[Arrival], changed: Set[int], merged: Sequence[tuple[str, str]], *, again: Set[str]
) -> Sequence[Arrival]:
    """The files with changed content, in the order in which they came; else the one that was merged last.

    changed: `seen_id` of the files whose content was not merged yet. merged: name and SHA-256 of the merged files, in
    the order of their loads. again: names of files that are read again because of changed rules.
    """
    due = [a for a in seen if a.seen_id in changed or a.file.name in again]
    return due or _merged_last(seen, merged)


def files_merged_by_arrival(
    seen: Sequence[Arrival],
    changed: Set[int],
    merged: Sequence[tuple[str, str]],
    *,
    content_since: Mapping[str, int],
) -> Sequence[Arrival]:
    """As `files_merged_by_cursor`, where only the order of files says which of two rows is the newer one.

    A merged file that should have come after one of these is merged again.
    content_since: for each name the `seen_id` since which the file has its present content.
    """
    ordered = sorted(seen, key=lambda a: a.seen_id if a.seen_id in changed else content_since[a.file.name])
    overtaken = overtaken_files(ordered, changed, merged)
    due = [a for a in ordered if a.seen_id in changed or a.file.name in overtaken]
    return due or _merged_last(ordered, merged)


def overtaken_files(
    ordered: Sequence[Arrival], changed: Set[int], merged: Sequence[tuple[str, str]]
) -> set[str]:
    """Names of merged files after which an earlier file was merged, or is to be merged now.

    A changed file that failed under the same contract, by a fault of its own, merges nothing, and overtakes none.
    """
    turns = {file: turn for turn, file in enumerate(merged)}
    latest = -1.0
    names: set[str] = set()
    for arrival in ordered:
        if arrival.seen_id in changed:
            latest = latest if arrival.outcome else math.inf
            continue
        turn = turns.get((arrival.file.name, arrival.sha256))
        if turn is not None and turn < latest:
            names.add(arrival.file.name)
        elif turn is not None:
            latest = turn
    return names


def _merged_last(seen: Sequence[Arrival], merged: Sequence[tuple[str, str]]) -> Sequence[Arrival]:
    """The file that was merged last, if it is still there; else the one that came last."""
    last = [a for a in seen if merged and a.sha256 == merged[-1][1]]
    return last[-1:] or seen[-1:]
