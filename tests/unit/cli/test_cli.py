"""`gudang`: arguments, messages and exit codes; the environment's rules that need no server."""

from __future__ import annotations

import os
import subprocess
import sys
import types
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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GUDANG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def gudang(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["gudang", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def external(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "heavy: set()" in said
    for name in ("nightly", "ui", "upload", "status", "validate", "psql", "run", "stop", "reset", "bench"):
        assert name in said


def test_a_fault_is_one_line_without_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "laporan.xlsx").touch()
    assert gudang("reset", "--yes", monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith("gudang: ")
    assert said.count("\n") == 1
    assert (home / "laporan.xlsx").exists()


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "warehouse_url", interrupted)
    assert gudang("status", monkeypatch=monkeypatch) == 130


def test_a_connection_that_is_lost_is_one_line_and_another_fault_of_ours_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    def lost() -> None:
        try:
            psycopg.connect("host=127.0.0.1 port=1 user=kantor password=rahasia dbname=d")
        except psycopg.OperationalError as error:
            raise RuntimeError("what Dagster's storage makes of it") from error

    monkeypatch.setattr(environment, "warehouse_url", lost)
    assert gudang("status", monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith("gudang: PostgreSQL tidak menjawab: connection failed") and said.count("\n") == 1
    assert "rahasia" not in said
    monkeypatch.setattr(environment, "warehouse_url", lambda: {}["kunci"])
    monkeypatch.setattr(sys, "argv", ["gudang", "status"])
    with pytest.raises(KeyError):
        main.main()


def test_validate_prints_place_message_and_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    fault = types.SimpleNamespace(
        path="contracts/a/b.odcs.yaml", line=7, message="no classification", hint="add one"
    )
    module = types.ModuleType("pipelines.cli.validate")
    module.renew_sources = lambda _settings: None  # type: ignore[attr-defined]
    module.validate = lambda _settings: [fault]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pipelines.cli.validate", module)
    assert gudang("validate", monkeypatch=monkeypatch) == 1
    assert capsys.readouterr().out == "contracts/a/b.odcs.yaml:7: no classification (add one)\n"


def test_status_without_a_warehouse_says_where_it_looked_but_no_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    external(monkeypatch, tmp_path)
    assert gudang("status", monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert "127.0.0.1" in said
    assert "rahasia" not in said


def test_psql_gets_the_password_in_the_environment_not_in_its_arguments(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    external(monkeypatch, tmp_path)
    seen: dict[str, object] = {}

    def execve(_program: object, arguments: list[str], env: dict[str, str]) -> None:
        seen.update(arguments=arguments, password=env["PGPASSWORD"])

    monkeypatch.setattr(os, "execve", execve)
    assert gudang("psql", "-c", "select 1", monkeypatch=monkeypatch) == 0
    assert seen["password"] == "rahasia"
    assert "rahasia" not in str(seen["arguments"])
    assert str(seen["arguments"]).endswith("'-c', 'select 1']")


def test_reset_deletes_only_a_home_of_ours(tmp_path: Path) -> None:
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


def test_dotenv_names_the_line_at_fault(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nbukan penugasan\n")
    with pytest.raises(GudangError, match=r"\.env:2"):
        read_dotenv(tmp_path / ".env")


def test_the_environment_wins_over_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_warehouse_of_ones_own_needs_its_variables(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    external(monkeypatch, tmp_path)
    monkeypatch.delenv(name)
    with pytest.raises(GudangError, match=name):
        warehouse_environment(load_settings())


@pytest.mark.parametrize(
    "url", ["gudang", "postgresql://kantor:rahasia@h:54x2/gudang", "mysql://kantor:rahasia@h/gudang"]
)
@pytest.mark.parametrize("name", ["GUDANG_DAGSTER_URL", "GUDANG_WAREHOUSE_URL"])
def test_a_mistyped_url_is_one_line_that_does_not_repeat_it(
    name: str, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    external(monkeypatch, tmp_path)
    monkeypatch.setenv(name, url)
    assert gudang("nightly", monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"gudang: {name}: nilainya bukan URL basis data") and said.count("\n") == 1
    assert "rahasia" not in said and "%40 untuk @" in said


def test_dagsters_database_that_is_down_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    external(monkeypatch, tmp_path)
    assert gudang("nightly", monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith("gudang: basis data Dagster: koneksi ke") and said.count("\n") == 1
    assert "rahasia" not in said and "127.0.0.1:1/dagster" in said


@pytest.mark.parametrize(
    "url",
    ["postgresql://kantor:a@rahasia@127.0.0.1:1/gudang", "postgresql://kantor:a rahasia@127.0.0.1:1/gudang"],
)
def test_a_password_with_a_sign_that_cuts_it_is_refused_before_a_part_of_it_is_a_host(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    external(monkeypatch, tmp_path)
    monkeypatch.setenv("GUDANG_WAREHOUSE_URL", url)
    assert gudang("status", monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert "rahasia" not in said and "@ atau spasi" in said and "%40 untuk @" in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://kantor@127.0.0.1:1/gudang?password=rahasia",
        "postgresql://kantor:rahasia%20x@127.0.0.1:1/g",
    ],
)
def test_a_warehouse_that_is_not_there_is_named_without_its_password(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    external(monkeypatch, tmp_path)
    monkeypatch.setenv("GUDANG_WAREHOUSE_URL", url)
    assert gudang("status", monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert (
        said.startswith("gudang: gudang data: tidak dapat terhubung ke postgresql://kantor")
        and "rahasia" not in said
    )
