"""Gives the expectations of a dataset: those from its contract, and those of expectations/<opd>/<dataset>.json.

What belongs here: expectations as values, and reading a suite file, which needs no Great Expectations (its import takes
seconds). Not here: running a suite (run.py), which model a suite belongs to (models/project/suites.py).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from psycopg import sql

from pipelines.contracts.columns import Column, Reference
from pipelines.contracts.model import Contract
from pipelines.contracts.repairs import FORMATS
from pipelines.errors import QualityError
from pipelines.load.stage.rules import allowed_values, reference_text, well_formed
from pipelines.quality.results import Severity
from pipelines.suggest import did_you_mean

QUERY = "unexpected_rows_query"
"""The argument of QUERY_TYPE that holds the query."""
QUERY_TYPE = "unexpected_rows_expectation"
"""GX's expectation that a query gives no rows."""
ROW_COUNT_TYPE = "expect_table_row_count_to_be_between"
QUARANTINE_CHECK = "karantina"
SHAPE_CHECK = "bentuk_sumber"
LOAD_CHECK = "pemuatan"
"""Whether the dataset's last load succeeded; the other checks are about its rows."""
REACH_CHECK = "baris_tak_terjangkau"
DAMAGE_CHECK = "bita_hilang"
FRESH_CHECK = "mutakhir"
"""Whether the data are as new as the contract promises; its result changes with time, and not with a load only."""
ROW_COUNT_CHECK = "jumlah_baris_wajar"
"""Whether the rows of a period or a load are as many as those before it."""
CLASS_SHARE_CHECK = "sebaran_kelas"
"""Whether the classes of a load are distributed as those of the last."""
OWN_CHECKS = (
    QUARANTINE_CHECK,
    SHAPE_CHECK,
    LOAD_CHECK,
    REACH_CHECK,
    DAMAGE_CHECK,
    FRESH_CHECK,
    ROW_COUNT_CHECK,
    CLASS_SHARE_CHECK,
)
"""The checks of a dataset that no suite declares."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,90}")
_REFERENCE_TABLE = re.compile(r"\bcore\.(ref_\w+)")
_BOUNDS = ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum")
_SEVERITIES: Mapping[str, Severity] = {"critical": "error", "warning": "warn", "info": "warn"}


@dataclass(frozen=True, slots=True)
class Skipped:
    """What an expectation cannot judge. query: on {batch}, gives how many it skips, of how many. what: says what."""

    query: str
    what: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation: `type` and `kwargs` are GX's, `severity` is error (blocking) or warn.

    message: Indonesian; says what is wrong if it fails, and how to fix it.
    column: the column whose rule in the contract it is; None for a rule of the whole table, and for a written one.
    skipped: what it cannot judge; None if it judges everything.
    """

    name: str
    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    severity: Severity = "error"
    message: str = ""
    column: str | None = None
    skipped: Skipped | None = None

    @property
    def blocking(self) -> bool:
        """Whether its failure stops the load or the model."""
        return self.severity == "error"

    @property
    def rule(self) -> str:
        """A hash of what it asks and how much that matters: type, arguments, severity."""
        asked = json.dumps([self.type, self.kwargs, self.severity], sort_keys=True, default=str)
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


def suite_path(folder: Path, contract: Contract) -> Path:
    """The file of a dataset's suite; it need not exist."""
    return folder / contract.opd / f"{contract.dataset}.json"


def suite(contract: Contract, folder: Path) -> tuple[Expectation, ...]:
    """All expectations of a dataset. Raises QualityError that names the file and the entry that is wrong."""
    found = [*derived(contract), *written(suite_path(folder, contract))]
    names = [*OWN_CHECKS, *(e.name for e in found)]
    if doubled := sorted({n for n in names if names.count(n) > 1}):
        raise QualityError(
            contract.key, f"nama ekspektasi ganda: {', '.join(doubled)}", hint="ganti meta.nama di suite"
        )
    return tuple(found)


def tables_read(expectations: Iterable[Expectation]) -> set[str]:
    """The reference tables of schema core that written queries read: they must exist before the suite is run."""
    queries = (str(e.kwargs.get(QUERY, "")) for e in expectations)
    return {name for query in queries for name in _REFERENCE_TABLE.findall(query)}


def derived(contract: Contract) -> tuple[Expectation, ...]:
    """The expectations on the staged rows that follow from the contract."""
    found: list[Expectation] = []
    if contract.windows is None and contract.cursor is None:
        message = "Sumber tidak memberi satu baris pun; data yang sudah terbit tidak diganti."
        found.append(Expectation("ada_baris", ROW_COUNT_TYPE, {"min_value": 1}, message=message))
    if key := contract.identity:
        if len(key) == 1:
            type_, kwargs = "expect_column_values_to_be_unique", {"column": key[0]}
        else:
            type_, kwargs = "expect_compound_columns_to_be_unique", {"column_list": list(key)}
        message = f"Kunci {', '.join(key)} harus unik."
        found.append(Expectation("unik_kunci", type_, kwargs, message=message))
    for column in contract.stored:
        found += _of_column(column)
    return tuple(found)


def soft_checks(contract: Contract) -> frozenset[str]:
    """Names of the expectations of soft rules. Only rows that the OPD has confirmed can break them."""
    return frozenset(e.name for e in derived(contract) if e.column and not e.blocking)


