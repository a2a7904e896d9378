"""Checks a file that an OPD's person sends, and puts it into the upload zone with the name of who sent it.

What belongs here: what is asked of a file before it may be put there. Not here: its way over HTTP (receiving.py),
loading it, which Dagster does, and reading its rows for the load (extract/upload/).
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import FileExtract
from pipelines.errors import SourceError
from pipelines.extract.stream import UnfitError
from pipelines.extract.upload.files import UploadedFile, put_upload, require_upload_name
from pipelines.extract.upload.inbox import (
    NO_ORIGINAL,
    find_uploads,
    is_marked_copy,
    original_name,
    read_suffix,
)
from pipelines.extract.upload.reader import Way, open_file
from pipelines.extract.upload.zone import Zone

_RECORD = "insert into ops.upload_by (dataset, name, sha256, uploader) values (%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file holds, as the load will read it. found: what was detected, such as a CSV's delimiter."""

    name: str
    rows: int
    warnings: tuple[str, ...]
    found: dict[str, str]


def preview(zone: Zone, contract: Contract, path: Path, name: str) -> Preview:
    """Reads a file to its end, as a load would. Raises SourceError or ShapeError with the first fault."""
    stream = open_file(contract, _file(zone, contract, path, name), Way.CAREFUL)
    try:
        for _ in stream.blocks:
            pass
    finally:
        stream.close()
    return Preview(name, stream.rows, tuple(stream.warnings), dict(stream.found))


def accept(
    connection: Connection[Any], zone: Zone, contract: Contract, path: Path, name: str, uploader: str
) -> None:
    """Puts the file into the zone, after its kind, its header and its first rows were read, and records who sent it.

    Raises SourceError or ShapeError for a file that no load could read; then nothing is put and nothing recorded.
    """
    file = _file(zone, contract, path, name)
    _read_begin(contract, file)
    # Recorded before the file is seen in the zone, so that every file that came by this page has a name.
    with connection.transaction():
        connection.execute(_RECORD, [contract.key, file.name, file.sha256, uploader])
        put_upload(zone, contract.key, path, name=name)


def _read_begin(contract: Contract, file: UploadedFile) -> None:
    """Raises SourceError or ShapeError if the file has not the form that its contract promises, or no row."""
    stream = open_file(contract, file)
    try:
        next(stream.blocks, None)
    except UnfitError:  # a slower reader will read it
        pass
    finally:
        stream.close()


def check_name(contract: Contract, name: str) -> None:
    """Raises SourceError if the contract does not take a file of this name."""
    assert isinstance(contract.extract, FileExtract)
    require_upload_name(contract.key, name)
    pattern = contract.extract.pattern
    if not fnmatchcase(name.lower(), pattern.lower()):
        kind = contract.extract.format.upper() if contract.extract.member is None else "ZIP"
        message = f"nama berkas tidak cocok dengan {pattern}, padahal dataset ini menerima berkas {kind}"
        raise SourceError(
            contract.key, message, hint="pilih berkas yang benar, atau ganti namanya", code="GDK-F022"
        )


def _file(zone: Zone, contract: Contract, path: Path, name: str) -> UploadedFile:
    """The file as the inbox will list it. Raises SourceError if the contract does not take a file of this name."""
    assert isinstance(contract.extract, FileExtract)
    state, marked = path.stat(), ""
    if is_marked_copy(contract.extract, name):
        require_upload_name(contract.key, name)
        there = [file.name for file in find_uploads(zone, contract)]
        original = original_name(contract.extract, there, name)
        if original is None:
            hint = "pilih berkas yang benar, atau ganti namanya"
            raise SourceError(contract.key, f"{name}: {NO_ORIGINAL}", hint=hint, code="GDK-F022")
        name, marked = original, read_suffix(name)
    else:
        check_name(contract, name)
    return UploadedFile(path, name, state.st_size, state.st_mtime, state.st_ctime, marked)
