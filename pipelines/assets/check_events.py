"""Gives the results of checks to Dagster, also of checks that the run did not plan.

The jobs of a night plan no checks (jobs.py). Of a planned check Dagster writes three events, one by one: planned,
output, evaluation. Of any other check it stores the evaluation alone, as a result of this run, and shows it in the same
places.
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast

import dagster as dg

Result = dg.MaterializeResult[Any] | dg.AssetCheckResult


def to_dagster(context: dg.AssetExecutionContext, results: Iterable[Result]) -> Iterator[Result]:
    """Yields materializations and results of planned checks, for the step to yield; stores the other results.

    The other results are stored at once, so that they stay if the step fails.
    """
    planned = context.selected_asset_check_keys
    for result in results:
        if not isinstance(result, dg.AssetCheckResult) or check_key(result) in planned:
            yield result
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
