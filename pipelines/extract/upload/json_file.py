"""JSON and NDJSON files as rows, record by record.

What belongs here: finding the records in a stream of text. Not here: what a value is worth (extract/json/values.py),
keys (extract/json/records.py), APIs (extract/api/reader.py).

The standard library's scanner tells where a record ends in a window of the text, and numbers keep their text. ijson,
which streams JSON, would build every number: one of 5,000 digits ends the process (ijson 3.6, its C backend).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO, cast

import msgspec

from pipelines.contracts.upload import FILE, KEY, KEYED, LISTS
from pipelines.extract.json.records import Fields
from pipelines.extract.json.shapes import header_of, keyed_record, listed_record
from pipelines.extract.json.values import JsonError, parse, parse_exactly, refuse_constant
from pipelines.extract.source_names import fold
from pipelines.extract.stream import SourceStream
from pipelines.extract.upload.csv.text import bom_encoding, open_text
from pipelines.extract.upload.table import Reading

MAX_RECORD = 16 << 20
"""The most characters that one record, or one value beside the records, may have."""
_WINDOW = 1 << 18
_SAMPLE = 1_000
_SPACE = re.compile(r"[ \t\r\n]*")
_UPLOAD_WHOLE = "upload the whole file again"
Record = tuple[str, dict[str, Any]]


_SCANNER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=refuse_constant)
"""Finds where a value ends; what it is worth is `parse`'s word."""


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
        else _Document(text).records(reading.extract.records, reading.extract.shape)
    )
    records = _told(reading, found, encoding)
    first = list(islice(records, _SAMPLE))
    if not first:
        raise reading.fault(
            "there is no record in it", "upload the file with its records, or correct records"
        )
    keys = _Keys(reading, first, stream)
    return _rows(reading, keys, chain(first, records))


def _rows(reading: Reading, keys: _Keys, records: Iterator[Record]) -> Iterator[list[str | None]]:
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
                raise JsonError("this record is no object")
            yield position, cast("dict[str, Any]", record)
        return
    except JsonError as error:
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
            raise JsonError(f"line {number} is longer than {MAX_RECORD:,} characters")
        if line.strip():
            yield f"baris {number}", _decoded(line, number)


def _decoded(line: str, number: int) -> Any:
    text = line.strip().encode()
    try:
        return parse(text)
    except msgspec.DecodeError:
        pass
    try:
        return parse_exactly(text)  # it knows what is wrong
    except json.JSONDecodeError:
        pass
    raise JsonError(f"line {number} is not one whole JSON value")


class _Document:
    """One JSON text, read from left to right through a window."""

    def __init__(self, text: Any) -> None:
        self.text, self.window, self.at, self.ended = text, "", 0, False

    def records(self, pointer: str, shape: str | None = None) -> Iterator[tuple[str, Any]]:
        """The records at `pointer` (RFC 6901), in the shape declared; then the rest, which must be whole."""
        path = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]
        yield from self._find(path, shape)
        if self._peek():
            raise JsonError("something stands behind its end")

    def _find(self, path: Sequence[str], shape: str | None) -> Iterator[tuple[str, Any]]:
        opening = self._peek()
        if not path:
            yield from self._here(opening, shape)
        elif opening in ("{", "["):
            found = False
            for key, _ in self._members() if opening == "{" else self._items():
                if str(key) == path[0] and not found:
                    found = True
                    yield from self._find(path[1:], shape)
                else:
                    self._value()
            if not found:
                raise JsonError(f"there is no {path[0]!r}: correct extract.records")
        else:
            raise JsonError(f"there is no {path[0]!r}: correct extract.records")

    def _here(self, opening: str, shape: str | None) -> Iterator[tuple[str, Any]]:
        """The records that begin here."""
        if shape == KEYED and opening == "{":
            for number, (key, _) in enumerate(self._members(), 1):
                yield f"rekaman {number}", keyed_record(key, self._value(), number)
            return
        if opening != "[":
            hint = "correct extract.records or extract.shape"
            raise JsonError(f"where the records should be stands no list: {hint}")
        header: list[str] | None = None
        for index, _ in self._items():
            value = self._value()
            if shape == KEYED:
                raise JsonError("where the records should be stands no object of them: correct extract.shape")
            if shape != LISTS:
                yield f"rekaman {index + 1}", value
            elif header is None:
                header = header_of(value)
            else:
                yield f"rekaman {index}", listed_record(header, value, index)

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
                raise JsonError("a key is no text")
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
            raise JsonError(f"{mark!r} is expected" if found else "it is cut short")
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
            raise JsonError("it is cut short")
        size = _WINDOW
        while True:
            try:
                _, end = _SCANNER.raw_decode(self.window, self.at)
                found = True
            except json.JSONDecodeError:
                found, end = False, len(self.window)
            # A number that touches the window's end may go on behind it.
            if found and (end < len(self.window) or self.ended):
                text, self.at = self.window[self.at : end], end
                return parse(text.encode())
            if not self._read(size):
                if not found:
                    raise JsonError("it is cut short, or no JSON")
            elif len(self.window) > MAX_RECORD:
                raise JsonError(f"no JSON, or a value of more than {MAX_RECORD:,} characters")
            size *= 2

    def _read(self, size: int) -> bool:
        """Takes more text into the window and drops what is done with."""
        more = self.text.read(size)
        self.window, self.at = self.window[self.at :] + more, 0
        self.ended = not more
        return not self.ended


class _Keys:
    """Records to rows; which keys there are, and which are new, is known from the first part on."""

    def __init__(self, reading: Reading, first: Sequence[Record], stream: SourceStream) -> None:
        self.reading, self.stream = reading, stream
        made = (KEY,) if reading.extract.shape == KEYED else ()
        self.fields = Fields(reading.contract, stream.shape, made)
        self.named = FILE in self.fields.promised
        for position, record in first:
            self.fields.notice(self._flat(position, record))
        found = {fold(name) for name in stream.shape if name in self.fields.known}
        missing = [name for name in reading.expected() if name not in found]
        place = f"in the first {len(first)} records"
        unknown = self.fields.unknown()
        stream.warnings.extend(reading.check_promised(missing, unknown, place, "in the records"))

    def row(self, position: str, record: dict[str, Any]) -> list[str | None]:
        flat = self._flat(position, record)
        if new := [name for name in self.fields.notice(flat) if name not in self.fields.known]:
            self.stream.warnings.extend(self.reading.check_promised((), new, position, "in the records"))
        return [*self.fields.cells({**flat, FILE: self.reading.name} if self.named else flat), position]

    def _flat(self, position: str, record: dict[str, Any]) -> Mapping[str, Any]:
        return self.fields.flat(record, f"{self.reading.name}: {position}")
