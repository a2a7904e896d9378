"""How we log in at an API: what each request carries, and where it comes from.

What belongs here: the `auth` types of docs/contracts/apis.md. Not here: the requests themselves (transport.py).

OAuth2 client credentials (RFC 6749, section 4.4) are done here and not by requests-oauthlib or Authlib: the first
never asks anew for this grant when a token has expired, neither does so on a 401, and both send by a session of
their own, without our time, size and redirect bounds, and put the server's answer into the text of their errors.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic
from typing import Protocol
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

import msgspec
import requests
from requests.auth import AuthBase

from pipelines.errors import ContractError, SourceError
from pipelines.extract.api.transport import PASSING, Transport
from pipelines.settings import references, resolve

MAX_TOKEN = 1 << 16
_LONGEST_MARGIN_S = 30
_WHO = "the token endpoint"
_CODES = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
"""RFC 6749, section 5.2. Nothing else of a refusal is shown: it may repeat what we sent."""


class Carried(AuthBase):
    """Header or query parameter of a request. Requests asks no ~/.netrc where one is given, also an empty one."""

    def __init__(self, header: tuple[str, str] | None = None, query: tuple[str, str] | None = None) -> None:
        self.header = header
        self.query = query

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.header:
            r.headers[self.header[0]] = self.header[1]
        if self.query and r.url:
            parts = urlsplit(r.url)
            others = [p for p in parse_qsl(parts.query, keep_blank_values=True) if p[0] != self.query[0]]
            r.url = urlunsplit(parts._replace(query=urlencode([*others, self.query])))
        return r


class Login(Protocol):
    def carried(self) -> Carried:
        """What the next request carries. Raises SourceError where it can't be had."""
        ...

    def renew(self) -> bool:
        """After a 401: whether `carried` will give something else now."""
        ...


class _Fixed:
    def __init__(self, carried: Carried) -> None:
        self._carried = carried

    def carried(self) -> Carried:
        return self._carried

    def renew(self) -> bool:
        return False


class _Granted(msgspec.Struct):
    access_token: str
    token_type: str | None = None
    expires_in: int | float | str | None = None


class _ClientCredentials:
    """A token, asked for when the first request needs it, before it expires, and after a 401."""

    def __init__(self, transport: Transport, values: Mapping[str, str], variables: tuple[str, ...]) -> None:
        self._transport, self._values, self._variables = transport, values, variables
        self._token: str | None = None
        self._until = 0.0

    def carried(self) -> Carried:
        if self._token is None or monotonic() >= self._until:
            asked = monotonic()
            self._token, seconds = self._granted(self._asked())
            # A token that lives a minute must not be renewed for each page.
            self._until = asked + seconds - min(_LONGEST_MARGIN_S, seconds / 2)
        return _bearer(self._token)

    def renew(self) -> bool:
        self._token = None
        return True

    def _asked(self) -> bytes:
        form = {"grant_type": "client_credentials"}
        if "scope" in self._values:
            form["scope"] = self._values["scope"]
        client, secret = self._values["client_id"], self._values["client_secret"]
        auth = Carried()
        if self._values.get("in") == "body":
            form |= {"client_id": client, "client_secret": secret}
        else:
            auth = _basic(quote_plus(client), quote_plus(secret))
        wanted = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)
        answer = self._transport.ask(
            _WHO, self._values["token_url"], auth, form=form, wanted=wanted, limit=MAX_TOKEN
        )
        if answer.status == HTTPStatus.OK and answer.body is not None:
            return answer.body
        said = f"{_WHO} answered {answer.status}"
        if answer.status in PASSING or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._fault(f"{said}, also when asked again", "tell the OPD if it lasts", transient=True)
        if answer.body is not None:
            raise self._fault(f"{said}{_code(answer.body)}", f"check {', '.join(self._variables)}")
        raise self._fault(said, "check auth.token_url")

    def _granted(self, body: bytes) -> tuple[str, float]:
        """The token and the seconds that it lives."""
        try:
            granted = msgspec.json.decode(body, type=_Granted)
            seconds = float("inf" if granted.expires_in is None else granted.expires_in)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
            granted, seconds = None, 0.0
        if granted is None or not seconds >= 0:
            raise self._fault(
                f"{_WHO} gave no token that can be read", "check auth.token_url, or ask the OPD"
            )
        # "BearerToken" is how some gateways (Apigee) call it.
        if (granted.token_type or "bearer").lower() not in ("bearer", "bearertoken"):
            raise self._fault(f"{_WHO} gave no bearer token", "only bearer tokens can be sent: ask the OPD")
        if not granted.access_token or not all("!" <= c <= "~" for c in granted.access_token):
            raise self._fault(f"{_WHO} gave a token that no header can hold", "ask the OPD")
        return granted.access_token, seconds

    def _fault(self, message: str, hint: str, *, transient: bool = False) -> SourceError:
        return SourceError(self._transport.subject, message, hint=hint, transient=transient)


def make_login(transport: Transport, auth: Mapping[str, str] | None, env: Mapping[str, str]) -> Login:
    """The login of a contract. Raises ContractError where its environment is wrong."""
    if not auth:
        return _Fixed(Carried())
    subject = transport.subject
    values = {key: resolve(subject, str(value), env) for key, value in auth.items()}
    match values["type"]:
        case "bearer":
            carried = _bearer(values["token"])
        case "basic":
            carried = _basic(values["username"], values["password"])
        case "api_key" if values["in"] == "header":
            carried = Carried(header=(values["name"], values["value"]))
        case "api_key":
            carried = Carried(query=(values["name"], values["value"]))
        case _:
            parts = urlsplit(values["token_url"])
            if parts.scheme not in ("http", "https") or not parts.hostname:
                message = f"auth.token_url {auth['token_url']} is no URL"
                raise ContractError(subject, message, hint="http://... or https://...")
            return _ClientCredentials(transport, values, variables(auth))
    if carried.header and not all(" " <= c <= "~" for c in carried.header[1]):
        message = "a credential holds a character that no header can hold"
        raise ContractError(subject, message, hint=f"check {', '.join(variables(auth))}")
    return _Fixed(carried)


def variables(auth: Mapping[str, str] | None) -> tuple[str, ...]:
    """The environment variables that `auth` names."""
    return references(" ".join(str(v) for v in (auth or {}).values()))


def _bearer(token: str) -> Carried:
    return Carried(header=("Authorization", f"Bearer {token}"))


def _basic(username: str, password: str) -> Carried:
    pair = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    return Carried(header=("Authorization", f"Basic {pair}"))


def _code(body: bytes) -> str:
    """The error code of a refusal, where it is one that the RFC knows."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    code = document.get("error") if isinstance(document, dict) else None
    return f" {code}" if isinstance(code, str) and code in _CODES else ""
