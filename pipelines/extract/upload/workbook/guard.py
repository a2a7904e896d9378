"""The process of its own that reads a workbook, and what that may cost.

What belongs here: sheets that reach too far, damage that ends a reader, passwords. Not here: what that process does
(reader.py), what is in the sheets (tables.py).
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
from pipelines.extract.upload.table import Reading

MAX_MEMORY = 3 << 30
"""Bytes of memory in which calamine must be able to open any one sheet of a workbook. Not enforced on macOS."""
_MAX_SECONDS = 300
_READER = Path(__file__).with_name("reader.py")
_PAGE_READER = Path(__file__).with_name("web_page.py")
_CHUNK = 1 << 20
_PIPE = 1 << 19
"""Bytes that may stand between the two, so that neither waits for the other at each block of rows."""


class WorkbookProcess:
    """A process that reads `file` (reader.py) and ends with this; it starts before it is asked anything."""

    def __init__(self, reading: Reading, file: BinaryIO) -> None:
        self._reading = reading
        page_reader = str(_PAGE_READER) if is_web_page(file) else ""
        limits = [str(MAX_MEMORY), str(_MAX_SECONDS), str(file.fileno()), page_reader]
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_READER), *limits],
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
        """Sends a request; `answer` may be asked for later. Raises SourceError where nobody reads it."""
        self._send(request)

    def ask_forms(self, forms: Mapping[int, str | int]) -> None:
        """Asks for the rows below the header, with the number cells of these columns in their forms."""
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
        """The next answer. Raises SourceError where the process did not survive the question."""
        pipe = self._process.stdout
        assert pipe
        size = pipe.read(8)
        length = int.from_bytes(size, "little")
        content = pipe.read(length)
        if len(size) < 8 or len(content) < length:
            raise self._ended()
        return msgspec.msgpack.decode(content)

    def _ended(self) -> SourceError:
        message = f"it is damaged, or a sheet of it needs more than {MAX_MEMORY >> 20:,} MB of memory"
        hint = (
            "delete what stands far below or to the right of the table, save it anew; or upload it in parts"
        )
        return self._reading.fault(message, hint)


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
