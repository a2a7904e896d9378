"""What a PostgreSQL source gives: exact texts under any server settings, odd names, rights, limits."""

# ruff: noqa: S608  # the statements are the tests' own
from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import psycopg
import pytest
from psycopg import sql

from pipelines.contracts.raw_table import EXTRA
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.database import open_database
from pipelines.extract.stream import Wanted
from pipelines.runtime.embedded import Urls
from tests.support.databases import (
    contract,
    database_with_encoding,
    read,
    run_postgresql,
    sqlalchemy_url,
    typed,
)
from tests.support.extracts import column
from tests.support.servers import fresh_name

TYPES = {
    "i": ("bigint", "9223372036854775807", "9223372036854775807", "integer"),
    "n": ("numeric", "1e30", "1000000000000000000000000000000", "number"),
    "nan": ("numeric", "'NaN'", "NaN", "number"),
    "f": ("double precision", "0.1::float8 + 0.2::float8", "0.30000000000000004", "number"),
    "f4": ("real", "16777217.0/3", "5.5924055e+06", "number"),
    "inf": ("double precision", "'-Infinity'", "-Infinity", "number"),
    "money": ("money", "1234567.89::numeric::money", "1234567.89", "number"),
    "monies": ("money[]", "array[1.5::numeric::money]", "{1.50}", "other"),
    "b": ("boolean", "true", "t", "boolean"),
    "d": ("date", "'2024-02-29'", "2024-02-29", "date"),
    "bc": ("date", "'0044-03-15 BC'", "0044-03-15 BC", "date"),
    "forever": ("date", "'infinity'", "infinity", "date"),
    "ts": ("timestamp", "'2024-01-02 03:04:05.678901'", "2024-01-02 03:04:05.678901", "timestamp"),
    "tstz": ("timestamptz", "'2024-01-02 03:04:05.000001+00'", "2024-01-02 11:04:05.000001+08", "timestamp"),
    "t": ("time", "'23:59:59.5'", "23:59:59.5", "time"),
    "iv": ("interval", "'1 year 2 days -03:04:05.6'", "P1Y2DT-3H-4M-5.6S", "other"),
    "bytes": ("bytea", r"'\x00ff5c'", r"\x00ff5c", "binary"),
    "js": ("json", """'{"a": "x\\ty"}'""", '{"a": "x\\ty"}', "json"),
    "jsb": ("jsonb", """'{"a":1.10}'""", '{"a": 1.10}', "json"),
    "arr": ("text[]", """array['a b', null, 'c"d', E'\\\\']""", '{"a b",NULL,"c\\"d","\\\\"}', "other"),
    "ran": ("daterange", "'[2024-01-01,2024-02-01)'", "[2024-01-01,2024-02-01)", "other"),
    "u": ("uuid", "'00000000-0000-0000-0000-0000000000ff'", "00000000-0000-0000-0000-0000000000ff", "other"),
    "en": ("jenis", "'dua kata'", "dua kata", "text"),
    "domen": ("jenis_domain", "'satu'", "satu", "text"),
    "domran": ("rentang", "'[1,3)'", "[1,3)", "other"),
    "mran": ("int4multirange", "'{[1,3),[5,6)}'", "{[1,3),[5,6)}", "other"),
    "enums": ("jenis[]", "'{satu,\"dua kata\"}'", '{satu,"dua kata"}', "other"),
    "pair": ("pasangan", "row(1, 'a b')::pasangan", '(1,"a b")', "other"),
    "net": ("inet", "'10.0.0.1'", "10.0.0.1", "other"),
    "char1": ('"char"', "'x'", "x", "other"),
    "nama": ("name", "'tabel'", "tabel", "text"),
    "dom": ("kode", "'64.02'", "64.02", "text"),
    "dommoney": ("biaya", "5::numeric::money", "5.00", "number"),
    "ch": ("char(4)", "'ab'", "ab  ", "text"),
    "v": ("varchar(9)", "E'a\\tb\\nc\\\\d'", "a\tb\nc\\d", "text"),
    "bit": ("bit(3)", "b'101'", "101", "other"),
    "null": ("text", "null", None, "text"),
    "backslash_n": ("text", r"'\N'", r"\N", "text"),
}
HOSTILE = {
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "timezone": "America/New_York",
    "default_transaction_isolation": "serializable",
    "client_encoding": "LATIN1",
    "xmlbinary": "hex",
    "standard_conforming_strings": "off",
}


