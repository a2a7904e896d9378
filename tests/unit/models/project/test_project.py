"""A folder of SQL and YAML becomes a graph of nodes, and errors in it are reported with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import ModelError
from pipelines.models.project import selection
from tests.support.dbt_folder import DbtFolder

SOURCES = """
version: 2
sources:
  - name: dinkes
    schema: raw
    tables:
      - name: kunjungan
        identifier: dinkes__kunjungan
        columns: [{name: id}, {name: tanggal}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> DbtFolder:
    made = DbtFolder(tmp_path / "contoh")
    made.write("models/sources.yml", SOURCES)
    made.write(
        "models/staging/stg_kunjungan.sql", "select id, tanggal from {{ source('dinkes', 'kunjungan') }}"
    )
    made.write(
        "models/marts/per_hari.sql",
        "select tanggal, count(*) as n from {{ ref('stg_kunjungan') }} group by 1",
    )
    return made


def error_of(folder: DbtFolder) -> str:
    with pytest.raises(ModelError) as caught:
        folder.project()
    return str(caught.value)


def test_folder_decides_schema_kind_and_tags(folder: DbtFolder) -> None:
    project = folder.project()
    staging, mart = project.nodes["stg_kunjungan"], project.nodes["per_hari"]
    assert (staging.relation, staging.kind, staging.tags) == ("staging.stg_kunjungan", "view", ("staging",))
    assert (mart.relation, mart.kind, mart.tags) == ("core.per_hari", "table", ("mart",))


def test_ref_and_source_become_relations_and_edges(folder: DbtFolder) -> None:
    project = folder.project()
    assert project.nodes["stg_kunjungan"].sources == (("dinkes", "kunjungan"),)
    assert 'from "raw"."dinkes__kunjungan"' in project.nodes["stg_kunjungan"].sql
    assert project.nodes["per_hari"].depends_on == ("stg_kunjungan",)
    assert list(project.nodes) == ["stg_kunjungan", "per_hari"]


def test_other_target_schema_becomes_a_prefix_of_every_schema(folder: DbtFolder) -> None:
    project = folder.project(target_schema="uji")
    assert project.nodes["per_hari"].relation == "uji_core.per_hari"
    assert 'from "uji_staging"."stg_kunjungan"' in project.nodes["per_hari"].sql


def test_config_in_the_file_overrides_yaml_which_overrides_the_folder(folder: DbtFolder) -> None:
    folder.write("models/marts/a.sql", "{{ config(materialized='view', tags=['sendiri']) }} select 1 as x")
    folder.write("models/marts/b.sql", "select 1 as x")
    folder.write(
        "models/marts/marts.yml",
        """
        models:
          - {name: a, config: {materialized: table, meta: {judul: A}}}
          - {name: b, config: {schema: mart_spbe, tags: yaml}}
        """,
    )
    project = folder.project()
    a, b = project.nodes["a"], project.nodes["b"]
    assert (a.kind, a.tags, a.meta) == ("view", ("mart", "sendiri"), {"judul": "A"})
    assert (b.relation, b.tags) == ("mart_spbe.b", ("mart", "yaml"))
    assert a.sql == "select 1 as x"


def test_macros_can_call_macros_of_other_files_and_use_variables(folder: DbtFolder) -> None:
    folder.write("macros/a.sql", "{% macro kecil(x) %}({{ x }} < {{ batas() }}){% endmacro %}")
    folder.write("macros/b.sql", "{% macro batas() %}{{ var('ambang') }}{% endmacro %}")
    folder.write("models/marts/m.sql", "select {{ kecil('n') }} as kecil, '{{ this }}' as sendiri")
    assert folder.project().nodes["m"].sql == 'select (n < 5) as kecil, \'"core"."m"\' as sendiri'


def test_code_version_changes_with_the_query_but_not_with_a_description(folder: DbtFolder) -> None:
    before = folder.project().nodes
    folder.write("models/marts/marts.yml", "models: [{name: per_hari, description: Kunjungan per hari.}]")
    described = folder.project().nodes
    assert described["per_hari"].code_version == before["per_hari"].code_version
    folder.write("models/marts/per_hari.sql", "select tanggal from {{ ref('stg_kunjungan') }}")
    changed = folder.project().nodes
    assert changed["per_hari"].code_version != before["per_hari"].code_version
    assert changed["stg_kunjungan"].code_version == before["stg_kunjungan"].code_version


def test_code_version_changes_with_full_refresh(folder: DbtFolder) -> None:
    def version(more: str) -> str:
        config = f"{{{{ config(materialized='incremental', unique_key='k'{more}) }}}}"
        folder.write("models/marts/tambah.sql", f"{config} select 1 as k")
        return folder.project().nodes["tambah"].code_version

    assert len({version(""), version(", full_refresh=true"), version(", full_refresh=false")}) == 3


def test_tests_query_the_candidate_table_and_order_the_build(folder: DbtFolder) -> None:
    folder.write("seeds/zz_hari.csv", "tanggal\n2026-01-01\n")
    folder.write(
        "models/marts/marts.yml",
        """
        models:
          - name: per_hari
            columns:
              - name: tanggal
                data_tests:
                  - not_null: {config: {severity: warn, where: "n > 0"}}
                  - relationships: {arguments: {to: ref('zz_hari'), field: tanggal}}
        """,
    )
    project = folder.project()
    not_null, related = project.nodes["per_hari"].tests
    assert (not_null.name, not_null.severity, not_null.column) == ("not_null_tanggal", "warn", "tanggal")
    assert '(select * from "core"."per_hari__baru" where n > 0)' in not_null.candidate_sql
    assert 'from "core"."zz_hari"' in related.candidate_sql
    assert project.nodes["per_hari"].build_after == ("zz_hari",)
    assert project.nodes["per_hari"].depends_on == ("stg_kunjungan",)
    assert list(project.nodes).index("zz_hari") < list(project.nodes).index("per_hari")


def test_singular_test_belongs_to_the_last_node_that_it_reads(folder: DbtFolder) -> None:
    folder.write(
        "tests/cocok.sql",
        """
        {{ config(severity='warn') }}
        select 1 from {{ ref('per_hari') }} join {{ ref('stg_kunjungan') }} using (tanggal)
        """,
    )
    project = folder.project()
    (test,) = project.nodes["per_hari"].tests
    assert (test.name, test.severity) == ("cocok", "warn")
    assert '"core"."per_hari__baru" join "staging"."stg_kunjungan"' in test.candidate_sql
    assert project.nodes["stg_kunjungan"].tests == ()


EXPOSURE = """
exposures:
  - name: laporan
    type: dashboard
    owner: {name: Diskominfo}
    depends_on: [ref('per_hari')]
"""


def test_selectors_have_the_meaning_of_dbt(folder: DbtFolder) -> None:
    folder.write("models/marts/per_bulan.sql", "select 1 as x from {{ ref('per_hari') }}")
    folder.write("models/marts/lain/sendiri.sql", "{{ config(materialized='view') }} select 1 as x")
    folder.write("models/exposures.yml", EXPOSURE)
    project = folder.project()

    def names(*selectors: str, exclude: tuple[str, ...] = ()) -> list[str]:
        return sorted(node.name for node in selection.select(project, selectors or None, exclude))

    assert names("stg_kunjungan+") == ["per_bulan", "per_hari", "stg_kunjungan"]
    assert names("stg_kunjungan+1") == ["per_hari", "stg_kunjungan"]
    assert names("+per_hari") == ["per_hari", "stg_kunjungan"]
    assert names("1+per_bulan") == ["per_bulan", "per_hari"]
    assert names("tag:mart") == ["per_bulan", "per_hari", "sendiri"]
    assert names("per_*") == ["per_bulan", "per_hari"]
    assert names("staging", "sendiri") == ["sendiri", "stg_kunjungan"]
    assert names("path:models/marts/lain") == names("lain") == ["sendiri"]
    assert names("config.materialized:view") == ["sendiri", "stg_kunjungan"]
    assert names("source:dinkes.kunjungan+") == ["per_bulan", "per_hari", "stg_kunjungan"]
    assert names("source:dinkes") == ["stg_kunjungan"]
    assert names("exposure:laporan") == ["per_hari"]
    assert names("tag:mart,config.materialized:view") == ["sendiri"]
    assert names(exclude=("stg_kunjungan+",)) == ["sendiri"]
    assert project.readers([("dinkes", "kunjungan")]) == {"stg_kunjungan"}
    for nothing in ("tidak_ada", "tag:tiada", "owner:x", "+"):
        with pytest.raises(ModelError, match="tidak memilih apa pun"):
            selection.select(project, [nothing])


def test_incremental_model_has_two_queries_and_the_references_of_both(folder: DbtFolder) -> None:
    folder.write("seeds/batas.csv", "k\n1\n")
    folder.write(
        "models/marts/tumbuh.sql",
        """
        {{ config(materialized='incremental', unique_key=['k'], indexes=[{'columns': ['k']}]) }}
        select k from raw.x
        {% if is_incremental() %} where k > (select max(k) from {{ this }}) and k < (select k from {{ ref('batas') }}) {% endif %}
        """,
    )
    node = folder.project().nodes["tumbuh"]
    assert node.incremental is not None
    assert (node.kind, node.depends_on, node.incremental.strategy) == (
        "incremental",
        ("batas",),
        "delete+insert",
    )
    assert "where" not in node.sql
    assert 'select max(k) from "core"."tumbuh"' in node.incremental.sql


def test_disabled_model_is_not_in_the_project(folder: DbtFolder) -> None:
    folder.write("models/marts/mati.sql", "{{ config(enabled=false) }} select * from {{ ref('tiada') }}")
    folder.write("models/marts/marts.yml", "models: [{name: mati, description: Mati.}]")
    assert "mati" not in folder.project().nodes
    folder.write("models/marts/hidup.sql", "select * from {{ ref('mati') }}")
    assert "mati dimatikan" in error_of(folder)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("materialized='tabel'", "materialized='tabel' tidak dikenal (maksudnya table?)"),
        ("unique_key='k'", "unique_key hanya untuk model incremental"),
        ("materialized='incremental', incremental_strategy='merge'", "merge membutuhkan unique_key"),
        ("materialized='incremental', incremental_strategy='microbatch'", "'microbatch' tidak dikenal"),
        ("materialized='incremental', on_schema_change='sync'", "on_schema_change 'sync' tidak dikenal"),
        ("materialized='view', indexes=[{'columns': ['k']}]", "view tidak punya indeks"),
        ("indexes=[{'column': 'k'}]", "indeks berisi columns, unique, type"),
        ("grants=['pembaca']", "grants berisi peran menurut hak"),
        ("meta={'partition': {'column': 'k', 'every': 'daily', 'start': '2026-01-01'}}", "hanya model incremental yang punya partisi"),
        (
            "materialized='incremental', meta={'partition': {'column': 'k', 'every': 'daily'}}",
            "partition: 'start'",
        ),
        (
            "materialized='incremental', meta={'partition': {'column': 'k', 'every': 'monthly', 'start': '2026-01-01'}}",
            "jendela sebuah model harus harian",
        ),
    ],
)  # fmt: skip
def test_invalid_or_contradicting_config_is_reported(folder: DbtFolder, config: str, message: str) -> None:
    folder.write("models/marts/salah.sql", f"{{{{ config({config}) }}}} select 1 as k")
    error = error_of(folder)
    assert error.startswith("models/marts/salah.sql")
    assert message in error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ref('per_hari')", "ref('tiada')"), "exposure laporan: tiada bukan model dan bukan seed"),
        (("ref('per_hari')", "per_hari"), "'per_hari' bukan ref()"),
        (
            ("type: dashboard", "tipe: dashboard"),
            "exposures.yml:2: 'tipe' tidak dikenal di sini (maksudnya type?)",
        ),
    ],
)
def test_error_in_an_exposure_is_reported(folder: DbtFolder, change: tuple[str, str], message: str) -> None:
    folder.write("models/exposures.yml", EXPOSURE.replace(*change))
    assert message in error_of(folder)


