"""A file that comes in parts: a broken connection loses one part, and nobody else reaches what is there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.loket.parts import LIFE_S, MOST_OF_A_PERSON, MOST_PARTIAL, PartialFiles
from pipelines.loket.receiving import ReceiveError
from tests.support.loket import MOST, VISITS, Office, Page

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
        while offset_of(page, place) != "20":
            pass
        assert add(page, place, 20, GOOD[20:]) == (409, "20")  # another part is still coming
    for _ in range(200):  # until the server has seen that the other end is gone
        if add(page, place, 20, GOOD[20:]) == (204, str(len(GOOD))):
            break
    else:
        pytest.fail(f"offset {offset_of(page, place)}")
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


def test_only_some_files_are_on_their_way_and_late_ones_are_given_up() -> None:
    now = [0.0]
    files = PartialFiles(100, lambda: now[0])
    tokens = [files.begin("rina", VISITS, "a.csv", 10) for _ in range(MOST_OF_A_PERSON)]
    with pytest.raises(ReceiveError) as refused:
        files.begin("rina", VISITS, "a.csv", 10)
    assert refused.value.status == 429
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
