"""Says which person sends a request: by the proxy's word, or in the demo by a choice that a signed cookie keeps.

What belongs here: reading and giving the proof. Not here: who may see what (users.py), the log-in itself, which is the
proxy's (deploy/nginx/gudang-loket.conf, docs/adr/038).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from pipelines.loket.users import MadeUpUsers, Person, Users

USER_HEADER = "X-Forwarded-User"
"""The header in which the proxy gives the name of who logged in; it overwrites what the browser sends."""
COOKIE = "loket"


class Login(Protocol):
    """Knows who sends a request."""

    def person(self, request: Request) -> Person | None:
        """Who sends the request; None if nobody is known by it."""
        ...


class ProxyLogin:
    """Believes the name that the reverse proxy gives. The page must be reached through the proxy alone."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def person(self, request: Request) -> Person | None:
        """The person of the proxy's header. None without it, or if it comes more than once."""
        names = request.headers.getlist(USER_HEADER)
        return self._users.find(names[0]) if len(names) == 1 and names[0] else None


class DemoLogin:
    """Lets everybody choose a made-up person. The choice is in a cookie that nobody else can sign."""

    def __init__(self, users: MadeUpUsers, key: bytes | None = None) -> None:
        self.users = users
        self._key = key or secrets.token_bytes(32)

    def person(self, request: Request) -> Person | None:
        """The person of the cookie; None without one, or if we did not sign it."""
        name, _, signature = request.cookies.get(COOKIE, "").rpartition(".")
        signed = hmac.compare_digest(signature.encode(), self._signature(name).encode())
        return self.users.find(name) if signed else None

    def enter(self, response: Response, person: Person) -> None:
        """Gives the cookie of this person."""
        value = f"{person.name}.{self._signature(person.name)}"
        # Not "strict": a page of findings is in a sandbox, so the browser takes its links for those of another site.
        response.set_cookie(COOKIE, value, httponly=True, samesite="lax")

    def leave(self, response: Response) -> None:
        """Takes the cookie away."""
        response.delete_cookie(COOKIE)

    def _signature(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()
