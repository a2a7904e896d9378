"""Lists the upload zone: the files that a dataset's contract takes, and every other one, with the reason.

What belongs here: listing folders, on this machine and on another. Every entry is listed, hidden names excepted; one
that cannot be examined does not stop the listing of the others. Not here: putting and opening files (files.py), which
file came when (load/arrivals.py).
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from upath import UPath

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import (
    OUTBOX,
    RESERVED,
    FileExtract,
    is_only_to_read,
    read_marked_name,
    stem_of,
)
from pipelines.disk import os_reason
from pipelines.errors import ContractError, SourceError
from pipelines.extract.upload.files import (
    UploadedFile,
    dataset_folder,
    is_hidden,
    is_unfinished,
    leads_outside,
    require_upload_name,
)
from pipelines.extract.upload.zone import CALL_S, SUBJECT, Zone, on_zone
from pipelines.suggest import did_you_mean

MOST_UNKNOWN = 500
"""The most files of unknown folders that are listed of an OPD, and of all other folders together.

An archive that was unpacked into the zone has thousands.
"""
NO_ORIGINAL = (
    "tidak jelas salinan berkas mana ini; kembalikan nama salinan itu, atau kirim dengan nama berkas aslinya"
)
"""Why a marked copy is not taken."""
_CHOOSE = "pilih berkas yang benar, atau ganti namanya"
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that move a terminal's cursor, turn its text round or have no form at all."""


@dataclass(frozen=True, slots=True)
class LeftFile:
    """A file in the zone that is not taken.

    place: its path in the zone. reason: why it is not taken. stamp: a text that changes when the file changes.
    unfinished: it seems to be still on its way.
    """

    place: str
    reason: str
    stamp: str = field(default="", compare=False)
    unfinished: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a dataset's folder.

    files: those that its contract takes, the oldest first by their own times. left: those that it does not take.
    superseded: originals and marked copies in place of which one of `files` is read.
    """

    files: tuple[UploadedFile, ...] = ()
    left: tuple[LeftFile, ...] = ()
    superseded: tuple[UploadedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a folder. reason: why it is not taken, whatever its name is; "" if it may be taken."""

    path: Zone
    name: str
    kind: Literal["file", "folder", "other"]
    size: int = 0
    mtime: float = 0.0
    changed: float | None = None
    reason: str = ""

    def upload(self) -> UploadedFile:
        """This entry as one that is taken."""
        return UploadedFile(self.path, self.name, self.size, self.mtime, self.changed)

    def left(self, place: str, reason: str) -> LeftFile:
        """This entry as one that is not taken."""
        return LeftFile(place, reason, f"{self.size}:{self.mtime!r}", is_unfinished(self.name))


def list_uploads(zone: Zone, contract: Contract) -> Listing:
    """Lists the dataset's folder. The contract's pattern does not distinguish upper and lower case.

    A marked copy (data-bertanda.xlsx) has the name of its original and is read in place of it, unless the original was
    put there later by the file system's clock (load/arrivals.take_last_arrived corrects this by what came before).

    Raises SourceError if the folder cannot be listed, or the zone does not answer; ContractError if the dataset is not
    read from uploads.
    """
    if not isinstance(contract.extract, FileExtract):
        raise ContractError(
            contract.key,
            "dataset ini bukan unggahan",
            hint="lihat docs/contracts/uploads.md",
            code="GDK-K022",
        )
    files: dict[str, UploadedFile] = {}
    left: list[LeftFile] = []
    marked: list[_Entry] = []
    superseded: list[UploadedFile] = []
    folder = dataset_folder(zone, contract.key)
    for entry in _entries(zone, contract.key, folder):
        if is_marked_copy(contract.extract, entry.name) and entry.kind == "file" and not entry.reason:
            marked.append(entry)
        elif reason := _reason_not_taken(entry, contract.extract.pattern, contract.key):
            left.append(entry.left(f"{contract.key}/{entry.name}", reason))
        else:
            files[entry.name] = entry.upload()
    originals = [*files]
    for entry in marked:
        name = original_name(contract.extract, originals, entry.name)
        if name is None:
            left.append(entry.left(f"{contract.key}/{entry.name}", NO_ORIGINAL))
            continue
        copy = replace(entry.upload(), name=name, marked=read_suffix(entry.name))
        older, newer = sorted((files.get(name, copy), copy), key=lambda f: f.touched)
        files[name] = newer
        if older is not newer:
            superseded.append(older)
    found = sorted(files.values(), key=lambda f: (f.mtime, f.name))
    return Listing(tuple(found), tuple(left), tuple(superseded))


