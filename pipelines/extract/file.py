"""An uploaded file as a stream of COPY text: CSV by the standard library, workbooks by workbook.py.

What belongs here: lines, headers, cells as they came. Not here: finding uploads (uploads.py), types and
repairs (SQL). A file is hashed and read through one open descriptor, so that a correction that replaces it
meanwhile mixes nothing.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipelines.contracts import Contract, FileExtract
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.stream import POSITION, SourceStream, encode_rows
from pipelines.extract.workbook import workbook_rows

WORKBOOKS = ("xlsx", "ods", "xls")
_CHUNK = 1 << 16
Row = tuple[int, list[str]]
"""Line of the file (or row of the sheet) and its cells; an empty cell is ""."""


@dataclass(frozen=True, slots=True)
class _Upload:
    """A file being read, under the contract that it has to keep."""

    contract: Contract
    extract: FileExtract
    name: str

    def fault(self, message: str, hint: str) -> SourceError:
        return SourceError(self.contract.key, f"{self.name}: {message}", hint=hint)

    def misshapen(self, message: str, hint: str) -> ShapeError:
        return ShapeError(self.contract.key, f"{self.name}: {message}", hint=hint)


@dataclass(frozen=True, slots=True)
class _Header:
    """Width of the file's header and where in it each column of the contract stands."""

    width: int
    picks: tuple[int, ...]
    warnings: tuple[str, ...]


def open_file(contract: Contract, path: Path) -> SourceStream:
    """The rows of an uploaded file in the contract's column order, with their line as position.

    Raises ShapeError where the header is not the promised one, SourceError where the file cannot be read: at
    once for the file as a whole and its header, from `blocks` for a row.
    """
    if not isinstance(contract.extract, FileExtract):
        raise ContractError(contract.key, "this dataset is no upload", hint="see docs/contracts.md")
    upload = _Upload(contract, contract.extract, path.name)
    try:
        file = path.open("rb")
    except OSError as error:
        raise upload.fault(f"cannot be opened: {error.strerror}", "upload it again") from None
    try:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
        _check_kind(upload, file)
        rows = _rows(upload, file)
        header = _header(upload, rows)
    except BaseException:
        file.close()
        raise
    stream = SourceStream(
        columns=(*(c.name for c in contract.stored), POSITION),
        blocks=iter(()),
        name=path.name,
        fingerprint=fingerprint,
        warnings=list(header.warnings),
    )
    stream.blocks = encode_rows(_records(upload, file, rows, header), stream)
    return stream


def _check_kind(upload: _Upload, file: BinaryIO) -> None:
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    if not start:
        raise upload.fault("the file is empty", "upload it again")
    if upload.extract.format in WORKBOOKS:
        return
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise upload.fault("this is a workbook, not a CSV file", "save it as CSV, or declare format: xlsx")
    if start.startswith(codecs.BOM_UTF8) and not _is_utf8(upload.extract.encoding):
        message = f"the file is UTF-8, the contract declares {upload.extract.encoding}"
        raise upload.fault(message, "declare encoding: utf-8")


def _rows(upload: _Upload, file: BinaryIO) -> Iterator[Row]:
    """The rows from the header on."""
    extract = upload.extract
    if extract.format in WORKBOOKS:
        rows = workbook_rows(upload.contract.key, upload.name, file, extract.sheet)
        return (row for row in rows if row[0] >= extract.header_row)
    if extract.format != "csv":
        known = ", ".join(("csv", *WORKBOOKS))
        raise ContractError(upload.contract.key, f"format {extract.format!r} is unknown", hint=known)
    return _csv_rows(upload, file)


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}


def _csv_rows(upload: _Upload, file: BinaryIO) -> Iterator[Row]:
    """Lines counted as an editor counts them; a row of several lines is known by its first.

    Strict: a quote that does not fit is an error, since the lenient reading joins or moves cells silently.
    """
    encoding = "utf-8-sig" if _is_utf8(upload.extract.encoding) else upload.extract.encoding
    complete = _ends_with_newline(file)
    try:
        text = io.TextIOWrapper(file, encoding=encoding, newline="")
        reader = csv.reader(text, delimiter=upload.extract.delimiter, strict=True)
    except (LookupError, TypeError):
        message = f"encoding {encoding!r} or delimiter {upload.extract.delimiter!r} is unknown"
        raise ContractError(upload.contract.key, message, hint="such as utf-8 and one character") from None
    start, width, cells, skip = 1, 0, list[str](), upload.extract.header_row - 1
    try:
        for cells in reader:
            if skip:
                skip -= 1
            else:
                width = width or len(_trimmed(cells))
                yield start, cells
            start = reader.line_num + 1
    except UnicodeDecodeError:
        fault = _wrong_encoding(upload, file, encoding)
    except csv.Error as error:
        fault = _wrong_quotes(upload, start, str(error))
    else:
        if complete or len(cells) >= width or not "".join(cells).strip():
            return
        message = (
            f"the file is cut short: its last line, {reader.line_num}, has {len(cells)} of {width} cells"
        )
        fault = upload.fault(message, "upload the whole file again")
    raise fault


