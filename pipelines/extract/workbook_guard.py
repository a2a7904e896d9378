"""What a workbook may cost, looked at before calamine, which holds it all in memory.

What belongs here: bombs, sheets that reach too far, passwords. Not here: what is in the sheets (workbook.py).

calamine keeps a sheet as one rectangle, and each cell's text by itself: two cells in far corners, or one long text that
a million cells share, would take all memory there is and end the process.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import IO, Any, BinaryIO
from xml.parsers import expat

from pipelines.extract.archive import check_package
from pipelines.extract.table import Reading
from pipelines.extract.workbook_xml import DAMAGED_XML, DamagedError, column_index, local_name, pieces

MAX_CELLS = 50_000_000
"""The most cells that a sheet's rectangle may have, about 1.6 GB."""
MAX_TEXT = 2 << 30
"""The most bytes that the texts of a sheet's cells may come to."""
_SHARED = "xl/sharedstrings.xml"
_CHUNK = 1 << 20
_OVERLAP = 200
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,3})(\d{1,7})["']""")
_SHARED_END = re.compile(rb"</(?:\w+:)?si\s*>")
_SHARED_CELL = re.compile(rb"""\bt\s*=\s*["']s["'][^>]*>[^/]{0,80}?<(?:\w+:)?v[^>]{0,40}>\s*(\d+)""")
_SAVE_ANEW = "delete what stands far below or to the right of the table, save it anew"


def check_workbook(reading: Reading, archive: zipfile.ZipFile) -> None:
    """Raises SourceError for a workbook that costs too much or has a password, DamagedError for a damaged one."""
    check_package(reading, archive)
    if "xl/workbook.bin" in archive.namelist():
        raise reading.fault("this is a binary workbook (.xlsb)", "save it as .xlsx and upload it again")
    if _is_encrypted_ods(archive):
        raise locked(reading)
    try:
        cells, text = _cells(archive), _text(archive)
    except DAMAGED_XML:
        cells = text = None
    if cells is None or text is None:
        raise DamagedError
    if cells > MAX_CELLS:
        message = f"a sheet reaches over more than {MAX_CELLS:,} cells, most of them empty"
        raise reading.fault(message, _SAVE_ANEW)
    if text > MAX_TEXT:
        message = f"the texts of a sheet's cells come to more than {MAX_TEXT >> 20:,} MB"
        raise reading.fault(message, "upload it in parts, or without the longest texts")


def locked(reading: Reading) -> Exception:
    hint = "save it without a password and upload it again"
    return reading.fault("the workbook is locked with a password", hint)


def _cells(archive: zipfile.ZipFile) -> int:
    """Cells of the largest sheet's rectangle, as the references of XLSX or the repeats of ODS tell."""
    if "content.xml" in archive.namelist():
        with archive.open("content.xml") as xml:
            return _RepeatScan().read(xml)
    return max((_rectangle(archive, part) for part in _parts(archive)), default=0)


def _parts(archive: zipfile.ZipFile) -> list[str]:
    """Whatever may be a sheet: where one lies is told by another part, and may be anywhere."""
    return [name for name in archive.namelist() if name.lower() != _SHARED]


def _rectangle(archive: zipfile.ZipFile, part: str) -> int:
    rows, columns = 0, set[bytes]()
    for text in pieces(archive, part, _OVERLAP):
        found = _REFERENCE.findall(text)
        rows = max(rows, max((int(row) for _, row in found), default=0))
        columns.update(column for column, _ in found)
    width = max((column_index(c.decode()) + 1 for c in columns if c), default=0)
    return rows * width


def _text(archive: zipfile.ZipFile) -> int:
    """Bytes that the shared texts of a sheet come to, at most: cell by cell only where a rough bound is too high."""
    shared = next((name for name in archive.namelist() if name.lower() == _SHARED), None)
    if shared is None:
        return 0
    ends = [0, *(match.end() for match in _SHARED_END.finditer(archive.read(shared)))]
    lengths = [end - start for start, end in pairwise(ends)]
    longest, most = max(lengths, default=0), 0
    for part in _parts(archive):
        cells = sum(text.count(b"<v") + text.count(b":v>") for text in pieces(archive, part, 0))
        if cells * longest > MAX_TEXT:
            cells_of = Counter(
                index for text in pieces(archive, part, _OVERLAP) for index in _SHARED_CELL.findall(text)
            )
            most = max(most, sum(lengths[int(i)] * n for i, n in cells_of.items() if int(i) < len(lengths)))
    return most


def is_encrypted_package(file: BinaryIO) -> bool:
    """Whether this is an XLSX with a password: an OLE file with a stream of that name (MS-OFFCRYPTO 1.3.3)."""
    name, tail = "EncryptedPackage".encode("utf-16-le"), b""
    file.seek(0)
    while chunk := file.read(_CHUNK):
        if name in tail + chunk:
            return True
        tail = chunk[-len(name) :]
    return False


def _is_encrypted_ods(archive: zipfile.ZipFile) -> bool:
    """Whether this is an ODS with a password: its manifest then says how (OpenDocument 1.3 part 2, 4.4)."""
    manifest = "META-INF/manifest.xml"
    return manifest in archive.namelist() and b"encryption-data" in archive.read(manifest)


class _RepeatScan:
    """One pass over an ODS: the largest rectangle up to the last cell that holds something, repeats counted."""

    def __init__(self) -> None:
        self.most = self.row = self.column = self.repeat = 0
        self.last_row = self.last_column = self.row_last = 0

    def read(self, xml: IO[bytes]) -> int:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.ParseFile(xml)
        return self.most

    def _start(self, name: str, attributes: Mapping[str, Any]) -> None:
        told = {local_name(key): value for key, value in attributes.items()}
        match local_name(name):
            case "table":
                self.row = self.last_row = self.last_column = 0
            case "table-row":
                self.repeat = int(told.get("number-rows-repeated", 1))
                self.column = self.row_last = 0
            case "table-cell" | "covered-table-cell":
                self.column += int(told.get("number-columns-repeated", 1))
                if "value-type" in told or "formula" in told:
                    self.row_last = self.column
            case _:
                pass

    def _end(self, name: str) -> None:
        match local_name(name):
            case "table-row":
                self.row += self.repeat
                if self.row_last:
                    self.last_row, self.last_column = self.row, max(self.last_column, self.row_last)
            case "table":
                self.most = max(self.most, self.last_row * self.last_column)
            case _:
                pass
