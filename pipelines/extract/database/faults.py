"""Turns a driver's error into a SourceError: what happened, what to do, and whether a retry may succeed.

What belongs here: SQLSTATEs, error numbers, and the parts of a driver's text that show which kind of error it is. The
text itself is never shown, because it may contain a value. Not here: retries (load/), what an SQLSTATE means
(redaction/sqlstates.py). Sources: PostgreSQL manual, appendix A "PostgreSQL Error Codes"; MariaDB "Error Codes";
MySQL 8.4 "Error Message Reference" (servers from 1000, clients from 2000 on).
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3

import psycopg
import pymysql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pipelines.contracts.model import Contract, DatabaseExtract
from pipelines.errors import SourceError
from pipelines.redaction import sqlstates

# 08 connection, 40 serialisation, deadlock and recovery conflict, 53 resources, 58 the server's system.
_PASSING_CLASSES = frozenset({"08", "40", "53", "58"})
# Locks, time-outs of idle and long transactions, a server that stops or starts, ODBC's connection time-out.
_PASSING_STATES = frozenset({"55P03", "25P03", "25P04", "57P01", "57P02", "57P03", "57P05", "HYT01"})
# Connection, log-in, database, resources, server: not about a statement.
_CONNECTION_CLASSES = frozenset({"08", "28", "3D", "53", "57", "58"})
_LOG_IN = frozenset({1040, 1044, 1045, 1049, 1130, 1698})
_FIRST_OF_CLIENT = 2000
_BAD_TEXT = frozenset({"22021", "22P05"})
# Too many connections, out of memory or disk, shutting down, network errors, killed, lock wait, deadlock, lost.
_PASSING_NUMBERS = frozenset(
    {1021, 1037, 1038, 1040, 1041, 1053, 1077, 1079, 1080, 1135, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1205}
    | {1213, 1226, 1927, 2002, 2003, 2006, 2013, 2055, 3169, 4031}
)  # fmt: skip
STATEMENT_ENDED = "57014"
# A statement that ran too long, or that somebody at the OPD ended: a retry would only burden the server again.
_TIMEOUT_STATES, _TIMEOUT_NUMBERS = frozenset({STATEMENT_ENDED, "HYT00"}), frozenset({1317, 1969, 3024})
# libpq gives no SQLSTATE for a refusal while connecting: of a server's FATAL messages only these may pass.
_PASSING_FATAL = re.compile(
    r"starting up|shutting down|too many (clients|connections)|connection slots|recovery mode|"
    r"due to administrator command",
    re.IGNORECASE,
)
_NO_SUCH_HOST = re.compile(r"Name or service not known|nodename nor servname|No address associated")
# What libpq and the drivers write while connecting, and our message for it. The server's part of it may be anything.
_CONNECTING: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), message)
    for pattern, message in (
        (
            r"Name or service not known|nodename nor servname|No address associated",
            "nama host-nya tidak dikenal server nama (DNS)",
        ),
        (r"Temporary failure in name resolution", "server nama (DNS) sedang tidak menjawab"),
        (r"Connection refused", "tidak ada server di alamat itu (koneksi ditolak)"),
        (r"No route to host|Network is unreachable", "host-nya tidak terjangkau lewat jaringan"),
        (r"(authentication|password).{0,40}failed", "akses ditolak: pengguna atau kata sandinya salah"),
        (r"no pg_hba\.conf entry", "akses ditolak: pg_hba.conf tidak mengizinkan mesin ini"),
        (r'FATAL: +role ".*" does not exist', "akses ditolak: pengguna itu tidak ada"),
        (r'FATAL: +database ".*" does not exist', "basis data itu tidak ada"),
        (r"too many (clients|connections)|connection slots", "terlalu banyak koneksi"),
        (r"starting up|shutting down|recovery mode", "server sedang mulai atau berhenti"),
        (r"due to administrator command", "administrator mengakhiri sesi"),
        (r"timeout expired|timed out", "tidak menjawab dalam batas waktu"),
        (r"certificate|SSL|TLS", "TLS tidak dapat disepakati"),
        (
            r"closed the connection|connection (to server )?was lost|lost connection|EOF detected|reset by peer"
            r"|broken pipe",
            "koneksi terputus",
        ),
    )
)
# MariaDB "Error Codes"; where an SQLSTATE says less.
_NUMBERS = {
    1040: "terlalu banyak koneksi",
    1044: "akses ditolak: pengguna tidak berhak atas basis data ini",
    1045: "akses ditolak: pengguna atau kata sandinya salah",
    1049: "basis data itu tidak ada",
    1054: "kolom tidak ada",
    1064: "kesalahan sintaks SQL",
    1130: "akses ditolak: mesin ini tidak diizinkan",
    1142: "akses ditolak: tidak ada hak atas tabel",
    1143: "akses ditolak: tidak ada hak atas kolom",
    1146: "tabel tidak ada",
    1205: "penguncian oleh sesi lain terlalu lama",
    1213: "dua sesi saling menunggu (deadlock)",
    1226: "batas untuk pengguna ini terlampaui",
    1317: "perintah SQL dihentikan",
    1644: "kesalahan dari trigger atau fungsi di sana",
    1698: "akses ditolak: pengguna tidak diterima",
    1927: "sesi diakhiri dari luar",
    1969: "perintah SQL berjalan terlalu lama",
    2003: "tidak ada server di alamat itu",
    2006: "koneksi terputus",
    2013: "koneksi terputus",
    3024: "perintah SQL berjalan terlalu lama",
}
_SQLITE = (
    ("no such table", "tabel tidak ada"),
    ("no such column", "kolom tidak ada"),
    ("no such function", "fungsi tidak ada"),
    ("syntax error", "kesalahan sintaks SQL"),
    ("is locked", "basis data sedang terkunci"),
    ("unable to open database file", "berkas basis data tidak dapat dibuka"),
    ("file is not a database", "berkas itu bukan basis data SQLite"),
    ("database disk image is malformed", "berkas basis data rusak"),
    ("disk I/O error", "disk tidak dapat dibaca"),
    ("attempt to write a readonly database", "basis data hanya boleh dibaca"),
)
"""Parts of SQLite's own messages, and ours for them."""


