"""Rows as COPY text: PostgreSQL reads back the same values, whatever characters they hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.stream import SourceStream, encode_columns, encode_rows
from tests.support.extracts import decode_copy

characters = st.one_of(st.sampled_from("\t\n\r\\\0N\x1d\x1e\x1f "), st.characters(exclude_categories=("Cs",)))
cells = st.one_of(st.none(), st.text(characters, max_size=6), st.just("\\N"))


@given(st.lists(st.lists(cells, min_size=1, max_size=4).map(tuple), max_size=6))
def test_encoded_rows_decode_to_the_same_values(rows: list[tuple[str | None, ...]]) -> None:
    stream = SourceStream((), iter(()), "uji")
    read = decode_copy(encode_rows(rows, stream))
    assert read == [[None if v is None else v.replace("\0", "\ufffd") for v in row] for row in rows]
    assert stream.rows == len(rows)


@given(st.lists(st.tuples(st.text(characters, max_size=6), st.text(characters, max_size=6)), min_size=1))
def test_encoded_columns_are_equal_to_encoded_rows(rows: list[tuple[str, str]]) -> None:
    stream = SourceStream((), iter(()), "uji")
    block = encode_columns(list(zip(*rows, strict=True)), stream)
    assert block == b"".join(encode_rows([[cell or None for cell in row] for row in rows]))
    assert stream.rows == len(rows)


def test_blocks_end_after_a_row_and_stay_small() -> None:
    rows = [(str(n), "x" * 1000) for n in range(2000)]
    blocks = list(encode_rows(rows))
    assert all(block.endswith(b"\n") and len(block) < 300_000 for block in blocks) and len(blocks) > 5
    assert b"".join(blocks).count(b"\n") == 2000
    assert list(encode_rows([])) == []
