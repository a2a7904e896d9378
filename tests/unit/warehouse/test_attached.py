"""The statements that make dependent objects of an old table again on the new table."""

from __future__ import annotations

import pytest
from psycopg import sql

from pipelines.warehouse.attached import Attached, comment_statement, statement_on, temporary_name
from pipelines.warehouse.relation import Relation, comment_statements
from pipelines.warehouse.swap import Grant, grant_statement

NEW = Relation("raw", "dinkes__kunjungan__7_stage")
OLD = Relation("raw", "dinkes__kunjungan")


def written(statement: sql.Composable) -> str:
    return " ".join(statement.as_string(None).split())


def thing(
    kind: str, name: str, definition: str = "", state: str | None = None, home: str | None = None
) -> Attached:
    return Attached(1, kind, name, home, definition, state, "Catatan's")


@pytest.mark.parametrize(
    ("made", "statement"),
    [
        (
            thing("index", "waktu", "USING btree (waktu)"),
            f'create index "{temporary_name("waktu")}" on "raw"."dinkes__kunjungan__7_stage" USING btree (waktu)',
        ),
        (
            thing("index", "satu", "USING btree (kode)", "unique"),
            f'create unique index "{temporary_name("satu")}" on "raw"."dinkes__kunjungan__7_stage" USING btree (kode)',
        ),
        (
            thing("constraint", "positif", "CHECK ((n > 0))"),
            'alter table "raw"."dinkes__kunjungan__7_stage" add constraint "positif" CHECK ((n > 0))',
        ),
        (
            thing("constraint", "kunci", "PRIMARY KEY (id)", "index"),
            f'alter table "raw"."dinkes__kunjungan__7_stage" add constraint "{temporary_name("kunci")}" PRIMARY KEY (id)',
        ),
        (
            thing("not null", "kode"),
            'alter table "raw"."dinkes__kunjungan__7_stage" alter column "kode" set not null',
        ),
        (
            thing("default", "kode", "'x'::text"),
            'alter table "raw"."dinkes__kunjungan__7_stage" alter column "kode" set default \'x\'::text',
        ),
    ],
)
def test_indexes_constraints_and_defaults_are_made_on_the_new_table(made: Attached, statement: str) -> None:
    assert written(statement_on(NEW, made)) == statement


def test_temporary_name_of_a_long_name_fits_and_stays_unique() -> None:
    assert len(temporary_name("x" * 63)) <= 63
    assert temporary_name("x" * 63) != temporary_name("x" * 62)


def test_comment_names_the_object_on_its_table_or_in_its_schema() -> None:
    assert (
        written(comment_statement(OLD, thing("trigger", "jejak")))
        == 'comment on trigger "jejak" on "raw"."dinkes__kunjungan" is \'Catatan\'\'s\''
    )
    assert (
        written(comment_statement(OLD, thing("index", "waktu", home="raw")))
        == "comment on index \"raw\".\"waktu\" is 'Catatan''s'"
    )


def test_comments_are_set_on_a_relation_and_its_columns() -> None:
    statements = comment_statements(OLD, "table", {None: "Kunjungan", "kode": "Kode"})
    assert [written(s) for s in statements] == [
        'comment on table "raw"."dinkes__kunjungan" is \'Kunjungan\'',
        'comment on column "raw"."dinkes__kunjungan"."kode" is \'Kode\'',
    ]


@pytest.mark.parametrize(
    ("grant", "statement"),
    [
        (Grant(False, "ana", "SELECT", False, None), 'grant SELECT on "raw"."dinkes__kunjungan" to "ana"'),
        (
            Grant(False, "ana", "SELECT", True, "kode"),
            'grant SELECT ("kode") on "raw"."dinkes__kunjungan" to "ana" with grant option',
        ),
        (Grant(True, "-", "SELECT", False, None), 'grant SELECT on "raw"."dinkes__kunjungan" to public'),
    ],
)
def test_grant_statement_repeats_the_grant_and_can_revoke_it(grant: Grant, statement: str) -> None:
    assert written(grant_statement(OLD, grant)) == statement
    revoked = statement.replace("grant SELECT", "revoke SELECT").replace(" to ", " from ")
    assert written(grant_statement(OLD, grant, revoke=True)) == revoked.removesuffix(" with grant option")
