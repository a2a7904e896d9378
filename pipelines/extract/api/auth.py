"""Logs in to an API: decides which credential each request has, and where it comes from.

What belongs here: the `auth` types of docs/contracts/apis.md. Not here: the requests themselves (transport.py).

Why OAuth2 client credentials (RFC 6749, section 4.4) are done here and not by requests-oauthlib or Authlib:
requests-oauthlib does not renew an expired token of this grant; neither renews one after a 401; both use their own
session, without our bounds of time, size and redirects, and put the server's answer into the text of their errors.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

import msgspec
import requests
from requests.auth import AuthBase

from pipelines.errors import ContractError, SourceError
from pipelines.extract.api.transport import RETRYABLE_STATUSES, Transport
from pipelines.settings import references, resolve

MAX_TOKEN = 1 << 16
_LONGEST_MARGIN_S = 30
_WHO = "token_url"
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
"""RFC 6749, section 5.2. No other part of a refusal is shown: it may repeat what we sent."""


class Carried(AuthBase):
    """Adds the credential to a request, as a header or a query parameter; adds none if there are neither.

    If an object like this is given, the library requests does not read ~/.netrc.
    """

    def __init__(self, header: tuple[str, str] | None = None, query: tuple[str, str] | None = None) -> None:
        self.header = header
        self.query = query

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Adds the credential to a request; a parameter of its name in the URL is replaced."""
        if self.header:
            r.headers[self.header[0]] = self.header[1]
        if self.query and r.url:
            parts = urlsplit(r.url)
            others = [p for p in parse_qsl(parts.query, keep_blank_values=True) if p[0] != self.query[0]]
            r.url = urlunsplit(parts._replace(query=urlencode([*others, self.query])))
        return r


class Login(Protocol):
    """One kind of log-in."""

    def carried(self) -> Carried:
        """Returns the credential for the next request. Raises SourceError if the server gives none."""
        ...

    def renew(self) -> bool:
        """Drops the credential after a 401, if it can; returns whether the next `carried` gives another one."""
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
    """A log-in with a token, which is fetched for the first request, again before it expires, and after a 401.

    monotonic: returns seconds since an arbitrary start.
    """

    def __init__(
        self,
        transport: Transport,
        values: Mapping[str, str],
        variables: tuple[str, ...],
        monotonic: Callable[[], float],
    ) -> None:
        self._transport, self._values, self._variables = transport, values, variables
        self._monotonic = monotonic
        self._token: str | None = None
        self._until = 0.0

    def carried(self) -> Carried:
        if self._token is None or self._monotonic() >= self._until:
            asked = self._monotonic()
            self._token, seconds = self._read_grant(self._request_grant())
            # Half of a short lifetime: a token of one minute must not be renewed for each page.
            self._until = asked + seconds - min(_LONGEST_MARGIN_S, seconds / 2)
        return _bearer(self._token)

    def renew(self) -> bool:
        self._token = None
        return True

    def _request_grant(self) -> bytes:
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
        answered = f"{_WHO} menjawab {answer.status}"
        if answer.status in RETRYABLE_STATUSES or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._fault(
                f"{answered}, juga setelah dicoba lagi",
                "beri tahu OPD bila berlanjut",
                transient=True,
                code="GDK-S010",
            )
        if answer.body is not None:
            raise self._fault(
                f"{answered}{_code(answer.body)}", f"periksa {', '.join(self._variables)}", code="GDK-S003"
            )
        raise self._fault(answered, "periksa auth.token_url", code="GDK-S003")

    def _read_grant(self, body: bytes) -> tuple[str, float]:
        """Returns the token, and the seconds until it expires."""
        try:
            granted = msgspec.json.decode(body, type=_Granted)
            seconds = float("inf" if granted.expires_in is None else granted.expires_in)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
            granted, seconds = None, 0.0
        if granted is None or not seconds >= 0:
            raise self._fault(
                f"{_WHO} tidak memberi token yang terbaca",
                "periksa auth.token_url, atau tanyakan kepada OPD",
                code="GDK-S003",
            )
        # "BearerToken" is how some gateways (Apigee) call it.
        if (granted.token_type or "bearer").lower() not in ("bearer", "bearertoken"):
            hint = "hanya token bearer yang didukung: tanyakan kepada OPD"
            raise self._fault(f"{_WHO} tidak memberi token bearer", hint, code="GDK-S003")
        if not granted.access_token or not all("!" <= c <= "~" for c in granted.access_token):
            raise self._fault(
                f"{_WHO} memberi token yang tidak muat di header HTTP", "tanyakan kepada OPD", code="GDK-S003"
            )
        return granted.access_token, seconds

    def _fault(self, message: str, hint: str, *, code: str, transient: bool = False) -> SourceError:
        return SourceError(self._transport.subject, message, hint=hint, transient=transient, code=code)


def make_login(
    transport: Transport,
    auth: Mapping[str, str] | None,
    env: Mapping[str, str],
    monotonic: Callable[[], float] = time.monotonic,
) -> Login:
    """Returns the log-in that a contract declares. Raises ContractError if its environment variables are wrong."""
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
                message = f"auth.token_url {auth['token_url']} bukan URL"
                raise ContractError(
                    subject, message, hint="tulis http://... atau https://...", code="GDK-K019"
                )
            return _ClientCredentials(transport, values, variables(auth), monotonic)
    if carried.header and not all(" " <= c <= "~" for c in carried.header[1]):
        message = "kredensial berisi karakter yang tidak boleh ada di header HTTP"
        raise ContractError(subject, message, hint=f"periksa {', '.join(variables(auth))}", code="GDK-K019")
    return _Fixed(carried)


def variables(auth: Mapping[str, str] | None) -> tuple[str, ...]:
    """Returns the environment variables that `auth` names."""
    return references(" ".join(str(v) for v in (auth or {}).values()))


def _bearer(token: str) -> Carried:
    return Carried(header=("Authorization", f"Bearer {token}"))


def _basic(username: str, password: str) -> Carried:
    pair = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    return Carried(header=("Authorization", f"Basic {pair}"))


def _code(body: bytes) -> str:
    """Returns the error code of a refusal, with a blank before it; "" if the RFC does not know the code."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    code = document.get("error") if isinstance(document, dict) else None
    return f" {code}" if isinstance(code, str) and code in _CODES else ""
