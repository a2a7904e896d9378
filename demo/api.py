"""The APIs of the demo OPD on loopback, each with its own paging and its own log-in.

They fail as real ones do, but in a fixed rhythm: of each seven requests to a path the third is answered with 429 or
500. A client that tries again gets its page; one that does not fails at once.
"""

from __future__ import annotations

import base64
import hmac
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from demo import indicators, services
from demo.applications import applications
from demo.employment import job_seekers
from demo.services import Record
from demo.variables import CREDENTIALS

_BEAT, _FAILS_AT = 7, 3
_MAX_PAGE = 1000
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, the value that is sent as JSON, further headers."""

    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """One path: who may ask, which records it has, by which column it is incremental, how it pages.

    A path that ends with a slash stands for all paths below it. refused: the answer to a wrong key.
    """

    allowed: Callable[[Mapping[str, str], Query], bool]
    records: Callable[[], list[Record]]
    cursor: str | None
    page: Callable[[list[Record], Query, str], Answer]
    refused: Answer = Answer(401, {"pesan": "kunci salah atau tidak ada"})


def _number(query: Query, name: str, default: int, most: int = 10**9) -> int:
    try:
        return min(max(int(query.get(name, default)), 0), most)
    except ValueError:
        return default


def _by_page(records: list[Record], query: Query, _: str) -> Answer:
    size = _number(query, "per_page", 100, _MAX_PAGE) or 1
    page = max(_number(query, "page", 1), 1)
    part = records[(page - 1) * size : page * size]
    return Answer(200, {"data": part, "meta": {"page": page, "per_page": size, "total": len(records)}})


def _by_offset(records: list[Record], query: Query, _: str) -> Answer:
    offset, limit = _number(query, "offset", 0), _number(query, "limit", 100, _MAX_PAGE)
    return Answer(200, {"data": records[offset : offset + limit], "total": len(records)})


def _by_cursor(records: list[Record], query: Query, _: str) -> Answer:
    try:
        start = int(base64.urlsafe_b64decode(query.get("cursor", "")) or b"0")
    except ValueError:
        return Answer(400, {"pesan": "cursor tidak dikenal"})
    end = start + 500
    following = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(records) else None
    return Answer(200, {"items": records[start:end], "meta": {"next_cursor": following}})


def _by_link(records: list[Record], query: Query, url: str) -> Answer:
    size = _number(query, "per_page", 100, _MAX_PAGE) or 1
    page = max(_number(query, "page", 1), 1)
    headers: tuple[tuple[str, str], ...] = ()
    if page * size < len(records):
        kept = {k: v for k, v in query.items() if k not in ("page", "api_key")}
        headers = (("Link", f'<{url}?{urlencode(kept | {"page": str(page + 1)})}>; rel="next"'),)
    return Answer(200, {"data": records[(page - 1) * size : page * size]}, headers)


def _by_next_url(records: list[Record], query: Query, url: str) -> Answer:
    size = _number(query, "per_page", 100, 5 * _MAX_PAGE) or 1
    page = max(_number(query, "page", 1), 1)
    following = None
    if page * size < len(records):
        following = f"{url}?{urlencode({'page': page + 1, 'per_page': size})}"
    part = records[(page - 1) * size : page * size]
    return Answer(200, {"data": part, "links": {"next": following}, "total": len(records)})


def _whole(records: list[Record], _query: Query, _url: str) -> Answer:
    return Answer(200, {"data": records})


def _matrix(_records: list[Record], _query: Query, url: str) -> Answer:
    return Answer(200, indicators.matrix(urlsplit(url).path))


def _is(given: str | None, name: str) -> bool:
    return hmac.compare_digest((given or "").encode(), CREDENTIALS[name].encode())


def _bearer(name: str) -> Callable[[Mapping[str, str], Query], bool]:
    return lambda headers, _: _is((headers.get("Authorization") or "").removeprefix("Bearer "), name)


def _header_key(headers: Mapping[str, str], _: Query) -> bool:
    return _is(headers.get("X-Api-Key"), "GUDANG_SUMBER_DISPERINDAGKOP_KEY")


def _basic(headers: Mapping[str, str], _: Query) -> bool:
    encoded = base64.b64encode(f"gudang:{CREDENTIALS['GUDANG_SUMBER_DISKOMINFO_PASSWORD']}".encode()).decode()
    return hmac.compare_digest((headers.get("Authorization") or "").encode(), f"Basic {encoded}".encode())


def _query_key(param: str, name: str) -> Callable[[Mapping[str, str], Query], bool]:
    return lambda _, query: _is(query.get(param), name)


SERVICES: Mapping[str, Service] = {
    "/v1/izin": Service(
        _bearer("GUDANG_SUMBER_DPMPTSP_TOKEN"), cache(services.permits), "diperbarui_pada", _by_page
    ),
    "/api/harga": Service(_header_key, cache(services.prices), None, _by_offset),
    "/aduan": Service(_basic, cache(services.complaints), "updated_at", _by_cursor),
    "/inventaris": Service(_basic, cache(applications), None, _whole),
    "/ispu": Service(
        _query_key("api_key", "GUDANG_SUMBER_DLH_KEY"), cache(services.air_quality), None, _by_link
    ),
    "/pencari-kerja": Service(
        _bearer("GUDANG_SUMBER_DISNAKERTRANS_TOKEN"), cache(job_seekers), None, _by_next_url
    ),
    # BPS answers errors with HTTP 200.
    "/v1/api/list/model/data/": Service(
        _query_key("key", "GUDANG_SUMBER_BPS_KEY"), list, None, _matrix, Answer(200, indicators.refused())
    ),
}


def service_of(path: str) -> Service | None:
    """The service that answers to `path`."""
    found = (s for p, s in SERVICES.items() if path == p or (p.endswith("/") and path.startswith(p)))
    return next(found, None)


def _since(records: list[Record], cursor: str | None, text: str | None) -> list[Record]:
    """Records changed at or after `text` (ISO 8601); raises ValueError if it is not a time with a zone."""
    if not text or not cursor:
        return records
    # A "+" that a client did not escape arrives as a blank.
    start = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    if start.tzinfo is None:
        raise ValueError(text)
    return [r for r in records if datetime.fromisoformat(r[cursor]) >= start]


def answer(path: str, query: Query, headers: Mapping[str, str], url: str) -> Answer:
    """What the API answers to one request when it does not fail."""
    service = service_of(path)
    if service is None:
        return Answer(404, {"pesan": "alamat tidak dikenal"})
    if not service.allowed(headers, query):
        return service.refused
    try:
        records = _since(service.records(), service.cursor, query.get("since"))
    except ValueError:
        return Answer(400, {"pesan": "since bukan waktu ISO 8601 dengan zona"})
    return service.page(records, query, url)


class BadDays:
    """Decides which requests fail: the third of each seven to a path, with 429 and 500 in turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()

    def answer(self, path: str) -> Answer | None:
        """The failure of the next request to this path; None where it does not fail."""
        with self._lock:
            number = self._requests[path] = self._requests[path] + 1
        if number % _BEAT != _FAILS_AT:
            return None
        if number // _BEAT % 2:
            return Answer(500, {"pesan": "galat sementara"})
        wait = str(number // _BEAT // 2 % 2)
        return Answer(429, {"pesan": "terlalu sering, coba lagi"}, (("Retry-After", wait),))


class Handler(BaseHTTPRequestHandler):
    """Answers GET. Headers and body are sent in one packet; a second one would wait for the client's delayed ACK."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    bad_days = BadDays()

    def do_GET(self) -> None:  # http.server calls this name
        """Answers one request."""
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        url = f"http://{self.headers.get('Host', '127.0.0.1')}{parts.path}"
        found = answer(parts.path, query, self.headers, url)  # pyright: ignore[reportArgumentType]
        if found.status == 200:
            found = self.bad_days.answer(parts.path) or found
        body = json.dumps(found.body, ensure_ascii=False).encode()
        self.send_response(found.status)
        length = ("Content-Length", str(len(body)))
        for name, value in (*found.headers, ("Content-Type", "application/json"), length):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Logs nothing: the request line may hold a key."""


def make_server(port: int = 0, listening: socket.socket | None = None) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 with its records made; port 0 takes a free one. The caller runs `serve_forever`.

    listening: a socket that listens already, in place of a port.
    """
    for service in SERVICES.values():
        service.records()
    handler = type("DemoHandler", (Handler,), {"bad_days": BadDays()})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler, bind_and_activate=listening is None)
    if listening:
        server.socket.close()
        server.socket = listening
        server.server_address = listening.getsockname()
        server.server_port = server.server_address[1]
    server.daemon_threads = True
    return server
