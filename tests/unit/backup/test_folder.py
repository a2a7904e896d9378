"""The folder of a backup: its manifest, the check of its files, and the list of backups."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.backup.folder import (
    MANIFEST,
    PARTIAL,
    File,
    Manifest,
    backups,
    read_manifest,
    require_files,
    sha256_of,
)
from pipelines.backup.programs import cause_of
from pipelines.errors import GudangError


def manifest(folder: Path) -> Manifest:
    files = {p.name: File(p.stat().st_size, sha256_of(p)) for p in folder.iterdir()}
    made_at = datetime(2026, 11, 26, 2, tzinfo=UTC)
    return Manifest(made_at, "0.1.0", "18", "003_x.sql", ("gudang_baca",), files, ("kunci pseudonim",))


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    folder = tmp_path / "2026-11-26T020000Z"
    folder.mkdir()
    (folder / "gudang.dump").write_bytes(b"isi")
    (folder / MANIFEST).write_text(manifest(folder).as_json())
    return folder


def test_manifest_is_read_as_it_was_written(backup: Path) -> None:
    read = read_manifest(backup)
    assert (read.size, read.roles, read.made_at) == (
        3,
        ("gudang_baca",),
        datetime(2026, 11, 26, 2, tzinfo=UTC),
    )
    require_files(backup, read)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', "\xff"])
def test_damaged_manifest_is_refused(backup: Path, content: str) -> None:
    (backup / MANIFEST).write_text(content, "latin-1")
    with pytest.raises(GudangError, match="bukan cadangan yang utuh"):
        read_manifest(backup)


def test_manifest_of_a_later_format_is_refused(backup: Path) -> None:
    (backup / MANIFEST).write_text('{"format": 2}')
    with pytest.raises(GudangError, match=r"bentuk cadangan ini \(2\) tidak dikenal"):
        read_manifest(backup)


def test_changed_or_missing_file_is_refused(backup: Path) -> None:
    read = read_manifest(backup)
    (backup / "gudang.dump").write_bytes(b"is1")
    with pytest.raises(GudangError, match="rusak: isinya berubah"):
        require_files(backup, read)
    (backup / "gudang.dump").unlink()
    with pytest.raises(GudangError, match="tidak ada"):
        require_files(backup, read)


def test_only_complete_backups_are_listed_oldest_first(backup: Path) -> None:
    older = backup.with_name("2026-11-25T020000Z")
    partial = backup.with_name(f"2026-11-27T020000Z{PARTIAL}")
    for folder in (older, partial):
        folder.mkdir()
        (folder / MANIFEST).write_text("{}")
    backup.with_name("catatan").mkdir()
    assert backups(backup.parent) == [older, backup]
    assert backups(backup / "tidak_ada") == []


def test_reason_of_a_failed_copy_shows_no_cell() -> None:
    message = (
        'pg_restore: error: COPY failed for table "kunjungan": ERROR:  invalid input syntax for type date: "Siti"\n'
        'CONTEXT:  COPY kunjungan, line 1, column tanggal: "Siti"\n'
    )
    assert cause_of(message) == "isi tabel kunjungan tidak diterima"
    assert cause_of("pg_dump: error: server version mismatch\n") == "server version mismatch"
