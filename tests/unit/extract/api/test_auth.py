"""Log-in at an API: what is sent, when a token is renewed, and that no secret is shown."""

from __future__ import annotations

import logging
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import ContractError, SourceError
from pipelines.extract.api.reader import open_api
from tests.support.extracts import api_contract, decode_copy
from tests.support.http_server import (
    BASIC,
    BEARER,
    EVERY_AUTH,
    HEADER_KEY,
    NAME,
    QUERY_KEY,
    SECRET,
    Reply,
    Request,
    Server,
    fault,
    opened,
    reply,
    rows,
)

ID = api_contract("id")


def test_credential_is_sent_where_the_contract_says(server: Server) -> None:
    server.answer = lambda _: reply({"data": [{"id": 1}]})
    for auth in (BEARER, HEADER_KEY, QUERY_KEY, BASIC):
        rows(server, api_contract("id", auth=auth))
    bearer, header, query, basic = server.requests
    assert bearer.headers["Authorization"] == f"Bearer {SECRET}"
    assert header.headers["X-Api-Key"] == SECRET
    assert query.query == {"api_key": SECRET}
    assert basic.headers["Authorization"] == f"Basic {b64encode(f'gudang:{SECRET}'.encode()).decode()}"


@EVERY_AUTH
@pytest.mark.parametrize("status", [401, 403])
def test_error_of_a_refused_credential_names_its_variable(
    server: Server, auth: dict[str, str], status: int
) -> None:
    server.answer = lambda _: Reply(NAME.encode(), status)
    error = fault(server, api_contract("id", auth=auth))
    assert str(status) in error.message
    assert error.hint == "periksa GUDANG_SUMBER_UJI_TOKEN"
    assert not error.transient
    assert len(server.requests) == 1


def test_401_without_declared_auth_says_what_to_declare(server: Server) -> None:
    server.answer = lambda _: Reply(status=401)
    assert "extract.auth" in str(fault(server, ID).hint)


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "digest"},
        {"type": "bearer"},
        {**BEARER, "x": "y"},
        {**HEADER_KEY, "in": "cookie"},
        {"type": "oauth2", "token_url": "http://x", "client_id": "x"},
        {"type": "oauth2", "token_url": "http://x", "client_id": "x", "client_secret": "${X}", "in": "query"},
    ],
)
def test_invalid_auth_is_a_contract_error(server: Server, auth: dict[str, str]) -> None:
    with pytest.raises(ContractError, match="auth"):
        opened(server, api_contract("id", auth=auth))


def test_error_of_an_unset_variable_names_it() -> None:
    with pytest.raises(ContractError, match="GUDANG_SUMBER_UJI_URL"):
        open_api(ID, env={})
    with pytest.raises(ContractError, match="GUDANG_SUMBER_UJI_TOKEN"):
        open_api(api_contract("id", auth=BEARER), env={"GUDANG_SUMBER_UJI_URL": "http://127.0.0.1:9"})
    with pytest.raises(ContractError, match=r"\$\{GUDANG_SUMBER_UJI_URL\} bukan URL"):
        open_api(ID, env={"GUDANG_SUMBER_UJI_URL": f"ftp://gudang:{SECRET}@x"})


