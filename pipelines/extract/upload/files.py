"""Puts files into the upload zone and opens them; each dataset has a folder there, <zone>/<opd>/<dataset>/.

What belongs here: putting a file so that readers see all of it or nothing, opening its bytes. Not here: listing the
zone (inbox.py), old files under hidden names (retention/hidden.py), a zone on another machine (zone.py), reading a
file's rows (reader.py), which file came when (load/arrivals.py), when to look (sensors/uploads.py).
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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Any, overload

from upath import UPath

from pipelines.contracts.upload import RESERVED
from pipelines.disk import os_reason, sync_folder
from pipelines.errors import GudangError, SourceError
from pipelines.extract.upload.zone import CALL_S, COPY_S, Zone, on_zone

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")
ASIDE = re.compile(r"\.[0-9a-f]{16}\.pratinjau")
"""The hidden name of a file that was put aside."""
PARTIAL = re.compile(r"\.[0-9a-f]{16}\.part")
"""The hidden name of a file that is being written."""
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


@dataclass(frozen=True)
class UploadedFile:
    """A file in the zone as it was when it was listed.

    name: its file name as printable text (inbox.printable_name). size: in bytes.
    mtime: the time of its last change in seconds since the epoch; the sender may have set it.
    changed: the same by this machine's clock (ctime), which nobody can set; None for a file on another machine.
    marked: the suffix of the marked copy that is read in place of the file of this name; "" if it is the file itself.
    """

    path: Zone
    name: str
    size: int
    mtime: float
    changed: float | None = None
    marked: str = ""

    @property
    def is_remote(self) -> bool:
        """Whether it is on another machine."""
        return not isinstance(self.path, Path)

    @property
    def stamp(self) -> str:
        """A text that changes when the file changes; the file is not read for it."""
        return f"{self.size}:{self.mtime!r}:{self.changed!r}"

    @property
    def touched(self) -> float:
        """The time of its last change, by this machine's clock if that is known."""
        return self.mtime if self.changed is None else self.changed

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of its content, which is read when this is first used. Raises SourceError."""
        with self.open(f"{self.path.parent.parent.name}/{self.path.parent.name}") as content:
            return content.sha256

    def open(self, subject: str) -> OpenUpload:
        """Opens its bytes; a file on another machine is copied here first. Raises SourceError for `subject`."""
        if isinstance(self.path, Path):
            return OpenUpload(_open_local(self.path, self.name, subject))
        return OpenUpload(_copy_here(self.path, self, subject))


class OpenUpload:
    """An upload's bytes and their SHA-256, read through one descriptor.

    If another file is renamed to the upload's name meanwhile, these bytes stay the same.
    """

    def __init__(self, file: io.BufferedReader) -> None:
        self.file = file
        try:
            self._state = self._size_and_mtime()
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
        """Raises SourceError if somebody has written into the file since it was opened."""
        if self._size_and_mtime() != self._state:
            raise SourceError(
                subject,
                "berkas ditulisi selagi dibaca",
                hint="dibaca lagi pada pemeriksaan berikutnya; sebaiknya tulis dengan nama lain, lalu ganti namanya",
                transient=True,
                code="GDK-F017",
            )

    def _size_and_mtime(self) -> tuple[int, int]:
        state = os.fstat(self.file.fileno())
        return state.st_size, state.st_mtime_ns


def _open_local(path: Path, name: str, subject: str) -> io.BufferedReader:
    try:
        return _open_regular(path)
    except OSError as error:
        reason = os_reason(error)
    hint = "unggah lagi berkasnya sendiri, dengan hak baca untuk akun ini"
    raise SourceError(subject, f"{name}: tidak dapat dibuka: {reason}", hint=hint, code="GDK-F002")


def _open_regular(path: Path) -> io.BufferedReader:
    """Opens a regular file. Raises OSError, also for a device, and for a pipe, whose reader would wait for a writer."""
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  # the caller closes it
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "bukan berkas biasa")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _copy_here(path: UPath, listed: UploadedFile, subject: str) -> io.BufferedReader:
    """Copies a file of another machine, and opens the copy, which is deleted when it is closed.

    Raises SourceError if the copy's size differs from the file's size when it was listed, or after the copying.
    """
    copy = tempfile.NamedTemporaryFile(prefix="gudang-")  # noqa: SIM115  # closed below
    try:
        with on_zone(subject, path, f"{listed.name} tidak dapat dibaca"):
            path.fs.get_file(path.path, copy.name, timeout=COPY_S)
            after: dict[str, Any] = path.fs.info(path.path, timeout=CALL_S, refresh=True)
        if not Path(copy.name).stat().st_size == after["size"] == listed.size:
            message = f"{listed.name} berubah selagi disalin"
            hint = "dibaca lagi pada pemeriksaan berikutnya"
            raise SourceError(subject, message, hint=hint, transient=True, code="GDK-F017")
        # Opened by its name: fsspec may have put a new file there instead of writing into ours.
        return Path(copy.name).open("rb")
    finally:
        copy.close()


def has_same_bytes(zone: Zone, key: str, file: Path) -> bool | None:
    """Whether the zone's file of this name has the same bytes; None if the zone has no such file."""
    target = dataset_folder(zone, key) / file.name
    if isinstance(target, Path):
        if not target.is_file():
            return None
        with _open_local(target, target.name, key) as there, _open_local(file, file.name, key) as here:
            return _same_bytes(there, here)
    with on_zone(key, target, f"{file.name} tidak dapat dibandingkan"):
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


