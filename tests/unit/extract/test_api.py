"""APIs as COPY text, against a real HTTP server that answers wrongly in every way that OPD servers do."""

from __future__ import annotations

import logging
import threading
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract import http_client
from pipelines.extract.api import open_api
from tests.support.extracts import api_contract, column, decode_copy
from tests.support.http_server import NAME, SECRET, Ask, Reply, Server, fault, opened, reply, rows

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
    assert server.asked[0].query == {"tahun": "2026", "q": "a b&c", "since": "2026-09-01T00:00:00+08:00"}
    assert "since" not in server.asked[1].query
    assert server.asked[0].path == "/v1/izin"


def test_keys_the_contract_does_not_know_are_a_warning(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1, "p": {"nama": "x", "nik": "y"}, "baru": 2}]})
    stream = opened(server, api_contract("id", column("nama", "p.nama")))
    assert len(decode_copy(stream.blocks)) == 1
    assert stream.warnings == ["keys left out, they are not in the contract: baru, p.nik"]


def test_a_key_that_no_record_of_the_first_page_has_is_a_vanished_column(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1, "nama_baru": NAME}, {"id": 2}]})
    error = fault(server, api_contract("id", "nama"))
    assert isinstance(error, ShapeError)
    assert "in no record of the first page: nama; keys left out" in error.message


def test_a_key_that_some_records_lack_is_null_there(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}, {"id": 2, "nama": "x"}]})
    assert [row[1] for row in rows(server, api_contract("id", "nama"))] == [None, "x"]


def test_an_api_without_any_record_warns(server: Server) -> None:
    stream = opened(server, ID)
    assert list(stream.blocks) == []
    assert stream.warnings == ["the API gave no record"]


# --- credentials


BEARER = {"type": "bearer", "token": "${GUDANG_SUMBER_UJI_TOKEN}"}
HEADER_KEY = {"type": "api_key", "in": "header", "name": "X-Api-Key", "value": "${GUDANG_SUMBER_UJI_TOKEN}"}
QUERY_KEY = {"type": "api_key", "in": "query", "name": "api_key", "value": "${GUDANG_SUMBER_UJI_TOKEN}"}
BASIC = {"type": "basic", "username": "gudang", "password": "${GUDANG_SUMBER_UJI_TOKEN}"}
EVERY_AUTH = pytest.mark.parametrize("auth", [BEARER, HEADER_KEY, QUERY_KEY, BASIC])


def test_credentials_go_where_the_contract_says(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}]})
    for auth in (BEARER, HEADER_KEY, QUERY_KEY, BASIC):
        rows(server, api_contract("id", auth=auth))
    bearer, header, query, basic = server.asked
    assert bearer.headers["Authorization"] == f"Bearer {SECRET}"
    assert header.headers["X-Api-Key"] == SECRET
    assert query.query == {"api_key": SECRET}
    assert basic.headers["Authorization"] == f"Basic {b64encode(f'gudang:{SECRET}'.encode()).decode()}"


@EVERY_AUTH
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_names_its_variable(server: Server, auth: dict[str, str], status: int) -> None:
    server.answer = lambda _: Reply(NAME.encode(), status)
    error = fault(server, api_contract("id", auth=auth))
    assert str(status) in error.message
    assert error.hint == "check GUDANG_SUMBER_UJI_TOKEN"
    assert not error.transient
    assert len(server.asked) == 1


def test_a_401_without_declared_auth_says_what_to_declare(server: Server) -> None:
    server.answer = lambda _: Reply(status=401)
    assert "extract.auth" in str(fault(server, ID).hint)


@pytest.mark.parametrize(
    "auth", [{"type": "digest"}, {"type": "bearer"}, {**BEARER, "x": "y"}, {**HEADER_KEY, "in": "cookie"}]
)
def test_a_misdeclared_auth_is_a_contract_error(server: Server, auth: dict[str, str]) -> None:
    with pytest.raises(ContractError, match="auth"):
        opened(server, api_contract("id", auth=auth))


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ContractError, match="GUDANG_SUMBER_UJI_URL"):
        open_api(ID, env={})
    with pytest.raises(ContractError, match="GUDANG_SUMBER_UJI_TOKEN"):
        open_api(api_contract("id", auth=BEARER), env={"GUDANG_SUMBER_UJI_URL": "http://127.0.0.1:9"})
    with pytest.raises(ContractError, match=r"\$\{GUDANG_SUMBER_UJI_URL\} is no URL"):
        open_api(ID, env={"GUDANG_SUMBER_UJI_URL": f"ftp://gudang:{SECRET}@x"})


