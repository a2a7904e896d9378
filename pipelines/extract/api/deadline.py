"""An answer of a server has a time and a measure, whatever the server does.

What belongs here: the bytes of an answer, from the socket on. Not here: what is asked, retries, statuses
(transport.py).

Time-outs of sockets are not enough: a server that drips a byte a minute never meets one, neither in the body nor in
the headers, and requests and urllib3 have no other. So http.client reads through `_Bounded`.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

MAX_BODY = 256 << 20
_HEADERS = 1 << 16
PROGRESS_S = 30.0
"""How often somebody is informed of an answer that takes long."""


class TooSlowError(Exception):
    """No whole answer within its `time`. No OSError: then urllib3 would try again."""


class TooLargeError(Exception):
    """More bytes than MAX_BODY."""


@dataclass
class _Limit:
    """ends: when the answer must be whole. inform: called with the seconds so far, every PROGRESS_S."""

    ends: float
    inform: Callable[[float], None] | None = None
    started: float = field(default_factory=monotonic)
    informed: float = field(default_factory=monotonic)

    def notice(self) -> None:
        now = monotonic()
        if self.inform and now - self.informed >= PROGRESS_S:
            self.informed = now
            self.inform(now - self.started)


_LIMIT: ContextVar[_Limit] = ContextVar("the time of the answer that is read")


@contextmanager
def time(seconds: float, inform: Callable[[float], None] | None = None) -> Iterator[None]:
    """Every answer that is read inside must be whole when `seconds` are over, else TooSlowError."""
    token = _LIMIT.set(_Limit(monotonic() + seconds, inform))
    try:
        yield
    finally:
        _LIMIT.reset(token)


class _Bounded(io.RawIOBase):
    """The bytes of one answer from its socket, until its time or its measure is used up."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._between = sock.gettimeout() or math.inf
        self._limit = _LIMIT.get(_Limit(math.inf))
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._limit.notice()
        left = self._limit.ends - monotonic()
        if left <= 0:
            raise TooSlowError
        if left < math.inf:
            self._sock.settimeout(min(left, self._between))
        try:
            count = self._raw.readinto(buffer)
        except TimeoutError:
            if monotonic() < self._limit.ends:
                raise
            raise TooSlowError from None
        self._count += count or 0
        if self._count > MAX_BODY + _HEADERS:
            raise TooLargeError
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp: Any = io.BufferedReader(_Bounded(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _BoundedResponse


class _TlsConnection(HTTPSConnection):
    response_class = _BoundedResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls: Any = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls: Any = _TlsConnection


class BoundedAdapter(HTTPAdapter):
    """For `requests.Session.mount`: answers that come through it end with their time or their measure."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
