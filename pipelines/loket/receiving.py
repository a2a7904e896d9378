"""Receives the form with a file: straight to a file on the disk, with bounded memory and a limit on its size.

What belongs here: the bytes of a request. Not here: what the file is (uploads.py).
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import parse_qs

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from pipelines.errors import GudangError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FILE_FIELD = "berkas"
PART = 4 << 20
"""How many bytes of a large file the page's script sends at a time (parts.py)."""
_SUBJECT = "unggahan"
_MOST_PARTS = 8
_MOST_FIELDS = 100
_MOST_OF_A_FIELD = 1_000
_MOST_OF_HEADERS = 8_000
_FORM = 64 << 10
"""How many bytes a form may have besides its file."""


class ReceiveError(GudangError):
    """The form could not be received. status: that of the answer (HTTP)."""

    def __init__(self, message: str, hint: str, status: int = 400) -> None:
        super().__init__(_SUBJECT, message, hint=hint)
        self.status = status


@dataclass(frozen=True, slots=True)
class Received:
    """A form with its file. path: where the file lies until the request is answered. name: as the sender calls it."""

    path: Path
    name: str
    fields: dict[str, str]


@asynccontextmanager
async def received(request: Request, most_bytes: int) -> AsyncIterator[Received]:
    """Receives the form of a request; the file is deleted when the context ends.

    Raises ReceiveError if the file has more than `most_bytes`, if the form is damaged or has no file, if the connection
    broke before its end, or if the disk is full.
    """
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise ReceiveError("ini bukan formulir dengan berkas", "kirim berkas lewat halaman dataset")
    if int(_digits(request.headers.get("Content-Length"))) > most_bytes + _FORM:
        raise too_large(most_bytes)
    with temporary_file() as file:
        form = _Form(file)
        parser = MultipartParser(boundary, form.callbacks())
        try:
            async for block in request.stream():
                await run_in_threadpool(parser.write, block)
                if form.size > most_bytes or form.taken > _FORM:
                    raise too_large(most_bytes)
            parser.finalize()
        except OSError as error:
            raise disk_error(error) from None
        except ClientDisconnect:
            raise ReceiveError("koneksi terputus sebelum berkas selesai dikirim", "kirim lagi") from None
        except FormParserError:
            raise ReceiveError("formulirnya rusak", "muat ulang halaman, lalu kirim lagi") from None
        if not form.ended:
            raise ReceiveError("formulirnya terpotong", "muat ulang halaman, lalu kirim lagi")
        if not form.name:
            raise ReceiveError("belum ada berkas yang dipilih", "pilih satu berkas, lalu kirim", 422)
        yield Received(Path(file.name), normalize("NFC", form.name), form.fields)


async def small_form(request: Request) -> dict[str, list[str]]:
    """The fields of a form without a file.

    Raises ReceiveError if it is too large, or if a value has a NUL character, which no text of PostgreSQL can have.
    """
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > _FORM:
            raise ReceiveError("formulirnya terlalu besar", "muat ulang halaman, lalu kirim lagi", 413)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise ReceiveError("formulirnya terlalu besar", "muat ulang halaman, lalu kirim lagi", 413) from None
    if any("\0" in value for values in fields.values() for value in values):
        raise ReceiveError("isiannya memuat karakter NUL", "ketik ulang isiannya, lalu kirim lagi", 422)
    return fields


def _digits(text: str | None) -> str:
    return text if text and text.isdecimal() else "0"


def too_large(most_bytes: int) -> ReceiveError:
    """The error for a file with more bytes than this."""
    message = f"berkas lebih besar dari {most_bytes >> 20} MB"
    return ReceiveError(message, "bagi menjadi beberapa berkas, atau hubungi walidata", 413)


def temporary_file() -> IO[bytes]:
    """A file for what is received, which is deleted when it is closed. Raises ReceiveError.

    It has no buffer: when a write has succeeded, its bytes are in the file.
    """
    try:
        return tempfile.NamedTemporaryFile(prefix="gudang-loket-", buffering=0)
    except OSError as error:
        raise disk_error(error) from None


def write_all(file: IO[bytes], block: bytes) -> None:
    """Writes a block into a file without a buffer. Raises OSError; then a part of the block may be in the file."""
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]


def disk_error(error: OSError) -> ReceiveError:
    """The error for a file that could not be written here, because the disk is full or for another reason."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ReceiveError("disk server penuh, jadi berkas tidak dapat diterima", "hubungi walidata", 507)
    return ReceiveError("berkas tidak dapat ditulis di server", "hubungi walidata", 500)


@dataclass
class _Form:
    """What the parser has met so far. size: bytes of the file. taken: bytes of the other parts and of headers."""

    file: IO[bytes]
    name: str = ""
    size: int = 0
    taken: int = 0
    ended: bool = False
    fields: dict[str, str] = field(default_factory=dict[str, str])
    _parts: int = 0
    _header: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""
    _field: str = ""
    _text: bytes = b""
    _is_file: bool = False

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise FormParserError("too many parts")
        self._disposition = self._text = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += self._taken(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._taken(data[start:end])

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_file = b"filename" in options
        if not self._is_file:
            return
        if self._field != FILE_FIELD or self.name:
            raise FormParserError("another file")
        self.name = options[b"filename"].decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.size += end - start
            write_all(self.file, data[start:end])
        else:
            self._text += self._taken(data[start:end])
            if len(self._text) > _MOST_OF_A_FIELD:
                raise FormParserError("too long a field")

    def _part_end(self) -> None:
        if not self._is_file:
            self.fields[self._field] = self._text.decode("utf-8", "replace")

    def _end(self) -> None:
        self.ended = True

    def _taken(self, data: bytes) -> bytes:
        self.taken += len(data)
        if self.taken > _FORM or len(self._header) + len(self._value) > _MOST_OF_HEADERS:
            raise FormParserError("too much besides the file")
        return data
