"""Which columns may be published, by lineage: attacks must be refused, each with the path of the column."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.open_data_project import NEVER, OpenDataProject


def test_open_columns_of_an_open_contract_are_cleared_without_a_basis(project: OpenDataProject) -> None:
    clearance = project.mart("select npsn, upper(nama) as nama from @sekolah", "npsn", "nama")
    assert (clearance.refusals, dict(clearance.basis)) == ((), {})


PERSONAL = {
    "raw": "select nik as x from @kunjungan",
    "joined to a text": "select 'NIK: ' || nik as x from @kunjungan",
    "hashed": "select md5(nik) as x from @kunjungan",
    "cut": "select left(nik, 6) as x from @kunjungan",
    "in a condition": "select case when nik like '64%' then 1 else 0 end as x from @kunjungan",
    "as a maximum": "select max(nik) as x from @kunjungan",
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
    "beside an alias of the same name": "select tanggal as nik, nik as x from @kunjungan",
    "as a pseudonym's array": "select (array_agg(nik))[1] as x from @kunjungan group by puskesmas",
    "by another name of the table": "select nik as x from raw.dinkes__kunjungan",
    "of a recursive query": "with recursive r as (select nik as n from @kunjungan union all select n from r)"
    " select n as x from r",
}


@pytest.mark.parametrize("sql", PERSONAL.values(), ids=PERSONAL)
@pytest.mark.parametrize(
    "basis", [None, {"x": "penyamaran"}, {"x": {"agregat": "Ini hanya sebuah hitungan."}}]
)
def test_personal_value_is_never_cleared(project: OpenDataProject, sql: str, basis: Any) -> None:
    refusals = project.mart(sql, "x", basis=basis).refusals
    (found,) = [r for r in refusals if r.startswith("core.m.x <-")]
    assert "raw dinkes/kunjungan.nik (pribadi)" in found
    assert found.endswith(NEVER)


def test_refusal_names_the_path_of_the_column_through_all_models(project: OpenDataProject) -> None:
    project.model("staging/s", "select nik as pasien, tanggal from @kunjungan")
    project.model("core/y", "with final as (select pasien as nomor from {{ ref('s') }}) select * from final")
    (first, *_) = project.mart("select y.nomor as x from {{ ref('y') }} as y", "x").refusals
    assert first == (
        "core.m.x <- core.y.nomor <- staging.s.pasien <- raw dinkes/kunjungan.nik (pribadi): " + NEVER
    )


def test_personal_column_in_a_macro_is_refused(project: OpenDataProject) -> None:
    project.folder.write("macros/rapi.sql", "{% macro rapi(kolom) %}btrim({{ kolom }}){% endmacro %}")
    (first, *_) = project.mart("select {{ rapi('nik') }} as x from @kunjungan", "x").refusals
    assert first.endswith(NEVER)


PERSONS = {
    "one row per patient": (
        "select tanggal, puskesmas, umur from @kunjungan",
        ("tanggal", "puskesmas", "umur"),
    ),
    "cells of one": (
        "select tanggal, umur, count(*) as n from @kunjungan group by tanggal, umur",
        ("tanggal", "umur", "n"),
    ),
    "a count of nothing but rows": ("select count(*) as n from @kunjungan", ("n",)),
    "a sum of ones": ("select sum(1) as n from @kunjungan", ("n",)),
    "a restricted column": ("select penyakit as p from @kunjungan", ("p",)),
    "how many persons": ("select count(distinct nik) as n from @kunjungan", ("n",)),
    "rows chosen by persons": (
        "select s.nama from @sekolah as s where exists (select 1 from @kunjungan as k where k.puskesmas = s.nama)",
        ("nama",),
    ),
    "a join that repeats rows": (
        "select s.nama from @sekolah as s inner join @kunjungan as k on k.puskesmas = s.nama",
        ("nama",),
    ),
}


@pytest.mark.parametrize(("sql", "columns"), PERSONS.values(), ids=PERSONS)
@pytest.mark.parametrize("reason", [None, "penyamaran", {"agregat": "Ini hanya sebuah hitungan."}])
def test_data_about_persons_are_refused_without_a_suppressed_table(
    project: OpenDataProject, sql: str, columns: tuple[str, ...], reason: Any
) -> None:
    basis = dict.fromkeys((*columns, "baris"), reason) if reason else None
    refusals = project.mart(sql, *columns, basis=basis).refusals
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


def test_suppressed_table_is_cleared_if_every_column_has_a_basis(project: OpenDataProject) -> None:
    project.model("core/agg", SUPPRESSED.format(source="@kunjungan", row="puskesmas"))
    clearance = project.mart(CELLS, "tahun", "puskesmas", "jumlah", basis=BY_SUPPRESSION)
    assert (clearance.refusals, dict(clearance.basis)) == ((), BY_SUPPRESSION)
    for left_out in BY_SUPPRESSION:
        incomplete = {name: basis for name, basis in BY_SUPPRESSION.items() if name != left_out}
        (refusal,) = project.mart(CELLS, "tahun", "puskesmas", "jumlah", basis=incomplete).refusals
        assert refusal.endswith("dasar_terbit tidak memberi dasar untuk terbit")


def test_table_that_only_calls_the_macro_does_not_count_as_suppressed(project: OpenDataProject) -> None:
    beside = SUPPRESSED.replace("select * from final", "select s.* from sumber as s cross join final as ")
    project.model("core/agg", beside.format(source="@kunjungan", row="puskesmas"))
    refusals = project.mart(CELLS, "tahun", "puskesmas", "jumlah", basis=BY_SUPPRESSION).refusals
    assert any("tidak melewati tabel penyamaran" in refusal for refusal in refusals)


def test_personal_dimension_of_a_suppressed_table_is_refused(project: OpenDataProject) -> None:
    sql = SUPPRESSED.format(source="@kunjungan", row="nik").replace("select puskesmas", "select nik")
    project.model("core/agg", sql)
    basis = {"baris": "penyamaran", "nik": "penyamaran"}
    refusals = project.mart("select nik from {{ ref('agg') }}", "nik", basis=basis).refusals
    assert [r for r in refusals if r.startswith("core.m.nik <- core.agg.nik") and r.endswith(NEVER)]


def test_path_past_the_suppressed_table_is_refused(project: OpenDataProject) -> None:
    project.model("core/agg", SUPPRESSED.format(source="@kunjungan", row="puskesmas"))
    sql = "select a.tahun, k.puskesmas from {{ ref('agg') }} as a inner join @kunjungan"
    sql += " as k on a.puskesmas = k.puskesmas"
    basis = {"baris": "penyamaran", "tahun": "penyamaran", "puskesmas": "penyamaran"}
    refusals = project.mart(sql, "tahun", "puskesmas", basis=basis).refusals
    assert any("core.m.puskesmas <- raw dinkes/kunjungan.puskesmas" in refusal for refusal in refusals)


AGGREGATE = {"agregat": "Hitungan aplikasi per OPD, bukan tentang orang."}


def test_aggregate_of_restricted_columns_is_cleared_with_a_basis(project: OpenDataProject) -> None:
    sql = "select opd, count(*) filter (where basis_data is null) as kosong from @aplikasi group by opd"
    (refusal,) = project.mart(sql, "opd", "kosong").refusals
    assert "core.m.kosong <- raw kominfo/aplikasi.basis_data (terbatas)" in refusal
    clearance = project.mart(sql, "opd", "kosong", basis={"kosong": AGGREGATE})
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
def test_query_that_shows_single_values_does_not_count_as_an_aggregate(
    project: OpenDataProject, sql: str
) -> None:
    (refusal,) = [
        r for r in project.mart(sql, "x", basis={"x": AGGREGATE}).refusals if r.startswith("core.m.x")
    ]
    assert refusal.endswith("dasarnya agregat, tetapi jalur ini membiarkan nilai satuan apa adanya")


def test_rows_chosen_by_a_restricted_column_are_refused(project: OpenDataProject) -> None:
    sql = "select nama from @aplikasi where basis_data = 'Oracle'"
    for basis in (None, {"baris": AGGREGATE}):
        (refusal,) = project.mart(sql, "nama", basis=basis).refusals
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
def test_contract_without_publish_true_is_refused(
    project: OpenDataProject, sql: str, columns: tuple[str, ...]
) -> None:
    refusals = project.mart(sql, *columns).refusals
    assert any("raw bkd/gaji" in r and "kontraknya tidak memuat publish: true" in r for r in refusals)


def test_count_over_a_closed_contract_is_cleared_with_a_basis(project: OpenDataProject) -> None:
    sql = "select count(*) as n from @gaji"
    assert project.mart(sql, "n", basis={"n": AGGREGATE}).refusals == ()


UNKNOWN = {
    "an undeclared relation": "select nip as x from pribadi.asal",
    "a function that reads a table": "select query_to_xml('select nik from raw.dinkes__kunjungan', true, true, '')::text"
    " as x",
    "a function of another schema": "select orang.nama(npsn) as x from @sekolah",
    "a whole row": "select to_jsonb(s)::text as x from @sekolah as s",
    "a column that the query does not give": "select npsn from @sekolah",
    "no SELECT": "delete from raw.disdik__sekolah returning npsn as x",
    "no SQL": "select from where (",
}


@pytest.mark.parametrize("sql", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("reason", [None, "penyamaran", AGGREGATE])
def test_query_that_cannot_be_followed_is_refused(project: OpenDataProject, sql: str, reason: Any) -> None:
    basis = {"x": reason, "baris": reason} if reason else None
    refusals = project.mart(sql, "x", basis=basis).refusals
    assert any("tidak dapat ditelusuri" in refusal for refusal in refusals)


def test_query_over_a_model_that_cannot_be_followed_is_refused(project: OpenDataProject) -> None:
    project.model("core/y", "select orang.nama(1) as nomor", "nomor")
    (first, *_) = project.mart("select nomor as x from {{ ref('y') }}", "x").refusals
    assert first.startswith("core.m.x <- core.y.nomor (tidak dapat ditelusuri: fungsi dari schema orang)")


@pytest.mark.parametrize(
    ("basis", "message"),
    [
        ("penyamaran", "bukan daftar kolom dengan dasarnya"),
        ({"lain": "penyamaran"}, "menyebut lain, yang bukan kolom terbitannya"),
        ({"npsn": "penyamaran"}, "menyebut npsn, yang tidak berasal dari data tertutup"),
        ({"npsn": "aman"}, "bukan `penyamaran` dan bukan"),
        ({"npsn": {"agregat": "aman"}}, "bukan `penyamaran` dan bukan"),
    ],
)
def test_invalid_basis_is_refused(project: OpenDataProject, basis: Any, message: str) -> None:
    (refusal,) = project.mart("select npsn from @sekolah", "npsn", basis=basis).refusals
    assert message in refusal


LEDGER = """
sources:
  - name: lain
    schema: {schema}
    tables:
      - name: catatan
        config: {{meta: {{klasifikasi: terbuka}}}}
        columns: [{{name: jumlah}}, {{name: nilai, config: {{meta: {{klasifikasi: terbatas}}}}}}]