class RefusedError(Exception):
    """A refusal of a source for which the driver has no exception.

    ours: whether the message may be shown, because it is our own or quotes only our statement.
    """

    def __init__(self, message: str, sqlstate: str | None = None, *, ours: bool = False) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.ours = ours


class SilentError(Exception):
    """A source sent nothing for longer than its own statement time-out."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"tidak mengirim apa pun selama {seconds:g} detik")


FAULTS = (SQLAlchemyError, psycopg.Error, pymysql.MySQLError, RefusedError, SilentError, OSError, EOFError)
"""The errors that a source and its driver may raise; any other error is a fault in our code."""


def source_error(contract: Contract, error: Exception) -> SourceError:
    """Returns the error without the server's text, which may contain a value or a secret. Raise it `from None`."""
    origin = getattr(error, "orig", None) or error
    state, number = _state(origin), _number(origin)
    message = _message(origin, state, number)
    server = contract.server
    hint = f"periksa {server.location}, dan apakah servernya menjawab"
    if number is not None or state:
        log = f"pesan aslinya ada di log server ({sqlstates.reference(state, number)})"
        hint = f"{hint}; {log}" if _is_of_connection(state, number) else f"tanyakan kepada OPD: {log}"
    if state in _TIMEOUT_STATES or number in _TIMEOUT_NUMBERS:
        hint = f"batasnya {server.statement_timeout} detik: naikkan statement_timeout pada server di kontrak"
        if server.rows_per_second:
            most = server.statement_timeout * server.rows_per_second
            hint += f"; dengan {server.rows_per_second} baris per detik itu berarti {most} baris"
    return SourceError(
        contract.key,
        f"basis data {server.name}: {message}{_where(contract, state, number)}",
        hint=hint,
        transient=_may_pass(error, origin, state, number),
        code=_code(origin, state, number),
    )


