"""The units that `gudang deploy systemd` writes: systemd understands them, and what they start works together.

No systemd runs in a test. Its commands are started as plain processes, in the order that the units say.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from pipelines.settings import PROJECT_ROOT
from tests.support.contracts import column, document, upload, write
from tests.support.servers import free_port, process, short_folder, wait_for_port
from tests.support.templates import Templates

UNITS = Path("etc/systemd/system")
WORKSPACE = PROJECT_ROOT / "deploy" / "workspace.yaml"
HEALTH = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"
LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } } }"


def write_units(output: Path, *more: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", "deploy", "systemd", "--output", str(output), *more],
        cwd=PROJECT_ROOT, env={**os.environ, "GUDANG_PROJECT": str(PROJECT_ROOT)}, capture_output=True, check=True,
    )  # fmt: skip


@pytest.mark.parametrize("home", ["/var/lib/gudang", "/home/gudang/kerja"])
def test_systemd_has_nothing_to_say_against_the_units(home: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("in CI the units must be checked: apt install systemd", pytrace=False)
        pytest.skip("not installed: systemd-analyze (on Debian: apt install systemd)")
    write_units(tmp_path, "--home", home)
    units = sorted(path for path in (tmp_path / UNITS).iterdir() if path.is_file())
    assert len(units) == 11
    done = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def settings_of(unit: Path, key: str) -> list[str]:
    lines = unit.read_text("utf-8").splitlines()
    return [value for name, _, value in (line.partition("=") for line in lines) if name == key]


def test_commands_by_hand_have_the_variables_of_the_services(tmp_path: Path) -> None:
    write_units(tmp_path)
    common = tmp_path / UNITS / "gudang-.service.d" / "common.conf"
    of_services = {pair for line in settings_of(common, "Environment") for pair in shlex.split(line)}
    words = shlex.split((tmp_path / "usr/local/sbin/gudang-server").read_text("utf-8"), comments=True)
    assert {w.removeprefix("--setenv=") for w in words if w.startswith("--setenv=")} == of_services


def test_the_upload_page_reads_neither_secrets_of_other_services_nor_their_folder(tmp_path: Path) -> None:
    for zone, hidden in (
        ("/srv/zona", ["-/run/gudang", "-/var/lib/gudang"]),
        ("/var/lib/gudang/z", ["-/run/gudang"]),
    ):
        write_units(tmp_path / zone[1:], "--zone", zone)
        units = tmp_path / zone[1:] / UNITS
        common, own = units / "gudang-.service.d/common.conf", units / "gudang-loket.service.d/loket.conf"
        # Another user than the services that have secrets: /proc shows it no environment of theirs.
        assert settings_of(common, "User") == ["gudang"] and settings_of(own, "User") == ["gudang-loket"]
        assert settings_of(own, "ProtectProc") == ["invisible"]
        assert settings_of(own, "EnvironmentFile") == ["", "/etc/gudang/loket.env"]
        (paths,) = settings_of(own, "InaccessiblePaths")
        assert paths.split() == hidden


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one dataset, so that the processes start fast."""
    root = tmp_path / "proyek"
    for name in ("expectations", "dbt_like_sql/models"):
        (root / name).mkdir(parents=True)
    shutil.copy(PROJECT_ROOT / "dbt_like_sql" / "dbt_project.yml", root / "dbt_like_sql")
    columns = [column("nomor", "integer", primaryKey=True, required=True, unique=True)]
    write(root / "contracts", document("dinkes/uji", columns, upload("dinkes/uji", "csv")))
    (root / "deploy").symlink_to(PROJECT_ROOT / "deploy")
    (root / ".venv").symlink_to(Path(sys.prefix))
    return root


@pytest.fixture
def databases(templates: Templates) -> Iterator[dict[str, str]]:
    with templates.database(templates.prepared) as warehouse, templates.database() as dagster:
        yield {
            "GUDANG_WAREHOUSE_URL": warehouse,
            "GUDANG_DAGSTER_URL": dagster,
            "GUDANG_PSEUDONYM_KEY": "k" * 32,
        }


