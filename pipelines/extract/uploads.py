"""The upload zone: one folder per dataset, <zone>/<opd>/<dataset>/, into which the OPD's files are put.

What belongs here: putting a file whole or not at all, listing what is there, opening its bytes. Not here: another
machine's ways (zone.py), reading a file (file.py), what was loaded already (the ledger knows it by SHA-256), when to
look (sensors/).
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from upath import UPath

from pipelines.contracts import Contract, FileExtract
from pipelines.errors import ContractError, SourceError
from pipelines.extract.zone import CALL_S, COPY_S, Zone, on_zone

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")
_Place = TypeVar("_Place", Path, UPath)
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


@dataclass(frozen=True)
class UploadedFile:
    """A file in the zone as it stood when it was listed. mtime: seconds since the epoch; size: bytes."""

    path: Zone
    name: str
    size: int
    mtime: float

    @property
    def is_remote(self) -> bool:
        return not isinstance(self.path, Path)

    @cached_property
    def sha256(self) -> str:
        """The content's identity, read when first asked for. Raises SourceError."""
        with self.open(f"{self.path.parent.parent.name}/{self.path.parent.name}") as content:
            return content.sha256

    def open(self, subject: str) -> OpenUpload:
        """Its bytes: a local file in place, another machine's copied here first. Raises SourceError for `subject`."""
        if isinstance(self.path, Path):
            return OpenUpload(_open_local(self.path, subject))
        return OpenUpload(_copied(self.path, self, subject))


class OpenUpload:
    """An upload's bytes under one descriptor, hashed; a file that is renamed over it meanwhile changes nothing."""

    def __init__(self, file: io.BufferedReader) -> None:
        self.file = file
        try:
            self._state = self._now()
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> OpenUpload:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def check_unchanged(self, subject: str) -> None:
        """Raises SourceError where somebody wrote into the file since it was opened."""
        if self._now() != self._state:
            raise SourceError(
                subject,
                "the file was written to while it was read",
                hint="the next look finds it whole; better write beside it and rename",
                transient=True,
            )

    def _now(self) -> tuple[int, int]:
        state = os.fstat(self.file.fileno())
        return state.st_size, state.st_mtime_ns


def _open_local(path: Path, subject: str) -> io.BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        reason = error.strerror
    hint = "upload the file itself again, readable for this account"
    raise SourceError(subject, f"{path.name}: cannot be opened: {reason}", hint=hint)


def _copied(path: UPath, listed: UploadedFile, subject: str) -> io.BufferedReader:
    """A local copy, whole: it has the size that the file had before and still has afterwards."""
    copy = tempfile.NamedTemporaryFile(prefix="gudang-")  # noqa: SIM115  # gone when it is closed
    try:
        with on_zone(subject, path, f"{listed.name} could not be read"):
            path.fs.get_file(path.path, copy.name, timeout=COPY_S)
            after: dict[str, Any] = path.fs.info(path.path, timeout=CALL_S, refresh=True)
        if not Path(copy.name).stat().st_size == after["size"] == listed.size:
            message = f"{listed.name} changed while it was copied"
            raise SourceError(subject, message, hint="the next look finds it whole", transient=True)
        # By name again: who copies may write a new file there instead of into ours.
        return Path(copy.name).open("rb")
    finally:
        copy.close()


def put_upload(zone: Zone, key: str, file: Path, *, name: str | None = None) -> Zone:
    """Copies `file` into the zone under its own name (or `name`); the same name is a correction: it replaces.

    Readers see the whole file or none: it is written beside under a hidden name, synced, then renamed.
    Raises SourceError for a name that would leave the folder or never be found.
    """
    name = file.name if name is None else name
    if not name or "/" in name or "\\" in name or not name.isprintable() or _is_ignored(name):
        raise SourceError(
            key, f"{name!r} is no name for an upload", hint="a plain file name such as data_2026.xlsx"
        )
    if not isinstance(zone, Path):
        return _put_remote(_folder(zone, key), key, file, name)
    folder = _folder(zone, key)
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


def _put_remote(folder: UPath, key: str, file: Path, name: str) -> UPath:
    """An object of S3 appears whole by itself; on SFTP the file is renamed to its name once it is there."""
    target, partial = folder / name, folder / f".{secrets.token_hex(8)}.part"
    with on_zone(key, folder, f"{name} could not be put into the upload zone"):
        if folder.protocol == "s3":
            folder.fs.put_file(str(file), target.path, timeout=COPY_S)
        else:
            folder.fs.put_file(str(file), partial.path, timeout=COPY_S)
            folder.fs.mv(partial.path, target.path, timeout=CALL_S)
    return target


def find_uploads(zone: Zone, contract: Contract) -> list[UploadedFile]:
    """The dataset's uploads that match the contract's pattern (upper and lower case alike), oldest first.

    Raises SourceError where the folder or a file is a link that leads outside the zone, or the zone does not answer.
    """
    if not isinstance(contract.extract, FileExtract):
        raise ContractError(contract.key, "this dataset is no upload", hint="see docs/contracts.md")
    pattern = contract.extract.pattern.lower()

    def wanted(name: str) -> bool:
        return not _is_ignored(name) and fnmatchcase(name.lower(), pattern)

    if isinstance(zone, Path):
        found = _list_local(zone, contract.key, wanted)
    else:
        found = _list_remote(zone, contract.key, wanted)
    return sorted(found, key=lambda f: (f.mtime, f.name))


def _list_local(zone: Path, key: str, wanted: Callable[[str], bool]) -> Iterator[UploadedFile]:
    folder = _folder(zone, key)
    if not folder.is_dir():
        return
    _refuse_outside(zone, key, folder)
    for path in folder.iterdir():
        if not wanted(path.name):
            continue
        _refuse_outside(zone, key, path)
        try:
            state = path.stat()
        except FileNotFoundError:
            continue  # taken away since the folder was listed
        if stat.S_ISREG(state.st_mode):
            yield UploadedFile(path, path.name, state.st_size, state.st_mtime)


def _list_remote(zone: UPath, key: str, wanted: Callable[[str], bool]) -> Iterator[UploadedFile]:
    folder = _folder(zone, key)
    infos: list[dict[str, Any]] = []
    with on_zone(key, folder, "the upload zone could not be listed"):
        try:
            infos = folder.fs.ls(folder.path, detail=True, refresh=True, timeout=CALL_S)
        except FileNotFoundError:
            return
    for info in infos:
        name = str(info["name"]).rpartition("/")[2]
        changed = info.get("mtime") or info.get("LastModified")
        if info["type"] == "file" and name and wanted(name) and changed is not None:
            yield UploadedFile(folder / name, name, int(info["size"]), changed.timestamp())


def newest_upload(zone: Zone, contract: Contract) -> UploadedFile | None:
    """The upload that stands for the dataset now, or None."""
    uploads = find_uploads(zone, contract)
    return uploads[-1] if uploads else None


def is_settled(file: UploadedFile, now: float, quiet_seconds: float = 5) -> bool:
    """Whether nobody has written to `file` for a while; a file dated in the future waits until then."""
    return now - file.mtime >= quiet_seconds


def _folder(zone: _Place, key: str) -> _Place:
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
