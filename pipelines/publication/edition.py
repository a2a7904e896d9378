"""Writes the folder of published files as complete editions, of which one is shown (adr/024).

What belongs here: how files become an edition, and how the next edition replaces it. Not here: what a file holds.

    publikasi/terbitan/000012/csv/..., xlsx/..., datapackage.json, dcat.jsonld, laporan.html
    publikasi/terkini -> terbitan/000012
    publikasi/csv -> terkini/csv, publikasi/laporan.html -> terkini/laporan.html, ...

One rename of `terkini` shows all files of the next edition at once: a reader sees one edition or the other, also if the
process is killed. A file that did not change is a hard link to that of the previous edition, if the disk has hard
links. A file that is withdrawn is deleted from the older editions, too, because the web server serves their folder.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pipelines.disk import os_reason, sync_file, sync_folder
from pipelines.errors import PublicationError
from pipelines.publication.files import Written, WrittenFile, sha256_of, write_text

EDITIONS, CURRENT = "terbitan", "terkini"
_BEFORE_EDITIONS = ("csv", "datapackage.json", "dcat.jsonld", "laporan.html")
"""The files that an old installation, which has no editions, has in the folder itself."""
_EDITIONS_LEFT = 2
"""The number of editions that are not deleted: the shown one, and the previous one, which may still be read."""
_log = logging.getLogger("gudang")


class Edition:
    """The next edition of `out`. It begins as a copy of the shown one; `show` shows it instead.

    The caller holds a lock, so that there is one at a time. Raises PublicationError if the folder cannot be used.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._editions = out / EDITIONS
        try:
            self._editions.mkdir(parents=True, exist_ok=True)
            self._adopt_old_files()
            self._before = _shown(out)
            if self._before:
                _link_all(out, self._before)
                _unlink_others(out, self._before)
            self._delete_leftovers()
            if self._before:
                _delete_withdrawn(self._editions, self._before)
            self._folder = self._editions / f"{_last(self._editions) + 1:06d}"
            self._folder.mkdir()
            self._files: dict[str, WrittenFile] = {}
            self._names = set(_names(self._before)) if self._before else set[str]()
            for name in sorted(self._names):
                self._take_over(name)
        except OSError as error:
            raise folder_error(error, out) from None

    def write(self, name: str, produce: Callable[[Path], Written]) -> WrittenFile:
        """Writes the file `name` (with /) by `produce`. If the shown file has the same bytes, takes that over."""
        path = self._folder / name
        path.unlink(missing_ok=True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            written = produce(path)
        except BaseException:
            path.unlink(missing_ok=True)
            if name in self._names:
                self._take_over(name)
            raise
        old = self._before / name if self._before else None
        same = (
            old is not None
            and old.is_file()
            and old.stat().st_size == written.bytes
            and sha256_of(old) == written.sha256
        )
        if same:
            path.unlink()
            self._take_over(name)
        self._names.add(name)
        self._files[name] = WrittenFile(self._out / name, written.sha256, written.bytes, not same)
        return self._files[name]

    def text(self, name: str, text: str) -> WrittenFile:
        """Writes the file `name` with this text."""
        return self.write(name, lambda path: write_text(path, text))

    def unchanged_file(self, name: str) -> WrittenFile:
        """Describes a file that this edition took over unchanged."""
        path = self._folder / name
        return WrittenFile(self._out / name, sha256_of(path), path.stat().st_size, False)

    def read(self, name: str) -> str | None:
        """The text of a file; None where there is none."""
        return (self._folder / name).read_text("utf-8") if name in self._names else None

    def has(self, name: str) -> bool:
        """Whether the edition has the file `name`."""
        return name in self._names

    def names(self) -> tuple[str, ...]:
        """The names of its files, sorted."""
        return tuple(sorted(self._names))

    def drop(self, name: str) -> str:
        """Removes a file from the edition and gives its SHA-256."""
        path = self._folder / name
        digest = sha256_of(path)
        path.unlink()
        self._names.discard(name)
        return digest

    def revert(self, names: Iterable[str]) -> None:
        """Takes the shown files `names` back into the edition, because one of their group failed."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)
            self._files.pop(name, None)
            self._names.discard(name)
            if self._before and (self._before / name).is_file():
                self._take_over(name)
                self._names.add(name)

    @property
    def changed(self) -> bool:
        """Whether a file was added, dropped or changed."""
        before = set(_names(self._before)) if self._before else set[str]()
        return before != self._names or any(file.changed for file in self._files.values())

    def show(self) -> bool:
        """Shows the edition instead of the previous one, by one rename. Gives False if nothing changed.

        Raises PublicationError if it could not be shown. An error after the rename is only logged; the next edition
        repeats the clean-up.
        """
        try:
            if not self.changed:
                self.discard()
                return False
            for folder in (*(p for p in self._folder.rglob("*") if p.is_dir()), self._folder, self._editions):
                sync_folder(folder)
            _link_all(self._out, self._folder)
            _link(self._out / CURRENT, f"{EDITIONS}/{self._folder.name}")
        except OSError as error:
            raise folder_error(error, self._out) from None
        try:
            _unlink_others(self._out, self._folder)
            _delete_withdrawn(self._editions, self._folder)
            sync_folder(self._out)
        except OSError as error:
            place = error.filename2 or error.filename or self._out
            _log.warning(
                "%s: %s; edisi baru sudah terbit, dan sisanya dicoba lagi pada penerbitan berikutnya",
                place,
                os_reason(error),
            )
        return True

    def discard(self) -> None:
        """Deletes the edition, if it is not shown."""
        if _shown(self._out) != self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _take_over(self, name: str) -> None:
        assert self._before is not None
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self._before / name, path)
        except OSError:  # a disk without hard links
            shutil.copy2(self._before / name, path)
            sync_file(path)

    def _delete_leftovers(self) -> None:
        """Deletes editions of killed runs, and old ones."""
        found = sorted(p for p in self._editions.iterdir() if p.name.isdecimal())
        shown = [p for p in found if self._before and p.name <= self._before.name]
        for path in set(found) - set(shown[-_EDITIONS_LEFT:]):
            shutil.rmtree(path)

    def _adopt_old_files(self) -> None:
        """Makes the files of an old installation, which has no editions, the first edition."""
        if _shown(self._out) is not None:
            return
        old = [
            name
            for name in _BEFORE_EDITIONS
            if (self._out / name).exists() and not (self._out / name).is_symlink()
        ]
        if not old:
            return
        first = self._editions / "000000"
        shutil.rmtree(first, ignore_errors=True)
        (first / "csv").mkdir(parents=True)
        for path in [*(self._out / "csv").glob("*.csv"), *(self._out / name for name in old)]:
            if path.is_file():
                copy = first / path.relative_to(self._out)
                shutil.copy2(path, copy)
                sync_file(copy)
        for folder in (first / "csv", first, self._editions):
            sync_folder(folder)
        _link(self._out / CURRENT, f"{EDITIONS}/{first.name}")


def shown_files(out: Path) -> Iterator[tuple[str, Path]]:
    """Gives name (with /) and path of each file that readers of `out` are shown, in order; none before the first."""
    if edition := _shown(out):
        for name in sorted(_names(edition)):
            yield name, edition / name


def folder_error(error: OSError, out: Path) -> PublicationError:
    """The error for a folder that cannot be written. It names the file, which reveals no data."""
    place = str(error.filename2 or error.filename or out)
    return PublicationError(
        "publikasi",
        f"{place}: {os_reason(error)}; yang sudah terbit tetap ada",
        hint="kosongkan tempat itu atau disknya, atau kembalikan foldernya ke pengguna yang menjalankan gudang",
    )


def _shown(out: Path) -> Path | None:
    """The edition that is shown."""
    link = out / CURRENT
    if not link.is_symlink():
        if link.exists():
            raise PublicationError(
                "publikasi",
                f"{link} bukan tautan milik gudang; yang sudah terbit tetap ada",
                hint="pindahkan dahulu",
            )
        return None
    match = re.fullmatch(rf"{EDITIONS}/(\d+)", str(link.readlink()))
    folder = out / EDITIONS / match[1] if match else None
    return folder if folder and folder.is_dir() else None


def _last(editions: Path) -> int:
    return max((int(p.name) for p in editions.iterdir() if p.name.isdecimal()), default=0)


def _names(edition: Path) -> Iterator[str]:
    for path in edition.rglob("*"):
        if path.is_file():
            yield path.relative_to(edition).as_posix()


def _link(path: Path, target: str) -> None:
    """Makes `path` a link to `target`, by one rename."""
    aside = path.with_name(f".{path.name}.sementara")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(path)


def _link_all(out: Path, edition: Path) -> None:
    """Makes a link in `out` for each file and folder of the edition. A new link has no target until it is shown."""
    for name in sorted(p.name for p in edition.iterdir()):
        path, target = out / name, f"{CURRENT}/{name}"
        if path.is_symlink() and str(path.readlink()) == target:
            continue
        old = path.with_name(f"{name}.lama")
        if path.is_dir() and not path.is_symlink():
            path.rename(old)
        _link(path, target)
        if old.is_dir():
            _delete_adopted(old)


def _unlink_others(out: Path, edition: Path) -> None:
    """Deletes our links in `out` whose target is not in the edition."""
    for path in out.iterdir():
        if (
            path.is_symlink()
            and path.name != CURRENT
            and str(path.readlink()) == f"{CURRENT}/{path.name}"
            and not (edition / path.name).exists()
        ):
            path.unlink()


def _delete_withdrawn(editions: Path, shown: Path) -> None:
    """Deletes from the editions before `shown` every file that `shown` no longer has."""
    for edition in editions.iterdir():
        if edition.name.isdecimal() and edition.name < shown.name:
            for name in list(_names(edition)):
                if not (shown / name).is_file():
                    (edition / name).unlink()


def _delete_adopted(folder: Path) -> None:
    """Deletes the files of an old folder that `_adopt_old_files` has copied into an edition; other files in it stay."""
    for path in [*folder.glob("*.csv"), *folder.glob(".*.sementara")]:
        if path.is_file():
            path.unlink()
    with suppress(OSError):
        folder.rmdir()
