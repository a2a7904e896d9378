"""One door to every kind of source: the contract says which reader opens it, and what is owed to its server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.extract import samples
from pipelines.extract.courtesy import Clock, Waiting, check_hours, paced
from pipelines.extract.database import open_database
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
    waiting: Waiting | None = None,
) -> SourceStream | None:
    """Opens the contract's source in its hours and at its pace; None for an upload that has not come yet.

    upload: the one of the zone's files to open; other sources need none.
    waiting: what earlier readings of the same load have waited in vain for an API.
    Raises ContractError, SourceError or ShapeError, naming the dataset and the mend.
    """
    clock = clock or Clock()
    check_hours(contract, clock)
    stream = _open(contract, wanted, upload, env, waiting)
    if stream and samples.is_sample(contract, stream.fingerprint, env):
        stream = _marked(stream)
    if stream and contract.server.rows_per_second and not stream.ignore_rate_limit:
        stream.blocks = paced(stream.blocks, contract.server.rows_per_second, clock)
    return stream


def _marked(stream: SourceStream) -> SourceStream:
    """The same, with the word in the ledger that its rows are made up."""
    stream.found = {**stream.found, samples.FOUND: "ya"}
    if slower := stream.fallback:
        stream.fallback = lambda: _marked(slower())
    return stream


def _open(
    contract: Contract,
    wanted: Wanted,
    upload: UploadedFile | None,
    env: Mapping[str, str],
    waiting: Waiting | None,
) -> SourceStream | None:
    match contract.extract:
        case DatabaseExtract():
            return open_database(contract, wanted, env)
        case ApiExtract():
            from pipelines.extract.api.reader import open_api

            return open_api(contract, since=wanted.since, env=env, waiting=waiting)
        case _:
            from pipelines.extract.upload.reader import open_file

            return open_file(contract, upload) if upload else None
