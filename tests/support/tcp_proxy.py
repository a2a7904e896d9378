"""A TCP proxy between a client and a real server, which can refuse, cut or stall what passes.

Belongs here: faults of a network. Not here: what a server itself does wrong.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url

Upstream = tuple[str, int] | str
"""A host and port, or the path of a unix socket."""


class TcpProxy:
    """Listens on the loopback and passes bytes to `upstream` and back, until a fault is set.

    A fault counts the bytes that the server has sent since it was set, over all connections:
    `cut_after(n)` resets a connection after n of them, `stall_after(n)` keeps it open and passes no more, `refuse()`
    resets every new connection. `heal()` ends a fault. connections: how many were accepted. given: bytes of the server
    that passed.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._fault: str | None = None
        self._left = 0
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self.given = 0
        self._start(self._accept)

    @classmethod
    @contextmanager
    def before(cls, url: str) -> Iterator[tuple[TcpProxy, str]]:
        """A proxy before the server of `url`, and the URL that leads through it; closed at the end."""
        made = make_url(url)
        proxy = cls(_upstream(made))
        try:
            through = made.set(host="127.0.0.1", port=proxy.port).difference_update_query(["host", "port"])
            yield proxy, through.render_as_string(hide_password=False)
        finally:
            proxy.close()

    def cut_after(self, size: int) -> None:
        self._set("cut", size)

    def stall_after(self, size: int) -> None:
        self._set("stall", size)

    def refuse(self) -> None:
        self._set("refuse", 0)

    def heal(self) -> None:
        self._set(None, 0)

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _set(self, fault: str | None, left: int) -> None:
        with self._lock:
            self._fault, self._left = fault, left

    def _start(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            if self._fault == "refuse":
                _reset(client)
                continue
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        family = socket.AF_UNIX if isinstance(self._upstream, str) else socket.AF_INET
        with socket.socket(family) as server, contextlib.suppress(OSError):
            server.connect(self._upstream)
            self._pass_on(client, server)
        client.close()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while not self._closing.is_set():
                for key, _ in selector.select(0.05):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    passed, fault = self._allowed(data) if source is server else (data, None)
                    key.data.sendall(passed)
                    if fault == "cut":
                        _reset(client)
                        return
                    if fault == "stall":
                        selector.unregister(server)

    def _allowed(self, data: bytes) -> tuple[bytes, str | None]:
        """What of the server's bytes may pass, and the fault that comes after them."""
        with self._lock:
            faulty = self._fault in ("cut", "stall")
            passed = data[: self._left] if faulty else data
            self._left -= len(passed)
            self.given += len(passed)
            return passed, self._fault if len(passed) < len(data) else None


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _upstream(url: URL) -> Upstream:
    host = url.query.get("host", url.host or "")
    assert isinstance(host, str)
    if host.startswith("/"):
        return str(Path(host) / f".s.PGSQL.{url.query.get('port', 5432)}")
    return host, url.port or (3306 if url.get_backend_name() in ("mysql", "mariadb") else 5432)
