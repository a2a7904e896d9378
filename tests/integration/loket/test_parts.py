"""A file that comes in parts: a broken connection loses one part, and nobody else reaches what is there."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.requests import Request

from pipelines.loket.login import ProxyLogin
from pipelines.loket.parts import (
    LIFE_S,
    MOST_OF_A_PERSON,
    MOST_PARTIAL,
    PagesByParts,
    PartialFiles,
)
from pipelines.loket.receiving import ReceiveError
from pipelines.loket.users import UsersFile
from tests.support.loket import MOST, USERS, VISITS, Office, Page
from tests.support.servers import free_port, wait_until

GOOD = b"nomor,Jenis Kelamin,tanggal\n1,L,2026-01-31\n2,P,\n"


@pytest.fixture(scope="module")
def office(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(module_warehouse_url, tmp_path_factory.mktemp("kantor"))
    yield made
    made.loads.connection.close()


@pytest.fixture
def page(office: Office) -> Iterator[Page]:
    office.clean()
    with office.behind_a_proxy() as made:
        yield made


def begin(page: Page, size: int, name: str = "januari.csv", user: str = "rina") -> str:
    begun = page.ask("POST", f"/dataset/{VISITS}/bagian", user, params={"nama": name, "ukuran": size})
    assert begun.status_code == 201
    return begun.headers["Location"]


def add(page: Page, place: str, offset: int, content: bytes, user: str = "rina") -> tuple[int, str | None]:
    answer = page.ask("PATCH", place, user, data=content, headers={"Upload-Offset": str(offset)})
    return answer.status_code, answer.headers.get("Upload-Offset")


def offset_of(page: Page, place: str, user: str = "rina") -> str | None:
    return page.ask("HEAD", place, user).headers.get("Upload-Offset")


def test_parts_make_the_file_that_is_sent(office: Office, page: Page) -> None:
    place = begin(page, len(GOOD))
    assert offset_of(page, place) == "0"
    assert add(page, place, 0, GOOD[:10]) == (204, "10")
    assert add(page, place, 4, GOOD[4:]) == (409, "10")  # what came is said, so the sender goes on there
    assert page.ask("POST", f"{place}?aksi=kirim", "rina").status_code == 409
    assert office.files() == []
    assert add(page, place, 10, GOOD[10:]) == (204, str(len(GOOD)))
    done = page.ask("POST", f"{place}?aksi=kirim", "rina")
    assert (done.status_code, done.headers["Location"]) == (303, f"/dataset/{VISITS}?terkirim=ya")
    assert office.files() == [f"{VISITS}/januari.csv"]
    assert (office.zone / VISITS / "januari.csv").read_bytes() == GOOD
    assert office.uploaders() == [(VISITS, "januari.csv", "rina")]
    assert page.ask("HEAD", place, "rina").status_code == 404  # nothing of it is left


def test_a_file_in_parts_is_checked_and_refused_as_any_other(office: Office, page: Page) -> None:
    place = begin(page, len(GOOD))
    add(page, place, 0, GOOD)
    assert "2 baris" in page.ask("POST", f"{place}?aksi=periksa", "rina").text
    office.answer_previews()
    for name, content, why in (
        ("a.pdf", GOOD, "tidak cocok"),
        ("b.csv", b"\0" * 40, "Berkas tidak diterima"),
    ):
        place = begin(page, len(content), name)
        add(page, place, 0, content)
        refused = page.ask("POST", f"{place}?aksi=kirim", "rina")
        assert refused.status_code == 422 and why in refused.text
    assert office.files() == []


def test_a_broken_connection_keeps_what_has_come(page: Page) -> None:
    place = begin(page, len(GOOD))
    with socket.create_connection(("127.0.0.1", page.port)) as opened:
        head = f"PATCH {place} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-User: rina\r\nUpload-Offset: 0\r\n"
        opened.sendall(f"{head}Content-Length: {len(GOOD)}\r\n\r\n".encode() + GOOD[:20])
        wait_until("20 bytes have come", lambda: offset_of(page, place) == "20")
        assert add(page, place, 20, GOOD[20:]) == (409, "20")  # another part is still coming
    whole = (204, str(len(GOOD)))  # not before the server has seen that the other end is gone
    wait_until("the rest is taken", lambda: add(page, place, 20, GOOD[20:]) == whole)
    assert page.ask("POST", f"{place}?aksi=kirim", "rina").status_code == 303


def test_nobody_else_reaches_it_and_nothing_is_too_large(office: Office, page: Page) -> None:
    place = begin(page, 30)
    assert page.ask("HEAD", place, "budi").status_code == 404
    assert add(page, place, 0, b"x", "budi")[0] == 404
    assert page.ask("POST", f"{place}?aksi=kirim", "budi").status_code == 404
    assert page.ask("POST", f"/dataset/{VISITS}/bagian?nama=a.csv&ukuran=5", "budi").status_code == 404
    for size in ("0", "x", "-1", "9" * 20):
        query = {"nama": "a.csv", "ukuran": size}
        assert page.ask("POST", f"/dataset/{VISITS}/bagian", "rina", params=query).status_code == 404
    query = {"nama": "a.csv", "ukuran": str(MOST + 1)}
    assert page.ask("POST", f"/dataset/{VISITS}/bagian", "rina", params=query).status_code == 413
    assert add(page, place, 0, b"x" * 31)[0] == 413
    evil = {"Upload-Offset": "0", "Sec-Fetch-Site": "cross-site"}
    assert page.ask("PATCH", place, "rina", data=b"x", headers=evil).status_code == 403
    assert office.files() == []


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """No file of this process may have more bytes: a write is cut off there, and the next one fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_spoils_nothing(office: Office, page: Page) -> None:
    rows = "".join(f"{number % 9999 + 1},L,2026-01-{number % 28 + 1:02}\n" for number in range(50_000))
    content = b"nomor,Jenis Kelamin,tanggal\n" + rows.encode()
    assert 700_000 < len(content) < MOST
    place = begin(page, len(content))
    with full_disk(500_001):  # in the middle of a block
        refused = page.ask("PATCH", place, "rina", data=content, headers={"Upload-Offset": "0"})
        assert refused.status_code == 507
        assert refused.text.startswith("Disk server penuh")
        whole = page.send(VISITS, "lain.csv", content, "rina")
        assert whole.status_code == 507
        assert "disk server penuh" in whole.text.lower()
    there = int(offset_of(page, place) or -1)
    assert 0 < there <= 500_001
    assert page.ask("POST", f"{place}?aksi=kirim", "rina").status_code == 409
    assert add(page, place, there, content[there:]) == (204, str(len(content)))
    assert page.ask("POST", f"{place}?aksi=kirim", "rina").status_code == 303
    assert (office.zone / VISITS / "januari.csv").read_bytes() == content