def _ends_with_newline(file: BinaryIO) -> bool:
    """Also in UTF-16, where a newline's bytes hold a NUL. Leaves `file` at its start."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 4))
    tail = file.read().rstrip(b"\0")
    file.seek(0)
    return tail.endswith((b"\n", b"\r"))


def _wrong_quotes(upload: _Upload, line: int, reason: str) -> SourceError:
    if "unexpected end" in reason or "field limit" in reason:
        message = (
            f'baris {line}: a quote (") is opened in this row and never closed, or the file is cut short'
        )
    else:
        message = f'baris {line}: a quote (") stands inside a quoted cell'
    return upload.fault(message, 'write a quote inside a cell as "", or upload the whole file again')


def _wrong_encoding(upload: _Upload, file: BinaryIO, encoding: str) -> SourceError:
    """Which line: the file is decoded once more, since a reader of text does not know how far it had come."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    file.seek(0)
    while chunk := file.read(_CHUNK):
        try:
            line += decoder.decode(chunk).count("\n")
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            break
    if _is_utf8(encoding):
        hint = "save it as 'CSV UTF-8', or declare encoding: cp1252 if the OPD's Excel always writes so"
    else:
        hint = "save it as 'CSV UTF-8' and declare encoding: utf-8"
    return upload.fault(f"baris {line}: these bytes are no {encoding.removesuffix('-sig')}", hint)


def _header(upload: _Upload, rows: Iterator[Row]) -> _Header:
    line, cells = next(rows, (0, list[str]()))
    found = _trimmed(cells)
    if not found:
        message = f"there is no header in row {upload.extract.header_row}"
        raise upload.fault(
            message, "fill in the form's own header row, or correct header_row in the contract"
        )
    expected = list(dict.fromkeys(c.source_name for c in upload.contract.columns))
    twice = [name for name, count in Counter(n for n in found if n).items() if count > 1]
    missing = [name for name in expected if name not in found]
    labelled = [name or f"(unnamed column {i})" for i, name in enumerate(found, 1)]
    unexpected = [name for name in labelled if name not in expected]
    wanted = f"the header must be: {upload.extract.delimiter.join(expected)}"
    if twice:
        raise upload.misshapen(f"baris {line}: twice in the header: {_listed(twice)}", wanted)
    if missing:
        message = f"baris {line}: missing in the header: {_listed(missing)}"
        if unexpected:
            message += f"; not expected: {_listed(unexpected)}"
        raise upload.misshapen(message, _delimiter_hint(upload, found) or wanted)
    if unexpected and upload.contract.schema_contract != "evolve":
        raise upload.misshapen(f"baris {line}: not expected in the header: {_listed(unexpected)}", wanted)
    warning = f"{upload.name}: columns left out, they are not in the contract: {_listed(unexpected)}"
    picks = tuple(found.index(c.source_name) for c in upload.contract.stored)
    return _Header(len(found), picks, (warning,) if unexpected else ())


def _trimmed(cells: Sequence[str]) -> list[str]:
    """Names without white space around them (no-break spaces too), and without empty columns at the end."""
    names = [cell.strip().strip("\ufeff\u200b") for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _delimiter_hint(upload: _Upload, found: Sequence[str]) -> str | None:
    if upload.extract.format != "csv" or len(found) > 1:
        return None
    other = next((d for d in (";", ",", "\t", "|") if d in found[0] and d != upload.extract.delimiter), None)
    return other and f"the cells seem to be parted by {other!r}: declare that delimiter"


def _records(
    upload: _Upload, file: BinaryIO, rows: Iterator[Row], header: _Header
) -> Iterator[list[str | None]]:
    """Cells in the contract's order, None where empty, and the position; rows of blanks are left out."""
    width, picks = header.width, header.picks
    count = 0
    with file:
        for line, cells in rows:
            if len(cells) > width and any(cell.strip() for cell in cells[width:]):
                message = f"baris {line}: {len(cells)} cells, but the header has {width}"
                raise upload.fault(message, "a delimiter inside a cell must stand in quotes")
            if not "".join(cells).strip():
                continue
            if len(cells) < width:
                cells = [*cells, *[""] * (width - len(cells))]
            count += 1
            yield [*(cells[i] or None for i in picks), f"baris {line}"]
    if not count:
        raise upload.fault("there is a header but no row", "upload the file with its rows")
