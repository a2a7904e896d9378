"""One request to a server of an OPD, and its whole answer: time, size, retries, redirects and TLS.

What belongs here: requests and urllib3, and every way in which a server can fail to answer. Not here: who asks
(auth.py), which status is a refusal (client.py). The text of a requests error holds the URL, and so
perhaps a key: it is never shown, logged or chained.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic, sleep
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase
from urllib3.util import Retry

from pipelines.errors import SourceError
from pipelines.extract.api import deadline
from pipelines.extract.api.deadline import BoundedAdapter, TooLargeError, TooSlowError
from pipelines.extract.courtesy import Waiting

RETRIES = 5
READ_RETRIES = 2
LONGEST_WAIT_S = 120
MAX_REDIRECTS = 5
PASSING = frozenset({408, 429, 500, 502, 503, 504})
_CHUNK = 1 << 16
_MEDIA_TYPES = frozenset(
    {
        "application/json",
        "application/problem+json",
        "application/xml",
        "application/octet-stream",
        "text/csv",
    }
    | {"text/html", "text/json", "text/plain", "text/xml", "application/geo+json", "application/x-ndjson"}
)
_LOGGED_PAUSE_S = 2.0
log = logging.getLogger("gudang")
_TARGET = re.compile(r"(https?://[^/\s'\"]*|(?<![\w:/]))/[^\s'\"]*")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: to connect, between two bytes, for the whole answer with its retries; `backoff` is their factor."""

    connect: float = 5
    read: float = 60
    whole: float = 900
    backoff: float = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `body` is None where its status was not one whose body was wanted. `link`: rel="next"."""

    status: int
    body: bytes | None
    content_type: str
    link: str | None


class _BrokenBodyError(Exception):
    """The answer began well; what urllib3 retries is over then."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


class _OutOfPatienceError(Exception):
    """The next pause would be longer than what is left of the load's waiting."""


class _RedirectedAwayError(Exception):
    pass


class _TooManyRedirectsError(Exception):
    pass


class _Session(requests.Session):
    """Follows no redirect by itself: requests would read the body of each, however large."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002  # requests' name
        return None

    def moved_to(self, response: requests.Response) -> str | None:
        return super().get_redirect_target(response)


class _Retry(Retry):
    """A Retry-After that says nothing is none, and no reason to stop. `pause` is called before each new try."""

    pause: Callable[[float, int | None], None] = staticmethod(lambda seconds, status: None)  # noqa: ARG005

    def new(self, **changed: Any) -> Self:
        made = super().new(**changed)
        made.pause = self.pause
        return made

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        wanted = self.get_retry_after(response) if response is not None else None
        self.pause(wanted or self.get_backoff_time(), response.status if response is not None else None)

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            return super().parse_retry_after(retry_after)
        except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
            return 0


class _TargetRemover(logging.Filter):
    """urllib3 tells of requests with their path and query; a key may stand in both."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _TARGET.sub(r"\1/...", record.getMessage())
        record.args = None
        return True


_TARGET_REMOVER = _TargetRemover()


