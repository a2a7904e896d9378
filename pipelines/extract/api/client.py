"""Sends GET requests to an OPD's API with its credential; says which answers are refusals, and what to do about them.

What belongs here: statuses, with messages that name the variables to check. Not here: the request (transport.py), the
credential (auth.py), pages (pagination.py), records (extract/json/records.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pipelines.errors import SourceError
from pipelines.extract.api.auth import make_login, variables
from pipelines.extract.api.deadline import Limits
from pipelines.extract.api.transport import RETRIES, RETRYABLE_STATUSES, Answer, Transport
from pipelines.extract.source_limits import Clock, WaitBudget

_WHO = "API"


class ApiClient:
    """Sends GET requests for one dataset in one session. Close it when done."""

    def __init__(
        self,
        subject: str,
        auth: Mapping[str, str] | None,
        env: Mapping[str, str],
        limits: Limits | None = None,
        named: tuple[str, ...] = (),
        waiting: WaitBudget | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Makes a client. named: the environment variables in the URL and its parameters; they may be credentials."""
        clock = clock or Clock()
        self.subject = subject
        self.variables = tuple(dict.fromkeys((*variables(auth), *named)))
        self._transport = Transport(subject, limits, waiting, clock)
        self._login = make_login(self._transport, auth, env, clock.monotonic)

    def close(self) -> None:
        """Closes the session."""
        self._transport.close()

    def get(self, url: str, params: Mapping[str, str], *, missing_ok: bool = False) -> Answer:
        """Returns the complete answer. Raises SourceError for every status but 200, and 404 if `missing_ok`.

        After a 401 the log-in is renewed once, if it can be.
        """
        answer = self._transport.ask(_WHO, url, self._login.carried(), params=params)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._login.renew():
            answer = self._transport.ask(_WHO, url, self._login.carried(), params=params)
        if answer.status == HTTPStatus.OK or (answer.status == HTTPStatus.NOT_FOUND and missing_ok):
            return answer
        raise self._refused(answer.status)

    def _refused(self, status: int) -> SourceError:
        phrase = (
            HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "status tidak dikenal"
        )
        answered = f"{_WHO} menjawab {status} {phrase}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            if not self.variables:
                return self._fault(
                    f"{answered}: perlu kredensial", "isi extract.auth di kontrak", code="GDK-S003"
                )
            return self._fault(
                f"{answered}: kredensial ditolak", f"periksa {', '.join(self.variables)}", code="GDK-S003"
            )
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return self._fault(
                f"{answered}, {RETRIES + 1} kali",
                "muat lagi nanti, atau lebih jarang",
                transient=True,
                code="GDK-S010",
            )
        if status in RETRYABLE_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._fault(
                f"{answered}, juga setelah dicoba lagi",
                "beri tahu OPD bila berlanjut",
                transient=True,
                code="GDK-S010",
            )
        return self._fault(answered, "periksa URL API, extract.path, dan extract.params", code="GDK-S009")

    def _fault(self, message: str, hint: str, *, code: str, transient: bool = False) -> SourceError:
        return SourceError(self.subject, message, hint=hint, transient=transient, code=code)
