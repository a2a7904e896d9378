"""The message for each error of requests, or of our limits, that prevents a complete answer."""

from __future__ import annotations

import ssl

import pytest
import requests
import urllib3
from urllib3.connection import HTTPConnection

from pipelines.extract.api.deadline import Limits, TooLargeError, TooSlowError
from pipelines.extract.api.faults import (
    RedirectedAwayError,
    TooManyRedirectsError,
    answer_fault,
    is_of_answer,
    is_of_connecting,
)

URL = "http://api.uji.go.id/?kunci=s3cret"
POOL = urllib3.HTTPConnectionPool("api.uji.go.id")


def wrapped(reason: Exception) -> urllib3.exceptions.MaxRetryError:
    return urllib3.exceptions.MaxRetryError(POOL, URL, reason)


UNREACHED = requests.ConnectionError(
    wrapped(urllib3.exceptions.NewConnectionError(HTTPConnection("api.uji.go.id"), URL))
)
UNTRUSTED = requests.exceptions.SSLError(
    wrapped(urllib3.exceptions.SSLError(ssl.SSLCertVerificationError(1, URL)))
)
NO_TLS = requests.exceptions.SSLError(
    wrapped(urllib3.exceptions.SSLError(ssl.SSLError(1, "WRONG_VERSION_NUMBER")))
)
TLS_LOST = requests.exceptions.SSLError(wrapped(urllib3.exceptions.SSLError(ssl.SSLEOFError(8, "EOF"))))
BROKEN = requests.exceptions.ChunkedEncodingError(urllib3.exceptions.ProtocolError(f"broken: {URL}"))


@pytest.mark.parametrize(
    ("error", "message", "transient"),
    [
        (RedirectedAwayError(), "API mengalihkan ke host lain", False),
        (TooManyRedirectsError(), "API mengalihkan lebih dari 5 kali", False),
        (TooLargeError(), "jawaban API lebih besar dari 2 MiB", False),
        (TooSlowError(), "jawaban API tidak lengkap dalam 900 detik", True),
        (requests.exceptions.InvalidURL(URL), "URL API tidak sah", False),
        (UNREACHED, "server API tidak terjangkau", True),
        (UNTRUSTED, "sertifikat API ditolak", False),
        (NO_TLS, "API tidak memakai TLS yang dikenal", False),
        (TLS_LOST, "jawaban API terputus (SSLEOFError)", True),
        (
            requests.ReadTimeout(urllib3.exceptions.ReadTimeoutError(POOL, URL, URL)),
            "API tidak menjawab dalam batas waktu (koneksi 5 detik, baca 60 detik)",
            True,
        ),
        (BROKEN, "jawaban API terputus (ProtocolError)", True),
    ],
)
def test_error_becomes_a_message_without_its_own_text(
    error: Exception, message: str, transient: bool
) -> None:
    fault = answer_fault("a/b", "API", error, Limits(), 900, 2 << 20)
    assert fault.message == message
    assert fault.transient is transient and fault.hint
    assert "s3cret" not in str(fault)


CONNECT_TIMEOUT = requests.ConnectTimeout(wrapped(urllib3.exceptions.ConnectTimeoutError(URL)))
NO_PROXY = requests.exceptions.ProxyError(
    wrapped(urllib3.exceptions.ProxyError(URL, urllib3.exceptions.ConnectTimeoutError(URL)))
)
PROXY_REFUSES = requests.exceptions.ProxyError(
    wrapped(urllib3.exceptions.ProxyError(URL, OSError("Tunnel connection failed: 403")))
)
DROPPED = requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", OSError()))
READ_TIMEOUT = requests.ReadTimeout(urllib3.exceptions.ReadTimeoutError(POOL, URL, URL))


def test_errors_of_connecting_and_of_an_answer_are_distinguished() -> None:
    for error in (UNREACHED, CONNECT_TIMEOUT, NO_PROXY):
        assert is_of_connecting(error) and not is_of_answer(error)
    for error in (BROKEN, DROPPED, READ_TIMEOUT):
        assert is_of_answer(error) and not is_of_connecting(error)


def test_tls_errors_and_refusing_proxies_are_neither_and_so_not_retried() -> None:
    for error in (UNTRUSTED, NO_TLS, TLS_LOST, PROXY_REFUSES, requests.exceptions.InvalidURL(URL)):
        assert not is_of_connecting(error) and not is_of_answer(error)
