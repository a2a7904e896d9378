"""Queries that once got around the clearance, and must now be refused."""

from __future__ import annotations

import pytest

from pipelines.models.lineage.flow import NotFollowedError, query_flow
from tests.support.open_data_project import NEVER, OpenDataProject

RELATIONS = {"core.o": ("kode", "gaji", "waktu"), "core.p": ("kode",)}


AS_UNIT = "with a as (select nik as u, tanggal as t from @kunjungan) select {} as x from a"
MAX_AS_UNIT = (
    "with a as (select max(nik) from @kunjungan) select date_trunc(max, timestamp '2026-01-01') as x from a"
)
READ_WRONGLY = {
    "a unit of date_trunc": AS_UNIT.format("date_trunc(u, timestamp '2026-01-01')"),
    "a unit called as one": AS_UNIT.replace(" as u", " as day").format("date_trunc(day, now())"),
    "a unit in quotes": AS_UNIT.format("date_trunc(\"u\", timestamp '2026-01-01')"),
    "a unit of date_part": AS_UNIT.format("date_part(u, t)"),
    "the origin of date_bin": AS_UNIT.format("date_bin(interval '1 day', timestamp '2026-01-01', u)"),
    "the zone of date_add": AS_UNIT.format("date_add(timestamptz '2026-01-01', interval '1 day', u)"),
    "a column without a name": MAX_AS_UNIT,
    "a name that is cut": "with a as (select nik as Lx from @kunjungan), b as (select 'x' as Ly)"
    " select (select Ly from a limit 1) as x from b".replace("L", "k" * 63),
}


@pytest.mark.parametrize("sql", READ_WRONGLY.values(), ids=READ_WRONGLY)
def test_query_whose_column_sqlglot_loses_is_refused(project: OpenDataProject, sql: str) -> None:
    refusals = project.mart(sql, "x").refusals
    assert any("tidak dapat ditelusuri: " in refusal and "sqlglot" in refusal for refusal in refusals) or any(
        "nama lebih dari 63 bita" in refusal for refusal in refusals
    )


def test_units_of_time_that_are_no_columns_are_cleared(project: OpenDataProject) -> None:
    sql = "select date_trunc('month', now()) + interval '1' day + make_interval(days => 1) as x, extract(year from now()) as y,"
    sql += " npsn as month, rank() over (order by npsn nulls last rows between unbounded preceding and current row)"
    sql += " as z from @sekolah"
    assert project.mart(sql, "x", "y", "month", "z").refusals == ()


@pytest.mark.parametrize(
    "sql",
    [
        "select s.kode from ((select kode, gaji from core.o) order by gaji desc limit 1) as s",
        "select s.kode from (select kode, gaji from core.o order by gaji) as s limit 1",
        "select s.kode from (select kode, gaji from core.o order by gaji fetch first 1 row only) as s",
        "(select kode from core.p) limit (select max(gaji) from core.o)",
        "(select kode from core.p) offset (select max(gaji) from core.o)",
        "select s.kode from (select kode, gaji from core.o union all select kode, gaji from core.o"
        " order by gaji limit 1) as s",
    ],
)
def test_limit_and_its_order_count_as_reading_their_columns(sql: str) -> None:
    flow = query_flow(sql, RELATIONS)
    assert "gaji" in {e.column for e in flow.everything.all}


@pytest.mark.parametrize(
    "sql",
    [
        "select kode from core.p union all select kode from core.p limit (select max(gaji) from core.o)",
        "select count(*) as n from ((select kode from core.p) limit (select max(gaji) from core.o)) as s",
    ],
)
def test_limit_that_sqlglot_does_not_qualify_is_refused(sql: str) -> None:
    with pytest.raises(NotFollowedError, match="kolom gaji bukan milik relasi yang dikenal"):
        query_flow(sql, RELATIONS)


@pytest.mark.parametrize(
    "sql",
    [
        "select kode, count(*) over w as n from core.o window w as (order by gaji)",
        "select kode, rank() over w as n from core.o window v as (), w as (partition by gaji)",
    ],
)
def test_columns_of_a_named_window_count_as_read(sql: str) -> None:
    assert "gaji" in {e.column for e in query_flow(sql, RELATIONS).everything.all}


def test_query_that_breaks_the_parser_is_refused() -> None:
    with pytest.raises(NotFollowedError):
        query_flow("select kode from core.o group by ()()", RELATIONS)
    with pytest.raises(NotFollowedError, match="tidak dapat dibaca"):
        query_flow(None, RELATIONS)  # pyright: ignore[reportArgumentType]