def make_typed_table(pg_url: str) -> None:
    run_postgresql(
        pg_url,
        "create type jenis as enum ('satu', 'dua kata')",
        "create domain jenis_domain as jenis",
        "create domain rentang as int4range",
        "create type pasangan as (a int, b text)",
        "create domain kode as varchar(13) check (value ~ '^[0-9.]+$')",
        "create domain biaya as money",
        "create table jenis_kolom (" + ", ".join(f'"{n}" {t[0]}' for n, t in TYPES.items()) + ")",
        f"insert into jenis_kolom values ({', '.join(t[1] for t in TYPES.values())})",
    )


@pytest.mark.parametrize("settings", [{}, HOSTILE], ids=["default", "hostile"])
def test_the_text_of_every_type_is_exact_under_any_server_settings(
    pg_url: str, settings: dict[str, str]
) -> None:
    make_typed_table(pg_url)
    with psycopg.connect(pg_url, autocommit=True) as admin:
        for name, value in settings.items():
            admin.execute(
                sql.SQL("alter database {} set {} = {}").format(
                    sql.Identifier(admin.info.dbname), sql.Identifier(name), sql.Literal(value)
                )
            )
    found = read(contract(*TYPES, table="jenis_kolom"), sqlalchemy_url(pg_url))
    assert dict(zip(TYPES, found.rows[0], strict=True)) == {n: t[2] for n, t in TYPES.items()}
    assert found.stream.shape == {n: t[3] for n, t in TYPES.items()}
    assert found.stream.warnings == []


