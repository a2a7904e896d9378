"""How a model becomes a relation: dbt's config of building, as values.

What belongs here: indexes, grants, incremental strategies, and which of them exclude each other. Not here: the SQL made
from them (models/build/incremental.py, models/build/node_builder.py), where config comes from (properties.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, cast, get_args

from pipelines.contracts.windows import Cadence, Partition
from pipelines.errors import ModelError
from pipelines.suggest import did_you_mean


def digest(*parts: str) -> str:
    """A short hash of `parts`, the same on every machine."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


Strategy = Literal["append", "delete+insert", "merge"]
SchemaChange = Literal["ignore", "fail", "append_new_columns", "sync_all_columns"]
_INDEX_KEYS = frozenset({"columns", "unique", "type"})
_PARTITION_HINT = "meta: {partition: {column: tanggal, every: daily, start: 2026-01-01}}"
_INCREMENTAL_ONLY = ("unique_key", "incremental_strategy", "on_schema_change")


@dataclass(frozen=True, slots=True)
class Index:
    """An index that a model declares. `type` is PostgreSQL's access method."""

    columns: tuple[str, ...]
    unique: bool = False
    type: str = "btree"

    def name(self, table: str) -> str:
        """The name of the index on `table`. It holds a hash of the definition: a changed index has another name."""
        cut = table[:44]
        of = () if cut == table else (table,)
        return f"{cut}__{digest(*of, *self.columns, str(self.unique), self.type)[:10]}_idx"


@dataclass(frozen=True, slots=True)
class Incremental:
    """How the rows of a query are added to an existing table.

    sql: the query, compiled with is_incremental() true. partition: the date column from `meta.partition`; the model can
    be rebuilt for some days of it.
    """

    sql: str
    strategy: Strategy
    unique_key: tuple[str, ...] = ()
    on_schema_change: SchemaChange = "ignore"
    partition: Partition | None = None


@dataclass(frozen=True, slots=True)
class Materialization:
    """What a model's config says about its relation, apart from its kind.

    grants: roles by privilege; None leaves them as they are. full_refresh: never (False) or always (True) rebuild all.
    """

    indexes: tuple[Index, ...] = ()
    grants: Mapping[str, tuple[str, ...]] | None = None
    full_refresh: bool | None = None
    strategy: Strategy = "append"
    unique_key: tuple[str, ...] = ()
    on_schema_change: SchemaChange = "ignore"
    partition: Partition | None = None

    def incremental(self, sql: str) -> Incremental:
        """How the rows of `sql` are added to the existing table."""
        return Incremental(sql, self.strategy, self.unique_key, self.on_schema_change, self.partition)


def read_materialization(kind: str, config: Mapping[str, Any], place: str) -> Materialization:
    """Reads the config of one model or seed. Raises ModelError for settings that exclude each other."""
    stray = [word for word in _INCREMENTAL_ONLY if kind != "incremental" and word in config]
    if stray:
        raise ModelError(place, f"{stray[0]} hanya untuk model incremental", hint="materialized: incremental")
    indexes = tuple(_index(entry, place) for entry in config.get("indexes") or ())
    if indexes and kind == "view":
        raise ModelError(place, "view tidak punya indeks", hint="materialized: table")
    unique_key = _names(config.get("unique_key"))
    strategy = _one_of(
        Strategy, config, "incremental_strategy", "delete+insert" if unique_key else "append", place
    )
    if strategy == "merge" and not unique_key:
        raise ModelError(
            place, "merge membutuhkan unique_key", hint="sebut kolom-kolom yang membedakan baris"
        )
    change = _one_of(SchemaChange, config, "on_schema_change", "ignore", place)
    return Materialization(
        indexes=indexes,
        grants=_grants(config.get("grants"), place),
        full_refresh=config.get("full_refresh"),
        strategy=cast(Strategy, strategy),
        unique_key=unique_key,
        on_schema_change=cast(SchemaChange, change),
        partition=_partition(kind, (config.get("meta") or {}).get("partition"), place),
    )


def _one_of(words: Any, config: Mapping[str, Any], key: str, default: str, place: str) -> str:
    value = config.get(key) or default
    if value not in get_args(words):
        raise ModelError(
            place,
            f"{key} {value!r} tidak dikenal",
            hint=did_you_mean(str(value), get_args(words))
            or f"pakai salah satu: {', '.join(get_args(words))}",
        )
    return value


def _index(entry: Any, place: str) -> Index:
    found = cast(Mapping[str, Any], entry) if isinstance(entry, Mapping) else {}
    unknown = sorted(found.keys() - _INDEX_KEYS)
    columns = _names(found.get("columns"))
    if unknown or not columns:
        hint = "indexes: [{columns: [kode], unique: true, type: btree}]"
        raise ModelError(place, f"indeks berisi columns, unique, type; bukan {unknown or entry}", hint=hint)
    return Index(columns, bool(found.get("unique", False)), str(found.get("type", "btree")))


def _grants(value: Any, place: str) -> Mapping[str, tuple[str, ...]] | None:
    if not value:
        return None
    if not isinstance(value, Mapping):
        raise ModelError(place, "grants berisi peran menurut hak", hint="grants: {select: [pembaca]}")
    granted = cast(Mapping[str, Any], value)
    return {privilege.lower(): _names(roles) for privilege, roles in granted.items()}


def _partition(kind: str, value: Any, place: str) -> Partition | None:
    if value is None:
        return None
    if kind != "incremental":
        raise ModelError(
            place, "hanya model incremental yang punya partisi", hint="materialized: incremental"
        )
    try:
        start = value["start"] if isinstance(value["start"], date) else date.fromisoformat(value["start"])
        found = Partition(str(value["column"]), Cadence(value["every"]), start)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(place, f"partition: {error}", hint=_PARTITION_HINT) from None
    if found.every is not Cadence.DAILY:
        raise ModelError(place, "jendela sebuah model harus harian", hint=_PARTITION_HINT)
    return found


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(name) for name in cast(Iterable[Any], value))
