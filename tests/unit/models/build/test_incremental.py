"""The statements that write rows into the table of an incremental model and adapt the table to changed columns."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from psycopg import sql

from pipelines.contracts.windows import Cadence, Partition, Window
from pipelines.errors import ModelError
from pipelines.models.build.incremental import changes_rows, reshape, write_rows
from pipelines.models.build.indexes import create_index
from pipelines.models.project.materialization import Incremental, Index
from pipelines.warehouse.relation import Relation

TABLE = Relation("core", "fct")
ROWS = sql.Identifier("core", "fct__baru")
INSERT = 'insert into "core"."fct" ("kode", "nilai") select "kode", "nilai" from "core"."fct__baru"'


def write_statements(how: Incremental, window: Window | None = None) -> list[str]:
    return [s.as_string(None) for s in write_rows(how, TABLE, ROWS, ["kode", "nilai"], window)]


def reshape_statements(how: Any, old: dict[str, str], new: dict[str, str]) -> list[str]:
    statements = reshape(
        Incremental("", "append", on_schema_change=how), "m.sql", TABLE, [*old.items()], [*new.items()]
    )
    return [s.as_string(None) for s in statements]


def test_append_only_inserts() -> None:
    assert write_statements(Incremental("", "append")) == [INSERT]


def test_delete_insert_first_deletes_rows_with_the_same_key() -> None:
    assert write_statements(Incremental("", "delete+insert", ("kode", "hari"))) == [
        'delete from "core"."fct" where ("kode", "hari") in (select "kode", "hari" from "core"."fct__baru")',
        INSERT,
    ]


def test_delete_insert_with_a_window_deletes_up_to_the_end_of_its_last_day() -> None:
    daily = Partition("hari", Cadence.DAILY, date(2026, 1, 1))
    how = Incremental("", "delete+insert", partition=daily)
    assert write_statements(how, Window(date(2026, 9, 1), date(2026, 9, 3))) == [
        'delete from "core"."fct" where "hari" >= \'2026-09-01\'::date and "hari" < (\'2026-09-03\'::date::date + 1)',
        INSERT,
    ]
    assert write_statements(how) == [INSERT]


def test_merge_updates_matching_keys_and_inserts_the_others() -> None:
    assert write_statements(Incremental("", "merge", ("kode",))) == [
        'merge into "core"."fct" as t using "core"."fct__baru" as r on r."kode" = t."kode"'
        ' when matched then update set "kode" = r."kode", "nilai" = r."nilai"'
        ' when not matched then insert ("kode", "nilai") values ("r"."kode", "r"."nilai")'
    ]


OLD, NEW = {"a": "integer", "b": "text"}, {"a": "bigint", "c": "date"}


@pytest.mark.parametrize(
    ("how", "statements"),
    [
        ("ignore", []),
        ("append_new_columns", ['alter table "core"."fct" add column "c" date']),
        (
            "sync_all_columns",
            [
                'alter table "core"."fct" add column "c" date',
                'alter table "core"."fct" drop column "b"',
                'alter table "core"."fct" alter column "a" type bigint',
            ],
        ),
    ],
)
def test_changed_columns_alter_the_table_as_on_schema_change_says(how: str, statements: list[str]) -> None:
    assert reshape_statements(how, OLD, NEW) == statements


def test_changed_columns_are_refused_by_name_if_the_model_says_fail() -> None:
    with pytest.raises(ModelError, match="kolom baru: c; kolom hilang: b; kolom berganti tipe: a"):
        reshape_statements("fail", OLD, NEW)
    assert reshape_statements("fail", OLD, OLD) == []


def test_index_statement_names_its_method_and_columns() -> None:
    index = Index(("kode", "hari"), unique=True)
    assert create_index(index, "i", TABLE).as_string(None) == (
        'create unique index "i" on "core"."fct" using "btree" ("kode", "hari")'
    )
    assert create_index(Index(("a",), type="gin"), "i", TABLE, if_not_exists=True).as_string(None) == (
        'create index if not exists "i" on "core"."fct" using "gin" ("a")'
    )


@pytest.mark.parametrize(
    ("how", "statement"),
    [
        (Incremental("", "append"), 'select exists (select from "core"."fct__baru")'),
        (
            Incremental("", "merge", ("kode",)),
            'select exists (select from "core"."fct__baru" as r where not exists (select from "core"."fct" as t'
            ' where r."kode" = t."kode" and row("r"."kode", "r"."nilai")::text = row("t"."kode", "t"."nilai")::text))',
        ),
        (
            Incremental("", "delete+insert", ("kode",)),
            'select exists ((select row("t"."kode", "t"."nilai")::text from "core"."fct__baru" as t) except all'
            ' (select row("t"."kode", "t"."nilai")::text from "core"."fct" as t'
            ' where (("kode") in (select "kode" from "core"."fct__baru"))))'
            ' or exists ((select row("t"."kode", "t"."nilai")::text from "core"."fct" as t'
            ' where (("kode") in (select "kode" from "core"."fct__baru"))) except all'
            ' (select row("t"."kode", "t"."nilai")::text from "core"."fct__baru" as t))',
        ),
    ],
)
def test_rows_are_compared_before_they_are_written(how: Incremental, statement: str) -> None:
    assert changes_rows(how, TABLE, ROWS, ["kode", "nilai"], None).as_string(None) == statement