def _code(error: object, state: str | None, number: int | None) -> str:
    """The error's entry in the catalogue of findings."""
    if state in _TIMEOUT_STATES or number in _TIMEOUT_NUMBERS:
        return "GDK-S004"
    if state in _BAD_TEXT or (state and state.startswith(("22", "23"))):
        return "GDK-S008"
    message = _message(error, state, number)
    if message.startswith("akses ditolak"):
        return "GDK-S003"
    if message.startswith(("tabel tidak ada", "kolom tidak ada")):
        return "GDK-S006"
    if isinstance(error, SilentError) or _is_of_connection(state, number):
        return "GDK-S002"
    return "GDK-S001"


def _state(error: object) -> str | None:
    state = getattr(error, "sqlstate", None)
    if state is None and isinstance(error, Exception) and error.args:  # ODBC drivers give it so
        state = error.args[0]
    return state if isinstance(state, str) and sqlstates.is_state(state) else None


def _number(error: object) -> int | None:
    number = error.args[0] if isinstance(error, Exception) and error.args else None
    return number if isinstance(number, int) and isinstance(error, pymysql.MySQLError) else None


def _where(contract: Contract, state: str | None, number: int | None) -> str:
    """Says which of our statements failed, if it was one."""
    extract = contract.extract
    if not isinstance(extract, DatabaseExtract) or _is_of_connection(state, number):
        return ""
    return f", pada SELECT dari tabel {extract.table}" if extract.table else ", pada extract.query di kontrak"


def _is_of_connection(state: str | None, number: int | None) -> bool:
    if number is not None and (number >= _FIRST_OF_CLIENT or number in _LOG_IN):
        return True
    return state[:2] in _CONNECTION_CLASSES if state else number is None


def _message(error: object, state: str | None, number: int | None) -> str:
    """Says what happened, without any word of the server's text."""
    if isinstance(error, SilentError) or (isinstance(error, RefusedError) and error.ours):
        return str(error)
    if state in _BAD_TEXT:
        return f"ada teks di sumber yang tidak sah dalam pengodeannya (SQLSTATE {state})"
    if state and state.startswith(("22", "23")):
        standard = sqlstates.meaning(state) != sqlstates.SERVER_DEFINED_ERROR
        shown = f"kesalahan {number}" if number else f"SQLSTATE {state if standard else 'buatan sendiri'}"
        return f"ada nilai di sumber yang tidak cocok dengan yang diminta ({shown})"
    text = _driver_text(error)
    if number is not None:
        known = _NUMBERS.get(number) or _connecting(text)
        return f"{known or sqlstates.meaning(state)} (kesalahan {number})"
    if state:
        return sqlstates.meaning(state)
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return next((message for part, message in _SQLITE if part in text), name)
    if isinstance(error, OSError) and error.errno:
        name = errno.errorcode.get(error.errno, str(error.errno))
        return _connecting(os.strerror(error.errno)) or f"kesalahan sistem operasi {name}"
    return _connecting(text) or type(error).__name__


def _connecting(text: str) -> str | None:
    """Returns our message for a driver's text about a connection."""
    return next((message for pattern, message in _CONNECTING if pattern.search(text)), None)


def _driver_text(error: object) -> str:
    """Returns the driver's own text, to find out what it is about; it is never shown."""
    return str(error.args[-1] if isinstance(error, Exception) and error.args else error)


def _may_pass(error: Exception, origin: object, state: str | None, number: int | None) -> bool:
    """Says whether the same load may succeed later without a change by anybody."""
    text = _driver_text(origin)
    if _NO_SUCH_HOST.search(text):
        return False
    if number is not None:
        return number in _PASSING_NUMBERS
    if state:
        return state[:2] in _PASSING_CLASSES or state in _PASSING_STATES
    if isinstance(origin, OSError | EOFError | SilentError):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (isinstance(origin, sqlite3.Error) and "is locked" in text)
    if isinstance(origin, psycopg.OperationalError):
        return "FATAL" not in text or bool(_PASSING_FATAL.search(text))
    return False
