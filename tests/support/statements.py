"""Statements as a test compares them: clause by clause, whatever the blanks; and the small plans they are made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from psycopg import sql

from pipelines.contracts.model import Contract
from pipelines.load.plan import LoadPlan
from tests.support.contracts import column, database, document, make, upload

ID = column("id", "integer", primaryKey=True)
NAME = column("nama")
CHANGED = column("diubah", "timestamp", required=True)

_CLAUSE = re.compile(
    r"(?<!cross)(?<!left)(?<!full) (?=(?:select|from|where|(?:cross |left |full )?join|union|group by|order by|on conflict|set)\b)"
)


def clauses(statement: sql.Composable | str | None) -> list[str]:
    """The statement's clauses, one a line, with single blanks: so that a failed test shows where two differ."""
    assert statement is not None
    text = statement if isinstance(statement, str) else written(statement)
    text = re.sub(r"(?<=[(\[])\s*\n\s*|\s*\n\s*(?=[)\]])", "", text)
    return _CLAUSE.split(re.sub(r"\s+", " ", text).strip())


def written(statement: sql.Composable) -> str:
    """The statement as its text, also to stand as a part of a larger one that is expected."""
    return statement.as_string(None)


def contract_of(
    folder: Path, *columns: dict[str, Any], server: dict[str, Any] | None = None, **custom: Any
) -> Contract:
    """A contract of dataset uji/data, from a database unless `server` says otherwise."""
    custom.setdefault("extract", {"table": "data"})
    return make(folder, document("uji/data", list(columns), server or database("UJI_URL"), **custom))


def uploaded(folder: Path, *columns: dict[str, Any], **custom: Any) -> Contract:
    """A contract of dataset uji/data whose rows come in CSV files."""
    extract = {"format": "csv", "pattern": "*.csv"}
    return contract_of(folder, *columns, server=upload("uji/data", "csv"), extract=extract, **custom)


def plan_of(contract: Contract, **more: Any) -> LoadPlan:
    """Batch 7 of the contract."""
    return LoadPlan(contract, 7, **more)
