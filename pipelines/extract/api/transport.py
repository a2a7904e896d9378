"""Sends one request to an OPD's server and reads its complete answer: time, size, retries, redirects and TLS.

What belongs here: the session, retries and pauses. Not here: log-in (auth.py), bounds (deadline.py), what a failure
means (faults.py), which status is a refusal (client.py). An exception of the library requests has the URL in its text,
and the URL may contain a key. So the exception is never shown, logged or chained.

Why the library requests, with our own bounds (deadline.py), and not httpx with stamina: docs/adr/029.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import requests
from requests.auth import AuthBase

from pipelines.errors import SourceError
from pipelines.extract.api.deadline import BoundedAdapter, Limits, TooLargeError, bounded
from pipelines.extract.api.faults import (
    FAULTS,
    MAX_REDIRECTS,
    REQUEST_ERRORS,
    BrokenBodyError,
    TooManyRedirectsError,
    answer_fault,
    is_of_answer,
    is_of_connecting,
)
from pipelines.extract.api.headers import media_type, redirect_url, retry_after
from pipelines.extract.source_limits import Clock, WaitBudget

RETRIES = 5
"""The most retries of one URL. Each redirect, and each repetition after a broken body, begins the count anew."""
READ_RETRIES = 2
"""The most retries, of these, after a connection that was lost; and the most repetitions after a broken body."""
RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""
_CHUNK = 1 << 16
_LOGGED_PAUSE_S = 2.0
log = logging.getLogger("gudang.muat")
_TARGET = re.compile(r"(https?://[^/\s'\"]*|(?<![\w:/]))/[^\s'\"]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a server.

    body: None if the body was not wanted for this status. link: the URL of its Link header with rel="next".
    """

    status: int
    body: bytes | None
    content_type: str
    link: str | None


@dataclass(frozen=True, slots=True)
class _Request:
    """A request to send.

    form: the fields of a POST; None for a GET. wanted: the statuses whose body is read. limit: the bytes of a body.
    """

    url: str
    auth: AuthBase
    params: Mapping[str, str]
    form: Mapping[str, str] | None
    wanted: Collection[int]
    limit: int


class _WaitedTooLongError(Exception):
    """The next pause would be longer than the load may still wait."""


class _Session(requests.Session):
    """A session that follows no redirect itself: requests would read the body of each, however large."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002  # requests' name
        return None

    def redirect_of(self, response: requests.Response) -> str | None:
        return super().get_redirect_target(response)


class _TargetRemover(logging.Filter):
    """Removes path and query, which may contain a key, from the messages that urllib3 logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _TARGET.sub(r"\1/...", record.getMessage())
        record.args = None
        return True


_TARGET_REMOVER = _TargetRemover()


