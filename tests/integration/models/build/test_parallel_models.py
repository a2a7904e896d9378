"""Models that are built in parallel, and groups of models that are released in one transaction."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from pipelines.errors import ModelError
from pipelines.models.build.results import NodeResult
from pipelines.models.build.runner import build, run_tests
from tests.support.small_warehouse import SmallWarehouse

REPORT = """
exposures:
  - name: laporan
    label: Laporan
    type: dashboard
    owner: {name: Diskominfo}
    depends_on: [ref('a'), ref('b')]
    config: {meta: {satu_transaksi: true}}
"""


def pair(warehouse: SmallWarehouse, value: int, *, b: str = "") -> None:
    warehouse.model("a", f"select {value} as n", "not_null: {arguments: {column_name: n}}")
    warehouse.model("b", b or f"select {value} as n", "not_null: {arguments: {column_name: n}}")


def test_readers_see_all_models_of_an_exposure_change_at_once(small_warehouse: SmallWarehouse) -> None:
    """One statement of a reader never sees models of two nights."""
    small_warehouse.folder.write("models/exposures.yml", REPORT)
    pair(small_warehouse, 0)
    small_warehouse.build()
    seen: set[tuple[int, int]] = set()
    done = threading.Event()

    def read() -> None:
        with psycopg.connect(small_warehouse.url, autocommit=True) as reader:
            while not done.is_set():
                seen.add(
                    reader.execute("select (select n from core.a), (select n from core.b)").fetchone()
                    or (-1, -1)
                )

    reading = threading.Thread(target=read)
    reading.start()
    for night in (1, 2, 3):
        pair(small_warehouse, night, b=f"select {night} as n from pg_sleep(0.15)")  # noqa: S608
        assert {r.state for r in small_warehouse.build().values()} == {"ok"}
    done.set()
    reading.join()
    assert all(a == b for a, b in seen)
    assert len(seen) > 1


def test_a_failed_model_holds_back_its_group_and_their_descendants(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.write("models/exposures.yml", REPORT)
    pair(small_warehouse, 1)
    small_warehouse.model("di_atas", "select n from {{ ref('a') }}")
    small_warehouse.build()
    pair(small_warehouse, 2, b="select null::int as n")
    results = small_warehouse.build()
    assert {n: r.state for n, r in results.items()} == {
        "a": "held",
        "b": "tests_failed",
        "di_atas": "skipped",
    }
    assert results["a"].error == "b tidak dibangun, dan model exposure laporan terbit bersama"
    assert small_warehouse.run("select (select n from core.a), (select n from core.b)") == [(1, 1)]
    assert small_warehouse.run("select relname from pg_class where relname like '%\\_\\_baru'") == []


def test_a_failed_exchange_rolls_the_whole_group_back(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.write("models/exposures.yml", REPORT)
    pair(small_warehouse, 1)
    small_warehouse.build()
    small_warehouse.run("create materialized view laporan.beku as select n from core.b")
    pair(small_warehouse, 2)
    results = small_warehouse.build()
    assert {r.state for r in results.values()} == {"failed"}
    assert small_warehouse.run("select (select n from core.a), (select n from core.b)") == [(1, 1)]
    assert small_warehouse.run("select relname from pg_class where relname like '%\\_\\_baru'") == []


@pytest.mark.parametrize(
    ("b", "message"),
    [
        ("select n from {{ ref('a') }}", "b membaca a, yang tidak terbit lebih dulu"),
        ("{{ config(materialized='incremental') }} select 1 as n", "b incremental"),
    ],
)
def test_models_that_cannot_share_a_transaction_fail_before_the_build(
    small_warehouse: SmallWarehouse, b: str, message: str
) -> None:
    small_warehouse.folder.write("models/exposures.yml", REPORT)
    pair(small_warehouse, 1, b=b)
    with pytest.raises(ModelError, match=message):
        small_warehouse.build()
    assert small_warehouse.run("select to_regclass('core.a')") == [(None,)]


def test_independent_models_are_built_at_the_same_time(small_warehouse: SmallWarehouse) -> None:
    """Each model waits until it sees the session of the other one, and fails if that never comes."""
    busy = "(select count(distinct pid) from pg_locks where locktype = 'advisory' and objid = 4711)"
    wait = f"""
        do $$ begin
            perform pg_advisory_lock_shared(4711);
            for i in 1..200 loop
                if {busy} >= 2 then return; end if;
                perform pg_sleep(0.05);
            end loop;
            raise 'the other one never came';
        end $$
    """
    small_warehouse.run(
        f"create function raw.bertemu() returns int language plpgsql as $f$ begin execute $w${wait}$w$; return 1; end $f$"
    )
    for name in ("a", "b"):
        small_warehouse.model(name, "select raw.bertemu() as n")
    results = build(small_warehouse.folder.project(), small_warehouse.url, threads=2)
    assert {r.name: r.state for r in results} == {"a": "ok", "b": "ok"}


def test_two_models_are_ordered_through_an_unselected_one_between_them(
    small_warehouse: SmallWarehouse,
) -> None:
    small_warehouse.model("bawah", "select 1 as n from pg_sleep(0.3)")
    small_warehouse.folder.write("models/staging/tengah.sql", "select n from {{ ref('bawah') }}")
    small_warehouse.model("atas", "select n from {{ ref('tengah') }}")
    small_warehouse.build()
    small_warehouse.model("bawah", "select 2 as n from pg_sleep(0.3)")
    small_warehouse.build("bawah", "atas")
    assert small_warehouse.run("select n from core.atas") == [(2,)]


def test_an_interrupt_ends_running_queries_and_leaves_no_half_built_table(
    small_warehouse: SmallWarehouse,
) -> None:
    small_warehouse.model("cepat", "select 1 as n")
    small_warehouse.build()
    small_warehouse.model("cepat", "select 2 as n")
    small_warehouse.model("lambat", "select 1 as n from pg_sleep(60)")

    running = """
        select count(*)::int from pg_stat_activity
        where query like '%pg_sleep(60)%' and state <> 'idle' and pid <> pg_backend_pid()
    """

    def interrupt(_: NodeResult) -> None:
        for _attempt in range(200):
            if small_warehouse.run(running) != [(0,)]:
                raise KeyboardInterrupt
            time.sleep(0.05)
        pytest.fail("the slow model never started")

    with pytest.raises(KeyboardInterrupt):
        build(small_warehouse.folder.project(), small_warehouse.url, on_result=interrupt, threads=2)
    assert small_warehouse.run(running) == [(0,)]
    assert small_warehouse.run("select to_regclass('core.lambat')") == [(None,)]


def test_tests_can_run_on_released_models(small_warehouse: SmallWarehouse) -> None:
    pair(small_warehouse, 1)
    small_warehouse.build()
    small_warehouse.run("update core.b set n = null")
    results = {r.name: r for r in run_tests(small_warehouse.folder.project(), small_warehouse.url)}
    assert {n: r.state for n, r in results.items()} == {"a": "ok", "b": "tests_failed"}
    assert small_warehouse.run("select n from core.b") == [(None,)]
