"""One door to every kind of source: the contract says which reader opens it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pipelines.contracts import ApiExtract, Contract, DatabaseExtract
from pipelines.extract.database import open_database
from pipelines.extract.stream import SourceStream, Wanted


def open_source(
    contract: Contract,
    *,
    wanted: Wanted,
    upload_zone: Path,
    env: Mapping[str, str] = os.environ,
) -> SourceStream | None:
    """Opens the contract's source; None for an upload that has not come yet.

    Raises ContractError, SourceError or ShapeError, naming the dataset and the mend.
    """
    match contract.extract:
        case DatabaseExtract():
            return open_database(contract, wanted, env)
        case ApiExtract():
            from pipelines.extract.api import open_api

            return open_api(contract, since=wanted.since, env=env)
        case _:
            from pipelines.extract.file import open_file
            from pipelines.extract.uploads import newest_upload

            upload = newest_upload(upload_zone, contract)
            return open_file(contract, upload.path) if upload else None
