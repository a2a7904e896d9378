"""How suites of models are read: to which model they belong, what they read, and errors in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import ModelError, QualityError
from tests.support.dbt_folder import DbtFolder, expect, query


@pytest.fixture
def folder(tmp_path: Path) -> DbtFolder:
    """A project in which `b` reads `a`, and `c` reads nothing."""
    made = DbtFolder(tmp_path / "contoh")
    made.write("models/marts/a.sql", "select 1 as n")
    made.write("models/marts/a.yml", "models: [{name: a, columns: [{name: n, data_tests: [not_null]}]}]")
    made.write("models/marts/b.sql", "select n from {{ ref('a') }}")
    return made.write("models/marts/c.sql", "select 1 as n")


def test_expectations_of_a_suite_are_checks_of_its_model_only(folder: DbtFolder) -> None:
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


def test_changed_suite_changes_the_code_version_of_its_model_only(folder: DbtFolder) -> None:
    def versions() -> dict[str, str]:
        return {name: node.code_version for name, node in folder.project().nodes.items()}

    without = versions()
    folder.suite("core/a", query("aneh", "select 1 from {batch} where n > 2"))
    first = versions()
    folder.suite("core/a", query("aneh", "select 1 from {batch} where n > 3"))
    second = versions()
    assert len({without["a"], first["a"], second["a"]}) == 3
    assert {v["b"] for v in (without, first, second)} == {without["b"]}


def test_relation_that_a_query_reads_is_built_before(folder: DbtFolder) -> None:
    folder.suite(
        "core/a", query("sama", "select 1 from {batch} x join core.c y on x.n <> y.n where upper(x.n) = 'A'")
    )
    project = folder.project()
    assert project.nodes["a"].build_after == ("c",)
    assert project.nodes["a"].depends_on == ()
    assert list(project.nodes).index("c") < list(project.nodes).index("a")


@pytest.mark.parametrize(
    ("name", "unexpected", "message"),
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
def test_error_in_a_suite_is_reported_with_its_file(
    folder: DbtFolder, name: str, unexpected: str, message: str
) -> None:
    path = folder.suite("core/a", query(name, unexpected))
    with pytest.raises(QualityError, match=message) as caught:
        folder.project()
    assert caught.value.subject == str(path)


def test_two_expectations_with_the_same_name_are_refused(folder: DbtFolder) -> None:
    twice = (
        query("aneh", "select 1 from {batch} where n > 1"),
        query("aneh", "select 1 from {batch} where n > 2"),
    )
    folder.suite("core/a", *twice)
    with pytest.raises(QualityError, match="'aneh' nama dua pemeriksaan a"):
        folder.project()


def test_suite_that_reads_a_model_of_its_transaction_group_is_refused(folder: DbtFolder) -> None:
    """The other model still has its old rows while the suite runs."""
    folder.write(
        "models/exposures.yml",
        "exposures: [{name: e, depends_on: [ref('a'), ref('c')], config: {meta: {satu_transaksi: true}}}]",
    )
    folder.suite("core/a", query("sama", "select 1 from {batch} x join core.c y on x.n <> y.n"))
    with pytest.raises(QualityError, match=r"membaca core\.c, yang terbit bersamanya"):
        folder.project()


def test_suite_that_reads_a_model_above_its_own_is_refused_as_a_circle(folder: DbtFolder) -> None:
    folder.suite("core/a", query("sama", "select 1 from {batch} x join core.b y on x.n <> y.n"))
    with pytest.raises(ModelError, match="ada dalam lingkaran"):
        folder.project()