def put_upload(
    zone: Zone,
    key: str,
    file: Path,
    *,
    name: str | None = None,
    before_seen: Callable[[], object] = lambda: None,
) -> Zone:
    """Copies `file` into the zone under its own name (or `name`); it replaces a file of that name.

    Readers see all of the file or nothing: it is written under a hidden name, synced to the disk, then renamed.
    before_seen: is called between the two, on S3 before the copy. If it raises, readers see nothing.
    Raises SourceError for a name that leads out of the folder or that the zone does not list, and if copying fails.
    """
    name = file.name if name is None else name
    require_upload_name(key, name)
    if isinstance(zone, Path):
        return _put_local(zone, key, file, name, before_seen)
    return _put_remote(dataset_folder(zone, key), key, file, name, before_seen)


def put_aside(zone: Zone, key: str, file: Path) -> str:
    """Copies `file` under a hidden name into the dataset's folder, where no listing shows it. Gives this name.

    Raises SourceError if copying fails.
    """
    place = f".{secrets.token_hex(8)}.pratinjau"
    if isinstance(zone, Path):
        _put_local(zone, key, file, place, lambda: None)
    else:
        _put_remote(dataset_folder(zone, key), key, file, place, lambda: None)
    return place


def place_aside(zone: Zone, key: str, place: str) -> Zone:
    """Where a file that was put aside lies. Raises SourceError for a name that `put_aside` does not give."""
    if not ASIDE.fullmatch(place):
        raise SourceError(key, f"{place!r} bukan nama berkas yang dititipkan", code="GDK-F018")
    return dataset_folder(zone, key) / place


def delete_hidden(zone: Zone, key: str, name: str) -> None:
    """Deletes a file that was put aside or not completed; one that is gone already is no error. Raises SourceError."""
    if not (ASIDE.fullmatch(name) or PARTIAL.fullmatch(name)):
        raise SourceError(key, f"{name!r} bukan nama berkas yang dititipkan", code="GDK-F018")
    path, failed = dataset_folder(zone, key) / name, "berkas yang dititipkan tidak dapat dihapus"
    if not isinstance(path, Path):
        with on_zone(key, path, failed):
            path.unlink(missing_ok=True)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SourceError(key, f"{failed}: {os_reason(error)}", code="GDK-F019") from None


def require_upload_name(key: str, name: str) -> None:
    """Raises SourceError unless `name` is one plain file name that the zone lists. key: of the dataset."""
    if not _is_upload_name(name):
        hint = "pakai nama berkas biasa seperti data_2026.xlsx"
        raise SourceError(key, f"{name!r} bukan nama untuk unggahan", hint=hint, code="GDK-F018")


def _is_upload_name(name: str) -> bool:
    """Whether this is one plain file name that the zone lists."""
    if not name or "/" in name or "\\" in name or not name.isprintable():
        return False
    return not (is_hidden(name) or is_unfinished(name) or name.startswith(RESERVED))


