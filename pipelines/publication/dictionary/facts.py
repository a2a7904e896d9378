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
select asset, check_name, severity, passed, at, unexpected, total, coalesce(observed, '') from ops.check_in_force
"""
_MONTHS = """
select
    asset, check_name, to_char(at, 'YYYY-MM'), count(*) filter (where passed), count(*) filter (where not passed)
from ops.check_result
group by asset, check_name, to_char(at, 'YYYY-MM')
"""


@dataclass(frozen=True, slots=True)
class Build:
    """When a model was last built, or a dataset last changed, and how many rows it has; None for a view."""

    at: datetime
    rows: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check says now. unexpected, total: rows that deviate, and rows that were checked, where known.

    observed: what was seen, without a cell's value.
    """

    severity: str
    passed: bool
    at: datetime | None = None
    unexpected: int | None = None
    total: int | None = None
    observed: str = ""


@dataclass(frozen=True, slots=True)
class Month:
    """How often a check passed and failed in a month."""

    passed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of relations from the warehouse.

    types: per `schema.relation` its columns' types. builds: by the model's name, or "opd/dataset".
    checks: per asset (`schema/name`, `raw/opd/dataset`) its latest results. months: per asset and check the months in
    which it was asked, as "2026-11".
    """

    types: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, dict[str, str]])
    builds: Mapping[str, Build] = field(default_factory=dict[str, Build])
    checks: Mapping[str, Mapping[str, Outcome]] = field(default_factory=dict[str, dict[str, Outcome]])
    months: Mapping[str, Mapping[str, Mapping[str, Month]]] = field(
        default_factory=dict[str, dict[str, dict[str, Month]]]
    )


def read_facts(connection: Connection[Any], schemas: Iterable[str]) -> Facts:
    """Reads the facts of the relations in `schemas`. A ledger that does not exist yet gives none."""
    types: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for relation, column, kind in connection.execute(_TYPES, [sorted(schemas)]):
        types[relation][column] = kind
    builds = {name: Build(at, rows) for name, at, rows in _asked(connection, "ops.model_run", _MODELS)}
    builds |= {key: Build(at, rows) for key, at, rows in _asked(connection, "ops.dataset_state", _LOADS)}
    checks: defaultdict[str, dict[str, Outcome]] = defaultdict(dict)
    for asset, name, *result in _asked(connection, "ops.check_in_force", _CHECKS):
        checks[asset][name] = Outcome(*result)
    months: defaultdict[str, dict[str, dict[str, Month]]] = defaultdict(dict)
    for asset, name, month, passed, failed in _asked(connection, "ops.check_result", _MONTHS):
        months[asset].setdefault(name, {})[month] = Month(passed, failed)
    return Facts(dict(types), builds, dict(checks), dict(months))


def _asked(connection: Connection[Any], table: str, query: str) -> list[tuple[Any, ...]]:
    there = connection.execute("select to_regclass(%s) is not null", [table]).fetchone()
    return connection.execute(query.encode()).fetchall() if there and there[0] else []