def test_money_is_a_plain_number_under_another_locale(pg_url: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as admin:
        (locales,) = admin.execute(
            "select array_agg(collname::text) from pg_collation where collname in ('de_DE.utf8', 'en_US.utf8')"
        ).fetchone() or ([],)
        locale = (locales or ["C"])[0]
        admin.execute(f"alter database {admin.info.dbname} set lc_monetary = '{locale}'".encode())
    run_postgresql(
        pg_url, "create table biaya (b money)", "insert into biaya values (1234567.89::numeric::money), (-1)"
    )
    assert read(contract("b", table="biaya"), sqlalchemy_url(pg_url)).cells == ["1234567.89", "-1.00"]


def test_a_latin1_database_is_read_in_its_encoding(server_urls: Urls) -> None:
    with database_with_encoding(server_urls, "LATIN1") as url:
        run_postgresql(url, "create table t (n text)", "insert into t values ('Caf\u00e9')")
        assert read(contract("n", table="t"), sqlalchemy_url(url)).cells == ["Caf\u00e9"]


def test_invalid_utf8_in_an_sql_ascii_database_is_replaced_and_counted(server_urls: Urls) -> None:
    with database_with_encoding(server_urls, "SQL_ASCII") as url:
        run_postgresql(
            url,
            "create table t (n text)",
            r"insert into t values (E'Caf\xE9\tsatu'), (E'\xC3\xA9'), ('biasa'), (E'\xFF')",
        )
        found = read(contract("n", table="t"), sqlalchemy_url(url))
    assert found.cells == ["Caf\ufffd\tsatu", "\u00e9", "biasa", "\ufffd"]
    assert found.stream.warnings == ["2 baris berisi byte yang bukan UTF-8: diganti dengan U+FFFD"]


def test_a_byte_invalid_in_the_databases_encoding_is_a_permanent_error(server_urls: Urls) -> None:
    with database_with_encoding(server_urls, "WIN1252") as url:
        with psycopg.connect(url, autocommit=True, client_encoding="WIN1252") as connection:
            connection.execute("create table t (n text)")
            connection.execute("insert into t select convert_from('\\x41'::bytea, 'WIN1252') || chr(129)")
        with pytest.raises(SourceError, match="uji/data") as caught:
            read(contract("n", table="t"), sqlalchemy_url(url))
    assert not caught.value.transient and "tidak sah dalam pengodeannya" in str(caught.value)


def test_odd_names_of_schema_table_and_columns_are_quoted(pg_url: str) -> None:
    names = ["NIK Lama", 'kutip"ganda', "select", "persen%s", "persen%", "{}", "k\u00e9 \U0001f41f", "a\\b"]
    quoted = [sql.Identifier(n).as_string() for n in names]
    run_postgresql(
        pg_url,
        'create schema "Skema %"',
        f'create table "Skema %"."Tabel ""Besar""" ({", ".join(q + " text" for q in quoted)})',
        f'insert into "Skema %"."Tabel ""Besar""" values ({", ".join(f"{str(i)!r}" for i in range(len(names)))})',
        'create view "Skema %".pandangan as select * from "Skema %"."Tabel ""Besar"""',
        'create materialized view "Skema %".tersimpan as select * from "Skema %"."Tabel ""Besar"""',
    )
    columns = [column(f"k{i}", name) for i, name in enumerate(names)]
    for table in ('Tabel "Besar"', "pandangan", "tersimpan"):
        made = contract(*columns, table=table, schema="Skema %", where="\"persen%s\" like '%' -- semua")
        found = read(made, sqlalchemy_url(pg_url))
        assert found.rows == [[str(i) for i in range(len(names))]]
        assert list(found.stream.shape) == names


def test_where_and_window_are_applied_outside_of_a_query(pg_url: str) -> None:
    run_postgresql(
        pg_url,
        "create table kunjungan (id int, tanggal date)",
        "create table biaya (id int, rupiah money)",
        "insert into kunjungan values (1, '2024-05-01'), (2, '2024-05-02'), (3, '2024-05-03')",
        "insert into biaya values (1, 10), (2, 20), (3, 30)",
    )
    query = """with semua as (select id, tanggal, rupiah, 'a:b %s' as catatan from kunjungan join biaya using (id))
        select * from semua where id > 1; -- hanya yang baru"""
    columns = (column("id"), typed("tanggal", "date", "date"), column("rupiah"), column("catatan"))
    made = contract(*columns, query=query, where="id < 3 or id = 3; -- dan; seterusnya", partition="tanggal")
    found = read(made, sqlalchemy_url(pg_url), Wanted(start=date(2024, 5, 1), end=date(2024, 5, 2)))
    assert found.rows == [["2", "2024-05-02", "20.00", "a:b %s"]]
    assert found.stream.name == "query"
    assert found.stream.shape == {"id": "integer", "tanggal": "date", "rupiah": "number", "catatan": "text"}
    ended = contract("id", query="select id from kunjungan where id = 1 ;\n")
    assert read(ended, sqlalchemy_url(pg_url)).cells == ["1"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select 1 as id) q; drop table kunjungan; select (1", "multiple commands|kesalahan sintaks"),
        ("delete from kunjungan returning id", "kesalahan sintaks SQL"),
        (
            "with x as (delete from kunjungan returning id) select id from x",
            "server tidak mendukung hal itu|hanya boleh membaca",
        ),
        ("select nextval('urut')::text as id", "hanya boleh membaca"),
        ("select id from tiada", 'tabel tidak ada: "tiada"'),
        ("select id fro kunjungan", "kesalahan sintaks SQL"),
    ],
)
def test_a_query_can_only_read(pg_url: str, query: str, message: str) -> None:
    run_postgresql(
        pg_url,
        "create sequence urut",
        "create table kunjungan (id text)",
        "insert into kunjungan values ('1')",
    )
    with pytest.raises(SourceError, match=message) as caught:
        read(contract("id", query=query), sqlalchemy_url(pg_url))
    assert not caught.value.transient
    with psycopg.connect(pg_url) as connection:
        assert connection.execute("select count(*), nextval('urut') from kunjungan").fetchall() == [(1, 1)]


def test_the_right_to_read_the_contracts_columns_is_enough(pg_url: str) -> None:
    role = fresh_name()
    run_postgresql(
        pg_url,
        "create table t (id int, nama text, kode text)",
        "insert into t values (1, 'rahasia', '64')",
        f"create role {role} login",
        f"grant select (id, kode) on t to {role}",
    )
    url = sqlalchemy_url(pg_url).replace("postgres@", f"{role}@")
    try:
        found = read(contract("id", replace(column("nama"), dropped=True), "kode", table="t"), url)
        assert found.rows == [["1", "64"]] and list(found.stream.shape) == ["id", "nama", "kode"]
        with pytest.raises(
            SourceError,
            match=r"akses ditolak: tidak ada hak, pada SELECT dari tabel t .*42501",
        ) as caught:
            read(contract("id", "nama", table="t"), url)
        assert not caught.value.transient
    finally:
        run_postgresql(pg_url, f"drop owned by {role}", f"drop role {role}")


