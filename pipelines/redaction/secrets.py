"""What may be printed of a text that others had a hand in: no secret, and no sign that a terminal would obey.

What belongs here: the one redaction, which every error of the house (errors.py) and everything that the commands print
goes through. Not here: persons' numbers (personal_shapes.py), colours (runtime/terminal.py).
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
# A host with its port, and then a path, a query or a fragment: what looks like one of these may be a password.
_PORT = re.compile(r"[^/@\s:]*:\d{1,5}(?:/|\?[\w.-]+=|[?#][^@\s]*(?:\s|$))|\[[0-9a-fA-F:.]+\]")
_HOST = re.compile(r"[\w.\[\]:%-]+(?=$|[/?#\s,;)'\"])|(?=/)")
_NAME = (
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|subscription-key|signature|authorization"
    r"|(?<![a-z])(?:sandi|sig)|(?<=[?&])key)"
)
# Behind a colon a plain word that another one follows is a sentence, and no secret.
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
# C0 and C1 but for line feed and tab, what turns the direction of a line around, and bytes of a name that are no UTF-8.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def redacted(text: str) -> str:
    """`text` without the passwords of its URLs, and without what stands behind `password=`, `token:` and the like.

    A password may hold what it should have written as %40 or %20: it ends at the last @ before a host. Behind a colon
    stays what reads as a sentence: a word of letters alone, and another one behind it. Time grows with the length only.
    """
    if "://" in text:
        text = _URL.sub(lambda match: _without_password(match[0]), text)
    if "=" in text or ":" in text:
        text = _HEADER.sub(rf"\g<1>{HIDDEN}", text)
        text = _ASSIGNED.sub(rf"\g<1>{HIDDEN}", text)
    return text


def shown(text: str) -> str:
    """`text` for a terminal: redacted, and each control character as \\x.., so that none is obeyed."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], redacted(text))


def as_markdown(text: str) -> str:
    """`text` for a page that reads Markdown: no link, picture, heading or HTML of its own making."""
    return _MARKDOWN.sub(r"\\\g<0>", shown(text))


def secret_in(url: str) -> str | None:
    """Where a URL of a contract holds a secret itself and not as ${NAME}: the word for it, else None."""
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
    """Whether a parameter of this name holds a credential."""
    return _IN_QUERY.fullmatch(name) is not None


def parameters(url: str) -> tuple[str, ...]:
    """The names in the query of a URL."""
    try:
        return tuple(name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return ()


def _without_password(rest: str) -> str:
    """What stands behind `scheme://`, up to the next URL or the line's end."""
    user, colon, _ = rest.partition(":")
    if not colon or re.search(r"[/\s]", user) or _PORT.match(rest):
        return rest
    for at in reversed([match.start() for match in re.finditer("@", rest)]):
        if at > len(user) and _HOST.match(rest, at + 1):
            reference = _REFERENCE.fullmatch(rest, len(user) + 1, at)
            return rest if reference else f"{user}:{HIDDEN}{rest[at:]}"
    return rest