class Transport:
    """Requests for one dataset, as one session. Close it when done."""

    def __init__(self, subject: str, patience: Patience, waiting: Waiting | None = None) -> None:
        self.subject = subject
        self.patience = patience
        self.waiting = waiting or Waiting()
        self._since = 0.0
        self._session = _Session()
        self._session.headers.update({"Accept": "application/json", "User-Agent": "gudang-data-kaltim"})
        retry = _Retry(
            total=RETRIES,
            read=READ_RETRIES,
            other=0,
            backoff_factor=patience.backoff,
            status_forcelist=PASSING,
            # A POST of ours asks for a token: asking twice does no harm.
            allowed_methods={"GET", "POST"},
            respect_retry_after_header=True,
            retry_after_max=LONGEST_WAIT_S,
            raise_on_status=False,
        )
        retry.pause = self._pause
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, BoundedAdapter(max_retries=retry))
        for name in ("urllib3.connectionpool", "urllib3.util.retry"):
            logging.getLogger(name).addFilter(_TARGET_REMOVER)

    def close(self) -> None:
        self._session.close()

    def ask(
        self,
        who: str,
        url: str,
        auth: AuthBase,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        wanted: Collection[int] = (HTTPStatus.OK,),
        limit: int | None = None,
    ) -> Answer:
        """The answer of `who` ("the API") to a GET, or to a POST of `form`, which follows no redirect.

        wanted: statuses whose body is read. limit: bytes of it. Raises SourceError where no whole answer came.
        """
        limit = deadline.MAX_BODY if limit is None else limit
        self._since = monotonic()
        # What is left of the waiting may be little; one answer that comes is worth its usual time all the same.
        seconds = min(self.patience.whole, max(self.waiting.left, self.patience.read))
        try:
            with deadline.time(seconds, self._inform):
                for _ in range(READ_RETRIES):
                    with suppress(_BrokenBodyError):
                        return self._follow(url, auth, params or {}, form, wanted, limit)
                    self._waited()
                return self._follow(url, auth, params or {}, form, wanted, limit)
        except _OutOfPatienceError:
            fault = self._impatient(who)
        except _BrokenBodyError as broken:
            fault = self._broken(who, broken.cause)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            fault = self._broken(who, error)
        except _RedirectedAwayError:
            fault = self._fault(f"{who} redirects to another host", "correct its URL: credentials stay home")
        except _TooManyRedirectsError:
            fault = self._fault(
                f"{who}: more than {MAX_REDIRECTS} redirects: a loop", "correct its URL or its server"
            )
        except TooLargeError:
            fault = self._fault(
                f"an answer of {who} is larger than {_measure(limit)}",
                "ask for less at a time, or ask the OPD",
            )
        except TooSlowError:
            fault = self._fault(
                f"{who} gave no whole answer within {seconds:g} s",
                "ask for less at a time, or the OPD's server is slow",
                transient=True,
            )
        self._waited()
        if fault.transient and self.waiting.left <= 0:
            fault = self._impatient(who, fault.message)
        # Raised here, outside the handlers: a chained error would carry the URL into the logs.
        raise fault

    def _follow(
        self,
        url: str,
        auth: AuthBase,
        params: Mapping[str, str],
        form: Mapping[str, str] | None,
        wanted: Collection[int],
        limit: int,
    ) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            with self._session.request(
                "GET" if form is None else "POST",
                url,
                params=dict(params),
                data=None if form is None else dict(form),
                auth=auth,
                timeout=(self.patience.connect, self.patience.read),
                stream=True,
            ) as response:
                target = self._session.moved_to(response) if form is None else None
                if target is None:
                    body = _body(response, limit) if response.status_code in wanted else None
                    link = response.links.get("next", {}).get("url")
                    return Answer(
                        response.status_code,
                        body,
                        _media_type(response.headers.get("Content-Type")),
                        link,
                    )
            url, params = _redirected(url, target), {}
        raise _TooManyRedirectsError

    def _waited(self) -> None:
        """Counts the time since the last try began as waited in vain."""
        now = monotonic()
        self.waiting.spent += now - self._since
        self._since = now

    def _pause(self, seconds: float, status: int | None) -> None:
        """Waits before the next try, and says so. Raises _OutOfPatienceError where that would be too long."""
        self._waited()
        if seconds > self.waiting.left:
            raise _OutOfPatienceError
        if seconds >= _LOGGED_PAUSE_S:
            what = f"menjawab {status}" if status else "tidak menjawab"
            log.warning(
                "%s: API %s; menunggu %.0f detik (sudah %.0f dari %.0f detik)",
                self.subject, what, seconds, self.waiting.spent, self.waiting.limit,
            )  # fmt: skip
        sleep(seconds)
        self._waited()

    def _inform(self, seconds: float) -> None:
        log.info("%s: jawaban API belum selesai setelah %.0f detik", self.subject, seconds)

    def _impatient(self, who: str, last: str | None = None) -> SourceError:
        message = f"{who} kept the load waiting for {self.waiting.limit:g} s in all"
        hint = "load it later; a longer time is wait_limit of the contract's server"
        return self._fault(f"{message}; the last time: {last}" if last else message, hint)

    def _fault(self, message: str, hint: str, *, transient: bool = False) -> SourceError:
        return SourceError(self.subject, message, hint=hint, transient=transient)

    def _broken(self, who: str, error: Exception) -> SourceError:
        inner = _root(error)
        if isinstance(error, requests.exceptions.SSLError):
            if isinstance(inner, ssl.SSLCertVerificationError):
                return self._fault(f"{who}'s certificate was refused", "install its issuer, or tell the OPD")
            if not isinstance(inner, ssl.SSLEOFError | ssl.SSLZeroReturnError):
                return self._fault(f"{who} speaks no TLS that we know", "check http or https in its URL")
        if isinstance(inner, urllib3.exceptions.NewConnectionError):
            hint = "check its URL; the OPD's server may be down"
            return self._fault(f"{who}'s server cannot be reached", hint, transient=True)
        if isinstance(error, requests.Timeout) or isinstance(inner, urllib3.exceptions.TimeoutError):
            waited = f"connect {self.patience.connect:g} s, read {self.patience.read:g} s"
            message = f"{who} gave no answer in time ({waited})"
            return self._fault(message, "the OPD's server is slow or down", transient=True)
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
            return self._fault(f"{who}'s URL is none", "check it and its environment variable")
        kind = type(inner).__name__
        return self._fault(
            f"the answer of {who} broke off ({kind})", "tell the OPD if it lasts", transient=True
        )


def _redirected(url: str, target: str) -> str:
    """Where a redirect leads: it stays on its server, so that no credential is sent elsewhere."""
    try:
        followed = urljoin(url, target)
        before, after = urlsplit(url), urlsplit(followed)
        same = before.scheme == after.scheme and before.port == after.port
    except ValueError:
        raise _RedirectedAwayError from None
    upgraded = (before.scheme, after.scheme) == ("http", "https")
    if before.hostname != after.hostname or not (same or upgraded):
        raise _RedirectedAwayError
    return followed


def _body(response: requests.Response, limit: int) -> bytes:
    body = bytearray()
    try:
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > limit:
                raise TooLargeError
    except requests.RequestException as error:
        raise _BrokenBodyError(error) from None
    return bytes(body)


def _media_type(header: str | None) -> str:
    """What the answer says it is, where that is an ordinary type: a header may hold anything else."""
    named = (header or "none").partition(";")[0].strip().lower()
    return named if named in _MEDIA_TYPES or header is None else "another than a server gives"


def _measure(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


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