def test_no_new_name_is_proposed_where_several_columns_could_have_it(pg_url: str) -> None:
    run_postgresql(pg_url, "create table t (id int, kode_baru varchar(9), lain text)")
    with pytest.raises(ShapeError, match="tidak punya kolom kode") as caught:
        read(contract("id", "kode", table="t"), sqlalchemy_url(pg_url))
    assert "berganti nama" not in str(caught.value)


@pytest.mark.parametrize(("table", "schema"), [("tiada", None), ("t", "tiada")])
def test_a_missing_table_or_schema_is_a_permanent_error(pg_url: str, table: str, schema: str | None) -> None:
    run_postgresql(pg_url, "create table t (id int)")
    with pytest.raises(ShapeError, match=f"tidak punya tabel {table}") as caught:
        read(contract("id", table=table, schema=schema), sqlalchemy_url(pg_url))
    assert not caught.value.transient


def test_an_evolving_contract_keeps_unknown_columns_and_allows_missing_ones(pg_url: str) -> None:
    run_postgresql(
        pg_url,
        """create table t (id int, "Nilai ""x"" %" money, catatan text, hilang2 text)""",
        r"""insert into t values (1, 5, E'a\tb"c\\', null), (2, null, null, 'x')""",
    )
    made = contract("id", "hilang", table="t", key="id", schema_contract="evolve")
    found = read(made, sqlalchemy_url(pg_url))
    assert found.stream.columns == ("id", "hilang", EXTRA)
    assert [(row[:2], json.loads(row[2] or "")) for row in found.rows] == [
        (["1", None], {'Nilai "x" %': "5.00", "catatan": 'a\tb"c\\', "hilang2": None}),
        (["2", None], {'Nilai "x" %': None, "catatan": None, "hilang2": "x"}),
    ]
    assert found.stream.warnings == ["hilang tidak ada lagi di sumber: hilang kosong"]
    everything = contract(
        "id", "catatan", "hilang2", column("n", 'Nilai "x" %'), table="t", schema_contract="evolve"
    )
    assert [row[-1] for row in read(everything, sqlalchemy_url(pg_url)).rows] == [None, None]
    for needed in (
        contract("lama", table="t", key="lama", schema_contract="evolve"),
        contract("id", replace(column("lama"), required=True), table="t", schema_contract="evolve"),
    ):
        with pytest.raises(ShapeError, match="tidak punya kolom lama"):
            read(needed, sqlalchemy_url(pg_url))


def test_more_unknown_columns_than_a_function_has_arguments_are_kept(pg_url: str) -> None:
    names = [f"k{i}" for i in range(300)]
    run_postgresql(
        pg_url,
        f"create table lebar (id int, {', '.join(f'{n} int' for n in names)})",
        f"insert into lebar values (1, {', '.join(str(i) for i in range(300))})",
    )
    ((_, extra),) = read(contract("id", table="lebar", schema_contract="evolve"), sqlalchemy_url(pg_url)).rows
    assert json.loads(extra or "") == {f"k{i}": str(i) for i in range(300)}


def test_numbers_kept_as_text_are_refused_as_cursor(pg_url: str) -> None:
    run_postgresql(pg_url, "create table t (id text)")
    made = contract(typed("id", "integer", "bigint"), table="t", cursor="id")
    with pytest.raises(ContractError, match="9 sesudah 10"):
        read(made, sqlalchemy_url(pg_url), Wanted(since="10"))


def test_the_session_has_our_name_and_ends_with_the_reading(pg_url: str) -> None:
    run_postgresql(pg_url, "create table t (id int)", "insert into t values (1)")
    made = contract("a", "r", "i", "o", query="""
        select current_setting('application_name') a, current_setting('transaction_read_only') r,
               current_setting('transaction_isolation') i, current_setting('statement_timeout') o""")  # fmt: skip
    assert read(made, sqlalchemy_url(pg_url)).rows == [["gudang", "on", "repeatable read", "1min"]]
    stream = open_database(contract("id", table="t"), Wanted(), {"UJI_URL": sqlalchemy_url(pg_url)})
    next(stream.blocks)
    stream.blocks.close()  # type: ignore[attr-defined]
    with psycopg.connect(pg_url, autocommit=True) as admin:
        for _ in range(3000):
            left = admin.execute(
                "select count(*) from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid() and pg_sleep(0.02) is not null"
            ).fetchone()
            if left == (0,):
                break
        assert left == (0,)
