"""What a file is by its first bytes, in words for a person.

What belongs here: telling kinds of files apart. Not here: reading any of them.
"""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from pipelines.contracts.upload import WORKBOOKS
from pipelines.errors import SourceError
from pipelines.extract.upload.archive import open_zip
from pipelines.extract.upload.csv.text import bom_encoding
from pipelines.extract.upload.table import Reading

GZIP = b"\x1f\x8b"
_ZIP, _OLE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
_KINDS: tuple[tuple[bytes, str], ...] = (
    (_OLE, "an Excel workbook (.xls), or one with a password"),
    (_PARQUET, "a Parquet file"),
    (GZIP, "a .gz file"),
    (b"%PDF", "a PDF"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_START = 1024
_WEB_PAGE = "a web page (many applications name such an export .xls)"
_PAGE_BEGINS = ("<!doctype html", "<html", "<table", "<head", "<style", "<meta", "<body", "<center", "<div")


def check_kind(reading: Reading, file: BinaryIO) -> None:
    """Raises SourceError where the file is empty, or is plainly of another kind than the contract declares."""
    file.seek(0)
    start = file.read(_START)
    wanted = reading.extract.format
    if not start:
        raise reading.fault("the file is empty", "upload it again")
    kind = _kind(file, start)
    if kind is None or _is_wanted(wanted, start):
        return
    if wanted == "xls" and is_web_page(file):
        return
    raise _other_kind(reading, kind, start)


def _is_wanted(wanted: str, start: bytes) -> bool:
    if wanted in WORKBOOKS:
        return start.startswith((_ZIP, _OLE))
    return wanted == "parquet" and start.startswith(_PARQUET)


def _other_kind(reading: Reading, kind: str, start: bytes) -> SourceError:
    wanted = reading.extract.format
    if wanted in WORKBOOKS:
        message = f"this is no workbook but {kind}"
        hint = "open it in Excel, save it as .xlsx and upload that"
        if kind is _WEB_PAGE:
            hint += "; or declare format: xls, by which tables of a web page are read"
    else:
        message = f"this is {kind}, not a {wanted.upper()} file"
        hint = f"save it as {wanted}, or correct format in the contract"
    if start.startswith(_ZIP) and "archive" in kind:
        hint = "declare member, the pattern of the file in it; a ZIP inside a ZIP is not opened"
    return reading.fault(message, hint)


def _kind(file: BinaryIO, start: bytes) -> str | None:
    """None for plain text and for what nobody knows."""
    if start.startswith(_ZIP):
        return _zip_kind(file)
    if bom_encoding(start) is None:
        for magic, words in _KINDS:
            if start.startswith(magic) and (len(magic) > 2 or b"\0" in start):
                return words
    if is_web_page(file):
        return _WEB_PAGE
    return "an XML document" if _letters(start).startswith("<?xml") else None


def is_web_page(file: BinaryIO) -> bool:
    """Whether a file begins as HTML does."""
    file.seek(0)
    text = _letters(file.read(_START))
    return text.startswith(_PAGE_BEGINS) or (text.startswith("<?xml") and "<html" in text)


def _letters(start: bytes) -> str:
    """The beginning of a text in lower case, without what stands before its first letter."""
    encoding = bom_encoding(start) or "latin-1"
    return start.decode(encoding, "ignore").lstrip("\ufeff \t\r\n").lower()


def _zip_kind(file: BinaryIO) -> str:
    try:
        names = open_zip(file).namelist()
    except zipfile.BadZipFile:
        return "a ZIP archive or a workbook, damaged or cut short"
    if any(name.startswith(("xl/", "content.xml")) for name in names):
        return "a workbook (Excel or LibreOffice)"
    return "a ZIP archive"
