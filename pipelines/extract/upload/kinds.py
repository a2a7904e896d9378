"""Recognises by its first bytes what kind of file an upload is.

What belongs here: telling kinds of files apart, and naming them to a person. Not here: reading any of them.
"""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from pipelines.contracts.upload import WORKBOOKS
from pipelines.errors import SourceError
from pipelines.extract.upload.archive import open_zip
from pipelines.extract.upload.csv.text import bom_encoding
from pipelines.extract.upload.reading import Reading

GZIP = b"\x1f\x8b"
_ZIP, _OLE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
_KINDS: tuple[tuple[bytes, str], ...] = (
    (_OLE, "buku kerja Excel (.xls), atau yang dikunci dengan kata sandi"),
    (_PARQUET, "berkas Parquet"),
    (GZIP, "berkas .gz"),
    (b"%PDF", "PDF"),
    (b"Rar!", "arsip RAR"),
    (b"7z\xbc\xaf\x27\x1c", "arsip 7-Zip"),
    (b"SQLite format 3", "basis data SQLite"),
    (b"\x89PNG", "gambar"),
    (b"\xff\xd8\xff", "gambar"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
)
_ZIP_ARCHIVE = "arsip ZIP"
_DAMAGED_ZIP = "arsip ZIP atau buku kerja yang rusak atau terpotong"
_START = 1024
_WEB_PAGE = "halaman web (banyak aplikasi menamai ekspor seperti ini .xls)"
_PAGE_BEGINS = ("<!doctype html", "<html", "<table", "<head", "<style", "<meta", "<body", "<center", "<div")


def check_kind(reading: Reading, file: BinaryIO) -> None:
    """Raises SourceError if the file is empty, or is clearly of another kind than the contract declares."""
    file.seek(0)
    start = file.read(_START)
    declared = reading.extract.format
    if not start:
        raise reading.source_error("berkas kosong", "unggah lagi berkas yang berisi", code="GDK-F001")
    kind = _kind(file, start)
    if kind is None or _is_of(declared, start):
        return
    if declared == "xls" and is_web_page(file):
        return
    raise _other_kind(reading, kind)


def _is_of(declared: str, start: bytes) -> bool:
    if declared in WORKBOOKS:
        return start.startswith((_ZIP, _OLE))
    return declared == "parquet" and start.startswith(_PARQUET)


def _other_kind(reading: Reading, kind: str) -> SourceError:
    declared = reading.extract.format
    if declared in WORKBOOKS:
        message = f"ini bukan buku kerja melainkan {kind}"
        hint = "buka di Excel, simpan sebagai .xlsx, lalu unggah"
        if kind is _WEB_PAGE:
            hint += "; atau nyatakan format: xls, yang membaca tabel di halaman web"
    else:
        message = f"ini {kind}, bukan berkas {declared.upper()}"
        hint = f"simpan sebagai {declared}, atau perbaiki format di kontrak"
    if kind in (_ZIP_ARCHIVE, _DAMAGED_ZIP):
        hint = "nyatakan member, pola nama berkas di dalamnya; ZIP di dalam ZIP tidak dibuka"
    return reading.source_error(message, hint, code="GDK-F004")


def _kind(file: BinaryIO, start: bytes) -> str | None:
    """Returns the kind in words; None for plain text and for an unknown kind."""
    if start.startswith(_ZIP):
        return _zip_kind(file)
    if bom_encoding(start) is None:
        for magic, name in _KINDS:
            # A text may begin with the same two letters.
            if start.startswith(magic) and (len(magic) > 2 or b"\0" in start):
                return name
    if is_web_page(file):
        return _WEB_PAGE
    return "dokumen XML" if _lower_text(start).startswith("<?xml") else None


def is_web_page(file: BinaryIO) -> bool:
    """Whether the beginning of a file is HTML."""
    file.seek(0)
    text = _lower_text(file.read(_START))
    return text.startswith(_PAGE_BEGINS) or (text.startswith("<?xml") and "<html" in text)


def _lower_text(start: bytes) -> str:
    """Decodes the beginning of a text: in lower case, from its first visible character on."""
    encoding = bom_encoding(start) or "latin-1"
    return start.decode(encoding, "ignore").lstrip("\ufeff \t\r\n").lower()


def _zip_kind(file: BinaryIO) -> str:
    try:
        names = open_zip(file).namelist()
    except zipfile.BadZipFile:
        return _DAMAGED_ZIP
    if any(name.startswith(("xl/", "content.xml")) for name in names):
        return "buku kerja (Excel atau LibreOffice)"
    return _ZIP_ARCHIVE
