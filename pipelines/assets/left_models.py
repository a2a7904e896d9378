"""Tells Dagster about models that a run did not build again, because nothing that they are built from has changed.

Not here: which models are left (models/build/versions.py), the results of models that were built (warehouse.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import Any

import dagster as dg

from pipelines.models.build.results import NodeResult, released_results
from pipelines.resources.warehouse import Warehouse

DATA_VERSION_TAG = "dagster/data_version"


def with_last_results(
    warehouse: Warehouse, selected_checks: Set[dg.AssetCheckKey], left: Mapping[dg.AssetKey, NodeResult]
) -> list[NodeResult]:
    """The test results of models that were not built again and have planned checks, from the builds that released them.

    Models whose results are no longer kept are left out.

    Dagster would show a planned check without a result as skipped, and a warning that is still true would disappear.
    """
    planned = {key.asset_key for key in selected_checks}
    results = [result for key, result in left.items() if key in planned]
    if not results:
        return []
    with warehouse.connect() as connection:
        last = released_results(connection, [result.asset for result in results])
    return [
        replace(r, tests=tuple(test.result("model tidak berubah") for test in last[r.asset]))
        for r in results
        if r.asset in last
    ]


def awaited(context: dg.AssetExecutionContext, left: Mapping[dg.AssetKey, NodeResult]) -> set[dg.AssetKey]:
    """The models that were not built again and that later steps read. Dagster skips these if the model has no event."""
    layer = context.job_def.asset_layer
    selected = layer.selected_asset_keys
    own = context.assets_def.keys
    return {key for key in left if (layer.get(key).child_keys & selected) - own}


def events(
    instance: dg.DagsterInstance, left: Mapping[dg.AssetKey, NodeResult], waited_for: Set[dg.AssetKey]
) -> Iterator[dg.MaterializeResult[Any]]:
    """Gives an event for left models that later steps wait for, and for those whose version Dagster has not got.

    The latter were built by `gudang models run`. Without the event, Dagster would show them as old.
    """
    last = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization
        for record in instance.get_asset_records([*left])
    }
    for key, result in left.items():
        event = last.get(key)
        tags = event.asset_materialization.tags if event and event.asset_materialization else {}
        if key in waited_for or (tags or {}).get(DATA_VERSION_TAG) != result.version:
            yield dg.MaterializeResult(asset_key=key, data_version=dg.DataVersion(result.version))
