"""Decodes the JSON of an API or a file into exact values, and writes values as the text of cells.

What belongs here: decoding and encoding. Not here: where records are in a document (extract/api/reader.py,
extract/upload/json_file.py), which of their keys are columns (records.py).

Numbers keep their text. A key that occurs twice in one object is refused, because readers treat it differently (RFC
8259, section 4). A NUL, which PostgreSQL's text can't contain, and half of a surrogate pair, which UTF-8 can't contain
(as in a text that was cut within an emoji), become U+FFFD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec

from pipelines.errors import SourceError

_LONGEST_KEY_SHOWN = 40
_NO_NUMBER = "minta OPD menulis null bila tidak ada angka"
_CHECK_PATH = "periksa extract.path; ini mungkin halaman login atau halaman kesalahan"
_PLAIN_DIGITS = 18
"""The most digits of a whole number that becomes an int; a longer one keeps its text."""
_DECODER = msgspec.json.Decoder(float_hook=msgspec.Raw)
_ENCODER = msgspec.json.Encoder()
_ESCAPE = re.compile(rb"\\(u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)
"""An escape: a surrogate pair, half of one, or any other."""
_FRACTION = re.compile("[.eE]")
_NUL = re.compile(r"\\(u0000|.)")
_CONTAINERS = frozenset({dict, list})
_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')


class JsonError(Exception):
    """A fault in the JSON. Its text is Indonesian and contains no value."""


class DuplicateKeyError(JsonError):
    """An object has a key twice."""

    def __init__(self, key: str) -> None:
        super().__init__("sebuah objek punya kunci ganda")
        self.key = key


def decode(subject: str, place: str, body: bytes, content_type: str, *, show_keys: bool = True) -> Any:
    """Decodes the body of an API's answer as `parse` does. Raises SourceError.

    show_keys: whether a message may show keys of the document, see extract/source_names.py.
    """
    text = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return parse(text)
    except (
        JsonError,
        msgspec.DecodeError,
        json.JSONDecodeError,
        UnicodeDecodeError,
        RecursionError,
    ) as error:
        message, hint = _fault(error, text, content_type, show_keys)
        transient = message == _CUT_SHORT
    # Raised here, outside the handler: a chained UnicodeDecodeError would carry the whole body.
    raise SourceError(subject, f"{place}: {message}", hint=hint, transient=transient, code="GDK-S011")


_CUT_SHORT = "JSON terpotong"


def _fault(error: Exception, text: bytes, content_type: str, show_keys: bool) -> tuple[str, str]:
    """Returns message and hint for a text that could not be decoded."""
    match error:
        case DuplicateKeyError():
            key = f"kunci {error.key[:_LONGEST_KEY_SHOWN]!r}" if show_keys else "kunci"
            return f"sebuah objek punya {key} ganda", "tanyakan kepada OPD mana yang berlaku"
        case JsonError():
            return str(error), _NO_NUMBER
        case UnicodeDecodeError():
            return f"JSON tidak dalam UTF-8; Content-Type {content_type}", _CHECK_PATH
        case RecursionError():
            return "JSON bersarang terlalu dalam", _CHECK_PATH
        case _ if not text.strip():
            return "jawaban kosong", _CHECK_PATH
        case _ if constant := _constant_in(text):
            return constant, _NO_NUMBER
        case msgspec.DecodeError() if "truncated" in str(error):
            return _CUT_SHORT, "beri tahu OPD bila berlanjut"
        case _:
            return f"bukan JSON; Content-Type {content_type}", _CHECK_PATH


def parse(text: bytes) -> Any:
    """Returns the value of a complete JSON text. Numbers with a fraction, and very long ones, are `msgspec.Raw`.

    Raises DuplicateKeyError, msgspec.DecodeError or json.JSONDecodeError, UnicodeDecodeError, RecursionError.
    """
    try:
        document = _DECODER.decode(text)
    except msgspec.ValidationError:  # a number with more digits than msgspec reads
        return parse_exactly(text)
    except msgspec.DecodeError:
        repaired = _ESCAPE.sub(_replace_half_pair, text)
        if repaired == text:
            raise
        return parse(repaired)
    return parse_exactly(text) if _may_have_duplicates(text, document) else document


def parse_exactly(text: bytes) -> Any:
    """Does the same as `parse`, with the slower reader of the standard library, which sees each key and number.

    Raises JsonError if NaN or Infinity is used as a number.
    """
    return _EXACT.decode(_ESCAPE.sub(_replace_half_pair, text).decode())


def _constant_in(text: bytes) -> str | None:
    """Returns the error message if the text uses NaN or Infinity as a number, which JSON does not allow; else None."""
    try:
        parse_exactly(text)
    except DuplicateKeyError:
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
        raise DuplicateKeyError(next(key for key, _ in pairs if key in seen or seen.add(key)))
    return found


def _whole_number(text: str) -> int | msgspec.Raw:
    return int(text) if len(text) <= _PLAIN_DIGITS else _raw(text)


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def refuse_constant(text: str) -> Any:
    """Raises JsonError for NaN or Infinity."""
    raise JsonError(f"{text} bukan angka JSON")


_EXACT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_raw, parse_int=_whole_number, parse_constant=refuse_constant
)


def cell(value: Any) -> str | None:
    """Returns the text of a JSON value as a cell; None for null. A list or object stays JSON."""
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
    """Returns a function like `cell` that writes numbers with a fraction or an exponent with `write`."""
    if write is None:
        return cell

    def read(value: Any) -> str | None:
        if isinstance(value, msgspec.Raw):
            text = bytes(value).decode("ascii")
            return write(text) if _FRACTION.search(text) else text
        return cell(value)

    return read


def extra_cell(values: dict[str, Any]) -> str | None:
    """Returns the keys that the contract does not know as one JSON object of texts; None if there are none.

    null stays null, and lists and objects stay JSON.
    """
    if not values:
        return None
    texts = {k: v if isinstance(v, (list, dict)) else cell(v) for k, v in values.items()}
    return _without_nul(_ENCODER.encode(texts).decode())


def digest(value: Any) -> bytes:
    """Returns a hash of a JSON value. Equal values have the same hash, whatever white space their text had."""
    return blake2b(_ENCODER.encode(value), digest_size=16).digest()


def _replace_half_pair(match: re.Match[bytes]) -> bytes:
    """Returns U+FFFD for half of a surrogate pair, and any other escape as it is."""
    escape = match[0]
    return rb"\ufffd" if len(escape) == 6 and escape[2] in b"dD" else escape


def _without_nul(text: str) -> str:
    if "\\u0000" not in text:
        return text
    return _NUL.sub(lambda m: "\ufffd" if m[1] == "u0000" else m[0], text)


def _may_have_duplicates(text: bytes, document: Any) -> bool:
    """Whether an object may have had a key twice; msgspec keeps the last one without an error.

    Each key ends in a quote and a colon. If the text has as many of these as the document has keys, no key was lost.
    A text value may contain a quote and a colon, too; then the slower reader decides.
    """
    colons = text.count(b'":') + len(_SPACED_COLON.findall(text))
    return colons != _count_keys(document)


def _count_keys(document: Any) -> int:
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
