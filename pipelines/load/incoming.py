"""Chooses the uploads that a load reads: one function for each policy.

| the contract says | what is read |
|---|---|
| each file replaces the one before | `newest_file` |
| files are appended, or each replaces its periods | `appended_files` |
| files are merged, and rows have a cursor | `files_merged_by_cursor` |
| files are merged, and rows have no cursor | `files_merged_by_arrival` |

A full refresh of appended or merged files, or of files that replace periods, reads all of them. If no file is new, the
last one is read again, because the contract may have changed. Which files are read again for some periods only, says
apply/periods.py.

Not here: listing the zone (extract/upload/inbox.py), the order in which files came (arrivals.py), loading them
(pipelines/ingest/).
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

log = logging.getLogger("gudang.muat")


@dataclass(frozen=True, slots=True)
class Incoming:
    """The uploads that a load has to read.

    uploads: in the order in which they are loaded; a single None if the source is no upload zone.
    zone: all files that could be read, in the order in which they came.
    failures: the errors of files that could not be read.
    not_mended: files that failed before and are not loaded again.
    left: files in the dataset's folder that its contract does not take.
    """

    uploads: Sequence[Arrival | None]
    failures: Sequence[GudangError] = ()
    left: tuple[LeftFile, ...] = ()
    not_mended: Sequence[Arrival] = ()
    zone: Sequence[Arrival] = ()


def incoming_uploads(
    connection: Connection[Any],
    contract: Contract,
    zone: Zone,
    *,
    full_refresh: bool,
    only_new: bool = False,
) -> Incoming:
    """Finds the uploads of the zone that a load has to read, and registers new ones.

    only_new: of appended files, or files that replace periods, none is read again if no file is new.

    Raises ContractError for a full refresh of a history if the zone has several files.
    """
    listing = arrivals.take_last_arrived(connection, contract, list_uploads(zone, contract))
    for left in listing.left:
        log.warning("%s", left)
    seen = arrivals.register_files(connection, contract, listing.files)
    if not contract.takes_every_file:
        return newest_file(seen, listing.left)
    if full_refresh:
        _require_one_file(contract, len(listing.files))
        files: Sequence[Arrival] = seen.arrivals
    elif contract.appends or contract.replaces_periods:
        files = appended_files(
            contract,
            seen.arrivals,
            in_raw=ledger.fingerprints_in_raw(connection, contract),
            again=revalidate.files_to_read_again(connection, contract),
            only_new=only_new,
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
    not_mended: Sequence[Arrival] = ()
    if not full_refresh:
        files, not_mended = without_known_failures(files)
    unreadable = [error for _, error in seen.unreadable]
    return Incoming(files, unreadable, listing.left, not_mended, seen.arrivals)


def without_known_failures(due: Sequence[Arrival]) -> tuple[Sequence[Arrival], Sequence[Arrival]]:
    """The files without those that failed before by their own fault, and these.

    The newest of the failed files is loaded again, so that the ledger goes on to say that something is wrong, and why.
    It fails a load that brings nothing else (ingest/).
    To load all of them again would cost more with every broken file that somebody leaves in the zone.
    """
    failed = [a for a in due if a.outcome == "failed"]
    return [a for a in due if a.outcome != "failed" or a is failed[-1]], failed[:-1]


def _require_one_file(contract: Contract, files: int) -> None:
    """Raises ContractError for a history with several files: each would end and begin versions."""
    if contract.keeps_history and files > 1:
        raise ContractError(
            contract.key,
            f"zona unggah berisi {files} berkas, dan muat ulang penuh akan mengakhiri dan memulai versi dengan setiap"
            " berkas",
            hint="sisakan hanya berkas yang memuat semua baris menurut keadaan sekarang",
            code="GDK-K017",
        )


def newest_file(seen: Seen, left: tuple[LeftFile, ...] = ()) -> Incoming:
    """The file that came last; if a file that may be newer cannot be read, only its failure."""
    newest = seen.arrivals[-1:]
    touched = newest[0].file.touched if newest else 0.0
    # We do not know when an unreadable file came. If it was touched after the newest one, it may be newer.
    failures = [error for file, error in seen.unreadable if file.touched >= touched]
    if len(seen.arrivals) > 1:
        log.info(
            "%s datang terakhir; %d berkas lain digantikannya", newest[0].file.name, len(seen.arrivals) - 1
        )
    return Incoming([] if failures else newest, failures, left)


def appended_files(
    contract: Contract,
    seen: Sequence[Arrival],
    *,
    in_raw: Set[str],
    again: Set[str],
    only_new: bool = False,
) -> Sequence[Arrival]:
    """The files whose content raw does not have under today's contract; if there is none, the file that came last.

    in_raw: the fingerprints that raw has. again: names of files that are read again because of changed rules. only_new:
    not the file that came last.
    """
    due = [a for a in seen if ledger.fingerprint(contract, a.sha256) not in in_raw or a.file.name in again]
    return due if due or only_new else seen[-1:]


def files_merged_by_cursor(
    seen: Sequence[Arrival], changed: Set[int], merged: Sequence[tuple[str, str]], *, again: Set[str]
) -> Sequence[Arrival]:
    """The files with changed content, in the order in which they came; if there is none, the one merged last.

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
    """The files with changed content, and the merged files that have to be merged again after them.

    Without a cursor only the order of the files decides which of two rows is newer. So a merged file is merged again if
    an earlier one is merged now. The other parameters are those of `files_merged_by_cursor`.
    content_since: for each name the `seen_id` with which the file first had its present content.
    """
    ordered = sorted(seen, key=lambda a: a.seen_id if a.seen_id in changed else content_since[a.file.name])
    overtaken = overtaken_files(ordered, changed, merged)
    due = [a for a in ordered if a.seen_id in changed or a.file.name in overtaken]
    return due or _merged_last(ordered, merged)


def overtaken_files(
    ordered: Sequence[Arrival], changed: Set[int], merged: Sequence[tuple[str, str]]
) -> set[str]:
    """The names of merged files that came after a file which was merged later than they were, or is merged now.

    A changed file that already failed under the same contract merges nothing, so it overtakes no other.
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
    """The file that was merged last; if it is no longer there, the file that came last."""
    last = [a for a in seen if merged and a.sha256 == merged[-1][1]]
    return last[-1:] or seen[-1:]