def test_what_the_units_start_answers_and_ends_in_order(
    project: Path, databases: dict[str, str], tmp_path: Path
) -> None:
    with short_folder() as folder, ExitStack() as stack:
        port = free_port()
        places = ["--home", str(folder / "home"), "--zone", str(folder / "zona"), "--project", str(project)]
        write_units(tmp_path / "root", *places, "--port", str(port))
        units = tmp_path / "root" / UNITS
        (folder / "workspace.yaml").write_text(
            WORKSPACE.read_text("utf-8").replace("/run/gudang", str(folder))
        )
        common = settings_of(units / "gudang-.service.d" / "common.conf", "Environment")
        # What no process of systemd has: the package is installed there.
        env = {
            "PYTHONPATH": str(PROJECT_ROOT),
            **dict(item.split("=", 1) for item in common[0].split()),
            **databases,
        }

        def commands(unit: str, key: str) -> list[list[str]]:
            return [
                shlex.split(line.replace("/run/gudang", str(folder)).replace(
                    str(project / "deploy" / "workspace.yaml"), str(folder / "workspace.yaml")
                ))
                for line in settings_of(units / f"gudang-{unit}.service", key)
            ]  # fmt: skip

        def finish(command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                command, cwd=project, env={**os.environ, **env, **more}, capture_output=True, text=True, check=False,
                timeout=180,
            )  # fmt: skip

        unset = finish(commands("code", "ExecStartPre")[0], GUDANG_WAREHOUSE_URL="")
        assert unset.returncode == 1 and "belum diisi di /etc/gudang/gudang.env" in unset.stderr
        for command in commands("code", "ExecStartPre"):
            done = finish(command)
            assert done.returncode == 0, done.stderr

        running: dict[str, subprocess.Popen[bytes]] = {}

        def start(unit: str) -> None:
            (command,) = commands(unit, "ExecStart")
            running[unit] = stack.enter_context(process(command, project, folder / f"{unit}.log", env))

        (wait,) = commands("code", "ExecStartPost")
        gone = subprocess.Popen(["true"])
        gone.wait()
        # A code server that ends while it starts is not waited for until TimeoutStartSec.
        assert finish(wait, MAINPID=str(gone.pid)).returncode == 1
        start("code")
        assert finish(wait, MAINPID=str(running["code"].pid)).returncode == 0
        for unit in ("webserver", "daemon"):
            start(unit)
        stack.callback(lambda: [child.terminate() for child in running.values()])
        wait_for_port(port, running["webserver"], folder / "webserver.log")
        # test_proxy.py runs one that is like this.
        (readers,), (engineers,) = commands("readers", "ExecStart"), commands("webserver", "ExecStart")
        assert readers == [*engineers[:-1], str(port + 1), "--read-only"]

        def ask(query: str) -> dict:
            answer = requests.post(f"http://127.0.0.1:{port}/graphql", json={"query": query}, timeout=30)
            return answer.json()["data"]

        assert ask(LOCATIONS)["workspaceOrError"]["locationEntries"] == [
            {"name": "gudang-data-kaltim", "locationOrLoadError": {"__typename": "RepositoryLocation"}}
        ]
        deadline = time.monotonic() + 120
        while not all(
            d["healthy"]
            for d in ask(HEALTH)["instance"]["daemonHealth"]["allDaemonStatuses"]
            if d["required"]
        ):
            assert running["daemon"].poll() is None, (folder / "daemon.log").read_text("utf-8")
            assert time.monotonic() < deadline, "the daemon has no heartbeat"
            time.sleep(0.2)
        for child in running.values():
            child.terminate()
        assert {unit: child.wait(90) for unit, child in running.items()} == dict.fromkeys(running, 0)
