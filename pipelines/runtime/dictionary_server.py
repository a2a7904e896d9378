"""Serves the data dictionary on this machine, next to Dagster's pages, for `gudang ui`.

On a server the proxy serves the same folder (deploy/nginx/gudang.conf). Not here: writing it (publication/dictionary/).
"""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from socket import AF_INET6
from threading import Thread

_PAGE = """<!DOCTYPE html>
<html lang="id"><meta charset="utf-8"><title>Kamus data</title>
<body style="font-family: sans-serif; margin: 3rem"><h1>Halaman ini belum ada</h1>
<p>Kamus data ditulis oleh job <code>publication</code> setiap malam, dan oleh <code>gudang models docs</code>.</p>
</body></html>
"""


class _Pages(SimpleHTTPRequestHandler):
    """Gives files of one folder, and logs nothing."""

    error_message_format = _PAGE

    def list_directory(self, path: object) -> None:  # noqa: ARG002
        """Refuses to list a folder: the dictionary's own pages link each other."""
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Logs nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = AF_INET6


class DictionaryServer:
    """A server that listens from the beginning, and answers after `start`. url: its address, without a last slash."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        """Listens at `host` and `port`, or at any free port if that one is taken. Raises OSError if it can't.

        folder: holds the pages; it may be made later.
        """
        kind = _Server6 if ":" in host else _Server
        handler = partial(_Pages, directory=str(folder))
        try:
            self._server = kind((host, port), handler)
        except OSError:
            self._server = kind((host, 0), handler)
        self.url = f"http://{_shown(host)}:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, name="kamus-data", daemon=True)

    def start(self) -> None:
        """Answers from now on, in a thread. Call it after other processes were started."""
        self._thread.start()

    def close(self) -> None:
        """Ends the server."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def _shown(host: str) -> str:
    """The host as a browser on this machine asks for it."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return f"[{host}]" if address.version == 6 else host
