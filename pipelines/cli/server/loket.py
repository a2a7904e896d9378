"""Declares `gudang loket`, which serves the upload page, and runs it as a child of `gudang ui`.

Not here: the page (pipelines/loket/).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.server.processes import refuse_open, refuse_taken
from pipelines.errors import GudangError

URL = "GUDANG_LOKET_URL"
_LOOPBACK = "127.0.0.1"


def loket(
    port: Annotated[int, typer.Option(help="Port halaman web.", min=1, max=65535)] = 3002,
    host: Annotated[
        str, typer.Option(help="Alamat tempat halaman dibuka; proxy dengan login berada di depannya.")
    ] = "127.0.0.1",
    demo: Annotated[
        bool, typer.Option("--demo", help="Login buatan, dipilih dari daftar; hanya untuk peragaan.")
    ] = False,
    i_know: Annotated[
        bool,
        typer.Option("--i-know", help="Buka juga untuk mesin lain; hanya proxy yang boleh mencapainya."),
    ] = False,
) -> None:
    """Buka loket unggah untuk petugas OPD, di latar depan sampai Ctrl-C.

    Siapa yang masuk disebut oleh proxy (X-Forwarded-User), dan OPD-nya oleh berkas GUDANG_LOKET_PENGGUNA. Loket hanya
    menulis ke zona unggah; yang memuat tetap Dagster.
    """
    import logging

    from pipelines.loket.server import make_site, serve
    from pipelines.runtime.demo import DEMO, NO
    from pipelines.runtime.environment import close_zone, current_settings, warehouse_url

    if demo or not i_know:
        refuse_open(host)
    settings = current_settings()
    if demo and os.environ.get(DEMO, "").lower() in NO:
        raise GudangError(
            "loket", f"login buatan tidak dipakai di sini ({DEMO})", hint="jalankan tanpa --demo"
        )
    refuse_taken(host, port)
    close_zone(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    serve(make_site(settings, os.environ.get(URL) or warehouse_url(), demo=demo), host, port)


@contextmanager
def run_loket(port: int, log: Path, *, demo: bool) -> Iterator[None]:
    """Runs the upload page while the context lasts, again if it dies. Prints its address.

    port: another free one is taken if this one is not free. log: the file that it writes to.
    """
    from pipelines.runtime.processes import die_with_parent, keep_running

    port = _free_port(_LOOPBACK, port)
    command = loket_command(port, demo=demo)
    log.write_text("", "utf-8")

    def start() -> subprocess.Popen[bytes]:
        with log.open("a") as output:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM),
            )  # fmt: skip

    def ended(code: int, again: bool) -> None:
        then = "dijalankan lagi" if again else f"tidak dijalankan lagi (sebabnya di {log})"
        print(f"loket: berhenti dengan kode {code}, {then}", file=sys.stderr)

    with keep_running(start, ended):
        login = ", dengan login buatan" if demo else ""
        print(f"Loket unggah untuk OPD dibuka di http://{_LOOPBACK}:{port}{login}.", flush=True)
        yield


def loket_command(port: int, *, demo: bool) -> list[str]:
    """The command of the upload page beside `gudang ui`: on the loopback, wherever Dagster's pages are open.

    It believes the name in X-Forwarded-User. Only who starts `gudang loket` itself knows that a proxy alone reaches it.
    """
    command = [sys.executable, "-m", "pipelines.cli.main", "loket", "--host", _LOOPBACK, "--port", str(port)]
    return [*command, "--demo"] if demo else command


def _free_port(host: str, wanted: int) -> int:
    """The wanted port if it is free, else any that is."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        try:
            probe.bind((host, wanted))
        except (OSError, OverflowError):
            probe.bind((host, 0))
        return int(probe.getsockname()[1])
