"""The parts of extract/database that need no server: faults, packets, cleaning, sessions, and the contract's `extract`."""

from __future__ import annotations

import io
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pymysql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from pipelines.contracts.files import read_contract
from pipelines.extract.database.clean import Cleaner
from pipelines.extract.database.faults import RefusedError, SilentError, source_error
from pipelines.extract.database.mysql import session_statements
from pipelines.extract.database.packets import read_values
from tests.support.contracts import column, database, document, write
from tests.support.databases import contract

# -- faults --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sqlstate", "transient"),
    [
        ("08006", True),  # connection failure
        ("40001", True),  # serialisation failure; a standby's recovery conflict
        ("40P01", True),  # deadlock
        ("53300", True),  # too many connections
        ("55P03", True),  # lock not available
        ("57014", False),  # query cancelled, by its time-out or by somebody there
        ("57P01", True),  # admin shutdown
        ("57P03", True),  # cannot connect now
        ("58030", True),  # io error
        ("25006", False),  # read-only transaction
        ("28P01", False),  # wrong password
        ("3D000", False),  # no such database
        ("42501", False),  # permission denied
        ("42601", False),  # syntax error
        ("42P01", False),  # no such table
        ("22P02", False),  # invalid text of a number
        ("XX000", False),  # internal error
    ],
)
def test_sqlstate_decides_whether_a_fault_of_postgresql_is_transient(sqlstate: str, transient: bool) -> None:
    fault = source_error(contract("id", table="t"), RefusedError("kata", sqlstate))
    assert fault.transient is transient


@pytest.mark.parametrize(
    ("message", "transient"),
    [
        ('connection to server at "h", port 5432 failed: Connection refused', True),
        ("connection timeout expired", True),
        ('connection to server at "h", port 5432 failed: FATAL:  sorry, too many clients already', True),
        ("FATAL:  remaining connection slots are reserved for roles with privileges", True),
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  the database system is shutting down", True),
        ('FATAL:  password authentication failed for user "x"', False),
        ('FATAL:  database "x" does not exist', False),
        ('FATAL:  no pg_hba.conf entry for host "h"', False),
        ("failed to resolve host 'h': [Errno -2] Name or service not known", False),
        ("failed to resolve host 'h': [Errno -3] Temporary failure in name resolution", True),
    ],
)
def test_message_decides_whether_a_refused_connection_is_transient(message: str, transient: bool) -> None:
    assert source_error(contract("id", table="t"), psycopg.OperationalError(message)).transient is transient


@pytest.mark.parametrize(
    ("number", "transient"),
    [
        (1040, True),  # too many connections
        (1053, True),  # shutdown in progress
        (1205, True),  # lock wait
        (1213, True),  # deadlock
        (1226, True),  # max_user_connections
        (1317, False),  # interrupted by somebody there
        (1927, True),  # connection killed
        (1969, False),  # max_statement_time
        (2003, True),  # can't connect
        (2013, True),  # lost connection
        (3024, False),  # max_execution_time
        (1044, False),  # access denied to the database
        (1045, False),  # wrong password
        (1049, False),  # unknown database
        (1054, False),  # unknown column
        (1064, False),  # syntax error
        (1142, False),  # command denied
        (1146, False),  # no such table
    ],
)
def test_number_decides_whether_a_fault_of_mariadb_is_transient(number: int, transient: bool) -> None:
    fault = source_error(contract("id", table="t"), pymysql.err.OperationalError(number, "kata"))
    assert fault.transient is transient


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SilentError(3.5), "tidak mengirim apa pun selama 3.5 detik"),
        (EOFError("lost connection to the server during the reading"), "koneksi terputus"),
        (ConnectionError("the connection was lost"), "koneksi terputus"),
        (TimeoutError("timed out"), "tidak menjawab dalam batas waktu"),
        (ConnectionResetError(104, "reset"), "koneksi terputus"),
        (ConnectionRefusedError(111, "refused"), "tidak ada server di alamat itu (koneksi ditolak)"),
        (OSError(5, "Input/output error"), "kesalahan sistem operasi EIO"),
    ],
)
def test_timeouts_and_lost_connections_are_transient(error: Exception, message: str) -> None:
    fault = source_error(contract("id", table="t"), error)
    assert fault.transient
    assert fault.message == f"basis data uji: {message}"


