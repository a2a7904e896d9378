"""The stream itself, and what every kind of uploaded file has in common."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.stream import encode_rows
from tests.support.extracts import decode_copy

# --- the stream itself


@given(
    st.lists(
        st.lists(
            st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1
        )
    )
)
def test_encoded_rows_decode_to_the_same_values(rows: list[list[str | None]]) -> None:
    expected = [[None if v is None else v.replace("\0", "\ufffd") for v in row] for row in rows]
    assert decode_copy(list(encode_rows(rows))) == expected
