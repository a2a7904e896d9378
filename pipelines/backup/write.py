"""Writes a backup: both databases, the upload zone and the publications, in one folder.

What belongs here: the order of the files, the rename that completes a backup, deleting old ones. Not here: the form of
the folder (folder.py), pg_dump (programs.py).

The keys of pseudonyms are never in a backup: whoever has both can find persons again. They are kept apart.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from psycopg import Connection, errors

from pipelines.backup import folder as form
from pipelines.backup.programs import dump
from pipelines.disk import os_reason, sync_file, sync_folder
from pipelines.errors import GudangError
from pipelines.extract.upload.files import leads_outside
from pipelines.extract.upload.zone import upload_zone
from pipelines.numbers import number
from pipelines.runtime.file_lock import locked
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect

LATEST = "terakhir.json"
"""In the folder of backups: when the latest one was completed, and its bytes. `gudang health` reads it."""
_ATTEMPTS = 3
"""How often a folder is packed, if a file in it changes while it is read."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """What is backed up. bin_dir: the folder of pg_dump. warehouse, dagster: URLs of the databases."""

    settings: Settings
    bin_dir: Path
    warehouse: str
    dagster: str


def backup_folder(settings: Settings) -> Path:
    """The folder of the backups, if the operator names no other."""
    return settings.home / "cadangan"


def write_backup(source: Source, place: Path, *, keep: int | None, say: Say) -> Path:
    """Writes a backup into a new folder in `place`, deletes all but the newest `keep`, and gives the folder.

    keep: None deletes none. say: is called with a line for each file. Raises GudangError; an incomplete backup is then
    deleted.
    """
    if place.resolve().is_relative_to((source.settings.home / "unggahan").resolve()):
        raise GudangError(str(place), "cadangan tidak boleh di dalam zona unggah", hint="pilih folder lain")
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(place / "cadangan.lock", "pencadangan"):
            return _write(source, place, keep, say)
    except OSError as error:
        raise GudangError(
            str(error.filename or place),
            f"cadangan tidak dapat ditulis: {os_reason(error)}",
            hint="cadangan sebelumnya tetap ada; kosongkan disk, atau pilih folder lain dengan --output",
        ) from None


def _write(source: Source, place: Path, keep: int | None, say: Say) -> Path:
    for left in place.glob(f"*{form.PARTIAL}"):  # of a process that was killed
        shutil.rmtree(left)
    made_at = datetime.now(UTC)
    complete = _free_name(place / f"{made_at:%Y-%m-%dT%H%M%S}Z")
    partial = complete.with_name(complete.name + form.PARTIAL)
    partial.mkdir(mode=0o700)
    try:
        left_out = _write_files(source, partial, say)
        files = {p.name: form.File(p.stat().st_size, form.sha256_of(p)) for p in sorted(partial.iterdir())}
        manifest = _manifest(source, made_at, files, left_out)
        (partial / form.MANIFEST).write_text(manifest.as_json(), "utf-8")
        for path in partial.iterdir():
            sync_file(path)
        sync_folder(partial)
        partial.rename(complete)
        sync_folder(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for old in form.backups(place)[:-keep] if keep else []:
        shutil.rmtree(old)
        say(f"Cadangan lama dihapus: {old.name}")
    _note_latest(source.settings, manifest)
    return complete


def _free_name(folder: Path) -> Path:
    """`folder`, or the same name with a number if another backup was made in this second."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def _write_files(source: Source, folder: Path, say: Say) -> tuple[str, ...]:
    """Writes the databases and folders. Gives what is left out, in Indonesian.

    Dagster's database comes first, so that its sensors' cursors are not ahead of the ledger after a restore.
    """
    for name, url in ((form.DAGSTER, source.dagster), (form.WAREHOUSE, source.warehouse)):
        dump(source.bin_dir, url, folder / name)
        say(f"{name}: {megabytes((folder / name).stat().st_size)}")
    left_out = ["kunci pseudonim (sengaja: simpan terpisah dari cadangan)"]
    zone = upload_zone(source.settings)
    folders = {form.PUBLICATIONS: source.settings.publication_dir}
    if isinstance(zone, Path):
        folders[form.UPLOADS] = zone
    else:
        left_out.append("zona unggah (ada di mesin lain, yang mencadangkannya sendiri)")
    for name, content in folders.items():
        if content.is_dir():
            unreadable = _pack(content, folder / name)
            left_out += [f"{path} (tidak dapat dibaca)" for path in unreadable]
            say(f"{name}: {megabytes((folder / name).stat().st_size)}")
    return tuple(left_out)


