"""Patterns of contracts: what ECMA 262 and PostgreSQL read alike is accepted, anything else is refused with a hint."""

from __future__ import annotations

import pytest

from pipelines.contracts.patterns import PatternError, check


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{1,2} [0-9]{1,4} [A-Z]{1,3}$",
        "^64(00|0[1-5]|09|11|7[124])$",
        "^https?://",
        r"^[1-9]\.[0-9]{2}(\.[0-9]+){5,6}$",
        r"[-a-z\]\-\[]+?|[^^]|[a-]|()",
        r"(?:a|b)(?=c)(?!d)\t\u00e9[\u0041-\u005a]",
    ],
)
def test_pattern_that_both_read_alike_is_accepted(pattern: str) -> None:
    check(pattern)


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ("", "kosong", "hapus"),
        ("a.b", ". tidak berlaku", r"[^\r\n], atau \."),
        (r"^\d+$", r"\d tidak berlaku", "tulis [0-9]"),
        (r"[\W]", r"[\W tidak berlaku", "tulis [^0-9A-Za-z_]"),
        (r"\Aab\Z", r"\A tidak berlaku", "yang dikenal"),
        (r"\bab", r"\b tidak berlaku", "yang dikenal"),
        (r"\p{L}", r"\p tidak berlaku", "yang dikenal"),
        (r"(a)\1", r"\1 tidak berlaku", "yang dikenal"),
        (r"\x41", r"\x tidak berlaku", "yang dikenal"),
        ("ab\\", "\\ tidak berlaku", r"\ di depannya"),
        ("(?<=a)b", "(?< tidak berlaku", "(?:...)"),
        ("(?P<n>a)", "(?P tidak berlaku", "(?:...)"),
        ("(?i)a", "(?i tidak berlaku", "(?:...)"),
        ("***:a", "* tidak berlaku", r"\ di depannya"),
        ("a|*b", "* tidak berlaku", r"\ di depannya"),
        ("^*", "* tidak berlaku", "hapus"),
        ("a{2}{3}", "{3} tidak berlaku", "satu kali"),
        ("a++", "+ tidak berlaku", "hapus"),
        ("(?=a)*", "* tidak berlaku", "hapus"),
        ("a{,3}", "{,3} tidak berlaku", "{1,3}"),
        ("a{3,2}", "{3,2} bukan pengulangan", "dari yang kecil"),
        ("a{1,300}", "{1,300} bukan pengulangan", "paling banyak 255"),
        ("(?:[0-9]{100}){6}", "lebih dari 500 karakter", "maxLength"),
        ("(a", "( yang tidak ditutup", r"\("),
        ("a)", ") tidak berlaku", r"\ di depannya"),
        ("[a", "[a tidak berlaku", r"\["),
        ("a]", "] tidak berlaku", r"\ di depannya"),
        ("a}", "} tidak berlaku", r"\ di depannya"),
        ("[]a]", "[]a] tidak berlaku", r"\]"),
        ("[^]", "[^] tidak berlaku", r"\]"),
        ("[[:alpha:]]", "[[:alpha:]] tidak berlaku", "[A-Za-z_]"),
        ("[z-a]", "z-a bukan rentang", "dari kecil ke besar, seperti a-z"),
        ("[a-c-e]", "[a-c-e] tidak berlaku", r"\-"),
        ("[a-", "[a- tidak berlaku", r"\["),
        ("\U0001f600", "\U0001f600 tidak berlaku", "hapus"),
        (r"\ud83d", r"\u tidak berlaku", r"\u0041"),
        ("a\0", r"\x00 tidak berlaku", "hapus"),
    ],
)  # fmt: skip
def test_pattern_that_one_of_them_reads_differently_is_refused_with_a_hint(
    pattern: str, message: str, hint: str
) -> None:
    with pytest.raises(PatternError) as caught:
        check(pattern)
    assert message in caught.value.message
    assert hint in caught.value.hint
