"""The upload zone: only complete files are read, corrections replace files, and nothing leads outside."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.upload.files import UploadedFile, is_settled, put_upload
from pipelines.extract.upload.inbox import MOST_UNKNOWN, find_uploads, list_uploads, unknown_files
from pipelines.extract.upload.original import open_original
from tests.support.extracts import upload_contract

KEY = "samarinda/penduduk"
CSV = upload_contract("a", pattern="*.csv")


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    return tmp_path / "zone"


def file_on_desk(tmp_path: Path, name: str, content: str = "a\n1\n") -> Path:
    path = tmp_path / "desk" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


def names_in(zone: Path, contract: Contract = CSV) -> list[str]:
    return [file.name for file in find_uploads(zone, contract)]


def test_upload_is_found_under_its_name_with_its_hash(tmp_path: Path, zone: Path) -> None:
    path = put_upload(zone, KEY, file_on_desk(tmp_path, "data 2024.csv"))
    assert path == zone / "samarinda" / "penduduk" / "data 2024.csv"
    (file,) = find_uploads(zone, CSV)
    assert (file.path, file.name, file.size) == (path, "data 2024.csv", 4)
    assert file.sha256 == hashlib.sha256(b"a\n1\n").hexdigest()


def test_upload_of_the_same_name_replaces_the_file(tmp_path: Path, zone: Path) -> None:
    put_upload(zone, KEY, file_on_desk(tmp_path, "data.csv"))
    before = find_uploads(zone, CSV)[0].sha256
    put_upload(zone, KEY, file_on_desk(tmp_path, "data.csv", "a\n2\n"))
    (file,) = find_uploads(zone, CSV)
    assert file.sha256 != before
    assert [p.name for p in file.path.parent.iterdir()] == ["data.csv"]


def test_upload_can_get_another_name(tmp_path: Path, zone: Path) -> None:
    assert put_upload(zone, KEY, file_on_desk(tmp_path, "x.csv"), name="y.csv").name == "y.csv"


def test_reader_never_sees_a_part_of_an_upload(tmp_path: Path, zone: Path) -> None:
    sizes = {1_000_000, 1_500_000}
    sources = [file_on_desk(tmp_path, f"{n}.bin", "x" * n) for n in sizes]
    put_upload(zone, KEY, sources[0], name="data.csv")
    stop = threading.Event()

    def keep_replacing() -> None:
        while not stop.is_set():
            for source in sources:
                put_upload(zone, KEY, source, name="data.csv")

    writer = threading.Thread(target=keep_replacing)
    writer.start()
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert {len(f.path.read_bytes()) for f in find_uploads(zone, CSV)} <= sizes
    finally:
        stop.set()
        writer.join()
    assert names_in(zone) == ["data.csv"]


def test_what_is_done_before_a_file_is_seen_finds_it_copied_and_keeps_it_away_if_it_fails(
    tmp_path: Path, zone: Path
) -> None:
    seen: list[list[int]] = []

    def look() -> None:
        assert find_uploads(zone, CSV) == []
        seen.append([p.stat().st_size for p in (zone / KEY).iterdir()])

    def fail() -> None:
        look()
        raise KeyError

    source = file_on_desk(tmp_path, "data.csv")
    with pytest.raises(KeyError):
        put_upload(zone, KEY, source, before_seen=fail)
    assert names_in(zone) == [] and [*(zone / KEY).iterdir()] == []
    # What cannot be put is known before.
    (zone / KEY / "folder.csv").mkdir()
    for name in ("folder.csv", "n" * 300 + ".csv"):
        with pytest.raises(SourceError, match="tidak dapat ditaruh"):
            put_upload(zone, KEY, source, name=name, before_seen=look)
    (zone / KEY / "folder.csv").rmdir()
    put_upload(zone, KEY, source, before_seen=look)
    assert seen == [[4], [4]] and names_in(zone) == ["data.csv"]


def test_failed_upload_keeps_the_earlier_file(tmp_path: Path, zone: Path) -> None:
    put_upload(zone, KEY, file_on_desk(tmp_path, "data.csv"))
    with pytest.raises(SourceError, match="tidak dapat ditaruh"):
        put_upload(zone, KEY, tmp_path / "gone" / "data.csv")
    assert [p.name for p in (zone / KEY).iterdir()] == ["data.csv"]
    assert find_uploads(zone, CSV)[0].size == 4


def test_uploads_are_ordered_by_mtime_and_name(tmp_path: Path, zone: Path) -> None:
    for name, mtime in [("c.csv", 100), ("b.csv", 200), ("a.csv", 200)]:
        os.utime(put_upload(zone, KEY, file_on_desk(tmp_path, name)), (mtime, mtime))
    assert names_in(zone) == ["c.csv", "a.csv", "b.csv"]


def test_hidden_temporary_and_not_matching_names_are_not_uploads(zone: Path) -> None:
    folder = zone / KEY
    folder.mkdir(parents=True)
    for name in (".x.csv", "~$x.csv", "x.csv.part", "x.csv.tmp", "x.xlsx", "x.csv~", "Baru.CSV"):
        (folder / name).write_text("a")
    (folder / "folder.csv").mkdir()
    os.mkfifo(folder / "pipe.csv")
    assert names_in(zone) == ["Baru.CSV"]
    assert sorted(names_in(zone, upload_contract("a"))) == ["Baru.CSV", "x.xlsx"]


def test_dataset_without_a_folder_has_no_uploads(zone: Path) -> None:
    assert find_uploads(zone, CSV) == []


@pytest.mark.parametrize("mtime", [0, 1_000, 9e9])
def test_file_is_settled_some_seconds_after_its_last_change_whatever_its_mtime(mtime: float) -> None:
    file = UploadedFile(Path("x.csv"), "x.csv", 1, mtime, changed=1000)
    assert not is_settled(file, 1004.9)
    assert is_settled(file, 1005)
    assert is_settled(file, 1001, quiet_seconds=1)
    assert not is_settled(file, 900)


@pytest.mark.parametrize(
    "name", ["", "..", "../x.csv", "a/b.csv", "a\\b.csv", ".x.csv", "~$x.csv", "x.part", "x\n.csv", "x\0.csv"]
)
def test_name_that_leaves_the_folder_or_is_never_listed_is_refused(
    tmp_path: Path, zone: Path, name: str
) -> None:
    with pytest.raises(SourceError, match="bukan nama untuk unggahan"):
        put_upload(zone, KEY, file_on_desk(tmp_path, "x.csv"), name=name)
    assert not zone.exists()


@pytest.mark.parametrize("key", ["samarinda", "../x", "a/../b", "/etc/x", "a/b/c", "A/b", ""])
def test_invalid_dataset_key_is_refused(tmp_path: Path, zone: Path, key: str) -> None:
    with pytest.raises(SourceError, match="bukan kunci dataset"):
        put_upload(zone, key, file_on_desk(tmp_path, "x.csv"))


def reasons_not_read(zone: Path, contract: Contract = CSV) -> dict[str, str]:
    return {entry.place.removeprefix(f"{KEY}/"): entry.reason for entry in list_uploads(zone, contract).left}


def test_folder_that_is_a_link_out_of_the_zone_is_refused(tmp_path: Path, zone: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "penduduk").mkdir(parents=True)
    zone.mkdir()
    (zone / "samarinda").symlink_to(outside)
    with pytest.raises(SourceError, match="ke luar zona unggah"):
        find_uploads(zone, CSV)
    with pytest.raises(SourceError, match="menuju ke luar"):
        put_upload(zone, KEY, file_on_desk(tmp_path, "x.csv"))
    assert list((outside / "penduduk").iterdir()) == []


def test_broken_and_outside_links_are_not_read_and_have_a_reason(tmp_path: Path, zone: Path) -> None:
    target = put_upload(zone, KEY, file_on_desk(tmp_path, "x.csv"))
    folder = zone / KEY
    (folder / "y.csv").symlink_to(target)
    (folder / "hilang.csv").symlink_to(zone / "gone.csv")
    (folder / "luar.csv").symlink_to(file_on_desk(tmp_path, "secret.csv"))
    (folder / "lingkar.csv").symlink_to(folder / "lingkar.csv")
    assert sorted(names_in(zone)) == ["x.csv", "y.csv"]
    assert reasons_not_read(zone) == {
        "hilang.csv": "tautan yang rusak",
        "luar.csv": "tautan yang menuju ke luar zona unggah atau berputar",
        "lingkar.csv": "tautan yang menuju ke luar zona unggah atau berputar",
    }


def test_entries_that_are_not_read_have_a_reason_and_the_others_are_read(zone: Path) -> None:
    folder = zone / KEY
    (folder / "arsip").mkdir(parents=True)
    for name in ("data.csv", "data.xlsx", "baru.csv.part", ".x", "~$x.csv"):
        (folder / name).write_text("a")
    os.mkfifo(folder / "pipa.csv")
    assert names_in(zone) == ["data.csv"]
    pola = f'nama tidak cocok dengan pola "*.csv" dari kontrak {KEY}; ganti nama berkas atau polanya'
    assert reasons_not_read(zone) == {
        "arsip": f"folder di dalam folder dataset tidak dibaca; letakkan berkasnya langsung di {KEY}/",
        "baru.csv.part": "nama sementara: menunggu berkas selesai ditulis dan diganti namanya",
        "data.xlsx": pola,
        "pipa.csv": "bukan berkas biasa",
    }


def test_name_that_is_no_text_is_shown_with_escapes(zone: Path) -> None:
    folder = zone / KEY
    folder.mkdir(parents=True)
    for name in (b"data\xff.csv", b"kecamatan \xc3\xa9.csv", b"a\nb.csv", b"x\x1b[31m.csv"):
        (folder / os.fsdecode(name)).write_text("a\n1\n")
    assert sorted(names_in(zone)) == [r"a\nb.csv", r"data\xff.csv", "kecamatan é.csv", r"x\x1b[31m.csv"]
    assert {file.sha256 for file in find_uploads(zone, CSV)} == {hashlib.sha256(b"a\n1\n").hexdigest()}


def test_files_without_a_contract_are_found_with_a_reason_and_hint(zone: Path) -> None:
    for place in (KEY, "samarinda/penduduk2", "tiada/apa", "dinkes/kunjungan"):
        (zone / place).mkdir(parents=True)
        (zone / place / "x.csv").write_text("a")
    (zone / "lepas.csv").write_text("a")
    (zone / "samarinda" / "salah.csv").write_text("a")
    (zone / "tiada" / "apa" / "dalam").mkdir()
    (zone / "lingkar").symlink_to(zone / "lingkar")
    found = unknown_files(zone, {"dinkes/kunjungan": "kontraknya membaca database"}, [KEY])
    assert {f.place: f.reason.split(";")[0] for f in found} == {
        "dinkes/kunjungan/x.csv": "kontraknya membaca database",
        "lepas.csv": "letakkan berkas di folder <opd>/<dataset>/",
        "lingkar": "tautan yang menuju ke luar zona unggah atau berputar",
        "samarinda/penduduk2/x.csv": "tidak ada kontrak samarinda/penduduk2",
        "samarinda/salah.csv": "letakkan berkas di folder samarinda/<dataset>/",
        "tiada/apa/dalam": "tidak ada kontrak tiada/apa",
        "tiada/apa/x.csv": "tidak ada kontrak tiada/apa",
    }
    saran = {f.place: f.reason.partition("; ")[2] for f in found}
    assert saran["samarinda/penduduk2/x.csv"] == "maksudnya samarinda/penduduk?"
    assert saran["tiada/apa/x.csv"] == "periksa nama folder, atau buat kontraknya"


def test_many_files_of_one_folder_hide_no_file_of_another_opd(zone: Path) -> None:
    for place in ("aaa/arsip", "dinkes/arsip", "samarinda/salah"):
        (zone / place).mkdir(parents=True)
    for number in range(MOST_UNKNOWN + 2):
        (zone / "aaa" / "arsip" / f"{number}.csv").touch()
        (zone / "dinkes" / "arsip" / f"{number}.csv").touch()
    (zone / "samarinda" / "salah" / "x.csv").touch()
    found = [f.place for f in unknown_files(zone, {"dinkes/kunjungan": "x"}, [KEY])]
    assert len(found) == 2 * (MOST_UNKNOWN + 1) + 1
    assert {"...", "dinkes/...", "samarinda/salah/x.csv"} < set(found)


def test_zone_may_itself_be_a_link(tmp_path: Path, zone: Path) -> None:
    (tmp_path / "disk").mkdir()
    zone.symlink_to(tmp_path / "disk")
    put_upload(zone, KEY, file_on_desk(tmp_path, "x.csv"))
    assert names_in(zone) == ["x.csv"]


def test_pipe_is_refused_without_waiting_for_it(tmp_path: Path, zone: Path) -> None:
    os.mkfifo(tmp_path / "pipa.csv")
    with pytest.raises(SourceError, match="tidak dapat ditaruh di zona unggah: bukan berkas biasa"):
        put_upload(zone, KEY, tmp_path / "pipa.csv")
    assert list((zone / KEY).iterdir()) == []
    # The zone was listed before the pipe replaced a file.
    replaced = UploadedFile(tmp_path / "pipa.csv", "pipa.csv", 1, 0)
    with pytest.raises(SourceError, match="bukan berkas biasa"):
        replaced.open(KEY)


def test_original_is_opened_only_with_the_content_that_is_meant(zone: Path) -> None:
    (zone / KEY).mkdir(parents=True)
    (zone / KEY / "data.csv").write_text("a\n1\n")
    (upload,) = find_uploads(zone, CSV)
    sha256 = upload.sha256
    with open_original(CSV, upload, sha256=sha256) as original:
        assert original.sha256 == sha256
    (zone / KEY / "data.csv").write_text("a\n2\n")
    with pytest.raises(SourceError, match="sudah diganti"), open_original(CSV, upload, sha256=sha256):
        pass
