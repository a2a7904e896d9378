"""`gudang upload`: several files at once, files that replace others, and who may read them."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.runtime.home import make_home, private_folder

DATASET = "samarinda/penduduk"
Upload = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GUDANG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def upload(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Upload:
    def run(*files: Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gudang", "upload", DATASET, *map(str, files)])
        with pytest.raises(SystemExit) as caught:
            main.main()
        printed = capsys.readouterr()
        return int(caught.value.code or 0), printed.out, printed.err

    return run


def write_file(folder: Path, name: str, content: str) -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    return file


def test_an_upload_of_several_files_says_which_ones_it_replaces(
    upload: Upload, home: Path, tmp_path: Path
) -> None:
    first, second = (write_file(tmp_path, f"penduduk_{n}.xlsx", "isi") for n in (1, 2))
    code, out, _ = upload(first, second)
    zone = home / "unggahan" / DATASET
    assert code == 0 and sorted(p.name for p in zone.iterdir()) == ["penduduk_1.xlsx", "penduduk_2.xlsx"]
    assert "menggantikan" not in out and "isinya sama" not in out
    first.write_text("lain")
    _, out, _ = upload(first, second)
    lines = out.splitlines()
    assert lines[0].endswith("penduduk_1.xlsx (menggantikan berkas bernama sama yang isinya lain: koreksi)")
    assert lines[1].endswith(
        "penduduk_2.xlsx (isinya sama dengan berkas yang sudah ada: tidak ada yang baru)"
    )
    assert (zone / "penduduk_1.xlsx").read_text() == "lain"


def test_one_unsuitable_file_stops_the_whole_upload(upload: Upload, home: Path, tmp_path: Path) -> None:
    code, _, err = upload(
        write_file(tmp_path, "penduduk_1.xlsx", "a"), write_file(tmp_path, "catatan.docx", "b")
    )
    assert code == 1 and "catatan.docx tidak akan ditemukan; tidak ada berkas yang diletakkan" in err
    assert not (home / "unggahan" / DATASET).exists()
    twice = write_file(tmp_path / "lagi", "penduduk_1.xlsx", "b")
    code, _, err = upload(tmp_path / "penduduk_1.xlsx", twice)
    assert code == 1 and "penduduk_1.xlsx disebut ganda" in err


def test_other_users_cannot_read_uploads(upload: Upload, home: Path, tmp_path: Path) -> None:
    upload(write_file(tmp_path, "penduduk_1.xlsx", "isi"))
    zone = home / "unggahan"
    assert stat.S_IMODE(zone.stat().st_mode) == 0o750
    assert stat.S_IMODE((zone / DATASET / "penduduk_1.xlsx").stat().st_mode) == 0o640


def test_a_folder_that_was_open_to_others_is_closed_and_keeps_its_groups_rights(tmp_path: Path) -> None:
    folder = make_home(tmp_path) / "dagster"
    folder.mkdir()
    folder.chmod(0o2775)
    private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o2770
