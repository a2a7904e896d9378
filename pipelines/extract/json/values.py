"""JSON of an API or a file as exact values, and values as cells.

What belongs here: bytes to values, values to text. Not here: where records stand (extract/api/pagination.py,
extract/upload/json_file.py), which of their keys are columns (records.py).

Numbers keep their text. What JSON allows but nobody can keep faithfully is refused: the same key twice in one object
(RFC 8259, section 4: what a reader makes of it is not predictable). What PostgreSQL's text can't hold (NUL) and what
no UTF-8 can (half of a surrogate pair, as of a text cut within an emoji) becomes U+FFFD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec

from pipelines.errors import SourceError

_SHOWN = 40
_NO_NUMBER = "ask the OPD to write null where there is no number"
_PLAIN_DIGITS = 18
_DECODER = msgspec.json.Decoder(float_hook=msgspec.Raw)
_ENCODER = msgspec.json.Encoder()
_ESCAPE = re.compile(rb"\\(u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)
_FRACTION = re.compile("[.eE]")
_NUL = re.compile(r"\\(u0000|.)")
_CONTAINERS = frozenset({dict, list})
_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')


class JsonError(Exception):
    """What is wrong with the JSON, in words that hold no value of it."""


class TwiceError(JsonError):
    def __init__(self, key: str) -> None:
        super().__init__("an object says the same key twice")
        self.key = key


def decode(subject: str, place: str, body: bytes, content_type: str, *, tell_keys: bool = True) -> Any:
    """The document in the body of an API's answer, as `parse` gives it. Raises SourceError.

    tell_keys: whether its keys may be told, see names.py.
    """
    text = body.removeprefix(b"\xef\xbb\xbf")
    transient = False
    hint = "check extract.path; this may be a log-in or error page"
    try:
        return parse(text)
    except TwiceError as error:
        key = f"the key {error.key[:_SHOWN]!r}" if tell_keys else "a key"
        message, hint = f"an object has {key} twice", "ask the OPD which one holds"
    except msgspec.DecodeError as error:
        transient = bool(text.strip()) and "truncated" in str(error)
        message = "the JSON is cut short" if transient else f"not JSON; content type {content_type}"
        hint = "tell the OPD if it lasts" if transient else hint
        if not text.strip():
            message = "the answer is empty"
        elif constant := _constant_in(text):
            message, hint = constant, _NO_NUMBER
    except json.JSONDecodeError:
        message = f"not JSON; content type {content_type}"
    except JsonError as error:
        message, hint = str(error), _NO_NUMBER
    except UnicodeDecodeError:
        message = f"the JSON is not in UTF-8; content type {content_type}"
    except RecursionError:
        message = "the JSON is nested too deeply"
    # Raised here, outside the handlers: a chained UnicodeDecodeError would carry the whole body.
    raise SourceError(subject, f"{place}: {message}", hint=hint, transient=transient)


def parse(text: bytes) -> Any:
    """One whole JSON text: numbers that are no whole ones, or very long, are `msgspec.Raw`.

    Raises TwiceError, msgspec.DecodeError or json.JSONDecodeError, UnicodeDecodeError, RecursionError.
    """
    try:
        document = _DECODER.decode(text)
    except msgspec.ValidationError:  # a number of more digits than it takes
        return parse_exactly(text)
    except msgspec.DecodeError:
        mended = _ESCAPE.sub(_whole_pair, text)
        if mended == text:
            raise
        return parse(mended)
    return parse_exactly(text) if _may_say_twice(text, document) else document


def parse_exactly(text: bytes) -> Any:
    """The same by a reader that is slower and sees each key and number. JsonError says what of it is no JSON."""
    return _EXACT.decode(_ESCAPE.sub(_whole_pair, text).decode())


def _constant_in(text: bytes) -> str | None:
    """What is wrong where NaN or Infinity stands in the place of a number, which JSON does not have; else None."""
    try:
        parse_exactly(text)
    except TwiceError:
        return None
    except JsonError as error:
        return str(error)
    except (ValueError, RecursionError):
        return None
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set[str]()
        raise TwiceError(next(key for key, _ in pairs if key in seen or seen.add(key)))
    return found


def _whole(text: str) -> int | msgspec.Raw:
    return int(text) if len(text) <= _PLAIN_DIGITS else _raw(text)


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def refuse_constant(text: str) -> Any:
    raise JsonError(f"{text} is no JSON number")


_EXACT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_raw, parse_int=_whole, parse_constant=refuse_constant
)


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


def cell_reader(write: Callable[[str], str] | None) -> Callable[[Any], str | None]:
    """`cell`, with numbers that are no whole ones written by `write`."""
    if write is None:
        return cell

    def read(value: Any) -> str | None:
        if isinstance(value, msgspec.Raw):
            text = bytes(value).decode("ascii")
            return write(text) if _FRACTION.search(text) else text
        return cell(value)

    return read


def extra_cell(values: dict[str, Any]) -> str | None:
    """What the contract does not know, as one object of texts; null stays null, and lists and objects JSON."""
    if not values:
        return None
    texts = {k: v if isinstance(v, (list, dict)) else cell(v) for k, v in values.items()}
    return _without_nul(_ENCODER.encode(texts).decode())


def digest(value: Any) -> bytes:
    """The same for equal values, whatever white space they came with."""
    return blake2b(_ENCODER.encode(value), digest_size=16).digest()


def _whole_pair(match: re.Match[bytes]) -> bytes:
    escape = match[0]
    return rb"\ufffd" if len(escape) == 6 and escape[2] in b"dD" else escape


def _without_nul(text: str) -> str:
    if "\\u0000" not in text:
        return text
    return _NUL.sub(lambda m: "\ufffd" if m[1] == "u0000" else m[0], text)


def _may_say_twice(text: bytes, document: Any) -> bool:
    """Whether an object may have had a key twice; msgspec keeps the last one and says nothing.

    A key ends in a quote and a colon, so where there are as many of these as keys came out, none was lost. Other
    texts may hold them too, one that begins with a colon for one: only then a slower reader looks.
    """
    colons = text.count(b'":') + len(_SPACED_COLON.findall(text))
    return colons != _keys(document)


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
