"""SQLAlchemy URLs of databases, as libpq reads them, and without what may not be seen.

Not here: which variables hold them (settings.py, runtime/environment.py), what is redacted of a text (secrets.py).
"""

from __future__ import annotations

import re

from sqlalchemy.engine import URL, make_url

PASSWORD_HINT = "in a password write %40 for @, %2F for /, %3A for :, %20 for a blank"  # noqa: S105
_SECRETS = ("password", "sslpassword")


def libpq_url(url: str | URL) -> str:
    """A SQLAlchemy URL ("postgresql+psycopg://...") as libpq's own ("postgresql://...").

    SQLAlchemy leaves a blank of a password as it is and writes one of the query as "+"; libpq reads neither.
    """
    rendered = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    place, mark, query = rendered.partition("?")
    return place.replace(" ", "%20") + mark + query.replace("+", "%20")


def has_unescaped(url: str) -> bool:
    """Whether a user or password seems to hold a @ or blank as it is: a part of it would be taken for the host."""
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    return authority.count("@") > 1 or re.search(r"\s", authority) is not None


def without_password(url: str) -> tuple[str, str | None]:
    """Libpq's URL without any password, and the password: a command line can be read by every user."""
    parsed = make_url(url)
    found = parsed.password or next((parsed.query[name] for name in _SECRETS if name in parsed.query), None)
    bare = parsed._replace(password=None).difference_update_query(_SECRETS)
    return libpq_url(bare), str(found) if found else None
