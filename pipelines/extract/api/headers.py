"""Reads an answer's headers: where a redirect leads, how long to wait, which type the body has.

What belongs here: pure functions of a header. Not here: requests (transport.py).
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from pipelines.extract.api.faults import RedirectedAwayError

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


def redirect_url(url: str, target: str) -> str:
    """Returns where a redirect leads. Raises RedirectedAwayError if it leaves the server: the credential would follow.

    Only the change from http to https is allowed.
    """
    try:
        followed = urljoin(url, target)
        before, after = urlsplit(url), urlsplit(followed)
        same = before.scheme == after.scheme and before.port == after.port
    except ValueError:
        raise RedirectedAwayError from None
    upgraded = (before.scheme, after.scheme) == ("http", "https")
    if before.hostname != after.hostname or not (same or upgraded):
        raise RedirectedAwayError
    return followed


def retry_after(header: str | None, now: float) -> float:
    """Returns the seconds that a Retry-After header asks for, 0 if it can't be read (RFC 9110, section 10.2.3).

    now: seconds since the epoch.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


def media_type(header: str | None) -> str:
    """Returns the type that a Content-Type header names, if it is a usual one: a header may contain anything."""
    named = (header or "tidak ada").partition(";")[0].strip().lower()
    return named if named in _MEDIA_TYPES or header is None else "yang tidak lazim"