def file_outside(zone: Zone, contract: Contract, path: Zone, name: str) -> UploadedFile:
    """A file that lies elsewhere as the listing will have it, once it lies in the zone under this name.

    Raises SourceError if the contract does not take a file of this name, or it is not there.
    """
    assert isinstance(contract.extract, FileExtract)
    require_upload_name(contract.key, name)
    state, marked = _state(contract.key, path, name), ""
    if is_marked_copy(contract.extract, name):
        original = original_name(contract.extract, (file.name for file in find_uploads(zone, contract)), name)
        if original is None:
            raise SourceError(contract.key, f"{name}: {NO_ORIGINAL}", hint=_CHOOSE, code="GDK-F022")
        name, marked = original, read_suffix(name)
    elif not fnmatchcase(name.lower(), contract.extract.pattern.lower()):
        kind = contract.extract.format.upper() if contract.extract.member is None else "ZIP"
        pattern = contract.extract.pattern
        message = f"nama berkas tidak cocok dengan {pattern}, padahal dataset ini menerima berkas {kind}"
        raise SourceError(contract.key, message, hint=_CHOOSE, code="GDK-F022")
    changed = state.st_ctime if isinstance(path, Path) else None
    return UploadedFile(path, name, state.st_size, state.st_mtime, changed, marked)


def _state(key: str, path: Zone, name: str) -> Any:
    """Size and times of a file. Raises SourceError."""
    if not isinstance(path, Path):
        with on_zone(key, path, f"{name} tidak dapat dibaca"):
            return path.stat()
    try:
        return path.stat()
    except OSError as error:
        raise SourceError(key, f"{name} tidak dapat dibaca: {os_reason(error)}", code="GDK-F002") from None


def is_marked_copy(extract: FileExtract, name: str) -> bool:
    """Whether a file of this name is the marked copy of an upload, as feedback gives it to the OPD."""
    found = read_marked_name(name)
    if found is None or name.startswith(RESERVED):
        return False
    stem, suffix = found
    if suffix != ".xlsx" and extract.format != "csv":
        return False
    # A contract may ask for names that end like those of marked copies.
    is_own_name = fnmatchcase(name.lower(), extract.pattern.lower())
    return not is_own_name or fnmatchcase(f"{stem}{suffix}".lower(), extract.pattern.lower())


def original_name(extract: FileExtract, names: Iterable[str], name: str) -> str | None:
    """The name of the upload whose marked copy is called `name`. names: the uploads that are there.

    None if none of them, or more than one, has such a copy. If none has, and the name says it, it is the name of an
    upload that is gone.
    """
    found = read_marked_name(name)
    if found is None:
        return None
    stem, suffix = found
    if same := [other for other in names if stem_of(other).lower() == stem.lower()]:
        return same[0] if len(same) == 1 else None
    gone = f"{stem}{suffix}"
    return gone if fnmatchcase(gone.lower(), extract.pattern.lower()) else None


def read_suffix(name: str) -> str:
    """The suffix of a marked copy's name."""
    found = read_marked_name(name)
    return found[1] if found else ""


