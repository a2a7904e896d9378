"""Suites of models as they are read: whose they are, what they read, and what doesn't fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import ModelError, QualityError
from tests.support.dbt_folder import DbtFolder, expect, query


@pytest.fixture
def folder(tmp_path: Path) -> DbtFolder:
    """`b` is made of `a`; `c` stands by itself."""
    made = DbtFolder(tmp_path / "contoh")
    made.write("models/marts/a.sql", "select 1 as n")
    made.write("models/marts/a.yml", "models: [{name: a, columns: [{name: n, data_tests: [not_null]}]}]")
    made.write("models/marts/b.sql", "select n from {{ ref('a') }}")
    return made.write("models/marts/c.sql", "select 1 as n")


def test_a_suite_is_its_models_and_one_of_the_checks(folder: DbtFolder) -> None:
    folder.suite(
        "core/a",
        expect("ada_baris", "expect_table_row_count_to_be_between", min_value=1),
        expect("wajib", "expect_column_values_to_not_be_null", "warning", column="n", mostly=0.9),
    )
    nodes = folder.project().nodes
    assert [(c.name, c.severity, c.column) for c in nodes["a"].checks] == [
        ("not_null_n", "error", "n"),
        ("ada_baris", "error", None),
        ("wajib", "warn", "n"),
    ]
    assert nodes["a"].checks[1].description == "Ada yang salah dengan ada_baris."
    assert nodes["b"].suite == ()


def test_a_changed_suite_makes_the_model_stale_and_no_other(folder: DbtFolder) -> None:
    def versions() -> dict[str, str]:
        return {name: node.code_version for name, node in folder.project().nodes.items()}

    without = versions()
    folder.suite("core/a", query("aneh", "select 1 from {batch} where n > 2"))
    first = versions()
    folder.suite("core/a", query("aneh", "select 1 from {batch} where n > 3"))
    second = versions()
    assert len({without["a"], first["a"], second["a"]}) == 3
    assert {v["b"] for v in (without, first, second)} == {without["b"]}


def test_what_a_query_reads_is_built_before(folder: DbtFolder) -> None:
    folder.suite(
        "core/a", query("sama", "select 1 from {batch} x join core.c y on x.n <> y.n where upper(x.n) = 'A'")
    )
    project = folder.project()
    assert project.nodes["a"].build_after == ("c",)
    assert project.nodes["a"].depends_on == ()
    assert list(project.nodes).index("c") < list(project.nodes).index("a")


@pytest.mark.parametrize(
    ("name", "unexpected", "said"),
    [
        ("not_null_n", "select 1 from {batch}", "'not_null_n' nama dua pemeriksaan a"),
        ("aneh", "select 1 from {batch} where n in (select n from core.a)", "isinya masih yang lama"),
        (
            "aneh",
            "select 1 from {batch}, core.tiada",
            "membaca core.tiada, yang bukan model, seed, atau sumber",
        ),
        ("aneh", "select 1 from core.c where n > 1", "'aneh' tidak membaca a"),
    ],
)
def test_what_does_not_fit_is_told_with_its_file(
    folder: DbtFolder, name: str, unexpected: str, said: str
) -> None:
    path = folder.suite("core/a", query(name, unexpected))
    with pytest.raises(QualityError, match=said) as told:
        folder.project()
    assert told.value.subject == str(path)


def test_two_expectations_of_one_name_are_refused(folder: DbtFolder) -> None:
    twice = (
        query("aneh", "select 1 from {batch} where n > 1"),
        query("aneh", "select 1 from {batch} where n > 2"),
    )
    folder.suite("core/a", *twice)
    with pytest.raises(QualityError, match="'aneh' nama dua pemeriksaan a"):
        folder.project()


def test_models_that_are_published_together_are_not_compared_with_each_other(folder: DbtFolder) -> None:
    """The other one still has last night's rows when the suite is asked."""
    folder.write(
        "models/exposures.yml",
        "exposures: [{name: e, depends_on: [ref('a'), ref('c')], config: {meta: {satu_transaksi: true}}}]",
    )
    folder.suite("core/a", query("sama", "select 1 from {batch} x join core.c y on x.n <> y.n"))
    with pytest.raises(QualityError, match=r"membaca core\.c, yang terbit bersamanya"):
        folder.project()


def test_a_suite_that_reads_what_is_made_of_its_model_is_a_circle(folder: DbtFolder) -> None:
    folder.suite("core/a", query("sama", "select 1 from {batch} x join core.b y on x.n <> y.n"))
    with pytest.raises(ModelError, match="ada dalam lingkaran"):
        folder.project()
