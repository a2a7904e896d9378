"""What the operating system does with files and addresses, where Python's own functions do not suffice.

What belongs here: making a file and a change of a folder last, and naming a failure to an operator. Not here: writing
files (publication/files.py, extract/upload/files.py).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_REASONS: Mapping[int | None, str] = MappingProxyType(
    {
        errno.EACCES: "tidak ada hak akses",
        errno.EPERM: "tidak ada hak akses",
        errno.ENOENT: "berkas atau folder tidak ada",
        errno.ENOTDIR: "ini bukan folder",
        errno.EISDIR: "ini folder",
        errno.ELOOP: "tautannya berputar",
        errno.ENAMETOOLONG: "namanya terlalu panjang",
        errno.ENOSPC: "disk penuh",
        errno.EDQUOT: "kuota disk habis",
        errno.EROFS: "disk hanya dapat dibaca",
        errno.ENOTEMPTY: "folder ini tidak kosong",
        errno.EEXIST: "sudah ada",
        errno.EADDRINUSE: "sedang dipakai program lain",
        errno.EADDRNOTAVAIL: "bukan alamat mesin ini",
        errno.EIO: "disk tidak dapat dibaca atau ditulisi",
    }
)


def os_reason(error: Exception) -> str:
    """Why a call to the operating system failed, in Indonesian where the reason is a frequent one; never a path."""
    if isinstance(error, OSError) and (reason := _REASONS.get(error.errno, error.strerror)):
        return reason
    return type(error).__name__


def sync_file(path: Path) -> None:
    """Writes the content of a closed file to the disk, so that it survives a power cut. Raises OSError.

    Call it before the file is renamed to its name. The name itself survives by `sync_folder`.
    """
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Writes the names in `folder` to the disk, so that a rename in it survives a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