def find_uploads(zone: Zone, contract: Contract) -> list[UploadedFile]:
    """Returns the files that the dataset's contract takes. Raises the same errors as `list_uploads`."""
    return [*list_uploads(zone, contract).files]


def unknown_files(zone: Zone, reasons: Mapping[str, str], known: Iterable[str]) -> list[LeftFile]:
    """Lists files in the zone that are in no upload dataset's folder.

    known: keys of the datasets that `list_uploads` lists.
    reasons: by key of a dataset, why the files in its folder are not taken: its contract is faulty, or it reads
    something else. Of each OPD with a dataset, and of all other folders together, at most MOST_UNKNOWN files are
    listed, and "..." for the others. Raises SourceError.
    """
    datasets = frozenset(known)
    opds = {key.partition("/")[0] for key in (*datasets, *reasons)}
    found: list[LeftFile] = []
    room: dict[str, int] = {}
    for entry in _entries(zone, SUBJECT, zone):
        opd = entry.name if entry.name in opds else ""
        if room.get(opd, 0) < 0:
            continue
        for left in _files_of_unknown_folder(zone, entry, reasons, datasets):
            room[opd] = room.get(opd, MOST_UNKNOWN) - 1
            if room[opd] < 0:
                reason = f"hanya {MOST_UNKNOWN} berkas yang pertama disebut; rapikan zona unggah"
                found.append(LeftFile(f"{opd}/..." if opd else "...", reason))
                break
            found.append(left)
    return found


def folder_reasons(contracts: Iterable[Contract]) -> dict[str, str]:
    """Says, by key, why files in the folders of datasets are not taken that read something else than uploads."""
    kinds = {"database": "basis data", "api": "API"}
    return {
        c.key: f"kontrak {c.key} membaca {kinds[c.server.kind]}, bukan unggahan"
        for c in contracts
        if c.server.kind in kinds
    }


