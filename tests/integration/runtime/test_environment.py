"""The environment of a command with nothing configured: embedded server, key, Dagster's storage and the demo OPD."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import requests
import sqlalchemy

from demo.health import puskesmas
from demo.uploads import write_files
from demo.variables import DATABASES
from pipelines.extract.upload.zone import upload_zone
from pipelines.redaction.database_urls import libpq_url
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.runtime.environment import prepare_environment
from pipelines.settings import PROJECT_ROOT, Settings, load_settings
from tests.support.servers import short_folder


@pytest.fixture(scope="module")
def installation() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder / "home"
        EmbeddedServer(folder / "home").stop()


@pytest.fixture
def settings(installation: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("GUDANG_HOME", str(installation))
    return load_settings()


@pytest.fixture
def own_installation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An installation of the test's own."""
    with short_folder() as folder:
        monkeypatch.setenv("GUDANG_HOME", str(folder / "home"))
        yield load_settings()
        EmbeddedServer(folder / "home").stop()


def kill_listener(port: int) -> None:
    """Kills the child of ours that listens at the port, as the kernel does when memory is short."""
    for child in psutil.Process().children():
        if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in child.net_connections()):
            child.kill()
            psutil.wait_procs([child], timeout=30)
            return
    raise AssertionError(f"no child listens at {port}")


def status_of(url: str) -> int:
    return requests.get(url, timeout=60).status_code


def test_databases_and_apis_of_the_demo_run_inside_the_context_only(settings: Settings) -> None:
    with prepare_environment(settings) as added:
        for name in DATABASES:
            engine = sqlalchemy.create_engine(added[name])
            with engine.connect() as connection:
                assert sqlalchemy.inspect(connection).get_table_names()
            engine.dispose()
        api = urlsplit(added["GUDANG_SUMBER_DPMPTSP_URL"])
        assert api.hostname
        assert api.port
        assert status_of(f"{added['GUDANG_SUMBER_DPMPTSP_URL']}/v1/izin") == 401
        kill_listener(api.port)
        assert status_of(f"{added['GUDANG_SUMBER_DPMPTSP_URL']}/v1/izin") == 401
        assert load_settings().warehouse_url == added["GUDANG_WAREHOUSE_URL"]
        for folder in ("unggahan", "dagster"):
            assert stat.S_IMODE((settings.home / folder).stat().st_mode) == 0o750
        assert any(path.is_file() for path in upload_zone(settings).rglob("*"))
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((api.hostname, api.port), timeout=5)
    assert "GUDANG_SUMBER_DINKES_URL" not in os.environ
    assert EmbeddedServer(settings.home).is_running()


def test_the_pseudonym_key_is_made_once_and_only_its_owner_reads_it(settings: Settings) -> None:
    with (
        prepare_environment(settings, demo=False) as first,
        prepare_environment(settings, demo=False) as second,
    ):
        assert first["GUDANG_PSEUDONYM_KEY"] == second["GUDANG_PSEUDONYM_KEY"]
    assert stat.S_IMODE((settings.home / "kunci").stat().st_mode) == 0o600
    assert len((settings.home / "kunci").read_text().strip()) == 64


