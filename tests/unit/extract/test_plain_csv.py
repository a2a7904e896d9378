"""The fast way through a CSV file: what it lets pass, Python's strict csv module reads alike; all else it refuses."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.plain_csv import plain_rows
from pipelines.extract.stream import SourceStream, UnfitError

pieces = st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", "\r", "a", "é", " ", "\0", '"a"', '"x\ny"', "\ufeff", "\\"]
)


def given_rows(text: str, block: int = 7) -> list[list[str]]:
    stream = SourceStream((), iter(()), "uji")
    data = b"".join(plain_rows(io.BytesIO(text.encode()), ",", 2, stream, block))
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert stream.rows == len(rows)
    return rows


def careful(text: str) -> list[list[str]]:
    """Line and cells of every row below the header, as text_file.py reads them."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[list[str]] = []
    start = 1
    for cells in reader:
        if "".join(cells).strip():
            rows.append([f"baris {start}", *cells])
        start = reader.line_num + 1
    return rows[1:]


@given(st.lists(pieces, max_size=24), st.integers(3, 12))
def test_what_passes_is_read_alike(found: list[str], block: int) -> None:
    text = "a,b\n" + "".join(found)
    try:
        rows = given_rows(text, block)
    except UnfitError:
        return
    assert rows == careful(text)


@given(
    st.lists(
        st.tuples(st.text("ab\",\n é'\t\\", min_size=1), st.text('ab",\n é')).map(
            lambda r: ("x" + r[0], r[1])
        )
    )
)
def test_what_a_writer_of_csv_wrote_passes(rows: list[tuple[str, str]]) -> None:
    for end in ("\n", "\r\n"):
        written = io.StringIO(newline="")
        csv.writer(written, lineterminator=end).writerows([("kunci", "isi"), *rows])
        assert [tuple(r[1:]) for r in given_rows(written.getvalue(), 11)] == rows


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2,3\n",
        "a,b\n1\n",
        "a,b\n\n1,2\n",
        "a,b\n , \n",
        'a,b\nx"y",2\n',
        'a,b\n"x"y,2\n',
        'a,b\n"x,2\n3,4\n',
        "a,b\n1\r,2\n",
        "a,b\r1,2\r",
        "a,b\n1,\0\n",
    ],
)
def test_what_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(UnfitError):
        given_rows(text)


def test_a_row_of_several_lines_is_known_by_its_first_and_the_last_line_needs_no_end() -> None:
    assert given_rows('a,b\n1,"x\ny\nz"\n2,w') == [["baris 2", "1", "x\ny\nz"], ["baris 5", "2", "w"]]
