"""Reads JSON and NDJSON files as rows, record by record.

What belongs here: finding the records in a stream of text. Not here: values (extract/json/values.py), keys
(extract/json/records.py), APIs (extract/api/reader.py).

The standard library's scanner finds where a record ends in a window of the text, and numbers keep their text. ijson,
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
from pipelines.extract.upload.limits import LIMITS
from pipelines.extract.upload.reading import Reading

MAX_RECORD = 16 << 20
"""The most characters of one record, and of one other value in the file."""
_SAMPLE = 1_000
"""How many records, from the first one on, have their keys compared with the columns of the contract."""
_SPACE = re.compile(r"[ \t\r\n]*")
_UPLOAD_AGAIN = "unggah lagi berkas yang utuh"
_IN_RECORDS = "rekaman"
"""Says in messages where a key is."""
Record = tuple[str, dict[str, Any]]
"""The position of a record ("rekaman 3"), and the record."""


_SCANNER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=refuse_constant)
"""Finds where a value ends; `parse` then gives the value."""


def json_rows(reading: Reading, file: BinaryIO, stream: SourceStream) -> Iterator[list[str | None]]:
    """Gives a row for each record to which `extract.records` points, or for each line of NDJSON.

    The first records are read at once. Raises ShapeError if a promised key is in none of them, or if there is a new key
    that the contract does not allow; SourceError if the file has no record, is not JSON, ends too early, or has a
    record that is not an object. For a later record the returned iterator raises these errors.
    """
    file.seek(0)
    encoding = bom_encoding(file.read(4)) or "utf-8"
    text = open_text(file, encoding)
    found = (
        _lines(text)
        if reading.extract.format == "ndjson"
        else JsonDocument(text, reading.limits.json_window).records(
            reading.extract.records, reading.extract.shape
        )
    )
    records = _objects(reading, found, encoding)
    first = list(islice(records, _SAMPLE))
    if not first:
        hint = "unggah berkas beserta rekamannya, atau perbaiki records di kontrak"
        raise reading.source_error("tidak ada rekaman di dalamnya", hint, code="GDK-F010")
    rows = _RecordRows(reading, first, stream)
    return _rows(reading, rows, chain(first, records))


def _rows(reading: Reading, rows: _RecordRows, records: Iterator[Record]) -> Iterator[list[str | None]]:
    position = ""
    try:
        for position, record in records:
            yield rows.row(position, record)
        return
    except RecursionError:
        pass
    raise reading.source_error(
        f"{position}: ada nilai yang bersarang terlalu dalam",
        "minta OPD mengirim berkas yang lebih datar",
        code="GDK-F020",
    )


def _objects(reading: Reading, records: Iterator[tuple[str, Any]], encoding: str) -> Iterator[Record]:
    """Gives the records. Raises SourceError for a fault in them; its text contains nothing of the file."""
    position = "awal berkas"
    try:
        for position, record in records:
            if not isinstance(record, dict):
                raise JsonError("rekaman ini bukan objek")
            yield position, cast("dict[str, Any]", record)
        return
    except JsonError as error:
        message = str(error)
    except UnicodeError:
        message = f"byte-nya bukan {encoding}"
    except RecursionError:
        message = "bersarang terlalu dalam"
    message = f"JSON tidak dapat dibaca, di {position} atau sesudahnya: {message}"
    raise reading.source_error(message, _UPLOAD_AGAIN, code="GDK-F020")


def _lines(text: Any) -> Iterator[tuple[str, Any]]:
    """Gives position and value of each line. Raises JsonError."""
    number = 0
    while line := text.readline(MAX_RECORD):
        number += 1
        if len(line) >= MAX_RECORD:
            raise JsonError(f"baris {number} lebih panjang dari {MAX_RECORD:,} karakter")
        if line.strip():
            yield f"baris {number}", _decoded(line, number)


def _decoded(line: str, number: int) -> Any:
    text = line.strip().encode()
    try:
        return parse(text)
    except msgspec.DecodeError:
        pass
    try:
        return parse_exactly(text)  # its error says what is wrong
    except json.JSONDecodeError:
        pass
    raise JsonError(f"baris {number} bukan satu nilai JSON yang utuh")


class JsonDocument:
    """Reads one JSON text from left to right; only a window of it is in memory."""

    def __init__(self, text: Any, window_size: int = LIMITS.json_window) -> None:
        self._text, self._window_size = text, window_size
        self._window, self._at, self._ended = "", 0, False

    def records(self, pointer: str, shape: str | None = None) -> Iterator[tuple[str, Any]]:
        """Gives the records at `pointer` (RFC 6901), in the declared shape; then reads on to the end of the text.

        Raises JsonError, also if the text after the records is faulty.
        """
        path = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]
        yield from self._records_below(path, shape)
        if self._peek():
            raise JsonError("ada teks sesudah akhir JSON")

    def _records_below(self, path: Sequence[str], shape: str | None) -> Iterator[tuple[str, Any]]:
        """Follows `path` from the value at the current position and gives the records there; skips other values."""
        opening = self._peek()
        if not path:
            yield from self._records_here(opening, shape)
            return
        keys = self._object_keys() if opening == "{" else self._indexes() if opening == "[" else ()
        found = False
        for key in keys:
            if str(key) == path[0] and not found:
                found = True
                yield from self._records_below(path[1:], shape)
            else:
                self._value()
        if not found:
            raise JsonError(f"tidak ada {path[0]!r}: perbaiki extract.records")

    def _records_here(self, opening: str, shape: str | None) -> Iterator[tuple[str, Any]]:
        """Gives the records of the value at the current position, which begins with `opening`."""
        if shape == KEYED and opening == "{":
            for number, key in enumerate(self._object_keys(), 1):
                yield f"rekaman {number}", keyed_record(key, self._value(), number)
            return
        if opening != "[":
            hint = "perbaiki extract.records atau extract.shape"
            raise JsonError(f"di tempat rekaman tidak ada daftar: {hint}")
        header: list[str] | None = None
        for index in self._indexes():
            value = self._value()
            if shape == KEYED:
                raise JsonError("di tempat rekaman tidak ada objek berisi rekaman: perbaiki extract.shape")
            if shape != LISTS:
                yield f"rekaman {index + 1}", value
            elif header is None:
                header = header_of(value)
            else:
                yield f"rekaman {index}", listed_record(header, value, index)

    def _indexes(self) -> Iterator[int]:
        """Gives the index of each item of the list at the current position.

        The caller must read the item before it takes the next index.
        """
        self._take("[")
        number = 0
        while self._more("]", first=number == 0):
            yield number
            number += 1

    def _object_keys(self) -> Iterator[str]:
        """Gives each key of the object at the current position.

        The caller must read the key's value before it takes the next key.
        """
        self._take("{")
        first = True
        while self._more("}", first=first):
            first = False
            key = self._value()
            if not isinstance(key, str):
                raise JsonError("ada kunci yang bukan teks")
            self._take(":")
            yield key

    def _more(self, closing: str, *, first: bool) -> bool:
        """Whether another item follows. Also reads the comma before it, or the closing bracket."""
        if self._peek() == closing:
            self._at += 1
            return False
        if not first:
            self._take(",")
        return True

    def _take(self, mark: str) -> None:
        """Reads `mark`. Raises JsonError for another character."""
        found = self._peek()
        if found != mark:
            raise JsonError(f"seharusnya {mark!r}" if found else "terpotong")
        self._at += 1

    def _peek(self) -> str:
        """Returns the next character that is not white space, without reading it; "" at the end."""
        while True:
            match = _SPACE.match(self._window, self._at)
            assert match is not None
            self._at = match.end()
            if self._at < len(self._window):
                return self._window[self._at]
            if not self._read(self._window_size):
                return ""

    def _value(self) -> Any:
        """Reads the value at the current position. Takes more text into the window until the value is complete."""
        if not self._peek():
            raise JsonError("terpotong")
        size = self._window_size
        while True:
            try:
                _, end = _SCANNER.raw_decode(self._window, self._at)
                found = True
            except json.JSONDecodeError:
                found, end = False, len(self._window)
            # A number that reaches the window's end may continue after it.
            if found and (end < len(self._window) or self._ended):
                text, self._at = self._window[self._at : end], end
                return parse(text.encode())
            if not self._read(size):
                if not found:
                    raise JsonError("terpotong, atau bukan JSON")
            elif len(self._window) > MAX_RECORD:
                raise JsonError(f"bukan JSON, atau nilai yang lebih dari {MAX_RECORD:,} karakter")
            size *= 2

    def _read(self, size: int) -> bool:
        """Takes `size` more characters into the window and drops those already read. Returns False at the end."""
        more = self._text.read(size)
        self._window, self._at = self._window[self._at :] + more, 0
        self._ended = not more
        return not self._ended


class _RecordRows:
    """Turns records into rows. Compares the keys of the first records with the contract's, then watches for new ones.

    Raises ShapeError for keys that are missing in the first records, or that the contract does not allow.
    """

    def __init__(self, reading: Reading, first: Sequence[Record], stream: SourceStream) -> None:
        self.reading, self.stream = reading, stream
        made = (KEY,) if reading.extract.shape == KEYED else ()
        self.fields = Fields(reading.contract, stream.shape, made)
        self.has_file_name = FILE in self.fields.promised
        for position, record in first:
            self.fields.add_new_keys(self._flat(position, record))
        found = {fold(name) for name in stream.shape if name in self.fields.known}
        missing = [name for name in reading.promised_names() if name not in found]
        place = f"{len(first)} rekaman pertama"
        unknown = self.fields.unknown_keys()
        stream.warnings.extend(reading.check_names(missing, unknown, place, _IN_RECORDS))

    def row(self, position: str, record: dict[str, Any]) -> list[str | None]:
        """Returns the row of a record. Raises ShapeError for a new key that the contract does not allow."""
        flat = self._flat(position, record)
        if new := [name for name in self.fields.add_new_keys(flat) if name not in self.fields.known]:
            self.stream.warnings.extend(self.reading.check_names((), new, position, _IN_RECORDS))
        return [
            *self.fields.cells({**flat, FILE: self.reading.name} if self.has_file_name else flat),
            position,
        ]

    def _flat(self, position: str, record: dict[str, Any]) -> Mapping[str, Any]:
        return self.fields.flat(record, f"{self.reading.name}: {position}")
