"""Notes each dataset's scores of quality on its asset, so that the asset's page plots them.

What belongs here: the events. Not here: how a score is calculated (dbt_like_sql/models/marts/satu_data/mutu/).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import dagster as dg
from psycopg import Connection

MODEL = "kualitas_data"
"""The model that holds the scores. When it was built anew, the scores are noted."""
_LATEST = """
select dataset, dimensi, skor from mart_satu_data.kualitas_data
where skor is not null and (tahun, bulan) = (
    select tahun, bulan from mart_satu_data.kualitas_data order by tahun desc, bulan desc limit 1
)
order by dataset, dimensi
"""


def observations(connection: Connection[Any]) -> Iterator[dg.AssetObservation]:
    """An observation of each dataset's raw asset with its scores of this month: `skor_gabungan`, `skor_validitas`, ...

    It is no materialization: the asset's rows and their version are as they were.
    """
    rows = connection.execute(_LATEST).fetchall()
    for dataset, scores in groupby(rows, key=lambda row: row[0]):
        yield dg.AssetObservation(
            asset_key=dg.AssetKey(["raw", *dataset.split("/")]),
            description="Skor mutu bulan ini, 0 sampai 100.",
            metadata={f"skor_{dimension}": float(score) for _, dimension, score in scores},
        )
