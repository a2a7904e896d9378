"""A real HTTP server on the loopback for the tests of APIs: it answers as told, and remembers."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines.contracts import Contract
from pipelines.errors import SourceError
from pipelines.extract.api import open_api
from pipelines.extract.stream import SourceStream
from tests.support.extracts import decode_copy

SECRET = "s3cret-Tok3n"
NAME = "Budi Santoso"


@dataclass(frozen=True)
class Ask:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    length: int | None = None
    """Content-Length where it is not the body's."""
    hold: threading.Event | None = None
    """Keeps the connection open after the body until it is set."""


def reply(document: Any, **headers: str) -> Reply:
    return Reply(json.dumps(document).encode(), headers={"Content-Type": "application/json", **headers})


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that gave up is no news."""


class Server:
    """Answers each GET with what `answer` returns, and remembers what was asked."""

    def __init__(self) -> None:
        self.answer: Callable[[Ask], Reply] = lambda _: reply({"data": []})
        self.asked: list[Ask] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
                ask = Ask(parts.path, query, dict(self.headers.items()))
                outer.asked.append(ask)
                answer = outer.answer(ask)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header(
                    "Content-Length", str(len(answer.body) if answer.length is None else answer.length)
                )
                if answer.length is not None:
                    self.close_connection = True
                self.end_headers()
                self.wfile.write(answer.body)
                self.wfile.flush()
                if answer.hold:
                    answer.hold.wait(10)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = _QuietServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def in_turn(self, *answers: Reply) -> None:
        """Each answer once, the last for ever."""
        left = list(answers)
        self.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def opened(server: Server, contract: Contract, **options: Any) -> SourceStream:
    env = {"GUDANG_SUMBER_UJI_URL": server.url, "GUDANG_SUMBER_UJI_TOKEN": SECRET}
    return open_api(contract, env=env, **{"timeout": (2, 2), "backoff": 0, **options})


def rows(server: Server, contract: Contract, **options: Any) -> list[list[str | None]]:
    return decode_copy(opened(server, contract, **options).blocks)


def fault(server: Server, contract: Contract, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        rows(server, contract, **options)
    error = caught.value
    assert error.subject == "dpmptsp/izin"
    assert error.hint
    told = "".join(traceback.format_exception(error))
    assert SECRET not in told
    assert NAME not in told
    assert error.__context__ is None
    return error
