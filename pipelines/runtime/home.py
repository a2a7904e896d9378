"""Makes, recognises and deletes the home folder of an installation.

What belongs here: the marker by which we know that a folder is ours. Not here: the contents of the folder (embedded.py,
environment.py).
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from pipelines.errors import GudangError

MARKER = ".gudang-home"
_TEXT = "Folder kerja Gudang Data Kaltim. `gudang reset` menghapus folder ini beserta isinya.\n"


def make_home(home: Path) -> Path:
    """Makes `home` if it is missing, and gives it. Only an empty folder is marked as ours."""
    home.mkdir(parents=True, exist_ok=True)
    if not any(home.iterdir()):
        (home / MARKER).write_text(_TEXT)
    return home


def private_folder(folder: Path) -> Path:
    """Makes `folder` if it is missing, takes the rights on it from other users, and gives it.

    It holds files of OPD, or what Dagster writes about them.
    """
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    there = folder.stat()
    if there.st_mode & 0o007 and there.st_uid == os.geteuid():
        folder.chmod(stat.S_IMODE(there.st_mode) & ~0o007)
    return folder


def is_home(home: Path) -> bool:
    """Whether `home` was made by `make_home`."""
    return not home.is_symlink() and (home / MARKER).is_file()


def check_home(home: Path) -> None:
    """Raises GudangError if `home` is not marked as ours, so that it must not be deleted."""
    if not is_home(home):
        raise GudangError(
            str(home),
            f"folder ini tidak memuat {MARKER}, jadi berisi hal lain dan tidak dihapus",
            hint="hapus sendiri bagian yang memang milik gudang",
        )


def delete_home(home: Path) -> None:
    """Deletes `home` if it is ours. Stop its server before. Raises GudangError."""
    check_home(home)
    shutil.rmtree(home)
