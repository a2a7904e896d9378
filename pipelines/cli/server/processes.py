"""Runs the processes of commands, and refuses to while others work, a port is taken, or an address is open to others.

Not here: the commands (night.py, server.py), how a child ends with its parent (runtime/processes.py).
"""

from __future__ import annotations

import signal
import socket
import subprocess
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pipelines.disk import os_reason
from pipelines.errors import GudangError

if TYPE_CHECKING:
    from pipelines.runtime.embedded import EmbeddedServer


def refuse_while_used(server: EmbeddedServer) -> None:
    """Raises GudangError if commands of `gudang` or runs of Dagster work with the server, and names them."""
    if not server.is_running():
        return
    hint = "akhiri dahulu, atau pakai --force: yang sedang dikerjakannya lalu hilang"
    try:
        working = working_with(server.urls.dagster)
    except GudangError:
        return
    if working:
        raise GudangError(str(server.home), f"sedang dipakai oleh {working}", hint=hint)


def working_with(dagster_url: str) -> str:
    """The commands of `gudang` and runs of Dagster that work now, as text; "" if there are none. Raises GudangError."""
    from pipelines.runtime.lease import holders

    return ", ".join(
        f"{holder.subject} (sejak {holder.since:%Y-%m-%d %H:%M} UTC)" for holder in holders(dagster_url)
    )


def run_to_its_end(command: list[str], env: dict[str, str]) -> int:
    """Runs a command in the foreground and gives its exit code, or 128 and the signal's number.

    TERM and HUP are handed on to it. A terminal sends INT to it and to us: it decides what to do, and we wait.
    """
    from pipelines.runtime.processes import die_with_parent

    child = subprocess.Popen(command, env=env, preexec_fn=die_with_parent(signal.SIGTERM))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = child.wait()
    return code if code >= 0 else 128 - code


def refuse_open(host: str) -> None:
    """Raises GudangError if `host` is an address that other machines reach. Dagster's web pages have no log-in."""
    try:
        alone = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        alone = False
    if not alone:
        raise GudangError(
            host,
            "halaman web Dagster tanpa login, jadi tidak dibuka untuk mesin lain",
            hint="biarkan --host 127.0.0.1 dan pasang proxy dengan login: docs/install-on-a-server.md; atau pakai"
            " --i-know bila jaringan itu memang tertutup",
        )


def refuse_taken(host: str, port: int) -> None:
    """Raises GudangError if no server can listen at `host` and `port`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise GudangError(
                f"{host}:{port}",
                f"alamat ini tidak dapat dipakai: {os_reason(error)}",
                hint="pilih --port yang lain",
            ) from None
