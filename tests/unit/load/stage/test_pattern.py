"""Patterns whose first letters are compared before the rest is matched."""

from __future__ import annotations

import pytest
from psycopg import sql

from pipelines.load.stage.pattern import matches, split
from tests.support.statements import written


@pytest.mark.parametrize(
    ("pattern", "letters", "rest"),
    [
        (r"^Jl\. Contoh No\. [0-9]+$", "Jl. Contoh No. ", "[0-9]+$"),
        ("^ADU-[0-9]{4}$", "ADU-", "[0-9]{4}$"),
        ("^abc+$", "ab", "c+$"),
        (r"^ab\.?$", "ab", r"\.?$"),
        ("^abc{2}", "ab", "c{2}"),
        ("^https?://", "http", "s?://"),
        ("^ABC$", "ABC", "$"),
        ("^a$", "a", "$"),
    ],
)
def test_letters_at_the_beginning_end_before_a_repeated_one(pattern: str, letters: str, rest: str) -> None:
    assert split(pattern) == (letters, rest)


@pytest.mark.parametrize(
    "pattern", ["ABC[0-9]", "^ABC|^DEF", "^AB(C|D)", "^ABC^D", "^[0-9]{4}$", "^", r"^\u0041BC$"]
)
def test_a_pattern_that_may_match_otherwise_is_left_whole(pattern: str) -> None:
    assert split(pattern) == ("", pattern)


def test_short_beginnings_are_matched_by_the_pattern_alone() -> None:
    cell = sql.Identifier("b", "a")
    assert written(matches(cell, "^64[0-9]{2}$")) == """"b"."a" ~ '^64[0-9]{2}$'"""
    assert written(matches(cell, "^ADU-[0-9]{4}$")) == (
        """("b"."a" like 'ADU-%' and substr("b"."a", 5) ~ '^[0-9]{4}$')"""
    )
