"""What a workbook may cost, found out before it is held in memory here.

What belongs here: bombs, sheets that reach too far, damage that ends a reader, passwords. Not here: what is in the
sheets (workbook.py).
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import SourceError
from pipelines.extract.table import Reading

MAX_MEMORY = 3 << 30
"""Bytes of memory in which calamine must be able to open any one sheet of a workbook. Not enforced on macOS."""
_MAX_SECONDS = 300
_PROBE = Path(__file__).with_name("workbook_probe.py")
_CHUNK = 1 << 20


def check_cost(reading: Reading, file: BinaryIO) -> None:
    """Opens the workbook in a process of its own first. Raises SourceError where that did not survive it."""
    command = [sys.executable, "-I", str(_PROBE), str(MAX_MEMORY), str(_MAX_SECONDS)]
    ended = subprocess.run(
        command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    if ended.returncode:
        message = f"it is damaged, or a sheet of it needs more than {MAX_MEMORY >> 20:,} MB of memory"
        hint = (
            "delete what stands far below or to the right of the table, save it anew; or upload it in parts"
        )
        raise reading.fault(message, hint)


def locked(reading: Reading) -> SourceError:
    hint = "save it without a password and upload it again"
    return reading.fault("the workbook is locked with a password", hint)


def is_encrypted_package(file: BinaryIO) -> bool:
    """Whether this is an XLSX with a password: an OLE file with a stream of that name (MS-OFFCRYPTO 1.3.3)."""
    name, tail = "EncryptedPackage".encode("utf-16-le"), b""
    file.seek(0)
    while chunk := file.read(_CHUNK):
        if name in tail + chunk:
            return True
        tail = chunk[-len(name) :]
    return False


def is_encrypted_ods(archive: zipfile.ZipFile) -> bool:
    """Whether this is an ODS with a password: its manifest then says how (OpenDocument 1.3 part 2, 4.4)."""
    manifest = "META-INF/manifest.xml"
    return manifest in archive.namelist() and b"encryption-data" in archive.read(manifest)
