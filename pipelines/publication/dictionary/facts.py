"""Reads the facts of relations from the warehouse: column types, last builds, last checks.

What belongs here: queries to the catalogue and the ledger, which change nothing. They read no value of a row and no
message of a check, which could quote one. Not here: how facts are shown (pages.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

_TYPES = """
select n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
from pg_attribute as a
join pg_class as c on c.oid = a.attrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = any(%s) and c.relkind in ('r', 'v', 'm', 'p') and a.attnum > 0 and not a.attisdropped
order by n.nspname, c.relname, a.attnum
"""
_MODELS = """
select distinct on (model) model, at, rows from ops.model_run where state = 'ok' order by model, at desc
"""
_LOADS = """
select dataset, changed_at, rows_in_raw from ops.dataset_state where changed_at is not null
"""
_CHECKS = """
select distinct on (asset, check_name) asset, check_name, severity, passed
from ops.check_result
order by asset, check_name, at desc
"""


@dataclass(frozen=True, slots=True)
class Build:
    """When a model was last built, or a dataset last changed, and how many rows it has; None for a view."""

    at: datetime
    rows: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last result of a check."""

    severity: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of relations from the warehouse.

    types: per `schema.relation` its columns' types. builds: by the model's name, or "opd/dataset".
    checks: per asset (`schema/name`, `raw/opd/dataset`) its latest results.
    """

    types: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, dict[str, str]])
    builds: Mapping[str, Build] = field(default_factory=dict[str, Build])
    checks: Mapping[str, Mapping[str, Outcome]] = field(default_factory=dict[str, dict[str, Outcome]])


def read_facts(connection: Connection[Any], schemas: Iterable[str]) -> Facts:
    """Reads the facts of the relations in `schemas`. A ledger that does not exist yet gives none."""
    types: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for relation, column, kind in connection.execute(_TYPES, [sorted(schemas)]):
        types[relation][column] = kind
    builds = {name: Build(at, rows) for name, at, rows in _asked(connection, "ops.model_run", _MODELS)}
    builds |= {key: Build(at, rows) for key, at, rows in _asked(connection, "ops.dataset_state", _LOADS)}
    checks: defaultdict[str, dict[str, Outcome]] = defaultdict(dict)
    for asset, name, severity, passed in _asked(connection, "ops.check_result", _CHECKS):
        checks[asset][name] = Outcome(severity, passed)
    return Facts(dict(types), builds, dict(checks))


def _asked(connection: Connection[Any], table: str, query: str) -> list[tuple[Any, ...]]:
    there = connection.execute("select to_regclass(%s) is not null", [table]).fetchone()
    return connection.execute(query.encode()).fetchall() if there and there[0] else []
