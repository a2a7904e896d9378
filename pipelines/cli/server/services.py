"""Runs the three processes of Dagster for `gudang ui`: code server, web pages and daemon.

Each is started again when it ends by itself, and the others go on, so a daemon that is killed ends no run. They are the
same as the services of a server (deploy/systemd/). Not here: keeping a child running (runtime/processes.py).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from pipelines.cli.server.definitions import LOCATION
from pipelines.runtime.processes import die_with_parent, end_session, keep_running

_WORKSPACE = """\
load_from:
  - grpc_server:
      socket: {socket}
      host: localhost
      location_name: {location}
"""
# Every tick of a sensor is a line at the level of information, and on the pages anyway.
_QUIET = "warning"
_LOOK_S = 0.1
_SHORT_FAULTS = {"DAGSTER_IS_DEV_CLI": "1"}
"""While the code server starts again, the others say so in a line instead of a stack trace."""


@contextmanager
def dagster_commands(host: str, port: int) -> Iterator[tuple[dict[str, list[str]], Path]]:
    """The commands of Dagster's processes by their Indonesian names, in the order in which they are started.

    The second value is the socket of the first, by which the others find it. It lies in a private folder, which is
    deleted with the context.
    """
    with tempfile.TemporaryDirectory(prefix="gudang-") as folder:
        socket, workspace = Path(folder, "code.sock"), Path(folder, "workspace.yaml")
        workspace.write_text(_WORKSPACE.format(socket=socket, location=LOCATION), "utf-8")
        program, of_code = [sys.executable, "-m"], ["-w", str(workspace)]
        commands = {
            "server kode": [
                *program, "dagster", "code-server", "start", "-m", "pipelines.definitions", "-s", str(socket),
                "--location-name", LOCATION, "--log-level", _QUIET,
            ],
            "halaman web": [
                *program, "dagster_webserver", *of_code, "-h", host, "-p", str(port), "--dagster-log-level", _QUIET,
            ],
            "daemon": [*program, "dagster._daemon", "run", *of_code, "--log-level", _QUIET],
        }  # fmt: skip
        yield commands, socket


@contextmanager
def keep_services(
    commands: Mapping[str, Sequence[str]],
    folder: Path,
    say: Callable[[str], object],
    *,
    first_makes: Path | None = None,
    waits: tuple[float, float] = (60.0, 600.0),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[threading.Event]:
    """Runs each command in `folder` while the context lasts, and again when it ends by itself.

    Yields an event, which is set when one has ended so often that it is not started again. say: takes a sentence for
    the operator. first_makes: a file of the first command, for which the others wait. waits: after so many seconds the
    operator is told of this wait, and after so many it is given up. clock: gives seconds.
    """
    given_up = threading.Event()

    def ended(name: str, code: int, again: bool) -> None:
        how = f"dimatikan dengan sinyal {-code}" if code < 0 else f"kode {code}"
        then = "dijalankan lagi" if again else "tidak dijalankan lagi karena terlalu sering"
        say(f"Dagster: {name} berhenti ({how}), {then}.")
        if not again:
            given_up.set()

    with ExitStack() as stack:
        for name, command in commands.items():
            leaders: list[int] = []
            stack.callback(_end_sessions, leaders)
            start = partial(_start, command, folder, leaders)
            stack.enter_context(keep_running(start, partial(ended, name), clock=clock))
            if first_makes:
                _wait_for(first_makes, name, given_up, say, waits)
                if given_up.is_set():
                    break
                first_makes = None
        yield given_up


def _wait_for(
    file: Path, name: str, given_up: threading.Event, say: Callable[[str], object], waits: tuple[float, float]
) -> None:
    """Waits for a file of the process `name`; sets `given_up` when that takes too long."""
    began, told = time.monotonic(), False
    while not file.exists() and not given_up.wait(_LOOK_S):
        waited = time.monotonic() - began
        if waited >= waits[1]:
            say(f"Dagster: {name} tidak siap dalam {waits[1]:.0f} detik, jadi dihentikan.")
            given_up.set()
        elif waited >= waits[0] and not told:
            say(f"Dagster: {name} belum siap sesudah {waits[0]:.0f} detik; masih ditunggu.")
            told = True


def _start(command: Sequence[str], folder: Path, leaders: list[int]) -> subprocess.Popen[bytes]:
    """Starts a command in a session of its own, so that a Ctrl-C in the terminal reaches it only from here."""
    _end_sessions(leaders)
    child = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **_SHORT_FAULTS},
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    leaders.append(child.pid)
    return child


def _end_sessions(leaders: list[int]) -> None:
    """Ends what is left of a process that has ended. Dagster does not end code servers that are busy."""
    while leaders:
        end_session(leaders.pop())
