"""Arguments, messages and exit codes of `gudang`, and the rules of its environment that need no server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pipelines.cli import main
from pipelines.errors import GudangError
from pipelines.extract.upload.zone import upload_zone
from pipelines.runtime import environment
from pipelines.runtime.environment import current_settings, read_dotenv, warehouse_environment
from pipelines.runtime.home import MARKER, delete_home, make_home
from pipelines.settings import load_settings

Gudang = Callable[..., tuple[int, str, str]]


def set_external_urls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GUDANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GUDANG_WAREHOUSE_URL", "postgresql://kantor:rahasia@127.0.0.1:1/gudang")
    monkeypatch.setenv("GUDANG_DAGSTER_URL", "postgresql://kantor:rahasia@127.0.0.1:1/dagster")
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['gudang', '--help']\n"
        "from pipelines.cli import main\n"
        "try: main.main()\n"
        "except SystemExit: print('heavy:', {'dagster', 'sqlalchemy', 'pandas', 'psycopg'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "heavy: set()" in shown
    for name in ("nightly", "ui", "upload", "status", "validate", "psql", "run", "stop", "reset", "bench"):
        assert name in shown


def test_error_is_one_line_without_traceback(gudang: Gudang, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "laporan.xlsx").touch()
    code, _, err = gudang("reset", "--yes")
    assert code == 1
    assert err.startswith("gudang: ")
    assert err.count("\n") == 1
    assert (home / "laporan.xlsx").exists()


def test_ctrl_c_ends_with_130(gudang: Gudang, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "warehouse_url", interrupted)
    assert gudang("status")[0] == 130


def test_lost_connection_is_one_line_but_a_programming_error_is_raised(
    gudang: Gudang, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost() -> None:
        try:
            psycopg.connect("host=127.0.0.1 port=1 user=kantor password=rahasia dbname=d")
        except psycopg.OperationalError as error:
            raise RuntimeError("what Dagster's storage makes of it") from error

    monkeypatch.setattr(environment, "warehouse_url", lost)
    code, _, err = gudang("status")
    assert code == 1
    assert err.startswith("gudang: PostgreSQL tidak menjawab: connection failed") and err.count("\n") == 1
    assert "rahasia" not in err
    monkeypatch.setattr(environment, "warehouse_url", lambda: {}["kunci"])
    monkeypatch.setattr(sys, "argv", ["gudang", "status"])
    with pytest.raises(KeyError):
        main.main()


def test_status_without_a_warehouse_names_the_host_but_no_password(
    gudang: Gudang, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_external_urls(monkeypatch, tmp_path)
    code, _, err = gudang("status")
    assert code == 1
    assert "127.0.0.1" in err
    assert "rahasia" not in err


def test_psql_gets_the_password_by_environment_not_by_argument(
    gudang: Gudang, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_external_urls(monkeypatch, tmp_path)
    seen: dict[str, object] = {}

    def execve(_program: object, arguments: list[str], env: dict[str, str]) -> None:
        seen.update(arguments=arguments, password=env["PGPASSWORD"])

    monkeypatch.setattr(os, "execve", execve)
    assert gudang("psql", "-c", "select 1")[0] == 0
    assert seen["password"] == "rahasia"
    assert "rahasia" not in str(seen["arguments"])
    assert str(seen["arguments"]).endswith("'-c', 'select 1']")


def test_reset_deletes_only_a_folder_that_gudang_made(tmp_path: Path) -> None:
    ours = make_home(tmp_path / "ours")
    (ours / "unggahan").mkdir()
    delete_home(make_home(ours))
    assert not ours.exists()

    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "skripsi.docx").touch()
    make_home(theirs)
    assert not (theirs / MARKER).exists()
    with pytest.raises(GudangError, match=MARKER):
        delete_home(theirs)


def test_dotenv_reads_plain_assignments(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# komentar\n\nA=1\nexport B = 'dua kata'\nC=\"#x\"  \nD=nilai # catatan\nE=\n")
    assert read_dotenv(file) == {"A": "1", "B": "dua kata", "C": "#x", "D": "nilai", "E": ""}
    assert read_dotenv(tmp_path / "none") == {}


def test_dotenv_error_names_the_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nbukan penugasan\n")
    with pytest.raises(GudangError, match=r"\.env:2"):
        read_dotenv(tmp_path / ".env")


def test_environment_overrides_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(
        f"GUDANG_HOME={tmp_path}/dari-berkas\nGUDANG_UPLOAD_ZONE={tmp_path}/zona\n"
    )
    (tmp_path / "contracts").mkdir()
    monkeypatch.setenv("GUDANG_PROJECT", str(tmp_path))
    monkeypatch.setenv("GUDANG_HOME", str(tmp_path / "dari-lingkungan"))
    monkeypatch.delenv("GUDANG_UPLOAD_ZONE", raising=False)
    try:
        settings = current_settings()
        assert settings.home == tmp_path / "dari-lingkungan"
        assert upload_zone(settings) == tmp_path / "zona"
    finally:
        os.environ.pop("GUDANG_UPLOAD_ZONE", None)


@pytest.mark.parametrize("name", ["GUDANG_DAGSTER_URL", "GUDANG_PSEUDONYM_KEY"])
def test_external_warehouse_needs_its_variables(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_external_urls(monkeypatch, tmp_path)
    monkeypatch.delenv(name)
    with pytest.raises(GudangError, match=name):
        warehouse_environment(load_settings())


@pytest.mark.parametrize(
    "url", ["gudang", "postgresql://kantor:rahasia@h:54x2/gudang", "mysql://kantor:rahasia@h/gudang"]
)
@pytest.mark.parametrize("name", ["GUDANG_DAGSTER_URL", "GUDANG_WAREHOUSE_URL"])
def test_error_of_an_invalid_url_is_one_line_without_the_url(
    name: str, url: str, gudang: Gudang, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_external_urls(monkeypatch, tmp_path)
    monkeypatch.setenv(name, url)
    code, _, err = gudang("nightly")
    assert code == 1
    assert err.startswith(f"gudang: {name}: nilainya bukan URL basis data") and err.count("\n") == 1
    assert "rahasia" not in err and "%40 untuk @" in err


def test_unreachable_dagster_database_is_one_line(
    gudang: Gudang, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_external_urls(monkeypatch, tmp_path)
    code, _, err = gudang("nightly")
    assert code == 1
    assert err.startswith("gudang: basis data Dagster: koneksi ke") and err.count("\n") == 1
    assert "rahasia" not in err and "127.0.0.1:1/dagster" in err


@pytest.mark.parametrize(
    "url",
    ["postgresql://kantor:a@rahasia@127.0.0.1:1/gudang", "postgresql://kantor:a rahasia@127.0.0.1:1/gudang"],
)
def test_unescaped_sign_in_a_password_is_refused_before_it_shows_as_host(
    url: str, gudang: Gudang, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_external_urls(monkeypatch, tmp_path)
    monkeypatch.setenv("GUDANG_WAREHOUSE_URL", url)
    code, _, err = gudang("status")
    assert code == 1
    assert "rahasia" not in err and "@ atau spasi" in err and "%40 untuk @" in err


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://kantor@127.0.0.1:1/gudang?password=rahasia",
        "postgresql://kantor:rahasia%20x@127.0.0.1:1/g",
    ],
)
def test_unreachable_warehouse_is_named_without_its_password(
    url: str, gudang: Gudang, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_external_urls(monkeypatch, tmp_path)
    monkeypatch.setenv("GUDANG_WAREHOUSE_URL", url)
    code, _, err = gudang("status")
    assert code == 1
    assert (
        err.startswith("gudang: gudang data: tidak dapat terhubung ke postgresql://kantor")
        and "rahasia" not in err
    )
