"""What a query depends on apart from its text, and what of it cannot be followed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.warehouse.query_reads import Memory, QueryReads, query_reads

MONTH = "DATE_TRUNC('MONTH', CURRENT_TIMESTAMP AT TIME ZONE 'Asia/Makassar')"


def test_relations_are_read_but_names_of_the_query_itself_are_not() -> None:
    sql = """
        with a as (select * from "staging"."x"), b as (select * from a join raw.y on true)
        select * from b cross join generate_series(1, 2) as g
    """
    assert query_reads(sql) == QueryReads(frozenset({"staging.x", "raw.y"}))
    assert query_reads("select * from tanpa_schema").relations == {".tanpa_schema"}


@pytest.mark.parametrize(
    ("expression", "clock"),
    [
        ("current_date - 7", "CURRENT_DATE - 7"),
        ("now()", "CURRENT_TIMESTAMP"),
        ("date_trunc('month', current_timestamp at time zone 'Asia/Makassar')", MONTH),
        ("least(max(a), date_trunc('month', now() at time zone 'Asia/Makassar'))", MONTH),
        ("a + current_date", "CURRENT_DATE"),
        ("age(a)", "current_date"),
        ("'today'::date", "CAST('today' AS DATE)"),
        ("clock_timestamp()", "CLOCK_TIMESTAMP()"),
        ("'today 08:00'::timestamp", "CAST('today 08:00' AS TIMESTAMP)"),
    ],
)
def test_the_widest_expression_of_the_clock_without_a_column_is_found(expression: str, clock: str) -> None:
    found = query_reads(f"select {expression} from s.t")  # noqa: S608 (never run)
    assert (found.clock, found.unknown) == ({clock}, "")


@pytest.mark.parametrize(
    "expression",
    [
        "random()",
        "gen_random_uuid()",
        "nextval('s')",
        "current_user",
        "query_to_xml('select 1')",
        "a < 'now'",
        "x.f(a)",
        "current_role",
        "user",
        "a < 'today 08:00'",
        "kunci_nama(a)",
        "(select max(n) from x.f(1) as n)",
    ],
)
def test_what_may_differ_each_time_is_not_followed(expression: str) -> None:
    assert query_reads(f"select {expression} from s.t").unknown  # noqa: S608 (never run)


def test_sql_that_is_not_parsed_is_not_followed() -> None:
    assert query_reads("select from from").unknown == "SQL-nya tidak terurai"


def test_functions_of_ops_are_named_and_pure_ones_are_not() -> None:
    assert query_reads("select n from ops.f(1) as n").functions == {"f"}
    names = "select \"user\", t.current_role, 'buka now' as teks from s.t"
    assert query_reads(names) == QueryReads(frozenset({"s.t"}))
    assert query_reads("select ops.kunci_nama(a), split_part(b, ',', 1) from s.t").functions == {"kunci_nama"}


def test_what_was_read_is_kept_for_the_next_process(tmp_path: Path) -> None:
    folder, asked = tmp_path / "cache", "select ops.kunci_nama(nama), now() from raw.bkd__pegawai"
    memory = Memory()
    memory.open(folder)
    found = memory.reads(asked)
    memory.save()
    (kept,) = folder.iterdir()
    # An answer that only the file can give shows that the file is used.
    kept.write_text(kept.read_text("utf-8").replace("raw.bkd__pegawai", "raw.dari_berkas"), "utf-8")
    later = Memory()
    later.open(folder)
    assert found.relations == {"raw.bkd__pegawai"}
    assert later.reads(asked) == replace(found, relations=frozenset({"raw.dari_berkas"}))


def test_what_another_program_kept_is_not_used_and_goes(tmp_path: Path) -> None:
    (tmp_path / "query_reads-0123456789abcdef.json").write_text("{}", "utf-8")
    memory = Memory()
    memory.open(tmp_path)
    memory.reads("select 1 from raw.satu")
    memory.save()
    (kept,) = tmp_path.iterdir()
    assert "0123456789abcdef" not in kept.name


@pytest.mark.parametrize(
    "content", ["", "[]", '{"a": 1}', "\0", '{"a": [[1], 2]}', '{"a": 1, "b": [[], [], [], ""]}']
)
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str) -> None:
    memory = Memory()
    memory.open(tmp_path)
    memory.reads("select 1 from raw.satu")
    memory.save()
    (kept,) = tmp_path.iterdir()
    kept.write_text(content, "utf-8")
    memory = Memory()
    memory.open(tmp_path)
    assert memory.reads("select 1 from raw.satu").relations == {"raw.satu"}


def test_a_folder_that_cannot_be_made_is_left(tmp_path: Path) -> None:
    memory = Memory()
    memory.open(tmp_path / "tidak" / "ada")
    assert memory.reads("select 1 from raw.satu").relations == {"raw.satu"}
    memory.save()
    assert not [*tmp_path.iterdir()]
