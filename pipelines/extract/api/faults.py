"""Explains in a SourceError with a hint why no complete answer of an API arrived.

What belongs here: errors of the libraries requests and urllib3 and of our own bounds. The message never quotes the
error, because its text may contain a key. Not here: statuses (client.py).
"""

from __future__ import annotations

import ssl
from typing import Any

import requests
import urllib3

from pipelines.errors import SourceError
from pipelines.extract.api.deadline import Limits, TooLargeError, TooSlowError

MAX_REDIRECTS = 5


class RedirectedAwayError(Exception):
    """A redirect leads to another server."""


class TooManyRedirectsError(Exception):
    """More than MAX_REDIRECTS redirects, one after the other."""


class BrokenBodyError(Exception):
    """An answer began well, and its body broke off.

    cause: the error of the library requests.
    """

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


REQUEST_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError)
"""The errors of one attempt."""
FAULTS = (
    *REQUEST_ERRORS,
    BrokenBodyError,
    RedirectedAwayError,
    TooManyRedirectsError,
    TooLargeError,
    TooSlowError,
)
"""The errors that may keep an answer from arriving; any other error is a fault in our code."""


def answer_fault(
    subject: str, who: str, error: Exception, limits: Limits, seconds: float, size: int
) -> SourceError:
    """Returns the error for a request that got no complete answer.

    who: the server's name in messages. seconds, size: the limits of the answer.
    """

    def fault(message: str, hint: str, *, code: str, transient: bool = False) -> SourceError:
        return SourceError(subject, message, hint=hint, transient=transient, code=code)

    if isinstance(error, BrokenBodyError):
        error = error.cause
    match error:
        case RedirectedAwayError():
            hint = "perbaiki URL-nya: kredensial tidak dikirim ke host lain"
            return fault(f"{who} mengalihkan ke host lain", hint, code="GDK-S019")
        case TooManyRedirectsError():
            hint = "perbaiki URL-nya atau servernya"
            return fault(f"{who} mengalihkan lebih dari {MAX_REDIRECTS} kali", hint, code="GDK-S019")
        case TooLargeError():
            hint = "minta lebih sedikit dalam satu permintaan, atau tanyakan kepada OPD"
            return fault(f"jawaban {who} lebih besar dari {_measure(size)}", hint, code="GDK-S014")
        case TooSlowError():
            hint = "minta lebih sedikit dalam satu permintaan; server OPD mungkin lambat"
            return fault(
                f"jawaban {who} tidak lengkap dalam {seconds:g} detik", hint, transient=True, code="GDK-S002"
            )
        case requests.exceptions.InvalidURL() | requests.exceptions.MissingSchema():
            return fault(
                f"URL {who} tidak sah", "periksa URL itu dan variabel lingkungannya", code="GDK-K019"
            )
        case _:
            pass
    cause = _first_cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return fault(
            f"sertifikat {who} ditolak", "pasang penerbit sertifikatnya, atau beri tahu OPD", code="GDK-S017"
        )
    if _is_of_tls(error):
        return fault(
            f"{who} tidak memakai TLS yang dikenal", "periksa http atau https pada URL-nya", code="GDK-S017"
        )
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        hint = "periksa URL-nya; server OPD mungkin mati"
        return fault(f"server {who} tidak terjangkau", hint, transient=True, code="GDK-S002")
    if isinstance(error, requests.Timeout) or isinstance(cause, urllib3.exceptions.TimeoutError):
        waited = f"koneksi {limits.connect:g} detik, baca {limits.read:g} detik"
        message = f"{who} tidak menjawab dalam batas waktu ({waited})"
        return fault(message, "server OPD lambat atau mati", transient=True, code="GDK-S002")
    message = f"jawaban {who} terputus ({type(cause).__name__})"
    return fault(message, "beri tahu OPD bila berlanjut", transient=True, code="GDK-S002")


def is_of_connecting(error: Exception) -> bool:
    """Whether the server, or the proxy, was not reached, so that the request was not sent."""
    cause = _first_cause(error)
    if isinstance(cause, urllib3.exceptions.ProxyError):
        cause = cause.original_error
    return isinstance(cause, urllib3.exceptions.ConnectTimeoutError)


def is_of_answer(error: Exception) -> bool:
    """Whether the answer did not come or was broken after the request had begun."""
    broken = urllib3.exceptions.ReadTimeoutError | urllib3.exceptions.ProtocolError
    return isinstance(_first_cause(error), broken)


def _is_of_tls(error: Exception) -> bool:
    """Whether client and server could not agree on TLS. False for a lost connection."""
    lost = ssl.SSLEOFError | ssl.SSLZeroReturnError
    return isinstance(error, requests.exceptions.SSLError) and not isinstance(_first_cause(error), lost)


def _measure(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def _first_cause(error: BaseException) -> BaseException:
    """Returns the first error, which requests and urllib3 have wrapped."""
    seen = error
    for _ in range(5):
        reason: Any = getattr(seen, "reason", None)
        if not isinstance(reason, BaseException):
            reason = seen.args[0] if seen.args else None
        if not isinstance(reason, BaseException):
            return seen
        seen = reason
    return seen