def _of_column(column: Column) -> Iterator[Expectation]:
    if column.required:
        yield _expectation(column, "wajib", "expect_column_values_to_not_be_null", "wajib diisi.")
    if column.unique and not column.key:
        yield _expectation(column, "unik", "expect_column_values_to_be_unique", "harus unik.")
    if column.pseudonymise:
        return  # the rules for the value were checked before it became a pseudonym
    if column.enum:
        values = [int(v) if column.logical_type == "integer" else v for v, _ in column.enum]
        type_ = "expect_column_values_to_be_in_set"
        yield _expectation(column, "klasifikasi", type_, "di luar klasifikasi.", value_set=values)
    yield from _range(column)
    lengths = {"min_value": column.min_length, "max_value": column.max_length}
    if lengths := {k: v for k, v in lengths.items() if v is not None}:
        type_ = "expect_column_value_lengths_to_be_between"
        yield _softened(
            column, _expectation(column, "panjang", type_, "panjang tidak sesuai.", **lengths), "panjang"
        )
    if column.pattern:
        type_ = "expect_column_values_to_match_regex"
        found = _expectation(column, "pola", type_, "pola tidak sesuai.", regex=column.pattern)
        yield _softened(column, found, "pola")
    if column.format:
        yield _query(column, "format", f"{FORMATS[column.format][0]}.", _format_query(column, column.format))
    if column.reference:
        query = _reference_query(column, column.reference)
        yield _query(column, "rujukan", "tidak ada di kode referensi.", query)


def _range(column: Column) -> Iterator[Expectation]:
    lower, upper = column.minimum or column.exclusive_minimum, column.maximum or column.exclusive_maximum
    bounds: dict[str, Any] = {}
    if lower is not None:
        bounds |= {"min_value": _bound(column, lower), "strict_min": column.minimum is None}
    if upper is not None:
        bounds |= {"max_value": _bound(column, upper), "strict_max": column.maximum is None}
    if bounds:
        message = f"di luar rentang {lower or ''}..{upper or ''}."
        found = _expectation(column, "rentang", "expect_column_values_to_be_between", message, **bounds)
        yield _softened(column, found, *_BOUNDS)


def _softened(column: Column, found: Expectation, *rules: str) -> Expectation:
    """The expectation; only a warning where the contract makes one of its rules soft: confirmed rows break it."""
    if not any(rule in column.soft_rules for rule in rules):
        return found
    message = f"{found.message} Baris yang melanggarnya diterima atas konfirmasi OPD."
    return replace(found, severity="warn", message=message)


def _expectation(column: Column, rule: str, type_: str, message: str, **kwargs: Any) -> Expectation:
    """An expectation about one column, named `<rule>_<column>`."""
    kwargs = {"column": column.name, **kwargs}
    message = f"{column.name}: {message}"
    return Expectation(f"{rule}_{column.name}", type_, kwargs, message=message, column=column.name)


def _query(column: Column, rule: str, message: str, query: sql.Composable) -> Expectation:
    """An expectation that a query gives no rows, named `<rule>_<column>`."""
    kwargs = {QUERY: query.as_string(None)}
    message = f"{column.name}: {message}"
    return Expectation(f"{rule}_{column.name}", QUERY_TYPE, kwargs, message=message, column=column.name)


def _bound(column: Column, text: str) -> Any:
    if column.logical_type in ("integer", "number"):
        return float(text) if "." in text else int(text)
    return text


def _format_query(column: Column, format_: str) -> sql.Composable:
    cell = sql.Identifier(column.name)
    return sql.SQL("select 1 from {{batch}} where not {}").format(well_formed(format_, cell))


def _reference_query(column: Column, reference: Reference) -> sql.Composable:
    cell = sql.Identifier(column.name)  # without an alias: GX gives the batch its own alias
    return sql.SQL("select 1 from {{batch}} where {0} is not null and {1}::text not in ({2})").format(
        cell, reference_text(reference, cell), allowed_values(reference)
    )


def written(path: Path) -> tuple[Expectation, ...]:
    """Reads the expectations of a suite file in GX's own JSON; none if there is no file. Raises QualityError."""
    if not path.exists():
        return ()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        name, entries = document["name"], cast("list[dict[str, Any]]", document["expectations"])
        found = tuple(_written(path, index, entry) for index, entry in enumerate(entries))
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise QualityError(
            str(path), f"bukan suite Great Expectations: {error!r}", hint="lihat docs/add-a-dataset.md"
        ) from None
    # A GX file project looks for a suite `a.b` in a/b.json, and refuses `/` in a name.
    if name != (own := f"{path.parent.name}.{path.stem}"):
        raise QualityError(
            str(path), f"nama suite {name!r}, seharusnya {own!r}", hint=f'tulis "name": "{own}"'
        )
    return found


def _written(path: Path, index: int, entry: Mapping[str, Any]) -> Expectation:
    meta = entry.get("meta") or {}
    name = str(meta.get("nama", ""))
    if not _NAME.fullmatch(name):
        raise QualityError(
            str(path),
            f"ekspektasi {index + 1}: meta.nama {name!r} bukan nama",
            hint="huruf kecil, angka, dan garis bawah, diawali huruf",
        )
    severity = entry.get("severity", "critical")
    if severity not in _SEVERITIES:
        raise QualityError(
            str(path),
            f"{name}: severity {severity!r} tidak dikenal",
            hint=did_you_mean(str(severity), _SEVERITIES) or "pakai critical atau warning",
        )
    return Expectation(
        name,
        str(entry["type"]),
        dict(entry.get("kwargs") or {}),
        _SEVERITIES[severity],
        str(meta.get("notes", "")),
        skipped=_skipped(path, name, meta.get("dilewati")),
    )


def _skipped(path: Path, name: str, entry: Any) -> Skipped | None:
    if entry is None:
        return None
    try:
        return Skipped(str(entry["query"]), str(entry["apa"]))
    except (KeyError, TypeError):
        raise QualityError(
            str(path), f"{name}: meta.dilewati memerlukan query dan apa", hint="lihat docs/add-a-dataset.md"
        ) from None
