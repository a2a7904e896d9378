"""Declares the commands about the installation: psql, stop, reset, and bench, which measures it.

Not here: the server itself (runtime/embedded.py), the folder (runtime/home.py), the measurements (benchmarks/).
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from pipelines.cli.server.processes import refuse_while_used

_FORCE = Annotated[
    bool, typer.Option("--force", help="Juga bila malam sedang berjalan atau Dagster terbuka.")
]


def psql(context: typer.Context) -> None:
    """Buka psql pada gudang data. Semua sesudah `psql` diteruskan: gudang psql -c "select now()", gudang psql -?."""
    from pipelines.redaction.database_urls import without_password
    from pipelines.runtime.embedded import EmbeddedServer
    from pipelines.runtime.environment import current_settings, warehouse_url

    program = EmbeddedServer(current_settings().home).bin_dir / "psql"
    place, password = without_password(warehouse_url())
    env = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    os.execve(program, [str(program), "-d", place, *context.args], env)  # noqa: S606


def stop(force: _FORCE = False) -> None:
    """Hentikan server bawaan (PostgreSQL). Perintah berikutnya yang memerlukannya menjalankannya lagi."""
    from pipelines.runtime.embedded import EmbeddedServer
    from pipelines.runtime.environment import current_settings

    server = EmbeddedServer(current_settings().home)
    if not force:
        refuse_while_used(server)
    print("Dihentikan." if server.stop() else "Server tidak berjalan.")


def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Tanpa bertanya.")] = False, force: _FORCE = False
) -> None:
    """Hapus folder kerja: gudang data bawaan, unggahan, publikasi, kunci demo. Gudang data di server lain tetap ada."""
    from pipelines.runtime.embedded import EmbeddedServer
    from pipelines.runtime.environment import current_settings
    from pipelines.runtime.home import check_home, delete_home

    home = current_settings().home
    if not home.exists():
        print(f"{home} tidak ada.")
        return
    check_home(home)
    server = EmbeddedServer(home)
    if not force:
        refuse_while_used(server)
    if not yes:
        typer.confirm(f"Hapus {home} dan semua isinya?", abort=True)
    server.stop()
    delete_home(home)
    print(f"{home} dihapus.")


def bench(context: typer.Context) -> None:
    """Ukur biaya pemuatan (gudang bench --quick, --help), atau sebulan buatan di server (gudang bench month --help)."""
    from pipelines.runtime.environment import current_settings

    program, arguments = "benchmarks", context.args
    if arguments[:1] == ["month"]:
        program, arguments = "benchmarks.month", arguments[1:]
    command = [sys.executable, "-m", program, *arguments]
    raise typer.Exit(subprocess.run(command, cwd=current_settings().project, check=False).returncode)
