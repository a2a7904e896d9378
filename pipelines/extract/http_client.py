"""One GET of an OPD's API: credentials, time-outs, retries, and every failure told without its secrets.

What belongs here: requests and urllib3. Not here: pages (paging.py), records (api.py).
The text of a requests error holds the URL, and so perhaps a key: it is never shown, logged or chained.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from pipelines.errors import ContractError, SourceError
from pipelines.settings import references, resolve

RETRIES = 5
LONGEST_WAIT_S = 120
MAX_BODY = 256 << 20
MAX_REDIRECTS = 5
_PASSING = (408, 429, 500, 502, 503, 504)
_CHUNK = 1 << 16
_QUERY = re.compile(r"\?[^\s'\"]*")
_AUTH_KEYS: Mapping[str, frozenset[str]] = {
    "bearer": frozenset({"token"}),
    "api_key": frozenset({"in", "name", "value"}),
    "basic": frozenset({"username", "password"}),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer with status 200, or (where the caller allowed it) None as body for a 404."""

    body: bytes | None
    content_type: str
    link: str | None


class _Credential(AuthBase):
    """Header or query parameter of an API. Requests asks no ~/.netrc where this is given."""

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


class _HostBoundSession(requests.Session):
    """Redirects stay on the server that they came from, so that no credential is sent elsewhere."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        before, after = urlsplit(str(response.request.url)), urlsplit(str(prepared_request.url))
        upgraded = (before.scheme, after.scheme) == ("http", "https")
        same = before.scheme == after.scheme and before.port == after.port
        if before.hostname != after.hostname or not (same or upgraded):
            raise _RedirectedAwayError


class _RedirectedAwayError(Exception):
    pass


class _TooLargeError(Exception):
    pass


class _QueryRemover(logging.Filter):
    """urllib3 warns of each retry with the URL; a key may stand in its query."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _QUERY.sub("?...", record.getMessage())
        record.args = None
        return True


_QUERY_REMOVER = _QueryRemover()


