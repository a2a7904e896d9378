"""Patterns of contracts: what ECMA 262 and PostgreSQL read alike is taken, anything else is told with its mend."""

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
def test_what_both_read_alike_is_taken(pattern: str) -> None:
    check(pattern)


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ("", "empty", "drop it"),
        ("a.b", "takes a newline", r"[^\r\n], or \."),
        (r"^\d+$", "collation", "[0-9]"),
        (r"[\W]", "collation", "[^0-9A-Za-z_]"),
        (r"\Aab\Z", r"\A does not mean the same", "escapes are"),
        (r"\bab", r"\b does not mean the same", "escapes are"),
        (r"\p{L}", r"\p does not mean the same", "escapes are"),
        (r"(a)\1", r"\1 does not mean the same", "escapes are"),
        (r"\x41", r"\x does not mean the same", "escapes are"),
        ("ab\\", "escapes nothing", r"\\"),
        ("(?<=a)b", "lookbehind", "(?:...)"),
        ("(?P<n>a)", "named groups", "(?:...)"),
        ("(?i)a", "flags", "(?:...)"),
        ("***:a", "repeats nothing", r"\*"),
        ("a|*b", "repeats nothing", r"\*"),
        ("^*", "can't be repeated", "quantifier"),
        ("a{2}{3}", "can't be repeated", "quantifier"),
        ("a++", "can't be repeated", "quantifier"),
        ("(?=a)*", "can't be repeated", "quantifier"),
        ("a{,3}", "begins no repetition", "{1,3}"),
        ("a{3,2}", "{3,2} is more at least than at most", "correct"),
        ("a{1,300}", "more than 255", "counts no further"),
        ("(?:[0-9]{100}){6}", "more than 500 characters", "maxLength"),
        ("(a", "not closed", r"\("),
        ("a)", "closes nothing", r"\)"),
        ("[a", "not closed", r"\["),
        ("a]", "closes nothing", r"\]"),
        ("a}", "closes nothing", r"\}"),
        ("[]a]", "[] is empty in ECMA 262", r"\]"),
        ("[^]", "[] is empty in ECMA 262", r"\]"),
        ("[[:alpha:]]", "a class of PostgreSQL's", "[A-Za-z]"),
        ("[z-a]", "the range z-a is none", "lower sign first"),
        ("[a-c-e]", "behind a range", r"\-"),
        ("[a-", "not closed", r"\["),
        ("\U0001f600", "U+1F600", "U+FFFF"),
        (r"\ud83d", "U+D83D", "U+FFFF"),
    ],
)  # fmt: skip
def test_what_one_of_them_reads_otherwise_is_refused(pattern: str, message: str, hint: str) -> None:
    with pytest.raises(PatternError) as caught:
        check(pattern)
    assert message in caught.value.message
    assert hint in caught.value.hint
