"""The embedded server starts again after kill -9, a stale pid file or a failed start, and keeps its data."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading

import psycopg
import pytest

from pipelines.errors import GudangError
from pipelines.runtime.embedded import EmbeddedServer
from tests.support.servers import postmaster_pid, short_folder


def query(server: EmbeddedServer, statement: bytes, database: str = "gudang") -> object:
    with psycopg.connect(server.urls.libpq(database)) as connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else None


def test_ensure_makes_both_databases_and_may_be_called_again(server: EmbeddedServer) -> None:
    first = postmaster_pid(server)
    urls = server.ensure()
    assert postmaster_pid(server) == first
    assert urls.warehouse.startswith("postgresql+psycopg://postgres@/gudang?host=")
    assert urls.dagster.startswith("postgresql+psycopg2://postgres@/dagster?host=")
    assert query(server, b"select count(*) from pg_database where datname in ('gudang', 'dagster')") == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_connections", "100"),
        ("shared_buffers", "256MB"),
        ("max_wal_size", "4GB"),
        ("TimeZone", "Asia/Makassar"),
        ("fsync", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
    ],
)
def test_the_server_has_the_documented_settings(server: EmbeddedServer, name: str, value: str) -> None:
    assert query(server, f"select current_setting('{name}')".encode()) == value


def test_the_order_of_text_does_not_depend_on_the_machine(server: EmbeddedServer) -> None:
    assert query(server, b"select datlocale from pg_database where datname = 'gudang'") == "C.UTF-8"
    assert query(server, "select upper('é') = 'É' and 'Z' < 'a'".encode())


def test_only_the_owner_reaches_the_socket(server: EmbeddedServer) -> None:
    assert stat.S_IMODE(server.urls.socket_dir.stat().st_mode) == 0o700


def test_data_survive_kill_9(server: EmbeddedServer) -> None:
    with psycopg.connect(server.urls.libpq(), autocommit=True) as connection:
        connection.execute("create table survives as select 42 as answer")
    os.kill(postmaster_pid(server), signal.SIGKILL)
    server.ensure()
    assert query(server, b"select answer from survives") == 42


def test_a_busy_backend_of_a_killed_server_does_not_prevent_a_start(server: EmbeddedServer) -> None:
    started = threading.Event()

    def work() -> None:
        with psycopg.connect(server.urls.libpq()) as connection:
            started.set()
            connection.execute(
                "select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b"
            )

    def fails() -> None:
        with pytest.raises(psycopg.OperationalError):
            work()

    worker = threading.Thread(target=fails)
    worker.start()
    assert started.wait(120)
    os.kill(postmaster_pid(server), signal.SIGKILL)
    server.ensure()
    worker.join(30)
    assert query(server, b"select 1") == 1


def test_a_start_that_fails_at_first_is_tried_again(server: EmbeddedServer) -> None:
    server.stop()
    settings = server.data_dir / "postgresql.auto.conf"
    good = settings.read_bytes()
    settings.write_bytes(good + b"shared_buffers = 'none'\n")
    threading.Timer(0.7, settings.write_bytes, [good]).start()
    server.ensure()
    assert query(server, b"select 1") == 1 and settings.read_bytes() == good


def test_a_stale_pid_file_with_the_pid_of_another_process_is_ignored(server: EmbeddedServer) -> None:
    server.stop()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        pid_file = server.data_dir / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n{server.data_dir}\n1\n5432\n{server.data_dir}\n\n1 1\nready\n")
        owner = server.data_dir.stat()
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        assert not server.is_running()
        server.ensure()
        assert server.is_running()
        assert postmaster_pid(server) != other.pid
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_second_stop_finds_nothing_to_stop(server: EmbeddedServer) -> None:
    server.ensure()
    assert server.stop()
    assert not server.is_running()
    assert not server.stop()
    server.ensure()


def test_many_processes_may_start_it_at_once(server: EmbeddedServer) -> None:
    server.stop()
    code = "import sys, pathlib, pipelines.runtime.embedded as e; e.EmbeddedServer(pathlib.Path(sys.argv[1])).ensure()"
    started = [subprocess.Popen([sys.executable, "-c", code, str(server.home)]) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]
    assert server.is_running()


def test_a_home_whose_path_is_too_long_for_a_socket_works() -> None:
    with short_folder() as folder:
        deep = EmbeddedServer(folder / ("panjang" * 15) / "dengan spasi")
        urls = deep.ensure()
        try:
            assert query(deep, b"select 1") == 1
            assert stat.S_IMODE(urls.socket_dir.stat().st_mode) == 0o700
        finally:
            deep.stop()
            if urls.socket_dir != deep.data_dir:
                urls.socket_dir.rmdir()


def test_a_failed_start_names_its_reason() -> None:
    with short_folder() as folder:
        broken = EmbeddedServer(folder / "home", pause=0.05)
        broken.ensure()
        broken.stop()
        with (broken.data_dir / "postgresql.conf").open("a") as conf:
            conf.write("max_connections = banyak\n")
        with pytest.raises(GudangError, match="max_connections"):
            broken.ensure()
