"""What a MariaDB source gives: exact texts under every sql_mode, counted repairs, odd names, long rows, limits, shape."""

# ruff: noqa: S608  # the statements are the tests' own
from __future__ import annotations

import json
import os
import random
import shutil
import struct
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.contracts.raw_table import EXTRA
from pipelines.errors import ShapeError, SourceError
from pipelines.extract.database import open_database
from pipelines.extract.stream import Wanted
from tests.support.databases import contract, read, run_mariadb, typed
from tests.support.extracts import column

pytestmark = pytest.mark.mariadb

TYPES = {
    "i": ("bigint unsigned", "18446744073709551615", "18446744073709551615", "integer"),
    "ti": ("tinyint(1)", "2", "2", "integer"),
    "z": ("int(6) zerofill", "42", "000042", "integer"),
    "b1": ("bit(1)", "b'1'", "1", "boolean"),
    "b9": ("bit(9)", "b'100000001'", "257", "integer"),
    "y": ("year", "2024", "2024", "integer"),
    "de": (
        "decimal(65,30)",
        "-12345678901234567890123456789012345.123456789012345678901234567891",
        "-12345678901234567890123456789012345.123456789012345678901234567891",
        "number",
    ),
    "f": ("float", "1.1", "1.1", "number"),
    "d": ("double", "0.1e0 + 0.2e0", "0.30000000000000004", "number"),
    "dm": ("double(9,2)", "1.5", "1.50", "number"),
    "d0": ("date", "'0000-00-00'", "0000-00-00", "date"),
    "d1": ("date", "'2024-00-10'", "2024-00-10", "date"),
    "dt0": ("datetime(3)", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00.000", "timestamp"),
    "dt": ("datetime(6)", "'2024-01-02 03:04:05.678901'", "2024-01-02 03:04:05.678901", "timestamp"),
    "ts": ("timestamp", "from_unixtime(1704164645)", "2024-01-02 11:04:05", "timestamp"),
    "t": ("time(1)", "'-838:59:59.5'", "-838:59:59.5", "time"),
    "en": ("enum('L','P')", "'P'", "P", "text"),
    "enbad": ("enum('L','P')", "'X'", "", "text"),
    "se": ("set('a','b')", "'b,a'", "a,b", "text"),
    "js": ("json", """'{"a": "x\\\\ty"}'""", '{"a": "x\\ty"}', "text"),
    "ch": ("char(5)", "'ab'", "ab", "text"),
    "te": ("text", r"'a\tb\nc\\d\re'", "a\tb\nc\\d\re", "text"),
    "l1": ("varchar(9) charset latin1", "'Caf\u00e9 \u20ac'", "Caf\u00e9 \u20ac", "text"),
    "u3": ("varchar(9) charset utf8mb3", "'k\u00e9\U0001f41f'", "k\u00e9?", "text"),
    "moji": ("varchar(9)", "convert(_utf8mb4'\u00e9' using binary)", "\u00e9", "text"),
    "em": ("varchar(9)", "'\U0001f41f'", "\U0001f41f", "text"),
    "nul": ("varchar(9)", r"'\0x'", "\ufffdx", "text"),
    "bn": ("binary(4)", "'a\\\\'", r"\x615c0000", "binary"),
    "vb": ("varbinary(9)", "0x00FF5C09", r"\x00ff5c09", "binary"),
    "bl": ("blob", "''", r"\x", "binary"),
    "p": ("point", "point(1, 2)", "POINT(1 2)", "other"),
    "u": ("uuid", "'00000000-0000-0000-0000-0000000000ff'", "00000000-0000-0000-0000-0000000000ff", "other"),
    "ip": ("inet6", "'::1'", "::1", "other"),
    "null": ("text", "null", None, "text"),
    "nd": ("date", "null", None, "date"),
    "bin_null": ("blob", "null", None, "binary"),
    "backslash_n": ("text", r"'\\N'", r"\N", "text"),
}
MODES = ["", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH", "ORACLE,TRADITIONAL"]


@pytest.fixture
def table(mariadb_url: str) -> str:
    run_mariadb(
        mariadb_url,
        "set session sql_mode = ''",
        "create table jenis (" + ", ".join(f"`{n}` {t[0]} null" for n, t in TYPES.items()) + ")",
        f"insert into jenis values ({', '.join(t[1] for t in TYPES.values())})",
    )
    return "jenis"


@pytest.fixture
def server_mode(mariadb_url: str) -> Iterator[sa.Engine]:
    """An administrator of the server. Its sql_mode and max_allowed_packet are put back at the end."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as admin:
        before = admin.execute(sa.text("select @@global.sql_mode, @@global.max_allowed_packet")).one()
        yield engine
        admin.execute(
            sa.text("set global sql_mode = :m, max_allowed_packet = :p"), {"m": before[0], "p": before[1]}
        )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("source", ["table", "query"])
def test_the_text_of_every_type_is_exact_under_every_sql_mode(
    mariadb_url: str, table: str, server_mode: sa.Engine, mode: str, source: str
) -> None:
    with server_mode.connect() as admin:
        admin.execute(sa.text("set global sql_mode = :m"), {"m": mode})
    made = (
        contract(*TYPES, table=table) if source == "table" else contract(*TYPES, query="select * from jenis")
    )
    found = read(made, mariadb_url)
    assert dict(zip(TYPES, found.rows[0], strict=True)) == {n: t[2] for n, t in TYPES.items()}
    families = {n: t[3] for n, t in TYPES.items()}
    if source == "query":  # its result has these types as text
        families |= {"u": "text", "ip": "text"}
    assert found.stream.shape == families
    assert found.stream.warnings == ["1 baris berisi karakter NUL: diganti dengan U+FFFD"]


def test_a_float_is_the_shortest_text_that_is_the_same_number(mariadb_url: str) -> None:
    generator = random.Random(7)
    numbers = [generator.uniform(-1, 1) * 10 ** generator.randint(-30, 30) for _ in range(2000)]
    numbers += [0.0, 1.1, 0.1, 16777216.0, 2.0**-20, 3.4e38, 1e-38, 123456.7, 99999.99]
    run_mariadb(
        mariadb_url,
        "create table pecahan (id int, f float)",
        "insert into pecahan values " + ", ".join(f"({i}, {n!r})" for i, n in enumerate(numbers)),
    )
    found = dict(read(contract("id", "f", table="pecahan"), mariadb_url).rows)
    for i, number in enumerate(numbers):
        text = found[str(i)] or ""
        assert _float32(float(text)) == _float32(number), (text, number)
        digits = len(text.lstrip("-").split("e")[0].replace(".", "").strip("0"))
        assert digits <= 9 or not 1e-5 < abs(number) < 1e15, (text, number)
    assert (found["2001"], found["2007"]) == ("1.1", "123456.7")


def _float32(number: float) -> float:
    return struct.unpack("f", struct.pack("f", number))[0]


def test_a_double_is_read_back_as_the_same_number(mariadb_url: str) -> None:
    generator = random.Random(8)
    numbers = [generator.uniform(-1, 1) * 10.0 ** generator.randint(-300, 300) for _ in range(2000)]
    run_mariadb(
        mariadb_url,
        "create table pecahan (id int, d double)",
        "insert into pecahan values " + ", ".join(f"({i}, {n!r})" for i, n in enumerate(numbers)),
    )
    found = dict(read(contract("id", "d", table="pecahan"), mariadb_url).rows)
    assert [float(found[str(i)] or "") for i in range(2000)] == numbers


def test_invalid_utf8_in_a_utf8_column_is_replaced_and_counted(mariadb_url: str) -> None:
    """MariaDB takes no such bytes today; tables of old servers have them. Here a binary table gets a text column's form."""
    run_mariadb(
        mariadb_url,
        "create table lama (n varbinary(80)) engine=myisam",
        "insert into lama values (0xE95C09), (0x41FF42), ('biasa'), (0xC3A9)",
        "create table bentuk (n varchar(20) character set utf8mb4) engine=myisam",
        "flush tables",
    )
    engine = sa.create_engine(mariadb_url)
    with engine.connect() as connection:
        datadir = Path(connection.execute(sa.text("select @@datadir")).scalar_one())
        folder = datadir / str(connection.execute(sa.text("select database()")).scalar_one())
    engine.dispose()
    if not os.access(folder / "bentuk.frm", os.R_OK | os.W_OK):
        pytest.skip("the server's files cannot be written")
    shutil.copyfile(folder / "bentuk.frm", folder / "lama.frm")
    run_mariadb(mariadb_url, "flush tables")
    found = read(contract("n", table="lama"), mariadb_url)
    assert found.cells == ["\ufffd\\\t", "A\ufffdB", "biasa", "\u00e9"]
    assert found.stream.warnings == ["2 baris berisi byte yang bukan UTF-8: diganti dengan U+FFFD"]


def test_rows_longer_than_max_allowed_packet_arrive_whole(mariadb_url: str, server_mode: sa.Engine) -> None:
    long = "panjang\t\\\n" * 1_000_000
    run_mariadb(
        mariadb_url,
        "create table panjang (id int, isi longtext, berkas longblob, baru text)",
        r"insert into panjang values (1, repeat('panjang\t\\\n', 1000000), null, 'b\0\\u0000'), (2, 'biasa', 0x00, null),"
        r" (3, null, repeat(0xAB, 600000), ''), (4, repeat('x', 300000), null, 'x')",
    )
    with server_mode.connect() as admin:
        admin.execute(sa.text("set global max_allowed_packet = 1048576"))
    made = contract("id", "isi", "berkas", table="panjang", where="id > 0", schema_contract="evolve")
    rows = {row[0]: row[1:] for row in read(made, mariadb_url).rows}
    assert {k: (v[0], v[1], json.loads(v[2] or "")["baru"]) for k, v in rows.items()} == {
        "1": (long, None, "b\ufffd\\u0000"),
        "2": ("biasa", r"\x00", None),
        "3": (None, r"\x" + "ab" * 600_000, ""),
        "4": ("x" * 300_000, None, "x"),
    }


def test_a_geometry_longer_than_max_allowed_packet_arrives_whole(
    mariadb_url: str, server_mode: sa.Engine
) -> None:
    points = "group_concat('1.23456789012345 ', seq separator ',')"
    run_mariadb(
        mariadb_url,
        "set session group_concat_max_len = 100000000",
        "create table batas (id int, garis linestring)",
        f"insert into batas select 1, st_linefromtext(concat('linestring(', {points}, ')')) from seq_1_to_60000",
    )
    made = contract("id", "garis", table="batas")
    before = read(made, mariadb_url).rows
    assert len(before[0][1] or "") > 1_048_576
    with server_mode.connect() as admin:
        admin.execute(sa.text("set global max_allowed_packet = 1048576"))
    assert read(made, mariadb_url).rows == before


def test_a_row_of_17_mb_and_rows_around_it_arrive_whole(mariadb_url: str, server_mode: sa.Engine) -> None:
    """A packet of the protocol holds 16 MB; a block is 256 kB; a length takes one to nine bytes."""
    with server_mode.connect() as admin:
        admin.execute(sa.text("set global max_allowed_packet = 67108864"))
    run_mariadb(
        mariadb_url,
        "create table panjang (id int, isi longtext)",
        "insert into panjang select seq, 'pendek' from seq_1_to_20000",
        "insert into panjang values (0, repeat('z', 17825792)), (-1, repeat('x', 16777203)), (-2, repeat('x', 300000))",
        "insert into panjang select seq, repeat('y', seq - 30000) from seq_30001_to_30600",
    )
    stream = open_database(contract("id", "isi", table="panjang"), Wanted(), {"UJI_URL": mariadb_url})
    found = b"".join(stream.blocks).splitlines()
    wanted = [b"%d\tpendek" % i for i in range(1, 20001)] + [
        b"%d\t" % i + b"y" * (i - 30000) for i in range(30001, 30601)
    ]
    wanted += [b"0\t" + b"z" * 17825792, b"-1\t" + b"x" * 16777203, b"-2\t" + b"x" * 300000]
    assert sorted(found) == sorted(wanted) and stream.rows == len(wanted)


def test_odd_names_of_table_and_columns_are_quoted(mariadb_url: str) -> None:
    names = ["NIK Lama", "kutip`ganda", "select", "persen%s", "persen%", "k\u00e9", "a\\b", "petik'satu"]
    columns = ", ".join("`" + n.replace("`", "``") + "` varchar(9)" for n in names)
    schema = sa.make_url(mariadb_url).database
    run_mariadb(
        mariadb_url,
        f"create table `Tabel ``Besar' %s` ({columns})",
        f"insert into `Tabel ``Besar' %s` values ({', '.join(f'{str(i)!r}' for i in range(len(names)))})",
        "create view pandangan as select * from `Tabel ``Besar' %s`",
    )
    made = [column(f"k{i}", name) for i, name in enumerate(names)]
    for table in ("Tabel `Besar' %s", "pandangan"):
        where = "`persen%s` like '%' -- semua"
        found = read(contract(*made, table=table, schema=schema, where=where), mariadb_url)
        assert found.rows == [[str(i) for i in range(len(names))]]
        assert list(found.stream.shape) == names


def test_where_and_window_are_applied_outside_of_a_query(mariadb_url: str, server_mode: sa.Engine) -> None:
    with server_mode.connect() as admin:
        admin.execute(sa.text("set global sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'"))
    run_mariadb(
        mariadb_url,
        "create table kunjungan (id int, tanggal date)",
        "insert into kunjungan values (1, '2024-05-01'), (2, '2024-05-02'), (3, '2024-05-03')",
    )
    query = """select "id", "tanggal", 'a%s' || id as catatan, group_concat(repeat('x', 3000000)) as panjang
        from kunjungan where id > 1 group by id, tanggal; -- hanya yang baru; # semua
        """
    columns = (column("id"), typed("tanggal", "date", "date"), column("catatan"), column("panjang"))
    made = contract(*columns, query=query, where="id < 3 or id = 3", partition="tanggal")
    found = read(made, mariadb_url, Wanted(start=date(2024, 5, 1), end=date(2024, 5, 2)))
    assert found.rows == [["2", "2024-05-02", "a%s2", "x" * 3_000_000]]
    assert found.stream.shape == {"id": "integer", "tanggal": "date", "catatan": "text", "panjang": "text"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select 1 as id) q; drop table kunjungan; select (1", "kesalahan sintaks SQL"),
        ("select nextval(urut) as id", "hanya boleh membaca"),
        ("select id from tiada", "tabel tidak ada .* pada extract.query di kontrak"),
        ("select id fro kunjungan", "kesalahan sintaks SQL"),
        ("select cast('rahasia' as int) + exp(999) as id", "tidak cocok"),
    ],
)
def test_a_query_can_only_read(mariadb_url: str, query: str, message: str) -> None:
    run_mariadb(mariadb_url, "create sequence urut", "create table kunjungan (id int)")
    with pytest.raises(SourceError, match=message) as caught:
        read(contract("id", query=query), mariadb_url)
    assert not caught.value.transient and "rahasia" not in str(caught.value)
    run_mariadb(mariadb_url, "select id from kunjungan")


def test_describing_a_query_does_not_run_it(mariadb_url: str) -> None:
    run_mariadb(mariadb_url, "create table t (id int)", "insert into t values (1), (2)")
    query = "select id, sleep(30) as s from t group by id"
    stream = open_database(contract("id", query=query), Wanted(), {"UJI_URL": mariadb_url})
    stream.close()
    assert list(stream.shape) == ["id", "s"]


def test_the_right_to_read_the_contracts_columns_is_enough(mariadb_url: str) -> None:
    url = sa.make_url(mariadb_url)
    run_mariadb(
        mariadb_url,
        "create table t (id int, nama text, kode text)",
        "insert into t values (1, 'rahasia', '64')",
        "create view v as select id, kode from t",
        "create or replace user terbatas@127.0.0.1 identified by 'sandi'",
        f"grant select (id, kode) on {url.database}.t to terbatas@127.0.0.1",
        f"grant select on {url.database}.v to terbatas@127.0.0.1",
    )
    limited = url.set(username="terbatas", password="sandi").render_as_string(hide_password=False)
    try:
        for table in ("t", "v"):
            assert read(contract("id", "kode", table=table), limited).rows == [["1", "64"]]
        with pytest.raises(ShapeError, match="tidak punya kolom nama"):
            read(contract("id", "nama", table="t"), limited)
        with pytest.raises(ShapeError, match="tidak punya tabel tiada, atau kita tidak berhak melihatnya"):
            read(contract("id", table="tiada"), limited)
        wrong = limited.replace("sandi", "t3rb4lik")
        with pytest.raises(SourceError, match="akses ditolak") as caught:
            read(contract("id", table="t"), wrong)
        assert not caught.value.transient and "t3rb4lik" not in str(caught.value)
        with pytest.raises(SourceError, match=r"akses ditolak|basis data itu tidak ada") as caught:
            read(contract("id", table="t"), url.set(database="tiada").render_as_string(hide_password=False))
        assert not caught.value.transient
    finally:
        run_mariadb(mariadb_url, "drop user terbatas@127.0.0.1")


def test_an_evolving_contract_keeps_unknown_columns_and_allows_missing_ones(mariadb_url: str) -> None:
    run_mariadb(
        mariadb_url,
        "set session sql_mode = ''",
        """create table t (id int, `Nilai "x" %` decimal(9,2), catatan varchar(99), lat varchar(9) charset latin1,
            d date, f float, b blob, bit3 bit(3), p point)""",
        r"""insert into t values (1, 5, 'a\tb"c\\\0 \\u0000', 'é', '0000-00-00', 1.1, 0x00FF, 5, point(1,2)),
            (2, null, null, null, null, null, null, null, null)""",
    )
    made = contract("id", "hilang", table="t", key="id", schema_contract="evolve")
    found = read(made, mariadb_url)
    names = ['Nilai "x" %', "catatan", "lat", "d", "f", "b", "bit3", "p"]
    values = ["5.00", 'a\tb"c\\\ufffd \\u0000', "é", "0000-00-00", "1.1", r"\x00ff", "5", "POINT(1 2)"]
    assert found.stream.columns == ("id", "hilang", EXTRA)
    assert [(row[:2], json.loads(row[2] or "")) for row in found.rows] == [
        (["1", None], dict(zip(names, values, strict=True))),
        (["2", None], dict.fromkeys(names)),
    ]
    assert "hilang tidak ada lagi di sumber: hilang kosong" in found.stream.warnings
    every = [column(f"k{i}", name) for i, name in enumerate(names)]
    everything = contract("id", *every, table="t", schema_contract="evolve")
    assert [row[-1] for row in read(everything, mariadb_url).rows] == [None, None]
    with pytest.raises(ShapeError, match="tidak punya kolom lama"):
        read(contract("lama", table="t", key="lama", schema_contract="evolve"), mariadb_url)


def test_the_session_sets_time_limits_isolation_and_time_zone(mariadb_url: str) -> None:
    made = contract("a", "b", "c", "d", statement_timeout=33, query="""
        select @@max_statement_time a, @@tx_isolation b, @@time_zone c, @@net_write_timeout d""")  # fmt: skip
    assert read(made, mariadb_url).rows == [["33.000000", "REPEATABLE-READ", "+08:00", "33"]]


def test_an_empty_table_gives_no_row(mariadb_url: str) -> None:
    run_mariadb(mariadb_url, "create table t (id int)")
    assert read(contract("id", table="t"), mariadb_url).rows == []


@pytest.mark.parametrize(
    ("engine", "ignore_rate_limit"), [("MyISAM", True), ("Aria", True), ("InnoDB", False)]
)
def test_a_table_that_is_locked_while_read_ignores_the_rate_limit(
    mariadb_url: str, engine: str, ignore_rate_limit: bool
) -> None:
    run_mariadb(
        mariadb_url, f"create table `data a` (id int) engine={engine}", "insert into `data a` values (1)"
    )
    for rate, expected in ((100, ignore_rate_limit), (None, False)):
        found = read(contract("id", table="data a", rows_per_second=rate), mariadb_url)
        assert found.cells == ["1"]
        assert found.stream.ignore_rate_limit is expected
        assert ["yang terkunci selama dibaca" in warning for warning in found.stream.warnings] == [
            True
        ] * expected
