"""Opens any kind of source: chooses the reader by the contract, and keeps to the server's hours and pace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.extract import samples
from pipelines.extract.database import open_database
from pipelines.extract.database.session import Timing
from pipelines.extract.source_limits import Clock, WaitBudget, check_hours, paced
from pipelines.extract.stream import SourceStream, Wanted

if TYPE_CHECKING:
    from pipelines.extract.upload.files import UploadedFile


def open_source(
    contract: Contract,
    *,
    wanted: Wanted,
    upload: UploadedFile | None = None,
    env: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
    waiting: WaitBudget | None = None,
) -> SourceStream | None:
    """Opens the contract's source; returns None for an upload that has not arrived yet.

    upload: the file to open; other kinds of source need none.
    waiting: the wait budget that all readings of one load from an API share.
    Raises ContractError, SourceError or ShapeError.
    """
    clock = clock or Clock()
    check_hours(contract, clock)
    stream = _open(contract, wanted, upload, env, clock, waiting)
    if stream and samples.is_sample(contract, stream.fingerprint, env):
        stream = _marked_as_sample(stream)
    if stream:
        keep_to_pace(stream, contract, clock)
    return stream


def keep_to_pace(stream: SourceStream, contract: Contract, clock: Clock) -> None:
    """Slows the stream down to the server's rows_per_second, unless a slow reading would block the server's writers.

    So it does with the stream to which it may fall back.
    """
    if not contract.server.rows_per_second or stream.ignore_rate_limit:
        return
    stream.blocks = paced(stream.blocks, stream, contract.server.rows_per_second, clock)
    if slower := stream.fallback:

        def opened() -> SourceStream:
            found = slower()
            keep_to_pace(found, contract, clock)
            return found

        stream.fallback = opened


def _marked_as_sample(stream: SourceStream) -> SourceStream:
    """Marks the stream, and the stream to which it may fall back, as made-up data for the ledger."""
    stream.found = {**stream.found, samples.FOUND: "ya"}
    if slower := stream.fallback:
        stream.fallback = lambda: _marked_as_sample(slower())
    return stream


def _open(
    contract: Contract,
    wanted: Wanted,
    upload: UploadedFile | None,
    env: Mapping[str, str],
    clock: Clock,
    waiting: WaitBudget | None,
) -> SourceStream | None:
    match contract.extract:
        case DatabaseExtract():
            return open_database(contract, wanted, env, timing=Timing(monotonic=clock.monotonic))
        case ApiExtract():
            from pipelines.extract.api.reader import open_api

            return open_api(contract, since=wanted.since, env=env, clock=clock, waiting=waiting)
        case _:
            from pipelines.extract.upload.reader import open_file

            return open_file(contract, upload) if upload else None