def test_unknown_ref_is_reported_with_file_and_line(folder: DbtFolder) -> None:
    folder.write("models/marts/salah.sql", "select 1 as x\nfrom\n    {{ ref('tiada') }}")
    assert error_of(folder).startswith("models/marts/salah.sql:3: tiada bukan model dan bukan seed")


def test_undeclared_source_is_reported_with_file_and_line(folder: DbtFolder) -> None:
    folder.write("models/marts/salah.sql", "select *\nfrom {{ source('dinkes', 'tiada') }}")
    assert error_of(folder).startswith("models/marts/salah.sql:2: dinkes.tiada bukan sumber yang dikenal")


def test_broken_template_and_unknown_name_are_reported_with_file_and_line(folder: DbtFolder) -> None:
    folder.write("models/marts/salah.sql", "select 1\n{% if %}")
    assert error_of(folder).startswith("models/marts/salah.sql:2: template tidak terurai")
    folder.write("models/marts/salah.sql", "select\n{{ tak_dikenal }}")
    assert error_of(folder).startswith(
        "models/marts/salah.sql:2: template tidak dapat dirender; menurut Jinja: \"'tak_dikenal'"
    )


def test_error_inside_a_macro_is_reported_at_the_macro(folder: DbtFolder) -> None:
    folder.write("macros/m.sql", "{% macro m(x) %}\n{{ x.tiada.ada }}\n{% endmacro %}")
    folder.write("models/marts/salah.sql", "select {{ m('a') }}")
    assert error_of(folder).startswith("macros/m.sql:2: template tidak dapat dirender")


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        (
            "models:\n  - name: per_hari\n    colums: []\n",
            "marts.yml:2: 'colums' tidak dikenal di sini (maksudnya columns?)",
        ),
        ("models:\n  - name: tiada\n", "marts.yml:2: menjelaskan model tiada, yang berkasnya tidak ada"),
        (
            "models:\n  - name: per_hari\n    config: {alias: x}\n",
            "marts.yml:2: config 'alias' tidak dikenal",
        ),
        (
            "models:\n  - name: per_hari\n    data_tests:\n      - janggal\n",
            "uji data 'janggal' tidak dikenal",
        ),
        (
            "models:\n  - name: per_hari\n    data_tests:\n      - unique: {config: {severity: fatal}}\n",
            "marts.yml:4: severity 'fatal' tidak dikenal",
        ),
        ("models: [\n", "marts.yml:2: bukan YAML"),
    ],
)
def test_error_in_yaml_is_reported_with_file_and_line(folder: DbtFolder, yaml: str, message: str) -> None:
    folder.write("models/marts/marts.yml", yaml)
    assert message in error_of(folder)


