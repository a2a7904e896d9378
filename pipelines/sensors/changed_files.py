"""Says in the UI when contracts, suites or models have changed since Dagster read them.

Dagster reads the definitions once, when the code location is loaded. `gudang ui` and `gudang code-server` load it again
by themselves (cli/server/definitions.py), unless the new files have a fault. Until then, and where neither of them
runs, the sensor says what has changed.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from pipelines.assets.naming import raw_key
from pipelines.datasets import Datasets, digests, name_of
from pipelines.settings import Settings

SHOWN = 5
"""How many changed files the sensor names."""
_HOW = (
    "Dagster membacanya lagi sendiri dalam setengah menit. Bila tidak, `gudang health` menyebut yang salah, dan"
    " Deployment → Code locations → Reload membacanya lagi."
)


def changed_files_sensor(
    datasets: Datasets, settings: Settings, known: Mapping[str, str]
) -> dg.SensorDefinition:
    """Makes the sensor that compares the project's files with `known`, the files that the definitions were made of.

    While they differ, each tick names them. Each change of a contract is also noted once on the dataset's asset, where
    its engineer looks.
    """
    by_path = {name_of(c.path, settings): c for c in datasets.contracts}

    @dg.sensor(
        name="definisi_terkini",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Memberi tahu bila kontrak, suite, atau model berubah sejak Dagster membacanya, sehingga code"
        " location perlu dimuat ulang.",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = digests(settings)
        changed = sorted(path for path in known.keys() | now.keys() if known.get(path) != now.get(path))
        if not changed:
            return dg.SensorResult(skip_reason="Definisi sama dengan berkasnya.", cursor="")
        more = f" dan {len(changed) - SHOWN} lagi" if len(changed) > SHOWN else ""
        reason = f"{len(changed)} berkas berubah sejak Dagster membacanya: {', '.join(changed[:SHOWN])}{more}. {_HOW}"
        noted = set((context.cursor or "").split())
        marks = {f"{path}:{now.get(path, '')[:16]}": path for path in changed if path in by_path}
        events = [
            dg.AssetObservation(
                raw_key(by_path[path]),
                description=f"Kontraknya berubah sejak Dagster membacanya. {_HOW}",
                metadata={"kontrak": dg.MetadataValue.path(path)},
            )
            for mark, path in marks.items()
            if mark not in noted
        ]
        return dg.SensorResult(skip_reason=reason, cursor=" ".join(sorted(marks)), asset_events=events)

    return look
