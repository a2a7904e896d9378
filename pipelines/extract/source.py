"""One door to every kind of source: the contract says which reader opens it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pipelines.contracts import ApiExtract, Contract, DatabaseExtract
from pipelines.extract.database import Slice, open_database
from pipelines.extract.stream import SourceStream
from pipelines.load.statements import Window


def open_source(
    contract: Contract,
    *,
    since: str | None,
    window: Window | None,
    upload_zone: Path,
    env: Mapping[str, str] = os.environ,
) -> SourceStream | None:
    """Opens the contract's source; None for an upload that has not come yet.

    Raises ContractError, SourceError or ShapeError, naming the dataset and the mend.
    """
    match contract.extract:
        case DatabaseExtract():
            wanted = Slice(since, window.start if window else None, window.end if window else None)
            return open_database(contract, wanted, env)
        case ApiExtract():
            from pipelines.extract.api import open_api

            return open_api(contract, since=since, env=env)
        case _:
            from pipelines.extract.file import open_file
            from pipelines.extract.uploads import newest_upload

            upload = newest_upload(upload_zone, contract)
            return open_file(contract, upload.path) if upload else None
