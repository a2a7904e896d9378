"""Models that could not have changed are not built, and the result equals that of a full build (adr/036)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.models.build.due import due
from tests.support.small_warehouse import SmallWarehouse


@pytest.fixture
def prepared(warehouse_url: str, tmp_path: Path) -> Iterator[SmallWarehouse]:
    """A warehouse with a ledger, and a dbt folder of the test's own."""
    made = SmallWarehouse(warehouse_url, tmp_path / "contoh")
    yield made
    made.connection.close()


def built(warehouse: SmallWarehouse, **more: object) -> set[str]:
    """Builds, and gives the names of the models that were built. `due` must have named them before."""
    project = warehouse.folder.project(window=more.get("window"))  # type: ignore[arg-type]
    expected = due(project, warehouse.connection)
    results = warehouse.build(**more)
    assert {r.state for r in results.values()} == {"ok"}, {r.name: r.error for r in results.values()}
    names = {name for name, r in results.items() if not r.unchanged}
    if more.keys() <= {"window"}:
        assert names <= expected
    return names


def test_a_seed_is_loaded_again_only_when_it_changed(prepared: SmallWarehouse) -> None:
    prepared.folder.write("seeds/kode.csv", "kode\n64.10\n64.01\n")
    assert built(prepared) == {"kode"}
    (left,) = prepared.build(run_id="malam").values()
    assert (left.unchanged, left.tests, left.rows) == (True, (), None)
    assert prepared.run("select state from ops.model_run") == [("unchanged",)]
    prepared.folder.write("seeds/kode.csv", "kode\n64.11\n")
    assert built(prepared) == {"kode"}
    prepared.run("drop table core.kode")
    assert built(prepared) == {"kode"}
    assert prepared.run("select * from core.kode") == [("64.11",)]
    assert built(prepared) == set()
    assert built(prepared, build_all=True) == {"kode"}
    assert built(prepared, full_refresh=True) == {"kode"}
