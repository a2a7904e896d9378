"""`gudang deploy systemd` fills in its templates, writes no secret, and keeps files that somebody has changed."""

from __future__ import annotations

import hashlib
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.cli.server.deploy import SUMS
from pipelines.settings import PROJECT_ROOT

Deploy = Callable[..., tuple[int, str]]
CODE = Path("etc/systemd/system/gudang-code.service")
ENV = Path("etc/gudang/gudang.env.contoh")


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Deploy:
    monkeypatch.setenv("GUDANG_PROJECT", str(PROJECT_ROOT))
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "rahasia" * 6)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(
            sys, "argv", ["gudang", "deploy", "systemd", "--output", str(tmp_path), *arguments]
        )
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out + err

    return run


def files(folder: Path) -> dict[Path, str]:
    return {path.relative_to(folder): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


def test_templates_are_filled_in_and_contain_no_secret(deploy: Deploy, tmp_path: Path) -> None:
    code, printed = deploy("--user", "kaltim", "--home", "/data/gudang", "--port", "4000")
    assert code == 0 and "adduser --system --group --home /data/gudang kaltim" in printed
    written = files(tmp_path)
    everything = "\n".join(written.values())
    assert not re.search(r"@[A-Z_]+@", everything) and "rahasia" not in everything
    common = written[CODE.with_name("gudang-.service.d") / "common.conf"]
    assert "User=kaltim" in common and "GUDANG_HOME=/data/gudang " in common
    assert "-p 4001 --read-only" in written[CODE.with_name("gudang-readers.service")]
    assert stat.S_IMODE((tmp_path / ENV).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "usr/local/sbin/gudang-server").stat().st_mode) == 0o755
    sums = dict(reversed(line.split("  ")) for line in written[SUMS].splitlines())
    assert sums == {
        str(path): hashlib.sha256(text.encode()).hexdigest() for path, text in written.items() if path != SUMS
    }


def test_writing_again_changes_only_files_whose_content_differs(deploy: Deploy, tmp_path: Path) -> None:
    deploy()
    before = files(tmp_path)
    assert "0 berkas ditulis" in deploy()[1]
    # Files that were written with other arguments, and not changed since.
    code, printed = deploy("--user", "kaltim")
    assert code == 0 and "0 berkas" not in printed and files(tmp_path) != before
    deploy()
    assert files(tmp_path) == before


def test_changed_file_is_kept_unless_forced(deploy: Deploy, tmp_path: Path) -> None:
    deploy()
    before = files(tmp_path)
    with (tmp_path / CODE).open("a") as file:
        file.write("MemoryMax=8G\n")
    changed = files(tmp_path)
    code, printed = deploy("--user", "kaltim")
    assert code == 1 and f"sudah diubah sesudah ditulis: {CODE} (" in printed and "--force" in printed
    assert files(tmp_path) == changed
    # Without the checksums a file of the same name is not known as ours.
    (tmp_path / SUMS).unlink()
    assert deploy()[0] == 1
    assert deploy("--force")[0] == 0
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", "root"], '--user: "root" bukan pengguna untuk layanan'),
        (["--user", "a b"], '--user: "a b" bukan pengguna untuk layanan'),
        (["--home", "/data/gu dang"], '--home: "/data/gu dang" tidak dapat dipakai dalam unit systemd'),
        (["--home", "kerja"], '--home: "kerja" tidak dapat dipakai'),
        (["--zone", "/srv/../etc"], '--zone: "/srv/../etc" tidak dapat dipakai'),
        (["--project", "/opt/%i"], '--project: "/opt/%i" tidak dapat dipakai'),
    ],
)
def test_argument_that_systemd_would_misread_is_refused(
    arguments: list[str], message: str, deploy: Deploy, tmp_path: Path
) -> None:
    code, printed = deploy(*arguments)
    assert code == 1 and message in printed
    assert files(tmp_path) == {}
