"""What the commands of `gudang` do with processes: run one to its end, see who is at work, find a port taken.

Not here: arguments and messages of the commands (main.py), the children of an environment (runtime/environment.py).
"""

from __future__ import annotations

import signal
import socket
import subprocess
from typing import TYPE_CHECKING

from pipelines.errors import GudangError

if TYPE_CHECKING:
    from pipelines.runtime.embedded import EmbeddedServer


def refuse_while_used(server: EmbeddedServer) -> None:
    """Raises GudangError that names what works with the server: commands of ours, and runs of Dagster."""
    from pipelines.runtime.lease import holders

    if not server.is_running():
        return
    try:
        working = holders(server.urls.dagster)
    except GudangError:
        return
    if working:
        said = ", ".join(f"{holder.subject} (since {holder.since:%Y-%m-%d %H:%M} UTC)" for holder in working)
        raise GudangError(
            str(server.home),
            f"in use by {said}",
            hint="end that first, or say --force: what it does then is lost",
        )


def run_to_its_end(command: list[str], env: dict[str, str]) -> int:
    """Runs a command in the foreground and gives its exit code, or 128 and the signal's number.

    TERM and HUP are handed on to it. A terminal sends INT to it and to us: we wait for what it makes of it.
    """
    from pipelines.runtime.environment import die_with_parent

    child = subprocess.Popen(command, env=env, preexec_fn=die_with_parent(signal.SIGTERM))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = child.wait()
    return code if code >= 0 else 128 - code


def refuse_taken(host: str, port: int) -> None:
    """Raises GudangError where nobody can listen at `host` and `port`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise GudangError(
                f"{host}:{port}", f"can't listen there: {error.strerror}", hint="choose another --port"
            ) from None
