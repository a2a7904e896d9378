"""Finds and makes the folder of the embedded server's unix socket.

Only its owner may enter it, because everybody who reaches the socket can connect.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from pipelines.errors import GudangError
from pipelines.runtime.data_owner import SUBJECT, owner_name

_LONGEST = 107 - len("/.s.PGSQL.5432")
"""Bytes of the folder's path: a unix socket's path has at most 107, its name included."""
_FIT = re.compile(r"[\w./@+=~ -]+")


def socket_folder(data_dir: Path) -> Path:
    """The folder of the socket: the data folder, or one in /tmp if the data folder's path is unfit for a socket."""
    if len(os.fsencode(data_dir)) <= _LONGEST and _FIT.fullmatch(str(data_dir)):
        return data_dir
    # Not TMPDIR, because every process must find the same folder.
    return Path("/tmp") / f"gudang-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"  # noqa: S108


def make_socket_folder(data_dir: Path) -> Path:
    """Makes the folder of the socket with mode 0700, and gives it. Raises GudangError if another user's is there."""
    socket_dir = socket_folder(data_dir)
    if socket_dir == data_dir:
        return socket_dir
    owner = data_dir.stat()
    try:
        socket_dir.mkdir(mode=0o700)
        os.chown(socket_dir, owner.st_uid, owner.st_gid)
    except FileExistsError:
        there = socket_dir.lstat()
        if not stat.S_ISDIR(there.st_mode) or there.st_uid != owner.st_uid or there.st_mode & 0o077:
            raise GudangError(
                SUBJECT, f"{socket_dir} bukan folder pribadi {owner_name(data_dir)}", hint="hapus folder itu"
            ) from None
    return socket_dir
