"""dbt_like_sql/ stays dbt's: dbt-core 1.11 builds it into schemas of its own, equal row for row.

dbt is no dependency of the house: `GUDANG_TEST_DBT` names its program, else `dbt` on the path is taken.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.support.model_warehouse import FOLDER, ModelWarehouse

DBT = os.environ.get("GUDANG_TEST_DBT") or shutil.which("dbt")


def dbt_profile(url: str) -> dict[str, object]:
    parts = conninfo_to_dict(url)
    output = {
        "type": "postgres",
        "host": parts.get("host", "localhost"),
        "port": int(parts.get("port") or 5432),
        "user": parts.get("user", "postgres"),
        "password": parts.get("password") or "",
        "dbname": parts["dbname"],
        "schema": "uji",
        "threads": 2,
    }
    return {"gudang_kaltim": {"target": "uji", "outputs": {"uji": output}}}


@pytest.mark.slow
@pytest.mark.skipif(
    DBT is None and os.environ.get("CI") != "true", reason="dbt-core is not installed (set GUDANG_TEST_DBT)"
)
def test_dbt_builds_the_same_relations(pg_url: str, tmp_path: Path) -> None:
    warehouse = ModelWarehouse(pg_url)
    warehouse.run("""
        insert into raw.samarinda__penduduk values
            (2024, 'SAMARINDA ULU', 'DADIMULYA', 'L', 30, 7),
            (2024, 'SAMARINDA ULU', 'DADI MULYA', 'L', 30, 3);
        insert into raw.diskominfo__penilaian_spbe (tahun, no_indikator, tingkat, target)
        select 2025, n, 1 + n % 5, 4 from generate_series(1, 40) as n;
        insert into raw.dlh__ispu (stasiun, waktu, kode_bps) values ('A', '2026-09-30T23:30:00Z', '6402');
        insert into ops.contract values ('a/b', 'Data', 'Dinas', 'x', 'api', 1, 6, 'terbuka', true)
    """)
    assert {r.state for r in warehouse.build().values()} == {"ok"}

    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(dbt_profile(pg_url)))
    options = [
        "--profiles-dir",
        tmp_path,
        "--target-path",
        tmp_path / "target",
        "--log-path",
        tmp_path / "logs",
    ]
    done = subprocess.run(
        [str(DBT), "build", "--project-dir", FOLDER, *options],
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]

    for node in warehouse.project.nodes.values():
        ours, theirs = sql.Identifier(node.schema, node.name), sql.Identifier(f"uji_{node.schema}", node.name)
        assert shape(warehouse, ours) == shape(warehouse, theirs), node.name
        different = warehouse.connection.execute(
            sql.SQL("(table {0} except all table {1}) union all (table {1} except all table {0})").format(
                ours, theirs
            )
        )
        assert different.fetchall() == [], node.name
    warehouse.connection.close()


def shape(warehouse: ModelWarehouse, relation: sql.Identifier) -> list[tuple[object, ...]]:
    """The relation's columns and their types."""
    return warehouse.run(
        """
        select attname, format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = %s::regclass and attnum > 0 order by attnum
        """,
        relation.as_string(),
    )
