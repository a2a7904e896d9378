"""The suites of expectations/ are plain Great Expectations: a file project of GX reads and saves each of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import great_expectations as gx
import pytest

from pipelines.errors import QualityError
from pipelines.quality.suites import written
from pipelines.settings import PROJECT_ROOT
from tests.support.dbt_folder import DbtFolder, expect

SUITES = PROJECT_ROOT / "expectations"


def test_a_gx_project_of_files_loads_every_suite_by_its_name(tmp_path: Path) -> None:
    gx.get_context(mode="file", project_root_dir=tmp_path)
    shutil.copytree(SUITES, tmp_path / "gx/expectations", dirs_exist_ok=True)
    context = gx.get_context(mode="file", project_root_dir=tmp_path)
    expected = {
        f"{file.parent.name}.{file.stem}": len(json.loads(file.read_text(encoding="utf-8"))["expectations"])
        for file in SUITES.glob("*/*.json")
    }
    assert {suite.name: len(suite.expectations) for suite in context.suites.all()} == expected
    for name, number in expected.items():
        suite = context.suites.get(name)
        suite.save()  # writes the file that it was read from, and no new one
        assert len(suite.expectations) == number
    assert len(list((tmp_path / "gx/expectations").rglob("*.json"))) == len(expected)


@pytest.mark.parametrize("name", ["core/a", "a", ""])
def test_suite_whose_name_is_not_its_path_is_refused_with_the_right_name(tmp_path: Path, name: str) -> None:
    path = DbtFolder(tmp_path / "contoh").suite(
        "core/a", expect("ada", "expect_table_row_count_to_be_between")
    )
    path.write_text(path.read_text(encoding="utf-8").replace("core.a", name), encoding="utf-8")
    with pytest.raises(QualityError, match=r'tulis "name": "core\.a"'):
        written(path)
