"""Opens an upload once more as the tables that our readers see in it, with all of its columns.

What belongs here: the file as it was sent, for those who give it back (feedback/). Not here: what of it is loaded
(fit.py, reader.py).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import FileExtract
from pipelines.errors import ContractError, SourceError
from pipelines.extract.stream import SourceStream
from pipelines.extract.upload.csv.dialect import dialect_of
from pipelines.extract.upload.csv.text import Dialect, bom_encoding, open_text
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.kinds import check_kind
from pipelines.extract.upload.limits import LIMITS, Limits
from pipelines.extract.upload.reader import RECORDS, tables_of, unpacked
from pipelines.extract.upload.reading import Reading
from pipelines.extract.upload.table import Table


@dataclass(frozen=True, slots=True)
class Original:
    """An upload that was opened. sha256: that of the whole file. dialect: of a CSV file."""

    reading: Reading
    file: BinaryIO
    sha256: str
    dialect: Dialect | None = None

    def tables(self) -> Iterator[Table]:
        """Gives its tables, each to be read before the next. Rows that the workbook hides are among them.

        Raises SourceError. The names of a file of records are those of the contract's columns that it has.
        """
        stream = SourceStream((), iter(()), self.reading.name)
        if self.reading.extract.format in RECORDS:
            return iter((_records(self.reading, self.file, stream),))
        return tables_of(self.reading, self.file, stream)

    def lines_above(self, row: int) -> list[str]:
        """The lines of a CSV file before line `row`, as they are."""
        assert self.dialect is not None
        with self._from_its_beginning():
            text = open_text(self.file, self.dialect.encoding)
            return [text.readline() for _ in range(row - 1)]

    @property
    def has_byte_order_mark(self) -> bool:
        """Whether the file begins with a byte order mark."""
        with self._from_its_beginning():
            return bom_encoding(self.file.read(4)) is not None

    @contextmanager
    def _from_its_beginning(self) -> Iterator[None]:
        """Lets the file be read from its beginning while its rows are being read."""
        at = self.file.tell()
        self.file.seek(0)
        try:
            yield
        finally:
            self.file.seek(at)


@contextmanager
def open_original(
    contract: Contract, upload: UploadedFile, limits: Limits = LIMITS, *, sha256: str | None = None
) -> Iterator[Original]:
    """Opens an upload of the contract, unpacked. sha256: that of the content that is meant; None for any.

    Raises SourceError, and ContractError for another kind of source.
    """
    extract = contract.extract
    if not isinstance(extract, FileExtract):
        raise ContractError(contract.key, "dataset ini bukan unggahan", code="GDK-K022")
    if upload.marked:
        extract = extract.of_marked(upload.marked)
    reading = Reading(contract, replace(extract, hidden="load"), upload.name, limits)
    with ExitStack() as opened:
        content = opened.enter_context(upload.open(contract.key))
        if sha256 not in (None, content.sha256):
            raise SourceError(contract.key, "sudah diganti dengan isi lain", transient=True, code="GDK-F017")
        file = unpacked(reading, content.file, opened)
        check_kind(reading, file)
        file.seek(0, io.SEEK_SET)
        dialect = dialect_of(reading, file)[0] if extract.format == "csv" else None
        yield Original(reading, file, content.sha256, dialect)


def _records(reading: Reading, file: BinaryIO, stream: SourceStream) -> Table:
    from pipelines.extract.upload.json_file import json_rows

    columns = reading.contract.stored
    rows = ((str(row[-1]), row[: len(columns)]) for row in json_rows(reading, file, stream))
    return Table(tuple(c.source_name for c in columns), "rekaman", iter((rows,)), empty_is_null=False)