@EVERY_AUTH
def test_no_secret_and_no_value_is_logged(
    server: Server, auth: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.in_turn(Reply(status=503), Reply(b"", length=10), reply({"data": [{"id": NAME}]}))
    contract = api_contract("id", auth=auth, params={"nama": NAME})
    fault(server, contract)
    rows(server, contract)
    server.stop()
    with pytest.raises(SourceError):
        rows(server, contract)
    assert "Retrying" in caplog.text
    assert SECRET not in caplog.text
    assert NAME not in caplog.text
    assert NAME.replace(" ", "+") not in caplog.text


# --- faults


def test_a_server_that_is_busy_or_stumbles_is_asked_again(server: Server) -> None:
    good = reply({"data": [{"id": 1}]})
    server.in_turn(
        Reply(status=429, headers={"Retry-After": "0"}), Reply(status=500), Reply(status=503), good
    )
    assert len(rows(server, ID)) == 1
    assert len(server.asked) == 4


def test_the_wait_that_the_server_asks_for_is_kept(server: Server) -> None:
    server.in_turn(Reply(status=429, headers={"Retry-After": "1"}), reply({"data": [{"id": 1}]}))
    start = time.monotonic()
    assert len(rows(server, ID)) == 1
    assert 1 <= time.monotonic() - start < 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_stays_broken_is_transient_after_six_tries(server: Server, status: int) -> None:
    server.answer = lambda _: Reply(NAME.encode(), status)
    error = fault(server, api_contract("id", auth=QUERY_KEY))
    assert error.transient
    assert str(status) in error.message
    assert len(server.asked) == 6


@pytest.mark.parametrize("status", [400, 404, 410, 422, 204])
def test_another_refusal_is_final(server: Server, status: int) -> None:
    server.answer = lambda _: Reply(b"" if status == 204 else NAME.encode(), status)
    error = fault(server, ID)
    assert not error.transient
    assert f"answered {status}" in error.message
    assert len(server.asked) == 1


def test_a_server_that_never_answers_times_out(server: Server) -> None:
    done = threading.Event()

    def wait(_: Ask) -> Reply:
        done.wait(10)
        return Reply()

    server.answer = wait
    try:
        error = fault(server, api_contract("id", auth=QUERY_KEY), timeout=(1, 0.1))
    finally:
        done.set()
    assert error.transient
    assert "no answer in time (connect 1 s, read 0.1 s)" in error.message
    assert len(server.asked) == 3


def test_a_body_that_stops_coming_times_out(server: Server) -> None:
    done = threading.Event()
    server.answer = lambda _: Reply(b'{"data": [', length=1000, hold=done)
    try:
        error = fault(server, ID, timeout=(1, 0.1))
    finally:
        done.set()
    assert error.transient
    assert "no answer in time" in error.message


def test_a_server_that_is_not_there_is_transient(server: Server) -> None:
    server.stop()
    error = fault(server, api_contract("id", auth=QUERY_KEY))
    assert error.transient
    assert "cannot be reached" in error.message


def test_a_body_that_breaks_off_is_transient(server: Server) -> None:
    server.answer = lambda _: Reply(b'{"data": [{"id": "' + NAME.encode(), length=1000)
    error = fault(server, ID)
    assert error.transient
    assert "broke off" in error.message


def test_truncated_json_is_transient(server: Server) -> None:
    server.answer = lambda _: Reply(b'{"data": [{"id": "' + NAME.encode())
    error = fault(server, ID)
    assert error.transient
    assert "page 1: the JSON is cut short" in error.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>Budi Santoso</html>", "not JSON; content type text/html"),
        (b"", "not JSON"),
        (b"{'id': 1}", "not JSON"),
        (b'{"data": NaN}', "not JSON"),
        (b'{"data": [{"id": "Budi Santoso \xe9"}]}', "not in UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"error": "Budi Santoso"}', "records pointer /data leads nowhere; its keys: error"),
        (b'["Budi Santoso"]', "records pointer /data leads nowhere; it is no object"),
        (b'{"data": null}', "stands no list"),
        (b'{"data": {"Budi": 1}}', "stands no list"),
        (b'{"data": [{"id": 1}, "Budi Santoso"]}', "halaman 1 rekaman 2 is no object"),
    ],
)
def test_a_200_that_is_no_answer_is_final_and_told(server: Server, body: bytes, words: str) -> None:
    server.answer = lambda _: Reply(body, headers={"Content-Type": "text/html"})
    error = fault(server, ID)
    assert words in error.message
    assert not error.transient


def test_a_redirect_on_the_same_host_is_followed(server: Server) -> None:
    moved = Reply(status=301, headers={"Location": "/v2/izin"})
    server.answer = lambda ask: moved if ask.path == "/v1/izin" else reply({"data": [{"id": 1}]})
    assert len(rows(server, api_contract("id", auth=BEARER))) == 1
    assert server.asked[1].headers["Authorization"] == f"Bearer {SECRET}"


def test_a_redirect_loop_is_told(server: Server) -> None:
    server.answer = lambda _: Reply(status=302, headers={"Location": "/v1/izin"})
    assert "redirects: a loop" in fault(server, api_contract("id", auth=QUERY_KEY)).message


@EVERY_AUTH
def test_a_redirect_to_another_host_gets_no_credential(server: Server, auth: dict[str, str]) -> None:
    other = f"http://localhost:{server.http.server_port}/v1/izin"
    server.answer = lambda _: Reply(status=302, headers={"Location": other})
    assert "redirects to another host" in fault(server, api_contract("id", auth=auth)).message
    assert len(server.asked) == 1


def test_a_body_without_measure_is_stopped(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "MAX_BODY", 1 << 20)
    server.answer = lambda _: Reply(b" " * (3 << 20))
    assert "larger than 1 MiB" in fault(server, ID).message


def test_a_netrc_does_not_replace_the_contracts_credential(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    moved = Reply(status=301, headers={"Location": "/v2/izin"})
    server.answer = lambda ask: moved if ask.path == "/v1/izin" else reply({"data": [{"id": 1}]})
    rows(server, api_contract("id", auth=BEARER))
    rows(server, ID)
    assert [a.headers.get("Authorization") for a in server.asked] == [f"Bearer {SECRET}"] * 2 + [None] * 2