def test_a_file_is_kept_while_the_warehouse_does_not_answer(office: Office) -> None:
    gone = f"postgresql://gudang@127.0.0.1:{free_port()}/gudang"
    office.clean()
    with office.behind_a_proxy(gone) as page:
        place = begin(page, len(GOOD))
        add(page, place, 0, GOOD)
        assert page.ask("POST", f"{place}?aksi=kirim", "rina").status_code == 503
        assert offset_of(page, place) == str(len(GOOD))
    assert office.files() == []


def test_a_part_that_stands_still_is_ended_and_what_came_is_kept(office: Office, tmp_path: Path) -> None:
    users = tmp_path / "pengguna.yaml"
    users.write_text(USERS)
    pages = PagesByParts(office.site(ProxyLogin(UsersFile(users))), part_seconds=0.2)

    async def ask() -> list[object]:
        def request(method: str, place: str, query: bytes = b"", **path: str) -> Request:
            blocks = iter([{"type": "http.request", "body": b"12345", "more_body": True}])

            async def receive() -> dict[str, object]:
                for block in blocks:
                    return block
                await asyncio.Event().wait()  # the sender says nothing any more
                raise AssertionError

            headers = [(b"x-forwarded-user", b"rina"), (b"upload-offset", b"0")]
            scope = {"type": "http", "method": method, "path": place, "query_string": query}
            return Request({**scope, "headers": headers, "path_params": path}, receive)

        opd, dataset = VISITS.split("/")
        begun = await pages.begin(request("POST", "/", b"nama=a.csv&ukuran=10", opd=opd, dataset=dataset))
        token = begun.headers["location"].rpartition("/")[2]
        added = await pages.add(request("PATCH", "/", token=token))
        told = await pages.tell(request("HEAD", "/", token=token))
        return [added.status_code, told.headers["upload-offset"]]

    assert asyncio.run(ask()) == [408, "5"]
    pages.close()


def test_what_a_person_has_left_lying_makes_way() -> None:
    now = [0.0]
    files = PartialFiles(100, lambda: now[0])
    tokens: list[str] = []
    for _ in range(MOST_OF_A_PERSON):
        tokens.append(files.begin("rina", VISITS, "a.csv", 10))
        now[0] += 1
    files.find(tokens[0], "rina")  # so that the second one is the oldest
    third = files.begin("rina", VISITS, "a.csv", 10)
    with pytest.raises(Exception, match="404"):
        files.find(tokens[1], "rina")
    for token in (tokens[0], third):
        files.find(token, "rina").is_busy = True
    with pytest.raises(ReceiveError) as refused:  # both are being sent
        files.begin("rina", VISITS, "a.csv", 10)
    assert refused.value.status == 429
    files.close()


def test_only_some_files_are_on_their_way_and_late_ones_are_given_up() -> None:
    now = [0.0]
    files = PartialFiles(100, lambda: now[0])
    tokens = [files.begin("rina", VISITS, "a.csv", 10) for _ in range(MOST_OF_A_PERSON)]
    others = [files.begin(f"orang {n}", VISITS, "a.csv", 10) for n in range(MOST_PARTIAL - MOST_OF_A_PERSON)]
    with pytest.raises(ReceiveError):
        files.begin("budi", VISITS, "a.csv", 10)
    kept = files.find(tokens[0], "rina")
    now[0] = LIFE_S
    assert files.find(tokens[0], "rina") is kept
    now[0] += 1
    files.begin("budi", VISITS, "a.csv", 10)  # the others are late
    assert Path(kept.file.name).exists()
    for token in (tokens[1], *others):
        with pytest.raises(Exception, match="404"):
            files.find(token, "rina")
    files.close()
    assert not Path(kept.file.name).exists()
