"""The scores of a dataset are noted on its raw asset, as numbers that Dagster's page can plot."""

from __future__ import annotations

import dagster as dg
import psycopg

from pipelines.assets.quality_scores import observations


def test_scores_of_the_latest_month_are_noted_per_dataset(pg_url: str) -> None:
    """What could not be measured has no number."""
    with psycopg.connect(pg_url, autocommit=True) as connection:
        connection.execute("""
            create schema mart_satu_data;
            create table mart_satu_data.kualitas_data as
            select * from (values
                ('dinkes/kunjungan', 'gabungan', 91.4, 2026, 1), ('dinkes/kunjungan', 'gabungan', 12, 2025, 12),
                ('dinkes/kunjungan', 'keunikan', null, 2026, 1), ('dlh/ispu', 'validitas', 100, 2026, 1)
            ) as v (dataset, dimensi, skor, tahun, bulan)
        """)
        found = {o.asset_key: {k: v.value for k, v in o.metadata.items()} for o in observations(connection)}
    assert found == {
        dg.AssetKey(["raw", "dinkes", "kunjungan"]): {"skor_gabungan": 91.4},
        dg.AssetKey(["raw", "dlh", "ispu"]): {"skor_validitas": 100.0},
    }
