"""The folder of one backup: its files, and the manifest that describes them.

What belongs here: names, the manifest as a value, checking files against it. Not here: writing the files (write.py),
putting them back (restore.py).

A folder that is being written ends in PARTIAL. It gets its name by one rename, when everything in it is on the disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pipelines.errors import GudangError

PARTIAL = ".sementara"
MANIFEST = "keterangan.json"
WAREHOUSE, DAGSTER = "gudang.dump", "dagster.dump"
"""The databases, in pg_dump's custom format."""
UPLOADS, PUBLICATIONS = "unggahan.tar", "publikasi.tar"
FORMAT = 1
"""The form of the manifest. A program refuses a form that it does not know."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a backup: its size in bytes, and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    made_at: when pg_dump took its snapshot of the warehouse. program: the version of gudang. server: PostgreSQL's
    version. roles: those that have rights in the warehouse; pg_dump does not write roles. migration: the name of the
    last migration of the warehouse. left_out: what is not in the backup, in Indonesian.
    """

    made_at: datetime
    program: str
    server: str
    migration: str
    roles: tuple[str, ...]
    files: Mapping[str, File]
    left_out: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files.values())

    def as_json(self) -> str:
        """The manifest as the text of its file."""
        return json.dumps({"format": FORMAT, **asdict(self), "made_at": self.made_at.isoformat()}, indent=2)


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a backup. Raises GudangError if `folder` is no complete backup."""
    try:
        stored = json.loads((folder / MANIFEST).read_text("utf-8"))
        if stored["format"] != FORMAT:
            raise GudangError(
                str(folder),
                f"bentuk cadangan ini ({stored['format']}) tidak dikenal program ini",
                hint="pulihkan dengan versi program yang membuatnya, atau yang lebih baru",
            )
        return Manifest(
            datetime.fromisoformat(stored["made_at"]),
            stored["program"],
            stored["server"],
            stored["migration"],
            tuple(stored["roles"]),
            {name: File(**file) for name, file in stored["files"].items()},
            tuple(stored["left_out"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise GudangError(
            str(folder),
            f"bukan cadangan yang utuh: {MANIFEST} tidak ada atau rusak",
            hint="pilih folder yang dibuat `gudang backup`, misalnya yang terbaru di folder cadangan",
        ) from None


def require_files(folder: Path, manifest: Manifest) -> None:
    """Raises GudangError if a file of the backup is missing or has another content than when it was made."""
    for name, file in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise GudangError(str(path), "berkas cadangan ini tidak ada", hint="salin lagi cadangannya")
        if (path.stat().st_size, sha256_of(path)) != (file.size, file.sha256):
            raise GudangError(
                str(path), "berkas cadangan ini rusak: isinya berubah", hint="salin lagi cadangannya"
            )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def backups(place: Path) -> list[Path]:
    """The complete backups in `place`, oldest first."""
    if not place.is_dir():
        return []
    return sorted(p.parent for p in place.glob(f"*/{MANIFEST}") if not p.parent.name.endswith(PARTIAL))
