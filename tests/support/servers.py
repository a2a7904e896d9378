"""Starts and stops servers for tests, and makes databases on them. Not here: fixtures (conftest.py)."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy.engine import make_url

from pipelines.runtime.embedded import EmbeddedServer

MEMORY = Path("/dev/shm")
"""Where Linux has a file system in memory. That of a container is often as small as 64 MB."""
ROOM = 2 * 2**30
"""How many bytes must be free in MEMORY."""


def fresh_name() -> str:
    """A name that no database has yet."""
    return f"uji_{uuid.uuid4().hex[:12]}"


@contextmanager
def short_folder(*, on_disk: bool = False) -> Iterator[Path]:
    """A folder for a server, deleted afterwards. Its path is short enough for a socket, and the server's user may read it.

    It is not in pytest's own folder: root starts the server as another user, who may not read that folder.

    It lies in the machine's memory, if that has a file system there with ROOM. A server that starts, stops or makes a
    database waits for the disk many times: on a busy one an empty home takes 8 s instead of 1 s.

    on_disk: never in memory, for what measures how fast a server is.
    """
    roomy = not on_disk and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    place = MEMORY if roomy else Path("/tmp")
    with tempfile.TemporaryDirectory(prefix="gudang-uji-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def postmaster_pid(server: EmbeddedServer) -> int:
    """The process id of a running server, for tests that kill it."""
    return int((server.data_dir / "postmaster.pid").read_text().split()[0])


@dataclass(frozen=True, slots=True)
class MariaDB:
    """A MariaDB server; `url` is a SQLAlchemy URL of a user that may make databases."""

    url: str

    @staticmethod
    def missing() -> str | None:
        """Why no server can be started here, or None."""
        there = all(_program(name) for name in ("mariadbd", "mariadb-install-db"))
        return None if there else "no mariadbd is installed (on Debian: apt install mariadb-server)"

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> Iterator[MariaDB]:
        """Starts a server in `folder` on a free port of the loopback, and stops it at the end."""
        user = "mysql" if os.geteuid() == 0 else getpass.getuser()
        data = folder / "data"
        data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(data, user)
        install = [_program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", f"--user={user}"]
        subprocess.run([*install, "--skip-test-db"], check=True, capture_output=True)
        port, password = free_port(), uuid.uuid4().hex
        start = folder / "start.sql"
        # The server reads an init file line by line, so each statement has a line of its own.
        user_made = f"create user uji@127.0.0.1 identified by '{password}';\n"
        start.write_text(user_made + "grant all on *.* to uji@127.0.0.1 with grant option;\n")
        command = [
            _program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--user={user}", f"--port={port}",
            "--bind-address=127.0.0.1", f"--socket={data}/sock", f"--init-file={start}", "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4", f"--log-error={data}/log",
        ]  # fmt: skip
        process = subprocess.Popen(command, start_new_session=True)
        try:
            server = cls(f"mysql+pymysql://uji:{password}@127.0.0.1:{port}/?charset=utf8mb4")
            server._wait(process)
            yield server
        finally:
            process.terminate()
            process.wait(60)

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """The URL of an empty database, dropped at the end."""
        engine = sqlalchemy.create_engine(self.url, isolation_level="AUTOCOMMIT")
        quoted = engine.dialect.identifier_preparer.quote(name)
        with engine.connect() as admin:
            admin.execute(sqlalchemy.text(f"create database {quoted} character set utf8mb4"))
        yield make_url(self.url).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as admin:
            admin.execute(sqlalchemy.text(f"drop database if exists {quoted}"))
        engine.dispose()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        engine = sqlalchemy.create_engine(self.url)
        deadline = time.monotonic() + 60
        while True:
            try:
                engine.connect().close()
                break
            except sqlalchemy.exc.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        engine.dispose()


def _program(name: str) -> str | None:
    return shutil.which(
        name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    )


def free_port() -> int:
    """A port of the loopback on which nothing listens now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback on which nothing listens now. Two calls may give the same port."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@contextmanager
def process(
    command: list[str], cwd: Path, log: Path, env: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command with more variables than ours while the context lasts; what it prints goes to `log`."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield child
        finally:
            child.terminate()
            child.wait(90)


def wait_until(what: str, seen: Callable[[], bool], seconds: float = 300.0) -> None:
    """Waits until `seen` is true. what: names it where it does not come."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, f"not seen: {what}"
        time.sleep(0.1)


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 120.0) -> None:
    """Waits until the process listens at the port of the loopback; shows the end of its log where it does not."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            last = log.read_text("utf-8", "replace")[-2000:]
            assert process.poll() is None, f"{process.args} ended with {process.returncode}:\n{last}"
            assert time.monotonic() < deadline, f"{process.args} does not listen at {port}:\n{last}"
            time.sleep(0.05)