def _pack(content: Path, file: Path) -> list[Path]:
    """Writes all files below `content` into a tar file. Gives the files and folders that could not be read.

    Raises OSError if a file keeps changing.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _pack_once(content, file)
        except OSError as error:
            # Without a number it is tarfile's own: an OPD replaced a file by a shorter one while it was read.
            if error.errno is not None or attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _pack_once(content: Path, file: Path) -> list[Path]:
    unreadable: list[Path] = []
    file.touch(mode=0o600)
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in _inside(content, unreadable.append):
            try:
                archive.add(path, path.relative_to(content).as_posix(), recursive=False)
            except FileNotFoundError:
                continue  # it was deleted meanwhile
            except PermissionError:
                unreadable.append(path)
    return [*dict.fromkeys(unreadable)]


def _inside(content: Path, note: Callable[[Path], None]) -> Iterator[Path]:
    """Files and folders below `content`, and links that stay in it. An OPD can make others: they hold no upload.

    note: is called with each folder that may not be listed or entered. Raises OSError for another fault.
    """

    def fault(error: OSError) -> None:
        if isinstance(error, PermissionError):
            note(Path(error.filename))
        elif not isinstance(error, FileNotFoundError):  # it was deleted meanwhile
            raise error

    for base, folders, files in os.walk(content, onerror=fault):
        folders.sort()
        for path in sorted(Path(base, name) for name in (*folders, *files)):
            try:
                belongs = _belongs(path, content)
            except FileNotFoundError:
                continue
            except PermissionError:  # the names in a folder may be listed, but the folder may not be entered
                note(Path(base))
                continue
            if belongs:
                yield path


def _belongs(path: Path, content: Path) -> bool:
    if path.is_symlink():
        return not (path.readlink().is_absolute() or leads_outside(content, path))
    return path.is_file() or path.is_dir()


def _manifest(
    source: Source, made_at: datetime, files: dict[str, form.File], left_out: tuple[str, ...]
) -> form.Manifest:
    with connect(source.warehouse) as connection:
        server = str(connection.info.server_version // 10_000)
        roles = _roles(connection)
        try:
            last = connection.execute(
                "select name from ops.migration where number is not null order by number desc limit 1"
            ).fetchone()
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            last = None
    with connect(source.dagster) as connection:
        roles |= _roles(connection)
    return form.Manifest(
        made_at,
        metadata.version("gudang-data-kaltim"),
        server,
        last[0] if last else "",
        tuple(sorted(roles)),
        files,
        left_out,
    )


def _roles(connection: Connection[Any]) -> set[str]:
    """The roles that have rights in a database, without its user and PostgreSQL's own roles."""
    rows = connection.execute(
        "with rights (acl) as (select relacl from pg_class union all select attacl from pg_attribute"
        " union all select nspacl from pg_namespace union all select proacl from pg_proc)"
        " select distinct r.rolname from rights, aclexplode(rights.acl) as a, pg_roles as r"
        " where r.oid = a.grantee and r.rolname <> all (array[current_user, 'postgres']) and r.rolname !~ '^pg_'"
    ).fetchall()
    return {name for (name,) in rows}


def _note_latest(settings: Settings, manifest: form.Manifest) -> None:
    place = backup_folder(settings)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = place / f"{LATEST}.baru"
    new.write_text(json.dumps({"selesai": datetime.now(UTC).isoformat(), "ukuran": manifest.size}), "utf-8")
    sync_file(new)
    new.replace(place / LATEST)


def megabytes(size: int) -> str:
    """A size as people read it: `15,7 MB`."""
    return f"{number(size / 1e6, 1)} MB"
