"""Runs the demo OPD, which replaces every source that is not configured.

What belongs here: its databases, its upload files, its API server, its variables. Not here: its data (demo/, which runs
as a separate process), the other needs of a command (environment.py).
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pipelines.errors import GudangError
from pipelines.extract import samples
from pipelines.extract.upload.zone import upload_zone
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.runtime.processes import die_with_parent, keep_running
from pipelines.settings import PROJECT_ROOT, Settings

SOURCE_PREFIX = "GUDANG_SUMBER_"
DEMO = "GUDANG_DEMO"
"""The variable that turns the demo OPD off if it has a value of NO."""
NO = ("0", "false", "no", "tidak", "off")


def demo_variables(settings: Settings, env: Mapping[str, str]) -> frozenset[str]:
    """The names of the variables that the demo OPD sets: those of every source that is not configured in `env`.

    Empty if GUDANG_WAREHOUSE_URL names a warehouse, or if GUDANG_DEMO has a value of NO.
    """
    if settings.warehouse_url is not None or env.get(DEMO, "").lower() in NO:
        return frozenset()
    configured = {source_of(name) for name, value in env.items() if name.startswith(SOURCE_PREFIX) and value}
    return frozenset(name for name in _variables() if source_of(name) not in configured)


def source_of(variable: str) -> str:
    """The source that a variable belongs to: GUDANG_SUMBER_DLH for GUDANG_SUMBER_DLH_URL and GUDANG_SUMBER_DLH_KEY."""
    return variable.rpartition("_")[0]


@cache
def _variables() -> Mapping[str, str]:
    """All variables that the demo can set, with values for a server that is not there; {} if it is not installed."""
    try:
        printed = _run_demo(
            "env", "--database-url", "postgresql://tiada/x", "--api-port", "1", project=PROJECT_ROOT
        )
    except GudangError:
        return {}
    return _read(printed)


def _read(printed: str) -> dict[str, str]:
    """The NAME=value lines of `demo env`."""
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)


@contextmanager
def run_demo_opd(settings: Settings) -> Iterator[dict[str, str]]:
    """Runs the demo OPD while the context lasts, and yields the variables that lead to it.

    The databases of sources that are not configured are made once for each version of the demo, and its upload files
    once. Its API server is a child process, which ends with the context and is started again if it dies before.
    """
    given = demo_variables(settings, os.environ)
    database_url = EmbeddedServer(settings.home).urls.libpq("postgres")
    done = settings.home / "demo"
    done.mkdir(exist_ok=True)
    databases = sorted(name for name in given if _variables()[name].startswith("postgresql"))
    marker, version = done / "databases", _version(settings.project, databases)
    if databases and (not marker.exists() or marker.read_text("ascii") != version):
        _run_demo("seed", "--database-url", database_url, "--only", *databases, project=settings.project)
        marker.write_text(version, "ascii")
    zone = upload_zone(settings)
    # The demo writes its made-up files only into a zone on this machine.
    listed = samples.hash_list(settings.home)
    if isinstance(zone, Path) and not listed.exists():
        _put_files(settings, zone, listed)
    elif listed.exists() and not listed.stat().st_size:
        # A home of an earlier version has the files and no list of them.
        with tempfile.TemporaryDirectory() as aside:
            _put_files(settings, Path(aside), listed)
    with _api_server(settings.project, done / "api.log") as port:
        printed = _run_demo(
            "env", "--database-url", database_url, "--api-port", str(port), project=settings.project
        )
        found = {name: value for name, value in _read(printed).items() if name in given}
        yield {**found, samples.SOURCES: ",".join(found)}


def _put_files(settings: Settings, zone: Path, listed: Path) -> None:
    """Writes the demo's uploads below `zone`, and into `listed` the SHA-256 of each."""
    written = _run_demo("files", "--zone", str(zone), project=settings.project).splitlines()
    hashes = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in written]
    listed.write_text("\n".join(hashes) + "\n", "ascii")


def _version(project: Path, databases: Sequence[str]) -> str:
    """A hash of the demo's code and of its databases' variables. If it has changed, the databases are made anew."""
    digest = hashlib.sha256(" ".join(databases).encode())
    for path in sorted((project / "demo").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _run_demo(*arguments: str, project: Path) -> str:
    command = [sys.executable, "-m", "demo", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "tanpa pesan").splitlines()[-1]
        raise GudangError(
            "demo",
            f"`python -m demo {arguments[0]}` gagal: {last}",
            hint="jalankan `gudang reset`, lalu coba lagi",
        )
    return done.stdout


@contextmanager
def _api_server(project: Path, log: Path) -> Iterator[int]:
    """Runs the demo's API server while the context lasts, again if it dies. Yields its port on the loopback.

    The socket is ours and listens before the server is up, so that nobody waits while the server makes its records: a
    client is answered when they are made. If the server is given up, a client is refused.
    """
    log.write_text("", "utf-8")
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    descriptor = listening.fileno()

    def start() -> subprocess.Popen[bytes]:
        with log.open("a") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "demo", "api", "--descriptor", str(descriptor)],
                cwd=project, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM), pass_fds=[descriptor],
            )  # fmt: skip

    def ended(code: int, again: bool) -> None:
        then = "dijalankan lagi" if again else f"tidak dijalankan lagi (sebabnya di {log})"
        print(f"demo: server API data contoh berhenti dengan kode {code}, {then}", file=sys.stderr)
        if not again:
            listening.close()

    with listening, keep_running(start, ended):
        yield int(listening.getsockname()[1])
