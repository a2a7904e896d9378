"""The commands around Dagster, each in its own process: prepare, stop, reset and run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from dagster import DagsterRunStatus as Status
from dagster._core.test_utils import create_run_for_test
from psycopg import sql

from pipelines.errors import LoadError
from pipelines.load import prepare
from pipelines.resources.warehouse import Warehouse
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.runtime.lease import hold
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.connection import connect
from tests.support.servers import fresh_name
from tests.support.slow_run import instance_at


def start(server: EmbeddedServer, *arguments: str) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GUDANG_", "DAGSTER_"))}
    env["GUDANG_DEMO"] = "0"  # no command here reads a source, and the demo's databases take ten seconds
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli.main", *arguments], cwd=PROJECT_ROOT, text=True,
        env=env | {"GUDANG_HOME": str(server.home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def gudang(server: EmbeddedServer, *arguments: str) -> tuple[int, str, str]:
    process = start(server, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_prepare_makes_tables_and_reference_data_and_closes_dead_runs(
    server: EmbeddedServer,
) -> None:
    url = server.ensure().libpq("dagster")
    with instance_at(url) as instance:
        run = create_run_for_test(instance, "ingest", status=Status.STARTED)
    with psycopg.connect(url) as connection:
        connection.execute("update runs set update_timestamp = update_timestamp - interval '1 hour'")
    code, out, err = gudang(server, "prepare")
    assert code == 0, err
    assert f"Run {run.run_id[:8]} (ingest) ditutup: prosesnya sudah tidak ada." in out
    with psycopg.connect(server.urls.libpq()) as connection:
        there = connection.execute(
            "select to_regclass('ops.load_batch') is not null, (select count(*) > 1000 from core.ref_wilayah)"
        ).fetchone()
    assert there == (True, True)


@pytest.mark.parametrize("command", ["stop", "reset"])
def test_a_server_in_use_is_not_stopped_and_its_user_is_named(server: EmbeddedServer, command: str) -> None:
    arguments = [command, "--yes"] if command == "reset" else [command]
    with hold(server.ensure().libpq("dagster"), "gudang nightly, pid 1"):
        code, out, err = gudang(server, *arguments)
        assert code == 1 and not out
        assert f"gudang: {server.home}: sedang dipakai oleh gudang nightly, pid 1 (sejak" in err
        assert err.count("\n") == 1 and "--force" in err
        assert server.is_running()


def test_stop_with_force_stops_a_server_in_use(server: EmbeddedServer) -> None:
    with hold(server.ensure().libpq("dagster"), "gudang nightly, pid 1"):
        assert gudang(server, "stop", "--force") == (0, "Dihentikan.\n", "")
    assert not server.is_running()


def test_run_passes_sigterm_on_and_returns_its_commands_exit_code(server: EmbeddedServer) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('mulai', flush=True)\n"
        "time.sleep(120)\n"
    )
    process = start(server, "run", "python", "-c", code)
    assert process.stdout is not None
    assert process.stdout.readline() == "mulai\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 7
    process.communicate()


def test_dg_scaffold_is_refused_with_the_right_way(server: EmbeddedServer) -> None:
    code, _, err = gudang(server, "run", "dg", "scaffold", "defs", "dagster.asset", "a.py")
    assert code == 1
    assert "dibuat dari kontrak dan model SQL" in err and "docs/add-a-dataset.md" in err


def test_an_empty_warehouse_is_prepared_at_its_first_use(pg_url: str) -> None:
    url = pg_url.replace("postgresql://", "postgresql+psycopg://")
    with Warehouse(url=url, project=str(PROJECT_ROOT)).connect() as connection:
        found = connection.execute(
            "select to_regclass('raw.dinkes__kunjungan') is not null, (select count(*) > 1000 from core.ref_wilayah)"
        ).fetchone()
    assert found == (True, True)


def test_a_role_without_rights_gets_a_message_of_one_line(pg_url: str) -> None:
    name = fresh_name()
    with psycopg.connect(pg_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {} login").format(sql.Identifier(name)))
    url = pg_url.replace("//postgres@", f"//{name}@").replace("postgresql://", "postgresql+psycopg://")
    with (
        connect(url) as connection,
        pytest.raises(
            LoadError, match=rf"pengguna {name} tidak berhak membuat .*alter database uji_\w+ owner to {name}"
        ) as refused,
    ):
        prepare.prepare(connection, [])
    assert "\n" not in str(refused.value)
    with psycopg.connect(pg_url, autocommit=True) as admin:
        admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def test_outside_of_a_checkout_the_variable_is_named(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT_ROOT), "GUDANG_PROJECT": str(tmp_path)}
    command = [sys.executable, "-m", "pipelines.cli.main", "nightly"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr.startswith(f"gudang: {tmp_path}: di sini tidak ada contracts/")
        and done.stderr.count("\n") == 1
    )
    assert "GUDANG_PROJECT" in done.stderr