def test_two_models_with_the_same_name_are_refused(folder: DbtFolder) -> None:
    folder.write("models/staging/per_hari.sql", "select 1 as x")
    assert "nama per_hari sudah dipakai" in error_of(folder)


def test_models_that_read_each_other_are_refused(folder: DbtFolder) -> None:
    folder.write("models/marts/satu.sql", "select * from {{ ref('dua') }}")
    folder.write("models/marts/dua.sql", "select * from {{ ref('satu') }}")
    assert "ada dalam lingkaran" in error_of(folder)


def test_column_of_a_seed_is_text_unless_yaml_gives_its_type(folder: DbtFolder) -> None:
    folder.write("seeds/kode.csv", "kode,urutan\n64.10,1\n")
    folder.write(
        "seeds/seeds.yml",
        """
        seeds:
          - name: kode
            config: {column_types: {urutan: integer}}
            columns: [{name: kode, description: Kode.}]
        """,
    )
    seed = folder.project().nodes["kode"]
    assert [(c.name, c.data_type, c.description) for c in seed.columns] == [
        ("kode", "text", "Kode."),
        ("urutan", "integer", ""),
    ]
    folder.write("seeds/seeds.yml", "seeds: [{name: kode, config: {column_types: {tiada: integer}}}]")
    assert "kolom tiada tidak ada di seeds/kode.csv" in error_of(folder)