def _hidden_name() -> str:
    """Returns a new hidden name, under which a file is written before it gets its final name."""
    return f".{secrets.token_hex(8)}.part"


def _put_local(zone: Path, key: str, file: Path, name: str, before_seen: Callable[[], object]) -> Path:
    folder = dataset_folder(zone, key)
    if leads_outside(zone, folder):
        message = f"{folder.name} adalah tautan yang menuju ke luar zona unggah"
        raise SourceError(key, message, hint="ganti dengan folder biasa", code="GDK-F018")
    target, partial = folder / name, folder / _hidden_name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_folder(target)
        with _open_regular(file) as source, partial.open("xb") as copy:
            partial.chmod(0o640)  # what an OPD sends is read by this account and its group only
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        before_seen()
        partial.replace(target)
    except OSError as error:
        message = f"{name} tidak dapat ditaruh di zona unggah: {os_reason(error)}"
        raise SourceError(
            key, message, hint="periksa berkas, disk, dan hak akses zona unggah", code="GDK-F019"
        ) from None
    finally:
        with suppress(OSError):  # a folder that may not be entered
            partial.unlink()
    sync_folder(folder)
    return target


def _refuse_folder(target: Path) -> None:
    """Raises OSError if no file can get this name: a folder has it, or it is too long."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(target.lstat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def _put_remote(folder: UPath, key: str, file: Path, name: str, before_seen: Callable[[], object]) -> UPath:
    """Copies a file to another machine. S3 shows only complete objects; on SFTP a complete file is renamed."""
    _open_local(file, name, key).close()
    target, partial = folder / name, folder / _hidden_name()
    failed = f"{name} tidak dapat ditaruh di zona unggah"
    is_s3 = folder.protocol == "s3"
    if is_s3:
        before_seen()
        with on_zone(key, folder, failed):
            folder.fs.put_file(str(file), target.path, timeout=COPY_S)
        return target
    try:
        with on_zone(key, folder, failed):
            folder.fs.put_file(str(file), partial.path, timeout=COPY_S)
        before_seen()
        with on_zone(key, folder, failed):
            folder.fs.mv(partial.path, target.path, timeout=CALL_S)
    except BaseException:
        # If the connection is lost, sweep_partial (retention/hidden.py) deletes it later.
        with suppress(GudangError), on_zone(key, folder, failed):
            partial.unlink(missing_ok=True)
        raise
    return target


def is_settled(file: UploadedFile, now: float, quiet_seconds: float = 5) -> bool:
    """Whether nobody has written to a local `file` for `quiet_seconds` before `now` (seconds since the epoch).

    `mtime` is not used: `cp -p` and `sftp -p` set it to any time, also long ago or in the future.
    """
    return file.changed is not None and now - file.changed >= quiet_seconds


@overload
def dataset_folder(zone: Path, key: str) -> Path: ...
@overload
def dataset_folder(zone: UPath, key: str) -> UPath: ...
def dataset_folder(zone: Zone, key: str) -> Zone:
    """Returns the folder of a dataset's files. Raises SourceError if `key` is not the key of a dataset."""
    if not _KEY.fullmatch(key):
        raise SourceError(key, "ini bukan kunci dataset", hint="tulis <opd>/<dataset>", code="GDK-F018")
    return zone / key


def is_hidden(name: str) -> bool:
    """Whether this is a hidden name, or that of a lock file or a backup of an office program or editor."""
    return name.startswith((".", "~$")) or name.endswith("~")


def is_unfinished(name: str) -> bool:
    """Whether this is a name that programs give to a file that they are still writing."""
    return name.lower().endswith(_UNFINISHED)


def leads_outside(zone: Path, path: Path) -> bool:
    """Whether `path` is a link, or is below one, that leads out of the zone or in a circle."""
    try:
        real = path.resolve(strict=True)
    except RuntimeError:  # a circle, to Python 3.11 and 3.12
        return True
    except OSError as error:
        if error.errno == errno.ELOOP:  # a circle, to Python 3.13
            return True
        real = path.resolve()  # it does not exist yet, or may not be read
    return not real.is_relative_to(zone.resolve())
