"""JSON of an API as exact values, and values as cells.

What belongs here: bytes to values, values to text. Not here: where records stand (paging.py), which of their keys
are columns (records.py).

Numbers keep their text. What JSON allows but nobody can keep faithfully is refused: the same key twice in one
object (RFC 8259, section 4: what a reader makes of it is not predictable). What PostgreSQL's text can't hold (NUL)
and what no UTF-8 can (half of a surrogate pair, as of a text cut within an emoji) becomes U+FFFD.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import Any

import msgspec

from pipelines.errors import SourceError

_SHOWN = 40
_DECODER = msgspec.json.Decoder(float_hook=msgspec.Raw)
_ENCODER = msgspec.json.Encoder()
_ESCAPE = re.compile(rb"\\(u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)
_NUL = re.compile(r"\\(u0000|.)")
_CONTAINERS = frozenset({dict, list})
_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')


class _TwiceError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def decode(subject: str, place: str, body: bytes, content_type: str) -> Any:
    """The document in `body`: numbers that are no whole ones are `msgspec.Raw`. Raises SourceError."""
    text = body.removeprefix(b"\xef\xbb\xbf")
    transient = False
    hint = "check extract.path; this may be a log-in or error page"
    try:
        text, document = _decoded(text)
        if (twice := _key_twice(text, document)) is None:
            return document
        message, hint = f"an object has the key {twice[:_SHOWN]!r} twice", "ask the OPD which one holds"
    except msgspec.ValidationError:
        message, hint = "a number has too many digits", "ask the OPD"
    except msgspec.DecodeError as error:
        transient = bool(text.strip()) and "truncated" in str(error)
        message = "the JSON is cut short" if transient else f"not JSON; content type {content_type}"
        hint = "tell the OPD if it lasts" if transient else hint
        if not text.strip():
            message = "the answer is empty"
    except UnicodeDecodeError:
        message = f"the JSON is not in UTF-8; content type {content_type}"
    except RecursionError:
        message = "the JSON is nested too deeply"
    # Raised here, outside the handlers: a chained UnicodeDecodeError would carry the whole body.
    raise SourceError(subject, f"{place}: {message}", hint=hint, transient=transient)


def cell(value: Any) -> str | None:
    """A JSON value as a cell; a list or object stays JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode("ascii")
    return _without_nul(_ENCODER.encode(value).decode())


def extra_cell(values: dict[str, Any]) -> str | None:
    """What the contract does not know, as one object of texts; null stays null, and lists and objects JSON."""
    if not values:
        return None
    texts = {k: v if isinstance(v, (list, dict)) else cell(v) for k, v in values.items()}
    return _without_nul(_ENCODER.encode(texts).decode())


def digest(value: Any) -> bytes:
    """The same for equal values, whatever white space they came with."""
    return blake2b(_ENCODER.encode(value), digest_size=16).digest()


def _decoded(text: bytes) -> tuple[bytes, Any]:
    """The document, and the text that could be read: halves of surrogate pairs are none."""
    try:
        return text, _DECODER.decode(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        mended = _ESCAPE.sub(_whole_pair, text)
        if mended == text:
            raise
    return mended, _DECODER.decode(mended)


def _whole_pair(match: re.Match[bytes]) -> bytes:
    escape = match[0]
    return rb"\ufffd" if len(escape) == 6 and escape[2] in b"dD" else escape


def _without_nul(text: str) -> str:
    if "\\u0000" not in text:
        return text
    return _NUL.sub(lambda m: "\ufffd" if m[1] == "u0000" else m[0], text)


def _key_twice(text: bytes, document: Any) -> str | None:
    """A key that stands twice in one object; msgspec keeps the last one and says nothing.

    A key ends in a quote and a colon, so where there are as many of these as keys came out, none was lost. Other
    texts may hold them too, one that begins with a colon for one: only then a slower reader looks.
    """
    colons = text.count(b'":') + len(_SPACED_COLON.findall(text))
    if colons == _keys(document):
        return None
    try:
        json.loads(text, object_pairs_hook=_unique, parse_int=str, parse_float=str)
    except _TwiceError as error:
        return error.key
    return None


def _keys(document: Any) -> int:
    count = 0
    left = [document] if type(document) in _CONTAINERS else []
    while left:
        value = left.pop()
        if isinstance(value, dict):
            count += len(value)
            value = value.values()
        if not _CONTAINERS.isdisjoint(map(type, value)):
            left += [v for v in value if type(v) in _CONTAINERS]
    return count


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found
