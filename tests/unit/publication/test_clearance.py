"""What may leave the warehouse, by lineage: attacks that must be refused, each with the way that the column came."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.open_house import OpenHouse

NEVER = "nilai pribadi tidak pernah terbit, dengan cara apa pun ia diturunkan"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> OpenHouse:
    return OpenHouse(tmp_path_factory.mktemp("rumah"))


@pytest.fixture
def house(built: OpenHouse) -> OpenHouse:
    return built.emptied()


def test_open_columns_of_an_open_contract_leave_without_a_word(house: OpenHouse) -> None:
    clearance = house.mart("select npsn, upper(nama) as nama from @sekolah", "npsn", "nama")
    assert (clearance.refusals, dict(clearance.basis)) == ((), {})


PERSONAL = {
    "raw": "select nik as x from @kunjungan",
    "joined to a text": "select 'NIK: ' || nik as x from @kunjungan",
    "hashed": "select md5(nik) as x from @kunjungan",
    "cut": "select left(nik, 6) as x from @kunjungan",
    "asked for": "select case when nik like '64%' then 1 else 0 end as x from @kunjungan",
    "of the largest": "select max(nik) as x from @kunjungan",
    "listed": "select puskesmas, string_agg(nik, ';') as x from @kunjungan group by puskesmas",
    "counted where it is one": "select count(*) filter (where nik = '1') as x from @kunjungan",
    "through a CTE and its star": "with a as (select * from @kunjungan), b as (select a.* from a) select nik as x from b",
    "through a subquery": "select s.n as x from (select nik as n from @kunjungan) as s",
    "as a scalar subquery": "select (select k.nik from @kunjungan as k limit 1) as x",
    "through a union": "select nama as x from @sekolah union all select nik from @kunjungan",
    "through a window": "select first_value(nik) over (partition by puskesmas order by tanggal) as x from @kunjungan",
    "through a lateral join": "select l.n as x from @kunjungan as k cross join lateral (select k.nik || '' as n) as l",
    "through lateral values": "select l.n as x from @kunjungan as k cross join lateral (values (k.umur::text), (k.nik))"
    " as l (n)",
    "through a function that gives rows": "select l.n as x from @kunjungan as k cross join"
    " lateral regexp_split_to_table(k.nik, '') as l (n)",
    "behind an alias of the same name": "select tanggal as nik, nik as x from @kunjungan",
    "as a pseudonym's array": "select (array_agg(nik))[1] as x from @kunjungan group by puskesmas",
    "by another name of the table": "select nik as x from raw.dinkes__kunjungan",
    "of a recursive query": "with recursive r as (select nik as n from @kunjungan union all select n from r)"
    " select n as x from r",
}


@pytest.mark.parametrize("sql", PERSONAL.values(), ids=PERSONAL)
@pytest.mark.parametrize(
    "basis", [None, {"x": "penyamaran"}, {"x": {"agregat": "Ini hanya sebuah hitungan."}}]
)
def test_a_personal_value_never_leaves(house: OpenHouse, sql: str, basis: Any) -> None:
    refusals = house.mart(sql, "x", basis=basis).refusals
    (found,) = [r for r in refusals if r.startswith("core.m.x <-")]
    assert "raw dinkes/kunjungan.nik (pribadi)" in found
    assert found.endswith(NEVER)


def test_the_way_of_a_column_is_told_through_all_models(house: OpenHouse) -> None:
    house.model("staging/s", "select nik as pasien, tanggal from @kunjungan")
    house.model("core/y", "with final as (select pasien as nomor from {{ ref('s') }}) select * from final")
    (first, *_) = house.mart("select y.nomor as x from {{ ref('y') }} as y", "x").refusals
    assert first == (
        "core.m.x <- core.y.nomor <- staging.s.pasien <- raw dinkes/kunjungan.nik (pribadi): " + NEVER
    )


def test_a_macro_hides_nothing(house: OpenHouse) -> None:
    house.folder.write("macros/rapi.sql", "{% macro rapi(kolom) %}btrim({{ kolom }}){% endmacro %}")
    (first, *_) = house.mart("select {{ rapi('nik') }} as x from @kunjungan", "x").refusals
    assert first.endswith(NEVER)


PERSONS = {
    "a row a patient": ("select tanggal, puskesmas, umur from @kunjungan", ("tanggal", "puskesmas", "umur")),
    "cells of one": (
        "select tanggal, umur, count(*) as n from @kunjungan group by tanggal, umur",
        ("tanggal", "umur", "n"),
    ),
    "a count of nothing but rows": ("select count(*) as n from @kunjungan", ("n",)),
    "a sum of ones": ("select sum(1) as n from @kunjungan", ("n",)),
    "a restricted column": ("select penyakit as p from @kunjungan", ("p",)),
    "how many persons": ("select count(distinct nik) as n from @kunjungan", ("n",)),
    "who is there": (
        "select s.nama from @sekolah as s where exists (select 1 from @kunjungan as k where k.puskesmas = s.nama)",
        ("nama",),
    ),
    "a join that repeats rows": (
        "select s.nama from @sekolah as s inner join @kunjungan as k on k.puskesmas = s.nama",
        ("nama",),
    ),
}


@pytest.mark.parametrize(("sql", "columns"), PERSONS.values(), ids=PERSONS)
@pytest.mark.parametrize("word", [None, "penyamaran", {"agregat": "Ini hanya sebuah hitungan."}])
def test_data_about_persons_leave_only_through_a_suppressed_table(
    house: OpenHouse, sql: str, columns: tuple[str, ...], word: Any
) -> None:
    basis = dict.fromkeys((*columns, "baris"), word) if word else None
    refusals = house.mart(sql, *columns, basis=basis).refusals
    assert any("raw dinkes/kunjungan" in refusal for refusal in refusals)


SUPPRESSED = """
with
sumber as (select puskesmas, umur, extract(year from tanggal) as tahun, 1 as jumlah from {source}),
final as (
    {{{{ sel_tersamar('sumber', tabel=['tahun'], baris='{row}', kolom='umur') | indent(4) }}}}
)
select * from final
"""
CELLS = "select tahun, puskesmas, jumlah from {{ ref('agg') }}"
BY_SUPPRESSION = dict.fromkeys(("baris", "tahun", "puskesmas", "jumlah"), "penyamaran")


def test_a_suppressed_table_leaves_where_every_column_says_so(house: OpenHouse) -> None:
    house.model("core/agg", SUPPRESSED.format(source="@kunjungan", row="puskesmas"))
    clearance = house.mart(CELLS, "tahun", "puskesmas", "jumlah", basis=BY_SUPPRESSION)
    assert (clearance.refusals, dict(clearance.basis)) == ((), BY_SUPPRESSION)
    for left_out in BY_SUPPRESSION:
        said = {name: word for name, word in BY_SUPPRESSION.items() if name != left_out}
        (refusal,) = house.mart(CELLS, "tahun", "puskesmas", "jumlah", basis=said).refusals
        assert refusal.endswith("dasar_terbit tidak memberi dasar untuk terbit")


def test_a_table_that_only_calls_the_macro_is_not_suppressed(house: OpenHouse) -> None:
    beside = SUPPRESSED.replace("select * from final", "select s.* from sumber as s cross join final as ")
    house.model("core/agg", beside.format(source="@kunjungan", row="puskesmas"))
    refusals = house.mart(CELLS, "tahun", "puskesmas", "jumlah", basis=BY_SUPPRESSION).refusals
    assert any("tidak melewati tabel penyamaran" in refusal for refusal in refusals)


def test_no_personal_value_is_a_dimension_of_a_suppressed_table(house: OpenHouse) -> None:
    sql = SUPPRESSED.format(source="@kunjungan", row="nik").replace("select puskesmas", "select nik")
    house.model("core/agg", sql)
    basis = {"baris": "penyamaran", "nik": "penyamaran"}
    refusals = house.mart("select nik from {{ ref('agg') }}", "nik", basis=basis).refusals
    assert [r for r in refusals if r.startswith("core.m.nik <- core.agg.nik") and r.endswith(NEVER)]


def test_a_way_beside_the_suppressed_table_is_refused(house: OpenHouse) -> None:
    house.model("core/agg", SUPPRESSED.format(source="@kunjungan", row="puskesmas"))
    sql = "select a.tahun, k.puskesmas from {{ ref('agg') }} as a inner join @kunjungan"
    sql += " as k on a.puskesmas = k.puskesmas"
    basis = {"baris": "penyamaran", "tahun": "penyamaran", "puskesmas": "penyamaran"}
    refusals = house.mart(sql, "tahun", "puskesmas", basis=basis).refusals
    assert any("core.m.puskesmas <- raw dinkes/kunjungan.puskesmas" in refusal for refusal in refusals)


WHY = {"agregat": "Hitungan aplikasi per OPD, bukan tentang orang."}


def test_an_aggregate_over_restricted_columns_leaves_with_its_basis(house: OpenHouse) -> None:
    sql = "select opd, count(*) filter (where basis_data is null) as kosong from @aplikasi group by opd"
    (refusal,) = house.mart(sql, "opd", "kosong").refusals
    assert "core.m.kosong <- raw kominfo/aplikasi.basis_data (terbatas)" in refusal
    clearance = house.mart(sql, "opd", "kosong", basis={"kosong": WHY})
    assert clearance.refusals == ()
    assert dict(clearance.basis) == {"kosong": "agregat: Hitungan aplikasi per OPD, bukan tentang orang."}


@pytest.mark.parametrize(
    "sql",
    [
        "select basis_data as x from @aplikasi",
        "select basis_data as x from @aplikasi group by basis_data",
        "select min(basis_data) as x from @aplikasi",
        "select string_agg(basis_data, ',') as x from @aplikasi",
        "select first_value(basis_data) over (order by nama) as x from @aplikasi",
        "select string_agg(v.n, ',') as x from (values ('Oracle'), ('MySQL')) as v (n), @aplikasi as a"
        " where a.basis_data = v.n",
        "select (select count(*) from (values (1)) as v where a.basis_data = 'Oracle') as x from @aplikasi as a",
        "select l.n as x from @aplikasi as a cross join lateral"
        " (select count(*) as n from (values (1)) as v where a.basis_data = 'Oracle') as l",
        "select count(*) filter (where basis_data = 'Oracle') over (partition by nama) as x from @aplikasi",
    ],
)
def test_what_shows_single_values_is_no_aggregate(house: OpenHouse, sql: str) -> None:
    (refusal,) = [r for r in house.mart(sql, "x", basis={"x": WHY}).refusals if r.startswith("core.m.x")]
    assert refusal.endswith("dasarnya agregat, tetapi jalur ini membiarkan nilai satuan apa adanya")


def test_rows_that_a_restricted_column_chose_are_closed(house: OpenHouse) -> None:
    sql = "select nama from @aplikasi where basis_data = 'Oracle'"
    for basis in (None, {"baris": WHY}):
        (refusal,) = house.mart(sql, "nama", basis=basis).refusals
        assert refusal.startswith("core.m (baris) <- raw kominfo/aplikasi.basis_data (terbatas)")


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select golongan from @gaji", ("golongan",)),
        ("select golongan, avg(gaji) as rata from @gaji group by golongan", ("golongan", "rata")),
        ("select count(*) as n from @gaji", ("n",)),
        ("select s.nama from @sekolah as s where s.nama in (select golongan from @gaji)", ("nama",)),
    ],
)
def test_a_contract_without_the_walidatas_word_is_closed(
    house: OpenHouse, sql: str, columns: tuple[str, ...]
) -> None:
    refusals = house.mart(sql, *columns).refusals
    assert any("raw bkd/gaji" in r and "kontraknya tidak memuat publish: true" in r for r in refusals)


def test_a_count_over_a_closed_contract_leaves_with_its_basis(house: OpenHouse) -> None:
    sql = "select count(*) as n from @gaji"
    assert house.mart(sql, "n", basis={"n": WHY}).refusals == ()


UNKNOWN = {
    "a relation that nobody declared": "select nip as x from pribadi.asal",
    "a function that reads a table": "select query_to_xml('select nik from raw.dinkes__kunjungan', true, true, '')::text"
    " as x",
    "a function of somebody's schema": "select orang.nama(npsn) as x from @sekolah",
    "a whole row": "select to_jsonb(s)::text as x from @sekolah as s",
    "a column that the query does not give": "select npsn from @sekolah",
    "no SELECT": "delete from raw.disdik__sekolah returning npsn as x",
    "no SQL": "select from where (",
}


@pytest.mark.parametrize("sql", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("word", [None, "penyamaran", WHY])
def test_what_cannot_be_followed_is_closed(house: OpenHouse, sql: str, word: Any) -> None:
    basis = {"x": word, "baris": word} if word else None
    refusals = house.mart(sql, "x", basis=basis).refusals
    assert any("tidak dapat ditelusuri" in refusal for refusal in refusals)


def test_what_reads_a_model_that_cannot_be_followed_is_closed(house: OpenHouse) -> None:
    house.model("core/y", "select orang.nama(1) as nomor", "nomor")
    (first, *_) = house.mart("select nomor as x from {{ ref('y') }}", "x").refusals
    assert first.startswith("core.m.x <- core.y.nomor (tidak dapat ditelusuri: fungsi dari schema orang)")


@pytest.mark.parametrize(
    ("basis", "said"),
    [
        ("penyamaran", "bukan daftar kolom dengan dasarnya"),
        ({"lain": "penyamaran"}, "menyebut lain, yang bukan kolom terbitannya"),
        ({"npsn": "penyamaran"}, "menyebut npsn, yang tidak berasal dari data tertutup"),
        ({"npsn": "aman"}, "bukan `penyamaran` dan bukan"),
        ({"npsn": {"agregat": "aman"}}, "bukan `penyamaran` dan bukan"),
    ],
)
def test_a_basis_that_is_not_so_is_refused(house: OpenHouse, basis: Any, said: str) -> None:
    (refusal,) = house.mart("select npsn from @sekolah", "npsn", basis=basis).refusals
    assert said in refusal


LEDGER = """
sources:
  - name: lain
    schema: {schema}
    tables:
      - name: catatan
        config: {{meta: {{klasifikasi: terbuka}}}}
        columns: [{{name: jumlah}}, {{name: nilai, config: {{meta: {{klasifikasi: terbatas}}}}}}]
