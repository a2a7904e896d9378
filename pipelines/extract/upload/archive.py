"""ZIP and gzip around an upload, unpacked to a temporary file, within limits that are counted and never believed.

What belongs here: choosing the one member, bounds against bombs, tricks with paths. Not here: what is in it.
"""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import tempfile
import zipfile
import zlib
from fnmatch import fnmatchcase
from typing import IO, BinaryIO

from pipelines.errors import SourceError
from pipelines.extract.source_names import listed, may_be_shown
from pipelines.extract.upload.table import Reading

MAX_BYTES = 4 << 30
"""The most that an upload may unpack to."""
MAX_RATIO = 250
"""The most that it may grow by, once more than FREE bytes have come out; Excel's own sheets reach about 100."""
FREE = 64 << 20
MAX_PACKAGE = 1 << 30
"""The most that a workbook's parts may unpack to together: they are held in memory."""
_MAX_DIRECTORY = 16 << 20
_CHUNK = 1 << 18
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # a password; NotImplementedError (a way of packing that zipfile does not know) is one
)
"""What a ZIP that can't be read may raise."""
_UPLOAD_AGAIN = "pack it anew with Windows' or 7-Zip's ordinary ZIP and upload it again"


def unpack_member(reading: Reading, file: BinaryIO, pattern: str) -> BinaryIO:
    """The one member of a ZIP whose name matches `pattern` (upper and lower case alike), as a temporary file.

    Raises SourceError: no ZIP or a damaged one, no match or several, a password, a path that leads elsewhere, a bomb.
    """
    file.seek(0)
    if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
        message = "this is no ZIP, and the contract declares one (member)"
        raise reading.fault(message, "upload the ZIP itself, or drop member")
    place = ""
    try:
        with open_zip(file) as archive:
            info = _one_member(reading, archive, pattern)
            place = f" at {info.filename!r}" if may_be_shown(reading.contract) else ""
            with archive.open(info) as member:
                return _spool(reading, member, info.compress_size)
    except SourceError:
        raise
    except NotImplementedError:
        message = f"the ZIP is packed in a way that is not known{place}"
    except DAMAGED:
        message = f"the ZIP is damaged or cut short{place}"
    raise reading.fault(message, _UPLOAD_AGAIN)


def gunzip(reading: Reading, file: BinaryIO) -> BinaryIO:
    """The content of a .gz file as a temporary file. Raises SourceError where it is damaged or a bomb."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            return _spool(reading, packed, size)
    except SourceError:
        raise
    except DAMAGED:
        pass
    raise reading.fault("the .gz file is damaged or cut short", "upload the whole file again")


def check_declared(reading: Reading, archive: zipfile.ZipFile) -> None:
    """Raises SourceError where a workbook's parts say themselves that they are a bomb; that costs nothing."""
    total = packed = 0
    for info in archive.infolist():
        packed += info.compress_size
        total += info.file_size
        _check_growth(reading, total, packed, MAX_PACKAGE)


def check_package(reading: Reading, archive: zipfile.ZipFile) -> None:
    """Unpacks every part of a workbook once and keeps nothing: what they declared is counted, not believed.

    Raises SourceError for a bomb, one of DAMAGED for a part that is not what its list of members says.
    """
    total = packed = 0
    for info in archive.infolist():
        packed += info.compress_size
        with archive.open(info) as part:
            while chunk := part.read(_CHUNK):
                total += len(chunk)
                _check_growth(reading, total, packed, MAX_PACKAGE)


def _spool(reading: Reading, source: IO[bytes] | gzip.GzipFile, packed: int) -> BinaryIO:
    target = tempfile.TemporaryFile()  # noqa: SIM115  # the caller's to close
    total = 0
    try:
        while chunk := source.read(_CHUNK):
            total += len(chunk)
            _check_growth(reading, total, packed, MAX_BYTES)
            target.write(chunk)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return target


def _check_growth(reading: Reading, total: int, packed: int, limit: int) -> None:
    if total > limit:
        message = f"it unpacks to more than {limit >> 20:,} MB"
    elif total > FREE and total > packed * MAX_RATIO:
        message = f"it unpacks to more than {MAX_RATIO} times its size"
    else:
        return
    raise reading.fault(message, "this is no honest file; if it is, upload it in parts and not packed")


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """A ZIP whose list of members is not endless. Raises zipfile.BadZipFile for anything else."""
    if _directory_size(file) > _MAX_DIRECTORY:
        raise zipfile.BadZipFile("too many members")
    try:
        return zipfile.ZipFile(file)
    except DAMAGED:
        pass
    raise zipfile.BadZipFile("damaged")


def _directory_size(file: BinaryIO) -> int:
    """Bytes of the ZIP's list of members, which Python reads whole (APPNOTE.TXT 4.3.16, offset 12 of the end)."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - (1 << 16) - 22))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    return int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0


def _one_member(reading: Reading, archive: zipfile.ZipFile, pattern: str) -> zipfile.ZipInfo:
    for info in archive.infolist():
        if _leads_elsewhere(info):
            name = repr(info.filename) if may_be_shown(reading.contract) else "a member"
            message = f"the ZIP holds {name}, a path or link that leads out of it"
            raise reading.fault(message, "pack plain files only")
    members = [i for i in archive.infolist() if not i.is_dir() and not _is_clutter(i.filename)]
    found = [i for i in members if _matches(i.filename, pattern)]
    if len(found) != 1:
        count = f"{len(found)} members of the ZIP match" if found else "no member of the ZIP matches"
        names = listed([repr(i.filename) for i in (found or members)]) or "nothing"
        if not may_be_shown(reading.contract):
            names = f"{len(members)} in all"
        hint = "pack only one such file, or correct member in the contract"
        raise reading.fault(f"{count} {pattern!r}; {'these do' if found else 'it holds'}: {names}", hint)
    if found[0].flag_bits & 1:
        name = repr(found[0].filename) if may_be_shown(reading.contract) else "the file"
        raise reading.fault(f"{name} in the ZIP is locked with a password", "pack it without one")
    return found[0]


def _matches(name: str, pattern: str) -> bool:
    """A pattern without a slash means the name in whatever folder."""
    known = name if "/" in pattern else name.rpartition("/")[2]
    return fnmatchcase(known.lower(), pattern.lower())


def _is_clutter(name: str) -> bool:
    """What macOS packs beside each file, and hidden files."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _leads_elsewhere(info: zipfile.ZipInfo) -> bool:
    # zipfile cuts a name at its first NUL: orig_filename is what the archive says.
    name = info.orig_filename
    parts = name.replace("\\", "/").split("/")
    return (
        stat.S_ISLNK(info.external_attr >> 16)
        or name.startswith(("/", "\\"))
        or name[1:2] == ":"
        or ".." in parts
        or "\0" in name
    )
