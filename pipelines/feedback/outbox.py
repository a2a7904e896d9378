"""Puts feedback into the upload zone, where the OPD finds it: <zone>/<opd>/_umpan_balik/<dataset>/<batch>-<file>/.

What belongs here: writing and deleting a folder, so that readers see all of it or nothing. On this machine and on SFTP
the folder is written under a hidden name and renamed. S3 has no folders: there the summary comes last.
Not here: what is in it (build.py).
"""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from upath import UPath

from pipelines.contracts.upload import OUTBOX
from pipelines.disk import os_reason, sync_file, sync_folder
from pipelines.errors import SourceError
from pipelines.extract.upload.files import PARTIAL, leads_outside
from pipelines.extract.upload.zone import CALL_S, COPY_S, Zone, on_zone
from pipelines.feedback.pack.summary import SUMMARY_FILE
from pipelines.redaction.personal_shapes import NUMBERS, masked

NOT_TAKEN = "berkas-tidak-diambil"
"""The folder about files that no dataset takes."""
DONE = "SELESAI.txt"
"""The file in a folder whose findings are over."""
_LONGEST_STEM = 60
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def folder_of_load(opd: str, dataset: str, batch_id: int, file: str | None) -> str:
    """The folder of a load's feedback, below the zone. file: the name of the upload or source.

    Persons' numbers in it are masked: the folder is named in mails and logs.
    """
    stem = safe_name(masked((file or "").rpartition("/")[2].rpartition(".")[0] or (file or ""), NUMBERS))
    return f"{opd}/{OUTBOX}/{dataset}/{batch_id}" + (f"-{stem}" if stem else "")


def folder_of_files(opd: str | None) -> str:
    """The folder about files that no dataset takes; opd: None for those in no OPD's folder."""
    return f"{opd}/{OUTBOX}/{NOT_TAKEN}" if opd else f"{OUTBOX}/{NOT_TAKEN}"


def safe_name(name: str) -> str:
    """A name that every zone and system takes: letters, digits, dot, minus and underscore."""
    return _UNSAFE.sub("_", name).strip("._")[:_LONGEST_STEM].strip("._")


def put_folder(zone: Zone, place: str, content: Path, subject: str) -> None:
    """Copies the files of `content` to the folder `place` of the zone, which it replaces. Raises SourceError.

    Only one process at a time may call it (send.LOCK): what a killed one left beside the folder is deleted.
    """
    if isinstance(zone, Path):
        try:
            _put_local(zone, zone / place, content, subject)
        except OSError as error:
            message = f"umpan balik tidak dapat ditulis ke zona unggah: {os_reason(error)}"
            raise SourceError(subject, message, hint="periksa disk dan hak akses zona unggah") from None
    else:
        _put_remote(zone / place, content, subject)


def remove_folder(zone: Zone, place: str, subject: str) -> None:
    """Deletes a folder of the outbox; one that is gone is no error. Raises SourceError."""
    if OUTBOX not in place.split("/"):
        raise SourceError(subject, f"{place} bukan folder umpan balik")
    if not isinstance(zone, Path):
        folder = zone / place
        with on_zone(subject, folder, "umpan balik lama tidak dapat dihapus"):
            store: Any = folder.fs
            if store.exists(folder.path, timeout=CALL_S):
                store.rm(folder.path, recursive=True, timeout=COPY_S)
        return
    _require_inside(zone, zone / place, subject)
    try:
        shutil.rmtree(zone / place)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SourceError(subject, f"umpan balik lama tidak dapat dihapus: {os_reason(error)}") from None


def add_text(zone: Zone, place: str, name: str, text: str, subject: str) -> None:
    """Writes a small text file into a folder of the outbox, unless the folder is gone. Raises SourceError."""
    folder = zone / place
    if isinstance(folder, Path):
        assert isinstance(zone, Path)
        _require_inside(zone, folder, subject)
        if not folder.is_dir():
            return
        partial = folder / _partial_name()
        try:
            partial.write_text(text, encoding="utf-8")
            partial.chmod(0o640)
            sync_file(partial)
            partial.replace(folder / name)
        except OSError as error:
            message = f"umpan balik tidak dapat ditulis ke zona unggah: {os_reason(error)}"
            raise SourceError(subject, message) from None
        finally:
            partial.unlink(missing_ok=True)
        return
    with on_zone(subject, folder, "umpan balik tidak dapat ditulis"):
        store: Any = folder.fs
        if store.exists(folder.path, timeout=CALL_S):
            store.pipe_file((folder / name).path, text.encode(), timeout=CALL_S)


def _partial_name() -> str:
    """A new hidden name for what is not complete yet."""
    return f".{secrets.token_hex(8)}.part"


def _put_local(zone: Path, target: Path, content: Path, subject: str) -> None:
    _require_inside(zone, target, subject)
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.iterdir():
        if PARTIAL.fullmatch(left.name) and left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
    partial = target.with_name(_partial_name())
    try:
        partial.mkdir()
        for file in sorted(content.iterdir()):
            copy = partial / file.name
            shutil.copyfile(file, copy)
            copy.chmod(0o640)  # what an OPD sent is read by this account and its group only
            sync_file(copy)
        sync_folder(partial)
        if target.exists():
            old = target.with_name(_partial_name())
            target.rename(old)
            partial.rename(target)
            shutil.rmtree(old)
        else:
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    sync_folder(target.parent)


def _require_inside(zone: Path, target: Path, subject: str) -> None:
    """Raises SourceError if the OPD has put a link in the way that leads out of the zone."""
    for folder in (target, target.parent, target.parent.parent):
        if leads_outside(zone, folder):
            message = f"{folder.name} adalah tautan yang menuju ke luar zona unggah"
            raise SourceError(subject, message, hint="ganti dengan folder biasa")


def _put_remote(target: UPath, content: Path, subject: str) -> None:
    files = sorted(content.iterdir(), key=lambda file: (file.name == SUMMARY_FILE, file.name))
    with on_zone(subject, target, "umpan balik tidak dapat ditulis ke zona unggah"):
        store: Any = target.fs
        if target.protocol == "s3":
            old = (
                set(store.find(target.path, timeout=CALL_S))
                if store.exists(target.path, timeout=CALL_S)
                else set()
            )
            for file in files:
                store.put_file(str(file), (target / file.name).path, timeout=COPY_S)
            gone = [path for path in old if path.rpartition("/")[2] not in {file.name for file in files}]
            if gone:
                store.rm(gone, timeout=CALL_S)
            return
        partial = target.parent / _partial_name()
        store.makedirs(target.parent.path, exist_ok=True, timeout=CALL_S)
        for path in store.ls(target.parent.path, detail=False, timeout=CALL_S):
            if PARTIAL.fullmatch(str(path).rstrip("/").rpartition("/")[2]):
                store.rm(path, recursive=True, timeout=CALL_S)
        store.makedirs(partial.path, exist_ok=True, timeout=CALL_S)
        for file in files:
            store.put_file(str(file), (partial / file.name).path, timeout=COPY_S)
        if store.exists(target.path, timeout=CALL_S):
            store.rm(target.path, recursive=True, timeout=CALL_S)
        store.mv(partial.path, target.path, timeout=CALL_S)
