"""JSON as exact values, and values as the text of cells. These tests need no server."""

from __future__ import annotations

import msgspec
import pytest

from pipelines.errors import SourceError
from pipelines.extract.json.values import (
    DuplicateKeyError,
    JsonError,
    cell,
    cell_reader,
    decode,
    digest,
    extra_cell,
    parse,
    parse_exactly,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"null", None),
        (b'"a"', "a"),
        (b"true", "true"),
        (b"-7", "-7"),
        (b"12.50", "12.50"),
        (b"1E3", "1E3"),
        (b"123456789012345678901234567890", "123456789012345678901234567890"),
        (b'[1, 2.50, "x"]', '[1,2.50,"x"]'),
        (b'{"a": null}', '{"a":null}'),
        (rb'"a\ud83d"', "a\ufffd"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'["\u0000", "\\u0000"]', '["\ufffd","\\\\u0000"]'),
    ],
)
def test_both_readers_keep_the_text_of_a_value(text: bytes, shown: str | None) -> None:
    assert cell(parse(text)) == shown
    assert cell(parse_exactly(text)) == shown


@pytest.mark.parametrize(
    "text", [b'{"a": 1, "a": 2}', b'[{"x": {"a" : 1, "a": 2}}]', rb'{"a": "\ud83d", "a": 1}']
)
def test_repeated_key_is_refused(text: bytes) -> None:
    with pytest.raises(DuplicateKeyError) as caught:
        parse(text)
    assert caught.value.key == "a"


def test_quote_and_colon_in_a_text_are_not_read_as_a_key() -> None:
    assert parse(b'{"a": "\\":", "b": "x\\" :"}') == {"a": '":', "b": 'x" :'}


def test_exact_reader_names_the_constant_that_is_no_number() -> None:
    with pytest.raises(JsonError, match="NaN bukan angka JSON"):
        parse_exactly(b"[NaN]")


def test_only_numbers_with_a_fraction_are_rewritten_for_their_column() -> None:
    read = cell_reader(lambda text: text.replace(".", ","))
    assert [read(parse(text)) for text in (b"1.5", b"1", b'"1.5"', b"null")] == ["1,5", "1", "1.5", None]


def test_unknown_keys_become_one_object_of_texts() -> None:
    assert extra_cell({}) is None
    found = parse(b'{"a": 1.50, "b": null, "c": true, "d": [1.50], "e": {"f": 2}}')
    assert extra_cell(found) == '{"a":"1.50","b":null,"c":"true","d":[1.50],"e":{"f":2}}'


def test_digest_depends_on_values_not_on_white_space() -> None:
    assert digest(parse(b'{"a": 1.50, "b": [1]}')) == digest(parse(b'{"a":1.50,\n"b":[1]}'))
    assert digest(parse(b"[1.50]")) != digest(parse(b"[1.5]"))


@pytest.mark.parametrize(
    ("body", "message", "transient"),
    [
        (b"", "jawaban kosong", False),
        (b"  \n", "jawaban kosong", False),
        (b"<html>", "bukan JSON; Content-Type text/html", False),
        (b'{"a": [1', "JSON terpotong", True),
        (b'{"a": NaN}', "NaN bukan angka JSON", False),
        (b'{"a": "\xe9"}', "JSON tidak dalam UTF-8; Content-Type text/html", False),
        (b"[" * 100_000, "JSON bersarang terlalu dalam", False),
        (b'{"a": 1, "a": 2}', "sebuah objek punya kunci 'a' ganda", False),
    ],
)
def test_body_that_is_no_json_is_a_source_error(body: bytes, message: str, transient: bool) -> None:
    with pytest.raises(SourceError) as caught:
        decode("a/b", "halaman 1", body, "text/html")
    assert caught.value.message == f"halaman 1: {message}"
    assert caught.value.transient is transient and caught.value.hint
    assert caught.value.__context__ is None


def test_repeated_key_is_not_named_if_keys_may_not_be_shown() -> None:
    with pytest.raises(SourceError, match="punya kunci ganda"):
        decode("a/b", "halaman 1", b'{"Budi": 1, "Budi": 2}', "", show_keys=False)


def test_byte_order_mark_is_ignored() -> None:
    assert decode("a/b", "halaman 1", b'\xef\xbb\xbf{"a": 1}', "") == {"a": 1}


def test_invalid_json_raises_the_error_of_msgspec() -> None:
    with pytest.raises(msgspec.DecodeError):
        parse(b"{")