SWAPPED = """
{{ config(materialized='incremental', unique_key='k') }}
{% if is_incremental() %}select t.k, t.b as a, t.a as b from {{ this }} as t
{% else %}select 1 as k, string_agg(s.nik, ',') as a, cast(null as text) as b from @kunjungan as s{% endif %}
"""


@pytest.mark.parametrize("columns", [("b",), ("a", "b"), ("b", "a")])
def test_incremental_model_that_swaps_its_columns_is_refused(
    project: OpenDataProject, columns: tuple[str, ...]
) -> None:
    project.model("core/putar", SWAPPED)
    sql = "select @columns from {{ ref('putar') }}".replace("@columns", ", ".join(columns))
    refusals = project.mart(sql, *columns).refusals
    for column in columns:
        (found,) = [r for r in refusals if r.startswith(f"core.m.{column} <- ")]
        assert found.endswith(NEVER)


SUPPRESSED = """
with
sumber as ({source}),
final as (
    {{{{ sel_tersamar('sumber', tabel=[{keys}], baris='puskesmas', kolom='umur'{more}) }}}}
)
select * from final
"""
VISITS = "select puskesmas, umur, extract(year from tanggal) as tahun, 1 as jumlah from @kunjungan"


def refusals_of_suppressed(
    project: OpenDataProject, source: str, key: str, more: str = ""
) -> tuple[str, ...]:
    project.model("core/agg", SUPPRESSED.format(source=source, keys=f"'{key}'", more=more))
    columns = (key, "puskesmas", "jumlah")
    sql = "select @columns from {{ ref('agg') }}".replace("@columns", ", ".join(columns))
    return project.mart(sql, *columns, basis=dict.fromkeys((*columns, "baris"), "penyamaran")).refusals


@pytest.mark.parametrize("more", ["", ", ambang=5", ", ambang=var('ambang_samar')", ", ambang=10"])
def test_suppressed_cells_are_cleared_if_the_threshold_is_high_enough(
    project: OpenDataProject, more: str
) -> None:
    assert refusals_of_suppressed(project, VISITS, "tahun", more) == ()


@pytest.mark.parametrize(
    ("more", "below"),
    [
        (", ambang=1", 1),
        (", ambang=4", 4),
        (", ambang=var('ambang_badan_usaha')", 3),
        (", ambang='5 and false'", 0),
    ],
)
def test_table_with_a_lower_threshold_does_not_count_as_suppressed(
    project: OpenDataProject, more: str, below: int
) -> None:
    refusals = refusals_of_suppressed(project, VISITS, "tahun", more)
    assert len(refusals) == 4
    assert all(
        f"(core.agg bukan tabel penyamaran: ia menyamarkan sel di bawah {below}, bukan di bawah 5)" in refusal
        for refusal in refusals
    )


@pytest.mark.parametrize(
    "key",
    ["id_kunjungan", "md5(id_kunjungan)", "id_kunjungan || 'x'", "case when true then id_kunjungan end"],
)
def test_primary_key_as_a_key_of_the_table_is_refused(project: OpenDataProject, key: str) -> None:
    source = VISITS.replace("extract(year from tanggal)", key)
    refusals = refusals_of_suppressed(project, source, "tahun")
    assert any("kuncinya memuat kunci utama dinkes/kunjungan" in refusal for refusal in refusals)


DERIVED = "(select *, case when left(nik, 1) = '6' then 1 end as h from @kunjungan)"


@pytest.mark.parametrize(
    "condition",
    [
        "h is null",
        "h is not null",
        "nik is null is true",
        "h is true",
        "nik is false",
        "count(h)",
        "count(distinct h)",
    ],
)
def test_condition_on_a_personal_column_is_refused_except_a_plain_is_null(
    project: OpenDataProject, condition: str
) -> None:
    sql = "select @condition as x from @derived as s".replace("@condition", condition).replace(
        "@derived", DERIVED
    )
    project.model("core/agg", "select id_kunjungan, nik, h from @derived as s".replace("@derived", DERIVED))
    through = "select @condition as x from {{ ref('agg') }}".replace("@condition", condition)
    for query in (sql, through):
        refusals = project.mart(query, "x", basis={"x": "penyamaran", "baris": "penyamaran"}).refusals
        personal = any(r.startswith("core.m.x <-") and r.endswith(NEVER) for r in refusals)
        assert personal == (condition != "nik is null is true")
