"""Starts the process that reads a workbook, sends it requests, and ends it.

What belongs here: the process as the loader sees it; passwords. Not here: what that process does, and how it limits its
memory and time (program.py), what is in the sheets (tables.py).
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec

from pipelines.errors import SourceError
from pipelines.extract.upload.kinds import is_web_page
from pipelines.extract.upload.reading import Reading

_PROGRAM = Path(__file__).with_name("program.py")
_WEB_PAGE = Path(__file__).with_name("web_page.py")
_CHUNK = 1 << 20
_PIPE = 1 << 19
"""The size in bytes of the pipe between the two processes: neither waits for the other at each block of rows."""


class WorkbookProcess:
    """A process that reads `file` (program.py). It starts at once and ends with the context.

    Python starts it by its path, with -I: it imports nothing of ours, which would take longer than most workbooks.
    """

    def __init__(self, reading: Reading, file: BinaryIO) -> None:
        self._reading = reading
        limits = reading.limits
        web_page = str(_WEB_PAGE) if is_web_page(file) else ""
        arguments = [str(limits.memory), str(limits.seconds), str(file.fileno()), web_page]
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(file.fileno(),),
            pipesize=_PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, *request: str | int) -> None:
        """Sends a request (program.py) and does not wait. Raises SourceError if the process has ended."""
        self._send(request)

    def ask_forms(self, forms: Mapping[int, str | int]) -> None:
        """Asks for the rows below the header. forms: how the number cells of each column are written (program.Form)."""
        self._send({str(place): form for place, form in forms.items()})

    def _send(self, request: object) -> None:
        pipe = self._process.stdin
        assert pipe
        try:
            pipe.write(msgspec.json.encode(request) + b"\n")
            pipe.flush()
        except BrokenPipeError:
            pass
        else:
            return
        raise self._ended()

    def answer(self) -> Any:
        """Waits for the next answer and returns it. Raises SourceError if the process ends before it is complete."""
        pipe = self._process.stdout
        assert pipe
        size = pipe.read(8)
        length = int.from_bytes(size, "little")
        content = pipe.read(length)
        if len(size) < 8 or len(content) < length:
            raise self._ended()
        return msgspec.msgpack.decode(content)

    def _ended(self) -> SourceError:
        memory = self._reading.limits.memory
        message = (
            f"buku kerja rusak, atau salah satu lembarnya memerlukan memori lebih dari {memory >> 20:,} MB"
        )
        hint = "hapus isi yang jauh di bawah atau di kanan tabel, lalu simpan ulang; atau unggah sebagian-sebagian"
        return self._reading.source_error(message, hint, code="GDK-F005")


def locked_error(reading: Reading) -> SourceError:
    """Returns the error for a workbook that needs a password."""
    hint = "simpan tanpa kata sandi, lalu unggah lagi"
    return reading.source_error("buku kerja terkunci dengan kata sandi", hint, code="GDK-F003")


def is_encrypted_package(file: BinaryIO) -> bool:
    """Whether this is an XLSX with a password: it has a stream "EncryptedPackage" (MS-OFFCRYPTO 1.3.3)."""
    name, tail = "EncryptedPackage".encode("utf-16-le"), b""
    file.seek(0)
    while chunk := file.read(_CHUNK):
        if name in tail + chunk:
            return True
        tail = chunk[-len(name) :]
    return False


def is_encrypted_ods(archive: zipfile.ZipFile) -> bool:
    """Whether this is an ODS with a password: its manifest has encryption data (OpenDocument 1.3 part 2, 4.4)."""
    manifest = "META-INF/manifest.xml"
    return manifest in archive.namelist() and b"encryption-data" in archive.read(manifest)
