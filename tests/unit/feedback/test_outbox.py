"""Folders that an OPD gets on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.feedback.outbox import DONE, add_text, put_folder
from tests.support.disk import SyncedFiles

PLACE = "dinkes/_umpan_balik/kunjungan/7-november"


def test_files_are_on_the_disk_when_their_folder_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone, content = tmp_path / "zona", tmp_path / "isi"
    content.mkdir()
    (content / "ringkas.json").write_text("{}")
    (content / "november-bertanda.csv").write_text("id\n1\n")
    synced = SyncedFiles(monkeypatch)
    put_folder(zone, PLACE, content, "dinkes/kunjungan")
    add_text(zone, PLACE, DONE, "Semua temuan selesai.", "dinkes/kunjungan")
    names = sorted(path.name for path in (zone / PLACE).iterdir())
    assert names == ["SELESAI.txt", "november-bertanda.csv", "ringkas.json"]
    assert synced.missing(zone) == []