class Transport:
    """Sends the requests for one dataset in one session. Close it when done."""

    def __init__(
        self,
        subject: str,
        limits: Limits | None = None,
        waiting: WaitBudget | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.subject = subject
        self.limits = limits or Limits()
        self.waiting = waiting or WaitBudget()
        self._clock = clock or Clock()
        self._counted_until = 0.0
        self._session = _Session()
        self._session.headers.update({"Accept": "application/json", "User-Agent": "gudang-data-kaltim"})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, BoundedAdapter())
        logging.getLogger("urllib3.connectionpool").addFilter(_TARGET_REMOVER)

    def close(self) -> None:
        """Closes the connections of the session."""
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
        """Sends a GET, or a POST of `form`, and returns the answer. A POST follows no redirect.

        who: the server's name in messages. wanted: the statuses whose body is read. limit: the most bytes of a body.
        Raises SourceError if no complete answer arrives.
        """
        limit = self.limits.max_body if limit is None else limit
        request = _Request(url, auth, params or {}, form, wanted, limit)
        # A request always gets at least `limits.read` seconds, even if less is left of the load's wait limit.
        seconds = min(self.limits.total, max(self.waiting.left, self.limits.read))
        self._counted_until = self._clock.monotonic()
        try:
            with bounded(seconds, self.limits.max_body, self._report):
                return self._complete(request)
        except _WaitedTooLongError:
            fault = self._waited_too_long(who)
        except FAULTS as error:
            fault = answer_fault(self.subject, who, error, self.limits, seconds, limit)
        self._count_wait()
        if fault.transient and self.waiting.left <= 0:
            fault = self._waited_too_long(who, fault.message)
        # Raised here, outside of the handlers: a chained error would bring the URL into the logs.
        raise fault

    def _complete(self, request: _Request) -> Answer:
        """Returns the answer; asks again at once, up to READ_RETRIES times, if its body breaks off."""
        for _ in range(READ_RETRIES):
            with suppress(BrokenBodyError):
                return self._redirected(request)
            self._count_wait()
        return self._redirected(request)

    def _redirected(self, request: _Request) -> Answer:
        """Follows redirects within their server, and returns the answer at their end."""
        url, params = request.url, request.params
        for _ in range(MAX_REDIRECTS + 1):
            with self._retried(request, url, params) as response:
                target = self._session.redirect_of(response) if request.form is None else None
                if target is None:
                    return _answer(response, request)
            url, params = redirect_url(url, target), {}
        raise TooManyRedirectsError

    def _retried(self, request: _Request, url: str, params: Mapping[str, str]) -> requests.Response:
        """Sends the request until its status is not one that may be temporary; returns that or the last response.

        Its body is not read yet. Retries are counted as by urllib3's Retry(total=RETRIES, read=READ_RETRIES, other=0).
        """
        broken = 0
        for attempt in range(RETRIES):
            wanted, status = 0.0, None
            try:
                response = self._sent(request, url, params)
            except REQUEST_ERRORS as error:
                broken += is_of_answer(error)
                if broken > READ_RETRIES or not (is_of_answer(error) or is_of_connecting(error)):
                    raise
            else:
                if not _may_pass(response):
                    return response
                response.close()
                wanted, status = self._retry_after(response), response.status_code
            backoff = self.limits.backoff * 2**attempt if attempt else 0
            self._pause(wanted or min(backoff, self.limits.longest_pause), status)
        return self._sent(request, url, params)

    def _sent(self, request: _Request, url: str, params: Mapping[str, str]) -> requests.Response:
        return self._session.request(
            "GET" if request.form is None else "POST",
            url,
            params=dict(params),
            data=None if request.form is None else dict(request.form),
            auth=request.auth,
            timeout=(self.limits.connect, self.limits.read),
            stream=True,
        )

    def _retry_after(self, response: requests.Response) -> float:
        now = self._clock.now().timestamp()
        return min(retry_after(response.headers.get("Retry-After"), now), self.limits.longest_pause)

    def _count_wait(self) -> None:
        """Adds the time since the last count (an attempt or a pause) to the time that the load has waited."""
        now = self._clock.monotonic()
        self.waiting.spent += now - self._counted_until
        self._counted_until = now

    def _pause(self, seconds: float, status: int | None) -> None:
        """Waits before the next attempt. Raises _WaitedTooLongError if the load may not wait that long.

        status: the status of the refusal; None if there was no answer.
        """
        self._count_wait()
        if seconds > self.waiting.left:
            raise _WaitedTooLongError
        if seconds >= _LOGGED_PAUSE_S:
            what = f"menjawab {status}" if status else "tidak menjawab"
            log.warning(
                "%s: API %s; menunggu %.0f detik (sudah %.0f dari %.0f detik)",
                self.subject, what, seconds, self.waiting.spent, self.waiting.limit,
            )  # fmt: skip
        self._clock.sleep(seconds)
        self._count_wait()

    def _report(self, seconds: float) -> None:
        log.info("%s: jawaban API belum selesai setelah %.0f detik", self.subject, seconds)

    def _waited_too_long(self, who: str, last: str | None = None) -> SourceError:
        message = f"pemuatan sudah menunggu {who} selama batas waktunya, {self.waiting.limit:g} detik"
        hint = "muat lagi nanti; batas waktu itu adalah wait_limit pada server di kontrak"
        return SourceError(
            self.subject, f"{message}; terakhir: {last}" if last else message, hint=hint, code="GDK-S010"
        )


def _may_pass(response: requests.Response) -> bool:
    """Whether the same request may succeed; after 413 only if the server says when."""
    if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return bool(response.headers.get("Retry-After"))
    return response.status_code in RETRYABLE_STATUSES


def _answer(response: requests.Response, request: _Request) -> Answer:
    return Answer(
        response.status_code,
        _body(response, request.limit) if response.status_code in request.wanted else None,
        media_type(response.headers.get("Content-Type")),
        response.links.get("next", {}).get("url"),
    )


def _body(response: requests.Response, limit: int) -> bytes:
    """Reads the body. Raises TooLargeError, or BrokenBodyError if it breaks off."""
    body = bytearray()
    try:
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > limit:
                raise TooLargeError
    except requests.RequestException as error:
        raise BrokenBodyError(error) from None
    return bytes(body)
