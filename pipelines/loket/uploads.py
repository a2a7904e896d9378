"""Checks a file that an OPD's person sends, and puts it into the upload zone with the name of who sent it.

What belongs here: what is asked of a file before it may be put there. Not here: its way over HTTP (receiving.py),
loading it, which Dagster does, and reading its rows for the load (extract/upload/).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from pipelines.contracts.model import Contract
from pipelines.errors import GudangError, LoadError
from pipelines.extract.stream import UnfitError
from pipelines.extract.upload.files import UploadedFile, put_upload
from pipelines.extract.upload.inbox import file_outside
from pipelines.extract.upload.limits import Limits
from pipelines.extract.upload.reader import Way, open_file
from pipelines.extract.upload.zone import Zone
from pipelines.feedback.asked_previews import ask
from pipelines.loket import ledger

LIMITS = Limits(memory=1200 << 20, seconds=120)
"""What reading one file may take here: less than a load may, because CHECKERS and SENDERS (pages.py) read at a time."""
PREVIEW_S = 20.0
"""How many seconds a preview reads before it shows what it has."""
_RECORD = "insert into ops.upload_by (dataset, name, sha256, uploader) values (%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file holds, as the load will read it. found: what was detected, such as a CSV's delimiter.

    to_end: whether the file was read to its end; if not, `rows` are those at its beginning.
    """

    name: str
    rows: int
    warnings: tuple[str, ...]
    found: dict[str, str]
    to_end: bool


def preview(zone: Zone, contract: Contract, path: Path, name: str, seconds: float = PREVIEW_S) -> Preview:
    """Reads a file as a load would, to its end or for so many seconds.

    Raises SourceError, ShapeError or ContractError with the first fault.
    """
    ends_at = time.monotonic() + seconds
    stream = open_file(contract, file_outside(zone, contract, path, name), Way.CAREFUL, LIMITS)
    to_end = True
    try:
        for _ in stream.blocks:
            if time.monotonic() >= ends_at:
                to_end = False
                break
    finally:
        stream.close()
    return Preview(name, stream.rows, tuple(stream.warnings), dict(stream.found), to_end)


def ask_about(
    zone: Zone, contract: Contract, path: Path, name: str, person: str, url: str
) -> tuple[int | None, str]:
    """Asks Dagster what a load of the file would change. Gives the question's number, or why it was not asked.

    url: of the warehouse. Raises LoadError if it does not answer.
    """
    try:
        with ledger.session(url) as connection:
            return ask(connection, zone, contract, path, name, person), ""
    except LoadError:
        raise
    except GudangError as error:
        return None, error.message


def check_beginning(zone: Zone, contract: Contract, path: Path, name: str) -> UploadedFile:
    """Reads the kind, the header and the first rows of a file. Returns the file as the inbox will list it.

    Raises SourceError, ShapeError or ContractError for a file that no load could read.
    """
    file = file_outside(zone, contract, path, name)
    stream = open_file(contract, file, limits=LIMITS)
    try:
        next(stream.blocks, None)
    except UnfitError:  # a slower reader will read it
        pass
    finally:
        stream.close()
    return file


def accept(zone: Zone, contract: Contract, file: UploadedFile, name: str, uploader: str, url: str) -> None:
    """Puts a checked file into the zone under the name that its sender gave it, and records who sent it.

    url: of the warehouse. Raises SourceError if it could not be put; then nothing is recorded.
    """

    def record() -> None:
        with ledger.session(url) as connection:
            connection.execute(_RECORD, [contract.key, file.name, file.sha256, uploader])

    assert isinstance(file.path, Path)
    put_upload(zone, contract.key, file.path, name=name, before_seen=record)