def test_locked_sqlite_is_transient_but_a_locked_account_is_not() -> None:
    """Repeated log-ins would keep the account locked."""

    def is_transient(error: Exception) -> bool:
        return source_error(contract("id", table="t"), DBAPIError("select 1", None, error)).transient

    assert is_transient(sqlite3.OperationalError("database is locked"))
    assert is_transient(sqlite3.OperationalError("database table is locked: t"))
    assert not is_transient(sqlite3.OperationalError("no such table: t"))
    assert not is_transient(Exception("ORA-28000: The account is locked."))


def test_fault_shows_no_cell_and_no_password() -> None:
    made = contract("id", table="t")
    for error in (
        RefusedError('invalid input syntax for type integer: "6472010101900001"', "22P02"),
        RefusedError('value "6472010101900001" is out of range for type integer', "22003"),
        RefusedError("Budi Rekaan 6472010101900001", "P0001"),
        RefusedError("permission denied for 6472010101900001", "42501"),
        RefusedError("6472010101900001", "ZZ999"),
        pymysql.err.OperationalError(1644, "Budi Rekaan 6472010101900001", sqlstate="45000"),
        pymysql.err.DataError(
            1292, "Truncated incorrect INTEGER value: '6472010101900001'", sqlstate="22007"
        ),
    ):
        shown = str(source_error(made, error))
        assert "6472010101900001" not in shown and "Rekaan" not in shown and "ZZ999" not in shown
    assert "s3cret" not in str(source_error(made, ValueError("bad DSN PWD=s3cret")))


def test_timeout_names_its_setting_and_the_rows_that_fit_into_it() -> None:
    made = contract("id", table="t", statement_timeout=900, rows_per_second=500)
    shown = str(source_error(made, RefusedError("canceling statement due to statement timeout", "57014")))
    assert (
        "naikkan statement_timeout" in shown
        and "dengan 500 baris per detik itu berarti 450000 baris" in shown
    )


# -- packets -------------------------------------------------------------------------------------------------

END = b"\xfe\x00\x00\x02\x00"


class PiecewiseSocket(io.RawIOBase):
    """The file of a socket that gives its data in pieces of the given sizes."""

    def __init__(self, data: bytes, sizes: Callable[[], int]) -> None:
        self.data, self.sizes = data, sizes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.data[: min(len(buffer), self.sizes())]
        buffer[: len(piece)] = piece
        self.data = self.data[len(piece) :]
        return len(piece)


def packets(*payloads: bytes) -> bytes:
    parts: list[bytes] = []
    for payload in payloads:
        rest: bytes | None = payload
        while rest is not None:
            part, rest = rest[:0xFFFFFF], rest[0xFFFFFF:] if len(rest) >= 0xFFFFFF else None
            parts.append(struct.pack("<I", len(part))[:3] + b"\x07" + part)
    return b"".join(parts)


def field(value: bytes | None) -> bytes:
    """A length-encoded string of the protocol."""
    if value is None:
        return b"\xfb"
    size = len(value)
    if size < 0xFB:
        return bytes([size]) + value
    if size < 1 << 16:
        return b"\xfc" + struct.pack("<H", size) + value
    if size < 1 << 24:
        return b"\xfd" + struct.pack("<I", size)[:3] + value
    return b"\xfe" + struct.pack("<Q", size) + value


