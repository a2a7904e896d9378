"""Notes which checks a dataset or a model has now, so that results of checks that are gone count no more.

What belongs here: ops.declared_check. Not here: which results count (warehouse/views/checks.sql).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, LiteralString

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.quality.gate import delivery_checks
from pipelines.quality.suites import Expectation

_THERE = "select to_regclass('ops.declared_check') is not null"
_OF_DATASET: LiteralString = "o.asset = %(dataset)s"
_OF_MODELS: LiteralString = "o.asset not like 'raw/%%'"
# Nothing is written where nothing has changed: this runs at every load and build.
_NOTE: LiteralString = """
with declared as (
    select * from unnest(%(assets)s::text[], %(names)s::text[]) as d (asset, check_name)
),
here as (
    insert into ops.declared_check (asset, check_name)
    select distinct d.asset, d.check_name from declared as d
    where not exists (
        select from ops.declared_check as o
        where o.asset = d.asset and o.check_name = d.check_name and o.gone_at is null
    )
    on conflict (asset, check_name) do update set gone_at = null
)
update ops.declared_check as o set gone_at = clock_timestamp()
where o.gone_at is null and {scope}
    and not exists (select from declared as d where d.asset = o.asset and d.check_name = o.check_name)
"""


def declare_dataset(
    connection: Connection[Any], contract: Contract, expectations: Iterable[Expectation]
) -> None:
    """Notes the checks of a dataset: those of its suite, and those of its loads. All others of it are gone."""
    asset = f"raw/{contract.key}"
    names = [*delivery_checks(contract), *(e.name for e in expectations)]
    _note(connection, _OF_DATASET, {asset: names}, dataset=asset)


def declare_models(connection: Connection[Any], checks: Mapping[str, Collection[str]]) -> None:
    """Notes the checks of all models. checks: by asset (`schema/name`). All others that are no dataset's are gone."""
    _note(connection, _OF_MODELS, checks)


def _note(
    connection: Connection[Any],
    scope: LiteralString,
    checks: Mapping[str, Collection[str]],
    dataset: str = "",
) -> None:
    """Does nothing in a database that has no ledger, where models can be built, too."""
    if connection.execute(_THERE).fetchone() != (True,):
        return
    pairs = [(asset, name) for asset, names in checks.items() for name in names]
    connection.execute(
        _NOTE.replace("{scope}", scope),
        {
            "assets": [asset for asset, _ in pairs],
            "names": [name for _, name in pairs],
            "dataset": dataset,
        },
    )
