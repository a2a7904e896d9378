"""`logicalTypeOptions.pattern`: what ECMA 262, which ODCS names, and PostgreSQL, which runs it, read alike.

What belongs here: reading a pattern from left to right, and refusing what one of the two does not know or takes for
something else. Not here: looking for it in cells (load/stage/rules.py).

Sources: ECMA-262 5.1, 15.10.1; PostgreSQL manual, 9.7.3, "Regular Expression Details". Where they part: `.` and the
newline; \\d \\w \\s, which are ASCII in one and the collation's in the other; \\b, a word's edge and a backspace;
[[:alpha:]]; []a]; lookbehind, named groups and flags, of which 5.1 has none; back references to a group
that took no part.
"""

from __future__ import annotations

import re

LARGEST_BOUND = 255
"""PostgreSQL's DUPMAX."""
LARGEST_PATTERN = 500
"""Characters of a pattern with its repetitions written out. PostgreSQL refuses what needs too many states: of the worst
kind, optional parts in repeated groups, some 700."""
_SYNTAX = frozenset("^$\\.*+?()[]{}|/")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_BOUNDS = re.compile(r"\{([0-9]{1,9})(,([0-9]{1,9})?)?\}")
_UNICODE = re.compile(r"u([0-9A-Fa-f]{4})")
_CLASSES = {"d": "[0-9]", "w": "[0-9A-Za-z_]", "s": "[ \\t\\r\\n]"}
_INSTEAD = {**_CLASSES} | {c.upper(): spelled.replace("[", "[^") for c, spelled in _CLASSES.items()}


class PatternError(ValueError):
    """What in a pattern can't stay, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def check(pattern: str) -> None:
    """Raises PatternError where PostgreSQL would refuse the pattern, or read it otherwise than ECMA 262 does."""
    if not pattern:
        raise PatternError("the pattern is empty", "drop it: every text has nothing in it")
    size = _Reader(pattern).all()
    if size > LARGEST_PATTERN:
        raise PatternError(
            f"written out, its repetitions are more than {LARGEST_PATTERN:,} characters",
            "repeat less; maxLength bounds a text's length",
        )


class _Reader:
    """A pattern, read once; every method gives how many characters what it read is when written out."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0

    def all(self) -> int:
        size = self._alternatives()
        if self._next():
            raise PatternError("a ) closes nothing", "write \\) for the sign itself")
        return size

    def _next(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _take(self) -> str:
        sign = self._next()
        self.at += 1
        return sign

    def _alternatives(self) -> int:
        size = 0
        while (sign := self._next()) and sign != ")":
            if sign == "|":
                self.at += 1
            else:
                size += self._term()
        return size

    def _term(self) -> int:
        sign = self._take()
        if sign in "^$":
            return self._never_repeated(sign)
        if sign == "(":
            ahead = self.pattern.startswith(("?=", "?!"), self.at)
            size = self._group()
            return self._never_repeated("a lookahead", size) if ahead else self._repeated(size)
        if sign == "[":
            self._brackets()
        elif sign == "\\":
            self._escape(_SYNTAX)
        elif sign == ".":
            raise PatternError("'.' takes a newline in PostgreSQL, and none in ECMA 262", "[^\\r\\n], or \\.")
        elif sign in "*+?{":
            raise PatternError(f"{sign} repeats nothing", f"write \\{sign} for the sign itself")
        elif sign in "]}":
            raise PatternError(f"a {sign} closes nothing", f"write \\{sign} for the sign itself")
        else:
            _insist_on_one_unit(sign)
        return self._repeated(1)

    def _group(self) -> int:
        if self._next() == "?":
            self.at += 1
            if self._take() not in tuple(":=!"):
                raise PatternError(
                    "lookbehind, named groups, flags and comments are not in both",
                    "(...), (?:...), (?=...) and (?!...) are",
                )
        size = self._alternatives()
        if self._take() != ")":
            raise PatternError("a ( is not closed", "close it, or write \\( for the sign itself")
        return size

    def _repeated(self, size: int) -> int:
        """What was read, as often as the quantifier behind it says."""
        times = 1
        if self._next() in tuple("*+?"):
            self.at += 1
        elif self._next() == "{":
            times = self._bounds()
        else:
            return size
        if self._next() == "?":
            self.at += 1
        self._never_repeated("what is repeated already")
        return size * max(times, 1)

    def _bounds(self) -> int:
        bounds = _BOUNDS.match(self.pattern, self.at)
        if bounds is None:
            raise PatternError("{ begins no repetition", "{3}, {3,} or {1,3}; \\{ for the sign itself")
        self.at = bounds.end()
        least, most = int(bounds[1]), int(bounds[3] or bounds[1])
        if max(least, most) > LARGEST_BOUND:
            raise PatternError(f"more than {LARGEST_BOUND} repetitions", "PostgreSQL counts no further")
        if bounds[3] and least > most:
            raise PatternError(f"{bounds[0]} is more at least than at most", "correct it")
        return max(least, most)

    def _never_repeated(self, what: str, size: int = 0) -> int:
        if self._next() in tuple("*+?{"):
            raise PatternError(f"{what} can't be repeated", "drop the quantifier, or (?:...) around it")
        return size

    def _escape(self, known: frozenset[str]) -> str:
        """The character that is meant."""
        sign = self._take()
        if not sign:
            raise PatternError("a \\ escapes nothing", "write \\\\ for the sign itself")
        if sign in _INSTEAD:
            message = f"\\{sign} means ASCII in ECMA 262, and what the collation says in PostgreSQL"
            raise PatternError(message, f"{_INSTEAD[sign]}, or which signs you mean")
        if sign == "u" and (code := _UNICODE.match(self.pattern, self.at - 1)):
            self.at = code.end()
            return _insist_on_one_unit(chr(int(code[1], 16)))
        if sign not in known and sign not in _CONTROLS:
            message = f"\\{sign} does not mean the same in ECMA 262 and in PostgreSQL"
            raise PatternError(
                message, "escapes are \\t \\n \\r \\f \\v \\u0041, and a sign of ^$\\.*+?()[]{}|/"
            )
        return _CONTROLS.get(sign, sign)

    def _brackets(self) -> None:
        if self._next() == "^":
            self.at += 1
        if self._next() == "]":
            raise PatternError(
                "[] is empty in ECMA 262, and holds a ] in PostgreSQL", "write \\] in brackets"
            )
        before = ""  # the sign that a range may begin with
        first = True
        while (sign := self._take()) != "]":
            if sign == "-" and not first and self._next() != "]":
                if not before:
                    raise PatternError("a - behind a range means nothing", "write \\- for the sign itself")
                last = self._in_brackets(self._take())
                if last < before:
                    raise PatternError(f"the range {before}-{last} is none", "the lower sign first")
                before = ""
            else:
                before = self._in_brackets(sign)
            first = False

    def _in_brackets(self, sign: str) -> str:
        """The sign that is meant."""
        if not sign:
            raise PatternError("a [ is not closed", "close it, or write \\[ for the sign itself")
        if sign == "[":
            message = "[ in brackets begins a class of PostgreSQL's"
            raise PatternError(message, "[A-Za-z]; \\[ for the sign itself")
        return self._escape(_SYNTAX | {"-"}) if sign == "\\" else _insist_on_one_unit(sign)


def _insist_on_one_unit(sign: str) -> str:
    code = ord(sign)
    if code == 0 or 0xD800 <= code < 0xE000 or code > 0xFFFF:
        message = f"U+{code:04X} is no character, or two of ECMA 262's"
        raise PatternError(message, "characters from U+0001 to U+FFFF, no surrogates")
    return sign
