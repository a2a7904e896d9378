"""Each kind of pagination alone: which page it requests next, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import SourceError
from pipelines.extract.api.pagination import (
    CursorPages,
    Ending,
    LinkPages,
    NextUrlPages,
    NumberedPages,
    OffsetPages,
    Page,
    Pager,
    Request,
    make_pager,
)

URL = "https://api.uji.go.id/v1/izin"
FIRST = Request(URL, {"q": "1"})
TOTAL = Ending(total="/total")


def page(count: int, link: str | None = None, **document: Any) -> Page:
    return Page(document, [{"id": n} for n in range(count)], link)


def requests_of(pager: Pager, *answers: Page) -> list[Request | None]:
    """All requests of one reading: the first, and the one after each page."""
    return [pager.first, *(pager.after(answer) for answer in answers)]


def params(request: Request | None) -> dict[str, str]:
    assert request is not None
    return dict(request.params)


def test_without_pagination_one_request_is_made() -> None:
    assert requests_of(Pager("a/b", FIRST), page(3)) == [FIRST, None]


def test_numbered_pages_count_from_one_until_the_total() -> None:
    pager = NumberedPages("a/b", FIRST, "page", TOTAL)
    requests = requests_of(pager, page(2, total=3), page(1, total=3))
    assert [params(r) for r in requests[:2]] == [{"q": "1", "page": "1"}, {"q": "1", "page": "2"}]
    assert requests[2] is None
    assert (pager.pages, pager.seen) == (2, 3)


def test_offset_is_the_number_of_records_read_so_far() -> None:
    pager = OffsetPages("a/b", FIRST, "offset", TOTAL)
    requests = requests_of(pager, page(2, total=5), page(1, total=5), page(2, total=5))
    assert [params(r)["offset"] for r in requests[:3]] == ["0", "2", "3"]
    assert requests[3] is None


def test_last_page_decides_which_page_ends_the_reading() -> None:
    short = NumberedPages("a/b", FIRST, "page", Ending(last_page="short"))
    assert requests_of(short, page(2), page(1))[2] is None
    empty = NumberedPages("a/b", FIRST, "page", Ending(last_page="empty"))
    requests = requests_of(empty, page(2), page(1), page(0))
    assert params(requests[2])["page"] == "3" and requests[3] is None
    missing = NumberedPages("a/b", FIRST, "page", Ending(last_page="missing"))
    assert not missing.ends_at_missing_page()
    missing.after(page(2))
    assert missing.ends_at_missing_page()


def test_link_is_followed_on_the_server_of_the_api() -> None:
    pager = LinkPages("a/b", FIRST)
    requests = requests_of(pager, page(1, "http://api.uji.go.id:8080/v1/izin?p=2"), page(1))
    assert requests[1:] == [Request("https://api.uji.go.id/v1/izin?p=2", {}), None]


def test_next_url_may_be_relative_and_null_ends_the_reading() -> None:
    pager = NextUrlPages("a/b", FIRST, "/meta/next")
    requests = requests_of(pager, page(1, meta={"next": "?p=2"}), page(1, meta={"next": None}))
    assert requests[1:] == [Request("https://api.uji.go.id/v1/izin?p=2", {}), None]


def test_cursor_is_sent_with_the_parameters_of_the_first_request() -> None:
    pager = CursorPages("a/b", FIRST, "after", "/next")
    requests = requests_of(pager, page(1, next="x"), page(1, next=7), page(1, next=""))
    assert [params(r) for r in requests[:3]] == [
        {"q": "1"},
        {"q": "1", "after": "x"},
        {"q": "1", "after": "7"},
    ]
    assert requests[3] is None


def test_repeated_cursor_or_url_is_refused() -> None:
    for pager, first in (
        (CursorPages("a/b", FIRST, "c", "/next"), "x"),
        (NextUrlPages("a/b", FIRST, "/next"), "?p=2"),
    ):
        pager.after(page(1, next=first))
        with pytest.raises(SourceError, match="dari halaman 2 kembali"):
            pager.after(page(1, next=first))


@pytest.mark.parametrize(
    "pager",
    [
        NumberedPages("a/b", FIRST, "page", Ending(last_page="missing")),
        LinkPages("a/b", FIRST),
        NextUrlPages("a/b", FIRST, "/next"),
        CursorPages("a/b", FIRST, "c", "/next"),
    ],
)
def test_unannounced_empty_page_is_refused(pager: Pager) -> None:
    pager.after(page(1, "?p=2", next="?p=2"))
    with pytest.raises(SourceError, match="halaman 2 tidak berisi rekaman") as caught:
        pager.after(page(0))
    assert caught.value.transient


def test_page_after_the_last_is_requested_once_to_verify_equal_pages() -> None:
    pages = NumberedPages("a/b", FIRST, "page", TOTAL)
    pages.after(page(2, total=4))
    beyond = pages.note_repeat(2, 1, keyed=False)
    assert params(beyond)["page"] == "4" and "halaman 2 mengulang halaman 1" in pages.warnings[0]
    assert pages.note_repeat(3, 1, keyed=False) is None
    pages.check_beyond(page(0))
    with pytest.raises(SourceError, match="halaman 2 mengulang halaman 1"):
        pages.check_beyond(page(2))
    offsets = OffsetPages("a/b", FIRST, "offset", TOTAL)
    offsets.after(page(2, total=4))
    assert params(offsets.note_repeat(2, 1, keyed=False))["offset"] == "4"
    with pytest.raises(SourceError, match="mengulang"):
        NumberedPages("a/b", FIRST, "page").note_repeat(2, 1, keyed=False)


@pytest.mark.parametrize(
    ("spec", "kind", "first"),
    [
        ({}, Pager, {"q": "1"}),
        (
            {"type": "page", "param": "p", "size_param": "n", "size": 50},
            NumberedPages,
            {"q": "1", "n": "50", "p": "1"},
        ),
        ({"type": "offset", "param": "mulai"}, OffsetPages, {"q": "1", "mulai": "0"}),
        ({"type": "cursor", "param": "c", "next": "/n"}, CursorPages, {"q": "1"}),
        ({"type": "link"}, LinkPages, {"q": "1"}),
        ({"type": "next_url", "next": "/n"}, NextUrlPages, {"q": "1"}),
    ],
)
def test_pagination_of_the_contract_chooses_the_kind(
    spec: dict[str, Any], kind: type[Pager], first: dict[str, str]
) -> None:
    pager = make_pager("a/b", URL, {"q": "1"}, spec)
    assert type(pager) is kind
    assert pager.first == Request(URL, first)
