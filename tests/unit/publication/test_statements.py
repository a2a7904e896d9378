"""The statements that read a mart for its files: safe cells in a fixed order."""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from pipelines.publication.files import FORMULA_START, SPLIT_FORMULA, csv_query, ordered
from pipelines.publication.mart import MartColumn
from tests.support.publishing import CELLS


def test_numbers_and_dates_are_copied_unchanged_and_ordered_by_all_columns() -> None:
    mart = replace(CELLS, columns=(MartColumn("tahun"), MartColumn("tanggal")))
    assert csv_query(mart, ["integer", "date"]).as_string(None) == (
        'copy (select m."tahun" as "tahun", m."tanggal" as "tanggal" from "mart_satu_data"."rincian" as m'
        ' order by m."tahun", m."tanggal") to stdout with (format csv, header, encoding \'UTF8\')'
    )


def test_text_that_looks_like_a_formula_gets_an_apostrophe() -> None:
    mart = replace(CELLS, columns=(MartColumn("kode"),))
    query = csv_query(mart, ["text"]).as_string(None)
    assert 'case when m."kode"::text ~ ' in query
    assert "then '''' || regexp_replace(m.\"kode\"::text, " in query
    assert query.endswith(
        ' end as "kode" from "mart_satu_data"."rincian" as m order by m."kode"::text collate "C")'
        " to stdout with (format csv, header, encoding 'UTF8')"
    )
    for pattern in (FORMULA_START, SPLIT_FORMULA):
        assert sql.Literal(pattern).as_string(None) in query


def test_times_are_iso_8601_with_an_offset_only_if_the_type_has_one() -> None:
    mart = replace(CELLS, columns=(MartColumn("pukul"), MartColumn("dicatat"), MartColumn("ya")))
    kinds = ["timestamp with time zone", "timestamp without time zone", "boolean"]
    query = csv_query(mart, kinds).as_string(None)
    moment = "regexp_replace(to_char(m.\"{}\", 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '\\.0+$', '')"
    assert f"{moment.format('pukul')} || '+08:00' as \"pukul\"" in query
    assert f'{moment.format("dicatat")} as "dicatat"' in query
    assert 'm."ya"::text as "ya"' in query


def test_texts_are_ordered_by_code_point_on_every_server() -> None:
    mart = replace(CELLS, columns=(MartColumn("kode"), MartColumn("jumlah")))
    assert ordered(mart, ["text", "numeric"]).as_string(None) == 'm."kode"::text collate "C", m."jumlah"'
