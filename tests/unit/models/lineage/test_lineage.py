"""Column lineage reaches the nearest relations, and is empty for SQL that cannot be parsed."""

from __future__ import annotations

from pathlib import Path

from pipelines.models.lineage.lineage import column_lineage, keep, remember
from tests.support.dbt_folder import DbtFolder

SOURCES = """
sources:
  - name: dinkes
    schema: raw
    tables: [{name: kunjungan, columns: [{name: id}, {name: tanggal}, {name: biaya}]}]
"""


def test_columns_are_followed_through_ctes_stars_and_expressions_to_sources(tmp_path: Path) -> None:
    folder = DbtFolder(tmp_path).write("models/sources.yml", SOURCES)
    folder.write(
        "models/marts/m.sql",
        """
        with k as (select * from {{ source('dinkes', 'kunjungan') }}),
        final as (select tanggal, sum(biaya) + count(id) as nilai, 'x' as tetap from k group by tanggal)
        select * from final
        """,
    )
    assert column_lineage(folder.project(), "m") == {
        "tanggal": (("raw.kunjungan", "tanggal"),),
        "nilai": (("raw.kunjungan", "biaya"), ("raw.kunjungan", "id")),
        "tetap": (),
    }


def test_sql_that_cannot_be_parsed_has_no_lineage(tmp_path: Path) -> None:
    folder = DbtFolder(tmp_path).write("models/marts/m.sql", "select from where (")
    assert column_lineage(folder.project(), "m") == {}


def test_lineage_of_the_same_query_changes_with_the_columns_of_its_source(tmp_path: Path) -> None:
    """Lineage is cached per process, by the query and by the columns of the relations that it reads."""
    star = "select * from {{ source('dinkes', 'kunjungan') }}"
    for number, (columns, expected) in enumerate(
        [("{name: id}", {"id"}), ("{name: id}, {name: biaya}", {"id", "biaya"}), ("{name: id}", {"id"})]
    ):
        folder = DbtFolder(tmp_path / str(number)).write(
            "models/sources.yml",
            "sources:\n  - name: dinkes\n    schema: raw\n    tables: [{name: kunjungan, columns: ["
            + columns
            + "]}]\n",
        )
        folder.write("models/marts/m.sql", star)
        assert column_lineage(folder.project(), "m") == {
            name: (("raw.kunjungan", name),) for name in expected
        }


def test_lineage_is_kept_for_the_next_process(tmp_path: Path) -> None:
    folder = DbtFolder(tmp_path / "dbt").write("models/sources.yml", SOURCES)
    folder.write("models/marts/m.sql", "select biaya as disimpan from {{ source('dinkes', 'kunjungan') }}")
    folder.write("models/marts/n.sql", "select from where (disimpan")
    remember(tmp_path / "cache")
    assert column_lineage(folder.project(), "m") == {"disimpan": (("raw.kunjungan", "biaya"),)}
    keep()
    (kept,) = (tmp_path / "cache").iterdir()
    # An answer that only the file can give shows that the file is used.
    kept.write_text(
        kept.read_text("utf-8").replace('["raw.kunjungan", "biaya"]', '["raw.kunjungan", "berkas"]'), "utf-8"
    )
    remember(tmp_path / "cache")
    assert column_lineage(folder.project(), "m") == {"disimpan": (("raw.kunjungan", "berkas"),)}
    assert column_lineage(folder.project(), "n") == {}
    kept.write_text("[1]", "utf-8")
    remember(tmp_path / "cache")
    assert column_lineage(folder.project(), "n") == {}
