"""How pages follow each other, and every way in which they can fail to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipelines.errors import ContractError
from tests.support.extracts import api_contract, column, decode_copy
from tests.support.http_server import NAME, SECRET, Ask, Reply, Server, fault, opened, reply, rows

PAGED = {"type": "page", "param": "page", "size_param": "per_page", "size": 2, "total": "/meta/total"}


def pages(ids: list[int], size: int, *, total: Any = None, key: str = "page") -> Callable[[Ask], Reply]:
    """A well-behaved API of pages or offsets."""

    def answer(ask: Ask) -> Reply:
        number = int(ask.query[key])
        start = (number - 1) * size if key == "page" else number
        meta = {"total": len(ids) if total is None else total}
        return reply({"data": [{"id": i} for i in ids[start : start + size]], "meta": meta})

    return answer


def test_pages_are_read_until_the_total_and_given_block_by_block(server: Server) -> None:
    server.answer = pages([1, 2, 3, 4, 5], 2)
    stream = opened(server, api_contract("id", pagination=PAGED))
    first = next(stream.blocks)
    assert decode_copy([first]) == [["1", "halaman 1 rekaman 1"], ["2", "halaman 1 rekaman 2"]]
    assert len(server.asked) == 1
    rest = decode_copy(stream.blocks)
    assert rest[-1] == ["5", "halaman 3 rekaman 1"]
    assert stream.rows == 5
    assert [a.query for a in server.asked] == [{"page": str(n), "per_page": "2"} for n in (1, 2, 3)]


def test_a_server_that_gives_fewer_per_page_than_asked_is_read_to_the_end(server: Server) -> None:
    for key in ("page", "offset"):
        for total in ("/meta/total", None):
            server.answer = pages([1, 2, 3, 4, 5], 2, key=key)
            pagination = {"type": key, "param": key, "size_param": "n", "size": 500}
            end = {"total": total} if total else {"last_page": "empty"}
            contract = api_contract("id", pagination=pagination | end)
            assert [row[0] for row in rows(server, contract)] == ["1", "2", "3", "4", "5"]


def test_without_a_total_a_reading_ends_at_what_the_contract_calls_the_last_page(server: Server) -> None:
    until_empty = api_contract("id", pagination={"type": "page", "param": "page", "last_page": "empty"})
    until_missing = api_contract("id", pagination={"type": "page", "param": "page", "last_page": "missing"})
    well_behaved = pages([1, 2, 3, 4], 2)
    server.answer = well_behaved
    assert len(rows(server, until_empty)) == 4
    assert "halaman 3 tidak berisi rekaman" in fault(server, until_missing).message
    server.answer = lambda ask: Reply(status=404) if ask.query["page"] == "3" else well_behaved(ask)
    assert len(rows(server, until_missing)) == 4
    assert "404" in fault(server, until_empty).message
    server.answer = lambda _: Reply(status=404)
    assert "404" in fault(server, until_missing).message


def broken(number: int, key: str = "page") -> Callable[[Ask], Reply]:
    """Pages of 1,000 of 2,500 records; the page `number` is an error that looks like an empty page."""
    good = pages(list(range(2500)), 1000, key=key)

    def answer(ask: Ask) -> Reply:
        if int(ask.query[key]) == number:
            return reply({"error": 1, "message": "Basis data penuh: NIP 198001012005011001", "data": []})
        return good(ask)

    return answer


@pytest.mark.parametrize(("key", "second"), [("page", 2), ("offset", 1000)])
def test_an_error_that_looks_like_an_empty_page_does_not_end_the_reading(
    server: Server, key: str, second: int
) -> None:
    declared = {"field": "error", "ok": [0, False, None], "message": "message"}
    pagination = {"type": key, "param": key, "last_page": "empty"}
    server.answer = broken(second, key)
    error = fault(server, api_contract("id", pagination=pagination, error=declared))
    assert error.transient
    assert error.message == (
        "halaman 2: API menjawab 200 dengan kesalahan di /error, dengan pesan: 'Basis data penuh: NIP ***'"
    )
    server.answer = broken(-1, key)
    assert len(rows(server, api_contract("id", pagination=pagination, error=declared))) == 2500


@pytest.mark.parametrize(
    "pagination",
    [
        {"type": "cursor", "param": "after", "next": "/next"},
        {"type": "next_url", "next": "/next"},
        {"type": "link"},
    ],
)
def test_an_empty_page_without_a_word_of_a_next_one_ends_no_reading(
    server: Server, pagination: dict[str, str]
) -> None:
    def answer(ask: Ask) -> Reply:
        if "after" in ask.query:
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
def test_a_declared_error_field_is_compared_by_value_and_kind(server: Server, value: Any, ok: bool) -> None:
    server.answer = lambda _: reply({"status": {"code": value}, "data": [{"id": 1}]})
    contract = api_contract("id", error={"field": "/status/code", "ok": [0, False, None]})
    if ok:
        assert len(rows(server, contract)) == 1
    else:
        assert "kesalahan di /status/code" in fault(server, contract).message


def test_an_error_field_that_is_not_there_is_null(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}]})
    assert len(rows(server, api_contract("id", error={"field": "error", "ok": [None]}))) == 1
    assert (
        "kesalahan di /status"
        in fault(server, api_contract("id", error={"field": "status", "ok": ["ok"]})).message
    )


def test_an_apis_message_is_not_shown_where_the_contract_has_personal_columns(server: Server) -> None:
    server.answer = lambda _: reply({"error": 1, "message": NAME, "data": []})
    personal = replace(column("nama"), classification="pribadi", pseudonymise="layanan")
    contract = api_contract("id", personal, error={"field": "error", "ok": [0], "message": "message"})
    assert fault(server, contract).message == "halaman 1: API menjawab 200 dengan kesalahan di /error"


@pytest.mark.parametrize(
    "wrong",
    [
        {"field": "error"},
        {"ok": [0]},
        {"field": "error", "ok": 0},
        {"field": "", "ok": [0]},
        {"field": "error", "ok": [[0]]},
        {"field": "error", "ok": [0], "pesan": "x"},
        {},
    ],
)
def test_a_misdeclared_error_field_is_a_contract_error(server: Server, wrong: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="error"):
        opened(server, api_contract("id", error=wrong))


@pytest.mark.parametrize("key", ["page", "offset"])
def test_a_page_whose_records_the_server_hides_is_not_taken_for_the_last(server: Server, key: str) -> None:
    """The server cuts pages of two first, and leaves out what we may not see after that."""

    def answer(ask: Ask) -> Reply:
        number = int(ask.query[key])
        start = (number - 1) * 2 if key == "page" else number
        return reply({"data": [{"id": i} for i in range(start, min(start + 2, 9)) if i != 3]})

    server.answer = answer
    pagination = {"type": key, "param": key, "last_page": "empty"}
    found = [row[0] for row in rows(server, api_contract("id", pagination=pagination))]
    assert found[0] == "0" and found[-1] == "8"
    if key == "page":
        assert found == ["0", "1", "2", "4", "5", "6", "7", "8"]


@pytest.mark.parametrize("key", ["page", "offset"])
def test_where_the_contract_says_so_a_short_page_is_the_last_and_no_other_is_asked_for(
    server: Server, key: str
) -> None:
    server.answer = pages([1, 2, 3, 4, 5], 2, key=key)
    pagination = {"type": key, "param": key, "last_page": "short"}
    assert len(rows(server, api_contract("id", pagination=pagination))) == 5
    assert len(server.asked) == 3


def test_a_server_that_gives_its_last_page_again_is_told_what_to_declare(server: Server) -> None:
    good = pages([1, 2, 3], 2)
    server.answer = lambda ask: good(Ask(ask.path, {"page": str(min(2, int(ask.query["page"])))}, {}))
    pagination = {"type": "page", "param": "page", "last_page": "empty"}
    error = fault(server, api_contract("id", pagination=pagination))
    assert "halaman 3 mengulang halaman 2" in error.message and "last_page: short" in str(error.hint)


def test_a_cursor_is_followed_to_its_end(server: Server) -> None:
    following = {None: "b", "b": "c", "c": None}
    server.answer = lambda ask: reply(
        {"data": [{"id": ask.query.get("cursor", "a")}], "meta": {"next": following[ask.query.get("cursor")]}}
    )
    pagination = {"type": "cursor", "param": "cursor", "next": "/meta/next", "size_param": "limit", "size": 1}
    assert [row[0] for row in rows(server, api_contract("id", pagination=pagination))] == ["a", "b", "c"]
    assert server.asked[2].query == {"cursor": "c", "limit": "1"}


def test_a_cursor_that_leads_back_is_refused(server: Server) -> None:
    left = iter(range(100))
    server.answer = lambda _: reply({"data": [{"id": next(left)}], "next": "x"})
    pagination = {"type": "cursor", "param": "cursor", "next": "/next"}
    assert (
        "kembali ke halaman yang sudah dibaca"
        in fault(server, api_contract("id", pagination=pagination)).message
    )


def test_a_next_pointer_that_leads_nowhere_is_told(server: Server) -> None:
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
    def answer(ask: Ask) -> Reply:
        page = int(ask.query.get("p", "1"))
        # The scheme and port of an inner server, as behind a proxy.
        link = (
            {"Link": f'<https://127.0.0.1:9/v1/izin?p={page + 1}&kunci=lama>; rel="next"'} if page < 3 else {}
        )
        return reply([{"id": page}], **link)

    server.answer = answer
    auth = {"type": "api_key", "in": "query", "name": "kunci", "value": "${GUDANG_SUMBER_UJI_TOKEN}"}
    contract = api_contract("id", records="", pagination={"type": "link"}, auth=auth, params={"q": "1"})
    assert [row[0] for row in rows(server, contract)] == ["1", "2", "3"]
    assert [a.query for a in server.asked] == [
        {"q": "1", "kunci": SECRET},
        {"p": "2", "kunci": SECRET},
        {"p": "3", "kunci": SECRET},
    ]


@pytest.mark.parametrize("target", ["?p=2", "/v1/izin?p=2"])
def test_a_next_url_may_be_relative(server: Server, target: str) -> None:
    server.answer = lambda ask: reply(
        {"data": [{"id": ask.query.get("p", "1")}], "next": None if "p" in ask.query else target}
    )
    contract = api_contract("id", pagination={"type": "next_url", "next": "/next"})
    assert [row[0] for row in rows(server, contract)] == ["1", "2"]


def test_a_next_url_on_another_host_is_not_followed(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}], "next": "http://contoh.invalid/v1"})
    contract = api_contract("id", pagination={"type": "next_url", "next": "/next"})
    assert "host lain" in fault(server, contract).message


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("http://[1", "bukan URL"),
        ("x" * 9000, "lebih panjang dari sebuah URL"),
        (["/v1"], "bukan teks"),
        (1.5, "bukan teks"),
    ],
)
def test_a_next_url_that_is_none_is_told(server: Server, target: Any, words: str) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}], "next": target})
    contract = api_contract("id", pagination={"type": "next_url", "next": "/next"})
    assert words in fault(server, contract).message


@pytest.mark.parametrize(("total", "given"), [(5, 4), (3, 4)])
def test_a_total_that_the_records_do_not_reach_or_exceed_is_refused(
    server: Server, total: int, given: int
) -> None:
    server.answer = pages(list(range(given)), 2, total=total)
    error = fault(server, api_contract("id", pagination=PAGED))
    assert f"{total} rekaman, tetapi memberi {given}" in error.message
    assert error.transient


def test_a_total_given_as_text_is_understood_and_a_missing_one_refused(server: Server) -> None:
    server.answer = pages([1, 2, 3], 2, total="3")
    assert len(rows(server, api_contract("id", pagination=PAGED))) == 3
    wrong = {**PAGED, "total": "/meta/jumlah"}
    assert (
        "tidak ada angka di total /meta/jumlah" in fault(server, api_contract("id", pagination=wrong)).message
    )


@pytest.mark.parametrize(("total", "then"), [(5, 6), (5, 4)])
def test_a_total_that_moves_while_it_is_read_is_refused(server: Server, total: int, then: int) -> None:
    first, second = pages([1, 2, 3, 4, 5, 6], 2, total=total), pages([1, 2, 3, 4, 5, 6], 2, total=then)
    server.answer = lambda ask: (first if ask.query["page"] == "1" else second)(ask)
    error = fault(server, api_contract("id", pagination=PAGED))
    assert f"total API berubah dari {total} menjadi {then}" in error.message
    assert error.transient


def test_a_page_that_repeats_the_one_before_is_refused(server: Server) -> None:
    server.answer = lambda _: reply(
        {"data": [{"id": 1, "x": 1.5}, {"id": 2, "x": 2.5}], "meta": {"total": 9}}
    )
    error = fault(server, api_contract("id", "x", pagination=PAGED))
    assert "halaman 2 mengulang halaman 1" in error.message
    assert not error.transient


@pytest.mark.parametrize("key", ["page", "offset"])
def test_equal_pages_of_rows_without_a_key_are_loaded_where_the_total_is_met(
    server: Server, key: str
) -> None:
    row = {"a": "sama"}
    server.answer = lambda ask: reply({"data": [row, row] if int(ask.query[key]) <= 2 else [], "total": 4})
    pagination = {"type": key, "param": key, "total": "/total"}
    assert len(rows(server, api_contract("a", pagination=pagination))) == 4
    keyed = replace(column("a"), key=True)
    assert (
        "halaman 2 mengulang halaman 1" in fault(server, api_contract(keyed, pagination=pagination)).message
    )


def test_equal_pages_of_a_server_that_ignores_its_paging_are_refused_though_they_add_up(
    server: Server,
) -> None:
    server.answer = lambda _: reply({"data": [{"a": "x"}, {"a": "y"}], "total": 200})
    pagination = {"type": "page", "param": "page", "total": "/total"}
    assert "halaman 2 mengulang halaman 1" in fault(server, api_contract("a", pagination=pagination)).message
    assert len(server.asked) == 3


def test_a_page_that_repeats_an_earlier_one_is_refused(server: Server) -> None:
    good = pages([1, 2, 3, 4, 5, 6, 7, 8], 2)

    def answer(ask: Ask) -> Reply:
        back = {"4": "2"}.get(ask.query["page"], ask.query["page"])
        return good(Ask(ask.path, {**ask.query, "page": back}, {}))

    server.answer = answer
    error = fault(server, api_contract(replace(column("id"), key=True), pagination=PAGED))
    assert "halaman 4 mengulang halaman 2" in error.message
    assert len(server.asked) == 4
    stream = opened(server, api_contract("id", pagination=PAGED))
    assert len(decode_copy(stream.blocks)) == 8
    assert len(stream.warnings) == 1 and "halaman 4 mengulang halaman 2" in stream.warnings[0]


def test_the_lists_of_bps_are_read_by_pointers_alone(server: Server) -> None:
    """As `/v1/api/list/model/var` answers: paging and records are the two items of one list."""

    def answer(ask: Ask) -> Reply:
        page = int(ask.query["page"])
        meta = {"page": page, "pages": 2, "per_page": 2, "count": 3 - page, "total": 3}
        found = [{"var_id": page * 10 + n, "title": f"v{n}"} for n in range(3 - page)]
        return reply({"status": "OK", "data-availability": "available", "data": [meta, found]})

    server.answer = answer
    pagination = {"type": "page", "param": "page", "total": "/data/0/total"}
    contract = api_contract("var_id", "title", records="/data/1", pagination=pagination)
    assert [row[0] for row in rows(server, contract)] == ["10", "11", "20"]
    server.answer = lambda _: reply({"status": "OK", "data-availability": "list-not-available", "data": ""})
    assert "records /data/1 tidak ada dalam jawaban" in fault(server, contract).message


def test_pages_without_end_are_stopped(server: Server) -> None:
    server.answer = pages(list(range(1000)), 1)
    contract = api_contract("id", pagination=PAGED)
    assert "lebih dari 7 halaman" in fault(server, contract, max_pages=7).message
    assert len(server.asked) == 7


@pytest.mark.parametrize(
    "wrong",
    [{"type": "scroll"}, {"type": "page"}, {"type": "cursor", "param": "c"}, {**PAGED, "pages": 3},
     {"type": "page", "param": "page", "size": 5}, {**PAGED, "size": 0}, {**PAGED, "size": "lima"},
     {**PAGED, "total": "meta.total"}, {**PAGED, "last_page": "empty"}, {"type": "page", "param": "page"},
     {"type": "page", "param": "page", "last_page": True}, {"type": "offset", "param": "offset"},
     {"type": "link", "last_page": "short"}],
)  # fmt: skip
def test_a_misdeclared_pagination_is_a_contract_error(server: Server, wrong: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="pagination"):
        opened(server, api_contract("id", pagination=wrong))


def test_a_fault_on_a_later_page_names_that_page(server: Server) -> None:
    good = pages([1, 2, 3], 2)
    server.answer = lambda ask: good(ask) if ask.query["page"] == "1" else Reply(b"<html>")
    assert "halaman 2: bukan JSON" in fault(server, api_contract("id", pagination=PAGED)).message
