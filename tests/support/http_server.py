"""A real HTTP server on the loopback for the tests of APIs. It answers as a test says and records the requests."""

from __future__ import annotations

import json
import ssl
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.api.deadline import Limits
from pipelines.extract.api.reader import open_api
from pipelines.extract.stream import SourceStream
from tests.support.extracts import decode_copy

SECRET = "s3cret-Tok3n"
NAME = "Budi Santoso"

BEARER = {"type": "bearer", "token": "${GUDANG_SUMBER_UJI_TOKEN}"}
HEADER_KEY = {"type": "api_key", "in": "header", "name": "X-Api-Key", "value": "${GUDANG_SUMBER_UJI_TOKEN}"}
QUERY_KEY = {"type": "api_key", "in": "query", "name": "api_key", "value": "${GUDANG_SUMBER_UJI_TOKEN}"}
BASIC = {"type": "basic", "username": "gudang", "password": "${GUDANG_SUMBER_UJI_TOKEN}"}
EVERY_AUTH = pytest.mark.parametrize("auth", [BEARER, HEADER_KEY, QUERY_KEY, BASIC])


@dataclass(frozen=True)
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    method: str = "GET"
    form: dict[str, str] = field(default_factory=dict[str, str])
    body: str = ""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    length: int | None = None
    """Content-Length, if it differs from the body's."""
    hold: threading.Event | None = None
    """Keeps the connection open after the body until this event is set."""
    drip: float | None = None
    """Seconds between two bytes of the answer, headers included."""
    drip_body: float | None = None
    """Seconds between two bytes of the body."""
    drop: bool = False
    """The connection is closed without an answer."""


def reply(document: Any, **headers: str) -> Reply:
    return Reply(json.dumps(document).encode(), headers={"Content-Type": "application/json", **headers})


class _QuietServer(ThreadingHTTPServer):
    owner: Server

    def handle_error(self, *_: Any) -> None:
        """Ignores the error: clients that close their connection are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    """Sends each packet at once: the body would else wait 40 ms, until the client has acknowledged the headers."""

    server: _QuietServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def owner(self) -> Server:
        return self.server.owner

    def do_GET(self) -> None:
        self.handle_ask()

    def do_POST(self) -> None:
        self.handle_ask()

    def handle_ask(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        request = Request(
            parts.path,
            _last(parts.query),
            dict(self.headers.items()),
            self.command,
            _last(body),
            body,
        )
        self.owner.requests.append(request)
        self.give(self.owner.answer(request))

    def give(self, answer: Reply) -> None:
        if answer.drop:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.length is not None:
            self.close_connection = True
        length = len(answer.body) if answer.length is None else answer.length
        self.send_header("Content-Length", str(length))
        if answer.drip is None:
            self.end_headers()
            self.give_body(answer)
            return
        head = b"".join(self._headers_buffer)
        self._headers_buffer = []
        self.drip(head + b"\r\n" + answer.body, answer.drip)

    def give_body(self, answer: Reply) -> None:
        if answer.drip_body is not None:
            self.drip(answer.body, answer.drip_body)
            return
        self.wfile.write(answer.body)
        self.wfile.flush()
        if answer.hold:
            answer.hold.wait(10)

    def drip(self, data: bytes, seconds: float) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.owner.stopping.wait(seconds):
                return

    def log_message(self, *_: Any) -> None:
        pass


class Server:
    """Answers each request with what `answer` returns, and records it in `requests`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Callable[[Request], Reply] = lambda _: reply({"data": []})
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self.http = _QuietServer(("127.0.0.1", 0), _Handler)
        self.http.owner = self
        self.http.daemon_threads = True
        if tls:
            self.http.socket = tls.wrap_socket(
                self.http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def in_turn(self, *answers: Reply) -> None:
        """Gives each answer once, then always the last."""
        left = list(answers)
        self.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def stop(self) -> None:
        self.stopping.set()
        self.http.shutdown()
        self.http.server_close()


def _last(query: str) -> dict[str, str]:
    return {k: v[-1] for k, v in parse_qs(query, keep_blank_values=True).items()}


def opened(server: Server, contract: Contract, **options: Any) -> SourceStream:
    env = {
        "GUDANG_SUMBER_UJI_URL": server.url,
        "GUDANG_SUMBER_UJI_TOKEN": SECRET,
        **options.pop("env", {}),
    }
    limits = Limits(**{"connect": 2, "read": 2, "total": 20, "backoff": 0, **options.pop("limits", {})})
    return open_api(contract, env=env, limits=limits, **options)


def rows(server: Server, contract: Contract, **options: Any) -> list[list[str | None]]:
    return decode_copy(opened(server, contract, **options).blocks)


def fault(server: Server, contract: Contract, **options: Any) -> SourceError:
    """The error of reading the API. It names the dataset, says how to fix it, and shows no secret and no name."""
    with pytest.raises(SourceError) as caught:
        rows(server, contract, **options)
    error = caught.value
    assert error.subject == "dpmptsp/izin"
    assert error.hint
    shown = "".join(traceback.format_exception(error))
    assert SECRET not in shown
    assert NAME not in shown
    assert error.__context__ is None
    return error