@EVERY_AUTH
def test_no_secret_and_no_value_is_logged(
    server: Server, auth: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    broken = Reply(b"", length=10)
    server.in_turn(Reply(status=503), broken, broken, broken, reply({"data": [{"id": NAME}]}))
    contract = api_contract("id", auth=auth, params={"nama": NAME})
    fault(server, contract)
    rows(server, contract)
    server.stop()
    with pytest.raises(SourceError):
        rows(server, contract)
    assert '"GET /... HTTP/1.1" 503' in caplog.text
    assert SECRET not in caplog.text
    assert NAME not in caplog.text
    assert NAME.replace(" ", "+") not in caplog.text


def test_netrc_does_not_replace_the_credential_of_the_contract(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    moved = Reply(status=301, headers={"Location": "/v2/izin"})
    server.answer = lambda request: moved if request.path == "/v1/izin" else reply({"data": [{"id": 1}]})
    rows(server, api_contract("id", auth=BEARER))
    rows(server, ID)
    assert [a.headers.get("Authorization") for a in server.requests] == [f"Bearer {SECRET}"] * 2 + [None] * 2


@pytest.mark.parametrize("auth", [{"type": "bearer", "token": SECRET}, {**BASIC, "password": SECRET}])
def test_literal_secret_in_a_contract_is_refused_without_repeating_it(auth: dict[str, str]) -> None:
    with pytest.raises(ContractError, match="tertulis terbuka di kontrak") as caught:
        api_contract("id", auth=auth)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("auth", [BEARER, HEADER_KEY])
def test_credential_that_fits_no_header_is_refused_without_repeating_it(
    server: Server, auth: dict[str, str]
) -> None:
    for value in (f"{SECRET}\n", f"{SECRET}é"):
        with pytest.raises(ContractError, match="GUDANG_SUMBER_UJI_TOKEN") as caught:
            opened(server, api_contract("id", auth=auth), env={"GUDANG_SUMBER_UJI_TOKEN": value})
        assert SECRET not in str(caught.value)


# --- a key in the path


def test_key_in_the_path_is_sent_and_never_shown(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    contract = api_contract("id", path="/v1/api/key/${GUDANG_SUMBER_UJI_TOKEN}/page")
    server.in_turn(Reply(status=503), reply({"data": [{"id": 1}]}))
    stream = opened(server, contract, env={"GUDANG_SUMBER_UJI_TOKEN": f"{SECRET}/a b?c"})
    assert len(decode_copy(stream.blocks)) == 1
    assert server.requests[0].path == f"/v1/api/key/{SECRET}%2Fa%20b%3Fc/page"
    assert stream.name == "/v1/api/key/${GUDANG_SUMBER_UJI_TOKEN}/page"
    server.answer = lambda _: Reply(status=401)
    assert fault(server, contract).hint == "periksa GUDANG_SUMBER_UJI_TOKEN"
    server.stop()
    assert fault(server, contract).transient
    assert '"GET /... HTTP/1.1" 503' in caplog.text
    assert SECRET not in caplog.text


# --- OAuth2 client credentials


OAUTH = {
    "type": "oauth2",
    "token_url": "${GUDANG_SUMBER_UJI_URL}/oauth/token",
    "client_id": "gudang",
    "client_secret": "${GUDANG_SUMBER_UJI_TOKEN}",
}
PAGED = {"type": "page", "param": "page", "total": "/total"}


@dataclass
class TokenApi:
    """An API of three pages that needs a token. requests: those for a token. given, used: the tokens, in order."""

    lifetime: Any = 3600
    slow: float = 0
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    revoked: set[str] = field(default_factory=set[str])
    requests: list[Request] = field(default_factory=list[Request])
    given: list[str] = field(default_factory=list[str])
    used: list[str] = field(default_factory=list[str])

    def __call__(self, request: Request) -> Reply:
        if request.path == "/oauth/token":
            self.requests.append(request)
            self.given.append(f"{SECRET}-{len(self.given) + 1}")
            grant = {"access_token": self.given[-1], "token_type": "Bearer", "expires_in": self.lifetime}
            return reply(grant | self.more)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.used.append(token)
        if token not in self.given or token in self.revoked:
            return Reply(status=401)
        threading.Event().wait(self.slow)
        return reply({"data": [{"id": int(request.query["page"])}], "total": 3})


GATED = api_contract("id", auth=OAUTH, pagination=PAGED)


def read_tokens(server: Server, api: TokenApi, contract: Any = GATED) -> list[int]:
    """Reads all pages, and gives for each request of a page the number of its token, from 1."""
    server.answer = api
    assert [row[0] for row in rows(server, contract)] == ["1", "2", "3"]
    return [api.given.index(token) + 1 for token in api.used]


def test_one_token_is_used_for_all_pages(server: Server) -> None:
    api = TokenApi()
    contract = api_contract("id", auth={**OAUTH, "scope": "izin.baca data"}, pagination=PAGED)
    assert read_tokens(server, api, contract) == [1, 1, 1]
    (request,) = api.requests
    assert request.method == "POST"
    assert request.form == {"grant_type": "client_credentials", "scope": "izin.baca data"}
    assert request.headers["Authorization"] == f"Basic {b64encode(f'gudang:{SECRET}'.encode()).decode()}"


def test_client_may_be_sent_in_the_body_and_token_type_may_be_unusual(
    server: Server,
) -> None:
    api = TokenApi(lifetime="3599", more={"token_type": "BearerToken"})
    assert (
        read_tokens(server, api, api_contract("id", auth={**OAUTH, "in": "body"}, pagination=PAGED))
        == [1] * 3
    )
    (request,) = api.requests
    assert request.form == {
        "grant_type": "client_credentials",
        "client_id": "gudang",
        "client_secret": SECRET,
    }
    assert "Authorization" not in request.headers


def test_client_secret_is_encoded_as_rfc_6749_says(server: Server) -> None:
    server.answer = api = TokenApi()
    decode_copy(opened(server, GATED, env={"GUDANG_SUMBER_UJI_TOKEN": "a b:c%"}).blocks)
    assert api.requests[0].headers["Authorization"] == f"Basic {b64encode(b'gudang:a+b%3Ac%25').decode()}"


def test_token_without_a_lifetime_is_kept(server: Server) -> None:
    assert read_tokens(server, TokenApi(lifetime=None)) == [1, 1, 1]


def test_token_is_renewed_before_it_expires(server: Server) -> None:
    assert read_tokens(server, TokenApi(lifetime=1, slow=0.6)) == [1, 2, 3]


def test_token_that_is_revoked_between_pages_is_renewed_once(server: Server) -> None:
    api = TokenApi()
    server.answer = api
    stream = opened(server, GATED)
    next(stream.blocks)
    api.revoked.add(api.given[0])
    assert [row[0] for row in decode_copy(stream.blocks)] == ["2", "3"]
    assert [api.given.index(token) + 1 for token in api.used] == [1, 1, 2, 2]


def test_401_with_a_new_token_is_not_retried(server: Server) -> None:
    api = TokenApi(revoked={f"{SECRET}-{n}" for n in range(9)})
    server.answer = api
    error = fault(server, GATED)
    assert not error.transient
    assert "401 Unauthorized: kredensial ditolak" in error.message
    assert error.hint == "periksa GUDANG_SUMBER_UJI_URL, GUDANG_SUMBER_UJI_TOKEN"
    assert len(api.used) == 2


def test_page_that_fails_is_requested_again_with_the_same_token(server: Server) -> None:
    api = TokenApi()
    failures = [Reply(status=503), Reply(status=500)]
    server.answer = lambda request: failures.pop() if failures and "page" in request.query else api(request)
    assert len(rows(server, GATED)) == 3
    assert len(api.given) == 1


def token_fault(server: Server, answer: Reply, **options: Any) -> SourceError:
    server.answer = lambda request: answer if request.path == "/oauth/token" else reply({"data": [{"id": 1}]})
    error = fault(server, GATED, **options)
    assert "token" in error.message
    assert all(request.path == "/oauth/token" for request in server.requests)
    return error


def granted(**values: Any) -> Reply:
    return reply({"access_token": SECRET, **values})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Reply(b'{"error": "invalid_client"}', 401), "menjawab 401 invalid_client"),
        (Reply(b'{"error": "invalid_scope"}', 400), "menjawab 400 invalid_scope"),
        (Reply(b'{"error": "%s"}' % SECRET.encode(), 400), "menjawab 400"),
        (Reply(b"<html>" + SECRET.encode(), 401), "menjawab 401"),
        (Reply(b"[" * 9000, 401), "menjawab 401"),
        (Reply(status=404), "menjawab 404"),
        (Reply(status=302, headers={"Location": "/v1/izin"}), "menjawab 302"),
        (Reply(b"<html>" + SECRET.encode()), "tidak memberi token yang terbaca"),
        (Reply(b""), "tidak memberi token yang terbaca"),
        (Reply(b"\xff"), "tidak memberi token yang terbaca"),
        (Reply(b"[" * 9000), "tidak memberi token yang terbaca"),
        (reply([SECRET]), "tidak memberi token yang terbaca"),
        (reply({"token": SECRET}), "tidak memberi token yang terbaca"),
        (granted(access_token=[SECRET]), "tidak memberi token yang terbaca"),
        (granted(expires_in="soon"), "tidak memberi token yang terbaca"),
        (granted(expires_in=-5), "tidak memberi token yang terbaca"),
        (granted(expires_in="nan"), "tidak memberi token yang terbaca"),
        (granted(expires_in=10**400), "tidak memberi token yang terbaca"),
        (granted(token_type="mac"), "tidak memberi token bearer"),
        (granted(access_token=""), "tidak muat di header HTTP"),
        (granted(access_token=f"{SECRET}\r\nX-A: b"), "tidak muat di header HTTP"),
        (granted(access_token=f"{SECRET}é"), "tidak muat di header HTTP"),
        (granted(padding="x" * (1 << 17)), "lebih besar dari 64 KiB"),
    ],
)
def test_invalid_answer_of_a_token_endpoint_is_reported_and_not_retried(
    server: Server, answer: Reply, message: str
) -> None:
    error = token_fault(server, answer)
    assert message in error.message
    assert not error.transient
    assert len(server.requests) == 1


