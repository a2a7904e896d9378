"""Rows of PostgreSQL come in the binary format, and are the same as those that come as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.extract.source import open_source
from pipelines.extract.source_limits import Clock
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.runtime.embedded import Urls
from tests.support.clocks import Nights
from tests.support.contracts import column, database
from tests.support.databases import database_with_encoding, run_postgresql, sqlalchemy_url

# Type at the source, the contract's column, values. Where the types are not the same, the cell is cast at the source.
COLUMNS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "kecil": ("smallint", column("kecil", "bigint"), ["-32768", "32767", "null"]),
    "sedang": ("int", column("sedang", "integer"), ["-2147483648", "0", "null"]),
    "besar": ("bigint", column("besar", "bigint"), ["x'00efbfbd00efbfbd'::bigint", "-1", "null"]),
    "uang": ("numeric(12,2)", column("uang", "numeric(18,3)"), ["-0.01", "9999999999.99", "null"]),
    "bebas": ("numeric", column("bebas", "numeric"), ["1e-30", "'NaN'", "12345678901234567890.5"]),
    "rasio": ("float8", column("rasio", "double precision"), ["0.1::float8 + 0.2", "'Infinity'", "null"]),
    "tunggal": ("float4", column("tunggal", "double precision"), ["0.1", "16777217.0/3", "null"]),
    "hari": ("date", column("hari", "date"), ["'0044-03-15 BC'", "'infinity'", "'9999-12-31'"]),
    "saat": ("timestamp", column("saat", "timestamp"), ["'2024-01-02 03:04:05.678901'", "'-infinity'", "null"]),
    "mutlak": ("timestamptz", column("mutlak", "timestamptz"), ["'2024-01-02 03:04:05+00'", "'1800-01-01'", "null"]),
    "jam": ("time", column("jam", "time"), ["'23:59:59.999999'", "'24:00'", "null"]),
    "aktif": ("boolean", column("aktif", "boolean"), ["true", "false", "null"]),
    "kode": ("char(5)", column("kode", parse=["kode"], logicalTypeOptions={"minLength": 5, "maxLength": 5}), ["'64'", "'6402 '", "null"]),
    "nama": ("varchar(40)", column("nama", parse=["teks"]), [r"E' dua\t baris\n\\\\ '", "''", "null"]),
    "dibulatkan": ("numeric(9,4)", column("dibulatkan", "numeric(9,2)", parse=["bulatkan"]), ["1.005", "-2.5", "null"]),
    "tertulis": ("date", column("tertulis"), ["'2024-02-29'", "'infinity'", "null"]),
    "benar": ("boolean", column("benar"), ["true", "false", "null"]),
    "alamat": ("inet", column("alamat"), ["'10.0.0.1'", "'10.0.0.0/8'", "null"]),
    "dokumen": ("jsonb", column("dokumen"), ["""'{"a": [1.10, "x\\ty"]}'""", "'null'", "null"]),
    "daftar": ("text[]", column("daftar"), ["""array['a b', null, 'c"d']""", "'{}'", "null"]),
    "bita": ("bytea", column("bita"), [r"'\x00ff5c'", r"'\x'", "null"]),
    "biaya": ("money", column("biaya", "numeric"), ["12.5::numeric::money", "0::numeric::money", "null"]),
}  # fmt: skip


@pytest.fixture
def nights(warehouse_url: str, tmp_path: Path) -> Iterator[Nights]:
    made = Nights(warehouse_url, tmp_path)
    yield made
    made.connection.close()


def every_type(nights: Nights) -> Contract:
    columns = [made for _, made, _ in COLUMNS.values()]
    custom = {"schema_contract": "evolve", "max_quarantine_share": 1}
    return nights.contract(column("id", "bigint", primaryKey=True), *columns, **custom)


def fill(url: str) -> None:
    """Makes a table with three rows of every type, and a column that the contract does not know."""
    columns = "".join(f", {name} {kind}" for name, (kind, _, _) in COLUMNS.items())
    run_postgresql(url, f"create table sumber (id int{columns}, baru int)")
    for row in range(3):
        cells = ", ".join(values[row] for _, _, values in COLUMNS.values())
        run_postgresql(url, f"insert into sumber values ({row + 1}, {cells}, {row})")  # noqa: S608


def opened(contract: Contract, url: str, clock: Clock | None = None) -> SourceStream:
    stream = open_source(contract, wanted=Wanted(), env={"UJI_URL": sqlalchemy_url(url)}, clock=clock)
    assert stream is not None
    return stream


def loaded(nights: Nights, contract: Contract) -> list[list[Any]]:
    """What a load leaves: its rows in raw and in quarantine, its repairs, and its counts."""
    nights.forget()
    batch = nights.load(contract).batch
    assert batch is not None
    statements = (
        "select (to_jsonb(t) - '_batch_id' - '_loaded_at')::text from raw.uji__data t order by id",
        "select row_key, row::text, reasons::text from quarantine.row order by row_key",
        "select column_name, repair, rows from ops.load_repair r where r.batch_id = (select max(batch_id)"
        " from ops.load_batch) order by 1, 2",
        "select state, rows_read, rows_loaded, rows_quarantined, rows_damaged from ops.load_batch",
    )
    return [nights.run(statement) for statement in statements]


def test_both_formats_leave_the_same_rows(
    nights: Nights, server_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows are read in both formats: from a database without an encoding, PostgreSQL gives them as text."""
    found: dict[bool, list[list[Any]]] = {}
    contract = every_type(nights)
    for encoding in ("UTF8", "SQL_ASCII"):
        with database_with_encoding(server_urls, encoding) as url:
            fill(url)
            monkeypatch.setenv("UJI_URL", sqlalchemy_url(url))
            stream = opened(contract, url)
            stream.close()
            found[stream.binary is not None] = loaded(nights, contract)
    assert found[True] == found[False]
    rows, quarantined, repairs, counts = found[True]
    assert len(rows) + len(quarantined) == 3 and quarantined and repairs
    assert counts == [("loaded", 3, len(rows), len(quarantined), 0)]


