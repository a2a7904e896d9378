r"""Checks `logicalTypeOptions.pattern`, a regular expression.

A pattern may only use what ECMA 262 (the dialect that ODCS requires) and PostgreSQL (which runs it) understand in the
same way. No library knows both dialects. The project's 25 patterns need only literals, classes, groups, repetitions and
anchors; so a grammar of tokens names what is allowed, and everything else is refused. Not here: running a pattern
(load/stage/rules.py), limiting its time (warehouse/time_limit.py).

Sources: ECMA-262 5.1, 15.10.1; PostgreSQL manual, 9.7.3, "Regular Expression Details". They differ in `.` (newline), in
\d \w \s (ASCII, or what the collation says), \b (edge of a word, or backspace), [[:alpha:]], []a], and in references to
a group that took no part; ECMA-262 5.1 has no lookbehind, named groups or flags.
"""

from __future__ import annotations

import re

LARGEST_BOUND = 255
"""The most repetitions that PostgreSQL counts (DUPMAX)."""
LARGEST_PATTERN = 500
"""The most characters of a pattern whose repetitions are written in full. PostgreSQL refuses a pattern that needs too
many states: about 700 of the worst kind, optional parts in repeated groups."""

_NO_UNIT = r"\0\ud800-\udfff\U00010000-\U0010ffff"
"""NUL, surrogates, and characters that are two units to ECMA 262."""
_ESCAPE = r"\\(?:[\^$\\.*+?()\[\]{}|/tnrfv]|u(?!0000|[dD][89a-fA-F])[0-9A-Fa-f]{4})"
_LITERAL = rf"[^\\^$.*+?()\[\]{{}}|{_NO_UNIT}]"
_MEMBER = rf"(?:[^\\\[\]\-{_NO_UNIT}]|\\-|{_ESCAPE})"
_BRACKETS = rf"\[(?!\^?\])\^?-?(?:{_MEMBER}(?:-{_MEMBER})?)*-?\]"
_TOKEN = re.compile(
    rf"(?P<open>\((?:\?[:=!]|(?!\?)))|[\^$|]|(?:(?P<close>\))|(?P<brackets>{_BRACKETS})|{_ESCAPE}|{_LITERAL})"
    r"(?P<repeat>(?:[*+?]|\{(?P<least>[0-9]{1,9})(?:,(?P<most>[0-9]{1,9})?)?\})\??)?"
)
_RANGE = re.compile(rf"({_MEMBER})(?:-({_MEMBER}))?")

_BEGUN = rf"(?:\[\^?(?:{_MEMBER}|-)*)?"
"""Brackets up to the first character that they may not contain, or nothing."""
_CLASSES = {"d": "[0-9]", "w": "[0-9A-Za-z_]", "s": r"[ \t\r\n]"}
_INSTEAD = {
    r"\.": r"tulis [^\r\n], atau \. untuk titik",
    **{rf"{_BEGUN}\\{letter}": f"tulis {spelled}" for letter, spelled in _CLASSES.items()},
    **{rf"{_BEGUN}\\{letter.upper()}": f"tulis [^{spelled[1:]}" for letter, spelled in _CLASSES.items()},
    rf"{_BEGUN}\\.": r"yang dikenal: \t \n \r \f \v \u0041, dan \ di depan ^$\.*+?()[]{}|/",
    r"\[.*": r"tulis seperti [A-Za-z_] atau [^,;]; di dalamnya \[ \] \- untuk tandanya",
    r"\{[^}]*.?": r"tulis {3}, {3,} atau {1,3}, satu kali; \{ untuk tandanya",
    r"\(\?.?": "pakai (...), (?:...), (?=...) atau (?!...)",
    ".": r"hapus, atau tulis \ di depannya; yang boleh ada di docs/contracts/columns.md",
}
"""Says what to write instead of a text that is not a token, by its beginning."""


class PatternError(ValueError):
    """Says which part of a pattern is refused, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def check(pattern: str) -> None:
    """Raises PatternError if PostgreSQL would refuse the pattern, or understand it in another way than ECMA 262."""
    if not pattern:
        raise PatternError("kosong", "hapus pattern; setiap teks memuat teks kosong")
    if _checked_size(pattern) > LARGEST_PATTERN:
        message = f"dengan pengulangan yang ditulis penuh lebih dari {LARGEST_PATTERN} karakter"
        raise PatternError(message, "kurangi pengulangan; maxLength membatasi panjang teks")


def _checked_size(pattern: str) -> int:
    """Checks every part of the pattern, and returns its length when each repetition is written in full.

    Raises PatternError for a part that is not allowed.
    """
    groups = [("", 0)]  # for each open group, its opening token and the size of its content so far
    at = 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None or (token["close"] and len(groups) == 1):
            raise _refusal(pattern[at:])
        at = token.end()
        if token["open"]:
            groups.append((token["open"], 0))
            continue
        size = 0 if token[0] in tuple("^$|") else 1
        if token["close"]:
            begun, size = groups.pop()
            if token["repeat"] and begun in ("(?=", "(?!"):
                raise _refusal(token["repeat"])
        outer, before = groups.pop()
        groups.append((outer, before + size * _times(token)))
    if len(groups) > 1:
        raise PatternError("ada ( yang tidak ditutup", r"tutup, atau tulis \( untuk tandanya")
    return groups[0][1]


def _times(token: re.Match[str]) -> int:
    """Returns how often a token is repeated at most. Raises PatternError for bounds and ranges that PostgreSQL refuses.

    For an open bound ("*", "{3,}") the least number counts, but at least one.
    """
    for first, last in _RANGE.findall((token["brackets"] or "")[1:-1].removeprefix("^")):
        if last and _character(last) < _character(first):
            raise PatternError(
                f"{first}-{last} bukan rentang", "tulis rentang dari kecil ke besar, seperti a-z"
            )
    least, most = int(token["least"] or 1), int(token["most"] or token["least"] or 1)
    if least > most or most > LARGEST_BOUND:
        message = f"{token['repeat']} bukan pengulangan yang sah"
        raise PatternError(message, f"dari yang kecil ke yang besar, paling banyak {LARGEST_BOUND}")
    return max(most, 1)


def _character(member: str) -> str:
    """Returns the character that a member of brackets means."""
    if member.startswith("\\u"):
        return chr(int(member[2:], 16))
    return dict(zip("tnrfv", "\t\n\r\f\v", strict=True)).get(member[1:], member[-1])


def _refusal(rest: str) -> PatternError:
    """Returns the error for a text that does not begin with a token."""
    found = ((re.match(begin, rest, re.DOTALL), hint) for begin, hint in _INSTEAD.items())
    part, hint = next((match[0], hint) for match, hint in found if match)
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in part)
    return PatternError(f"{shown} tidak berlaku di sini, atau berarti lain di ECMA 262 dan PostgreSQL", hint)
