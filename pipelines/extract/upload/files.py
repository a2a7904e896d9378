"""The upload zone: one folder per dataset, <zone>/<opd>/<dataset>/, into which the OPD's files are put.

What belongs here: putting a file whole or not at all, opening its bytes. Not here: what lies in the zone (inbox.py),
another machine's ways (zone.py), reading a file (reader.py), which file came when (load/arrivals.py), when to look
(sensors/).
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Any, overload

from upath import UPath

from pipelines.disk import sync_folder
from pipelines.errors import SourceError
from pipelines.extract.upload.zone import CALL_S, COPY_S, Zone, on_zone

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


@dataclass(frozen=True)
class UploadedFile:
    """A file in the zone as it stood when it was listed.

    name: its file name as text (inbox.shown). size: bytes. mtime: seconds since the epoch, as whoever put it says.
    changed: the same by this machine's own clock (ctime), which nobody can set; None for another machine's file.
    """

    path: Zone
    name: str
    size: int
    mtime: float
    changed: float | None = None

    @property
    def is_remote(self) -> bool:
        return not isinstance(self.path, Path)

    @property
    def stamp(self) -> str:
        """Tells one state of the file from another without reading it."""
        return f"{self.size}:{self.mtime!r}:{self.changed!r}"

    @property
    def touched(self) -> float:
        """When it was last changed, as well as that is known."""
        return self.mtime if self.changed is None else self.changed

    @cached_property
    def sha256(self) -> str:
        """The content's identity, read when first asked for. Raises SourceError."""
        with self.open(f"{self.path.parent.parent.name}/{self.path.parent.name}") as content:
            return content.sha256

    def open(self, subject: str) -> OpenUpload:
        """Its bytes: a local file in place, another machine's copied here first. Raises SourceError for `subject`."""
        if isinstance(self.path, Path):
            return OpenUpload(_open_local(self.path, self.name, subject))
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


def _open_local(path: Path, name: str, subject: str) -> io.BufferedReader:
    try:
        return _open_plain(path)
    except OSError as error:
        reason = error.strerror
    hint = "upload the file itself again, readable for this account"
    raise SourceError(subject, f"{name}: cannot be opened: {reason}", hint=hint)


def _open_plain(path: Path) -> io.BufferedReader:
    """A plain file. Raises OSError, also for a pipe, whose reader would wait for a writer for ever, and a device."""
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  # the caller's to close
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is no plain file")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


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


def stands_there(zone: Zone, key: str, file: Path) -> bool | None:
    """Whether the file of this name that lies in the zone has the same bytes; None where none lies there."""
    target = dataset_folder(zone, key) / file.name
    if isinstance(target, Path):
        if not target.is_file():
            return None
        with _open_local(target, target.name, key) as there, _open_local(file, file.name, key) as here:
            return _same_bytes(there, here)
    with on_zone(key, target, f"{file.name} could not be compared"):
        if not target.is_file():
            return None
        if target.stat().st_size != file.stat().st_size:
            return False
        with target.open("rb") as there, _open_local(file, file.name, key) as here:
            return _same_bytes(there, here)


def _same_bytes(one: IO[bytes], other: IO[bytes]) -> bool:
    while block := one.read(1 << 20):
        if block != other.read(len(block)):
            return False
    return not other.read(1)


def put_upload(zone: Zone, key: str, file: Path, *, name: str | None = None) -> Zone:
    """Copies `file` into the zone under its own name (or `name`); the same name is a correction: it replaces.

    Readers see the whole file or none: it is written beside under a hidden name, synced, then renamed.
    Raises SourceError for a name that would leave the folder or never be found.
    """
    name = file.name if name is None else name
    if (
        not name
        or "/" in name
        or "\\" in name
        or not name.isprintable()
        or is_hidden(name)
        or is_unfinished(name)
    ):
        raise SourceError(
            key, f"{name!r} is no name for an upload", hint="a plain file name such as data_2026.xlsx"
        )
    if not isinstance(zone, Path):
        return _put_remote(dataset_folder(zone, key), key, file, name)
    folder = dataset_folder(zone, key)
    if leads_outside(zone, folder):
        message = f"{folder.name} is a link that leads outside the upload zone"
        raise SourceError(key, message, hint="a folder of its own in its place")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    partial = folder / f".{secrets.token_hex(8)}.part"
    try:
        with _open_plain(file) as source, partial.open("xb") as copy:
            partial.chmod(0o640)  # what an OPD sends is for us and our group
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        partial.replace(target)
    except OSError as error:
        message = f"{name} could not be put into the upload zone: {error.strerror}"
        raise SourceError(key, message, hint="check the file, the disk and the zone's permissions") from None
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(folder)
    return target


def _put_remote(folder: UPath, key: str, file: Path, name: str) -> UPath:
    """An object of S3 appears whole by itself; on SFTP the file is renamed to its name once it is there."""
    _open_local(file, name, key).close()
    target, partial = folder / name, folder / f".{secrets.token_hex(8)}.part"
    with on_zone(key, folder, f"{name} could not be put into the upload zone"):
        if folder.protocol == "s3":
            folder.fs.put_file(str(file), target.path, timeout=COPY_S)
        else:
            folder.fs.put_file(str(file), partial.path, timeout=COPY_S)
            folder.fs.mv(partial.path, target.path, timeout=CALL_S)
    return target


def is_settled(file: UploadedFile, now: float, quiet_seconds: float = 5) -> bool:
    """Whether nobody has written to this machine's `file` for a while. What the file says of its time is not asked:
    it may be of long ago (`cp -p`, `sftp -p`) or of the future.
    """
    return file.changed is not None and now - file.changed >= quiet_seconds


@overload
def dataset_folder(zone: Path, key: str) -> Path: ...
@overload
def dataset_folder(zone: UPath, key: str) -> UPath: ...
def dataset_folder(zone: Zone, key: str) -> Zone:
    """Where a dataset's files lie. Raises SourceError for what is no dataset's key."""
    if not _KEY.fullmatch(key):
        raise SourceError(key, "this is no dataset's key", hint="<opd>/<dataset>")
    return zone / key


def is_hidden(name: str) -> bool:
    """Hidden names, and lock files and backups of office programs and editors: nobody means them as uploads."""
    return name.startswith((".", "~$")) or name.endswith("~")


def is_unfinished(name: str) -> bool:
    """Names that programs give to what they are still writing."""
    return name.lower().endswith(_UNFINISHED)


def leads_outside(zone: Path, path: Path) -> bool:
    """Whether `path` is a link, or below one, that leads out of the zone or in a circle."""
    try:
        real = path.resolve(strict=True)
    except RuntimeError:  # a circle, to Python 3.11 and 3.12
        return True
    except OSError as error:
        if error.errno == errno.ELOOP:  # a circle, to Python 3.13
            return True
        real = path.resolve()  # what is not there yet, or may not be looked at
    return not real.is_relative_to(zone.resolve())
