"""The answers that need no Great Expectations are the same as its own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from pipelines.quality.first_pass import held, is_known
from pipelines.quality.results import CheckResult
from pipelines.quality.run import run_suite
from pipelines.quality.suites import QUERY, QUERY_TYPE, ROW_COUNT_TYPE, Expectation, Skipped
from pipelines.warehouse.relation import Relation

TABLE = Relation("public", "uji")
ROWS = 40


@pytest.fixture(scope="module")
def session(module_pg_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(module_pg_url, autocommit=True) as session:
        session.execute(
            "create table public.uji (id bigint primary key, n int, m numeric(9, 2), t text, d date, b boolean)"
        )
        yield session


def expectations(chance: random.Random) -> list[Expectation]:
    """One of each kind, with arguments by chance, so that about half of them hold."""

    def values(name: str, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        return f"expect_column_{name}", kwargs

    low, share = chance.randint(0, 3), chance.choice((0.5, 0.9, 1))
    pair = {"column_A": "n", "column_B": "m", "mostly": share}
    kinds = [
        values("values_to_not_be_null", column=chance.choice(("n", "t", "id")), mostly=share),
        values("values_to_be_in_set", column="t", value_set=["a", "bb", "ccc"][: chance.randint(1, 3)]),
        values("values_to_be_in_set", column="b", value_set=[True, False]),
        values("values_to_be_between", column="n", min_value=low, max_value=9, mostly=share),
        values("values_to_be_between", column="m", min_value=0.5, strict_min=chance.random() < 0.5),
        values("values_to_be_between", column="d", max_value="2026-01-10"),
        values("value_lengths_to_be_between", column="t", min_value=1, max_value=chance.randint(1, 3)),
        values("values_to_match_regex", column="t", regex=chance.choice(("^[a-c]+$", "^a"))),
        values("values_to_be_unique", column=chance.choice(("id", "n"))),
        ("expect_compound_columns_to_be_unique", {"column_list": chance.choice((["n", "b"], ["n", "t", "d"], ["n", "id"]))}),
        ("expect_column_pair_values_a_to_be_greater_than_b", {**pair, "or_equal": chance.random() < 0.5}),
        ("expect_column_pair_values_to_be_equal", pair),
        (ROW_COUNT_TYPE, {"min_value": chance.choice((1, 41)), "max_value": 100}),
        (QUERY_TYPE, {QUERY: chance.choice(("select id from {batch} where n > 9", "select 1 from {batch} where n > 5"))}),
        (QUERY_TYPE, {QUERY: "select t from {batch} group by t having count(*) > 20"}),
    ]  # fmt: skip
    return [Expectation(f"e{place}", kind, kwargs) for place, (kind, kwargs) in enumerate(kinds)]


@pytest.mark.parametrize("seed", range(6))
def test_an_expectation_holds_here_if_and_only_if_it_holds_for_great_expectations(
    session: psycopg.Connection[Any], seed: int
) -> None:
    chance = random.Random(seed)
    session.execute("truncate public.uji")
    empty = seed / 10
    rows = [
        [
            number,
            *(
                None if chance.random() < empty else value
                for value in (
                    chance.randint(0, 9), chance.randint(0, 900) / 100, chance.choice(("a", "bb", "ccc")),
                    f"2026-01-{chance.randint(1, 12):02}", chance.random() < 0.5,
                )
            ),
        ]
        for number in range(ROWS)
    ]  # fmt: skip
    with session.cursor() as cursor:
        cursor.executemany("insert into public.uji values (%s, %s, %s, %s, %s, %s)", rows)
    asked = expectations(chance)
    assert all(map(is_known, asked))

    def nothing(*_: object) -> Mapping[str, CheckResult]:
        return {}

    by_gx = {r.name: r for r in run_suite(asked, TABLE, ROWS, session, held=nothing)}
    ours = held(asked, TABLE, ROWS, session)
    assert {*ours} == {name for name, result in by_gx.items() if result.passed}
    assert 0 < len(ours) < len(asked)
    counted = ("passed", "unexpected", "total", "message", "expectation", "observed", "query")
    for name, result in ours.items():
        assert {part: getattr(result, part) for part in counted} == {
            part: getattr(by_gx[name], part) for part in counted
        }, asked[int(name[1:])]


def test_a_rule_that_the_database_refuses_is_left_to_great_expectations(
    session: psycopg.Connection[Any],
) -> None:
    asked = [
        Expectation("tiada", "expect_column_values_to_not_be_null", {"column": "tiada"}),
        Expectation("jenis", "expect_column_values_to_match_regex", {"column": "n", "regex": "1"}),
        Expectation(
            "kelompok", QUERY_TYPE, {QUERY: "select t from {batch} group by t having count(*) > 999"}
        ),
    ]
    assert {*held(asked, TABLE, None, session)} == {"kelompok"}
    assert session.execute("select 1").fetchone() == (1,)


def test_a_unique_index_answers_without_reading_the_rows(session: psycopg.Connection[Any]) -> None:
    unique = "expect_compound_columns_to_be_unique"
    asked = [
        Expectation("kunci", unique, {"column_list": ["id", "t"]}),
        Expectation("lain", unique, {"column_list": ["n", "t"]}),
    ]
    with session.transaction(force_rollback=True):
        session.execute(
            "truncate public.uji; insert into public.uji (id, n, t) values (1, 1, 'a'), (2, 1, 'a')"
        )
        assert {*held(asked, TABLE, 2, session)} == {"kunci"}
        session.execute("update public.uji set t = null")
        assert {*held(asked, TABLE, 2, session)} == {"kunci", "lain"}
        session.execute("create unique index on public.uji (n, t)")
        assert {*held(asked, TABLE, 2, session)} == {"kunci", "lain"}


@pytest.mark.parametrize("holds", [True, False])
def test_a_result_says_what_its_rule_has_not_judged(session: psycopg.Connection[Any], holds: bool) -> None:
    session.execute("truncate public.uji")
    session.execute("insert into public.uji (id, n) select i, nullif(i, 3) from generate_series(1, 5) i")
    asked = "select id from {batch} where n > 9" if holds else "select id from {batch} where n > 4"
    skipped = Skipped(
        "select count(*) filter (where n is null), count(*) from {batch}", "baris tanpa n dilewati"
    )
    refused = Skipped("select tidak_ada from {batch}", "apa pun")
    rules = [
        Expectation("a", QUERY_TYPE, {QUERY: asked}, skipped=skipped),
        Expectation("b", QUERY_TYPE, {QUERY: f"{asked} and true"}, skipped=refused),
        Expectation("c", QUERY_TYPE, {QUERY: f"{asked} and 1 = 1"}),
    ]
    a, b, c = run_suite(rules, TABLE, 5, session)
    assert [a.passed, b.passed, c.passed] == [holds] * 3
    assert a.message.endswith("; 1 dari 5 baris tanpa n dilewati")
    assert a.observed.endswith("1 dari 5 baris tanpa n dilewati")
    assert "dilewati" not in b.message + c.message
