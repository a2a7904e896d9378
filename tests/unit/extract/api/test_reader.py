"""How records of an API become COPY text, tested against a real HTTP server."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from pipelines.contracts.columns import Column
from pipelines.errors import ShapeError
from tests.support.extracts import api_contract, column, decode_copy
from tests.support.http_server import NAME, Reply, Request, Server, fault, opened, reply, rows

PLACE = "halaman 1 rekaman 1"
ID = api_contract("id")


# --- records and cells


def test_json_values_become_exact_text_with_their_place(server: Server) -> None:
    body = (
        b'\xef\xbb\xbf{"data": [{"s": "a\\tb", "empty": "", "i": 12345678901234567890123, "f": 12.50, '
        b'"e": 1E3, "t": true, "n": null, "list": [1, 2.50, "x"], "o": {"k": false}}]}'
    )
    server.answer = lambda _: Reply(body)
    names = ("s", "empty", "i", "f", "e", "t", "n", "list", "o")
    stream = opened(server, api_contract(*names))
    assert stream.columns == (*names, "_source_position")
    assert (stream.name, stream.fingerprint) == ("/v1/izin", None)
    assert decode_copy(stream.blocks) == [
        [
            "a\tb",
            "",
            "12345678901234567890123",
            "12.50",
            "1E3",
            "true",
            None,
            '[1,2.50,"x"]',
            '{"k":false}',
            PLACE,
        ]
    ]
    assert stream.rows == 1


def test_nested_values_are_read_by_dotted_path(server: Server) -> None:
    records = [{"pemohon": {"nama": NAME}, "a.b": 1}, {"pemohon": None, "a.b": 2}, {"pemohon": {}}]
    server.answer = lambda _: reply({"data": records})
    contract = api_contract(column("nama", "pemohon.nama"), column("ab", "a.b"))
    assert [row[:2] for row in rows(server, contract)] == [[NAME, "1"], [None, "2"], [None, None]]


@pytest.mark.parametrize(
    ("pointer", "document"),
    [("", [{"id": 1}]), ("/a/b", {"a": {"b": [{"id": 1}]}}), ("/x~1y/0/~0", {"x/y": [{"~": [{"id": 1}]}]})],
)
def test_records_are_found_by_json_pointer(server: Server, pointer: str, document: Any) -> None:
    server.answer = lambda _: reply(document)
    assert rows(server, api_contract("id", records=pointer)) == [["1", "halaman 1 rekaman 1"]]


def test_params_and_the_incremental_cursor_are_sent(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}]})
    contract = api_contract("id", params={"tahun": 2026, "q": "a b&c"}, incremental_param="since")
    rows(server, contract, since="2026-09-01T00:00:00+08:00")
    rows(server, contract)
    assert server.requests[0].query == {"tahun": "2026", "q": "a b&c", "since": "2026-09-01T00:00:00+08:00"}
    assert "since" not in server.requests[1].query
    assert server.requests[0].path == "/v1/izin"


def test_unknown_keys_give_a_warning(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1, "p": {"nama": "x", "nik": "y"}, "baru": 2}]})
    stream = opened(server, api_contract("id", column("nama", "p.nama")))
    assert len(decode_copy(stream.blocks)) == 1
    assert stream.warnings == ["kunci yang dilewati karena tidak ada di kontrak: baru, p.nik"]


def test_key_that_is_missing_on_the_first_page_is_a_shape_error(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1, "nama_baru": NAME}, {"id": 2}]})
    error = fault(server, api_contract("id", "nama"))
    assert isinstance(error, ShapeError)
    assert "tidak ada di rekaman mana pun pada halaman pertama: nama; kunci yang dilewati" in error.message


def test_key_that_some_records_lack_is_null_in_these(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}, {"id": 2, "nama": "x"}]})
    assert [row[1] for row in rows(server, api_contract("id", "nama"))] == [None, "x"]


def test_api_without_records_gives_a_warning(server: Server) -> None:
    stream = opened(server, ID)
    assert list(stream.blocks) == []
    assert stream.warnings == ["API tidak memberi rekaman"]


# --- unusual JSON


def only_record(server: Server, body: bytes, *columns: str) -> list[str | None]:
    """The cells of the only record in `body`."""
    server.answer = lambda _: Reply(body)
    (row,) = rows(server, api_contract(*columns))
    assert row.pop() == PLACE
    return row


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1" + "0" * 400, "1" + "0" * 400),
        ("9" * 5000, "9" * 5000),
        ("-9223372036854775809", "-9223372036854775809"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("1e400", "1e400"),
        ("-0.0", "-0.0"),
        (r'"\u0000a\u0000"', "\ufffda\ufffd"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\ud83d"', "\ufffd"),
        (r'"a\ude00\ud83db"', "a\ufffd\ufffdb"),
        (r'"\\ud83d \ud83d"', "\\ud83d \ufffd"),
        (r'{"a": "\u0000", "b": [1.50, 36893488147419103232, "\\u0000"]}',
         '{"a":"\ufffd","b":[1.50,36893488147419103232,"\\\\u0000"]}'),
    ],
)  # fmt: skip
def test_value_is_kept_exactly_except_characters_that_postgresql_refuses(
    server: Server, given: str, kept: str
) -> None:
    assert only_record(server, f'{{"data": [{{"x": {given}}}]}}'.encode(), "x") == [kept]


def test_deep_nesting_is_kept_as_json_and_too_deep_nesting_is_refused(server: Server) -> None:
    deep = b"[" * 400 + b"]" * 400
    assert only_record(server, b'{"data": [{"x": %s}]}' % deep, "x") == [deep.decode()]
    server.answer = lambda _: Reply(b'{"data": [{"x": %s}]}' % (b"[" * 50_000 + b"]" * 50_000))
    assert "bersarang terlalu dalam" in fault(server, api_contract("x")).message


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [{"id": 1, "nama": "Budi Santoso", "nama": "x"}]}',
        b'{"data": [{"id": 1, "nama" : "Budi Santoso",\n"nama"\t: "x"}]}',
        b'{"data": [{"id": 1, "nama": "Budi Santoso", "nama": "x"}], "lain" : 2}',
        b'{"data": [{"id": 1, "nama": {"nama": 1, "nama": 2}}]}',
        b'{"data": [{"id": 1, "nama": [[{"nama": 1.5, "\\u006eama": 2}]]}]}',
        b'{"nama": 1, "nama": 2, "data": [{"id": 1, "nama": "\\ud83d"}]}',
    ],
)
def test_object_with_a_repeated_key_is_refused(server: Server, body: bytes) -> None:
    server.answer = lambda _: Reply(body)
    error = fault(server, api_contract("id", "nama"))
    assert error.message == "halaman 1: sebuah objek punya kunci 'nama' ganda"
    assert not error.transient


def test_keys_that_become_equal_by_replaced_characters_are_refused(server: Server) -> None:
    server.answer = lambda _: Reply(rb'{"data": [{"id": 1, "a\ud800": 1, "a\ud801": 2}]}')
    assert "ganda" in fault(server, ID).message


def test_texts_that_look_like_keys_are_kept_as_texts(server: Server) -> None:
    body = json.dumps({"data": [{"id": ': a ":', "nama": [":", ' :"x":']}]}).encode()
    assert only_record(server, body, "id", "nama") == [': a ":', '[":"," :\\"x\\":"]']


def test_value_under_a_dotted_key_and_in_an_object_is_refused(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"p.nama": NAME, "p": {"nama": NAME}}]})
    assert "rekaman 1: p.nama ganda" in fault(server, api_contract(column("nama", "p.nama"))).message


def test_too_many_or_too_long_keys_are_refused(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1, f"k{n}": 2} for n in range(10)]})
    assert "lebih dari 10 kunci yang berbeda" in fault(server, ID, max_keys=10).message
    server.answer = lambda _: reply({"data": [{"id": 1, "k" * 5000: 2}]})
    assert "terlalu panjang" in fault(server, ID).message


def test_reading_holds_one_page_in_memory_at_a_time(server: Server) -> None:
    page = {"type": "page", "param": "page", "last_page": "empty"}
    padding = "x" * 1000

    def answer(request: Request) -> Reply:
        number = int(request.query["page"])
        return reply(
            {"data": [{"id": f"{number} {n}", "x": padding} for n in range(300 if number < 50 else 0)]}
        )

    server.answer = answer
    stream = opened(server, api_contract("id", "x", pagination=page))
    tracemalloc.start()
    try:
        size = sum(len(block) for block in stream.blocks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 14_000_000
    assert peak < size / 3


# --- the shape of the source, freeze and evolve


def required_column(name: str, **more: Any) -> Column:
    return replace(column(name), **({"required": True} | more))


NESTED = [
    {"id": 1, "p": {"nama": "x", "nik": "y", "alamat": {"rt": 1}}, "baru": 1.50},
    {"id": 2, "p": None, "lain": {"a": [1.50, None]}, "kosong": None},
    {"id": 3, "p": {"nama": "z"}},
    {"id": 4, "p": "tidak ada"},
]


def test_shape_has_every_key_of_all_pages(server: Server) -> None:
    last = {"id": 9, "akhir": 1, "nul\0": 2}
    server.answer = lambda request: reply(
        {"data": NESTED if request.query["p"] == "1" else [last], "total": 5}
    )
    page = {"type": "page", "param": "p", "total": "/total"}
    dropped = replace(column("nik", "p.nik"), dropped=True)
    stream = opened(server, api_contract("id", column("nama", "p.nama"), dropped, pagination=page))
    assert len(decode_copy(stream.blocks)) == 5
    seen = ["akhir", "baru", "id", "kosong", "lain", "nul\ufffd", "p", "p.alamat", "p.nama", "p.nik"]
    assert stream.shape == dict.fromkeys(seen, "")
    (warning,) = stream.warnings
    others = "akhir, baru, kosong, lain, nul\ufffd, p, p.alamat"
    assert warning == f"kunci yang dilewati karena tidak ada di kontrak: {others}"


def test_parts_of_an_object_that_is_always_null_are_not_missing(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1, "p": None}]})
    stream = opened(server, api_contract("id", column("nama", "p.nama")))
    assert decode_copy(stream.blocks) == [["1", None, PLACE]]
    assert stream.shape == {"id": "", "p.nama": ""}


def test_evolving_contract_keeps_unknown_keys_in_extra(server: Server) -> None:
    body = json.dumps({"data": NESTED}).replace("1.5,", "1.50,").replace('"baru": 1.5', '"baru": 1.50')
    server.answer = lambda _: Reply(body.encode())
    stream = opened(server, api_contract("id", column("nama", "p.nama"), schema_contract="evolve"))
    assert stream.columns == ("id", "nama", "_extra", "_source_position")
    extras = [row[2] for row in decode_copy(stream.blocks)]
    assert extras == [
        '{"p.nik":"y","p.alamat":{"rt":1},"baru":"1.50"}',
        '{"lain":{"a":[1.50,null]},"kosong":null}',
        None,
        '{"p":"tidak ada"}',
    ]
    assert stream.warnings == []


def test_unknown_values_become_text_that_jsonb_accepts(server: Server) -> None:
    values = {"id": 1, "t": True, "i": 36893488147419103232, "s": "\0a", "nul\0": {"a\0": "\\u0000\0"}}
    server.answer = lambda _: reply({"data": [values]})
    ((_, extra, _),) = rows(server, api_contract("id", schema_contract="evolve"))
    assert extra is not None
    assert json.loads(extra) == {
        "t": "true",
        "i": "36893488147419103232",
        "s": "\ufffda",
        "nul\ufffd": {"a\ufffd": "\\u0000\ufffd"},
    }


def test_evolving_contract_does_not_keep_a_dropped_key(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1, "rahasia": NAME}]})
    dropped = replace(column("rahasia"), dropped=True)
    stream = opened(server, api_contract("id", dropped, schema_contract="evolve"))
    assert decode_copy(stream.blocks) == [["1", None, PLACE]]
    assert stream.shape == {"id": "", "rahasia": ""}


def test_evolving_contract_reads_a_missing_key_as_null_with_a_warning(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1, "nama_baru": "x"}]})
    stream = opened(server, api_contract("id", "nama", schema_contract="evolve"))
    assert decode_copy(stream.blocks) == [["1", None, '{"nama_baru":"x"}', PLACE]]
    assert stream.warnings == ["tidak ada di rekaman mana pun, jadi kosong: nama"]


def test_evolving_contract_does_not_warn_of_a_key_that_comes_on_a_later_page(
    server: Server,
) -> None:
    given: dict[str, Any] = {"1": [{"id": 1}, {"id": 2}], "2": [{"nama": "x"}]}
    server.answer = lambda request: reply({"data": given.get(request.query["p"], [])})
    page = {"type": "page", "param": "p", "last_page": "empty"}
    stream = opened(server, api_contract("id", "nama", schema_contract="evolve", pagination=page))
    assert [row[1] for row in decode_copy(stream.blocks)] == [None, None, "x"]
    assert stream.warnings == []


@pytest.mark.parametrize("lost", [required_column("nama"), required_column("nama", required=False, key=True)])
def test_missing_required_key_stops_an_evolving_contract_too(server: Server, lost: Column) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}]})
    error = fault(server, api_contract("id", lost, "lain", schema_contract="evolve"))
    assert isinstance(error, ShapeError)
    assert error.message == "tidak ada di rekaman mana pun pada halaman pertama: nama"
