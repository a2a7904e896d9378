"""The upload zone: one folder per dataset, <zone>/<opd>/<dataset>/, into which the OPD's files are put.

What belongs here: putting a file whole or not at all, listing what is there. Not here: reading a file
(file.py), what was loaded already (the ledger knows it by SHA-256), when to look (sensors/).
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from pipelines.contracts import Contract, FileExtract
from pipelines.errors import ContractError, SourceError

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


@dataclass(frozen=True)
class UploadedFile:
    """A file in the zone as it stood when it was listed. mtime: seconds since the epoch; size: bytes."""

    path: Path
    name: str
    size: int
    mtime: float

    @cached_property
    def sha256(self) -> str:
        """The content's identity, read when first asked for."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def put_upload(zone: Path, key: str, file: Path, *, name: str | None = None) -> Path:
    """Copies `file` into the zone under its own name (or `name`); the same name is a correction: it replaces.

    Readers see the whole file or none: it is written beside under a hidden name, synced, then renamed.
    Raises SourceError for a name that would leave the folder or never be found.
    """
    name = file.name if name is None else name
    folder = _folder(zone, key)
    if not name or "/" in name or "\\" in name or not name.isprintable() or _is_ignored(name):
        raise SourceError(
            key, f"{name!r} is no name for an upload", hint="a plain file name such as data_2026.xlsx"
        )
    _refuse_outside(zone, key, folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    partial = folder / f".{secrets.token_hex(8)}.part"
    try:
        with file.open("rb") as source, partial.open("xb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        partial.replace(target)
    except OSError as error:
        message = f"{name} could not be put into the upload zone: {error.strerror}"
        raise SourceError(key, message, hint="check the file, the disk and the zone's permissions") from None
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(folder)
    return target


def find_uploads(zone: Path, contract: Contract) -> list[UploadedFile]:
    """The dataset's uploads that match the contract's pattern (upper and lower case alike), oldest first.

    Raises SourceError where the folder or a file is a link that leads outside the zone.
    """
    if not isinstance(contract.extract, FileExtract):
        raise ContractError(contract.key, "this dataset is no upload", hint="see docs/contracts.md")
    folder = _folder(zone, contract.key)
    if not folder.is_dir():
        return []
    _refuse_outside(zone, contract.key, folder)
    pattern = contract.extract.pattern.lower()
    found: list[UploadedFile] = []
    for path in folder.iterdir():
        if _is_ignored(path.name) or not fnmatchcase(path.name.lower(), pattern):
            continue
        _refuse_outside(zone, contract.key, path)
        try:
            state = path.stat()
        except FileNotFoundError:
            continue  # taken away since the folder was listed
        if stat.S_ISREG(state.st_mode):
            found.append(UploadedFile(path, path.name, state.st_size, state.st_mtime))
    return sorted(found, key=lambda f: (f.mtime, f.name))


def newest_upload(zone: Path, contract: Contract) -> UploadedFile | None:
    """The upload that stands for the dataset now, or None."""
    uploads = find_uploads(zone, contract)
    return uploads[-1] if uploads else None


def is_settled(file: UploadedFile, now: float, quiet_seconds: float = 5) -> bool:
    """Whether nobody has written to `file` for a while; a file dated in the future waits until then."""
    return now - file.mtime >= quiet_seconds


def _folder(zone: Path, key: str) -> Path:
    if not _KEY.fullmatch(key):
        raise SourceError(key, "this is no dataset's key", hint="<opd>/<dataset>")
    return zone / key


def _is_ignored(name: str) -> bool:
    """Hidden names, lock files of office programs, and what is still being written."""
    return name.startswith((".", "~$")) or name.endswith("~") or name.lower().endswith(_UNFINISHED)


def _refuse_outside(zone: Path, key: str, path: Path) -> None:
    try:
        inside = path.resolve().is_relative_to(zone.resolve())
    except (OSError, RuntimeError):  # links that lead in a circle
        inside = False
    if not inside:
        message = f"{path.name} is a link that leads outside the upload zone"
        raise SourceError(key, message, hint="put the file itself there")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
