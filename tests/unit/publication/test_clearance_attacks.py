"""What may leave, against queries that were written to get around it: each was published before."""

from __future__ import annotations

import pytest

from pipelines.models.lineage.flow import NotFollowedError, query_flow
from tests.support.open_house import OpenHouse

NEVER = "nilai pribadi tidak pernah terbit, dengan cara apa pun ia diturunkan"
RELATIONS = {"core.o": ("kode", "gaji", "waktu"), "core.p": ("kode",)}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> OpenHouse:
    return OpenHouse(tmp_path_factory.mktemp("rumah"))


@pytest.fixture
def house(built: OpenHouse) -> OpenHouse:
    return built.emptied()


AS_UNIT = "with a as (select nik as u, tanggal as t from @kunjungan) select {} as x from a"
MAX_AS_UNIT = (
    "with a as (select max(nik) from @kunjungan) select date_trunc(max, timestamp '2026-01-01') as x from a"
)
DROPPED = {
    "a unit of date_trunc": AS_UNIT.format("date_trunc(u, timestamp '2026-01-01')"),
    "a unit called as one": AS_UNIT.replace(" as u", " as day").format("date_trunc(day, now())"),
    "a unit in quotes": AS_UNIT.format("date_trunc(\"u\", timestamp '2026-01-01')"),
    "a unit of date_part": AS_UNIT.format("date_part(u, t)"),
    "the origin of date_bin": AS_UNIT.format("date_bin(interval '1 day', timestamp '2026-01-01', u)"),
    "the zone of date_add": AS_UNIT.format("date_add(timestamptz '2026-01-01', interval '1 day', u)"),
    "a column that nobody named": MAX_AS_UNIT,
    "a name that is cut": "with a as (select nik as Lx from @kunjungan), b as (select 'x' as Ly)"
    " select (select Ly from a limit 1) as x from b".replace("L", "k" * 63),
}


@pytest.mark.parametrize("sql", DROPPED.values(), ids=DROPPED)
def test_a_column_that_the_tree_drops_closes_the_mart(house: OpenHouse, sql: str) -> None:
    refusals = house.mart(sql, "x").refusals
    assert any("tidak dapat ditelusuri: " in refusal and "sqlglot" in refusal for refusal in refusals) or any(
        "nama lebih dari 63 bita" in refusal for refusal in refusals
    )


def test_units_that_are_no_columns_leave(house: OpenHouse) -> None:
    sql = "select date_trunc('month', now()) + interval '1' day + make_interval(days => 1) as x, extract(year from now()) as y,"
    sql += " npsn as month, rank() over (order by npsn nulls last rows between unbounded preceding and current row)"
    sql += " as z from @sekolah"
    assert house.mart(sql, "x", "y", "month", "z").refusals == ()


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
def test_a_limit_and_its_order_decide_which_rows_there_are(sql: str) -> None:
    flow = query_flow(sql, RELATIONS)
    named = {e.column for e in flow.everything.all}
    assert "gaji" in named


@pytest.mark.parametrize(
    "sql",
    [
        "select kode from core.p union all select kode from core.p limit (select max(gaji) from core.o)",
        "select count(*) as n from ((select kode from core.p) limit (select max(gaji) from core.o)) as s",
    ],
)
def test_a_limit_that_sqlglot_does_not_qualify_closes_the_query(sql: str) -> None:
    with pytest.raises(NotFollowedError, match="kolom gaji bukan milik relasi yang dikenal"):
        query_flow(sql, RELATIONS)


@pytest.mark.parametrize(
    "sql",
    [
        "select kode, count(*) over w as n from core.o window w as (order by gaji)",
        "select kode, rank() over w as n from core.o window v as (), w as (partition by gaji)",
    ],
)
def test_a_named_window_is_read(sql: str) -> None:
    assert "gaji" in {e.column for e in query_flow(sql, RELATIONS).everything.all}


def test_what_breaks_the_reader_closes_the_query() -> None:
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
def test_an_incremental_table_that_swaps_its_columns_hides_none(
    house: OpenHouse, columns: tuple[str, ...]
) -> None:
    house.model("core/putar", SWAPPED)
    sql = "select @columns from {{ ref('putar') }}".replace("@columns", ", ".join(columns))
    refusals = house.mart(sql, *columns).refusals
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


def _suppressed(house: OpenHouse, source: str, key: str, more: str = "") -> tuple[str, ...]:
    house.model("core/agg", SUPPRESSED.format(source=source, keys=f"'{key}'", more=more))
    columns = (key, "puskesmas", "jumlah")
    sql = "select @columns from {{ ref('agg') }}".replace("@columns", ", ".join(columns))
    return house.mart(sql, *columns, basis=dict.fromkeys((*columns, "baris"), "penyamaran")).refusals


@pytest.mark.parametrize("more", ["", ", ambang=5", ", ambang=var('ambang_samar')", ", ambang=10"])
def test_cells_of_persons_leave_where_enough_of_them_are_hidden(house: OpenHouse, more: str) -> None:
    assert _suppressed(house, VISITS, "tahun", more) == ()


@pytest.mark.parametrize(
    ("more", "below"),
    [
        (", ambang=1", 1),
        (", ambang=4", 4),
        (", ambang=var('ambang_badan_usaha')", 3),
        (", ambang='5 and false'", 0),
    ],
)
def test_a_table_that_hides_fewer_than_the_project_says_is_none(
    house: OpenHouse, more: str, below: int
) -> None:
    refusals = _suppressed(house, VISITS, "tahun", more)
    assert len(refusals) == 4
    assert all(
        f"(core.agg bukan tabel penyamaran: ia menyamarkan sel di bawah {below}, bukan di bawah 5)" in refusal
        for refusal in refusals
    )


@pytest.mark.parametrize(
    "key",
    ["id_kunjungan", "md5(id_kunjungan)", "id_kunjungan || 'x'", "case when true then id_kunjungan end"],
)
def test_no_cell_is_one_person(house: OpenHouse, key: str) -> None:
    source = VISITS.replace("extract(year from tanggal)", key)
    refusals = _suppressed(house, source, "tahun")
    assert any("kuncinya memuat kunci utama dinkes/kunjungan" in refusal for refusal in refusals)


DERIVED = "(select *, case when left(nik, 1) = '6' then 1 end as h from @kunjungan)"


@pytest.mark.parametrize(
    "asked",
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
def test_only_a_column_as_it_is_may_be_asked_for_null(house: OpenHouse, asked: str) -> None:
    sql = "select @asked as x from @derived as s".replace("@asked", asked).replace("@derived", DERIVED)
    house.model("core/agg", "select id_kunjungan, nik, h from @derived as s".replace("@derived", DERIVED))
    through = "select @asked as x from {{ ref('agg') }}".replace("@asked", asked)
    for query in (sql, through):
        refusals = house.mart(query, "x", basis={"x": "penyamaran", "baris": "penyamaran"}).refusals
        personal = any(r.startswith("core.m.x <-") and r.endswith(NEVER) for r in refusals)
        assert personal == (asked != "nik is null is true")
