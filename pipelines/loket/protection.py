"""Gives every answer the headers that keep a browser safe, and refuses orders that another site sends.

The rule for orders is that of Go's net/http.CrossOriginProtection: `Sec-Fetch-Site`, which every browser sends since
2023, and for older ones `Origin` against `Host`. A request with neither comes from no browser.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
DOCUMENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-downloads; frame-ancestors 'none'"
)
"""The policy of a page that was made as a file of its own: its style is in it, and it runs nothing.

Its links lead to the files beside it, which are downloads."""


class Protection:
    """The ASGI middleware around all pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] not in ("GET", "HEAD") and not is_own(Headers(scope=scope)):
            refused = PlainTextResponse("Permintaan ini datang dari situs lain, jadi ditolak.", 403)
            await refused(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def is_own(headers: Headers) -> bool:
    """Whether a request that changes something comes from our own pages, or from no browser."""
    if site := headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    if origin := headers.get("Origin"):
        return urlsplit(origin).netloc == headers.get("Host")
    return True
