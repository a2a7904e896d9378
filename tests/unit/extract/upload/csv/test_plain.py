"""The fast reader of CSV files: what it accepts, it reads as Python's strict csv module does; it refuses all else."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts.columns import Column
from pipelines.extract.stream import SourceStream, UnfitError
from pipelines.extract.upload.csv.plain import plain_rows, typed_columns

pieces = st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", "\r", "a", "é", " ", "\0", '"a"', '"x\ny"', "\ufeff", "\\"]
)
pairs = st.sampled_from(
    ["a,b\n", "é,a\r\n", '"a""","\r"\n', '"x\ny",\r\n', ",z\n", '"",""\n', " ,é\n", '"a,\n""b"," "\n']
)
CELL = r'(?:"(?:[^"\0]|"")*"|[^",\r\n\0]*)'
ROW = re.compile(rf"{CELL},{CELL}\r?\n")


def make_column(name: str, kind: str) -> Column:
    return Column(name, name, kind, "string", name, name, "terbuka")


def plain_rows_of(text: str, block: int = 7) -> list[list[str]]:
    stream = SourceStream((), iter(()), "uji")
    data = b"".join(plain_rows(io.BytesIO(text.encode()), ",", ["a", "b"], stream, size=block))
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert stream.rows == len(rows)
    return rows


def is_plain(text: str) -> bool:
    """Whether the text has only rows of two cells by RFC 4180, each with a visible ASCII character."""
    text = text.removeprefix("\ufeff")
    text = text if text.endswith("\n") else text + "\n"
    place = 0
    while place < len(text):
        row = ROW.match(text, place)
        if not row or not re.search(r"[!#-+\--~]", row[0]):
            return False
        place = row.end()
    return True


def csv_rows_of(text: str) -> list[list[str]]:
    """Line and cells of every row below the header, as Python's csv module reads them.

    A carriage return alone, within quotes, ends no line here.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="\n"), strict=True)
    rows: list[list[str]] = []
    start = 1
    for cells in reader:
        if "".join(cells).strip():
            rows.append([f"baris {start}", *cells])
        start = reader.line_num + 1
    return rows[1:]


@settings(max_examples=500)
@given(
    st.sampled_from(["", "\ufeff"]),
    st.lists(pairs, max_size=8),
    st.lists(pieces, max_size=16),
    st.integers(3, 40),
)
def test_plain_text_is_read_as_by_the_csv_module_and_other_text_is_refused(
    start: str, rows: list[str], more: list[str], block: int
) -> None:
    text = start + "a,b\n" + "".join(rows + more)
    if is_plain(text):
        assert plain_rows_of(text, block) == csv_rows_of(text)
    else:
        with pytest.raises(UnfitError):
            plain_rows_of(text, block)


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
        "a,b\n1\n2,3,4\n",
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
@pytest.mark.parametrize("block", [7, 100])
def test_text_that_is_not_plain_csv_is_refused(text: str, block: int) -> None:
    with pytest.raises(UnfitError):
        plain_rows_of(text, block)


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
        ("integer", ["1", "-12", "+7", '"3"', "0", '"0"', "100", ""], ["007", '"08123"', "1.0", "1_000", "0x1F", " 1", "1 ", "a", "1e3", "\u0661"]),
        ("numeric(18,2)", ["1", "-1.50", ".5", '"2"', "-.25", "2.", ""], ["NaN", "inf", "1,5", "Rp 1", "1 000", "1.555", '"0.001"', "1e-3"]),
        ("numeric", ["1", "1e3", "1.5555"], ["NaN"]),
        ("double precision", ["1.5", "1E-3"], ["nan", "Infinity", "0x1p3"]),
        ("boolean", ["true", "FALSE", "1", "0", '"True"', ""], ["T", "f", "ya", "yes", "tru", "fals", "on", "tru "]),
        ("date", ["2024-01-31", '"2024-01-31"', ""], ["today", "20240131", "2024-1-31", "31-01-2024", "2024-01-31 "]),
        (
            "timestamp",
            ["2024-01-31 08:15:00", "2024-01-31T08:15:00.123456", '"2024-01-31 08:15:00.1"'],
            ["2024-01-31", "2024-01-31 08:15", "2024-01-31 08:15:00+07", "2024-01-31 08:15:00.", "2024-01-31 08:15:00.12a", "now"],
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


@pytest.mark.parametrize("kind", ["integer", "numeric(18,2)", "double precision"])
def test_long_cell_is_checked_as_a_short_one(kind: str) -> None:
    long = "7" * 1000
    assert is_typed(f"x,{long}\nx,1\n", kind)
    assert not is_typed(f"x,{long}x\nx,1\n", kind)
    assert is_typed(f"x,{long}.25\n", kind) == (kind != "integer")
    assert is_typed(f"x,{long}.255\n", kind) == (kind == "double precision")


@pytest.mark.parametrize(
    ("cell", "unbroken"),
    [
        ("Err:502", {"notasi_ilmiah"}),
        ("E12: Err", {"sel_galat", "notasi_ilmiah"}),
        ("E12:Err:", {"notasi_ilmiah"}),
        ("#", {"notasi_ilmiah"}),
        ("+", {"sel_galat"}),
        ("", {"sel_galat", "notasi_ilmiah"}),
    ],
)
def test_rules_are_unbroken_if_no_block_has_their_signs(cell: str, unbroken: set[str]) -> None:
    stream = SourceStream((), iter(()), "uji")
    data = io.BytesIO(f"a,b\n1,2\n3,{cell}\n5,6\n".encode())
    assert len(list(plain_rows(data, ",", ["a", "b"], stream, size=8))) > 1
    assert stream.unbroken == unbroken


def test_delimiter_may_be_any_ascii_character() -> None:
    for delimiter in "%;| ":
        data = io.BytesIO(f"a{delimiter}b\n100{delimiter}2\n".encode())
        stream = SourceStream((), iter(()), "uji")
        rows = b"".join(plain_rows(data, delimiter, ["a", "b"], stream))
        assert rows.decode() == f"baris 2{delimiter}100{delimiter}2\n"


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
