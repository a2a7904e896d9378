"""Which expectations a dataset has: those that its contract says, and those of expectations/<opd>/<dataset>.json.

Reading a suite needs no Great Expectations (its import costs seconds); running it does, see run.py. Not here: which
model a suite belongs to (models/project/suites.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from pipelines.contracts.columns import Column, Reference
from pipelines.contracts.model import Contract
from pipelines.contracts.repairs import FORMATS
from pipelines.errors import QualityError

QUERY = "unexpected_rows_query"
QUARANTINE_CHECK = "karantina"
SHAPE_CHECK = "bentuk_sumber"
LOAD_CHECK = "pemuatan"
"""Whether the dataset's last load went well; the others are about what it brought."""
REACH_CHECK = "baris_tak_terjangkau"
DAMAGE_CHECK = "bita_hilang"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,90}")
_REFERENCE_TABLE = re.compile(r"\bcore\.(ref_\w+)")
Severity = Literal["error", "warn"]
"""Whether a failed check stops what it is about, or is only told."""
_SEVERITIES: Mapping[str, Severity] = {"critical": "error", "warning": "warn", "info": "warn"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation: `type` and `kwargs` in GX's own words, `severity` error (blocking) or warn.

    message: Indonesian, what is wrong when it fails and how to mend it.
    """

    name: str
    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    severity: Severity = "error"
    message: str = ""

    @property
    def blocking(self) -> bool:
        return self.severity == "error"


def suite_path(folder: Path, contract: Contract) -> Path:
    return folder / contract.opd / f"{contract.dataset}.json"


def suite(contract: Contract, folder: Path) -> tuple[Expectation, ...]:
    """All expectations of a dataset. Raises QualityError naming the file and the entry that is wrong."""
    found = [*derived(contract), *written(suite_path(folder, contract))]
    own = (QUARANTINE_CHECK, SHAPE_CHECK, LOAD_CHECK, REACH_CHECK, DAMAGE_CHECK)
    names = [*own, *(e.name for e in found)]
    if doubled := sorted({n for n in names if names.count(n) > 1}):
        raise QualityError(
            contract.key, f"two expectations are called {', '.join(doubled)}", hint="change meta.nama"
        )
    return tuple(found)


def tables_read(expectations: Iterable[Expectation]) -> set[str]:
    """The reference tables of schema core that written queries name: they must be there before the suite runs."""
    queries = (str(e.kwargs.get(QUERY, "")) for e in expectations)
    return {name for query in queries for name in _REFERENCE_TABLE.findall(query)}


def derived(contract: Contract) -> tuple[Expectation, ...]:
    """What the contract says, as expectations on the staged rows."""
    found: list[Expectation] = []
    if contract.partition is None and contract.cursor is None:
        found.append(
            Expectation(
                "ada_baris",
                "expect_table_row_count_to_be_between",
                {"min_value": 1},
                message="Sumber tidak memberi satu baris pun; data yang sudah terbit tidak diganti.",
            )
        )
    if key := contract.identity:
        if len(key) == 1:
            kind, kwargs = "expect_column_values_to_be_unique", {"column": key[0]}
        else:
            kind, kwargs = "expect_compound_columns_to_be_unique", {"column_list": list(key)}
        found.append(Expectation("unik_kunci", kind, kwargs, message=f"Kunci {', '.join(key)} harus unik."))
    for column in contract.stored:
        found += _of_column(column)
    return tuple(found)


def _of_column(column: Column) -> list[Expectation]:
    found: list[Expectation] = []

    def add(rule: str, kind: str, message: str, **kwargs: Any) -> None:
        found.append(Expectation(f"{rule}_{column.name}", kind, kwargs, message=f"{column.name}: {message}"))

    if column.required:
        add("wajib", "expect_column_values_to_not_be_null", "wajib diisi.", column=column.name)
    if column.unique and not column.key:
        add("unik", "expect_column_values_to_be_unique", "harus unik.", column=column.name)
    if column.pseudonymise:
        return found  # the rules of the value were kept before it became a pseudonym
    if column.enum:
        values: list[Any] = [v for v, _ in column.enum]
        if column.logical_type == "integer":
            values = [int(v) for v in values]
        add(
            "klasifikasi",
            "expect_column_values_to_be_in_set",
            "di luar klasifikasi.",
            column=column.name,
            value_set=values,
        )
    lower, upper = column.minimum or column.exclusive_minimum, column.maximum or column.exclusive_maximum
    if lower is not None or upper is not None:
        bounds: dict[str, Any] = {}
        if lower is not None:
            bounds |= {"min_value": _bound(column, lower), "strict_min": column.minimum is None}
        if upper is not None:
            bounds |= {"max_value": _bound(column, upper), "strict_max": column.maximum is None}
        message = f"di luar rentang {lower or ''}..{upper or ''}."
        add("rentang", "expect_column_values_to_be_between", message, column=column.name, **bounds)
    if column.min_length is not None or column.max_length is not None:
        limits = {"min_value": column.min_length, "max_value": column.max_length}
        kwargs = {k: v for k, v in limits.items() if v is not None}
        add(
            "panjang",
            "expect_column_value_lengths_to_be_between",
            "panjang tidak sesuai.",
            column=column.name,
            **kwargs,
        )
    if column.pattern:
        add(
            "pola",
            "expect_column_values_to_match_regex",
            "pola tidak sesuai.",
            column=column.name,
            regex=column.pattern,
        )
    if column.format:
        query = _format_query(column, column.format)
        add(
            "format",
            "unexpected_rows_expectation",
            f"{FORMATS[column.format][0]}.",
            unexpected_rows_query=query,
        )
    if column.reference:
        query = _reference_query(column, column.reference)
        add(
            "rujukan",
            "unexpected_rows_expectation",
            "tidak ada di kode referensi.",
            unexpected_rows_query=query,
        )
    return found


def _bound(column: Column, text: str) -> Any:
    if column.logical_type in ("integer", "number"):
        return float(text) if "." in text else int(text)
    return text


def _format_query(column: Column, named: str) -> str:
    from psycopg import sql

    from pipelines.load.stage.rules import well_formed

    cell = sql.Identifier(column.name)
    query = sql.SQL("select 1 from {{batch}} where not {}").format(well_formed(named, cell))
    return query.as_string(None)


def _reference_query(column: Column, reference: Reference) -> str:
    from psycopg import sql

    from pipelines.load.stage.rules import allowed, referencing

    cell = sql.Identifier(column.name)  # no alias: GX gives the batch one of its own
    query = sql.SQL("select 1 from {{batch}} where {0} is not null and {1}::text not in ({2})").format(
        cell, referencing(reference, cell), allowed(reference)
    )
    return query.as_string(None)


def written(path: Path) -> tuple[Expectation, ...]:
    """The expectations of a suite file in GX's own JSON; none where there is no file. Raises QualityError."""
    if not path.exists():
        return ()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        name, entries = document["name"], cast("list[dict[str, Any]]", document["expectations"])
        found = tuple(_written(path, index, entry) for index, entry in enumerate(entries))
    except (ValueError, KeyError, TypeError) as error:
        raise QualityError(str(path), f"no GX suite: {error!r}", hint="see docs/add-a-dataset.md") from None
    # A GX file project looks for a suite `a.b` in a/b.json, and refuses `/` in a name.
    if name != (own := f"{path.parent.name}.{path.stem}"):
        raise QualityError(str(path), f"the suite is called {name!r}", hint=f'write "name": "{own}"')
    return found


def _written(path: Path, index: int, entry: Mapping[str, Any]) -> Expectation:
    meta = entry.get("meta") or {}
    name = str(meta.get("nama", ""))
    if not _NAME.fullmatch(name):
        raise QualityError(
            str(path), f"expectation {index + 1}: meta.nama {name!r} is no name", hint="lower snake case"
        )
    severity = entry.get("severity", "critical")
    if severity not in _SEVERITIES:
        raise QualityError(str(path), f"{name}: severity {severity!r} is unknown", hint="critical or warning")
    return Expectation(
        name,
        str(entry["type"]),
        dict(entry.get("kwargs") or {}),
        _SEVERITIES[severity],
        str(meta.get("notes", "")),
    )