"""


def test_the_ledger_says_itself_how_open_it_is(house: OpenHouse) -> None:
    house.folder.write("models/lain.yml", LEDGER.format(schema="ops"))
    assert house.mart("select jumlah from {{ source('lain', 'catatan') }}", "jumlah").refusals == ()
    (refusal,) = house.mart("select nilai from {{ source('lain', 'catatan') }}", "nilai").refusals
    assert refusal.startswith("core.m.nilai <- ops.catatan.nilai (terbatas)")


@pytest.mark.parametrize("schema", ["pribadi", "quarantine", "landing", "raw", "public"])
def test_no_other_schema_calls_itself_open(house: OpenHouse, schema: str) -> None:
    house.folder.write("models/lain.yml", LEDGER.format(schema=schema))
    refusals = house.mart("select jumlah from {{ source('lain', 'catatan') }}", "jumlah").refusals
    assert refusals[0].startswith(f"core.m.jumlah <- {schema}.catatan.jumlah (tidak ada kontraknya)")


def test_a_raw_table_by_another_name_is_that_of_its_contract(house: OpenHouse) -> None:
    other = LEDGER.format(schema="raw").replace(
        "name: catatan", "name: catatan\n        identifier: dinkes__kunjungan"
    )
    house.folder.write("models/lain.yml", other.replace("name: jumlah", "name: nik"))
    refusals = house.mart("select nik as x from {{ source('lain', 'catatan') }}", "x").refusals
    assert refusals[0].endswith(NEVER)


def test_a_dataset_whose_contract_is_not_there_is_closed(house: OpenHouse) -> None:
    known = [c for c in house.contracts if c.key != "disdik/sekolah"]
    clearance = house.mart("select npsn from @sekolah", "npsn", contracts=known)
    assert clearance.refusals[0].startswith("core.m.npsn <- raw.disdik__sekolah.npsn (tidak ada kontraknya)")
    assert not clearance.forbidden
    counted = house.mart("select count(*) as n from @sekolah", "n", basis={"n": WHY}, contracts=known)
    assert counted.refusals


def test_what_a_contract_closes_is_forbidden_and_a_slip_of_the_yaml_forbids_nothing(house: OpenHouse) -> None:
    sql = "select opd, count(*) filter (where basis_data is null) as kosong from @aplikasi group by opd"
    assert house.mart(sql, "opd", "kosong").forbidden
    assert not house.mart(sql, "opd", "kosong", basis={"kosong": "agregatt"}).forbidden
    assert not house.mart(sql, "opd", "kosong", basis={"kosong": WHY}).forbidden
