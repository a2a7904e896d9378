"""JSON and NDJSON files as rows, record by record.

What belongs here: finding the records in a stream of text, a record's values as exact text. Not here: APIs (api.py).

The standard library's scanner decodes one record at a time from a window of the text, and numbers keep their text.
ijson, which streams JSON, would build every number: one of 5,000 digits ends the process (ijson 3.6, its C backend).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, cast

import msgspec

from pipelines.contract_upload import FILE
from pipelines.extract.stream import SourceStream
from pipelines.extract.table import Reading, extra_cell, fold
from pipelines.extract.text_file import bom_encoding, open_text

MAX_RECORD = 16 << 20
"""The most characters that one record, or one value beside the records, may have."""
_WINDOW = 1 << 18
_SAMPLE = 1_000
_SPACE = re.compile(r"[ \t\r\n]*")
_UNFIT = re.compile("[\ud800-\udfff]")
_UPLOAD_WHOLE = "upload the whole file again"
_MISSING = object()
Record = tuple[str, dict[str, Any]]


class _JsonError(Exception):
    """What is wrong with the JSON, in words that hold nothing of it."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise _JsonError("an object says the same key twice")
    return record


def _number(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _constant(text: str) -> Any:
    raise _JsonError(f"{text} is no JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_number, parse_int=_number, parse_constant=_constant
)
_ENCODER = msgspec.json.Encoder()


def json_rows(reading: Reading, file: BinaryIO, stream: SourceStream) -> Iterator[list[str | None]]:
    """Rows of the records that `records` points to, or of each line for NDJSON.

    The first part is read at once: raises ShapeError where a promised key is in none of its records. SourceError from
    the rows: no JSON, cut short, no object.
    """
    file.seek(0)
    encoding = bom_encoding(file.read(4)) or "utf-8"
    text = open_text(file, encoding)
    found = (
        _lines(text)
        if reading.extract.format == "ndjson"
        else _Document(text).records(reading.extract.records)
    )
    records = _told(reading, found, encoding)
    first = list(islice(records, _SAMPLE))
    if not first:
        raise reading.fault(
            "there is no record in it", "upload the file with its records, or correct records"
        )
    keys = Keys(reading, first, stream)
    return _rows(reading, keys, chain(first, records))


def _rows(reading: Reading, keys: Keys, records: Iterator[Record]) -> Iterator[list[str | None]]:
    position = ""
    try:
        for position, record in records:
            yield keys.row(position, record)
        return
    except RecursionError:
        pass
    raise reading.fault(f"{position}: a value is nested too deeply", "ask the OPD for a flatter file")


def _told(reading: Reading, records: Iterator[tuple[str, Any]], encoding: str) -> Iterator[Record]:
    """The records; what is wrong with them as SourceErrors that hold nothing of the file."""
    position = "the beginning"
    try:
        for position, record in records:
            if not isinstance(record, dict):
                raise _JsonError("this record is no object")
            yield position, cast("dict[str, Any]", record)
        return
    except _JsonError as error:
        message = str(error)
    except UnicodeError:
        message = f"its bytes are no {encoding}"
    except RecursionError:
        message = "it is nested too deeply"
    raise reading.fault(f"no JSON that can be read, after or at {position}: {message}", _UPLOAD_WHOLE)


def _lines(text: Any) -> Iterator[tuple[str, Any]]:
    number = 0
    while line := text.readline(MAX_RECORD):
        number += 1
        if len(line) >= MAX_RECORD:
            raise _JsonError(f"line {number} is longer than {MAX_RECORD:,} characters")
        if line.strip():
            yield f"baris {number}", _decoded(line, number)


def _decoded(line: str, number: int) -> Any:
    try:
        return _DECODER.decode(line.strip())
    except json.JSONDecodeError:
        pass
    raise _JsonError(f"line {number} is not one whole JSON value")


class _Document:
    """One JSON text, read from left to right through a window."""

    def __init__(self, text: Any) -> None:
        self.text, self.window, self.at, self.ended = text, "", 0, False

    def records(self, pointer: str) -> Iterator[tuple[str, Any]]:
        """The elements of the array at `pointer` (RFC 6901); then the rest, which must be whole."""
        path = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]
        yield from self._find(path)
        if self._peek():
            raise _JsonError("something stands behind its end")

    def _find(self, path: Sequence[str]) -> Iterator[tuple[str, Any]]:
        opening = self._peek()
        if not path:
            if opening != "[":
                raise _JsonError("where the records should be stands no list: correct extract.records")
            for number, _ in self._items():
                yield f"rekaman {number + 1}", self._value()
        elif opening in ("{", "["):
            found = False
            for key, _ in self._members() if opening == "{" else self._items():
                if str(key) == path[0] and not found:
                    found = True
                    yield from self._find(path[1:])
                else:
                    self._value()
            if not found:
                raise _JsonError(f"there is no {path[0]!r}: correct extract.records")
        else:
            raise _JsonError(f"there is no {path[0]!r}: correct extract.records")

    def _items(self) -> Iterator[tuple[int, None]]:
        self._take("[")
        number = 0
        while self._more("]", first=number == 0):
            yield number, None
            number += 1

    def _members(self) -> Iterator[tuple[str, None]]:
        self._take("{")
        first = True
        while self._more("}", first=first):
            first = False
            key = self._value()
            if not isinstance(key, str):
                raise _JsonError("a key is no text")
            self._take(":")
            yield key, None

    def _more(self, closing: str, *, first: bool) -> bool:
        if self._peek() == closing:
            self.at += 1
            return False
        if not first:
            self._take(",")
        return True

    def _take(self, mark: str) -> None:
        found = self._peek()
        if found != mark:
            raise _JsonError(f"{mark!r} is expected" if found else "it is cut short")
        self.at += 1

    def _peek(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            match = _SPACE.match(self.window, self.at)
            assert match is not None
            self.at = match.end()
            if self.at < len(self.window):
                return self.window[self.at]
            if not self._read(_WINDOW):
                return ""

    def _value(self) -> Any:
        """The value that begins here. Tried again with more text as long as it may only be cut by the window."""
        if not self._peek():
            raise _JsonError("it is cut short")
        size = _WINDOW
        while True:
            try:
                value, end = _DECODER.raw_decode(self.window, self.at)
            except json.JSONDecodeError:
                value, end = _MISSING, len(self.window)
            # A number that touches the window's end may go on behind it.
            if value is not _MISSING and (end < len(self.window) or self.ended):
                self.at = end
                return value
            if not self._read(size):
                if value is _MISSING:
                    raise _JsonError("it is cut short, or no JSON")
            elif len(self.window) > MAX_RECORD:
                raise _JsonError(f"no JSON, or a value of more than {MAX_RECORD:,} characters")
            size *= 2

    def _read(self, size: int) -> bool:
        """Takes more text into the window and drops what is done with."""
        more = self.text.read(size)
        self.window, self.at = self.window[self.at :] + more, 0
        self.ended = not more
        return not self.ended


@dataclass
class Keys:
    """Records to rows; which keys there are, and which are new, is known from the first part on."""

    reading: Reading
    first: Sequence[Record]
    stream: SourceStream

    def __post_init__(self) -> None:
        contract = self.reading.contract
        self.paths = [
            None if c.source_name == FILE else (c.source_name, tuple(c.source_name.split(".")))
            for c in contract.stored
        ]
        self.known = {c.source_name for c in contract.columns}
        parts = [name.split(".") for name in self.known]
        self.parents = {".".join(p[:n]) for p in parts for n in range(1, len(p))}
        names = [name for name in self.known if name != FILE]
        found = {n for n in names if any(_at(r, n, n.split(".")) is not _MISSING for _, r in self.first)}
        missing = [n for n in self.reading.expected() if n not in {fold(name) for name in found}]
        unexpected = list(dict.fromkeys(key for _, record in self.first for key in self._unknown(record)))
        place = f"in the first {len(self.first)} records"
        self.stream.warnings.extend(self.reading.check_promised(missing, unexpected, place, "in the records"))
        self.stream.shape.update(dict.fromkeys(sorted(found) + unexpected, ""))

    def row(self, position: str, record: dict[str, Any]) -> list[str | None]:
        cells = [
            self.reading.name if path is None else text_of(_at(record, path[0], path[1]))
            for path in self.paths
        ]
        unknown = self._unknown(record)
        if unknown:
            self._note(position, unknown)
        if self.reading.contract.evolves:
            cells.append(extra_cell({key: _kept(value) for key, value in unknown.items()}))
        return [*cells, position]

    def _note(self, position: str, unknown: Mapping[str, Any]) -> None:
        new = [key for key in unknown if key not in self.stream.shape]
        if new:
            self.stream.warnings.extend(self.reading.check_promised((), new, position, "in the records"))
            self.stream.shape.update(dict.fromkeys(new, ""))

    def _unknown(self, record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        """What no column reads, by dotted name; an object is looked into where some column reads a part of it."""
        unknown: dict[str, Any] = {}
        for key, value in record.items():
            name = f"{prefix}{key}"
            if name in self.known:
                continue
            if isinstance(value, dict) and name in self.parents:
                unknown |= self._unknown(cast("dict[str, Any]", value), f"{name}.")
            elif value is not None or name not in self.parents:
                unknown[name] = value
        return unknown


def _at(record: Mapping[str, Any], name: str, path: Sequence[str]) -> Any:
    """The value under a key with dots in it, or along a path of keys; a null on the way is a null."""
    if name in record:
        return record[name]
    value: Any = record
    for key in path:
        if value is None:
            return None
        if not isinstance(value, dict) or key not in value:
            return _MISSING
        value = cast("dict[str, Any]", value)[key]
    return value


def text_of(value: Any) -> str | None:
    """A value as text: a number as it was written, what is nested as JSON; None for null and for no value."""
    match value:
        case None:
            return None
        case str():
            return _UNFIT.sub("\ufffd", value)
        case bool():
            return "true" if value else "false"
        case msgspec.Raw():
            return bytes(value).decode()
        case dict() | list():
            return _nested(value)
        case _:
            return None


def _nested(value: Any) -> str:
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError:
        pass
    return _ENCODER.encode(_whole(value)).decode()


def _whole(value: Any) -> Any:
    """`value` with U+FFFD for the halves of surrogate pairs, which no UTF-8 can hold."""
    match value:
        case str():
            return _UNFIT.sub("\ufffd", value)
        case dict():
            return {_whole(key): _whole(item) for key, item in cast("dict[str, Any]", value).items()}
        case list():
            return [_whole(item) for item in cast("list[Any]", value)]
        case _:
            return value


def _kept(value: Any) -> str | msgspec.Raw | None:
    """A value for EXTRA: its text, or still JSON where it is nested."""
    text = text_of(value)
    return msgspec.Raw(text.encode()) if isinstance(value, dict | list) and text else text
