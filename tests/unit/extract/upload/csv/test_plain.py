"""The fast way through a CSV file: what it lets pass, Python's strict csv module reads alike; all else it refuses."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.columns import Column
from pipelines.extract.stream import SourceStream, UnfitError
from pipelines.extract.upload.csv.plain import plain_rows, typed_columns

pieces = st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", "\r", "a", "é", " ", "\0", '"a"', '"x\ny"', "\ufeff", "\\"]
)


def make_column(name: str, kind: str) -> Column:
    return Column(name, name, kind, "string", name, name, "terbuka")


def given_rows(text: str, block: int = 7) -> list[list[str]]:
    stream = SourceStream((), iter(()), "uji")
    data = b"".join(plain_rows(io.BytesIO(text.encode()), ",", 2, stream, size=block))
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert stream.rows == len(rows)
    return rows


def careful(text: str) -> list[list[str]]:
    """Line and cells of every row below the header, as extract/upload/csv/text.py reads them."""
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


def cells(text: str, kind: str) -> bool:
    """Whether the cells of a column below a header land in `kind`, by the file's first block and by a later one."""
    stream = SourceStream((), iter(()), "uji")
    column = make_column("b", kind)
    data = f"a,b\n{text}".encode()
    types = typed_columns(io.BytesIO(data), ",", [make_column("a", "text"), column])
    try:
        for _ in plain_rows(io.BytesIO(data), ",", 2, stream, types={1: kind}, size=8):
            pass
    except UnfitError:
        assert 1 not in types
        return False
    assert types[1] == kind
    return True


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("integer", ["1", "-12", "+7", '"3"', "007", ""], ["1.0", "1_000", "0x1F", " 1", "1 ", "a", "1e3", "\u0661"]),
        ("numeric(18,2)", ["1", "-1.50", ".5", '"2"', "-.25", "2.", ""], ["NaN", "inf", "1,5", "Rp 1", "1 000", "1.555", '"0.001"', "1e-3"]),
        ("numeric", ["1", "1e3", "1.5555"], ["NaN"]),
        ("double precision", ["1.5", "1E-3"], ["nan", "Infinity", "0x1p3"]),
        ("boolean", ["true", "FALSE", "1", "0", '"True"', ""], ["T", "f", "ya", "yes", "tru", "fals", "on", "tru "]),
        ("date", ["2024-01-31", '"2024-01-31"', ""], ["today", "20240131", "2024-1-31", "31-01-2024", "2024-01-31 "]),
        (
            "timestamp",
            ["2024-01-31 08:15:00", "2024-01-31T08:15:00.123456", '"2024-01-31 08:15:00.1"'],
            ["2024-01-31", "2024-01-31 08:15", "2024-01-31 08:15:00+07", "2024-01-31 08:15:00.", "now"],
        ),
        (
            "timestamptz",
            ["2024-01-31 08:15:00+08", "2024-01-31", "2024-01-31T08:15:00.123456+08:00", "2024-01-31 08:15:00.1Z"],
            ["now", "yesterday", "31/01/2024 00:00", "2024-01-31 08:15:00.1234567+08", "2024-01-31 08:15:00.1234567"],
        ),
        ("time", ["08:15:00", '"08:15:00"', ""], ["08:15:00.1234567", "2024-01-31 08:15:00", "08:15:00+07", "allballs"]),
        ("text", ["apa saja", ""], []),
    ],
)  # fmt: skip
def test_cells_land_typed_where_they_are_spelled_as_the_rules_want_them(
    kind: str, good: list[str], bad: list[str]
) -> None:
    assert cells("".join(f"x,{cell}\n" for cell in good), kind)
    assert cells("".join(f"x,{cell}\r\n" for cell in good), kind)
    for cell in bad:
        assert not cells(f"x,{good[0]}\nx,{cell}\n", kind), cell
        assert not cells(f"x,{good[0]}\r\nx,{cell}\r\n", kind), cell


def test_a_column_whose_spelling_counts_lands_as_text() -> None:
    data = io.BytesIO(b"a,b\n1,1\n")
    for more in (
        {"pattern": "^1$"}, {"enum": (("1", "satu"),)}, {"max_length": 3}, {"parse": ("angka_id",)},
        {"missing_values": ("-",)}, {"pseudonymise": "layanan"},
    ):  # fmt: skip
        columns = [make_column("a", "integer"), replace(make_column("b", "integer"), **more)]
        assert typed_columns(data, ",", columns) == {0: "integer"}


def test_a_row_of_several_lines_is_known_by_its_first_and_the_last_line_needs_no_end() -> None:
    assert given_rows('a,b\n1,"x\ny\nz"\n2,w') == [["baris 2", "1", "x\ny\nz"], ["baris 5", "2", "w"]]
