"""Takes a file in parts, after the core of the tus protocol: a broken connection loses a part, and not the file.

POST begins a file, PATCH adds a part at an offset, HEAD tells the offset, and another POST does with the file what the
form does. The page's script uses it for large files; without script the form sends the whole file (receiving.py).
What belongs here: the parts of files that are on their way, in the memory and the temporary folder of one process. Not
here: what a whole file must be (uploads.py).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from unicodedata import normalize

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from pipelines.loket.pages import Pages, Site
from pipelines.loket.receiving import Received, ReceiveError, disk_error, temporary_file, too_large, write_all

MOST_PARTIAL, MOST_OF_A_PERSON = 12, 2
"""So many files may be on their way, and so many of one person: each has its bytes on the disk."""
LIFE_S = 1_800.0
"""A file of which no part has come for so long is given up."""
PART_S = 300.0
"""So long one part may take. What came until then counts."""
_OFFSET = "Upload-Offset"


@dataclass(slots=True)
class Partial:
    """A file of which a part has come. key: of its dataset. offset: how many bytes are there."""

    person: str
    key: str
    name: str
    size: int
    touched: float
    file: IO[bytes]
    offset: int = 0
    is_busy: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all of its bytes are there, and no others."""
        return self.offset == self.size == os.fstat(self.file.fileno()).st_size

    def add(self, block: bytes) -> None:
        """Writes a block behind what is there. Raises OSError; then the file is as it was before."""
        self.file.seek(self.offset)
        try:
            write_all(self.file, block)
        except OSError:
            self.file.truncate(self.offset)
            raise
        self.offset += len(block)


class PartialFiles:
    """The files that are on their way. now: a clock in seconds."""

    def __init__(self, most_bytes: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes, self._now = most_bytes, now
        self._files: dict[str, Partial] = {}

    def begin(self, person: str, key: str, name: str, size: int) -> str:
        """Makes room for a file, and gives its token. A file that the person has left lying makes way for it.

        Raises ReceiveError if it is too large, if too many are being sent, or if the disk is full.
        """
        self._give_up()
        if size > self._most_bytes:
            raise too_large(self._most_bytes)
        own = [token for token, one in self._files.items() if one.person == person]
        if len(own) >= MOST_OF_A_PERSON or len(self._files) >= MOST_PARTIAL:
            idle = [token for token in own if not self._files[token].is_busy]
            if not idle:
                raise ReceiveError(
                    "terlalu banyak berkas sedang dikirim", "tunggu sampai selesai, lalu kirim lagi", 429
                )
            self.remove(min(idle, key=lambda token: self._files[token].touched))
        token = secrets.token_urlsafe(16)
        self._files[token] = Partial(person, key, name, size, self._now(), temporary_file())
        return token

    def find(self, token: str, person: str) -> Partial:
        """A person's own file. Raises HTTPException (404) if there is none."""
        self._give_up()
        found = self._files.get(token)
        if found is None or found.person != person:
            raise HTTPException(404)
        found.touched = self._now()
        return found

    def remove(self, token: str) -> None:
        """Forgets a file and its bytes."""
        if found := self._files.pop(token, None):
            found.file.close()

    def close(self) -> None:
        """Forgets all files."""
        for token in [*self._files]:
            self.remove(token)

    def _give_up(self) -> None:
        files = [*self._files.items()]  # another thread may begin one meanwhile
        late = [t for t, one in files if not one.is_busy and self._now() - one.touched > LIFE_S]
        for token in late:
            self.remove(token)


class PagesByParts(Pages):
    """The pages of a site, and the requests by which a file comes in parts."""

    def __init__(
        self, site: Site, now: Callable[[], float] = time.monotonic, part_seconds: float = PART_S
    ) -> None:
        super().__init__(site)
        self._partial, self._part_seconds = PartialFiles(site.most_bytes, now), part_seconds

    def close(self) -> None:
        """Forgets the files that are on their way."""
        self._partial.close()

    async def begin(self, request: Request) -> Response:
        """Begins a file of a dataset; its name and size are in the query. The answer says where its parts go."""
        contract = await run_in_threadpool(self._contract, request)
        person = await run_in_threadpool(self._person, request)
        name, size = (request.query_params.get(part, "") for part in ("nama", "ukuran"))
        if (
            contract.server.kind != "upload"
            or not name
            or not size.isdecimal()
            or len(size) > 15
            or int(size) < 1
        ):
            raise HTTPException(404)
        try:
            token = self._partial.begin(person.name, contract.key, normalize("NFC", name), int(size))
        except ReceiveError as error:
            return await run_in_threadpool(self._refused, request, contract, error, error.status)
        return Response(status_code=201, headers={"Location": f"/bagian/{token}"})

    async def tell(self, request: Request) -> Response:
        """How many bytes of a file are there."""
        found = await run_in_threadpool(self._own, request)
        return Response(headers={_OFFSET: str(found.offset)})

    async def add(self, request: Request) -> Response:
        """Adds a part. What came before a connection broke, or the disk was full, counts."""
        found = await run_in_threadpool(self._own, request)
        if found.is_busy or request.headers.get(_OFFSET) != str(found.offset):
            return Response(status_code=409, headers={_OFFSET: str(found.offset)})
        found.is_busy = True
        until = asyncio.get_running_loop().time() + self._part_seconds
        blocks = aiter(request.stream())
        try:
            while True:
                async with asyncio.timeout_at(until):  # a write is never cancelled
                    block = await anext(blocks, None)
                if block is None:
                    break
                if found.offset + len(block) > found.size:
                    return Response(status_code=413)
                await run_in_threadpool(found.add, block)
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            return Response(status_code=408)
        except OSError as error:
            full = disk_error(error)
            return PlainTextResponse(f"{full.message.capitalize()}; {full.hint}.", full.status)
        finally:
            found.is_busy = False
        return Response(status_code=204, headers={_OFFSET: str(found.offset)})

    async def finish(self, request: Request) -> Response:
        """Does with a whole file what the form does: sends it, or only checks it.

        The file is kept if we could not do it, because the warehouse did not answer.
        """
        found = await run_in_threadpool(self._own, request)
        if found.is_busy or not found.is_whole:
            text = "Berkas belum lengkap atau masih diperiksa; lihat riwayat di bawah sebelum mengirim lagi."
            return PlainTextResponse(text, 409, headers={_OFFSET: str(found.offset)})
        found.is_busy = True
        try:
            contract = await run_in_threadpool(self._contract_of, request, found.key)
            fields = {"aksi": request.query_params.get("aksi", "")}
            answer = await self._take(request, contract, Received(Path(found.file.name), found.name, fields))
        finally:
            found.is_busy = False
        if answer.status_code < 500:
            self._partial.remove(request.path_params["token"])
        return answer

    def _own(self, request: Request) -> Partial:
        return self._partial.find(request.path_params["token"], self._person(request).name)
