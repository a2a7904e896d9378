"""Explains a database's error by its SQLSTATE, in our own messages.

A server's own error text may contain a value from a cell, or from a trigger or function. So we show our own message,
with a reference by which the server's text can be found in its log. If PostgreSQL finds the error in the SQL statement
itself, its text quotes only our statement, and the names in it are shown. Not here: whether the same load may succeed
later (extract/database/faults.py), what happens to a load (load/failures.py).

Sources: PostgreSQL manual, appendix A "PostgreSQL Error Codes"; MariaDB "Error Codes" (the states 42S..).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg
from psycopg import errors

from pipelines.clock import TIMEZONE

_STATE = re.compile(r"[0-9A-Z]{5}")
_STATES = {
    "0A000": "server tidak mendukung hal itu",
    "21000": "kueri yang hanya boleh memberi satu baris memberi lebih",
    "22001": "teks terlalu panjang untuk kolomnya",
    "22003": "angka di luar jangkauan tipenya",
    "22007": "teks bukan tanggal atau waktu",
    "22008": "tanggal atau waktu di luar jangkauan",
    "22012": "pembagian dengan nol",
    "22021": "teks tidak sah dalam pengodeannya",
    "22P02": "teks tidak dapat dibaca sebagai tipenya",
    "22P04": "bentuk baris COPY tidak sesuai",
    "22P05": "teks tidak punya tempat dalam pengodean",
    "23502": "nilai yang wajib tidak ada",
    "23503": "nilai tidak ada di tabel yang dirujuk",
    "23505": "nilai yang harus unik ternyata ganda",
    "23514": "nilai melanggar batasan check",
    "25006": "sesi ini hanya boleh membaca",
    "25P02": "transaksi sudah gagal sebelumnya",
    "28000": "akses ditolak: pengguna tidak diterima",
    "28P01": "akses ditolak: pengguna atau kata sandinya salah",
    "3D000": "basis data itu tidak ada",
    "3F000": "schema itu tidak ada",
    "40001": "transaksi lain mendahului",
    "40P01": "dua sesi saling menunggu (deadlock)",
    "42000": "kesalahan sintaks SQL, atau tidak ada hak",
    "42501": "akses ditolak: tidak ada hak",
    "42601": "kesalahan sintaks SQL",
    "42703": "kolom tidak ada",
    "42704": "objek tidak ada",
    "42804": "tipe-tipenya tidak cocok",
    "42883": "fungsi atau operator untuk tipe itu tidak ada",
    "42P01": "tabel tidak ada",
    "42P07": "tabel itu sudah ada",
    "42S02": "tabel tidak ada",
    "42S22": "kolom tidak ada",
    "45000": "kesalahan dari trigger atau fungsi di sana",
    "53100": "disk server penuh",
    "53200": "memori server habis",
    "53300": "terlalu banyak koneksi",
    "54000": "batas server terlampaui",
    "55000": "keadaan objek belum sesuai untuk hal itu",
    "55006": "objek sedang dipakai",
    "55P03": "penguncian oleh sesi lain terlalu lama",
    "57014": "perintah SQL dihentikan: terlalu lama, atau dihentikan seseorang",
    "57P01": "koneksi diakhiri administrator",
    "57P02": "koneksi diakhiri karena server rusak",
    "57P03": "server sedang mulai atau berhenti",
    "58030": "disk server tidak dapat dibaca atau ditulis",
    "HYT00": "perintah SQL berjalan terlalu lama",
    "HYT01": "server tidak menjawab dalam batas waktu",
    "P0001": "kesalahan dari trigger atau fungsi di sana",
    "XX000": "kesalahan di dalam server",
    "XX001": "data server rusak",
}
_CLASSES = {
    "08": "koneksi terputus",
    "21": "jumlah baris atau kolom kueri tidak sesuai",
    "22": "nilai tidak cocok dengan yang diminta",
    "23": "nilai melanggar aturan tabelnya",
    "25": "transaksi tidak mengizinkannya",
    "28": "akses ditolak: pengguna tidak diterima",
    "40": "transaksi dibatalkan",
    "42": "nama atau tipe dalam perintah SQL keliru, atau tidak ada hak",
    "53": "sumber daya server habis",
    "54": "batas server terlampaui",
    "55": "keadaan objek belum sesuai untuk hal itu",
    "57": "diakhiri oleh seseorang atau oleh server",
    "58": "kesalahan sistem server",
    "XX": "kesalahan di dalam server",
}
_NAMED = re.compile(
    r'(role|relation|column|table|schema|type|index) "([^"]+)" (?:does not exist|already exists)'
)
"""The messages of PostgreSQL that contain only one name, and the kind of object that it names."""
_KINDS = {
    "role": "pengguna",
    "relation": "tabel",
    "column": "kolom",
    "table": "tabel",
    "schema": "schema",
    "type": "tipe",
    "index": "indeks",
}
_QUOTED = re.compile(r'"([^"]+)"')
_UNQUOTED = re.compile(r"(?:column|function) (.+) does not exist|operator does not exist: (.+)")
"""The messages of PostgreSQL about the statement that contain a name without quotation marks."""
SERVER_DEFINED_ERROR = "kesalahan buatan server itu sendiri"


def is_state(text: object) -> bool:
    """Whether this is a text in the form of an SQLSTATE."""
    return isinstance(text, str) and _STATE.fullmatch(text) is not None


def meaning(state: str | None) -> str:
    """Returns the meaning of an SQLSTATE; `SERVER_DEFINED_ERROR` for one that is not standard."""
    if state and (known := _STATES.get(state)):
        return known
    return (
        _CLASSES.get(state[:2], SERVER_DEFINED_ERROR)
        if state and _is_standard(state)
        else SERVER_DEFINED_ERROR
    )


def reference(state: str | None, number: int | None = None) -> str:
    """Returns what helps to find the server's own text in its log: number, SQLSTATE, time.

    An SQLSTATE that is not standard is left out: it may be any text.
    """
    now = f"{datetime.now(ZoneInfo(TIMEZONE)):%Y-%m-%d %H:%M:%S} WITA"
    named = [f"kesalahan {number}"] if number is not None else []
    named += [f"SQLSTATE {state}"] if state and _is_standard(state) else []
    return ", ".join([*named, now])


def described(error: psycopg.Error, ours: Collection[str] = ()) -> str:
    """Returns the message for an error of our warehouse; for a fault in our statement with the names in it.

    ours: the names of columns, tables and constraints that may be shown.
    """
    has_position = error.diag.statement_position is not None
    if is_about_statement(error.sqlstate, has_position=has_position):
        return meaning_with_names(error.sqlstate, error.diag.message_primary or "")
    diag = error.diag
    names_one = _NAMED.fullmatch(diag.message_primary or "")
    if names_one and names_one[2] in ours:
        return f'{meaning(error.sqlstate)}: {_KINDS[names_one[1]]} "{names_one[2]}"'
    named = [n for n in (diag.table_name, diag.column_name, diag.constraint_name) if n and n in ours]
    place = f" pada {', '.join(named)}" if named else ""
    return f"{meaning(error.sqlstate)}{place} ({_name(error.sqlstate)})"


def meaning_with_names(state: str | None, text: str) -> str:
    """Returns the meaning of the SQLSTATE with the names that the server's text quotes from our statement.

    Call it only if `is_about_statement` is true.
    """
    names = _QUOTED.findall(text)
    if not names and (unquoted := _UNQUOTED.fullmatch(text)):
        names = [unquoted[1] or unquoted[2]]
    shown = ", ".join(f'"{name}"' for name in names)
    return f"{meaning(state)}: {shown}" if shown else meaning(state)


def is_about_statement(state: str | None, *, has_position: bool) -> bool:
    """Whether the server's text quotes only the statement, which the server rejected before it read a row.

    has_position: whether the error has a position in the statement. An error that a trigger or function raises has
    none, whatever its SQLSTATE.
    """
    return has_position and (state or "").startswith(("0A", "42")) and state != "42501"


def _is_standard(state: str) -> bool:
    if state in _STATES:
        return True
    try:
        errors.lookup(state)
    except KeyError:
        return False
    return True


def _name(state: str | None) -> str:
    return f"SQLSTATE {state}" if state and _is_standard(state) else "SQLSTATE buatan sendiri"
