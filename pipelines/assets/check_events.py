"""Gives the results of checks to Dagster, also of checks that the run did not plan.

The jobs of a night plan no checks (jobs.py). Of a planned check Dagster writes three events, one by one: planned,
output, evaluation. Of any other check it stores the evaluation alone, as a result of this run, and shows it in the same
places.

No result names the materialization that it is about. In a run of one partition Dagster would name the last one of that
partition, and show the check as "Not evaluated" because the asset has a newer one, of another partition. Without a name
the result counts for the asset until it is materialized again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

import dagster as dg
from dagster_shared.record import replace

if TYPE_CHECKING:
    from dagster._core.execution.context.system import StepExecutionContext

Result = dg.MaterializeResult[Any] | dg.AssetCheckResult


class _OfTheAsset(dg.AssetCheckResult):
    """The result of a planned check. Dagster asks it for the event that is stored."""

    def to_asset_check_evaluation(self, step_context: StepExecutionContext) -> dg.AssetCheckEvaluation:
        return replace(super().to_asset_check_evaluation(step_context), target_materialization_data=None)


def to_dagster(context: dg.AssetExecutionContext, results: Iterable[Result]) -> Iterator[Result]:
    """Yields materializations and results of planned checks, for the step to yield; stores the other results.

    The other results are stored at once, so that they stay if the step fails.
    """
    planned = context.selected_asset_check_keys
    for result in results:
        if not isinstance(result, dg.AssetCheckResult):
            yield result
        elif check_key(result) in planned:
            yield _OfTheAsset(**result._asdict())
        else:
            # Dagster's code takes evaluations, too; only its type leaves them out.
            context.log_event(cast(Any, _evaluation(context, result)))


def check_key(result: dg.AssetCheckResult) -> dg.AssetCheckKey:
    """The key of a result's check. Our results always name asset and check."""
    assert result.asset_key is not None and result.check_name is not None
    return dg.AssetCheckKey(result.asset_key, result.check_name)


def _evaluation(context: dg.AssetExecutionContext, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    key = check_key(result)
    return dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
        blocking=context.assets_def.get_spec_for_check_key(key).blocking,
    )