def printable_name(name: str) -> str:
    """Returns a file's name as printable text: bytes that are not UTF-8, and control characters, become escapes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        c.encode("unicode_escape").decode("ascii") if unicodedata.category(c) in _INVISIBLE else c
        for c in text
    )


def _reason_not_taken(entry: _Entry, pattern: str, key: str) -> str:
    """Says why a contract with this pattern does not take the entry; "" if it takes it."""
    if entry.kind == "folder":
        return f"folder di dalam folder dataset tidak dibaca; letakkan berkasnya langsung di {key}/"
    if entry.name.startswith(RESERVED):
        return f"nama yang diawali {RESERVED} disediakan bagi walidata; ganti nama berkasnya"
    if is_only_to_read(entry.name):
        return "ini daftar untuk dibaca, bukan berkas untuk dikirim; perbaiki di berkas yang ditandai"
    if is_unfinished(entry.name):
        return "nama sementara: menunggu berkas selesai ditulis dan diganti namanya"
    if not fnmatchcase(entry.name.lower(), pattern.lower()):
        return f'nama tidak cocok dengan pola "{pattern}" dari kontrak {key}; ganti nama berkas atau polanya'
    return entry.reason


def _files_of_unknown_folder(
    zone: Zone, opd: _Entry, reasons: Mapping[str, str], known: frozenset[str]
) -> Iterator[LeftFile]:
    if opd.name == OUTBOX:
        return
    if opd.kind != "folder":
        yield opd.left(opd.name, opd.reason or "letakkan berkas di folder <opd>/<dataset>/")
        return
    try:
        for dataset in _entries(zone, SUBJECT, opd.path):
            yield from _files_of_unknown_dataset(zone, opd.name, dataset, reasons, known)
    except SourceError as error:
        yield LeftFile(f"{opd.name}/", error.message)


def _files_of_unknown_dataset(
    zone: Zone, opd: str, dataset: _Entry, reasons: Mapping[str, str], known: frozenset[str]
) -> Iterator[LeftFile]:
    key = f"{opd}/{dataset.name}"
    if dataset.name == OUTBOX:
        return
    if dataset.kind != "folder":
        yield dataset.left(key, dataset.reason or f"letakkan berkas di folder {opd}/<dataset>/")
    elif key not in known:
        reason = reasons.get(key) or _reason_no_contract(key, known)
        for entry in _entries(zone, SUBJECT, dataset.path):
            yield entry.left(f"{key}/{entry.name}", reason)


def _reason_no_contract(key: str, known: frozenset[str]) -> str:
    meant = did_you_mean(key, known)
    return f"tidak ada kontrak {key}; {meant or 'periksa nama folder, atau buat kontraknya'}"


def _entries(zone: Zone, subject: str, folder: Zone) -> Iterator[_Entry]:
    """Gives the entries of a folder, sorted by name; none if there is no folder. Hidden names are left out."""
    if isinstance(zone, Path) and isinstance(folder, Path):
        return _local_entries(zone, subject, folder)
    assert isinstance(folder, UPath)
    return _remote_entries(subject, folder)


def _local_entries(zone: Path, subject: str, folder: Path) -> Iterator[_Entry]:
    if folder != zone and leads_outside(zone, folder):
        if os.path.lexists(folder):
            message = f"{printable_name(folder.name)} adalah tautan yang menuju ke luar zona unggah"
            raise SourceError(subject, message, hint="ganti dengan folder biasa", code="GDK-F018")
        return
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  # a Path of each name would cost more
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        message = f"folder {printable_name(folder.name)} tidak dapat dibaca: {os_reason(error)}"
        raise SourceError(
            subject, message, hint="beri akun ini hak baca atas folder itu", code="GDK-F019"
        ) from None
    for name in names:
        if not is_hidden(name) and (entry := _local_entry(zone, folder / name)):
            yield entry


def _local_entry(zone: Path, path: Path) -> _Entry | None:
    """Returns one entry of a local folder; None if it was removed after the folder was listed."""
    name = printable_name(path.name)
    # The folder itself was looked at, so only a link can lead elsewhere. To resolve every path would cost much more.
    if path.is_symlink() and leads_outside(zone, path):
        return _Entry(path, name, "other", reason="tautan yang menuju ke luar zona unggah atau berputar")
    try:
        state = path.stat()
    except FileNotFoundError:
        return _Entry(path, name, "other", reason="tautan yang rusak") if path.is_symlink() else None
    except (OSError, RuntimeError) as error:
        return _Entry(path, name, "other", reason=f"tidak dapat diperiksa: {os_reason(error)}")
    if stat.S_ISDIR(state.st_mode):
        return _Entry(path, name, "folder")
    if not stat.S_ISREG(state.st_mode):
        return _Entry(path, name, "other", reason="bukan berkas biasa")
    return _Entry(path, name, "file", state.st_size, state.st_mtime, state.st_ctime)


def _remote_entries(subject: str, folder: UPath) -> Iterator[_Entry]:
    infos: list[dict[str, Any]] = []
    with on_zone(subject, folder, "isi zona unggah tidak dapat dibaca"):
        try:
            infos = folder.fs.ls(folder.path, detail=True, refresh=True, timeout=CALL_S)
        except FileNotFoundError:
            return
    for info in sorted(infos, key=lambda i: str(i["name"])):
        name = str(info["name"]).rstrip("/").rpartition("/")[2]
        changed = info.get("mtime") or info.get("LastModified")
        if not name or is_hidden(name) or str(info["name"]).rstrip("/") == folder.path.rstrip("/"):
            continue
        if info["type"] == "directory":
            yield _Entry(folder / name, printable_name(name), "folder")
        elif info["type"] == "file" and changed is not None:
            size, mtime = int(info["size"]), changed.timestamp()
            yield _Entry(folder / name, printable_name(name), "file", size, mtime)
        else:
            yield _Entry(folder / name, printable_name(name), "other", reason="bukan berkas biasa")