def test_token_endpoint_that_keeps_failing_is_a_transient_error(server: Server) -> None:
    error = token_fault(server, Reply(SECRET.encode(), 503))
    assert error.transient
    assert "menjawab 503" in error.message
    assert len(server.requests) == 6


def test_token_endpoint_that_fails_at_first_is_requested_again(server: Server) -> None:
    api = TokenApi()
    failures = [Reply(status=500), Reply(status=429, headers={"Retry-After": "0"})]
    server.answer = lambda request: failures.pop() if failures else api(request)
    assert len(rows(server, GATED)) == 3


def test_slow_token_endpoint_is_a_transient_error(server: Server) -> None:
    hold = threading.Event()
    slow = Reply(b"{", length=1000, hold=hold)
    try:
        error = token_fault(server, slow, limits={"read": 0.1})
    finally:
        hold.set()
    assert error.transient
    assert "token_url tidak menjawab dalam batas waktu" in error.message
    dripping = Reply(b" " * 100, drip=0.05)
    assert "tidak lengkap dalam" in token_fault(server, dripping, limits={"total": 0.3}).message


def test_unreachable_token_endpoint_is_transient_but_an_invalid_url_is_not(server: Server) -> None:
    nowhere = api_contract("id", auth={**OAUTH, "token_url": "http://127.0.0.1:9/token"})
    error = fault(server, nowhere)
    assert error.transient
    assert "server token_url tidak terjangkau" in error.message
    with pytest.raises(ContractError, match=r"auth.token_url ftp://x bukan URL"):
        opened(server, api_contract("id", auth={**OAUTH, "token_url": "ftp://x"}))


def test_no_token_and_no_client_secret_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for placement in ("header", "body"):
        auth = {**OAUTH, "in": placement}
        read_tokens(server, TokenApi(), api_contract("id", auth=auth, pagination=PAGED))
        server.answer = lambda _: Reply(status=503)
        fault(server, api_contract("id", auth=auth))
    assert "/..." in caplog.text
    assert SECRET not in caplog.text
