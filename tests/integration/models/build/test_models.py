"""Builds of models on a real PostgreSQL: write, audit, release. A model that fails leaves its old relation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg

from pipelines.models.build.runner import build
from tests.support.small_warehouse import SmallWarehouse

NOT_NULL = "not_null: {arguments: {column_name: n}}"
WARN_ONLY = "not_null: {arguments: {column_name: n}, config: {severity: warn}}"


def test_a_table_is_built_counted_and_described(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.model("m", "select g as n from generate_series(1, 3) as g", NOT_NULL)
    result = small_warehouse.build()["m"]
    assert (result.state, result.rows, result.columns, result.error) == ("ok", 3, (("n", "integer"),), None)
    assert [(t.name, t.passed, t.unexpected) for t in result.tests] == [("not_null", True, 0)]
    assert small_warehouse.run(
        "select obj_description('core.m'::regclass), col_description('core.m'::regclass, 1)"
    ) == [("Tabel m.", "Nilai.")]


def test_a_failed_test_leaves_the_old_table_and_skips_descendants_only(
    small_warehouse: SmallWarehouse,
) -> None:
    small_warehouse.model("atas", "select 1 as n", NOT_NULL)
    small_warehouse.model("bawah", "select n from {{ ref('atas') }}")
    small_warehouse.model("lain", "select 1 as n")
    small_warehouse.build()
    small_warehouse.model("atas", "select null::integer as n union all select 2", NOT_NULL)
    small_warehouse.model("lain", "select 2 as n")
    results = small_warehouse.build()
    assert {name: r.state for name, r in results.items()} == {
        "atas": "tests_failed",
        "bawah": "skipped",
        "lain": "ok",
    }
    assert results["atas"].error == "not_null: 1 baris menyimpang"
    assert results["bawah"].error == "atas tidak dibangun"
    assert small_warehouse.run("select n from core.atas") == [(1,)]
    assert small_warehouse.run("select n from core.lain") == [(2,)]
    assert small_warehouse.run("select relname from pg_class where relname like '%\\_\\_baru'") == []


def test_a_model_with_a_warning_is_released_and_the_warning_reported(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.model("m", "select null::integer as n", WARN_ONLY)
    result = small_warehouse.build()["m"]
    assert result.state == "ok"
    assert [(w.name, w.unexpected) for w in result.warnings] == [("not_null", 1)]
    assert small_warehouse.run("select n from core.m") == [(None,)]


def test_a_test_that_cannot_run_fails(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.model("m", "select 1 as n", "not_null: {arguments: {column_name: tiada}}")
    result = small_warehouse.build()["m"]
    assert result.state == "tests_failed"
    assert result.tests[0].unexpected is None
    assert 'kolom tidak ada: "tiada"' in result.tests[0].message


def test_a_broken_query_names_its_file_and_line_and_leaves_the_old_table(
    small_warehouse: SmallWarehouse,
) -> None:
    small_warehouse.model("m", "select 1 as n")
    small_warehouse.build()
    small_warehouse.model("m", "select\n    1 as n,\n    tiada\nfrom core.m")
    result = small_warehouse.build()["m"]
    assert result.state == "failed"
    assert (result.error or "").split("\n") == [
        'models/marts/m.sql:3: kolom tidak ada: "tiada"',
        "       1 | select",
        "       2 |     1 as n,",
        "  >    3 |     tiada",
        "       4 | from core.m",
    ]
    assert small_warehouse.run("select n from core.m") == [(1,)]


def test_a_described_column_missing_in_the_query_fails_the_model(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.model("m", "select 1 as x")
    result = small_warehouse.build()["m"]
    assert (result.state, result.error) == (
        "failed",
        "models/marts/m.sql: tidak memberi kolom n yang dijelaskan YAML-nya",
    )


def test_grants_comments_and_views_of_others_survive_an_exchange(
    small_warehouse: SmallWarehouse, role: Callable[[str], str]
) -> None:
    small_warehouse.model("m", "select 1 as n, 'a' as rahasia")
    small_warehouse.build()
    role("pembaca")
    role("lain")
    small_warehouse.run("""
        grant select on core.m to pembaca with grant option;
        grant select (n) on core.m to lain;
        comment on column core.m.rahasia is 'Ditulis tangan.';
        create view laporan.a as select n from core.m where n > 0;
        create view laporan.b with (security_barrier) as select n * 2 as dua from laporan.a;
        create view laporan.dua_arah as select a.n from laporan.a join core.m on m.n = a.n;
        grant select on laporan.b to pembaca;
        comment on view laporan.b is 'Dua kali.';
        comment on column laporan.b.dua is 'Kali dua.'
    """)
    small_warehouse.model("m", "select 7 as n, 'b' as rahasia")
    assert small_warehouse.build()["m"].state == "ok"
    assert small_warehouse.run("select dua from laporan.b") == [(14,)]
    assert small_warehouse.run("select n from laporan.dua_arah") == [(7,)]
    facts = small_warehouse.run("""
        select
            has_table_privilege('pembaca', 'core.m', 'select with grant option'),
            has_table_privilege('lain', 'core.m', 'select'),
            has_column_privilege('lain', 'core.m', 'n', 'select'),
            has_column_privilege('lain', 'core.m', 'rahasia', 'select'),
            has_table_privilege('pembaca', 'laporan.b', 'select'),
            has_table_privilege('pembaca', 'laporan.a', 'select')
    """)
    assert facts == [(True, False, True, False, True, False)]
    assert small_warehouse.run("""
        select col_description('core.m'::regclass, 2), obj_description('laporan.b'::regclass),
            col_description('laporan.b'::regclass, 1),
            (select reloptions from pg_class where oid = 'laporan.b'::regclass)
    """) == [("Ditulis tangan.", "Dua kali.", "Kali dua.", ["security_barrier=true"])]


def test_a_right_revoked_by_hand_is_not_restored_by_default_privileges(
    small_warehouse: SmallWarehouse, role: Callable[[str], str]
) -> None:
    pembaca = role("pembaca_baku")
    small_warehouse.run(f"alter default privileges in schema core grant select on tables to {pembaca}")
    small_warehouse.model("m", "select 1 as n")
    small_warehouse.build()
    assert small_warehouse.run("select has_table_privilege(%s, 'core.m', 'select')", pembaca) == [(True,)]
    small_warehouse.run(f"revoke all on core.m from {pembaca}")
    small_warehouse.build()
    assert small_warehouse.run("select has_table_privilege(%s, 'core.m', 'select')", pembaca) == [(False,)]


def test_a_change_that_breaks_a_view_of_others_fails_and_changes_nothing(
    small_warehouse: SmallWarehouse,
) -> None:
    small_warehouse.model("m", "select 1 as n, 2 as dipakai")
    small_warehouse.build()
    small_warehouse.run("create view laporan.a as select dipakai from core.m")
    small_warehouse.model("m", "select 9 as n")
    result = small_warehouse.build()["m"]
    assert result.state == "failed"
    assert "bentuk barunya merusak view laporan.a" in (result.error or "")
    assert small_warehouse.run("select n, (select dipakai from laporan.a) from core.m") == [(1, 2)]


def test_a_view_model_follows_a_change_of_the_table_that_it_reads(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.model("m", "select 1 as n, 2 as lama")
    small_warehouse.folder.write("models/staging/v.sql", "select lama as nilai from {{ ref('m') }}")
    small_warehouse.build()
    small_warehouse.model("m", "select 1 as n, 3 as baru")
    small_warehouse.folder.write("models/staging/v.sql", "select baru as nilai from {{ ref('m') }}")
    assert {r.state for r in small_warehouse.build().values()} == {"ok"}
    assert small_warehouse.run("select nilai from staging.v") == [(3,)]


def test_a_table_with_row_security_is_not_replaced(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.model("m", "select 1 as n")
    small_warehouse.build()
    small_warehouse.run("alter table core.m enable row level security")
    result = small_warehouse.build()["m"]
    assert result.state == "failed"
    assert "row security" in (result.error or "")


def test_a_view_is_tested_before_it_is_replaced_and_keeps_its_readers(
    small_warehouse: SmallWarehouse, role: Callable[[str], str]
) -> None:
    folder = small_warehouse.folder
    folder.write("models/staging/v.sql", "select 1 as n")
    folder.write(
        "models/staging/v.yml",
        "models: [{name: v, description: Pandangan., columns: [{name: n, data_tests: [not_null]}]}]",
    )
    small_warehouse.build()
    role("pembaca_v")
    small_warehouse.run(
        "grant select on staging.v to pembaca_v; create view laporan.a as select n from staging.v"
    )

    folder.write("models/staging/v.sql", "select null::integer as n")
    assert small_warehouse.build()["v"].state == "tests_failed"
    assert small_warehouse.run("select n from laporan.a") == [(1,)]

    # `create or replace view` cannot change the type of a column.
    folder.write("models/staging/v.sql", "select 'dua'::text as n, 0 as m")
    assert small_warehouse.build()["v"].state == "ok"
    assert small_warehouse.run("select n from laporan.a") == [("dua",)]
    assert small_warehouse.run("""
        select has_table_privilege('pembaca_v', 'staging.v', 'select'), obj_description('staging.v'::regclass)
    """) == [(True, "Pandangan.")]


def test_a_model_may_turn_from_view_into_table_and_back(small_warehouse: SmallWarehouse) -> None:
    for kind, relkind in (("view", "v"), ("table", "r"), ("view", "v")):
        small_warehouse.folder.write(
            "models/marts/m.sql", f"{{{{ config(materialized='{kind}') }}}} select 1 as n"
        )
        assert small_warehouse.build()["m"].state == "ok"
        assert small_warehouse.run("select relkind::text from pg_class where oid = 'core.m'::regclass") == [
            (relkind,)
        ]


def test_a_candidate_left_by_a_killed_build_is_dropped(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.model("m", "select 1 as n")
    small_warehouse.run("create view core.m__baru as select 0 as n")
    assert small_warehouse.build()["m"].state == "ok"
    assert small_warehouse.run("select to_regclass('core.m__baru')") == [(None,)]


def test_a_missing_source_table_skips_only_its_descendants(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.write(
        "models/sources.yml", "sources: [{name: dlh, schema: raw, tables: [{name: ispu}]}]"
    )
    small_warehouse.folder.write("models/staging/stg_ispu.sql", "select * from {{ source('dlh', 'ispu') }}")
    small_warehouse.model("udara", "select 1 as n from {{ ref('stg_ispu') }}")
    small_warehouse.model("lain", "select 1 as n")
    results = small_warehouse.build()
    assert {name: r.state for name, r in results.items()} == {
        "stg_ispu": "skipped",
        "udara": "skipped",
        "lain": "ok",
    }
    assert results["stg_ispu"].error == "tabel sumber raw.ispu belum ada"


def test_a_seed_keeps_codes_as_text(small_warehouse: SmallWarehouse) -> None:
    folder = small_warehouse.folder
    folder.write("seeds/kode.csv", 'kode,urutan,nama\n64.10,1,"Tana Paser, kota"\n64.01,,\n')
    folder.write("seeds/seeds.yml", "seeds: [{name: kode, config: {column_types: {urutan: integer}}}]")
    first = small_warehouse.build()["kode"]
    assert (first.state, first.rows) == ("ok", 2)
    assert small_warehouse.run("select * from core.kode order by 1") == [
        ("64.01", None, None),
        ("64.10", 1, "Tana Paser, kota"),
    ]


def test_a_faulty_seed_fails_with_its_line_and_leaves_the_old_table(small_warehouse: SmallWarehouse) -> None:
    folder = small_warehouse.folder
    folder.write("seeds/kode.csv", "kode,urutan\n64.10,1\n")
    folder.write("seeds/seeds.yml", "seeds: [{name: kode, config: {column_types: {urutan: integer}}}]")
    small_warehouse.build()
    folder.write("seeds/kode.csv", "kode,urutan\n64.10,1\n64.11,dua\n")
    result = small_warehouse.build()["kode"]
    assert result.state == "failed"
    assert (result.error or "").startswith(
        "seeds/kode.csv: teks tidak dapat dibaca sebagai tipenya (SQLSTATE 22P02)"
    )
    assert "line 3" in (result.error or "")
    assert small_warehouse.run("select * from core.kode") == [("64.10", 1)]


def test_the_four_tests_of_dbt_and_one_of_our_own_count_their_failures(
    small_warehouse: SmallWarehouse,
) -> None:
    folder = small_warehouse.folder
    folder.write(
        "macros/test_pasangan_unik.sql",
        """
        {% test pasangan_unik(model, columns) %}
        select {{ columns | join(', ') }} from {{ model }}
        group by {{ columns | join(', ') }}
        having count(*) > 1
        {% endtest %}
        """,
    )
    folder.write("seeds/induk.csv", "kode\nA\n")
    folder.write(
        "models/marts/m.sql",
        "select * from (values ('A', 1), ('A', 1), ('B', null), (null, 2)) as v (kode, n)",
    )
    folder.write(
        "models/marts/m.yml",
        """
        models:
          - name: m
            data_tests:
              - pasangan_unik: {arguments: {columns: [kode, n]}}
            columns:
              - name: kode
                data_tests:
                  - unique
                  - not_null
                  - accepted_values: {arguments: {values: [A]}}
                  - relationships: {arguments: {to: ref('induk'), field: kode}}
              - name: n
                data_tests:
                  - not_null: {config: {where: kode = 'A'}}
        """,
    )
    folder.write("tests/tidak_kosong.sql", "select 1 where not exists (select from {{ ref('m') }})")
    counted = {t.name: t.unexpected for t in small_warehouse.build()["m"].tests}
    assert counted == {
        "pasangan_unik": 1,
        "unique_kode": 1,
        "not_null_kode": 1,
        "accepted_values_kode": 1,
        "relationships_kode": 1,
        "not_null_n": 0,
        "tidak_kosong": 0,
    }


def test_results_are_reported_as_they_come_and_kept_in_the_ledger(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.run("""
        create schema ops;
        create table ops.model_run (
            run_id text, model text, state text, rows bigint, seconds double precision, error text,
            at timestamptz
        );
        create table ops.check_result (
            run_id text, batch_id bigint, asset text, check_name text, severity text, passed boolean,
            unexpected bigint, total bigint, message text, at timestamptz, expectation text, observed text,
            query text, rule text, code text, window_start date, window_end date
        )
    """)
    small_warehouse.model("a", "select 1 as n", NOT_NULL)
    small_warehouse.model("b", "select n / 0 as n from {{ ref('a') }}")
    reported: list[str] = []
    build(
        small_warehouse.folder.project(),
        small_warehouse.url,
        run_id="malam-1",
        on_result=lambda r: reported.append(r.name),
    )
    assert reported == ["a", "b"]
    assert small_warehouse.run(
        "select run_id, model, state, rows, error from ops.model_run order by model"
    ) == [
        ("malam-1", "a", "ok", 1, None),
        ("malam-1", "b", "failed", None, "models/marts/b.sql: pembagian dengan nol (SQLSTATE 22012)"),
    ]
    assert small_warehouse.run(
        "select asset, check_name, severity, passed, unexpected, total from ops.check_result"
    ) == [("core/a", "not_null", "error", True, 0, 1)]


def test_readers_see_the_old_or_the_new_table_and_never_none(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.model("m", "select 1 as n")
    small_warehouse.build()
    small_warehouse.run("create view laporan.a as select n from core.m")
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        with psycopg.connect(small_warehouse.url, autocommit=True) as reader:
            while not done.is_set():
                row = reader.execute("select count(*) from laporan.a").fetchone()
                seen.add(row[0] if row else -1)

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        for size in (2, 3, 4, 5):
            small_warehouse.model(
                "m", "select g as n from generate_series(1, N) as g".replace("N", str(size))
            )
            assert small_warehouse.build()["m"].state == "ok"
        done.set()
        reading.result(timeout=20)
    assert seen <= {1, 2, 3, 4, 5}
    assert len(seen) > 1
