"""Compares the columns of a file that is being read with those that its contract promises.

What belongs here: the names of columns in contract and file, errors that name the file. Not here: tables and their
header (table.py), the rows (fit.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import EXTRA, POSITION
from pipelines.contracts.upload import FILE, SHEET, FileExtract
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.source_names import fold, listed, may_show_unknown_names, redact_names
from pipelines.extract.upload.limits import LIMITS, Limits
from pipelines.suggest import did_you_mean

HEADER = "baris judul"
"""The word in messages for the row with a table's column names."""
_UNNAMED = re.compile("kolom [0-9]+")
_REPEATED = re.compile(r".+#([2-9]|[1-9][0-9]+)")


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that is being read, and its contract. name: the file's name for messages."""

    contract: Contract
    extract: FileExtract
    name: str
    limits: Limits = LIMITS

    def source_error(self, message: str, hint: str, *, code: str) -> SourceError:
        """Returns the error for a file that cannot be read."""
        return SourceError(self.contract.key, f"{self.name}: {message}", hint=hint, code=code)

    def shape_error(self, message: str, hint: str, *, code: str) -> ShapeError:
        """Returns the error for a file whose columns are not the promised ones."""
        return ShapeError(self.contract.key, f"{self.name}: {message}", hint=hint, code=code)

    def contract_error(self, message: str, hint: str, *, code: str) -> ContractError:
        """Returns the error for a contract that asks for something that the file cannot have."""
        return ContractError(self.contract.key, f"{self.name}: {message}", hint=hint, code=code)

    def stream_columns(self) -> tuple[str, ...]:
        """Returns the columns of the stream in their order."""
        extra = (EXTRA,) if self.contract.evolves else ()
        return (*(c.name for c in self.contract.stored), *extra, POSITION)

    def promised_names(self) -> list[str]:
        """Returns the names that the header must have, each once."""
        names = (fold(c.source_name) for c in self.contract.columns)
        return [name for name in dict.fromkeys(names) if name not in (SHEET, FILE)]

    def promise(self) -> str:
        """Returns the promised names as a hint."""
        return f"berkas harus memuat: {listed(self.promised_names())}"

    def columns_by_place(self, names: Sequence[str]) -> dict[int, Column]:
        """Returns the contract's stored columns by their place among `names`."""
        wanted = {fold(c.source_name): c for c in self.contract.stored}
        return {place: wanted[name] for place, name in enumerate(names) if name in wanted}

    def fill_down_names(self) -> tuple[str, ...]:
        """Returns the columns whose empty cells take the value above, in the contract's order."""
        return tuple(fold(name) for name in self.extract.fill_down)

    def number_repeated(self, names: Sequence[str]) -> tuple[str, ...]:
        """Numbers a repeated name: "Jumlah", "Jumlah#2", "Jumlah#3"; only if the contract has such names."""
        repeated = {name for name, count in Counter(names).items() if count > 1}
        known = {name.rpartition("#")[0] for name in self.promised_names() if _REPEATED.fullmatch(name)}
        seen = Counter[str]()
        found: list[str] = []
        for name in names:
            if name in repeated & known:
                seen[name] += 1
            found.append(f"{name}#{seen[name]}" if seen[name] > 1 else name)
        return tuple(found)

    def check_names(
        self,
        missing: Sequence[str],
        unexpected: Sequence[str],
        place: str,
        where: str = HEADER,
        among: Sequence[str] = (),
    ) -> list[str]:
        """Returns warnings about names that differ from the contract's. Raises ShapeError if it does not allow that.

        missing: names that the file lacks. unexpected: names that the contract does not know.
        place: the text at the beginning of the message ("baris 1"). where: the part of the file that lacks the names.
        among: all names of the file in their order, if they have one.
        """
        contract = self.contract
        needed = {fold(c.source_name) for c in contract.columns if c.required or c.key}
        refused_missing = [name for name in missing if name in needed or not contract.evolves]
        refused_unexpected = unexpected if refused_missing or not contract.evolves else ()
        faults: list[str] = []
        if refused_missing:
            faults.append(f"tidak ada di {where}: {listed(refused_missing)}")
        if refused_unexpected:
            faults.append(f"tidak dikenal di {where}: {redact_names(contract, refused_unexpected, among)}")
        if faults:
            raise self.shape_error(
                f"{place}: {'; '.join(faults)}", self._names_hint(missing, unexpected), code="GDK-F015"
            )
        return self._names_warnings(missing, unexpected)

    def _names_hint(self, missing: Sequence[str], unexpected: Sequence[str]) -> str:
        hints = [self.promise(), *self._suggestions(missing, unexpected)]
        if unnamed := next((name for name in unexpected if _UNNAMED.fullmatch(name)), None):
            hints.append(
                f"{unnamed} tidak bernama di {HEADER}: beri nama, atau bila bukan bagian tabel nyatakan kolom dengan"
                f" physicalName: {unnamed} dan drop: true"
            )
        return "; ".join(hints)

    def _suggestions(self, missing: Sequence[str], unexpected: Sequence[str]) -> Iterable[str]:
        """Says for each unknown name that may be shown which of the missing ones was probably meant."""
        if may_show_unknown_names(self.contract):
            for name in unexpected:
                if meant := did_you_mean(name, missing):
                    yield f"{listed([name])}: {meant}"

    def _names_warnings(self, missing: Sequence[str], unexpected: Sequence[str]) -> list[str]:
        warnings: list[str] = []
        if missing:
            warnings.append(
                f"{self.name}: kolom yang dijanjikan tidak ada lagi, sejak kini NULL: {listed(missing)}"
            )
        if unexpected:
            warnings.append(
                f"{self.name}: kolom yang tidak ada di kontrak, disimpan di {EXTRA}: {listed(unexpected)}"
            )
        return warnings
