"""Limits the time and the size of one HTTP answer, whatever the server does.

What belongs here: the bytes of an answer, from the socket on. Not here: the request, retries, statuses (transport.py).

A socket's time-out limits only the pause between two bytes. A server that sends one byte a minute never triggers it, in
the headers or in the body, and the libraries requests and urllib3 have no other limit. So http.client reads through
`_BoundedReader`.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

_HEADERS = 1 << 16
"""Bytes that are added to the limit of a body, because the headers are counted, too."""
_PROGRESS_S = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one request to an API; times are in seconds.

    connect: the time to connect. read: the time between two bytes. total: the time for the answer with all retries.
    backoff: the first pause, which is doubled with each retry. longest_pause: the longest pause, even if a Retry-After
    asks for more. max_body: the size of a body in bytes.
    """

    connect: float = 5
    read: float = 60
    total: float = 900
    backoff: float = 0.5
    longest_pause: float = 120
    max_body: int = 256 << 20


class TooSlowError(Exception):
    """The answer was not complete at its deadline. Not an OSError, which urllib3 would wrap."""


class TooLargeError(Exception):
    """The answer has more bytes than allowed."""


@dataclass
class _Bounds:
    """The limits of the answer that is being read.

    started, ends, reported: times on the monotonic clock. size: the most bytes of a body. report: a function that is
    called with the seconds so far.
    """

    ends: float = math.inf
    size: float = math.inf
    report: Callable[[float], None] | None = None
    started: float = 0.0
    reported: float = 0.0

    def report_progress(self) -> None:
        """Reports an answer that takes long, every 30 seconds."""
        now = monotonic()
        if self.report and now - self.reported >= _PROGRESS_S:
            self.reported = now
            self.report(now - self.started)


_BOUNDS: ContextVar[_Bounds] = ContextVar("bounds of the answer that is being read")


@contextmanager
def bounded(seconds: float, size: int, report: Callable[[float], None] | None = None) -> Iterator[None]:
    """Limits every answer that is read inside of the `with` block.

    seconds: the time of the whole block; after that TooSlowError is raised. size: the bytes of one body; TooLargeError
    is raised above that and 64 kB for the headers. report: is called every 30 seconds with the seconds so far.
    """
    now = monotonic()
    token = _BOUNDS.set(_Bounds(now + seconds, size, report, now, now))
    try:
        yield
    finally:
        _BOUNDS.reset(token)


class _BoundedReader(io.RawIOBase):
    """Reads the bytes of one answer from its socket, within the limits that were set when it began."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._between = sock.gettimeout() or math.inf
        self._bounds = _BOUNDS.get(_Bounds())
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._bounds.report_progress()
        left = self._bounds.ends - monotonic()
        if left <= 0:
            raise TooSlowError
        if left < math.inf:
            self._sock.settimeout(min(left, self._between))
        try:
            count = self._raw.readinto(buffer)
        except TimeoutError:
            if monotonic() < self._bounds.ends:
                raise
            raise TooSlowError from None
        self._count += count or 0
        if self._count > self._bounds.size + _HEADERS:
            raise TooLargeError
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp: Any = io.BufferedReader(_BoundedReader(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _BoundedResponse


class _TlsConnection(HTTPSConnection):
    response_class = _BoundedResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls: Any = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls: Any = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class BoundedAdapter(HTTPAdapter):
    """An adapter for `requests.Session.mount` whose answers keep to the limits of `bounded`."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Makes the pools for servers that are reached directly."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Makes the pools for servers that are reached through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager
