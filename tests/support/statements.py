"""Splits statements into clauses, so that tests compare them without white space; makes small contracts and plans."""

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
    """The clauses of a statement, with single blanks. A failed test then shows in which clause two statements differ."""
    assert statement is not None
    text = statement if isinstance(statement, str) else written(statement)
    text = re.sub(r"(?<=[(\[])\s*\n\s*|\s*\n\s*(?=[)\]])", "", text)
    return _CLAUSE.split(re.sub(r"\s+", " ", text).strip())


def written(statement: sql.Composable) -> str:
    """The text of a statement."""
    return statement.as_string(None)


def contract_of(
    folder: Path, *columns: dict[str, Any], server: dict[str, Any] | None = None, **custom: Any
) -> Contract:
    """A contract of dataset uji/data. server: where its rows come from, a database if none is given."""
    custom.setdefault("extract", {"table": "data"})
    return make(folder, document("uji/data", list(columns), server or database("UJI_URL"), **custom))


def upload_contract_of(folder: Path, *columns: dict[str, Any], **custom: Any) -> Contract:
    """A contract of dataset uji/data, whose rows come in CSV files."""
    extract = {"format": "csv", "pattern": "*.csv"}
    return contract_of(folder, *columns, server=upload("uji/data", "csv"), extract=extract, **custom)


def plan_of(contract: Contract, **more: Any) -> LoadPlan:
    """The plan of batch 7 of the contract."""
    return LoadPlan(contract, 7, **more)
