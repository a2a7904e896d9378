"""The message for a database error, without any value that the server may have quoted."""

from __future__ import annotations

import re

import pytest

from pipelines.redaction.sqlstates import (
    SERVER_DEFINED_ERROR,
    is_about_statement,
    is_state,
    meaning,
    meaning_with_names,
    reference,
)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("42P01", "tabel tidak ada"),
        ("53100", "disk server penuh"),
        ("08999", SERVER_DEFINED_ERROR),
        ("08006", "koneksi terputus"),
        ("23P01", "nilai melanggar aturan tabelnya"),
        ("BUDI1", SERVER_DEFINED_ERROR),
        (None, SERVER_DEFINED_ERROR),
    ],
)
def test_state_has_its_own_meaning_or_that_of_its_class(state: str | None, message: str) -> None:
    assert meaning(state) == message


def test_reference_repeats_only_a_standard_state() -> None:
    assert re.fullmatch(
        r"kesalahan 1146, SQLSTATE 42S02, [-0-9]{10} [:0-9]{8} WITA", reference("42S02", 1146)
    )
    assert "BUDI1" not in reference("BUDI1")
    assert is_state("42P01") and not is_state("42p01") and not is_state(42)


def test_error_is_about_the_statement_only_with_a_position_in_it() -> None:
    assert is_about_statement("42703", has_position=True)
    assert not is_about_statement("42703", has_position=False), "raised by a function"
    assert not is_about_statement("42501", has_position=True)
    assert not is_about_statement("22P02", has_position=True)
    assert not is_about_statement(None, has_position=True)


@pytest.mark.parametrize(
    ("state", "text", "message"),
    [
        ("42703", 'column "tiada" does not exist', 'kolom tidak ada: "tiada"'),
        ("42703", "column m.tiada does not exist", 'kolom tidak ada: "m.tiada"'),
        ("42703", 'column "x" of relation "t" does not exist', 'kolom tidak ada: "x", "t"'),
        ("42601", 'syntax error at or near "form"', 'kesalahan sintaks SQL: "form"'),
        ("42601", "syntax error at end of input", "kesalahan sintaks SQL"),
        ("42601", "", "kesalahan sintaks SQL"),
        (
            "42883",
            "function jumlahkan(integer) does not exist",
            'fungsi atau operator untuk tipe itu tidak ada: "jumlahkan(integer)"',
        ),
        (
            "42883",
            "operator does not exist: integer = text",
            'fungsi atau operator untuk tipe itu tidak ada: "integer = text"',
        ),
    ],
)
def test_only_names_of_the_statement_are_shown_of_the_servers_text(
    state: str, text: str, message: str
) -> None:
    assert meaning_with_names(state, text) == message
