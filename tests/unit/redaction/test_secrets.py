"""Printed texts contain no secrets and no control characters."""

from __future__ import annotations

import pytest

from pipelines.errors import GudangError
from pipelines.redaction.database_urls import has_unescaped, libpq_url, without_password
from pipelines.redaction.secrets import as_markdown, redacted, secret_in, shown

SECRET = "rahasia99"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://kantor:rahasia99@db:5432/gudang", "postgresql://kantor:***@db:5432/gudang"),
        ("to postgresql://kantor:p@rahasia99@db:5432/x: no", "to postgresql://kantor:***@db:5432/x: no"),
        ("postgresql://kantor:a rahasia99@db/x", "postgresql://kantor:***@db/x"),
        ("postgresql://kantor:a/rahasia99@db/x (is it up?)", "postgresql://kantor:***@db/x (is it up?)"),
        (
            "postgresql://kantor@db/x?password=rahasia99&port=1",
            "postgresql://kantor@db/x?password=***&port=1",
        ),
        ("a mysql://u:rahasia99@h/a b mysql://v:rahasia99@h/b", "a mysql://u:***@h/a b mysql://v:***@h/b"),
        ("https://api.contoh.id/v1?api_key=rahasia99", "https://api.contoh.id/v1?api_key=***"),
        ("https://api.contoh.id/v1?x=1&key=rahasia99", "https://api.contoh.id/v1?x=1&key=***"),
        ("host=db password='a rahasia99' user=u", "host=db password=*** user=u"),
        ("DRIVER=x;UID=u;PWD=rahasia99", "DRIVER=x;UID=u;PWD=***"),
        ("postgresql://u:1234?rahasia99@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:1234#rahasia99@h/db", "postgresql://u:***@h/db"),
        ("env PGPASSWORD=rahasia99 psql", "env PGPASSWORD=*** psql"),
        ('{"user": "u", "password": "rahasia99", "x": 1}', '{"user": "u", "password": ***, "x": 1}'),
        ("{'Authorization': 'Bearer rahasia99', 'x': 1}", "{'Authorization': ***, 'x': 1}"),
        (r'"{\"token\": \"rahasia99\"}"', r'"{\"token\": ***\"}"'),
        ("password: geheim", "password: ***"),
        ("password: geheim host: db", "password: *** host: db"),
        ("kata sandi: rahasia99 salah", "kata sandi: *** salah"),
        ("Authorization: Bearer rahasia99", "Authorization: Bearer ***"),
        ("Authorization: Basic rahasia99 was sent", "Authorization: Basic *** was sent"),
        ("X-API-Key: rahasia99", "X-API-Key: ***"),
        ('password="rahasia99', "password=***"),
    ],
)
def test_secret_is_redacted_in_urls_connection_strings_and_headers(text: str, expected: str) -> None:
    assert redacted(text) == expected
    error = GudangError(text, text, hint=text)
    assert SECRET not in f"{error} {error.subject} {error.message} {error.hint} {error.args}"


@pytest.mark.parametrize(
    "text",
    [
        "check ${GUDANG_SUMBER_DINKES_URL} and that the server answers",
        "postgresql://user:${GUDANG_PW}@db/x",
        "postgresql://postgres@/gudang?host=/tmp/x&port=5432",
        "see https://gudang.kaltimprov.go.id:8080/berkas, ask diskominfo@kaltimprov.go.id",
        "kolom key=2 tidak ada",
        "https://gudang.kaltimprov.go.id:8080?surel=a@b.id",
        "https://gudang.kaltimprov.go.id:8080?x, ask diskominfo@kaltimprov.go.id",
        "kata sandi: lihat petunjuk di README",
        "Access denied: the user or its password was refused",
        "the token endpoint gave no bearer token: only bearer tokens can be sent",
        "URL-nya memuat kata sandi (isi GUDANG_UPLOAD_ZONE_PASSWORD, dan tulis URL tanpa kata sandi)",
        "auth.token: must be a reference such as ${GUDANG_TOKEN}",
        "a contract holds a password:\n  dinkes/kunjungan",
        'password: "${GUDANG_PW}"',
        "select password::text, token from x",
    ],
)
def test_text_without_a_secret_is_unchanged(text: str) -> None:
    assert redacted(text) == text


def test_control_characters_are_shown_as_escapes() -> None:
    assert shown("a\x1b[2Jb\x07\u202ec\nd\te") == "a\\x1b[2Jb\\x07\\u202ec\nd\te"
    of_no_utf8 = b"data\xff.csv".decode("utf-8", "surrogateescape")
    assert shown(of_no_utf8).encode() == b"data\\udcff.csv"


def test_markdown_and_html_of_a_text_are_escaped() -> None:
    assert as_markdown("kolom ![x](http://h/y) <b>a_b</b> `c` # d") == (
        r"kolom \!\[x\](http://h/y) \<b\>a_b\</b\> \`c\` \# d"
    )


def test_literal_secret_in_a_location_is_found_but_a_reference_is_not() -> None:
    faulty = {
        "postgresql://u:rahasia99@h/d": "password",
        "postgresql://u:a${GUDANG_PW}@h/d": "password",
        "postgresql://u:a@b@h/d": "password",
        "postgresql://u@h/d?password=rahasia99": "password",
        "https://h/v1?api_key=rahasia99": "api_key",
    }
    good = [
        "${GUDANG_URL}",
        "postgresql://u:${GUDANG_PW}@h/d",
        "https://h:8080/v1",
        "https://h/?key=${GUDANG_KEY}",
    ]
    assert {url: secret_in(url) for url in faulty} == faulty
    assert [url for url in good if secret_in(url)] == []


def test_libpq_url_is_readable_and_password_is_separated() -> None:
    assert libpq_url("postgresql+psycopg://u:a%20b@h/d?options=-c%20x%3D1") == (
        "postgresql://u:a%20b@h/d?options=-c%20x%3D1"
    )
    assert without_password("postgresql+psycopg://u:rahasia99@h/d") == ("postgresql://u@h/d", SECRET)
    assert without_password("postgresql://u@h/d?password=rahasia99&port=1") == (
        "postgresql://u@h/d?port=1",
        SECRET,
    )
    assert without_password("postgresql://u@h/d") == ("postgresql://u@h/d", None)


def test_unescaped_sign_in_a_password_is_found() -> None:
    assert has_unescaped("postgresql://u:a@b@h/d") and has_unescaped("postgresql://u:a b@h/d")
    assert not has_unescaped("postgresql://u:a%40b%20c@h/d?options=-c x@y")
