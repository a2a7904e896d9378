"""Keeps the checks `mutakhir` true between the loads: a dataset gets late while nobody loads anything.

Not here: the rule (quality/freshness.py), telling operators (sensors/alerts.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import dagster as dg

from pipelines.assets.checks import freshness_fields
from pipelines.contracts.model import Contract
from pipelines.errors import GudangError
from pipelines.quality.freshness import freshness
from pipelines.resources.warehouse import Warehouse


def _now() -> datetime:
    return datetime.now(UTC)


def freshness_sensor(
    contracts: Sequence[Contract], *, clock: Callable[[], datetime] = _now
) -> dg.SensorDefinition:
    """The sensor that writes a new result of `mutakhir` where the last one is no longer true. It starts no run.

    The cursor holds the datasets that were late at the last look, and those that were not. A load gives a result, too;
    if it differs from the cursor, the next look writes the same once more.
    """

    @dg.sensor(
        name="kemutakhiran",
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Menilai pemeriksaan mutakhir setiap dataset menurut janji kontraknya, juga bila tidak ada yang"
        " dimuat.",
    )
    def look(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
        known = _read(context.cursor)
        try:
            with warehouse.connect() as connection:
                found = freshness(connection, contracts, clock())
        except GudangError as error:
            return dg.SkipReason(str(error))
        changed = [state for key, state in found.items() if known.get(key) is not state.is_fresh]
        late = sorted(key for key, state in found.items() if not state.is_fresh)
        reason = f"{len(late)} dari {len(found)} dataset terlambat"
        return dg.SensorResult(
            skip_reason=f"{reason}: {', '.join(late)}." if late else f"{reason}.",
            cursor=json.dumps({key: state.is_fresh for key, state in sorted(found.items())}),
            asset_events=[dg.AssetCheckEvaluation(**freshness_fields(state)) for state in changed],
        )

    return look


def _read(cursor: str | None) -> dict[str, bool]:
    """By dataset whether it was fresh at the last look; {} at the first one, and for a cursor that is no such thing."""
    try:
        known = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
