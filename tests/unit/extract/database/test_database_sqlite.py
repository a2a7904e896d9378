"""Reading through any dialect of SQLAlchemy, tested on SQLite: exact text, names, queries, limits, evolution."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, oracle

from pipelines.contracts.raw_table import EXTRA
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.database import open_database
from pipelines.extract.database.dialect import family_of, has_zone, text_of
from pipelines.extract.database.session import Timing
from pipelines.extract.stream import Wanted
from tests.support.databases import contract, read, typed
from tests.support.extracts import column

Make = Callable[..., str]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """Runs statements in a database file and gives its URL."""

    def make(*statements: str | tuple[str, Any]) -> str:
        path = tmp_path / "sumber 100%.db"
        with sqlite3.connect(path) as connection:
            for statement in statements:
                connection.execute(*((statement,) if isinstance(statement, str) else statement))
        connection.close()
        return f"sqlite:///{path}"

    return make


WITA = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("a\tb", "a\tb"),
        (True, "true"),
        (False, "false"),
        (-(2**63), "-9223372036854775808"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e22, "1e+22"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-12"), "0.000000000001"),
        (Decimal("1234567.8900"), "1234567.8900"),
        (Decimal("NaN"), "NaN"),
        (date(44, 3, 15), "0044-03-15"),
        (datetime(2024, 1, 2, 3, 4, 5, 678901), "2024-01-02 03:04:05.678901"),
        (datetime(2024, 1, 2, tzinfo=WITA), "2024-01-02 00:00:00+08:00"),
        (datetime(2024, 12, 31, 20, tzinfo=UTC), "2025-01-01 04:00:00+08:00"),
        (time(23, 59, 59, 5), "23:59:59.000005"),
        (timedelta(hours=-30, minutes=-15), "-30:15:00"),
        (timedelta(days=35, microseconds=5), "840:00:00.000005"),
        (b"\x00\xff", r"\x00ff"),
        (bytearray(b"\x01"), r"\x01"),
        (memoryview(b""), r"\x"),
        (UUID(int=255), "00000000-0000-0000-0000-0000000000ff"),
        ({"a": [1, None, Decimal("1.10")]}, '{"a": [1, null, "1.10"]}'),
    ],
)
def test_value_of_a_driver_becomes_text_that_casts_to_the_same_value(value: Any, text: str | None) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        (mssql.MONEY(), "number"),
        (mssql.BIT(), "boolean"),
        (mssql.DATETIME2(), "timestamp"),
        (mssql.DATETIMEOFFSET(), "timestamp"),
        (mssql.UNIQUEIDENTIFIER(), "other"),
        (mssql.VARBINARY("max"), "binary"),
        (mssql.NVARCHAR(50), "text"),
        (mssql.TINYINT(), "integer"),
        (mssql.DECIMAL(18, 2), "number"),
        (mssql.REAL(), "number"),
        (mssql.SQL_VARIANT(), "other"),
        (oracle.NUMBER(10, 0), "number"),
        (oracle.NUMBER(10, 2), "number"),
        (oracle.CLOB(), "text"),
    ],
)
def test_types_of_sql_server_and_oracle_belong_to_their_families(kind: Any, family: str) -> None:
    assert family_of(kind) == family


def test_only_types_with_a_zone_have_one() -> None:
    zoned = (mssql.DATETIMEOFFSET(), oracle.TIMESTAMP(timezone=True), sa.DateTime(timezone=True))
    assert all(map(has_zone, zoned))
    assert not any(map(has_zone, (mssql.DATETIME2(), oracle.TIMESTAMP(), sa.DateTime(), sa.Date())))


def test_reading_above_its_time_limit_fails_and_is_not_retried(made: Make) -> None:
    url = made("create table t (id int)", "insert into t values (1)")
    late = iter(range(0, 10_000, 100))
    timing = Timing(monotonic=lambda: next(late))
    with pytest.raises(SourceError, match=r"lebih lama dari 60 detik.*naikkan statement_timeout") as caught:
        read(contract("id", table="t"), url, timing=timing)
    assert not caught.value.transient


def test_values_of_sqlite_are_read_as_stored_whatever_the_declared_type(made: Make) -> None:
    url = made(
        "create table t (i integer, n numeric, r real, d date, ts datetime, b boolean, bl blob, tx text, v varchar(9))",
        ("insert into t values (?,?,?,?,?,?,?,?,?)", (2**63 - 1, "0000-00-00", 0.1, "0000-00-00", "kemarin", 1, b"\x00\xff", "a\tb\n\\ \0 \U0001f41f", None)),
        "insert into t (tx) values ('x')",
    )  # fmt: skip
    found = read(contract("i", "n", "r", "d", "ts", "b", "bl", "tx", "v", table="t"), url)
    assert found.rows[0] == [
        "9223372036854775807", "0000-00-00", "0.1", "0000-00-00", "kemarin", "1", r"\x00ff",
        "a\tb\n\\ \ufffd \U0001f41f", None,
    ]  # fmt: skip
    assert found.stream.warnings == ["1 baris berisi karakter NUL: diganti dengan U+FFFD"]
    assert list(found.stream.shape.values()) == [
        "integer", "number", "number", "date", "timestamp", "boolean", "binary", "text", "text",
    ]  # fmt: skip


def test_unusual_names_and_conditions_are_used_unchanged(made: Make) -> None:
    names = ["NIK Lama", 'kutip"ganda', "select", "persen%s", "titik:dua", "k\u00e9", "a`b"]
    quoted = ", ".join('"' + n.replace('"', '""') + '" text' for n in names)
    url = made(
        f'create table "Tabel ""Besar"" :x %s" ({quoted})',
        (f'insert into "Tabel ""Besar"" :x %s" values ({",".join("?" * len(names))})', [str(i) for i in range(len(names))]),  # noqa: S608
        'create view v as select * from "Tabel ""Besar"" :x %s"',
    )  # fmt: skip
    columns = [column(f"k{i}", name) for i, name in enumerate(names)]
    for table in ('Tabel "Besar" :x %s', "v"):
        where = "\"persen%s\" like '%' and ':jam' <> '12:30:%s' -- semua"
        assert read(contract(*columns, table=table, where=where), url).rows == [
            [str(i) for i in range(len(names))]
        ]


def test_where_and_limits_apply_to_the_result_of_a_query(made: Make) -> None:
    url = made(
        "create table kunjungan (id int, tanggal date)",
        "insert into kunjungan values (1, '2024-05-01'), (2, '2024-05-02'), (3, '2024-05-03')",
    )
    query = "select id, tanggal, 'a:b %s' as catatan from kunjungan where id > 1; -- hanya yang baru"
    made_contract = contract(
        column("id"), typed("tanggal", "date", "date"), column("catatan"), query=query, where="id < 3 or id = 3",
        partition="tanggal",
    )  # fmt: skip
    found = read(made_contract, url, Wanted(start=date(2024, 5, 1), end=date(2024, 5, 2)))
    assert found.rows == [["2", "2024-05-02", "a:b %s"]]
    assert list(found.stream.shape) == ["id", "tanggal", "catatan"]


@pytest.mark.parametrize(
    ("logical", "kind", "since", "before", "at"),
    [
        ("timestamp", "datetime", "2024-05-01T10:00:00", "2024-05-01 09:59:59.999999", "2024-05-01 10:00:00"),
        ("timestamp", "datetime", "2024-05-01T10:00:00", "2024-04-30T10:00:00", "2024-05-01T10:00:00"),
        (
            "timestamp",
            "text",
            "2024-05-01T10:00:00.5+08:00",
            "2024-05-01 10:00:00.4",
            "2024-05-01 10:00:00.500",
        ),
        ("date", "date", "2024-05-01", "2024-04-30", "2024-05-01"),
        ("integer", "bigint", "9007199254740993", 9007199254740992, 9007199254740993),
        ("string", "text", "b-10", "B-99", "b-10"),
    ],
)
def test_rows_are_read_from_the_cursor_value_on_inclusive(
    made: Make, logical: str, kind: str, since: str, before: Any, at: Any
) -> None:
    url = made(f"create table t (id int, c {kind})", ("insert into t values (1, ?), (2, ?)", (before, at)))
    made_contract = contract("id", typed("c", logical, "text"), table="t", cursor="c")
    assert [row[0] for row in read(made_contract, url, Wanted(since=since)).rows] == ["2"]


def test_evolving_contract_keeps_unknown_columns_and_warns_of_missing_ones(made: Make) -> None:
    url = made(
        'create table t (id int, baru real, "Lain %" text)',
        ("insert into t values (1, 0.1, ?), (2, null, null)", ('x"\t\0\\u0000',)),
    )
    evolving = contract("hilang", "id", table="t", key="id", schema_contract="evolve")
    found = read(evolving, url)
    assert found.stream.columns == ("hilang", "id", EXTRA)
    assert [(row[:2], json.loads(row[2] or "")) for row in found.rows] == [
        ([None, "1"], {"baru": "0.1", "Lain %": 'x"\t\ufffd\\u0000'}),
        ([None, "2"], {"baru": None, "Lain %": None}),
    ]
    assert "hilang tidak ada lagi di sumber: hilang kosong" in found.stream.warnings
    dropped = replace(column("baru"), dropped=True)
    complete = contract("id", dropped, column("lain", "Lain %"), table="t", schema_contract="evolve")
    assert [row[2] for row in read(complete, url).rows] == [None, None]


def test_missing_column_or_table_is_named(made: Make) -> None:
    url = made("create table t (id int, kode_baru varchar(9))")
    with pytest.raises(
        ShapeError,
        match=r"tidak punya kolom kode; yang ada tetapi tidak dikenal kontrak: kode_baru.*kode berganti nama menjadi kode_baru\?",
    ):
        read(contract("id", "kode", table="t"), url)
    with pytest.raises(ShapeError, match="tidak punya tabel tiada"):
        read(contract("id", table="tiada"), url)


def test_source_is_never_written_to_and_a_missing_file_is_not_created(made: Make, tmp_path: Path) -> None:
    url = made("create table t (id int)")
    with pytest.raises(SourceError, match="kesalahan sintaks SQL"):
        read(contract("id", query="delete from t returning id"), url)
    with pytest.raises(SourceError, match="berkas basis data tidak dapat dibuka"):
        read(contract("id", table="t"), f"sqlite:///{tmp_path}/tiada.db")
    assert not (tmp_path / "tiada.db").exists()


def test_locked_database_is_transient_and_a_faulty_query_is_not(made: Make, tmp_path: Path) -> None:
    url = made("create table t (id int)")
    with sqlite3.connect(next(tmp_path.glob("*.db")), isolation_level=None) as other:
        other.execute("begin exclusive")
        with pytest.raises(SourceError, match="sedang terkunci") as caught:
            read(contract("id", table="t"), f"{url}?timeout=0.01")
        assert caught.value.transient
        other.execute("rollback")
    with pytest.raises(SourceError, match="kolom tidak ada") as caught:
        read(contract("id", query="select tiada from t"), url)
    assert not caught.value.transient


def test_unusable_url_is_a_contract_error_that_shows_no_secret() -> None:
    for url, message in (
        ("bukan url rahasia", "bukan URL basis data"),
        ("tiada://u:rahasia@h/d", "dialek tiada tidak terpasang"),
        ("mssql+pyodbc://u:rahasia@h/d?driver=x", "pyodbc"),
        ("postgresql+psycopg://u:rahasia@h:port/d", "bukan URL basis data"),
        ("mysql://u:rahasia@127.0.0.1:9/d?tiada=1", "opsi yang tidak dikenal driver"),
    ):
        with pytest.raises(ContractError, match=message) as caught:
            open_database(contract("id", table="t"), Wanted(), {"UJI_URL": url})
        assert "rahasia" not in str(caught.value) and caught.value.__cause__ is None
        assert "rahasia" not in str(caught.value.__context__)
