"""Which scripts of the warehouse's own schema must run."""

from __future__ import annotations

import pytest

from pipelines.errors import LoadError
from pipelines.warehouse.upgrade import Applied, Script, functions_and_views, migrations, pending

ONE = Script("001_satu.sql", "select 1", 1)
TWO = Script("002_dua.sql", "select 2", 2)
VIEWS = Script("views/ledger.sql", "create or replace view v as select 1")


def ran(script: Script, sha256: str | None = None) -> Applied:
    return Applied(script.name, script.number, sha256 or script.sha256)


def test_all_scripts_run_in_order_on_a_new_warehouse() -> None:
    assert pending([ONE, TWO, VIEWS], []) == [ONE, TWO, VIEWS]


def test_script_that_ran_does_not_run_again() -> None:
    assert pending([ONE, TWO, VIEWS], [ran(ONE), ran(VIEWS)]) == [TWO]
    assert pending([ONE, TWO, VIEWS], [ran(ONE), ran(TWO), ran(VIEWS)]) == []


def test_changed_view_runs_again() -> None:
    assert pending([ONE, VIEWS], [ran(ONE), ran(VIEWS, "x")]) == [VIEWS]


def test_migration_may_be_renamed_but_not_changed() -> None:
    assert pending([ONE], [Applied("001_lain.sql", 1, ONE.sha256)]) == []
    with pytest.raises(
        LoadError, match=r"migrasi 001_satu\.sql sudah dijalankan di sini dengan isi lain"
    ) as caught:
        pending([ONE], [ran(ONE, "0" * 64)])
    assert "migrasi baru" in str(caught.value)


def test_newer_warehouse_is_refused() -> None:
    with pytest.raises(LoadError, match=r"lebih baru daripada program ini: 002_dua\.sql tidak dikenal"):
        pending([ONE], [ran(ONE), ran(TWO)])


def test_migrations_are_numbered_without_a_gap() -> None:
    ours = migrations()
    assert [script.number for script in ours] == list(range(1, len(ours) + 1))
    for script in ours:
        assert script.name.startswith(f"{script.number:03d}_")
    names = [script.name for script in functions_and_views()]
    assert names == sorted(names) and {name.split("/")[0] for name in names} == {"functions", "views"}
