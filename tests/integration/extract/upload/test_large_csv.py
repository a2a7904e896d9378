"""A large CSV file: each way of reading it gives the same rows.

A file that a fast way cannot read is read the careful way, without a message.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.upload import reader
from pipelines.extract.upload.csv import plain
from pipelines.extract.upload.reader import Way
from pipelines.ingest import ingest
from pipelines.load.stage.rules import all_kept, rules
from pipelines.settings import Settings
from tests.support.contracts import column, upload
from tests.support.loads import Loads

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


def load(loads: Loads, of: Contract, text: str, encoding: str = "utf-8") -> Any:
    of_test = Settings(home=loads.folder / "home", project=loads.folder, warehouse_url=loads.url)
    zone = loads.folder / "home" / "unggahan" / "uji" / "data"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "besar.csv").write_bytes(text.encode(encoding))
    done = ingest(loads.connection, of, of_test, loads.url, run_id="uji")
    assert done.batch is not None
    return done.batch


def content(loads: Loads) -> list[Any]:
    return loads.run("select id, nama, nilai::text, catatan, _source_position from raw.uji__data order by id")


TYPES = {0: "integer", 1: "text", 2: "numeric(12,2)", 3: "text"}
HEADER = "id,nama,nilai,catatan\n"


def test_both_ways_give_the_same_rows_at_the_same_places(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADER + "\n".join([*ROWS[:20], "x,salah,-,", *ROWS[20:]])
    assert len(text) > plain.MIN_FILE_SIZE
    batch = load(loads, contract(loads), text)
    assert (batch.loaded, batch.quarantined) == (40_000, 1)
    fast = content(loads)
    told = loads.run("select source_position, reasons from quarantine.row")
    assert fast[0] == (1, 'Kel. "1", RT\n1', None, None, "baris 2")
    assert fast[2] == (3, 'Kel. "3", RT\n3', "0.75", None, "baris 6")
    assert told[0][0] == "baris 42"

    loads.forget(contract(loads))
    monkeypatch.setattr(plain, "MIN_FILE_SIZE", 1 << 40)
    assert load(loads, contract(loads), text).loaded == 40_000
    assert content(loads) == fast
    assert loads.run("select source_position, reasons from quarantine.row") == told


@pytest.mark.parametrize(
    "odd", ["", " , ,,", '40001,"a""b\nc",1,', "40001,nul\0,1,"], ids=["blank", "no ink", "quotes", "NUL"]
)
def test_what_is_not_plain_is_read_carefully_or_told_of_exactly(loads: Loads, odd: str) -> None:
    text = HEADER + "\n".join([*ROWS, odd, "40002,akhir,1,"]) + "\n"
    if "\0" in odd:
        with pytest.raises(SourceError, match=r"besar\.csv: baris 80002: ada karakter NUL"):
            load(loads, contract(loads), text)
    else:
        assert load(loads, contract(loads), text).loaded == 40_001 + bool(odd.strip(" ,"))


@pytest.mark.parametrize("rows", [ROWS, ROWS[:100]], ids=["large", "small"])
def test_what_was_found_out_of_a_file_stands_in_the_ledger_and_in_the_status(
    loads: Loads, rows: list[str]
) -> None:
    from pipelines.cli.status import dataset_status

    text = HEADER + "\n".join(rows) + "\n"
    load(loads, contract(loads), text)
    load(loads, contract(loads, delimiter="auto", encoding="auto"), text + "\n")
    found = {"delimiter": ",", "encoding": "utf-8"}
    assert loads.run("select found from ops.load_batch order by batch_id") == [({},), (found,)]
    (shown,) = dataset_status(loads.url, ["uji/data"])
    assert shown["found"] == found


@pytest.mark.parametrize("rows", [ROWS, ROWS[:100]], ids=["large", "small"])
def test_a_line_break_that_no_quotes_hold_loads_as_two_halves_in_neither_way(
    loads: Loads, rows: list[str]
) -> None:
    text = HEADER + "\n".join([*rows, "40001,Jalan", "Mawar,1,", "40002,akhir,1,"]) + "\n"
    place = 2 * len(rows) + 2
    with pytest.raises(SourceError, match=rf"besar\.csv: baris {place}: 2 sel, sedangkan baris judul 4"):
        load(loads, contract(loads), text)
    batch = load(loads, contract(loads, short_rows=True), text)
    assert (batch.loaded, batch.quarantined) == (len(rows) + 2, 1)
    assert "besar.csv: 2 baris memuat lebih sedikit sel daripada baris judul" in batch.warnings[0]


def test_bytes_of_another_encoding_are_told_of_with_their_line(loads: Loads) -> None:
    with pytest.raises(SourceError, match=r"baris 11: byte-nya bukan utf-8"):
        load(
            loads,
            contract(loads),
            HEADER + "\n".join(r.replace("🐟", "") for r in ROWS) + "\n" + "40001,ké,,",
            "cp1252",
        )


def test_a_declared_cp1252_and_semicolons_are_fast_too(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    rows = plain.plain_rows

    def watched(file: Any, delimiter: str, *args: Any, types: dict[int, str]) -> Iterator[bytes]:
        seen.append((delimiter, types))
        return rows(file, delimiter, *args, types=types)

    monkeypatch.setattr(plain, "plain_rows", watched)
    text = "id;nama;nilai;catatan\n" + "".join(
        f"{n};ké {n};{n}.5;“kutip”\r\n".replace("\r", "") for n in range(50_000)
    )
    batch = load(loads, contract(loads, delimiter=";", encoding="cp1252"), text, "cp1252")
    assert (batch.loaded, seen) == (50_000, [(";", TYPES)])
    assert content(loads)[7] == (7, "ké 7", "7.50", "“kutip”", "baris 9")


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[Way]:
    """The ways that files were read, in their order."""
    seen: list[Way] = []
    opened = reader.open_file

    def watched(contract: Contract, uploaded: Any, way: Way = Way.TYPED, *more: Any) -> Any:
        seen.append(way)
        return opened(contract, uploaded, way, *more)

    monkeypatch.setattr(reader, "open_file", watched)
    return seen


def test_a_plain_file_is_written_once(loads: Loads, ways: list[Way]) -> None:
    batch = load(loads, contract(loads), HEADER + "\n".join(ROWS))
    assert (batch.loaded, ways) == (40_000, [Way.TYPED])
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
def test_one_cell_that_is_not_of_its_type_sends_the_file_the_longer_way(
    loads: Loads, ways: list[Way], cell: str, reason: str
) -> None:
    """Late in the file, when most of it has landed typed: nothing of that is used, and the original is kept."""
    batch = load(loads, contract(loads), HEADER + "\n".join([*ROWS, f"40001,salah,{cell},"]))
    assert (batch.loaded, batch.quarantined, batch.read) == (40_000, 1, 40_001)
    assert ways == [Way.TYPED, Way.PLAIN]
    [(values, reasons)] = loads.run("select row, reasons from quarantine.row")
    assert values["nilai"] == cell
    assert reason in str(reasons)


def test_a_row_that_breaks_a_rule_is_quarantined_from_the_typed_rows(loads: Loads, ways: list[Way]) -> None:
    of = loads.contract(
        column("id", "integer", primaryKey=True),
        column("catatan"),
        column("nilai", "numeric(12,2)", logicalTypeOptions={"minimum": 0}),
        column("nama", required=True),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
    )
    batch = load(loads, of, HEADER + "\n".join([*ROWS, "40001,salah,-5,", "40001,,,", "40000,dua kali,1,"]))
    assert (batch.loaded, batch.quarantined, ways) == (40_000, 3, [Way.TYPED])
    told = loads.run("select source_position, row ->> 'nilai', reasons::text from quarantine.row order by 1")
    assert [(place, value) for place, value, _ in told] == [
        ("baris 80002", "-5.00"), ("baris 80003", None), ("baris 80004", "1.00"),
    ]  # fmt: skip
    assert "di luar rentang" in told[0][2] and "wajib diisi" in told[1][2]


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
def test_what_lands_typed_is_what_the_rules_would_have_taken(loads: Loads, kind: str, cell: str) -> None:
    """Of a cell that is let pass, PostgreSQL's own word decides; it must be that of the strict rules for files."""
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
    asked = [r for r in rules(of) if r.column.name == "a"]
    query = sql.SQL("select {}, pg_input_is_valid(b.a, {}) from (select {}::text as a offset 0) b").format(
        all_kept(asked), sql.Literal(kind), sql.Literal(cell)
    )
    strict, taken = loads.connection.execute(query).fetchone() or (None, None)
    assert strict == taken