def values_read_from(data: bytes, sizes: Callable[[], int] = lambda: 1 << 20) -> list[bytes | None]:
    file = io.BufferedReader(PiecewiseSocket(data, sizes))
    result = SimpleNamespace(unbuffered_active=True)
    connection = SimpleNamespace(query=lambda *_, **__: None, _result=result, _rfile=file)
    return [value for values in read_values(connection, "select") for value in values]


@given(
    st.lists(st.one_of(st.none(), st.binary(max_size=400), st.integers(250, 70_000).map(bytes)), max_size=40),
    st.randoms(use_true_random=False),
)
@settings(derandomize=True, max_examples=60)
def test_values_do_not_depend_on_how_the_network_splits_them(values: list[bytes | None], random: Any) -> None:
    data = packets(*map(field, values), END)
    assert values_read_from(data, lambda: random.choice([1, 3, 7, 1000, 1 << 20])) == values


def test_value_longer_than_a_packet_arrives_complete() -> None:
    longest = [b"a" * (0xFFFFFF - 9), b"b" * 0xFFFFFF, None, b"c" * (2 * 0xFFFFFF - 9), b"d"]
    assert values_read_from(packets(*map(field, longest), END)) == longest


def test_result_that_ends_early_or_with_an_error_is_refused() -> None:
    complete = packets(*map(field, [b"satu", b"x" * 300_000, b"tiga"]), END)
    for size in (0, 3, 5, 9, 5_000, 300_020, len(complete) - 6, len(complete) - 1):
        with pytest.raises(EOFError):
            values_read_from(complete[:size])
    killed = packets(field(b"satu"), b"\xff\x25\x05#70100Query execution was interrupted")
    with pytest.raises(pymysql.err.OperationalError, match="interrupted"):
        values_read_from(killed)


# -- cleaning, sessions, contracts ---------------------------------------------------------------------------


def test_only_bytes_that_postgresql_refuses_are_replaced_and_their_rows_counted() -> None:
    cleaner = Cleaner()
    block = b"a\\tb\n\xc3\xa9\n\0\0\tx\nCaf\xe9\0\n\xff\n"
    assert cleaner.block(block).decode() == "a\\tb\n\u00e9\n\ufffd\ufffd\tx\nCaf\ufffd\ufffd\n\ufffd\n"
    assert (cleaner.nul, cleaner.invalid) == (2, 2)
    assert Cleaner().block(b"biasa\n") == b"biasa\n" and Cleaner().warnings() == []


def test_session_has_the_timeout_of_its_server_and_keeps_only_syntax_modes() -> None:
    mysql = session_statements(
        {"sql_mode": "ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,ORACLE", "max_execution_time": "0"}, 30
    )
    assert "set session max_execution_time = 30000" in mysql
    assert "set session sql_mode = 'ANSI_QUOTES'" in mysql
    assert not any("max_statement_time" in statement for statement in mysql)
    mariadb = session_statements({"sql_mode": "", "max_statement_time": "0"}, 30)
    assert "set session max_statement_time = 30" in mariadb
    assert not any("max_execution_time" in statement for statement in mariadb)
    assert mysql[-1] == mariadb[-1] == "start transaction with consistent snapshot, read only"


@pytest.mark.parametrize(
    ("extract", "message"),
    [
        ({}, "tulis table atau query"),
        ({"table": "t", "query": "select 1"}, "tepat satu"),
        ({"query": "select 1", "schema": "s"}, "schema tidak dipakai bersama query"),
        ({"table": " "}, "table kosong"),
        ({"table": 5}, "bukan teks"),
        ({"tabel": "t"}, "extract: tabel tidak dikenal"),
    ],
)
def test_contract_must_name_either_a_table_or_a_query(
    tmp_path: Path, extract: dict[str, Any], message: str
) -> None:
    made = document("uji/data", [column("id")], database("UJI_URL"), extract=extract)
    found, faults = read_contract(write(tmp_path, made))
    assert found is None and message in "\n".join(map(str, faults))
