"""`gudang deploy systemd` fills in its templates, writes no secret, and loses nothing that somebody changed."""

from __future__ import annotations

import hashlib
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.cli.deploy import SUMS
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


def test_everything_is_filled_in_and_nothing_is_secret(deploy: Deploy, tmp_path: Path) -> None:
    code, said = deploy("--user", "kaltim", "--home", "/data/gudang", "--port", "4000")
    assert code == 0 and "adduser --system --group --home /data/gudang kaltim" in said
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


def test_written_again_it_changes_only_what_is_due(deploy: Deploy, tmp_path: Path) -> None:
    deploy()
    before = files(tmp_path)
    assert "0 berkas ditulis" in deploy()[1]
    # Written by us in another form, and touched by nobody since.
    code, said = deploy("--user", "kaltim")
    assert code == 0 and "0 berkas" not in said and files(tmp_path) != before
    deploy()
    assert files(tmp_path) == before


def test_what_somebody_changed_stays_unless_force_is_said(deploy: Deploy, tmp_path: Path) -> None:
    deploy()
    before = files(tmp_path)
    with (tmp_path / CODE).open("a") as file:
        file.write("MemoryMax=8G\n")
    changed = files(tmp_path)
    code, said = deploy("--user", "kaltim")
    assert code == 1 and f"sudah diubah sesudah ditulis: {CODE} (" in said and "--force" in said
    assert files(tmp_path) == changed
    # A file of the same name that is none of ours.
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
def test_what_systemd_would_read_otherwise_is_refused(
    arguments: list[str], message: str, deploy: Deploy, tmp_path: Path
) -> None:
    code, said = deploy(*arguments)
    assert code == 1 and message in said
    assert files(tmp_path) == {}
