"""The fast reader of CSV files: what it accepts, it reads as Python's strict csv module does; it refuses all else."""

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


def plain_rows_of(text: str, block: int = 7) -> list[list[str]]:
    stream = SourceStream((), iter(()), "uji")
    data = b"".join(plain_rows(io.BytesIO(text.encode()), ",", ["a", "b"], stream, size=block))
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert stream.rows == len(rows)
    return rows


def csv_rows_of(text: str) -> list[list[str]]:
    """Line and cells of every row below the header, as Python's csv module reads them."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[list[str]] = []
    start = 1
    for cells in reader:
        if "".join(cells).strip():
            rows.append([f"baris {start}", *cells])
        start = reader.line_num + 1
    return rows[1:]


@given(st.lists(pieces, max_size=24), st.integers(3, 12))
def test_accepted_text_is_read_as_by_the_csv_module(found: list[str], block: int) -> None:
    text = "a,b\n" + "".join(found)
    try:
        rows = plain_rows_of(text, block)
    except UnfitError:
        return
    assert rows == csv_rows_of(text)


@given(
    st.lists(
        st.tuples(st.text("ab\",\n é'\t\\", min_size=1), st.text('ab",\n é')).map(
            lambda r: ("x" + r[0], r[1])
        )
    )
)
def test_output_of_the_csv_writer_is_accepted(rows: list[tuple[str, str]]) -> None:
    for end in ("\n", "\r\n"):
        written = io.StringIO(newline="")
        csv.writer(written, lineterminator=end).writerows([("kunci", "isi"), *rows])
        assert [tuple(r[1:]) for r in plain_rows_of(written.getvalue(), 11)] == rows


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
def test_text_that_is_not_plain_csv_is_refused(text: str) -> None:
    with pytest.raises(UnfitError):
        plain_rows_of(text)


def is_typed(text: str, kind: str) -> bool:
    """Whether the second column of these rows is stored as `kind`. The first block and later blocks must agree."""
    stream = SourceStream((), iter(()), "uji")
    column = make_column("b", kind)
    data = f"a,b\n{text}".encode()
    types = typed_columns(io.BytesIO(data), ",", [make_column("a", "text"), column])
    try:
        for _ in plain_rows(io.BytesIO(data), ",", ["a", "b"], stream, types={1: kind}, size=8):
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
def test_column_is_typed_only_if_all_its_cells_have_the_strict_form(
    kind: str, good: list[str], bad: list[str]
) -> None:
    assert is_typed("".join(f"x,{cell}\n" for cell in good), kind)
    assert is_typed("".join(f"x,{cell}\r\n" for cell in good), kind)
    for cell in bad:
        assert not is_typed(f"x,{good[0]}\nx,{cell}\n", kind), cell
        assert not is_typed(f"x,{good[0]}\r\nx,{cell}\r\n", kind), cell


def test_column_with_a_rule_about_its_text_is_not_typed() -> None:
    data = io.BytesIO(b"a,b\n1,1\n")
    for more in (
        {"pattern": "^1$"}, {"enum": (("1", "satu"),)}, {"max_length": 3}, {"parse": ("angka_id",)},
        {"missing_values": ("-",)}, {"pseudonymise": "layanan"},
    ):  # fmt: skip
        columns = [make_column("a", "integer"), replace(make_column("b", "integer"), **more)]
        assert typed_columns(data, ",", columns) == {0: "integer"}


def test_position_is_the_first_line_of_a_row_and_the_last_needs_no_newline() -> None:
    assert plain_rows_of('a,b\n1,"x\ny\nz"\n2,w') == [["baris 2", "1", "x\ny\nz"], ["baris 5", "2", "w"]]