class ApiClient:
    """GETs for one dataset, as one session. Close it when done."""

    def __init__(
        self,
        subject: str,
        auth: Mapping[str, str] | None,
        env: Mapping[str, str],
        timeout: tuple[float, float],
        backoff: float,
    ) -> None:
        self.subject = subject
        self.timeout = timeout
        self.variables = references(" ".join(str(v) for v in (auth or {}).values()))
        self._credential = _credential(subject, auth, env)
        self._session = _HostBoundSession()
        self._session.max_redirects = MAX_REDIRECTS
        self._session.headers.update({"Accept": "application/json", "User-Agent": "gudang-data-kaltim"})
        retry = Retry(
            total=RETRIES,
            read=2,
            backoff_factor=backoff,
            status_forcelist=_PASSING,
            allowed_methods={"GET"},
            respect_retry_after_header=True,
            retry_after_max=LONGEST_WAIT_S,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))
        for name in ("urllib3.connectionpool", "urllib3.util.retry"):
            logging.getLogger(name).addFilter(_QUERY_REMOVER)

    def close(self) -> None:
        self._session.close()

    def get(self, url: str, params: Mapping[str, str], *, missing_ok: bool = False) -> Answer:
        """The whole answer. Raises SourceError for everything but 200; `missing_ok` lets a 404 pass."""
        try:
            with self._session.get(
                url, params=dict(params), auth=self._credential, timeout=self.timeout, stream=True
            ) as response:
                if response.status_code == HTTPStatus.OK:
                    return _answer(response, _body(response))
                if response.status_code == HTTPStatus.NOT_FOUND and missing_ok:
                    return _answer(response, None)
                fault = self._refused(response.status_code)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            fault = self._broken(error)
        except _RedirectedAwayError:
            fault = self._fault(
                "the API redirects to another host", "correct the API's URL; credentials stay home"
            )
        except _TooLargeError:
            fault = self._fault(
                f"a page is larger than {MAX_BODY >> 20} MiB", "declare pagination with a size"
            )
        # Raised here, outside the handlers: a chained error would carry the URL into the logs.
        raise fault

    def _fault(self, message: str, hint: str, *, transient: bool = False) -> SourceError:
        return SourceError(self.subject, message, hint=hint, transient=transient)

    def _refused(self, status: int) -> SourceError:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "unknown status"
        said = f"the API answered {status} {phrase}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            if not self.variables:
                return self._fault(f"{said}: it wants a credential", "declare extract.auth in the contract")
            return self._fault(f"{said}: the credential was refused", f"check {', '.join(self.variables)}")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return self._fault(f"{said}, {RETRIES + 1} times", "load it later, or less often", transient=True)
        if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._fault(f"{said}, also when asked again", "tell the OPD if it lasts", transient=True)
        return self._fault(said, "check the API's URL, extract.path and extract.params")

    def _broken(self, error: Exception) -> SourceError:
        inner = _root(error)
        if isinstance(error, requests.TooManyRedirects):
            return self._fault(
                f"more than {MAX_REDIRECTS} redirects: a loop", "correct the API's URL or its server"
            )
        if isinstance(error, requests.exceptions.SSLError):
            return self._fault("the API's certificate was refused", "install its issuer, or tell the OPD")
        if isinstance(inner, urllib3.exceptions.NewConnectionError):
            hint = "check the API's URL; the OPD's server may be down"
            return self._fault("the API's server cannot be reached", hint, transient=True)
        if isinstance(error, requests.Timeout) or isinstance(inner, urllib3.exceptions.TimeoutError):
            message = f"no answer in time (connect {self.timeout[0]:g} s, read {self.timeout[1]:g} s)"
            return self._fault(message, "the OPD's server is slow or down", transient=True)
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
            return self._fault(
                "the API's URL is none", "check servers[0].location and its environment variable"
            )
        kind = type(inner).__name__
        return self._fault(f"the answer broke off ({kind})", "tell the OPD if it lasts", transient=True)


def _answer(response: requests.Response, body: bytes | None) -> Answer:
    link = response.links.get("next", {}).get("url")
    return Answer(body, response.headers.get("Content-Type", "none"), link)


def _body(response: requests.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for chunk in response.iter_content(_CHUNK):
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_BODY:
            raise _TooLargeError
    return b"".join(parts)


def _root(error: BaseException) -> BaseException:
    """What lies beneath requests' and urllib3's wrappers."""
    seen = error
    for _ in range(5):
        reason: Any = getattr(seen, "reason", None)
        if not isinstance(reason, BaseException):
            reason = seen.args[0] if seen.args else None
        if not isinstance(reason, BaseException):
            return seen
        seen = reason
    return seen


def _credential(subject: str, auth: Mapping[str, str] | None, env: Mapping[str, str]) -> _Credential:
    if not auth:
        return _Credential()
    kind = str(auth.get("type"))
    if kind not in _AUTH_KEYS or set(auth) - {"type"} != set(_AUTH_KEYS[kind]):
        expected = "; ".join(f"{k}: {', '.join(sorted(v))}" for k, v in _AUTH_KEYS.items())
        raise ContractError(subject, f"auth of type {kind!r} is unknown or incomplete", hint=expected)
    values = {key: resolve(subject, str(value), env) for key, value in auth.items()}
    if kind == "bearer":
        return _Credential(header=("Authorization", f"Bearer {values['token']}"))
    if kind == "basic":
        pair = f"{values['username']}:{values['password']}".encode()
        return _Credential(header=("Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"))
    if values["in"] == "header":
        return _Credential(header=(values["name"], values["value"]))
    if values["in"] == "query":
        return _Credential(query=(values["name"], values["value"]))
    raise ContractError(subject, f"auth api_key in {values['in']!r} is unknown", hint="header or query")
