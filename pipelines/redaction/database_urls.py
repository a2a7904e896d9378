"""Rewrites SQLAlchemy URLs of databases in libpq's form, and without their password.

Not here: which variables hold them (settings.py, runtime/environment.py), what is redacted of a text (secrets.py).
"""

from __future__ import annotations

import re

from sqlalchemy.engine import URL, make_url

PASSWORD_HINT = "dalam kata sandi tulis %40 untuk @, %2F untuk /, %3A untuk :, %20 untuk spasi"  # noqa: S105
_SECRETS = ("password", "sslpassword")


def libpq_url(url: str | URL) -> str:
    """Rewrites a SQLAlchemy URL ("postgresql+psycopg://...") in libpq's form ("postgresql://...").

    SQLAlchemy keeps a blank in a password and writes a blank in the query as "+"; libpq reads neither.
    """
    rendered = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    place, mark, query = rendered.partition("?")
    return place.replace(" ", "%20") + mark + query.replace("+", "%20")


def has_unescaped(url: str) -> bool:
    """Whether user or password contain a bare @ or blank, so that a part of them would be read as the host."""
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    return authority.count("@") > 1 or re.search(r"\s", authority) is not None


def without_password(url: str) -> tuple[str, str | None]:
    """Splits libpq's URL into the URL without its password, and the password.

    This is for command lines, which every user of the machine can read.
    """
    parsed = make_url(url)
    found = parsed.password or next((parsed.query[name] for name in _SECRETS if name in parsed.query), None)
    bare = parsed._replace(password=None).difference_update_query(_SECRETS)
    return libpq_url(bare), str(found) if found else None
