"""Large CSV files: each way of reading gives the same rows. A file that a fast way cannot read is read in a slower one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from pipelines.cli.data.status import dataset_status
from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.stream import SourceStream
from pipelines.extract.upload.csv import plain
from pipelines.extract.upload.reader import Way, open_file
from pipelines.feedback.preview import look_at_stage
from pipelines.ingest import ingest
from pipelines.load.ledger import Batch
from pipelines.load.loader import load as load_stream
from pipelines.load.stage.rules import all_kept, rules
from pipelines.settings import Settings
from tests.support.contracts import column, upload
from tests.support.loads import Loads, passes
from tests.support.uploads import uploaded

ROWS = [
    f'{n},"Kel. ""{n}"", RT\n{n % 9}",{"" if n % 3 else n / 4},{"" if n % 5 else "ké 🐟"}'
    for n in range(1, 40_001)
]


def contract(loads: Loads, **extract: Any) -> Contract:
    return loads.contract(
        column("id", "integer", primaryKey=True),
        column("catatan"),
        column("nilai", "numeric(12,2)"),
        column("nama", required=False),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv", **extract},
        max_quarantine_share=0.5,
    )


def put(loads: Loads, text: str, encoding: str = "utf-8") -> Path:
    """Writes the file into the upload zone."""
    zone = loads.folder / "home" / "unggahan" / "uji" / "data"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "besar.csv").write_bytes(text.encode(encoding))
    return zone / "besar.csv"


def load(loads: Loads, of: Contract, text: str, encoding: str = "utf-8") -> Batch:
    """Loads a file from the upload zone."""
    put(loads, text, encoding)
    of_test = Settings(home=loads.folder / "home", project=loads.folder, warehouse_url=loads.url)
    done = ingest(loads.connection, of, of_test, loads.url, run_id="uji")
    assert done.batch is not None
    return done.batch


def load_from(
    loads: Loads, of: Contract, file: Path, first: Way = Way.TYPED
) -> tuple[Batch, list[SourceStream]]:
    """Loads a file, reading it in this way first; gives the batch and a stream for each way that was tried."""
    tried: list[SourceStream] = []

    def watch(stream: SourceStream) -> SourceStream:
        tried.append(stream)
        if slower := stream.fallback:
            stream.fallback = lambda: watch(slower())
        return stream

    batch = load_stream(
        loads.connection, of, lambda *_: watch(open_file(of, uploaded(file), first)), passes, run_id="uji"
    )
    assert batch is not None
    return batch, tried


def way(stream: SourceStream) -> Way:
    """The way in which this stream reads its file."""
    if stream.exact:
        return Way.TYPED
    return Way.PLAIN if stream.csv else Way.CAREFUL


def content(loads: Loads) -> list[Any]:
    return loads.run("select id, nama, nilai::text, catatan, _source_position from raw.uji__data order by id")


HEADER = "id,nama,nilai,catatan\n"


def test_each_way_gives_the_same_rows_at_the_same_places(loads: Loads) -> None:
    text = HEADER + "\n".join([*ROWS[:20], "x,salah,-,", *ROWS[20:]])
    assert len(text) > plain.MIN_FILE_SIZE
    batch, _ = load_from(loads, contract(loads), put(loads, text))
    assert (batch.loaded, batch.quarantined) == (40_000, 1)
    fast = content(loads)
    refused = loads.run("select source_position, reasons from quarantine.row")
    assert fast[0] == (1, 'Kel. "1", RT\n1', None, None, "baris 2")
    assert fast[2] == (3, 'Kel. "3", RT\n3', "0.75", None, "baris 6")
    assert refused[0][0] == "baris 42"

    loads.forget(contract(loads))
    batch, tried = load_from(loads, contract(loads), put(loads, text), Way.CAREFUL)
    assert batch.loaded == 40_000 and [way(stream) for stream in tried] == [Way.CAREFUL]
    assert content(loads) == fast
    assert loads.run("select source_position, reasons from quarantine.row") == refused


@pytest.mark.parametrize(
    "odd", ["", " , ,,", '40001,"a""b\nc",1,', "40001,nul\0,1,"], ids=["empty", "blank", "quotes", "NUL"]
)
def test_a_row_that_is_not_plain_is_read_or_refused_with_its_line(loads: Loads, odd: str) -> None:
    text = HEADER + "\n".join([*ROWS, odd, "40002,akhir,1,"]) + "\n"
    if "\0" in odd:
        with pytest.raises(SourceError, match=r"besar\.csv: baris 80002: ada karakter NUL"):
            load(loads, contract(loads), text)
    else:
        assert load(loads, contract(loads), text).loaded == 40_001 + bool(odd.strip(" ,"))


@pytest.mark.parametrize("rows", [ROWS, ROWS[:100]], ids=["large", "small"])
def test_a_detected_dialect_is_in_the_ledger_and_in_the_status(loads: Loads, rows: list[str]) -> None:
    text = HEADER + "\n".join(rows) + "\n"
    load(loads, contract(loads), text)
    load(loads, contract(loads, delimiter="auto", encoding="auto"), text + "\n")
    found = {"delimiter": ",", "encoding": "utf-8"}
    assert loads.run("select found from ops.load_batch order by batch_id") == [({},), (found,)]
    (shown,) = dataset_status(loads.url, ["uji/data"])
    assert shown["found"] == found


@pytest.mark.parametrize("rows", [ROWS, ROWS[:100]], ids=["large", "small"])
def test_a_row_broken_by_an_unquoted_line_break_is_never_loaded_as_two(loads: Loads, rows: list[str]) -> None:
    text = HEADER + "\n".join([*rows, "40001,Jalan", "Mawar,1,", "40002,akhir,1,"]) + "\n"
    place = 2 * len(rows) + 2
    with pytest.raises(SourceError, match=rf"besar\.csv: baris {place}: 2 sel, sedangkan baris judul 4"):
        load(loads, contract(loads), text)
    batch = load(loads, contract(loads, short_rows=True), text)
    assert (batch.loaded, batch.quarantined) == (len(rows) + 2, 1)
    assert "besar.csv: 2 baris memuat lebih sedikit sel daripada baris judul" in batch.warnings[0]


def test_bytes_of_another_encoding_are_refused_with_their_line(loads: Loads) -> None:
    with pytest.raises(SourceError, match=r"baris 11: byte-nya bukan utf-8"):
        load(
            loads,
            contract(loads),
            HEADER + "\n".join(r.replace("🐟", "") for r in ROWS) + "\n" + "40001,ké,,",
            "cp1252",
        )


def test_a_declared_encoding_and_delimiter_are_read_the_fast_way(loads: Loads) -> None:
    text = "id;nama;nilai;catatan\n" + "".join(f"{n};ké {n};{n}.5;“kutip”\n" for n in range(50_000))
    of = contract(loads, delimiter=";", encoding="cp1252")
    batch, tried = load_from(loads, of, put(loads, text, "cp1252"))
    assert (batch.loaded, [way(stream) for stream in tried]) == (50_000, [Way.TYPED])
    assert tried[0].exact == {"id", "nama", "nilai", "catatan"}
    assert content(loads)[7] == (7, "ké 7", "7.50", "“kutip”", "baris 9")


def test_a_plain_file_is_read_once(loads: Loads) -> None:
    batch, tried = load_from(loads, contract(loads), put(loads, HEADER + "\n".join(ROWS)))
    assert (batch.loaded, [way(stream) for stream in tried]) == (40_000, [Way.TYPED])
    assert loads.run("select count(*) from pg_attrdef where adrelid = 'raw.uji__data'::regclass") == [(0,)]
    assert content(loads)[2] == (3, 'Kel. "3", RT\n3', "0.75", None, "baris 6")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("12x", "bukan angka"),
        ("1_000", "bukan angka"),
        ("99999999999", "di luar jangkauan numeric(12,2)"),
        ("NaN", "bukan angka"),
        ("1.555", "lebih dari 2 angka di belakang koma"),
        ("155e-3", "lebih dari 2 angka di belakang koma"),
    ],
)
def test_one_cell_of_a_wrong_type_makes_its_column_be_read_as_text(
    loads: Loads, cell: str, reason: str
) -> None:
    """The cell is late in the file. Rows that have landed typed are not used, and quarantine has the original text.

    If only PostgreSQL finds out, all columns are read as text.
    """
    file = put(loads, HEADER + "\n".join([*ROWS, f"40001,salah,{cell},"]))
    batch, tried = load_from(loads, contract(loads), file)
    assert (batch.loaded, batch.quarantined, batch.read) == (40_000, 1, 40_001)
    second = frozenset() if cell == "99999999999" else frozenset({"id", "nama", "catatan"})
    assert [stream.exact for stream in tried] == [{"id", "nama", "nilai", "catatan"}, second]
    [(values, reasons)] = loads.run("select row, reasons from quarantine.row")
    assert values["nilai"] == cell
    assert reason in str(reasons)


def test_bad_cells_all_over_a_file_are_seen_before_it_is_read(loads: Loads) -> None:
    rows = [f"{n},sel salah,tidak ada," if n % 300 == 299 else row for n, row in enumerate(ROWS, 1)]
    batch, tried = load_from(loads, contract(loads), put(loads, HEADER + "\n".join(rows)))
    assert (batch.loaded, batch.quarantined) == (40_000 - 133, 133)
    assert [stream.exact for stream in tried] == [{"id", "nama", "catatan"}]


def test_a_file_with_late_bad_cells_in_two_columns_is_read_three_times(loads: Loads) -> None:
    late = ["40001,salah,12x,", "tidak,salah,1,"]
    filler = [f"{n},isi,1," for n in range(50_000, 90_000)]
    text = HEADER + "\n".join([*ROWS, late[0], *filler, late[1]])
    batch, tried = load_from(loads, contract(loads), put(loads, text))
    assert (batch.loaded, batch.quarantined) == (80_000, 2)
    assert [way(stream) for stream in tried] == [Way.TYPED, Way.TYPED, Way.PLAIN]


def test_a_look_at_a_file_reads_it_again_although_it_was_loaded(loads: Loads) -> None:
    filler = [f"{n},isi,1," for n in range(50_000, 90_000)]
    file = put(loads, HEADER + "\n".join([*ROWS, "40001,salah,12x,", *filler]))
    _, tried = load_from(loads, contract(loads), file)
    assert [way(stream) for stream in tried] == [Way.TYPED, Way.TYPED]
    staged = look_at_stage(loads.connection, contract(loads), uploaded(file), lambda staged: staged.rows)
    assert staged == 80_000


def test_a_telephone_number_in_a_column_of_numbers_keeps_its_zero_and_is_hidden(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "uji" * 12)
    of = loads.contract(
        column("id", "integer", primaryKey=True),
        column("catatan", classification="pribadi", pseudonymise="uji"),
        column("nilai", "bigint"),
        column("nama", logicalTypeOptions={"maxLength": 5}),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        max_quarantine_share=1,
    )
    rows = [f"{n},Kel. {n % 9} RT {n},{n},isi" for n in range(60_000)]
    text = "id,catatan,nilai,nama\n" + "\n".join([*rows, "70000,Budi,081234567890,panjang"])
    batch, tried = load_from(loads, of, put(loads, text))
    assert (batch.loaded, batch.quarantined) == (60_000, 1)
    assert loads.run("select row ->> 'nilai' from quarantine.row") == [("***",)]
    assert tried[-1].exact == {"id", "nama"}


def test_a_row_that_breaks_a_rule_is_quarantined_from_the_typed_rows(loads: Loads) -> None:
    of = loads.contract(
        column("id", "integer", primaryKey=True),
        column("catatan"),
        column("nilai", "numeric(12,2)", logicalTypeOptions={"minimum": 0}),
        column("nama", required=True),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
    )
    text = HEADER + "\n".join([*ROWS, "40001,salah,-5,", "40001,,,", "40000,dua kali,1,"])
    batch, tried = load_from(loads, of, put(loads, text))
    assert (batch.loaded, batch.quarantined) == (40_000, 3)
    assert [way(stream) for stream in tried] == [Way.TYPED]
    refused = loads.run(
        "select source_position, row ->> 'nilai', reasons::text from quarantine.row order by 1"
    )
    assert [(place, value) for place, value, _ in refused] == [
        ("baris 80002", "-5.00"), ("baris 80003", None), ("baris 80004", "1.00"),
    ]  # fmt: skip
    assert "di luar rentang" in refused[0][2] and "wajib diisi" in refused[1][2]


KINDS = (
    "smallint",
    "bigint",
    "numeric(6,2)",
    "double precision",
    "boolean",
    "date",
    "time",
    "timestamp",
    "timestamptz",
)
SPELLINGS = st.one_of(
    st.text("0123456789+-.eE", min_size=1, max_size=6),
    st.text("truefalsTRUEFALS01yn", min_size=1, max_size=5),
    st.from_regex(r"\A-?[0-9]{0,2}\.[0-9]{0,4}(e-?[0-9])?\Z"),
    st.from_regex(r"\A[0-2]?[0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,8})?)?(\+08| PM)?\Z"),
    st.sampled_from(["NaN", "inf", "today", "now", "epoch", "infinity", "0x1F", "1_0", "t", "allballs", "1e400"]),
    st.from_regex(r"\A(20|00)[0-9]{2}-[01][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,7})?)?(Z|\+07| BC| )?\Z"),
)  # fmt: skip


@settings(max_examples=150)
@given(kind=st.sampled_from(KINDS), cell=SPELLINGS)
def test_a_cell_lands_typed_exactly_if_the_rules_for_files_accept_it(
    loads: Loads, kind: str, cell: str
) -> None:
    """If the first check allows a cell, PostgreSQL decides about it, and must decide as the strict rules for files do."""
    of = loads.contract(
        column("id", "integer", primaryKey=True),
        column("a", kind),
        column("b"),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
    )
    columns = (of.column("a"), of.column("b"))
    if 0 not in plain.typed_columns(io.BytesIO(f"a,b\n{cell},x\n".encode()), ",", columns):
        return
    of_a = [r for r in rules(of) if r.column.name == "a"]
    query = sql.SQL("select {}, pg_input_is_valid(b.a, {}) from (select {}::text as a offset 0) b").format(
        all_kept(of_a), sql.Literal(kind), sql.Literal(cell)
    )
    strict, taken = loads.connection.execute(query).fetchone() or (None, None)
    assert strict == taken


@pytest.mark.parametrize(
    ("cell", "broken", "broken_after_repair", "unbroken"),
    [
        ("#N/A", ["sel_galat"], ["sel_galat"], {"notasi_ilmiah"}),
        ("Err:502", ["sel_galat"], ["sel_galat"], {"notasi_ilmiah"}),
        ("E\u200brr:502", [], ["sel_galat"], {"sel_galat", "notasi_ilmiah"}),
        ("6.40201410590001E+15", ["notasi_ilmiah"], ["notasi_ilmiah"], {"sel_galat"}),
        ("Jl. Contoh #5 +62", [], [], set[str]()),
    ],
)
@pytest.mark.parametrize("first", [Way.TYPED, Way.PLAIN, Way.CAREFUL])
def test_a_rule_that_the_bytes_of_a_file_answer_is_kept_on_each_way(
    loads: Loads, cell: str, broken: list[str], broken_after_repair: list[str], unbroken: set[str], first: Way
) -> None:
    """A spreadsheet's errors are looked for in whole blocks. Cells that a repair changes are asked one by one."""
    of = loads.contract(
        column("id", "integer", primaryKey=True),
        column("nama"),
        column("rapi", parse=["teks"]),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
    )
    rows = [f"{n},nama {n} {'x' * 20},rapi" for n in range(1, 39_999)]
    rows += [f"39999,{cell},rapi", f"40000,biasa,{cell}"]
    batch, tried = load_from(loads, of, put(loads, "id,nama,rapi\n" + "\n".join(rows)), first)
    found = loads.run(
        "select row_key, (select array_agg(r->>'aturan') from jsonb_array_elements(reasons) r) from quarantine.row"
        " order by row_key"
    )
    assert found == [
        (key, rules) for key, rules in (("39999", broken), ("40000", broken_after_repair)) if rules
    ]
    assert batch.loaded + batch.quarantined == 40_000
    assert tried[-1].unbroken == (unbroken if first is not Way.CAREFUL else set())
