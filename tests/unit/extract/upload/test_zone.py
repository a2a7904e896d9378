"""An upload zone on another machine, tested against a real SFTP server: listing, reading, corrections, and failures."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import ContractError, LoadError, SourceError
from pipelines.extract.source import open_source
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.extract.upload.files import UploadedFile, put_upload
from pipelines.extract.upload.inbox import find_uploads
from pipelines.extract.upload.zone import remote_zone, upload_zone
from pipelines.retention.hidden import sweep_partial
from pipelines.settings import Settings
from tests.support.extracts import upload_contract
from tests.support.sftp_server import PASSWORD, SftpServer
from tests.support.uploads import read, write

AB = upload_contract("a", "b", pattern="*.csv")


class Remote:
    """The SFTP server, the folder of one dataset on it, and the settings with which its zone is read."""

    def __init__(self, server: SftpServer, folder: Path) -> None:
        self.server = server
        self.folder = folder / "zona" / AB.key
        self.settings = Settings(home=folder, project=folder, warehouse_url=None)

    def put(self, name: str, content: str, mtime: int = 1_700_000_000) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(content)
        os.utime(self.folder / name, (mtime, mtime))

    def names(self) -> list[str]:
        return [f.name for f in find_uploads(upload_zone(self.settings), AB)]

    def open(self, of: Contract = AB, upload: UploadedFile | None = None) -> SourceStream | None:
        """Opens the given upload, or else the file with the newest mtime."""
        newest = [None, *find_uploads(upload_zone(self.settings), AB)][-1]
        return open_source(of, wanted=Wanted(), upload=upload or newest)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    folder = tmp_path_factory.mktemp("sftp") / "root"
    folder.mkdir()
    running = SftpServer(folder)
    yield running
    running.stop()


@pytest.fixture
def remote(server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    # Each test has a folder of its own on the one server.
    folder = server.folder / tmp_path.name
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GUDANG_UPLOAD_ZONE", server.url.replace("/zona", f"/{tmp_path.name}/zona"))
    return Remote(server, folder)


def test_empty_zone_has_no_files(remote: Remote) -> None:
    assert remote.names() == []
    assert remote.open() is None


def test_finished_files_are_listed_oldest_first(remote: Remote) -> None:
    remote.put("b.csv", "a,b\n1,2\n", 200)
    remote.put("C.CSV", "a,b\n1,2\n", 100)
    for name in ("x.csv.part", ".y.csv", "z.xlsx"):
        remote.put(name, "a", 300)
    (remote.folder / "folder.csv").mkdir()
    (remote.folder / "link.csv").symlink_to("b.csv")
    files = find_uploads(upload_zone(remote.settings), AB)
    assert [(f.name, f.size, f.mtime, f.is_remote) for f in files] == [
        ("C.CSV", 8, 100, True),
        ("b.csv", 8, 200, True),
    ]


def test_remote_name_that_is_no_text_is_shown_with_escapes(remote: Remote) -> None:
    remote.put("a.csv", "a,b\n1,2\n")
    remote.put(os.fsdecode(b"d\xff.csv"), "a,b\n3,4\n", 1_700_000_001)
    assert remote.names() == ["a.csv", r"d\xff.csv"]
    stream = remote.open()
    assert stream is not None
    assert read(stream) == [["3", "4", "baris 2"]] and stream.name == r"d\xff.csv"


def test_newest_or_any_other_remote_file_is_read_and_hashed(remote: Remote) -> None:
    remote.put("a.csv", "a,b\n1,lama\n", 100)
    remote.put("b.csv", "a,b\n2,baru\n", 200)
    stream = remote.open()
    assert stream is not None
    assert read(stream) == [["2", "baru", "baris 2"]]
    assert (stream.name, stream.fingerprint) == ("b.csv", hashlib.sha256(b"a,b\n2,baru\n").hexdigest())
    oldest = find_uploads(upload_zone(remote.settings), AB)[0]
    stream = remote.open(upload=oldest)
    assert stream is not None
    assert read(stream) == [["1", "lama", "baris 2"]]
    assert oldest.sha256 == stream.fingerprint


def test_remote_upload_appears_complete_and_replaces_the_earlier_file(remote: Remote, tmp_path: Path) -> None:
    zone = upload_zone(remote.settings)
    place = put_upload(zone, AB.key, write(tmp_path, "a,b\n1,2\n", "data.csv"))
    assert str(place).endswith("samarinda/penduduk/data.csv") and PASSWORD not in str(place)
    assert (remote.folder / "data.csv").read_text() == "a,b\n1,2\n"
    before = find_uploads(zone, AB)[0].sha256
    put_upload(zone, AB.key, write(tmp_path, "a,b\n3,4\n", "data.csv"))
    (after,) = find_uploads(zone, AB)
    assert after.sha256 != before
    assert [p.name for p in remote.folder.iterdir()] == ["data.csv"]


def test_copies_that_were_not_completed_are_deleted_at_once_or_by_the_sweep(
    remote: Remote, tmp_path: Path
) -> None:
    zone, source = upload_zone(remote.settings), write(tmp_path, "a,b\n1,2\n", "penduduk.csv")

    def refuse() -> None:
        raise LoadError("gudang data", "tidak menjawab")

    with pytest.raises(LoadError):
        put_upload(zone, AB.key, source, before_seen=refuse)
    assert [path.name for path in remote.folder.iterdir()] == []
    part = f".{'0' * 16}.part"  # as the process leaves it if it is killed
    for name, mtime in ((part, 1_000), (".milik-lain.part", 1_000), ("b.csv", 1_000)):
        remote.put(name, "a,b\n1,2\n", mtime)
    assert sweep_partial(zone, AB.key, 1_000, dry_run=False) == 0
    assert sweep_partial(zone, AB.key, 1_001, dry_run=True) == 1
    assert sweep_partial(zone, AB.key, 1_001, dry_run=False) == 1
    assert sorted(path.name for path in remote.folder.iterdir()) == [".milik-lain.part", "b.csv"]


def test_remote_name_that_leaves_the_folder_is_refused(remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="bukan nama untuk unggahan"):
        put_upload(upload_zone(remote.settings), AB.key, write(tmp_path, "a"), name="../x.csv")


def test_file_that_changed_since_the_listing_is_a_transient_error(remote: Remote) -> None:
    remote.put("a.csv", "a,b\n1,2\n")
    upload = find_uploads(upload_zone(remote.settings), AB)[-1]
    remote.put("a.csv", "a,b\n1,2\n3,4\n")
    with pytest.raises(SourceError, match=r"a\.csv berubah selagi disalin") as caught:
        remote.open(upload=upload)
    assert caught.value.transient


def test_file_that_was_deleted_since_the_listing_is_a_transient_error(remote: Remote) -> None:
    remote.put("a.csv", "a,b\n1,2\n")
    upload = find_uploads(upload_zone(remote.settings), AB)[-1]
    (remote.folder / "a.csv").unlink()
    with pytest.raises(SourceError, match="sudah tidak ada") as caught:
        remote.open(upload=upload)
    assert caught.value.transient


def test_connection_lost_during_a_copy_is_transient_and_leaves_no_file_behind(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    remote.put("a.csv", "a,b\n" + "1,2\n" * 100_000)
    remote.server.reads = 3
    with pytest.raises(SourceError, match=r"a\.csv tidak dapat dibaca: zona unggah tidak menjawab") as caught:
        remote.open()
    assert caught.value.transient
    assert list(tmp_path.iterdir()) == []
    remote.server.reads = None
    stream = remote.open()
    assert stream is not None
    assert len(read(stream)) == 100_000


def test_unreachable_server_is_a_transient_error_until_it_is_back(remote: Remote) -> None:
    remote.put("a.csv", "a,b\n1,2\n")
    assert remote.names() == ["a.csv"]
    remote.server.pause()
    try:
        for _ in range(2):
            with pytest.raises(SourceError, match="isi zona unggah tidak dapat dibaca") as caught:
                remote.names()
            assert caught.value.transient
    finally:
        remote.server.resume()
    assert remote.names() == ["a.csv"]


def test_silent_server_times_out(
    remote: Remote,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"sftp://opd@127.0.0.1:{silent.getsockname()[1]}/zona"
        zone = remote_zone(url, remote.server.environment(), silence_s=0.3)
        with pytest.raises(SourceError, match="isi zona unggah tidak dapat dibaca") as caught:
            find_uploads(zone, AB)
    assert caught.value.transient


def test_listings_share_a_connection(remote: Remote) -> None:
    remote.put("a.csv", "a,b\n1,2\n")
    remote.names()
    before = remote.server.connections
    for _ in range(3):
        remote.names()
    assert remote.server.connections == before


def test_error_of_a_wrong_password_does_not_show_it(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUDANG_UPLOAD_ZONE_PASSWORD", "salah-Rahasia")
    with pytest.raises(SourceError, match="ditolak") as caught:
        remote.names()
    assert not caught.value.transient
    assert "salah-Rahasia" not in str(caught.value)


def test_server_with_an_unknown_key_is_refused(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    others = remote.server.known_hosts.with_name("others")
    line = remote.server.known_hosts.read_text().split()[0]
    others.write_text(f"{line} {asyncssh.generate_private_key('ssh-ed25519').export_public_key().decode()}")
    monkeypatch.setenv("GUDANG_UPLOAD_ZONE_KNOWN_HOSTS", str(others))
    with pytest.raises(SourceError, match="kunci server tidak dikenal") as caught:
        remote.names()
    assert not caught.value.transient


def test_no_server_is_trusted_without_a_file_of_known_hosts(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GUDANG_UPLOAD_ZONE_KNOWN_HOSTS")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SourceError, match="kunci server tidak dikenal"):
        remote.names()


def test_missing_package_of_a_zone_is_named() -> None:
    with pytest.raises(ContractError, match="memerlukan paket paket_yang_tidak_ada"):
        remote_zone("s3://bucket/prefix", {}, packages={"s3": "paket_yang_tidak_ada"})


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/folder", "jenis zona di GUDANG_UPLOAD_ZONE tidak dikenal"),
        ("sftp:///folder", "jenis zona di GUDANG_UPLOAD_ZONE tidak dikenal"),
        ("sftp://opd:Rahasia1@host/folder", "memuat kata sandi"),
    ],
)
def test_unknown_kind_of_zone_or_password_in_its_url_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    monkeypatch.setenv("GUDANG_UPLOAD_ZONE", url)
    with pytest.raises(ContractError, match=message) as caught:
        _ = upload_zone(Settings(home=tmp_path, project=tmp_path, warehouse_url=None))
    assert "Rahasia1" not in str(caught.value)