@pytest.mark.parametrize(
    ("sql", "nearest"),
    [
        ("{{ ref('per_hri') }}", "per_hari"),
        ("{{ source('dinkes', 'kunjngan') }}", "dinkes.kunjungan"),
        ("{{ var('ambng') }}", "ambang"),
        ("{{ generate_schema_nam('x') }}", "generate_schema_name"),
    ],
)
def test_error_of_an_unknown_name_in_sql_suggests_the_nearest(
    folder: DbtFolder, sql: str, nearest: str
) -> None:
    folder.write("models/marts/salah.sql", sql)
    assert error_of(folder).endswith(f"(maksudnya {nearest}?)")


def test_error_of_an_unknown_test_suggests_the_nearest(folder: DbtFolder) -> None:
    folder.write("models/marts/marts.yml", "models: [{name: per_hari, data_tests: [uniqe]}]")
    assert error_of(folder).endswith("uji data 'uniqe' tidak dikenal (maksudnya unique?)")


@pytest.mark.parametrize(
    ("selector", "nearest"),
    [
        ("per_hri", "per_hari"),
        ("tag:mrt", "tag:mart"),
        ("path:models/mart", "path:models/marts"),
        ("source:dinkes.kunjngan+", "source:dinkes.kunjungan"),
        ("config.materialized:tabel", "config.materialized:table"),
    ],
)
def test_error_of_an_unknown_selector_suggests_the_nearest(
    folder: DbtFolder, selector: str, nearest: str
) -> None:
    with pytest.raises(ModelError, match=rf"maksudnya {nearest}\?"):
        selection.select(folder.project(), [selector])
