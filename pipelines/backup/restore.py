"""Puts a backup into an empty installation.

What belongs here: refusing what is not empty, the order of the parts. Not here: the form of a backup (folder.py),
pg_restore (programs.py), bringing an old backup to this version (`gudang upgrade`, in cli/server/backup.py).

Nothing is written before all of these hold: the files are those of the manifest, the databases are empty, the folders
have no files and can be written.
Each database comes in one transaction. So an interrupted restore is repeated after the databases are made anew.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import psycopg
from psycopg import sql

from pipelines.backup import folder as form
from pipelines.backup.programs import restore
from pipelines.backup.write import Say, Source
from pipelines.disk import os_reason
from pipelines.errors import GudangError
from pipelines.extract.upload.zone import upload_zone
from pipelines.redaction.database_urls import libpq_url

_EMPTY_PLACE = "pulihkan ke tempat yang kosong: basis data baru, atau GUDANG_HOME yang baru"


def restore_backup(target: Source, folder: Path, *, say: Say) -> form.Manifest:
    """Restores databases, upload zone and publications of the backup in `folder`. Gives its manifest.

    say: is called with a line for each part. Raises GudangError if the backup is damaged, the target is not empty, or
    PostgreSQL refuses.
    """
    manifest = form.read_manifest(folder)
    form.require_files(folder, manifest)
    databases = {form.WAREHOUSE: target.warehouse, form.DAGSTER: target.dagster}
    folders = _folders(target, manifest)
    for name, url in databases.items():
        _require_empty_database(url, name)
    for name, place in folders.items():
        _require_free_place(folder / name, place)
    _make_roles(target.warehouse, manifest.roles, say)
    for name, url in databases.items():
        restore(target.bin_dir, url, folder / name)
        say(f"{name}: dipulihkan")
    for name, place in folders.items():
        try:
            place.mkdir(mode=0o750, parents=True, exist_ok=True)
            with tarfile.open(folder / name) as archive:
                _unpack(archive, place)
        except (OSError, tarfile.TarError) as error:
            raise GudangError(
                str(place),
                f"tidak dapat ditulis: {os_reason(error)}",
                hint=f"kedua basis data sudah dipulihkan; bongkar sendiri: tar -xf {folder / name} -C {place}",
            ) from None
        say(f"{name}: dipulihkan ke {place}")
    return manifest


def _folders(target: Source, manifest: form.Manifest) -> dict[str, Path]:
    """Where the folders of the backup go. An upload zone on another machine gets nothing."""
    found: dict[str, Path] = {}
    if form.PUBLICATIONS in manifest.files:
        found[form.PUBLICATIONS] = target.settings.publication_dir
    zone = upload_zone(target.settings)
    if form.UPLOADS in manifest.files and isinstance(zone, Path):
        found[form.UPLOADS] = zone
    return found


def _require_free_place(archive: Path, place: Path) -> None:
    """Raises GudangError if `place` has files, a folder of it cannot be written, or the archive has what may not come.

    Empty folders may be there: on a server the OPD's accounts own theirs.
    """
    if any(not p.is_dir() or p.is_symlink() for p in place.rglob("*")):
        raise GudangError(str(place), "folder ini tidak kosong", hint=_EMPTY_PLACE)
    folders: set[Path] = set()
    try:
        with tarfile.open(archive) as content:
            for member in content:
                _refuse_foreign(archive, member)
                target = place / member.name
                if not (member.isdir() and target.is_dir()):
                    folders.add(target.parent)
    except tarfile.TarError as error:
        raise GudangError(str(archive), f"arsip ini rusak: {type(error).__name__}") from None
    for folder in sorted(folders):
        there = next(p for p in (folder, *folder.parents) if p.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            raise GudangError(
                str(there),
                "folder ini tidak dapat ditulis",
                hint="buat folder OPD dahulu dengan hak tulis bagi pengguna ini (docs/install-on-a-server.md)",
            )


def _refuse_foreign(archive: Path, member: tarfile.TarInfo) -> None:
    """Raises GudangError for what `gudang backup` does not pack: a way out of the folder, a device, a pipe.

    Python 3.11.2 of Debian 12 has no filters of tarfile.
    """
    targets = [PurePosixPath(member.name)]
    if member.issym():
        targets.append(PurePosixPath(member.name).parent / member.linkname)
    elif member.islnk():
        targets.append(PurePosixPath(member.linkname))
    known = member.isfile() or member.isdir() or member.issym() or member.islnk()
    if not known or any(_leads_outside(target) for target in targets):
        raise GudangError(
            str(archive),
            f"isi arsip ini ditolak: {member.name!r} menuju ke luar foldernya, atau bukan berkas",
            hint="pakai cadangan lain; yang ini diubah sesudah dibuat",
        )


def _leads_outside(path: PurePosixPath) -> bool:
    """Whether a path inside an archive is absolute, or goes above the archive's folder at any step."""
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if depth < 0 or part == "/":
            return True
    return False


def _unpack(archive: tarfile.TarFile, place: Path) -> None:
    """Writes the content of a checked archive below `place`. The files get the owner and modes of new files."""
    for member in archive:
        target = place / member.name
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if member.issym():
            target.symlink_to(member.linkname)
        elif member.islnk():
            target.hardlink_to(place / member.linkname)
        elif (content := archive.extractfile(member)) is not None:
            with content, target.open("xb") as file:
                shutil.copyfileobj(content, file)
            os.utime(target, (member.mtime, member.mtime))


def _require_empty_database(url: str, name: str) -> None:
    with _connect(url) as connection:
        row = connection.execute(
            "select n.nspname || '.' || c.relname from pg_catalog.pg_class c"
            " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'v', 'm')"
            " order by 1 limit 1"
        ).fetchone()
        database = connection.info.dbname
    if row is not None:
        raise GudangError(
            f"basis data {database}",
            f"tidak kosong (misalnya {row[0]}), jadi {name} tidak dipulihkan ke situ",
            hint=_EMPTY_PLACE,
        )


def _make_roles(url: str, roles: Sequence[str], say: Say) -> None:
    """Creates the roles that have rights in the backup and are missing here, without log-in. Raises GudangError."""
    with _connect(url) as connection:
        rows = connection.execute(
            "select name from unnest(%s::text[]) as name where to_regrole(quote_ident(name)) is null",
            [list(roles)],
        ).fetchall()
        for (name,) in rows:
            try:
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(name)))
            except psycopg.errors.InsufficientPrivilege:
                raise GudangError(
                    f"role {name}",
                    "punya hak di cadangan ini, tidak ada di server ini, dan tidak boleh dibuat oleh pengguna ini",
                    hint=f"minta administrator menjalankan: create role {name} nologin",
                ) from None
            say(f"role {name} dibuat, tanpa login")


def _connect(url: str) -> psycopg.Connection[tuple[str]]:
    try:
        return psycopg.connect(libpq_url(url), autocommit=True)
    except psycopg.Error as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise GudangError(
            "basis data", f"koneksi gagal: {first}", hint="buat basis datanya dahulu, atau jalankan servernya"
        ) from None
