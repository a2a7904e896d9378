"""Removes secrets and control characters from texts that others wrote, before they are printed.

What belongs here: the one redaction for all errors (errors.py) and for all that the commands print. Not here: persons'
numbers (personal_shapes.py), colours (runtime/terminal.py).
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

HIDDEN = "***"
_CREDENTIAL_NAMES = (
    "password|passwd|passphrase|pwd|sandi|sslpassword|secret|client_secret|token|access_token|refresh_token"
    "|api_key|apikey|api-key|subscription-key|sig|signature"
)
_URL = re.compile(r"(?<=://)(?:(?!://)[^\n])*")
# A host with its port, followed by a path, a query or a fragment. Without one of these it may be a password.
_PORT = re.compile(r"[^/@\s:]*:\d{1,5}(?:/|\?[\w.-]+=|[?#][^@\s]*(?:\s|$))|\[[0-9a-fA-F:.]+\]")
_HOST = re.compile(r"[\w.\[\]:%-]+(?=$|[/?#\s,;)'\"])|(?=/)")
_NAME = (
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|subscription-key|signature|authorization"
    r"|(?<![a-z])(?:sandi|sig)|(?<=[?&])key)"
)
# If a plain word and then another word follow a colon, the text is a sentence, not a secret.
_SENTENCE = r"[a-z-]+[,.;:]?[ \t]+(?![\w-]+[\"']?[:=])\S"
_ASSIGNED = re.compile(
    rf"(?i)({_NAME}(?:\\?[\"'])?(?:\s*=\s*|[ \t]*:(?!:)[ \t]*(?!{_SENTENCE})))(?![\"']?\$\{{)"
    r"(?:\\\"(?:(?!\\\")[^\n])*|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|[^&\s'\")]+)"
)
_HEADER = re.compile(
    r"(?i)(authorization[ \t]*[:=][ \t]*(?:bearer|basic|digest|token)[ \t]+)(?!\$\{)[^\s'\"]+"
)
_REFERENCE = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}")
_IN_QUERY = re.compile(rf"(?i)(?:{_CREDENTIAL_NAMES}|key)")
_MARKDOWN = re.compile(r"[\\`*\[\]<>!#|~]")
# C0 and C1 without line feed and tab, marks that reverse a line's direction, and surrogates of bytes that are no UTF-8.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def redacted(text: str) -> str:
    """Replaces the passwords of URLs and the values after `password=`, `token:` and the like with HIDDEN.

    A password may contain a bare @ or blank (which should be %40 or %20): it ends at the last @ before a host. If a
    plain word and then another word follow the colon, the text is a sentence and is not hidden ("password: please ask
    the admin"). The time is linear in the length.
    """
    if "://" in text:
        text = _URL.sub(lambda match: _without_password(match[0]), text)
    if "=" in text or ":" in text:
        text = _HEADER.sub(rf"\g<1>{HIDDEN}", text)
        text = _ASSIGNED.sub(rf"\g<1>{HIDDEN}", text)
    return text


def shown(text: str) -> str:
    r"""Makes `text` safe for a terminal: redacts it, and writes each control character as \x.., without its effect."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], redacted(text))


def as_markdown(text: str) -> str:
    """Makes `text` safe for a page that renders Markdown: it cannot become a link, picture, heading or HTML."""
    return _MARKDOWN.sub(r"\\\g<0>", shown(text))


def secret_in(url: str) -> str | None:
    """Returns the name of a secret that a URL contains in plain text and not as ${NAME}; None if it has none."""
    bare = _REFERENCE.sub("REF", url)
    for name in parameters(bare):
        if _IN_QUERY.fullmatch(name):
            value = re.search(rf"[?&]{re.escape(name)}=([^&#]*)", url)
            if value and value[1] and not _REFERENCE.fullmatch(value[1]):
                return name
    rest = url.partition("://")[2]
    user, at, _ = rest.rpartition("@")
    password = user.partition(":")[2]
    return "password" if at and password and not _REFERENCE.fullmatch(password) else None


def is_secret_name(name: str) -> bool:
    """Whether a parameter of this name contains a credential."""
    return _IN_QUERY.fullmatch(name) is not None


def parameters(url: str) -> tuple[str, ...]:
    """Returns the names of the parameters in a URL's query; none if the URL is not valid."""
    try:
        return tuple(name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return ()


def _without_password(rest: str) -> str:
    """Hides the password in `rest`, the part of a URL after `scheme://`."""
    user, colon, _ = rest.partition(":")
    if not colon or re.search(r"[/\s]", user) or _PORT.match(rest):
        return rest
    for at in reversed([match.start() for match in re.finditer("@", rest)]):
        if at > len(user) and _HOST.match(rest, at + 1):
            reference = _REFERENCE.fullmatch(rest, len(user) + 1, at)
            return rest if reference else f"{user}:{HIDDEN}{rest[at:]}"
    return rest
