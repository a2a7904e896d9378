"""Makes files and reads them as uploads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.stream import SourceStream
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.limits import LIMITS, Limits
from pipelines.extract.upload.reader import Way, open_file
from tests.support.extracts import decode_copy

Rows = list[list[str | None]]


def write(folder: Path, content: bytes | str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(folder: Path, *rows: list[Any], title: str = "Data", **more: list[list[Any]]) -> Path:
    """A workbook with `rows` in its first sheet, and one more sheet for each of `more`."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for name, others in more.items():
        sheet = book.create_sheet(name)
        for row in others:
            sheet.append(row)
    book.save(folder / "data.xlsx")
    return folder / "data.xlsx"


def uploaded(path: Path) -> UploadedFile:
    state = path.stat()
    return UploadedFile(path, path.name, state.st_size, state.st_mtime)


def opened(of: Contract, path: Path, limits: Limits = LIMITS) -> SourceStream:
    return open_file(of, uploaded(path), Way.CAREFUL, limits)


def read(stream: SourceStream) -> Rows:
    return decode_copy(list(stream.blocks))


def read_text(folder: Path, content: bytes | str, of: Contract) -> Rows:
    return read(opened(of, write(folder, content)))


def read_error(of: Contract, path: Path, limits: Limits = LIMITS) -> SourceError:
    """The error of reading `path`; it names the dataset and says how to fix the file."""
    with pytest.raises(SourceError) as caught:
        read(opened(of, path, limits))
    assert caught.value.subject == of.key
    assert caught.value.hint
    return caught.value


def content_error(
    folder: Path, content: bytes | str, of: Contract, name: str = "data.csv", limits: Limits = LIMITS
) -> SourceError:
    """The error of reading a file with this content."""
    return read_error(of, write(folder, content, name), limits)
