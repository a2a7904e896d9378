"""How headers of an answer are read. These tests need no server."""

from __future__ import annotations

import pytest

from pipelines.extract.api.faults import RedirectedAwayError
from pipelines.extract.api.headers import media_type, redirect_url, retry_after

HOME = "http://api.uji.go.id/v1/izin"
NOW = 1_000_000_000.0  # Sun, 09 Sep 2001 01:46:40 GMT


@pytest.mark.parametrize(
    ("target", "followed"),
    [
        ("/v2/izin", "http://api.uji.go.id/v2/izin"),
        ("izin?p=2", "http://api.uji.go.id/v1/izin?p=2"),
        ("https://api.uji.go.id/v1/izin", "https://api.uji.go.id/v1/izin"),
    ],
)
def test_redirect_on_the_same_server_is_followed(target: str, followed: str) -> None:
    assert redirect_url(HOME, target) == followed


@pytest.mark.parametrize(
    "target", ["http://lain.go.id/", "http://api.uji.go.id:8080/", "ftp://api.uji.go.id/", "http://[1"]
)
def test_redirect_to_another_server_is_refused(target: str) -> None:
    with pytest.raises(RedirectedAwayError):
        redirect_url(HOME, target)


def test_redirect_from_https_to_http_is_refused() -> None:
    with pytest.raises(RedirectedAwayError):
        redirect_url("https://api.uji.go.id/v1", "http://api.uji.go.id/v1")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("Sun, 09 Sep 2001 01:46:49 GMT", 9),
        ("Sun, 09 Sep 2001 01:46:49 -0000", 9),
        ("Sun, 09 Sep 2001 01:46:39 GMT", 0),
        ("besok", 0),
        ("-1", 0),
        ("1.5", 0),
        ("\u0667", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_retry_after_is_read_as_seconds_or_date_else_zero(header: str | None, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Application/JSON; charset=utf-8", "application/json"),
        ("text/Budi Santoso", "yang tidak lazim"),
        (None, "tidak ada"),
    ],
)
def test_only_usual_media_types_are_shown(header: str | None, shown: str) -> None:
    assert media_type(header) == shown