def test_demo_databases_are_of_this_version_and_of_sources_that_are_not_configured(
    own_installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in set(DATABASES) - {"GUDANG_SUMBER_DISDIKBUD_URL"}:
        monkeypatch.setenv(name, "postgresql://opd.example/asli")
    with prepare_environment(own_installation) as added:
        source = sqlalchemy.create_engine(added["GUDANG_SUMBER_DISDIKBUD_URL"])
        with source.begin() as connection:
            listed = connection.execute(sqlalchemy.text("select datname from pg_database"))
            assert [name for (name,) in listed if name.startswith("demo_")] == ["demo_disdikbud"]
            connection.execute(sqlalchemy.text("drop table sekolah"))
    (own_installation.home / "demo" / "databases").write_text("lain", "ascii")
    with prepare_environment(own_installation), source.connect() as connection:
        assert sqlalchemy.inspect(connection).has_table("sekolah")
    source.dispose()
    monkeypatch.delenv("GUDANG_SUMBER_DINKES_URL")
    with (
        prepare_environment(own_installation) as added,
        psycopg.connect(libpq_url(added["GUDANG_SUMBER_DINKES_URL"])) as dinkes,
    ):
        assert dinkes.execute("select count(*) from puskesmas").fetchone() == (len(puskesmas().rows),)


def test_a_removed_demo_file_is_not_written_again(settings: Settings) -> None:
    with prepare_environment(settings):
        removed = next(path for path in upload_zone(settings).rglob("*") if path.is_file())
        removed.unlink()
    with prepare_environment(settings):
        assert not removed.exists()


def sources(added: dict[str, str]) -> set[str]:
    return {name.removeprefix("GUDANG_SUMBER_") for name in added if name.startswith("GUDANG_SUMBER_")}


def test_the_demo_replaces_only_sources_that_are_not_configured(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with prepare_environment(settings) as added:
        everything = sources(added)
    assert {"DLH_URL", "DLH_KEY", "DINKES_URL", "BPS_KEY"} <= everything
    monkeypatch.setenv("GUDANG_SUMBER_DLH_URL", "https://dlh.example/")
    with prepare_environment(settings) as added:
        # The demo's key is not sent to a real server.
        assert sources(added) == everything - {"DLH_URL", "DLH_KEY"}
        assert os.environ["GUDANG_SUMBER_DLH_URL"] == "https://dlh.example/"
    monkeypatch.setenv("GUDANG_DEMO", "tidak")
    with prepare_environment(settings) as added:
        assert sources(added) == set()


def test_the_demo_writes_no_file_beside_other_files(tmp_path: Path) -> None:
    real = tmp_path / "disdikbud" / "sma"
    real.mkdir(parents=True)
    (real / "sma_2026.csv").write_text("a")
    write_files(tmp_path)
    assert [p.name for p in real.iterdir()] == ["sma_2026.csv"]
    assert (tmp_path / "dkp" / "pembenihan_ikan" / "pembenihan_2025.csv").exists()


def test_dagster_keeps_its_runs_in_the_embedded_server(settings: Settings) -> None:
    code = (
        "from dagster import DagsterInstance\n"
        "with DagsterInstance.get() as instance:\n"
        "    print(type(instance.event_log_storage).__name__, instance.get_runs_count(), instance.telemetry_enabled)\n"
        "    print(type(instance.run_launcher).__name__, instance.run_launcher.supports_check_run_worker_health)\n"
    )
    with prepare_environment(settings, demo=False):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["PostgresEventLogStorage 0 False", "LeasedRunLauncher True"], (
        done.stderr
    )


def test_the_warehouse_is_in_wita_and_dagsters_database_in_utc(settings: Settings) -> None:
    with prepare_environment(settings, demo=False) as added:
        urls = EmbeddedServer(settings.home).urls
        zones = [zone_of(urls.libpq(name)) for name in ("gudang", "dagster")]
        zones.append(zone_of(libpq_url(added["GUDANG_DAGSTER_URL"])))
    assert zones == ["Asia/Makassar", "UTC", "UTC"]


def zone_of(url: str) -> str:
    with psycopg.connect(url) as connection:
        return connection.execute("select current_setting('TimeZone')").fetchall()[0][0]


def test_a_configured_server_gets_drivers_dagster_home_utc_and_no_demo(
    pg_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUDANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GUDANG_WAREHOUSE_URL", pg_url)
    monkeypatch.setenv("GUDANG_DAGSTER_URL", pg_url)
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    with prepare_environment(load_settings()) as added:
        assert os.environ["GUDANG_WAREHOUSE_URL"].startswith("postgresql+psycopg://")
        assert os.environ["GUDANG_DAGSTER_URL"].startswith("postgresql+psycopg2://")
        assert zone_of(libpq_url(os.environ["GUDANG_DAGSTER_URL"])) == "UTC"
        written = Path(os.environ["DAGSTER_HOME"]) / "dagster.yaml"
        assert written.read_text() == (PROJECT_ROOT / "deploy" / "dagster.yaml").read_text()
        assert not [name for name in added if name.startswith("GUDANG_SUMBER_")]
        assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == "100"
    assert not {"DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"} & os.environ.keys()
    assert os.environ["GUDANG_WAREHOUSE_URL"] == pg_url
