"""PostgreSQL runs every pattern that a contract may have, and matches the same texts as Python."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from psycopg import sql

from pipelines.contracts.patterns import PatternError, check
from pipelines.load.stage.pattern import matches
from tests.support.parsers import Warehouse

PARTS = [
    *"ab0-^$|()[]{}*+?/_é", "(?:", "(?=", "(?!", "[^", "[a-b", "[b-a", "{2}", "{1,3}", "{3,2}", "{0,2}", "{2,}",
    "\\n", "\\.", "\\-", "\\]", "\\[", "\\\\", "\\u0061", "[ab]", "[^ab]", "[\\t-\\n]", ".", "\\d", "\\b", "\\1", "(?i)",
]  # fmt: skip
TEXTS = [
    "",
    "a",
    "b",
    "ab",
    "aab",
    "a\nb",
    "\n",
    "a\n",
    "é",
    "-",
    "]",
    "[",
    "\\",
    "abab",
    "0",
    "a.b",
    "/",
    "^",
]


def found(pattern: str, text: str) -> bool:
    """Whether Python finds the pattern. Its `$` would also match before a newline at the end, and is replaced."""
    return re.search(re.sub(r"(?<!\\)((?:\\\\)*)\$(?![^\[]*\])", r"\1\\Z", pattern), text) is not None


@settings(
    max_examples=600, derandomize=True,
    suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.filter_too_much],
)  # fmt: skip
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join))
def test_postgresql_and_python_match_the_same_texts(ops: Warehouse, pattern: str) -> None:
    try:
        check(pattern)
    except PatternError:
        assume(False)
    query = "select t ~ %s from unnest(%s::text[]) with ordinality u(t, n) order by n"
    answers = [row[0] for row in ops.connection.execute(query, [pattern, TEXTS]).fetchall()]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", FutureWarning
        )  # "[[" and "--", which Python may read otherwise one day
        expected = [found(pattern, text) for text in TEXTS]
    assert dict(zip(TEXTS, answers, strict=True)) == dict(zip(TEXTS, expected, strict=True))


@settings(max_examples=300, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(PARTS), max_size=6).map("".join))
def test_letters_at_the_beginning_may_be_compared_first(ops: Warehouse, rest: str) -> None:
    pattern = f"^aba{rest}"
    try:
        check(pattern)
    except PatternError:
        assume(False)
    texts = [*TEXTS, *(f"aba{text}" for text in TEXTS), *(f"ab{text}" for text in TEXTS)]
    query = sql.SQL("select t, t ~ {}, {} from unnest({}::text[]) t").format(
        sql.Literal(pattern), matches(sql.Identifier("t"), pattern), sql.Literal(texts)
    )
    assert [row for row in ops.connection.execute(query).fetchall() if row[1] != row[2]] == []


def test_letters_that_mean_something_to_like_are_compared_as_they_are(ops: Warehouse) -> None:
    pattern = r"^5%_a\\[0-9]"
    texts = [r"5%_a\1", r"5%xa\1", r"5xx_a\1", "5%_a1", r"5%_a\\1", "5%_a\\\n1"]
    query = sql.SQL("select t, t ~ {}, {} from unnest({}::text[]) t").format(
        sql.Literal(pattern), matches(sql.Identifier("t"), pattern), sql.Literal(texts)
    )
    found = ops.connection.execute(query).fetchall()
    assert [row[1] for row in found] == [row[2] for row in found] == [True] + [False] * 5


@pytest.mark.parametrize("pattern", ["(?:(?:a?){22}){22}", "[^a]{0,250}[0-9]{0,250}", "(?:a|b|c|d|){99}"])
def test_postgresql_runs_the_largest_accepted_patterns(ops: Warehouse, pattern: str) -> None:
    check(pattern)
    assert ops.connection.execute("select 'a' ~ %s", [pattern]).fetchone() is not None