"""


def test_table_of_ops_has_the_classes_of_its_own_meta(project: OpenDataProject) -> None:
    project.folder.write("models/lain.yml", LEDGER.format(schema="ops"))
    assert project.mart("select jumlah from {{ source('lain', 'catatan') }}", "jumlah").refusals == ()
    (refusal,) = project.mart("select nilai from {{ source('lain', 'catatan') }}", "nilai").refusals
    assert refusal.startswith("core.m.nilai <- ops.catatan.nilai (terbatas)")


@pytest.mark.parametrize("schema", ["pribadi", "quarantine", "landing", "raw", "public"])
def test_only_ops_may_declare_its_own_classes(project: OpenDataProject, schema: str) -> None:
    project.folder.write("models/lain.yml", LEDGER.format(schema=schema))
    refusals = project.mart("select jumlah from {{ source('lain', 'catatan') }}", "jumlah").refusals
    assert refusals[0].startswith(f"core.m.jumlah <- {schema}.catatan.jumlah (tidak ada kontraknya)")


def test_raw_table_with_another_source_name_has_the_classes_of_its_contract(project: OpenDataProject) -> None:
    other = LEDGER.format(schema="raw").replace(
        "name: catatan", "name: catatan\n        identifier: dinkes__kunjungan"
    )
    project.folder.write("models/lain.yml", other.replace("name: jumlah", "name: nik"))
    refusals = project.mart("select nik as x from {{ source('lain', 'catatan') }}", "x").refusals
    assert refusals[0].endswith(NEVER)


def test_dataset_without_a_contract_is_refused_but_not_forbidden(project: OpenDataProject) -> None:
    known = [c for c in project.contracts if c.key != "disdik/sekolah"]
    clearance = project.mart("select npsn from @sekolah", "npsn", contracts=known)
    assert clearance.refusals[0].startswith("core.m.npsn <- raw.disdik__sekolah.npsn (tidak ada kontraknya)")
    assert not clearance.forbidden
    counted = project.mart("select count(*) as n from @sekolah", "n", basis={"n": AGGREGATE}, contracts=known)
    assert counted.refusals


def test_missing_basis_is_forbidden_but_an_invalid_basis_is_not(project: OpenDataProject) -> None:
    sql = "select opd, count(*) filter (where basis_data is null) as kosong from @aplikasi group by opd"
    assert project.mart(sql, "opd", "kosong").forbidden
    assert not project.mart(sql, "opd", "kosong", basis={"kosong": "agregatt"}).forbidden
    assert not project.mart(sql, "opd", "kosong", basis={"kosong": AGGREGATE}).forbidden
