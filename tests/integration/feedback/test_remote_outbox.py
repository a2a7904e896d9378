"""The outbox of a zone on another machine: written whole, not read, and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.extract.upload.zone import Zone, remote_zone
from pipelines.feedback.outbox import DONE, add_text, put_folder, remove_folder
from tests.support.sftp_server import ACCOUNT, SftpServer

PLACE = "uji/_umpan_balik/data/7-januari"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    (tmp_path / "zona").mkdir()
    made = SftpServer(tmp_path / "zona")
    yield made
    made.stop()


@pytest.fixture
def zone(server: SftpServer) -> Zone:
    return remote_zone(f"sftp://{ACCOUNT}@127.0.0.1:{server.port}/", server.environment(), silence_s=5)


def test_folder_is_written_replaced_and_deleted(zone: Zone, server: SftpServer, tmp_path: Path) -> None:
    content = tmp_path / "isi"
    content.mkdir()
    target = server.folder / PLACE
    killed = target.parent / ".0123456789abcdef.part"
    killed.mkdir(parents=True)
    (killed / "ringkas.json").write_text("nol")
    for text in ("satu", "dua"):
        (content / "ringkas.json").write_text(text)
        put_folder(zone, PLACE, content, "uji/data")
        assert [(p.name, p.read_text()) for p in target.iterdir()] == [("ringkas.json", text)]
        assert [p.name for p in target.parent.iterdir()] == [target.name]
    add_text(zone, PLACE, DONE, "selesai", "uji/data")
    assert (target / DONE).read_text() == "selesai"
    for _ in range(2):
        remove_folder(zone, PLACE, "uji/data")
        assert not target.exists()
    add_text(zone, PLACE, DONE, "selesai", "uji/data")
    assert not target.exists()