def test_a_type_that_is_no_part_of_postgresql_is_read_as_text(
    nights: Nights, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function that writes its text belongs to an extension. We may lack the right to call it."""
    run_postgresql(
        pg_url,
        "create extension citext",
        "create table sumber (id int, nama citext)",
        r"insert into sumber values (1, E'Baris\tsatu'), (2, null)",
    )
    contract = nights.contract(column("id", "bigint", primaryKey=True), column("nama"))
    stream = opened(contract, pg_url)
    assert stream.binary is None and b"".join(stream.blocks) == b"1\tBaris\\tsatu\n2\t\\N\n"
    monkeypatch.setenv("UJI_URL", sqlalchemy_url(pg_url))
    nights.load(contract)
    assert nights.run("select id, nama from raw.uji__data order by id") == [(1, "Baris\tsatu"), (2, None)]


def test_damaged_texts_are_counted_but_not_numbers_of_the_same_bytes(
    nights: Nights, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UJI_URL", sqlalchemy_url(pg_url))
    run_postgresql(
        pg_url,
        "create table sumber (id bigint, nama text)",
        "insert into sumber select x'00efbfbd00efbfbd'::bigint + n, case when n % 9000 = 0 then 'J\ufffdssy' else"
        " 'Sri' end from generate_series(1, 30000) n",
    )
    nights.load(nights.contract(column("id", "bigint", primaryKey=True), column("nama")))
    assert nights.run("select rows_read, rows_damaged from ops.load_batch") == [(30_000, 3)]


def test_rows_are_given_at_the_pace_of_the_contract(nights: Nights, pg_url: str) -> None:
    run_postgresql(
        pg_url,
        "create table sumber (id int, nama text)",
        "insert into sumber select n, repeat('x', 1000) from generate_series(1, 1000) n",
    )
    server = database("UJI_URL", rows_per_second=100)
    contract = nights.contract(column("id", "bigint", primaryKey=True), column("nama"), server=server)
    seconds = [0.0]
    paced = Clock(monotonic=lambda: seconds[0], sleep=lambda s: seconds.__setitem__(0, seconds[0] + s))
    stream = opened(contract, pg_url, paced)
    after = [(stream.rows, seconds[0]) for _ in stream.blocks]
    assert stream.binary and len(after) > 3 and stream.rows == 1000
    assert [at for _, at in after[1:]] == pytest.approx([rows / 100 for rows, _ in after[:-1]])
    assert seconds[0] == pytest.approx(10)
