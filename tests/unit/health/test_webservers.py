"""`gudang health` asks each webserver by HTTP, and says which of them does not answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines.errors import GudangError
from pipelines.health.limits import CRITICAL, OK, WARNING, Limit, Limits
from pipelines.health.place import Place
from pipelines.health.webservers import webservers
from pipelines.settings import WEBSERVERS, Settings
from tests.support.servers import free_port

LIMIT = Limit(5, 20)
INFO = b'{"dagster_webserver_version": "1.13"}'


@contextmanager
def server(body: bytes = INFO, status: int = 200, hold: threading.Event | None = None) -> Iterator[str]:
    """Runs a webserver that gives this answer, after `hold` if that is given, and yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if hold:
                hold.wait(60)
            found = self.path == "/server_info"
            self.send_response(status if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        if hold:
            hold.set()
        http.shutdown()


def seen(monkeypatch: pytest.MonkeyPatch, *urls: str, limit: Limit = LIMIT) -> list[tuple[str, int, str]]:
    monkeypatch.setenv(WEBSERVERS, ",".join(urls))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    settings = Settings(home=Path("/tidak/ada"), project=Path("/tidak/ada"), warehouse_url=None)
    found = webservers(Place(settings, Limits(web_seconds=limit), "", ""))
    return [(check.name, check.state, check.seen) for check in found]


def test_each_webserver_is_a_check_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with server() as url:
        (first, second) = seen(monkeypatch, f"{url}/", nobody)
    assert (first[:2], first[2].partition(" dalam ")[0]) == (("halaman_web", OK), f"{url} menjawab")
    assert second[:2] == ("halaman_web_2", CRITICAL)
    assert second[2].startswith(f"{nobody} tidak menjawab: ")
    assert seen(monkeypatch) == []


def test_an_error_and_another_program_at_the_port_are_no_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(status=502) as bad, server(body=b"<html>") as other:
        found = seen(monkeypatch, bad, other)
    assert [state for _, state, _ in found] == [CRITICAL, CRITICAL]
    assert found[0][2] == f"{bad} tidak menjawab: kode HTTP 502"
    assert found[1][2] == f"{other} tidak menjawab: yang menjawab bukan Dagster"


def test_a_webserver_that_hangs_ends_the_look_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(hold=threading.Event()) as url:
        ((_, state, text),) = seen(monkeypatch, url, limit=Limit(0.1, 0.2))
    assert (state, text) == (CRITICAL, f"{url} tidak menjawab: tidak ada jawaban dalam 0,2 detik")


def test_a_slow_webserver_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as url:
        ((_, state, _),) = seen(monkeypatch, url, limit=Limit(0, 20))
    assert state == WARNING


def test_an_address_that_is_none_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GudangError, match=WEBSERVERS):
        seen(monkeypatch, "127.0.0.1:3000")
