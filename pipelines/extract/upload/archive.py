"""Unpacks the ZIP or gzip of an upload to a temporary file; counts the bytes, and does not trust declared sizes.

What belongs here: choosing the one member, limits against bombs, paths that lead elsewhere. Not here: what is in the
member (kinds.py and the readers), how large the limits are (limits.py).
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
from pipelines.extract.source_names import listed, may_show_unknown_names, shown_name
from pipelines.extract.upload.limits import LIMITS
from pipelines.extract.upload.reading import Reading

_CHUNK = 1 << 18
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # a password; NotImplementedError (a compression that zipfile does not know) is one, too
)
"""The exceptions that a ZIP may raise that can't be read."""
_PACK_AGAIN = "buat ZIP biasa dengan Windows atau 7-Zip, lalu unggah lagi"


def unpack_member(reading: Reading, file: BinaryIO, pattern: str) -> BinaryIO:
    """Unpacks the one member of a ZIP whose name matches `pattern`, to a temporary file. Case does not matter.

    Raises SourceError if the file is no ZIP or is damaged, if no or several members match, if there is a password or a
    path that leads elsewhere, or if it is a bomb.
    """
    file.seek(0)
    if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
        message = "berkas ini bukan ZIP, sedangkan kontrak menyatakan member"
        raise reading.source_error(message, "unggah ZIP-nya, atau hapus member dari kontrak", code="GDK-F007")
    place = ""
    try:
        with open_zip(file, reading.limits.directory) as archive:
            info = _one_member(reading, archive, pattern)
            name = shown_name(reading.contract, info.filename)
            place = f" di {name!r}" if name else ""
            with archive.open(info) as member:
                return _to_temporary_file(reading, member, info.compress_size)
    except SourceError:
        raise
    except NotImplementedError:
        message = f"cara kompresi ZIP ini tidak dikenal{place}"
    except DAMAGED:
        message = f"ZIP rusak atau terpotong{place}"
    raise reading.source_error(message, _PACK_AGAIN, code="GDK-F005")


def gunzip(reading: Reading, file: BinaryIO) -> BinaryIO:
    """Unpacks a .gz file to a temporary file. Raises SourceError if it is damaged or a bomb."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            return _to_temporary_file(reading, packed, size)
    except SourceError:
        raise
    except DAMAGED:
        pass
    raise reading.source_error(
        "berkas .gz rusak atau terpotong", "unggah lagi berkas yang utuh", code="GDK-F005"
    )


def check_declared_sizes(reading: Reading, archive: zipfile.ZipFile) -> None:
    """Raises SourceError if the sizes that the ZIP declares make a workbook a bomb; nothing is unpacked."""
    total = packed = 0
    for info in archive.infolist():
        packed += info.compress_size
        total += info.file_size
        _check_growth(reading, total, packed, reading.limits.package)


def check_real_sizes(reading: Reading, archive: zipfile.ZipFile) -> None:
    """Unpacks every part of a workbook once, keeps nothing, and counts: the declared sizes may be false.

    Raises SourceError for a bomb, one of DAMAGED for a part that is not what the list of members says.
    """
    total = packed = 0
    for info in archive.infolist():
        packed += info.compress_size
        with archive.open(info) as part:
            while chunk := part.read(_CHUNK):
                total += len(chunk)
                _check_growth(reading, total, packed, reading.limits.package)


def _to_temporary_file(reading: Reading, source: IO[bytes] | gzip.GzipFile, packed: int) -> BinaryIO:
    target = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    total = 0
    try:
        while chunk := source.read(_CHUNK):
            total += len(chunk)
            _check_growth(reading, total, packed, reading.limits.unpacked)
            target.write(chunk)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return target


def _check_growth(reading: Reading, total: int, packed: int, limit: int) -> None:
    growth = reading.limits.growth
    if total > limit:
        message = f"isinya lebih dari {limit >> 20:,} MB setelah dibuka"
    elif total > reading.limits.ungrown and total > packed * growth:
        message = f"isinya lebih dari {growth} kali ukurannya setelah dibuka"
    else:
        return
    raise reading.source_error(
        message,
        "berkas ini tidak wajar; bila memang benar, unggah sebagian-sebagian dan tanpa kompresi",
        code="GDK-F006",
    )


def open_zip(file: BinaryIO, directory: int = LIMITS.directory) -> zipfile.ZipFile:
    """Opens a ZIP. Raises zipfile.BadZipFile if it is damaged, or if its list of members exceeds `directory` bytes."""
    if _directory_size(file) > directory:
        raise zipfile.BadZipFile("too many members")
    try:
        return zipfile.ZipFile(file)
    except DAMAGED:
        pass
    raise zipfile.BadZipFile("damaged")


def _directory_size(file: BinaryIO) -> int:
    """Returns the size of the ZIP's list of members in bytes; Python reads all of it.

    Source: APPNOTE.TXT 4.3.16, offset 12 of the end record.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - (1 << 16) - 22))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    return int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0


def _one_member(reading: Reading, archive: zipfile.ZipFile, pattern: str) -> zipfile.ZipInfo:
    for info in archive.infolist():
        if _leads_elsewhere(info):
            name = shown_name(reading.contract, info.filename)
            message = f"ZIP memuat {repr(name) if name else 'anggota'}, jalur atau tautan yang menuju ke luar"
            raise reading.source_error(message, "masukkan berkas biasa saja ke dalam ZIP", code="GDK-F007")
    members = [i for i in archive.infolist() if not i.is_dir() and not _is_clutter(i.filename)]
    found = [i for i in members if _matches(i.filename, pattern)]
    if len(found) != 1:
        raise _not_one_member(reading, pattern, found, members)
    if found[0].flag_bits & 1:
        name = shown_name(reading.contract, found[0].filename)
        message = f"{repr(name) if name else 'berkas'} di dalam ZIP terkunci dengan kata sandi"
        raise reading.source_error(message, "buat ZIP tanpa kata sandi", code="GDK-F003")
    return found[0]


def _not_one_member(
    reading: Reading, pattern: str, found: list[zipfile.ZipInfo], members: list[zipfile.ZipInfo]
) -> SourceError:
    names = listed([repr(i.filename) for i in (found or members)]) or "tidak ada"
    if not may_show_unknown_names(reading.contract):
        names = f"{len(members)} berkas"
    if found:
        message = f"{len(found)} berkas di dalam ZIP cocok dengan {pattern!r}: {names}"
    else:
        message = f"tidak ada berkas di dalam ZIP yang cocok dengan {pattern!r}; isinya: {names}"
    return reading.source_error(
        message, "masukkan satu berkas saja, atau perbaiki member di kontrak", code="GDK-F007"
    )


def _matches(name: str, pattern: str) -> bool:
    """Whether a member's name matches. A pattern without a slash matches the file's name in any folder."""
    known = name if "/" in pattern else name.rpartition("/")[2]
    return fnmatchcase(known.lower(), pattern.lower())


def _is_clutter(name: str) -> bool:
    """Whether it is a file that macOS adds to each file, or a hidden file."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _leads_elsewhere(info: zipfile.ZipInfo) -> bool:
    # zipfile cuts a name at its first NUL; orig_filename is the name in the archive.
    name = info.orig_filename
    parts = name.replace("\\", "/").split("/")
    return (
        stat.S_ISLNK(info.external_attr >> 16)
        or name.startswith(("/", "\\"))
        or name[1:2] == ":"
        or ".." in parts
        or "\0" in name
    )
