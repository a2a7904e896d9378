"""How pages are read one after the other, and every way in which this can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipelines.errors import ContractError
from tests.support.extracts import api_contract, column, decode_copy
from tests.support.http_server import NAME, SECRET, Reply, Request, Server, fault, opened, reply, rows

PAGED = {"type": "page", "param": "page", "size_param": "per_page", "size": 2, "total": "/meta/total"}


def pages(ids: list[int], size: int, *, total: Any = None, key: str = "page") -> Callable[[Request], Reply]:
    """A correct API with pages or offsets."""

    def answer(request: Request) -> Reply:
        number = int(request.query[key])
        start = (number - 1) * size if key == "page" else number
        meta = {"total": len(ids) if total is None else total}
        return reply({"data": [{"id": i} for i in ids[start : start + size]], "meta": meta})

    return answer


def test_pages_are_read_until_the_total_and_given_one_by_one(server: Server) -> None:
    server.answer = pages([1, 2, 3, 4, 5], 2)
    stream = opened(server, api_contract("id", pagination=PAGED))
    first = next(stream.blocks)
    assert decode_copy([first]) == [["1", "halaman 1 rekaman 1"], ["2", "halaman 1 rekaman 2"]]
    assert len(server.requests) == 1
    rest = decode_copy(stream.blocks)
    assert rest[-1] == ["5", "halaman 3 rekaman 1"]
    assert stream.rows == 5
    assert [a.query for a in server.requests] == [{"page": str(n), "per_page": "2"} for n in (1, 2, 3)]


def test_server_that_gives_smaller_pages_than_requested_is_read_to_the_end(server: Server) -> None:
    for key in ("page", "offset"):
        for total in ("/meta/total", None):
            server.answer = pages([1, 2, 3, 4, 5], 2, key=key)
            pagination = {"type": key, "param": key, "size_param": "n", "size": 500}
            end = {"total": total} if total else {"last_page": "empty"}
            contract = api_contract("id", pagination=pagination | end)
            assert [row[0] for row in rows(server, contract)] == ["1", "2", "3", "4", "5"]


def test_without_a_total_reading_ends_at_the_declared_last_page(server: Server) -> None:
    until_empty = api_contract("id", pagination={"type": "page", "param": "page", "last_page": "empty"})
    until_missing = api_contract("id", pagination={"type": "page", "param": "page", "last_page": "missing"})
    good = pages([1, 2, 3, 4], 2)
    server.answer = good
    assert len(rows(server, until_empty)) == 4
    assert "halaman 3 tidak berisi rekaman" in fault(server, until_missing).message
    server.answer = lambda request: Reply(status=404) if request.query["page"] == "3" else good(request)
    assert len(rows(server, until_missing)) == 4
    assert "404" in fault(server, until_empty).message
    server.answer = lambda _: Reply(status=404)
    assert "404" in fault(server, until_missing).message


def pages_with_error(number: int, key: str = "page") -> Callable[[Request], Reply]:
    """2,500 records on pages of 1,000. Page `number` is an error that looks like an empty page."""
    good = pages(list(range(2500)), 1000, key=key)

    def answer(request: Request) -> Reply:
        if int(request.query[key]) == number:
            return reply({"error": 1, "message": "Basis data penuh: NIP 198001012005011001", "data": []})
        return good(request)

    return answer


@pytest.mark.parametrize(("key", "second"), [("page", 2), ("offset", 1000)])
def test_declared_error_that_looks_like_an_empty_page_is_a_fault(
    server: Server, key: str, second: int
) -> None:
    declared = {"field": "error", "ok": [0, False, None], "message": "message"}
    pagination = {"type": key, "param": key, "last_page": "empty"}
    server.answer = pages_with_error(second, key)
    error = fault(server, api_contract("id", pagination=pagination, error=declared))
    assert error.transient
    assert error.message == (
        "halaman 2: API menjawab 200 dengan kesalahan di /error, dengan pesan: 'Basis data penuh: NIP ***'"
    )
    server.answer = pages_with_error(-1, key)
    assert len(rows(server, api_contract("id", pagination=pagination, error=declared))) == 2500


@pytest.mark.parametrize(
    "pagination",
    [
        {"type": "cursor", "param": "after", "next": "/next"},
        {"type": "next_url", "next": "/next"},
        {"type": "link"},
    ],
)
def test_empty_page_without_an_end_mark_is_a_fault(server: Server, pagination: dict[str, str]) -> None:
    def answer(request: Request) -> Reply:
        if "after" in request.query:
            return reply({"error": 1, "data": []})
        target = {"cursor": "2"}.get(pagination["type"], "?after=2")
        link = {"Link": '<?after=2>; rel="next"'} if pagination["type"] == "link" else {}
        return reply({"data": [{"id": 1}], "next": target}, **link)

    server.answer = answer
    error = fault(server, api_contract("id", pagination=pagination))
    assert "halaman 2 tidak berisi rekaman, dan tidak ada tanda bahwa itu halaman terakhir" in error.message
    assert error.transient and "extract.error" in str(error.hint)
    assert len(rows(server, api_contract("id", pagination={**pagination, "last_page": "empty"}))) == 1


@pytest.mark.parametrize(
    ("value", "ok"),
    [
        (0, True),
        (False, True),
        (None, True),
        ("0", False),
        (1, False),
        (True, False),
        (0.0, True),
        ("", False),
    ],
)
def test_error_field_is_compared_by_value_and_type(server: Server, value: Any, ok: bool) -> None:
    server.answer = lambda _: reply({"status": {"code": value}, "data": [{"id": 1}]})
    contract = api_contract("id", error={"field": "/status/code", "ok": [0, False, None]})
    if ok:
        assert len(rows(server, contract)) == 1
    else:
        assert "kesalahan di /status/code" in fault(server, contract).message


def test_missing_error_field_counts_as_null(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}]})
    assert len(rows(server, api_contract("id", error={"field": "error", "ok": [None]}))) == 1
    assert (
        "kesalahan di /status"
        in fault(server, api_contract("id", error={"field": "status", "ok": ["ok"]})).message
    )


def test_message_of_an_api_is_not_shown_if_the_contract_has_personal_columns(server: Server) -> None:
    server.answer = lambda _: reply({"error": 1, "message": NAME, "data": []})
    personal = replace(column("nama"), classification="pribadi", pseudonymise="layanan")
    contract = api_contract("id", personal, error={"field": "error", "ok": [0], "message": "message"})
    assert fault(server, contract).message == "halaman 1: API menjawab 200 dengan kesalahan di /error"


@pytest.mark.parametrize(
    "wrong",
    [
        {"field": "error"},
        {"ok": [0]},
        {"field": "error", "ok": [0], "pesan": "x"},
        {},
    ],
)
def test_invalid_error_field_is_a_contract_error(server: Server, wrong: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="error"):
        opened(server, api_contract("id", error=wrong))


@pytest.mark.parametrize("key", ["page", "offset"])
def test_short_page_in_the_middle_does_not_end_the_reading(server: Server, key: str) -> None:
    """The server makes pages of two records, and then leaves out records that we may not see."""

    def answer(request: Request) -> Reply:
        number = int(request.query[key])
        start = (number - 1) * 2 if key == "page" else number
        return reply({"data": [{"id": i} for i in range(start, min(start + 2, 9)) if i != 3]})

    server.answer = answer
    pagination = {"type": key, "param": key, "last_page": "empty"}
    found = [row[0] for row in rows(server, api_contract("id", pagination=pagination))]
    assert found[0] == "0" and found[-1] == "8"
    if key == "page":
        assert found == ["0", "1", "2", "4", "5", "6", "7", "8"]


@pytest.mark.parametrize("key", ["page", "offset"])
def test_short_page_ends_the_reading_if_the_contract_says_so(server: Server, key: str) -> None:
    server.answer = pages([1, 2, 3, 4, 5], 2, key=key)
    pagination = {"type": key, "param": key, "last_page": "short"}
    assert len(rows(server, api_contract("id", pagination=pagination))) == 5
    assert len(server.requests) == 3


def test_server_that_repeats_its_last_page_is_reported_with_what_to_declare(server: Server) -> None:
    good = pages([1, 2, 3], 2)
    server.answer = lambda request: good(
        Request(request.path, {"page": str(min(2, int(request.query["page"])))}, {})
    )
    pagination = {"type": "page", "param": "page", "last_page": "empty"}
    error = fault(server, api_contract("id", pagination=pagination))
    assert "halaman 3 mengulang halaman 2" in error.message and "last_page: short" in str(error.hint)


def test_cursor_is_followed_to_its_end(server: Server) -> None:
    following = {None: "b", "b": "c", "c": None}
    server.answer = lambda request: reply(
        {
            "data": [{"id": request.query.get("cursor", "a")}],
            "meta": {"next": following[request.query.get("cursor")]},
        }
    )
    pagination = {"type": "cursor", "param": "cursor", "next": "/meta/next", "size_param": "limit", "size": 1}
    assert [row[0] for row in rows(server, api_contract("id", pagination=pagination))] == ["a", "b", "c"]
    assert server.requests[2].query == {"cursor": "c", "limit": "1"}


def test_cursor_that_leads_back_is_refused(server: Server) -> None:
    left = iter(range(100))
    server.answer = lambda _: reply({"data": [{"id": next(left)}], "next": "x"})
    pagination = {"type": "cursor", "param": "cursor", "next": "/next"}
    assert (
        "kembali ke halaman yang sudah dibaca"
        in fault(server, api_contract("id", pagination=pagination)).message
    )


def test_missing_next_pointer_is_a_fault_or_warning(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}]})
    nowhere = {"type": "cursor", "param": "cursor", "next": "/meta/next"}
    assert (
        "next /meta/next tidak ada dalam jawaban"
        in fault(server, api_contract("id", pagination=nowhere)).message
    )
    stream = opened(server, api_contract("id", pagination={**nowhere, "next": "/next"}))
    assert len(decode_copy(stream.blocks)) == 1
    assert stream.warnings == ["jawaban API tidak punya /next: dianggap satu-satunya halaman"]


def test_link_headers_are_followed_with_the_credential(server: Server) -> None:
    def answer(request: Request) -> Reply:
        page = int(request.query.get("p", "1"))
        # A server after a proxy writes its own scheme and port into links.
        link = (
            {"Link": f'<https://127.0.0.1:9/v1/izin?p={page + 1}&kunci=lama>; rel="next"'} if page < 3 else {}
        )
        return reply([{"id": page}], **link)

    server.answer = answer
    auth = {"type": "api_key", "in": "query", "name": "kunci", "value": "${GUDANG_SUMBER_UJI_TOKEN}"}
    contract = api_contract("id", records="", pagination={"type": "link"}, auth=auth, params={"q": "1"})
    assert [row[0] for row in rows(server, contract)] == ["1", "2", "3"]
    assert [a.query for a in server.requests] == [
        {"q": "1", "kunci": SECRET},
        {"p": "2", "kunci": SECRET},
        {"p": "3", "kunci": SECRET},
    ]


@pytest.mark.parametrize("target", ["?p=2", "/v1/izin?p=2"])
def test_relative_next_url_is_followed(server: Server, target: str) -> None:
    server.answer = lambda request: reply(
        {"data": [{"id": request.query.get("p", "1")}], "next": None if "p" in request.query else target}
    )
    contract = api_contract("id", pagination={"type": "next_url", "next": "/next"})
    assert [row[0] for row in rows(server, contract)] == ["1", "2"]


def test_next_url_on_another_host_is_refused(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}], "next": "http://contoh.invalid/v1"})
    contract = api_contract("id", pagination={"type": "next_url", "next": "/next"})
    assert "host lain" in fault(server, contract).message


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("http://[1", "bukan URL"),
        ("x" * 9000, "lebih panjang dari sebuah URL"),
        (["/v1"], "bukan teks"),
        (1.5, "bukan teks"),
    ],
)
def test_invalid_next_url_is_refused(server: Server, target: Any, message: str) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}], "next": target})
    contract = api_contract("id", pagination={"type": "next_url", "next": "/next"})
    assert message in fault(server, contract).message


@pytest.mark.parametrize(("total", "given"), [(5, 4), (3, 4)])
def test_total_that_differs_from_the_number_of_records_is_refused(
    server: Server, total: int, given: int
) -> None:
    server.answer = pages(list(range(given)), 2, total=total)
    error = fault(server, api_contract("id", pagination=PAGED))
    assert f"{total} rekaman, tetapi memberi {given}" in error.message
    assert error.transient


def test_total_may_be_a_text_but_not_missing(server: Server) -> None:
    server.answer = pages([1, 2, 3], 2, total="3")
    assert len(rows(server, api_contract("id", pagination=PAGED))) == 3
    wrong = {**PAGED, "total": "/meta/jumlah"}
    assert (
        "tidak ada angka di total /meta/jumlah" in fault(server, api_contract("id", pagination=wrong)).message
    )


@pytest.mark.parametrize(("total", "then"), [(5, 6), (5, 4)])
def test_total_that_changes_between_pages_is_refused(server: Server, total: int, then: int) -> None:
    first, second = pages([1, 2, 3, 4, 5, 6], 2, total=total), pages([1, 2, 3, 4, 5, 6], 2, total=then)
    server.answer = lambda request: (first if request.query["page"] == "1" else second)(request)
    error = fault(server, api_contract("id", pagination=PAGED))
    assert f"total API berubah dari {total} menjadi {then}" in error.message
    assert error.transient


def test_page_that_repeats_the_page_before_is_refused(server: Server) -> None:
    server.answer = lambda _: reply(
        {"data": [{"id": 1, "x": 1.5}, {"id": 2, "x": 2.5}], "meta": {"total": 9}}
    )
    error = fault(server, api_contract("id", "x", pagination=PAGED))
    assert "halaman 2 mengulang halaman 1" in error.message
    assert not error.transient


@pytest.mark.parametrize("key", ["page", "offset"])
def test_equal_pages_without_a_key_are_accepted_if_the_total_is_met(server: Server, key: str) -> None:
    row = {"a": "sama"}
    server.answer = lambda request: reply(
        {"data": [row, row] if int(request.query[key]) <= 2 else [], "total": 4}
    )
    pagination = {"type": key, "param": key, "total": "/total"}
    assert len(rows(server, api_contract("a", pagination=pagination))) == 4
    keyed = replace(column("a"), key=True)
    assert (
        "halaman 2 mengulang halaman 1" in fault(server, api_contract(keyed, pagination=pagination)).message
    )


def test_server_that_ignores_paging_is_refused_though_the_total_is_met(
    server: Server,
) -> None:
    server.answer = lambda _: reply({"data": [{"a": "x"}, {"a": "y"}], "total": 200})
    pagination = {"type": "page", "param": "page", "total": "/total"}
    assert "halaman 2 mengulang halaman 1" in fault(server, api_contract("a", pagination=pagination)).message
    assert len(server.requests) == 3


def test_page_that_repeats_an_earlier_one_is_refused_or_warned_of(server: Server) -> None:
    good = pages([1, 2, 3, 4, 5, 6, 7, 8], 2)

    def answer(request: Request) -> Reply:
        back = {"4": "2"}.get(request.query["page"], request.query["page"])
        return good(Request(request.path, {**request.query, "page": back}, {}))

    server.answer = answer
    error = fault(server, api_contract(replace(column("id"), key=True), pagination=PAGED))
    assert "halaman 4 mengulang halaman 2" in error.message
    assert len(server.requests) == 4
    stream = opened(server, api_contract("id", pagination=PAGED))
    assert len(decode_copy(stream.blocks)) == 8
    assert len(stream.warnings) == 1 and "halaman 4 mengulang halaman 2" in stream.warnings[0]


def test_lists_of_bps_are_read_by_pointers_without_a_shape(server: Server) -> None:
    """`/v1/api/list/model/var` answers so: paging and records are the two items of one list."""

    def answer(request: Request) -> Reply:
        page = int(request.query["page"])
        meta = {"page": page, "pages": 2, "per_page": 2, "count": 3 - page, "total": 3}
        found = [{"var_id": page * 10 + n, "title": f"v{n}"} for n in range(3 - page)]
        return reply({"status": "OK", "data-availability": "available", "data": [meta, found]})

    server.answer = answer
    pagination = {"type": "page", "param": "page", "total": "/data/0/total"}
    contract = api_contract("var_id", "title", records="/data/1", pagination=pagination)
    assert [row[0] for row in rows(server, contract)] == ["10", "11", "20"]
    server.answer = lambda _: reply({"status": "OK", "data-availability": "list-not-available", "data": ""})
    assert "records /data/1 tidak ada dalam jawaban" in fault(server, contract).message


def test_reading_stops_at_the_limit_of_pages(server: Server) -> None:
    server.answer = pages(list(range(1000)), 1)
    contract = api_contract("id", pagination=PAGED)
    assert "lebih dari 7 halaman" in fault(server, contract, max_pages=7).message
    assert len(server.requests) == 7


@pytest.mark.parametrize(
    "wrong",
    [{"type": "scroll"}, {"type": "page"}, {"type": "cursor", "param": "c"}, {**PAGED, "pages": 3},
     {"type": "page", "param": "page", "size": 5}, {**PAGED, "size": 0},
     {**PAGED, "total": "meta.total"}, {**PAGED, "last_page": "empty"}, {"type": "page", "param": "page"},
     {"type": "page", "param": "page", "last_page": True}, {"type": "offset", "param": "offset"},
     {"type": "link", "last_page": "short"}],
)  # fmt: skip
def test_invalid_pagination_is_a_contract_error(server: Server, wrong: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="pagination"):
        opened(server, api_contract("id", pagination=wrong))


def test_fault_names_its_page(server: Server) -> None:
    good = pages([1, 2, 3], 2)
    server.answer = lambda request: good(request) if request.query["page"] == "1" else Reply(b"<html>")
    assert "halaman 2: bukan JSON" in fault(server, api_contract("id", pagination=PAGED)).message
