"""GETs of an OPD's API, logged in: which answers are refusals, and what to do about them.

What belongs here: statuses, in words that name the variables to check. Not here: the request (transport.py),
what it carries (auth.py), pages (pagination.py), records (extract/json/records.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from pipelines.errors import SourceError
from pipelines.extract.api.auth import make_login, variables
from pipelines.extract.api.transport import PASSING, RETRIES, Answer, Patience, Transport
from pipelines.extract.courtesy import Waiting

_WHO = "the API"


class ApiClient:
    """GETs for one dataset, as one session. Close it when done."""

    def __init__(
        self,
        subject: str,
        auth: Mapping[str, str] | None,
        env: Mapping[str, str],
        patience: Patience,
        named: tuple[str, ...] = (),
        waiting: Waiting | None = None,
    ) -> None:
        """named: environment variables in the URL and its parameters, which may be credentials too.

        waiting: what the load has waited in vain so far, where it asks again after a failed reading.
        """
        self.subject = subject
        self.variables = tuple(dict.fromkeys((*variables(auth), *named)))
        self._transport = Transport(subject, patience, waiting)
        self._login = make_login(self._transport, auth, env)

    def close(self) -> None:
        self._transport.close()

    def get(self, url: str, params: Mapping[str, str], *, missing_ok: bool = False) -> Answer:
        """The whole answer. Raises SourceError for everything but 200; `missing_ok` lets a 404 pass."""
        answer = self._transport.ask(_WHO, url, self._login.carried(), params=params)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._login.renew():
            answer = self._transport.ask(_WHO, url, self._login.carried(), params=params)
        if answer.status == HTTPStatus.OK or (answer.status == HTTPStatus.NOT_FOUND and missing_ok):
            return answer
        raise self._refused(answer.status)

    def _refused(self, status: int) -> SourceError:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "unknown status"
        said = f"{_WHO} answered {status} {phrase}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            if not self.variables:
                return self._fault(f"{said}: it wants a credential", "declare extract.auth in the contract")
            return self._fault(f"{said}: the credential was refused", f"check {', '.join(self.variables)}")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return self._fault(f"{said}, {RETRIES + 1} times", "load it later, or less often", transient=True)
        if status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._fault(f"{said}, also when asked again", "tell the OPD if it lasts", transient=True)
        return self._fault(said, "check the API's URL, extract.path and extract.params")

    def _fault(self, message: str, hint: str, *, transient: bool = False) -> SourceError:
        return SourceError(self.subject, message, hint=hint, transient=transient)
