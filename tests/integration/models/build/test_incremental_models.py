"""Incremental models on a real PostgreSQL: old rows stay, new rows are added, and tests see them first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import psycopg
import pytest

from pipelines.contracts.windows import Window
from tests.support.small_warehouse import SmallWarehouse

DAILY = """
{{ config(materialized='incremental', unique_key='hari', meta={'partition': {
    'column': 'hari', 'every': 'daily', 'start': '2026-01-01'}}) }}
select hari, n from raw.sumber
{% if is_incremental() and var('window_start', none) %}
where hari between '{{ var('window_start') }}' and '{{ var('window_end') }}'
{% endif %}
"""


def model(warehouse: SmallWarehouse, config: str, query: str) -> None:
    warehouse.folder.write(
        "models/marts/m.sql", f"{{{{ config(materialized='incremental', {config}) }}}}\n{query}"
    )


def rows(warehouse: SmallWarehouse, columns: str = "k, n") -> list[tuple[object, ...]]:
    return warehouse.run(f"select {columns} from core.m order by 1, 2")  # noqa: S608  # our own names


def test_the_first_build_makes_all_rows_and_later_ones_add_new_rows(small_warehouse: SmallWarehouse) -> None:
    query = """
    select k, n from raw.sumber
    {% if is_incremental() %} where k > (select max(k) from {{ this }}) {% endif %}
    """
    small_warehouse.run("create table raw.sumber as select g as k, g as n from generate_series(1, 3) g")
    model(small_warehouse, "indexes=[{'columns': ['k'], 'unique': true}]", query)
    first = small_warehouse.build()["m"]
    assert (first.state, first.rows, first.incremented) == ("ok", 3, False)
    before = small_warehouse.run("select 'core.m'::regclass::oid")

    small_warehouse.run(
        "insert into raw.sumber values (4, 4), (5, 5); update raw.sumber set n = 100 where k = 1"
    )
    second = small_warehouse.build()["m"]
    assert (second.state, second.rows, second.incremented) == ("ok", 2, True)
    assert rows(small_warehouse) == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]
    assert small_warehouse.run("select 'core.m'::regclass::oid") == before
    assert small_warehouse.run(
        "select indexdef like '%UNIQUE%(k)' from pg_indexes where tablename = 'm'"
    ) == [(True,)]
    assert small_warehouse.build()["m"].rows == 0

    assert small_warehouse.build(full_refresh=True)["m"].incremented is False
    assert rows(small_warehouse)[0] == (1, 100)
    assert small_warehouse.run("select count(*) from pg_indexes where tablename = 'm'") == [(1,)]


@pytest.mark.parametrize("strategy", ["delete+insert", "merge"])
def test_rows_of_a_known_key_are_replaced(small_warehouse: SmallWarehouse, strategy: str) -> None:
    small_warehouse.run(
        "create table raw.sumber (k int, j int, n int); insert into raw.sumber values (1, 1, 1), (1, 2, 2)"
    )
    model(
        small_warehouse,
        f"unique_key=['k', 'j'], incremental_strategy='{strategy}'",
        "select k, j, n from raw.sumber",
    )
    small_warehouse.build()
    small_warehouse.run("truncate raw.sumber; insert into raw.sumber values (1, 2, 22), (2, 1, 3)")
    assert small_warehouse.build()["m"].state == "ok"
    assert rows(small_warehouse, "k, j, n") == [(1, 1, 1), (1, 2, 22), (2, 1, 3)]


def test_a_failed_test_rolls_new_rows_back_before_any_reader_sees_them(
    small_warehouse: SmallWarehouse,
) -> None:
    small_warehouse.run("create table raw.sumber as select 1 as k, 1 as n")
    model(small_warehouse, "unique_key='k'", "select k, n from raw.sumber")
    slow = "{% test lambat(model) %} select 1 from {{ model }}, pg_sleep(0.4) where n is null {% endtest %}"
    small_warehouse.folder.write("macros/lambat.sql", slow)
    small_warehouse.folder.write("models/marts/m.yml", "models: [{name: m, data_tests: [lambat]}]")
    small_warehouse.build()
    small_warehouse.run("insert into raw.sumber values (2, null)")
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        with psycopg.connect(small_warehouse.url, autocommit=True) as reader:
            while not done.is_set():
                seen.add((reader.execute("select count(*) from core.m").fetchone() or (-1,))[0])

    reading = threading.Thread(target=read)
    reading.start()
    result = small_warehouse.build()["m"]
    done.set()
    reading.join()
    assert (result.state, result.error) == ("tests_failed", "lambat: 1 baris menyimpang")
    assert seen == {1}
    assert rows(small_warehouse) == [(1, 1)]
    assert small_warehouse.run("select relname from pg_class where relname like 'm\\_\\_baru%'") == []


def test_a_window_replaces_all_rows_of_its_days(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.run("""
        create table raw.sumber as
        select hari::date, 1 as n from generate_series('2026-01-01'::timestamp, '2026-01-10', '1 day') as hari
    """)
    small_warehouse.folder.write("models/marts/m.sql", DAILY)
    small_warehouse.build()
    small_warehouse.run("delete from raw.sumber where hari = '2026-01-04'; update raw.sumber set n = 2")
    result = small_warehouse.build(window=Window(date(2026, 1, 3), date(2026, 1, 5)))["m"]
    assert (result.state, result.rows) == ("ok", 2)
    found = dict(small_warehouse.run("select extract(day from hari)::int, n from core.m"))
    assert found == {1: 1, 2: 1, 3: 2, 5: 2, 6: 1, 7: 1, 8: 1, 9: 1, 10: 1}, (
        "a day without rows at the source has none in the model"
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("ignore", [(1, "a")]),
        ("append_new_columns", [(1, "a", None), (2, None, "baru")]),
        ("sync_all_columns", [(1, None), (2, "baru")]),
    ],
)
def test_on_schema_change_decides_about_new_and_missing_columns(
    small_warehouse: SmallWarehouse, change: str, expected: list[tuple[object, ...]]
) -> None:
    model(small_warehouse, f"on_schema_change='{change}'", "select 1 as k, 'a'::text as lama")
    small_warehouse.build()
    model(small_warehouse, f"on_schema_change='{change}'", "select 2 as k, 'baru'::text as kolom_baru")
    result = small_warehouse.build()["m"]
    if change == "ignore":
        assert result.state == "failed"
        assert "lama" in (result.error or "")
    assert rows(small_warehouse, "*") == expected


def test_on_schema_change_fail_names_the_changed_columns(small_warehouse: SmallWarehouse) -> None:
    model(small_warehouse, "on_schema_change='fail'", "select 1 as k, 1 as n")
    small_warehouse.build()
    model(small_warehouse, "on_schema_change='fail'", "select 2::bigint as k, 1 as baru")
    error = small_warehouse.build()["m"].error or ""
    assert "kolom baru: baru; kolom hilang: n; kolom berganti tipe: k" in error
    assert "--full-refresh" in error
    assert rows(small_warehouse) == [(1, 1)]


def test_grants_are_what_is_declared_and_indexes_follow_the_config(
    small_warehouse: SmallWarehouse, role: Callable[[str], str]
) -> None:
    role("baca_a")
    role("baca_b")

    def facts() -> tuple[bool, bool, list[str]]:
        [found] = small_warehouse.run("""
            select has_table_privilege('baca_a', 'core.m', 'select'), has_table_privilege('baca_b', 'core.m', 'select'),
                (select array_agg(indexdef order by indexdef) from pg_indexes where tablename = 'm')
        """)
        return found[0], found[1], found[2]

    def table(config: str) -> None:
        small_warehouse.folder.write(
            "models/marts/m.sql", f"{{{{ config({config}) }}}} select 1 as k, 2 as n"
        )
        assert small_warehouse.build()["m"].state == "ok"

    table("grants={'select': ['baca_a']}, indexes=[{'columns': ['k']}]")
    small_warehouse.run("create index punya_orang on core.m (n)")
    a, b, indexes = facts()
    assert (a, b, len(indexes)) == (True, False, 2)
    table("grants={'select': ['baca_b']}, indexes=[{'columns': ['n', 'k'], 'type': 'btree'}]")
    a, b, indexes = facts()
    assert (a, b) == (False, True)
    assert [i.split(" USING ")[1] for i in indexes] == ["btree (n, k)", "btree (n)"]


def test_a_missing_role_fails_with_its_name_and_nothing_is_released(
    small_warehouse: SmallWarehouse,
) -> None:
    small_warehouse.folder.write(
        "models/marts/m.sql", "{{ config(grants={'select': ['tiada']}) }} select 1 as n"
    )
    result = small_warehouse.build()["m"]
    assert (result.state, result.error) == ("failed", 'models/marts/m.sql: objek tidak ada: pengguna "tiada"')
    assert small_warehouse.run("select to_regclass('core.m')") == [(None,)]
