"""The folder of what is published: complete editions, of which one is shown (adr/024).

What belongs here: how files become an edition and how the next one takes its place. Not here: what a file holds.

    publikasi/terbitan/000012/csv/..., xlsx/..., datapackage.json, dcat.jsonld, laporan.html
    publikasi/terkini -> terbitan/000012
    publikasi/csv -> terkini/csv, publikasi/laporan.html -> terkini/laporan.html, ...

One rename of `terkini` shows all files of the next edition at once: a reader sees the one or the other, also after a
kill. A file that did not change is a hard link to the one of the edition before, where the disk has hard links. A file
that is withdrawn is deleted from the older editions, too, because they lie below a folder that is served.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pipelines.disk import sync_folder
from pipelines.errors import PublicationError
from pipelines.publication.files import Written, WrittenFile, sha256_of, write_text

EDITIONS, CURRENT = "terbitan", "terkini"
_ADOPTED = ("csv", "datapackage.json", "dcat.jsonld", "laporan.html")
"""What an installation from before there were editions has in the folder itself."""
_KEPT = 2
"""Editions that stay: the one that is shown, and the one before, for who is still reading it."""
_log = logging.getLogger("gudang")


class Edition:
    """The next edition of `out`. It begins as a copy of the one that is shown; `show` puts it in its place.

    One at a time: the caller holds a lock. Raises PublicationError where the folder cannot be used.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._editions = out / EDITIONS
        try:
            self._editions.mkdir(parents=True, exist_ok=True)
            self._adopt()
            self._before = _shown(out)
            if self._before:
                _link_all(out, self._before)
                _unlink_others(out, self._before)
            self._sweep()
            if self._before:
                _forget(self._editions, self._before)
            self._folder = self._editions / f"{_last(self._editions) + 1:06d}"
            self._folder.mkdir()
            self._files: dict[str, WrittenFile] = {}
            self._names = set(_names(self._before)) if self._before else set[str]()
            for name in sorted(self._names):
                self._keep(name)
        except OSError as error:
            raise blocked(error, out) from None

    def write(self, name: str, produce: Callable[[Path], Written]) -> WrittenFile:
        """The file `name` (with /), as `produce` writes it; the one that is shown where its bytes are the same."""
        path = self._folder / name
        path.unlink(missing_ok=True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            written = produce(path)
        except BaseException:
            path.unlink(missing_ok=True)
            if name in self._names:
                self._keep(name)
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
            self._keep(name)
        self._names.add(name)
        self._files[name] = WrittenFile(self._out / name, written.sha256, written.bytes, not same)
        return self._files[name]

    def text(self, name: str, text: str) -> WrittenFile:
        """The file `name` with this text."""
        return self.write(name, lambda path: write_text(path, text))

    def kept(self, name: str) -> WrittenFile:
        """A file of the edition before, as it is."""
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
        """Puts the files `names` back to what is shown now: one of their group failed."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)
            self._files.pop(name, None)
            self._names.discard(name)
            if self._before and (self._before / name).is_file():
                self._keep(name)
                self._names.add(name)

    @property
    def changed(self) -> bool:
        """Whether a file was added, dropped or changed."""
        before = set(_names(self._before)) if self._before else set[str]()
        return before != self._names or any(file.changed for file in self._files.values())

    def show(self) -> bool:
        """Shows the edition in the place of the one before, by one rename; False where nothing changed.

        Raises PublicationError where it could not be shown. What fails after the rename is logged, and the next edition
        does it.
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
            raise blocked(error, self._out) from None
        try:
            _unlink_others(self._out, self._folder)
            _forget(self._editions, self._folder)
            sync_folder(self._out)
        except OSError as error:
            place = error.filename2 or error.filename or self._out
            _log.warning(
                "%s: %s; edisi baru sudah terbit, dan sisanya dicoba lagi pada penerbitan berikutnya",
                place,
                error.strerror or type(error).__name__,
            )
        return True

    def discard(self) -> None:
        """Deletes it, if it is not shown."""
        if _shown(self._out) != self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _keep(self, name: str) -> None:
        assert self._before is not None
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self._before / name, path)
        except OSError:  # a disk without hard links
            shutil.copy2(self._before / name, path)

    def _sweep(self) -> None:
        """Deletes editions that a killed run left, and old ones."""
        found = sorted(p for p in self._editions.iterdir() if p.name.isdecimal())
        shown = [p for p in found if self._before and p.name <= self._before.name]
        for path in set(found) - set(shown[-_KEPT:]):
            shutil.rmtree(path)

    def _adopt(self) -> None:
        """Makes the files of an installation from before editions the first one."""
        if _shown(self._out) is not None:
            return
        old = [
            name for name in _ADOPTED if (self._out / name).exists() and not (self._out / name).is_symlink()
        ]
        if not old:
            return
        first = self._editions / "000000"
        shutil.rmtree(first, ignore_errors=True)
        (first / "csv").mkdir(parents=True)
        for path in [*(self._out / "csv").glob("*.csv"), *(self._out / name for name in old)]:
            if path.is_file():
                shutil.copy2(path, first / path.relative_to(self._out))
        _link(self._out / CURRENT, f"{EDITIONS}/{first.name}")


def blocked(error: OSError, out: Path) -> PublicationError:
    """The error for a folder that cannot be written. It names the file, which reveals no data."""
    place = str(error.filename2 or error.filename or out)
    return PublicationError(
        "publikasi",
        f"{place}: {error.strerror or type(error).__name__}; yang sudah terbit tetap ada",
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
    """`path` as a link to `target`, by one rename."""
    aside = path.with_name(f".{path.name}.sementara")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(path)


def _link_all(out: Path, edition: Path) -> None:
    """A link in `out` for each thing that the edition has; it leads nowhere until the edition is shown."""
    for name in sorted(p.name for p in edition.iterdir()):
        path, target = out / name, f"{CURRENT}/{name}"
        if path.is_symlink() and str(path.readlink()) == target:
            continue
        old = path.with_name(f"{name}.lama")
        if path.is_dir() and not path.is_symlink():
            path.rename(old)
        _link(path, target)
        if old.is_dir():
            _clear(old)


def _unlink_others(out: Path, edition: Path) -> None:
    """Takes away the links of ours in `out` that lead to what the edition has not."""
    for path in out.iterdir():
        if (
            path.is_symlink()
            and path.name != CURRENT
            and str(path.readlink()) == f"{CURRENT}/{path.name}"
            and not (edition / path.name).exists()
        ):
            path.unlink()


def _forget(editions: Path, shown: Path) -> None:
    """Deletes from the editions before `shown` every file that it no longer has."""
    for edition in editions.iterdir():
        if edition.name.isdecimal() and edition.name < shown.name:
            for name in list(_names(edition)):
                if not (shown / name).is_file():
                    (edition / name).unlink()


def _clear(folder: Path) -> None:
    """Deletes what was adopted from a folder from before editions; other files in it stay."""
    for path in [*folder.glob("*.csv"), *folder.glob(".*.sementara")]:
        if path.is_file():
            path.unlink()
    with suppress(OSError):
        folder.rmdir()
